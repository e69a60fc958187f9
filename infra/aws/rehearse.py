"""Deploys the stage dev into an emulator on this machine, calls it and removes it again.

    cargo lambda build --release -p webhook-intake -p source-sdk -p handover-requests \
        -p agent-messages -p ringcx-delivery -p queue-updates -p handover-watch
    python infra/aws/rehearse.py                 # target/lambda, as cargo lambda build left it
    python infra/aws/rehearse.py --stand-in      # a small script in place of the functions: the template alone

`sam deploy` runs as it would against AWS, with samconfig.toml. What differs: the template is translated here, because
the emulator translates without parameters, and prebuilt bootstraps take the place of `sam build`. The emulator knows
no alarm with a formula, so the stage must be one without alarms; it drops expiry, redrive and throughput mode when
they come from a template, so check.py looks at those; and it runs a function more than once for an event now and
then, so nothing is counted.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import stages
from stages import ROOT

STAGE = "dev"
STACK = f"engage-handover-{STAGE}"
FUNCTIONS = (
    "agent-messages", "handover-requests", "handover-watch", "queue-updates", "ringcx-delivery", "source-sdk",
    "webhook-intake",
)  # fmt: skip
TOKEN = "rehearsal-realtime-token"

SETTINGS = f"""\
[connections.default]
bot_keys = ["rehearsal-bot-key-0001"]

[connections.default.ringcx]
base_api_url = "http://127.0.0.1:9"
api_access_token = "rehearsal-api-access-token"
realtime_endpoint_url = "http://127.0.0.1:9/realtime/sdk/5f0c0000"
realtime_access_tokens = ["{TOKEN}"]
webhook_secrets = ["rehearsal-webhook-secret"]
verification_token = "rehearsal-verification-token"
bot_category_id = "61aa"
agent_category_id = "61ab"

[connections.default.bot]
url = "http://127.0.0.1:9/events"
signing_secrets = ["whsec_{base64.b64encode(b"rehearsal-signing-secret").decode()}"]
"""

# Answers every call with its route; loses nothing from a queue, because it works nothing off.
STAND_IN = """\
#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        id, call = event.headers["Lambda-Runtime-Aws-Request-Id"], json.load(event)
    failed = [{"itemIdentifier": record["messageId"]} for record in call.get("Records", [])]
    body = json.dumps({"route": call.get("routeKey"), "function": os.environ["AWS_LAMBDA_FUNCTION_NAME"]})
    answer = {"statusCode": 200, "body": body, "batchItemFailures": failed}
    urllib.request.urlopen(urllib.request.Request(api + id + "/response", json.dumps(answer).encode()))
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--bootstraps", type=pathlib.Path, default=ROOT / "target/lambda")
    arguments.add_argument("--stand-in", action="store_true")
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, emulator(pathlib.Path(folder)) as url:
        folder = pathlib.Path(folder)
        functions = stand_ins(folder) if arguments.stand_in else wrapped(arguments.bootstraps, folder)
        template = packaged(functions, folder)
        sam("deploy", "--template-file", template, "--no-confirm-changeset", url=url)
        rehearsal = Rehearsal(url)
        rehearsal.look_at_what_is_there()
        if arguments.stand_in:
            rehearsal.every_route_reaches_its_function()
        else:
            rehearsal.health()
            rehearsal.settings_from_ssm()
            rehearsal.source_sdk()
            rehearsal.bot_api()
            rehearsal.unreadable_record()
            rehearsal.a_look_after_handovers()
        rehearsal.remove()
    print("rehearsal: all as it should be")


@contextlib.contextmanager
def emulator(folder):
    """The address of a ministack of our own. Only loopback, and gone at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = environment_for(url) | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": stages.REGION,
        "IOT_MTLS_ENABLED": "0",  # else it opens a port to everybody
    }
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen([tool("ministack")], env=environment, stdout=output, stderr=output)
    try:
        wait(lambda: answers(url + "/_ministack/health"), "the emulator does not start", log)
        yield url
    except BaseException:
        for said in sorted(folder.glob("*.log")):
            print(f"--- {said.name}\n{said.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        raise
    finally:
        process.terminate()
        process.wait()


def environment_for(url):
    return stages.sam_environment() | {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": stages.REGION,
        "AWS_DEFAULT_REGION": stages.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def tool(name):
    """A program of the virtualenv that runs this."""
    beside = pathlib.Path(sys.executable).parent / name
    return str(beside) if beside.exists() else name


def sam(*arguments, url):
    command = [tool("sam"), *map(str, arguments), "--config-file", str(ROOT / "samconfig.toml"), "--config-env", STAGE]
    command += ["--region", stages.REGION]
    print("$", " ".join(["sam", *map(str, arguments[:1]), "--config-env", STAGE, "…"]))
    answer = subprocess.run(command, cwd=ROOT, env=environment_for(url), capture_output=True, text=True)
    if answer.returncode:
        sys.exit(f"{answer.stdout[-4000:]}\n{answer.stderr[-4000:]}")


def stand_ins(folder):
    for name in FUNCTIONS:
        bootstrap = folder / "lambda" / name / "bootstrap"
        bootstrap.parent.mkdir(parents=True)
        bootstrap.write_text(STAND_IN)
        bootstrap.chmod(0o755)
    return folder / "lambda"


def wrapped(bootstraps, folder):
    """The real ones. The emulator throws away what a function prints, so each prints into a file."""
    for name in FUNCTIONS:
        real = bootstraps.resolve() / name / "bootstrap"
        if not real.exists():
            sys.exit(f"{real} does not exist; build it with cargo lambda build --release (see the top of this file)")
        code = folder / "lambda" / name
        code.mkdir(parents=True)
        shutil.copy(real, code / "function")
        bootstrap = code / "bootstrap"
        bootstrap.write_text(f'#!/bin/sh\nexec "$LAMBDA_TASK_ROOT/function" >>"{folder}/{name}.log" 2>&1\n')
        bootstrap.chmod(0o755)
    return folder / "lambda"


def packaged(functions, folder):
    """The translated template with each function's code beside it, as `sam build` would leave it."""
    values = stages.parameters(STAGE)
    assert values["Alarms"] == "false", f"{STAGE} has alarms, which the emulator does not know"
    template = stages.translate(stages.TEMPLATE.read_text(), values)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            binary = resource.pop("Metadata")["BuildProperties"]["Binary"]
            resource["Properties"]["Code"] = str(functions / binary)
    path = folder / "template.json"
    path.write_text(json.dumps(template))
    return path


class Rehearsal:
    """What the deployed stage is asked."""

    def __init__(self, url):
        import boto3  # comes with sam

        self.url = url
        session = boto3.Session("test", "test", region_name=stages.REGION)
        self.client = lambda service: session.client(service, endpoint_url=url)
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.api = self.outputs["EndpointUrl"].removeprefix("https://").partition(".")[0]

    def look_at_what_is_there(self):
        table = self.client("dynamodb").describe_table(TableName=self.outputs["TableName"])["Table"]
        assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"by-rce-thread", "by-change", "by-look"}
        sqs = self.client("sqs")
        for name in ("ToBotQueueUrl", "ToRingcxQueueUrl", "QueueUpdatesQueueUrl"):
            queue = sqs.get_queue_attributes(QueueUrl=self.outputs[name], AttributeNames=["All"])["Attributes"]
            assert queue["FifoQueue"] == "true", queue
            assert int(queue["VisibilityTimeout"]) >= 180, queue
        functions = self.client("lambda")
        names = {function["FunctionName"] for function in functions.list_functions()["Functions"]}
        assert names == {f"engage-handover-{STAGE}-{name}" for name in FUNCTIONS}, names
        sources = functions.list_event_source_mappings()["EventSourceMappings"]
        assert all(source["FunctionArn"].endswith(":live") for source in sources) and len(sources) == 3, sources
        events = self.client("events")
        (rule,) = events.list_rules()["Rules"]
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED"), rule
        (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        assert target["Arn"].endswith(f"{STACK}-handover-watch:live"), target
        described = self.client("ssm").get_parameter(Name=f"/engage-handover/{STAGE}/stage")["Parameter"]
        described = json.loads(described["Value"])
        assert described["table"] == self.outputs["TableName"], described
        assert described["to_bot_queue_url"] == self.outputs["ToBotQueueUrl"], described
        assert described["public_url"] == self.outputs["EndpointUrl"], described
        print("there: table, queues, functions, event sources, schedule, parameter; outputs", ", ".join(sorted(self.outputs)))

    def every_route_reaches_its_function(self):
        routes = self.client("apigatewayv2").get_routes(ApiId=self.api, MaxResults="100")["Items"]
        for route in routes:
            method, path = route["RouteKey"].split()
            status, _, body = self.call(method, path.replace("{connection}", "default").replace("{id}", "c-42"))
            assert status == 200 and json.loads(body)["route"] == route["RouteKey"], (route, status, body)
        assert self.call("GET", "/default/nothing")[0] == 404
        print(f"{len(routes)} routes reach their functions")

    def health(self):
        status, _, body = self.call("GET", "/health")
        assert status == 200 and json.loads(body)["status"] == "ok", (status, body)
        assert self.call("GET", "/default/nothing")[0] == 404
        print("GET /health:", body.decode())

    def settings_from_ssm(self):
        name = self.outputs["SettingsPath"] + "/default"
        status, _, body = self.call("GET", "/default/availability")
        assert status == 404, ("a connection without settings", status, body)
        self.client("ssm").put_parameter(Name=name, Value=SETTINGS, Type="SecureString")
        print("settings stored as", name)

    def source_sdk(self):
        path = "/default/handover/rce/source"
        body = json.dumps({"action": "implementation.info", "time": "2026-01-01T00:00:00Z"}).encode()
        signed = {"X-SMCCSDK-SIGNATURE": sign(body), "Content-Type": "application/json"}
        # an unknown connection may be remembered as such for a while
        wait(lambda: self.call("POST", path, body, signed)[0] == 200, "a signed call is not answered 200", timeout=90)
        status, headers, answer = self.call("POST", path, body, signed)
        assert status == 200 and "messages" in json.loads(answer)["objects"], (status, answer)
        assert hmac.compare_digest(headers["x-smccsdk-signature"], sign(answer)), "the answer is not signed over its bytes"
        status, _, answer = self.call("POST", path, body, signed | {"X-SMCCSDK-SIGNATURE": sign(b"other")})
        assert status in (401, 403), (status, answer)
        print("implementation.info: answered, signed; a wrong signature is refused")

    def bot_api(self):
        path = "/default/conversations/c-42/messages"
        body = json.dumps({"id": "m-1", "from": "user", "text": "hello"}).encode()
        key = {"Authorization": "Bearer rehearsal-bot-key-0001", "Content-Type": "application/json"}
        status, _, answer = self.call("POST", path, body, key)
        assert status == 202 and json.loads(answer)["handler"] == "bot", (status, answer)
        assert self.call("POST", path, body, {"Content-Type": "application/json"})[0] == 401
        print("bot API:", answer.decode())

    def unreadable_record(self):
        """Handed to the function itself: the emulator's own events lack the message group."""
        record = {
            "messageId": "unreadable",
            "receiptHandle": "none",
            "body": "no job",
            "attributes": {"MessageGroupId": "c-42", "ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
        }
        answer = self.client("lambda").invoke(
            FunctionName=f"{STACK}-agent-messages", Qualifier="live", Payload=json.dumps({"Records": [record]})
        )
        assert json.load(answer["Payload"]) == {"batchItemFailures": []}, answer
        sqs = self.client("sqs")
        dead = sqs.get_queue_url(QueueName=f"{STACK}-to-bot-dead-letters.fifo")["QueueUrl"]
        letters = sqs.receive_message(QueueUrl=dead)["Messages"]
        assert [letter["Body"] for letter in letters] == ["no job"], letters
        print("a record that nobody can read is in the dead-letter queue as it was")

    def a_look_after_handovers(self):
        """As the schedule's event is; nobody waits in a stage that is so young."""
        tick = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
        answer = self.client("lambda").invoke(
            FunctionName=f"{STACK}-handover-watch", Qualifier="live", Payload=json.dumps(tick)
        )
        assert "FunctionError" not in answer and json.load(answer["Payload"]) == {"sent": 0}, answer
        print("handovers are looked after: none, as none waits")

    def remove(self):
        """`sam delete` asks what the emulator does not answer, so CloudFormation is asked itself."""
        stack = self.client("cloudformation")
        stack.delete_stack(StackName=STACK)
        stack.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        assert not self.client("lambda").list_functions()["Functions"]
        assert not self.client("dynamodb").list_tables()["TableNames"]
        assert not self.client("sqs").list_queues().get("QueueUrls")
        print("removed: functions, table, queues")

    def call(self, method, path, body=None, headers=None):
        """Status, headers in lower case, body."""
        url = f"{self.url}/_aws/execute-api/{self.api}/$default{path}"
        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, {k.lower(): v for k, v in answer.headers.items()}, answer.read()


def sign(body):
    return hmac.new(TOKEN.encode(), body, hashlib.sha512).hexdigest()


def answers(url):
    try:
        urllib.request.urlopen(url).close()
        return True
    except OSError:
        return False


def wait(condition, complaint, log=None, timeout=30):
    """Until the condition holds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            sys.exit(complaint + (": " + log.read_text(errors="replace")[-2000:] if log else ""))
        time.sleep(0.05)


if __name__ == "__main__":
    main()
