"""Events as Lambda hands them to the functions: API Gateway (payload 2.0) and SQS."""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime

from standin import AGENT_CATEGORY, BOT_CATEGORY, SOURCE_ID, THREAD_PREFIX

# Conversations are named with their connection: `bench/conv-1`. The second connection's queue is watched by one more
# subscriber than the bot.
CONNECTION, WATCHED = "bench", "watched"
BOT_KEY = "bench-bot-key-0123456789"
SOURCE_TOKEN = "bench-source-token-0123456789"
WEBHOOK_SECRET = "bench-webhook-secret-0123456789"

numbers = itertools.count(1)


def connections_toml(connection: str, outside: str) -> str:
    """The settings of a connection, whose RCE and bot are at `outside`."""
    signing_secret = "whsec_" + base64.b64encode(b"bench-signing-secret-0123456789").decode()
    text = f"""[connections.{connection}]
bot_keys = ["{BOT_KEY}"]
get_queue_updates = true

[connections.{connection}.ringcx]
base_api_url = "{outside}"
api_access_token = "bench-api-token"
realtime_endpoint_url = "{outside}/realtime/sdk/{SOURCE_ID}"
realtime_access_tokens = ["{SOURCE_TOKEN}"]
webhook_secrets = ["{WEBHOOK_SECRET}"]
verification_token = "bench-verification-token"
bot_category_id = "{BOT_CATEGORY}"
agent_category_id = "{AGENT_CATEGORY}"
requests_per_minute = 100000

[connections.{connection}.bot]
url = "{outside}/events"
signing_secrets = ["{signing_secret}"]
"""
    if connection == WATCHED:
        text += f"""
[[connections.{connection}.bot.queue_subscribers]]
url = "{outside}/events?watching"
signing_secrets = ["{signing_secret}"]
"""
    return text


def call(method: str, path: str, headers: dict[str, str], body: str, route: str) -> dict:
    """An HTTP request as API Gateway passes it on."""
    now = datetime.now(UTC)
    headers = {
        "content-length": str(len(body.encode())),
        "content-type": "application/json",
        "host": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
        "user-agent": "benchmark",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        **headers,
    }
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "abcdefghij",
            "domainName": headers["host"],
            "domainPrefix": "abcdefghij",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "benchmark",
            },
            "requestId": f"request-{next(numbers)}",
            "routeKey": route,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
        "body": body,
    }


def batch(queue: str, messages: list[dict]) -> dict:
    """A batch of messages (as the stand-in kept them) as the event source passes it on."""
    return {
        "Records": [
            {
                "messageId": f"{message['sequence']:08}-0000-4000-8000-000000000000",
                "receiptHandle": f"receipt-{message['sequence']}",
                "body": message["body"],
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "ApproximateFirstReceiveTimestamp": str(int(datetime.now(UTC).timestamp() * 1000)),
                    "AWSTraceHeader": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
                    "MessageDeduplicationId": message["deduplication"],
                    "MessageGroupId": message["group"],
                    "SenderId": "AROAEXAMPLE:bench",
                    "SentTimestamp": str(int(datetime.now(UTC).timestamp() * 1000)),
                    "SequenceNumber": f"{message['sequence']:020}",
                },
                "messageAttributes": {
                    name: {
                        "stringValue": value.get("StringValue"),
                        "dataType": value["DataType"],
                        "stringListValues": [],
                        "binaryListValues": [],
                    }
                    for name, value in message["attributes"].items()
                },
                "md5OfBody": hashlib.md5(message["body"].encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-central-1:000000000000:{queue}",
                "awsRegion": "eu-central-1",
            }
            for message in messages
        ]
    }


def bot_call(conversation: str, what: str, body: dict) -> dict:
    connection, _, name = conversation.partition("/")
    path = f"/{connection}/conversations/{name}/{what}"
    route = f"POST /{{connection}}/conversations/{{id}}/{what}"
    return call("POST", path, {"authorization": f"Bearer {BOT_KEY}"}, json.dumps(body), route)


def customer_message(conversation: str, size: int = 200) -> dict:
    """A person's message, by the bot API."""
    body = {"id": f"m-{next(numbers)}", "from": "user", "text": words(size), "user": USER}
    return bot_call(conversation, "messages", body)


def handover(conversation: str, transcript: int = 0) -> dict:
    """The bot asks for an agent; the transcript has so many messages."""
    lines = [
        {"id": f"m-{next(numbers)}", "from": ("user", "bot")[n % 2], "text": words(100), "sent_at": now()}
        for n in range(transcript)
    ]
    body = {"id": f"h-{next(numbers)}", "reason": "wants a human", "summary": words(200), "user": USER}
    return bot_call(conversation, "handover", body | ({"transcript": lines} if lines else {}))


def source_call(conversation: str, action: str, params: dict) -> dict:
    connection, _, params["thread_id"] = conversation.partition("/")
    body = json.dumps({"action": action, "params": params, "time": now()}, separators=(",", ":"))
    headers = {"x-smccsdk-signature": signature(body)}
    path = f"/{connection}/handover/rce/source"
    return call("POST", path, headers, body, "POST /{connection}/handover/rce/source")


def agent_message(conversation: str, size: int = 1024) -> dict:
    """An agent's message; `size` is that of the whole body."""

    def event(text: str) -> dict:
        params = {
            "author_id": "agent",
            "body": text,
            "content_id": f"65d0a100{next(numbers):016x}",
            "created_at": now(),
            "format": "text",
            "sender_name": "Sam",
        }
        return source_call(conversation, "messages.create", params)

    return event(words(size - len(event("")["body"])))


def queue_update(conversation: str) -> dict:
    """Another place in the queue than the one before."""
    params = {"position": next(numbers) % 97 + 1, "estimated_wait_time": 30}
    return source_call(conversation, "messaging.queuing_update", params)


def webhook(conversation: str, kind: str, number: int | None = None) -> dict:
    """One event of RCE about the conversation's thread."""
    connection, _, name = conversation.partition("/")
    number = number or next(numbers)
    task = kind.startswith("task.")
    resource = {
        "type": "task" if task else "intervention",
        "id": f"65d0a1000000{number:012x}",
        "metadata": {
            "thread_id": THREAD_PREFIX + name,
            "source_id": SOURCE_ID,
            "category_ids": [AGENT_CATEGORY],
            "channel_id": "65d0a100000000000000c4a1",
            "content_thread_id": None,
            **({} if task else {"user_id": "65d0a10000000000000a0001"}),
        },
    }
    event = {"type": kind, "id": f"65d0a1e0{next(numbers):016x}", "issued_at": now(), "resource": resource}
    if kind == "task.taken":
        event["user_id"] = "65d0a10000000000000a0001"
    body = {"id": f"65d0a1d0{next(numbers):016x}", "domain_id": "65d0a10000000000000d0001", "events": [event]}
    path = f"/{connection}/handover/rce/webhook"
    headers = {"x-dimelo-secret": WEBHOOK_SECRET}
    return call("POST", path, headers, json.dumps(body), "POST /{connection}/handover/rce/webhook")


USER = {"id": "usr-42", "firstname": "Ada", "lastname": "Example", "email": "ada@example.org"}


def words(size: int) -> str:
    return ("We have found your parcel in Lyon. " * (size // 35 + 1))[: max(4, size)]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def signature(body: str) -> str:
    return hmac.new(SOURCE_TOKEN.encode(), body.encode(), hashlib.sha512).hexdigest()
