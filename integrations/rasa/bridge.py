"""How the channel and the action call the bridge. Standard library only."""
import http.client, json, os, time, urllib.parse, urllib.request

def post(url, body, headers={}, method="POST"):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()

def call(method, conversation, what, key, body):
    """One call of the bot API. Every attempt has the same key and body: the bridge acts once."""
    url = f"{os.environ['BRIDGE_URL']}/conversations/{urllib.parse.quote(conversation, safe='')}/{what}"
    headers = {"Authorization": f"Bearer {os.environ['BOT_KEY']}", "Idempotency-Key": key}
    for wait in (0.25, 1, 3, None):
        try:
            return json.loads(post(url, body, headers, method))
        except (OSError, http.client.HTTPException) as error:  # no answer at all is worth another attempt, too
            if wait is None or getattr(error, "code", 503) not in (429, *range(500, 600)):
                raise RuntimeError(f"{method} {what} was not taken: {error} {getattr(error, 'read', bytes)().decode()}")
        time.sleep(wait)
