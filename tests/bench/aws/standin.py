"""Stands in for everything around the functions: DynamoDB, SQS and SSM over TLS, RCE and the bot over HTTP.

It keeps items and messages in memory, answers at once, refuses nothing and evaluates no condition: it is there to be
cheap and always the same, and to count what the functions ask of AWS. What the services would refuse is the tests'
business.
"""

import hashlib
import json
import math
import re
import ssl
import subprocess
import threading
import urllib.parse
from collections import Counter
from pathlib import Path

from http1 import response, serve

# The indexes of the table: hash key, range key. Both project keys only.
INDEXES = {"by-rce-thread": ("rce", "started"), "by-change": ("shard", "changed"), "by-look": ("shard", "look")}

BOT_CATEGORY = "61aa"
AGENT_CATEGORY = "61ab"
SOURCE_ID = "5f0c0000"
THREAD_PREFIX = "rce-"


class Aws:
    """`endpoint` answers as AWS does; `authority` is the file with the certificate to trust."""

    def __init__(self, directory: Path, parameters: dict[str, str]):
        self.parameters = parameters
        self.items: dict[tuple[str, str], dict] = {}
        self.messages: list[dict] = []
        self.counted: Counter = Counter()
        self._lock = threading.Lock()
        self._sequence = 0
        self.authority, tls = certificate(directory)
        self.endpoint = f"https://localhost:{serve(self._answer, tls)}"

    def take(self) -> list[dict]:
        """The messages that were sent since the last time, oldest first."""
        with self._lock:
            taken, self.messages = self.messages, []
        return taken

    def take_counts(self) -> Counter:
        with self._lock:
            counted, self.counted = self.counted, Counter()
        return counted

    def _answer(self, _method: str, _path: str, headers: dict, body: bytes) -> bytes:
        service, _, operation = headers.get("x-amz-target", "").partition(".")
        request = json.loads(body or b"{}")
        with self._lock:
            handler = getattr(self, f"_{operation}", None)
            if handler is None:
                answer = {"__type": "UnknownOperationException", "message": f"{service}.{operation}"}
                return response(400, json.dumps(answer).encode(), content_type="application/x-amz-json-1.0")
            self.counted[f"{'DynamoDB' if service.startswith('DynamoDB') else service[6:]} {operation}"] += 1
            answer = handler(request)
        return response(200, json.dumps(answer).encode(), content_type="application/x-amz-json-1.0")

    # ---- DynamoDB ----

    def _GetItem(self, request):
        item = self.items.get(key(request["Key"]))
        self._read(request, [item] if item else [])
        return {"Item": item} if item else {}

    def _BatchGetItem(self, request):
        found = {}
        for table, wanted in request["RequestItems"].items():
            found[table] = []
            for wanted_key in wanted["Keys"]:
                item = self.items.get(key(wanted_key))
                self._read(wanted, [item] if item else [])
                found[table] += [item] if item else []
        return {"Responses": found, "UnprocessedKeys": {}}

    def _Query(self, request):
        names, values = (
            request.get("ExpressionAttributeNames", {}),
            request.get("ExpressionAttributeValues", {}),
        )
        conditions = conjuncts(request["KeyConditionExpression"])
        found = [
            item for item in self.items.values() if all(holds(c, item, names, values) for c in conditions)
        ]
        hash_key, range_key = INDEXES.get(request.get("IndexName"), ("pk", "sk"))
        found = [item for item in found if hash_key in item and range_key in item]
        found.sort(
            key=lambda item: comparable(item[range_key]), reverse=not request.get("ScanIndexForward", True)
        )
        found = found[: request.get("Limit")]
        if "IndexName" in request:
            keys = {"pk", "sk", hash_key, range_key}
            found = [{name: value for name, value in item.items() if name in keys} for item in found]
        self._read(request, found)
        if request.get("Select") == "COUNT":
            return {"Count": len(found), "ScannedCount": len(found)}
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def _PutItem(self, request):
        return self._changed(request, *self._put(request, 1))

    def _UpdateItem(self, request):
        return self._changed(request, *self._update(request, 1))

    def _DeleteItem(self, request):
        return self._changed(request, *self._delete(request, 1))

    def _TransactWriteItems(self, request):
        for action in request["TransactItems"]:
            for what, item in action.items():
                {
                    "Put": self._put,
                    "Update": self._update,
                    "Delete": self._delete,
                    "ConditionCheck": self._check,
                }[what](item, 2)
        return {}

    def _BatchWriteItem(self, request):
        for actions in request["RequestItems"].values():
            for action in actions:
                for what, item in action.items():
                    {"PutRequest": self._put, "DeleteRequest": self._delete}[what](item, 1)
        return {"UnprocessedItems": {}}

    def _put(self, request, factor):
        return self._write(key(request["Item"]), request["Item"], factor)

    def _update(self, request, factor):
        item_key = key(request["Key"])
        item = {**request["Key"], **self.items.get(item_key, {})}
        names, values = (
            request.get("ExpressionAttributeNames", {}),
            request.get("ExpressionAttributeValues", {}),
        )
        update(item, request.get("UpdateExpression", ""), names, values)
        return self._write(item_key, item, factor)

    def _delete(self, request, factor):
        return self._write(key(request["Key"]), None, factor)

    def _check(self, request, factor):
        self.counted["write units"] += factor * write_units(self.items.get(key(request["Key"])))

    def _write(self, item_key, item, factor):
        before = self.items.pop(item_key, None)
        if item is not None:
            self.items[item_key] = item
        self.counted["write units"] += factor * max(write_units(before), write_units(item))
        for keys in INDEXES.values():
            old, new = (tuple(json.dumps((i or {}).get(k)) for k in keys) for i in (before, item))
            # A changed index key takes the old entry out and puts a new one in.
            if old != new:
                self.counted["index write units"] += sum("null" not in entry for entry in (old, new))
        return before, item

    @staticmethod
    def _changed(request, before, after):
        wanted = request.get("ReturnValues", "NONE")
        item = {"ALL_OLD": before, "ALL_NEW": after, "UPDATED_NEW": after, "UPDATED_OLD": before}.get(wanted)
        return {"Attributes": item} if item else {}

    def _read(self, request, items):
        size = sum(item_size(item) for item in items)
        units = max(1, math.ceil(size / 4096))
        self.counted["read units"] += units if request.get("ConsistentRead") else units / 2

    # ---- SQS ----

    def _SendMessage(self, request):
        return self._send(request, request["QueueUrl"])

    def _SendMessageBatch(self, request):
        size = sum(len(entry["MessageBody"].encode()) for entry in request["Entries"])
        self.counted["queue requests"] -= len(request["Entries"]) - max(1, math.ceil(size / 65_536))
        sent = [{"Id": entry["Id"], **self._send(entry, request["QueueUrl"])} for entry in request["Entries"]]
        return {"Successful": sent, "Failed": []}

    def _send(self, entry, url):
        body = entry["MessageBody"].encode()
        self._sequence += 1
        self.counted["queue requests"] += max(1, math.ceil(len(body) / 65_536))
        message = {
            "queue": url.rpartition("/")[2],
            "body": entry["MessageBody"],
            "group": entry.get("MessageGroupId", ""),
            "deduplication": entry.get("MessageDeduplicationId", ""),
            "attributes": entry.get("MessageAttributes", {}),
            "sequence": self._sequence,
        }
        self.messages.append(message)
        return {
            "MessageId": f"{self._sequence:08}-0000-4000-8000-000000000000",
            "MD5OfMessageBody": hashlib.md5(body, usedforsecurity=False).hexdigest(),
            "SequenceNumber": f"{self._sequence:020}",
        }

    def _ChangeMessageVisibility(self, _request):
        self.counted["queue requests"] += 1
        return {}

    def _ChangeMessageVisibilityBatch(self, request):
        self.counted["queue requests"] += 1
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]], "Failed": []}

    def _GetQueueAttributes(self, _request):
        self.counted["queue requests"] += 1
        return {"Attributes": {}}

    # ---- SSM ----

    def _GetParameter(self, request):
        name = request["Name"]
        return {"Parameter": self._parameter(name, self.parameters[name])}

    def _GetParametersByPath(self, request):
        below = request["Path"].rstrip("/") + "/"
        found = [self._parameter(*entry) for entry in self.parameters.items() if entry[0].startswith(below)]
        return {"Parameters": found}

    @staticmethod
    def _parameter(name, value):
        arn = f"arn:aws:ssm:eu-central-1:000000000000:parameter{name}"
        return {
            "ARN": arn,
            "DataType": "text",
            "Name": name,
            "Type": "SecureString",
            "Value": value,
            "Version": 1,
        }


class Outside:
    """RCE and the bot, at `address`. They take everything."""

    def __init__(self):
        self.counted: Counter = Counter()
        self._categories: dict[str, list[str]] = {}
        self.address = f"http://127.0.0.1:{serve(self._answer)}"

    def take_counts(self) -> Counter:
        counted, self.counted = self.counted, Counter()
        return counted

    def _answer(self, method: str, path: str, headers: dict, body: bytes) -> bytes:
        if method == "HEAD":  # somebody opens a connection ahead of time
            return response(200, b"")
        self.counted["bytes out"] += len(body) + sum(
            len(name) + len(value) + 4 for name, value in headers.items()
        )
        path, _, query = path.partition("?")
        if path == "/events":
            self.counted["bot calls"] += 1
            return response(204, b"")
        if path.startswith("/realtime/"):
            self.counted["Send API calls"] += 1
            return response(200, b"ok", content_type="text/plain")
        self.counted["REST calls"] += 1
        return response(200, json.dumps(self._rest(method, path, query, body)).encode())

    def _rest(self, _method: str, path: str, query: str, body: bytes):
        parts = path.strip("/").split("/")
        if "content_threads" not in parts:
            return {"records": [], "count": 0}
        rest = parts[parts.index("content_threads") + 1 :]
        if not rest:
            search = dict(urllib.parse.parse_qsl(query)).get("q", '""')
            return {"records": [self._thread(THREAD_PREFIX + search.split('"')[1])], "count": 1}
        if rest[1:] == ["update_categories"]:
            self._categories[rest[0]] = [value for _, value in urllib.parse.parse_qsl(body.decode())]
        return self._thread(rest[0])

    def _thread(self, thread: str) -> dict:
        return {
            "id": thread,
            "foreign_id": thread.removeprefix(THREAD_PREFIX),
            "source_id": SOURCE_ID,
            "thread_category_ids": self._categories.get(thread, [BOT_CATEGORY]),
        }


def certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """An authority and, signed by it, a certificate for `localhost`."""
    directory.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments: str):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    new_key = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
        "-x509",
    ]
    openssl(*new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Benchmark authority")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"]
    leaf = ["-addext", "basicConstraints=critical,CA:FALSE"]
    openssl(*new_key, "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", *signed, *leaf)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return directory / "ca.pem", context


# ---- items and expressions, as far as the functions use them ----


def key(item: dict) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def item_size(item: dict | None) -> int:
    """What DynamoDB charges for: names and values, in bytes."""
    return sum(len(name.encode()) + value_size(value) for name, value in (item or {}).items())


def value_size(value: dict) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.strip("-.")) + 1) // 2 + 1 + content.startswith("-")
        case "B":
            return len(content) * 3 // 4
        case "M":
            return 3 + item_size(content) + len(content)
        case "L":
            return 3 + sum(1 + value_size(element) for element in content)
        case "SS":
            return sum(len(element.encode()) for element in content)
        case _:
            return 1


def write_units(item: dict | None) -> int:
    return max(1, math.ceil(item_size(item) / 1024))


def comparable(value: dict):
    return float(value["N"]) if "N" in value else value.get("S", "")


def conjuncts(expression: str) -> list[str]:
    # The AND of a BETWEEN belongs to it.
    parts = re.split(r"\s+AND\s+", expression)
    joined: list[str] = []
    for part in parts:
        if joined and re.search(r"\sBETWEEN\s+:\w+$", joined[-1]):
            joined[-1] += f" AND {part}"
        else:
            joined.append(part)
    return joined


def holds(condition: str, item: dict, names: dict, values: dict) -> bool:
    """Whether one condition on a key holds."""
    condition = condition.strip()
    if found := re.fullmatch(r"begins_with\s*\(\s*([#\w]+)\s*,\s*(:\w+)\s*\)", condition):
        name, prefix = found.groups()
        return item.get(names.get(name, name), {}).get("S", "").startswith(values[prefix]["S"])
    if found := re.fullmatch(r"([#\w]+)\s+BETWEEN\s+(:\w+)\s+AND\s+(:\w+)", condition):
        name, low, high = found.groups()
        value = item.get(names.get(name, name))
        return value is not None and comparable(values[low]) <= comparable(value) <= comparable(values[high])
    found = re.fullmatch(r"([#\w]+)\s*(=|<=|>=|<|>)\s*(:\w+)", condition)
    if not found:
        raise ValueError(f"the stand-in cannot read the key condition {condition!r}")
    name, operator, wanted = found.groups()
    value = item.get(names.get(name, name))
    if value is None:
        return False
    left, right = comparable(value), comparable(values[wanted])
    return {
        "=": left == right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }[operator]


def update(item: dict, expression: str, names: dict, values: dict):
    """Applies an update expression on attributes at the top level."""
    pieces = re.split(r"\b(SET|REMOVE|ADD|DELETE)\b", expression)
    for clause, text in zip(pieces[1::2], pieces[2::2], strict=True):
        for action in arguments(text):
            if clause == "SET":
                name, _, value = action.partition("=")
                item[attribute(name, names)] = operand(value, item, names, values)
            elif clause == "REMOVE":
                item.pop(attribute(action, names), None)
            elif clause == "ADD":
                name, value = action.split()
                name, value = attribute(name, names), values[value]
                if "N" in value:
                    item[name] = plus(item.get(name, {"N": "0"}), value, 1)
                else:
                    ((kind, added),) = value.items()
                    item[name] = {kind: sorted({*item.get(name, {}).get(kind, []), *added})}
            else:
                name, value = action.split()
                ((kind, removed),) = values[value].items()
                rest = [e for e in item.get(attribute(name, names), {}).get(kind, []) if e not in removed]
                if rest:
                    item[attribute(name, names)] = {kind: rest}
                else:
                    item.pop(attribute(name, names), None)


def arguments(text: str) -> list[str]:
    """The parts between commas that are not within brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def attribute(name: str, names: dict) -> str:
    name = name.strip()
    return names.get(name, name)


def plus(left: dict, right: dict, sign: int) -> dict:
    return {"N": str(int(left["N"]) + sign * int(right["N"]))}


def operand(text: str, item: dict, names: dict, values: dict) -> dict:
    text = text.strip()
    if found := re.fullmatch(r"(.+?)\s+([+-])\s+(.+)", text):
        left, sign, right = found.groups()
        return plus(
            operand(left, item, names, values), operand(right, item, names, values), 1 if sign == "+" else -1
        )
    if text.endswith(")"):
        function, _, inside = text[:-1].partition("(")
        first, second = arguments(inside)
        if function.strip() == "if_not_exists":
            return item.get(attribute(first, names)) or operand(second, item, names, values)
        left, right = (operand(part, item, names, values) for part in (first, second))
        return {"L": left["L"] + right["L"]}
    return values[text] if text.startswith(":") else item[attribute(text, names)]
