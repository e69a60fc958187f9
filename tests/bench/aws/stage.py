"""The functions behind the API and the queues with everything they need around them, and events as long as one asks for more."""

import itertools
import json
import os
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import events
from lambda_runtime import Function, FunctionError
from standin import Aws, Outside

ROOT = Path(__file__).resolve().parents[3]
# Everything this makes; the target folder is no part of the repository.
WORKSHOP = ROOT / "target" / "bench-aws"
NODE = Path(__file__).parent / "node"

STAGE = "bench"
# Queue → the function that works it off.
WORKERS = {"to-bot": "agent-messages", "to-ringcx": "ringcx-delivery", "queue-updates": "queue-updates"}
FUNCTIONS = ["source-sdk", "webhook-intake", "handover-requests", *WORKERS.values()]
HELLO, NODE_HELLO, NODE_JOB = "hello (Rust)", "hello (Node.js)", "source-sdk's job (Node.js)"

# A conversation in which an agent writes, and two that wait for an agent.
WITH_AGENT, WAITING, WATCHED = "bench/conv-active", "bench/conv-queued", "watched/conv-queued"


class Stage:
    def __init__(self, bootstraps: Path):
        self.bootstraps = bootstraps
        self.outside = Outside()
        self.settings = f"/engage-handover/{STAGE}/connections"
        connections = {
            f"{self.settings}/{connection}": events.connections_toml(connection, self.outside.address)
            for connection in (events.CONNECTION, events.WATCHED)
        }
        self.aws = Aws(WORKSHOP / "tls", connections)
        self._running: dict[str, Function] = {}
        self.spent: dict[str, Counter] = defaultdict(Counter)
        self._names = itertools.count(1)

    # ---- functions ----

    def start(self, name: str, memory_mb: int | None = None) -> Function:
        if name in (NODE_HELLO, NODE_JOB):
            script = NODE_DIRECTORY / ("hello.mjs" if name == NODE_HELLO else "source-sdk.mjs")
            return Function(name, ["node", str(script)], self._environment("source-sdk"), memory_mb)
        return Function(name, [str(self.bootstrap(name))], self._environment(name), memory_mb)

    def bootstrap(self, name: str) -> Path:
        return self.bootstraps / ("hello" if name == HELLO else name) / "bootstrap"

    def missing(self) -> list[Path]:
        return [path for name in [HELLO, *FUNCTIONS] if not (path := self.bootstrap(name)).exists()]

    def _environment(self, name: str) -> dict[str, str]:
        queues = f"{self.aws.endpoint}/000000000000/engage-handover-{STAGE}"
        worker = next((queue for queue, function in WORKERS.items() if function == name), None)
        return {
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_SESSION_TOKEN": "example",
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_CA_BUNDLE": str(self.aws.authority),
            "NODE_EXTRA_CA_CERTS": str(self.aws.authority),
            "SOURCE_TOKEN": events.SOURCE_TOKEN,
            "HANDOVER_STAGE": STAGE,
            "HANDOVER_TABLE": "engage-handover-bench",
            "HANDOVER_TO_BOT_QUEUE_URL": f"{queues}-to-bot.fifo",
            "HANDOVER_TO_RINGCX_QUEUE_URL": f"{queues}-to-ringcx.fifo",
            "HANDOVER_QUEUE_UPDATES_QUEUE_URL": f"{queues}-queue-updates.fifo",
            **({"HANDOVER_DEAD_LETTERS_URL": f"{queues}-{worker}-dead-letters.fifo"} if worker else {}),
            "HANDOVER_SETTINGS_PATH": self.settings,
            "HANDOVER_FILES_BUCKET": "engage-handover-bench-files",
            "HANDOVER_PUBLIC_URL": "https://bench.example.org",
        }

    def stop(self):
        for function in self._running.values():
            function.stop()
        self._running.clear()

    # ---- events ----

    def prepare(self):
        """Brings the conversations to where the events need them."""
        for conversation in (WITH_AGENT, WAITING, WATCHED):
            self.open(conversation)
        self.agent_message(WITH_AGENT)

    def open(self, conversation: str, transcript: int = 0):
        """A person writes, the bot asks for an agent, RCE has the conversation."""
        self.run("handover-requests", events.customer_message(conversation))
        self.run("handover-requests", events.handover(conversation, transcript))
        self.work_off()

    def agent_message(self, conversation: str = WITH_AGENT):
        self.run("source-sdk", events.agent_message(conversation))
        self.work_off()

    def person_message(self):
        self.run("handover-requests", events.customer_message(WITH_AGENT))
        self.work_off()

    def queue_update(self):
        self.run("source-sdk", events.queue_update(WAITING))
        self.work_off()

    def watched_queue_update(self):
        self.run("source-sdk", events.queue_update(WATCHED))
        self.work_off()

    def handover(self):
        """From the bot's request to the end by the agent, without the messages in between."""
        conversation = f"bench/conv-{next(self._names)}"
        self.run("handover-requests", events.handover(conversation, TRANSCRIPT))
        self.work_off()
        number = next(events.numbers)
        for kind in ("task.created", "task.taken", "intervention.opened", "intervention.closed"):
            self.run("webhook-intake", events.webhook(conversation, kind, number))
            self.work_off()

    def event(self, name: str) -> dict:
        """An event for a function that it has not seen yet."""
        match name:
            case "source-sdk":
                return events.agent_message(WITH_AGENT)
            case "handover-requests":
                return events.customer_message(WITH_AGENT)
            case "webhook-intake":
                return events.webhook(WITH_AGENT, "task.created")
            case "agent-messages":
                self.run("source-sdk", events.agent_message(WITH_AGENT))
                return self._job("to-bot")
            case "ringcx-delivery":
                self.run("handover-requests", events.customer_message(WITH_AGENT))
                return self._job("to-ringcx")
            case "queue-updates":
                # Two steps: one job for all subscribers, then one for each. The second is the one that delivers.
                self.run("source-sdk", events.queue_update(WATCHED))
                self.run(name, self._job("queue-updates"))
                return self._job("queue-updates")
            case _:
                return events.agent_message(WITH_AGENT)

    def _job(self, queue: str) -> dict:
        """What was just sent to `queue`, as its worker gets it."""
        sent = [message for message in self.aws.take() if self._is(message, queue)]
        if len(sent) != 1:
            raise FunctionError(f"{len(sent)} jobs were sent to {queue} instead of one")
        return events.batch(sent[0]["queue"], sent)

    # ---- running them ----

    def run(self, name: str, event: dict):
        """One event through a warm function; notes what that took."""
        function = self._running.get(name)
        if function is None:
            function = self._running[name] = self.start(name)
        log, cpu = function.log_bytes(), function.cpu_ms()
        answer, ms = function.invoke(event)
        check(function, answer)
        self.spent[name] += Counter(
            {
                "invocations": 1,
                "ms": ms,
                "cpu ms": function.cpu_ms() - cpu,
                "log bytes": function.log_bytes() - log,
            }
        )
        if "statusCode" in answer:
            self.spent[name] += Counter({"HTTP requests": 1, "bytes out": len(json.dumps(answer))})
        self.spent[name] += self.aws.take_counts() + self.outside.take_counts()

    def work_off(self):
        """Hands every message to its worker, one by one, until none is left."""
        while messages := self.aws.take():
            for message in messages:
                queue = next((queue for queue in WORKERS if self._is(message, queue)), None)
                if queue is None:
                    raise FunctionError(f"a message went to {message['queue']}:\n{message['body']}")
                self.spent[WORKERS[queue]]["received"] += 1
                self.run(WORKERS[queue], events.batch(message["queue"], [message]))
        if dead := [item for (partition, _), item in self.aws.items.items() if partition == "dead"]:
            raise FunctionError(f"put aside: {json.dumps(dead[0])}")

    def measure(self, operation, times: int) -> dict[str, dict[str, float]]:
        """What one operation costs on average, by function."""
        operation()
        self.spent.clear()
        for _ in range(times):
            operation()
        return {
            name: {what: amount / times for what, amount in sorted(spent.items())}
            for name, spent in self.spent.items()
        }

    @staticmethod
    def _is(message: dict, queue: str) -> bool:
        return message["queue"].endswith(f"-{STAGE}-{queue}.fifo")


def check(function: Function, answer):
    """What the function answered must be the answer of work that was done."""
    if isinstance(answer, dict) and "statusCode" in answer:
        if answer["statusCode"] < 300 and '"error"' not in (answer.get("body") or ""):
            return
    elif isinstance(answer, dict) and not answer.get("batchItemFailures", ["?"]):
        return
    raise FunctionError(f"{function.name} answered {json.dumps(answer)}\n{function.log()}")


# ---- Node ----

NODE_DIRECTORY = WORKSHOP / "node"
# Messages in the transcript of the handover that is counted.
TRANSCRIPT = 6


def install_node():
    """The comparators with their packages, installed outside the repository."""
    NODE_DIRECTORY.mkdir(parents=True, exist_ok=True)
    for file in NODE.iterdir():
        (NODE_DIRECTORY / file.name).write_bytes(file.read_bytes())
    wanted = json.loads((NODE / "package.json").read_text())["dependencies"]
    for package, version in wanted.items():
        installed = NODE_DIRECTORY / "node_modules" / package / "package.json"
        if not installed.exists() or json.loads(installed.read_text())["version"] != version:
            quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--silent"]
            subprocess.run(
                ["npm", "install", *quiet], cwd=NODE_DIRECTORY, check=True, env={**os.environ, "CI": "1"}
            )
            return
