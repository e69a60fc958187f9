"""A chat bot that brings in human agents through the bridge. docs/bots/python.md says how to run it."""
import http.client, json, os, threading, time, urllib.parse, urllib.request, uuid
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from standardwebhooks import Webhook, WebhookVerificationError

BRIDGE, KEY, SECRET, PORT = (os.environ[name] for name in ("BRIDGE_URL", "BOT_KEY", "SIGNING_SECRET", "PORT"))
WEBHOOK, BACK = Webhook(SECRET), "You are back with the bot."
NOTICES = {"handover.completed": BACK, "handover.cancelled": BACK, "handover.timed_out": f"Nobody had time. {BACK}",
           "handover.failed": f"Nobody can be reached. {BACK}", "message.failed": "That did not arrive. Say it again?"}
lines, newest, turns, lock = defaultdict(dict), defaultdict(int), defaultdict(threading.Lock), threading.Lock()

def show(chat, id, sender, text, name=None):  # what has the same id is shown once
    lines[chat].setdefault(id, {"from": sender, "name": name, "text": text})

def call(method, chat, what, key, body):
    url, auth = f"{BRIDGE}/conversations/{urllib.parse.quote(chat, safe='')}/{what}", {"Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), {**auth, "Idempotency-Key": key}, method=method)
    for wait in (0.25, 1, 3, None):  # every attempt has the same key and body: the bridge acts once
        try:
            return json.load(urllib.request.urlopen(request, timeout=10))
        except (OSError, http.client.HTTPException) as error:  # no answer at all is worth another attempt, too
            if wait is None or getattr(error, "code", 503) not in (429, *range(500, 600)):
                raise RuntimeError(f"{method} {what} was not taken: {error} {getattr(error, 'read', bytes)().decode()}")
        time.sleep(wait)

def say(chat, id, text):  # agents read the bot's words, too
    call("POST", chat, "messages", id, {"id": id, "from": "bot", "text": text})
    show(chat, id, "bot", text)

def hear(chat, id, text, user):
    with turns[chat]:  # the bridge keeps the order in which it is told
        show(chat, id, "user", text)
        if call("POST", chat, "messages", id, {"id": id, "from": "user", "text": text, "user": user})["handler"] == "agent":
            if text.strip().lower() == "bot":  # otherwise the bot stays silent
                call("DELETE", chat, "handover", f"{id}-cancel", {"cause": "user_cancelled"})
        elif "agent" not in text.lower():
            say(chat, f"{id}-answer", "I am a small bot. Say agent, and a human will help.")
        else:
            say(chat, f"{id}-asking", "I am asking a colleague to join. They see what we wrote.")
            why = {"reason": "asked for a human", "summary": f"Last words: {text}", "user": user}
            handover = call("POST", chat, "handover", f"{id}-handover", why)["handover"]
            if handover["status"] == "unavailable":
                say(chat, f"{id}-sorry", f"Sorry, nobody is there now ({handover['reason']}).")

def apply(id, kind, data):
    chat, agent = data["conversation"], data.get("agent", {}).get("name") or "A colleague"
    place = f"Your place in the queue: {data.get('position', 'not known yet')}."
    news = {**NOTICES, "handover.queued": place, "handover.active": f"{agent} is here."}.get(kind)
    with lock:
        if kind == "message.created":  # also when it comes late, because an operator sent it again
            text = [data["message"]["text"] or "", *(file["url"] for file in data["message"]["attachments"])]
            show(chat, id, "agent", "\n".join(text).strip(), data["message"]["agent"]["name"])
        elif news and data["seq"] > newest[chat]:  # what is not newer is a repeat, or over
            show(chat, id, "notice", news)
        newest[chat] = max(newest[chat], data["seq"])

class Door(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, list(lines[urllib.parse.unquote(self.path.removeprefix("/chat/"))].values()))
    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = WEBHOOK.verify(raw, dict(self.headers)) if self.path == "/events" else json.loads(raw)
            if self.path == "/events":
                apply(self.headers["webhook-id"], body["type"], body["data"])
            else:
                hear(body["conversation"], body.get("id") or str(uuid.uuid4()), body["text"], body.get("user"))
            self.answer(200, "ok")
        except (WebhookVerificationError, ValueError):  # the latter: a signature or a body that cannot be read
            self.answer(400, "not JSON, or not signed with SIGNING_SECRET just now")
        except (KeyError, RuntimeError) as error:  # the bridge, or the chat, tries again
            self.answer(503, repr(error))
    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

ThreadingHTTPServer(("127.0.0.1", int(PORT)), Door).serve_forever()
