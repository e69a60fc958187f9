"""Checks the AWS stage without AWS.

    python infra/aws/check.py              # linters, and what no linter knows
    python infra/aws/check.py --mutations  # the same with planted mistakes, each of which must be noticed

The template is linted as it is, then translated to CloudFormation for each stage of samconfig.toml and linted
again, which finds more, then held against the code: routes, names of the table, what each function may do.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

import stages
from stages import ROOT, TEMPLATE, Stack

try:
    from cfnlint.api import ManualArgs, lint
except ImportError as missing:
    sys.exit(f"{missing}. Install infra/aws/requirements.txt (see infra/aws/stages.py).")

HTTP = {"WebhookIntake": "webhook-intake", "SourceSdk": "source-sdk", "HandoverRequests": "handover-requests"}
WORKERS = {"AgentMessages": "agent-messages", "RingcxDelivery": "ringcx-delivery", "QueueUpdates": "queue-updates"}
WATCH = "HandoverWatch"
FUNCTIONS = HTTP | WORKERS | {WATCH: "handover-watch"}
# worker: its queue, the queue's dead letters, the name that both are known by
QUEUES = {
    "AgentMessages": ("ToBotQueue", "ToBotDeadLetters", "to-bot"),
    "RingcxDelivery": ("ToRingcxQueue", "ToRingcxDeadLetters", "to-ringcx"),
    "QueueUpdates": ("QueueUpdatesQueue", "QueueUpdatesDeadLetters", "queue-updates"),
}
FOURTEEN_DAYS = 14 * 24 * 3600
SETTINGS = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/engage-handover/{stage}/connections"

FILES = "${FilesBucket.Arn}"
# Who stores or opens files.
KEEP_FILES = {"HandoverRequests", "AgentMessages", "RingcxDelivery"}

# What the template counts from the access log.
LOG_METRICS = {"RceCalls", "RceCallsFailed"}

# Routes that are no part of the list in routes.rs.
OTHER_ROUTES = {
    "GET /health": "HandoverRequests",
    "GET /openapi.json": "HandoverRequests",
    "GET /{connection}/handover/chatlayer": "HandoverRequests",
    "POST /{connection}/handover/chatlayer": "HandoverRequests",
    "POST /{connection}/handover/cognigy": "HandoverRequests",
}


def routes_of_the_code():
    """ROUTES of routes.rs, as route keys with the function that answers."""
    source = (ROOT / "shared/handlers/src/routes.rs").read_text()
    table = re.search(r"pub const ROUTES.*?= &\[(.*?)\];", source, re.DOTALL).group(1)
    routes = dict(OTHER_ROUTES)
    for method, path in re.findall(r'\("(\w+)", "([^"]+)"\)', table):
        if path.startswith("/handover/rce/webhook"):
            function = "WebhookIntake"
        elif path.startswith("/handover/rce"):
            function = "SourceSdk"
        else:
            function = "HandoverRequests"
        routes[f"{method} /{{connection}}{path}"] = function
    return routes


def names_of_the_table():
    """The constants of schema.rs."""
    source = (ROOT / "shared/aws/src/dynamodb/schema.rs").read_text()
    return dict(re.findall(r'pub const (\w+): &str = "([^"]+)";', source))


def variables_of_the_code():
    """What environment.rs reads, but for its tests."""
    source, _, _ = (ROOT / "shared/aws/src/environment.rs").read_text().partition("#[cfg(test)]")
    return set(re.findall(r'"(HANDOVER_\w+)"', source))


def metrics_of_the_code():
    """What metrics.rs counts in the namespace EngageHandover, but for its tests."""
    source, _, _ = (ROOT / "shared/aws/src/metrics.rs").read_text().partition("#[cfg(test)]")
    return set(re.findall(r'(?:count\(|time\(|vec!\[\()"(\w+)"', source))


def lines_of(statements):
    """IAM statements as pairs of an action and a resource."""
    pairs = set()
    for statement in statements:
        assert statement["Effect"] == "Allow", statement
        for action in _list(statement["Action"]):
            for resource in _list(statement["Resource"]):
                pairs.add((action, resource))
    return pairs


def _list(value):
    return value if isinstance(value, list) else [value]


class Check(unittest.TestCase):
    """Every test looks at every stage."""

    stacks = {}
    stage = "all stages"

    @classmethod
    def load(cls, text):
        cls.code = stages.code(text)
        cls.stacks = {
            stage: Stack(stages.translate(text, values), values)
            for stage in stages.samconfig()
            if stage != "version"
            for values in [stages.parameters(stage)]
        }

    def each(self):
        for self.stage, stack in self.stacks.items():
            yield self.stage, stack

    def _formatMessage(self, msg, standard):
        return f"{self.stage}: {super()._formatMessage(msg, standard)}"


class Stages(Check):
    def test_there_are_dev_staging_and_prod(self):
        self.assertEqual(list(self.stacks), ["dev", "staging", "prod"])

    def test_a_stage_gives_every_parameter_and_no_other(self):
        for _, stack in self.each():
            self.assertEqual(set(stack.values), set(stack.cloudformation["Parameters"]))

    def test_what_a_stage_gives_is_allowed(self):
        for _, stack in self.each():
            for name, parameter in stack.cloudformation["Parameters"].items():
                value = stack.values[name]
                self.assertIn(value, list(map(str, parameter.get("AllowedValues", [value]))), name)
                self.assertRegex(value, f"^(?:{parameter.get('AllowedPattern', '.+')})$", name)
                if parameter["Type"] == "Number":
                    self.assertGreaterEqual(float(value), parameter.get("MinValue", 0), name)
                    self.assertLessEqual(float(value), parameter.get("MaxValue", 10**9), name)

    def test_no_parameter_has_a_default_so_that_differences_are_in_samconfig_only(self):
        for _, stack in self.each():
            for name, parameter in stack.cloudformation["Parameters"].items():
                self.assertNotIn("Default", parameter, name)

    def test_no_stage_logs_what_happens_inside_the_sdk(self):
        for _, stack in self.each():
            self.assertNotRegex(stack.values["LogFilter"], "^(debug|trace)")

    def test_stages_have_names_of_their_own(self):
        for stage, stack in self.each():
            self.assertEqual(stack.values["Stage"], stage)
            settings = stages.samconfig()[stage]
            self.assertEqual(settings["global"]["parameters"]["stack_name"], f"engage-handover-{stage}")

    def test_deploying_needs_no_flags(self):
        for stage, _ in self.each():
            settings = stages.samconfig()[stage]
            self.assertEqual(settings["build"]["parameters"]["template_file"], "infra/template.yaml")
            deploy = settings["deploy"]["parameters"]
            self.assertEqual(set(deploy["capabilities"]), {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"})
            self.assertTrue(deploy["resolve_s3"])
            # sam deploy takes what sam build made; the template itself would upload the sources
            self.assertNotIn("template_file", deploy)

    def test_nothing_has_the_same_name_in_two_stages(self):
        names = {}
        for stage, stack in self.stacks.items():
            for resource in stack.resources.values():
                for key in ("FunctionName", "TableName", "QueueName", "LogGroupName", "AlarmName", "DashboardName"):
                    name = resource.get("Properties", {}).get(key, "${")
                    if "${" not in name:
                        self.assertIn(stage, name)
                        self.assertEqual(names.setdefault(name, stage), stage, name)
        self.assertGreater(len(names), 30)

    def test_prod_is_protected_watched_and_deployed_gradually(self):
        values = self.stacks["prod"].values
        for name in ("DeletionProtection", "Alarms", "GradualDeployment"):
            self.assertEqual(values[name], "true", name)

    def test_gradual_deployment_without_alarms_is_refused(self):
        for _, stack in self.each():
            rule = stack.cloudformation["Rules"]["GradualDeploymentNeedsAlarms"]
            self.assertEqual(rule["RuleCondition"], {"Fn::Equals": [{"Ref": "GradualDeployment"}, "true"]})
            self.assertEqual(rule["Assertions"][0]["Assert"], {"Fn::Equals": [{"Ref": "Alarms"}, "true"]})


class Functions(Check):
    def test_there_is_one_for_each_crate(self):
        crates = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}
        for stage, stack in self.each():
            functions = stack.of("AWS::Lambda::Function")
            self.assertEqual(set(functions), set(FUNCTIONS))
            self.assertEqual(crates, set(FUNCTIONS.values()))
            for name, function in functions.items():
                self.assertEqual(function["FunctionName"], f"engage-handover-{stage}-{FUNCTIONS[name]}")
                build = stack.resources[name]["Metadata"]
                self.assertEqual(build["BuildMethod"], "rust-cargolambda")
                self.assertEqual(build["BuildProperties"], {"Binary": FUNCTIONS[name]})
                # cargo builds what belongs to the folder in which it is called; the functions are no default members.
                self.assertEqual(self.code[name], f"../functions/{FUNCTIONS[name]}")

    def test_they_are_rust_of_the_stages_architecture(self):
        for _, stack in self.each():
            for name, function in stack.of("AWS::Lambda::Function").items():
                self.assertEqual(function["Runtime"], "provided.al2023", name)
                self.assertEqual(function["Handler"], "bootstrap", name)
                self.assertEqual(function["Architectures"], [stack.values["Architecture"]], name)
                self.assertNotIn("TracingConfig", function, name)

    def test_they_have_the_time_and_memory_that_was_chosen(self):
        seconds = dict.fromkeys(HTTP, 10) | {"AgentMessages": 30, "RingcxDelivery": 60, "QueueUpdates": 30, WATCH: 60}
        for _, stack in self.each():
            for name, function in stack.of("AWS::Lambda::Function").items():
                self.assertEqual(function["Timeout"], seconds[name], name)
                memory = "HttpMemory" if name in HTTP else "WorkerMemory"
                self.assertEqual(function["MemorySize"], stack.values[memory], name)

    def test_they_get_the_variables_that_the_code_reads(self):
        for stage, stack in self.each():
            common = {
                "HANDOVER_STAGE": stage,
                "HANDOVER_TABLE": "${Table}",
                "HANDOVER_TO_BOT_QUEUE_URL": "${ToBotQueue}",
                "HANDOVER_TO_RINGCX_QUEUE_URL": "${ToRingcxQueue}",
                "HANDOVER_QUEUE_UPDATES_QUEUE_URL": "${QueueUpdatesQueue}",
                "HANDOVER_SETTINGS_PATH": f"/engage-handover/{stage}/connections",
                "HANDOVER_FILES_BUCKET": "${FilesBucket}",
                "HANDOVER_PUBLIC_URL": stack.outputs["EndpointUrl"]["Value"],
                "HANDOVER_LOG": stack.values["LogFilter"],
            }
            read = set()
            for name, function in stack.of("AWS::Lambda::Function").items():
                expected = dict(common)
                if name in WORKERS:
                    _, dead_letters, _ = QUEUES[name]
                    expected["HANDOVER_DEAD_LETTERS_URL"] = "${" + dead_letters + "}"
                self.assertEqual(function["Environment"]["Variables"], expected, name)
                read |= set(expected)
            self.assertEqual(read, variables_of_the_code())

    def test_handover_requests_alone_reserves_and_only_where_a_stage_says_so(self):
        for _, stack in self.each():
            reserved = {
                name: function["ReservedConcurrentExecutions"]
                for name, function in stack.of("AWS::Lambda::Function").items()
                if "ReservedConcurrentExecutions" in function
            }
            number = stack.values["HandoverRequestsConcurrency"]
            self.assertEqual(reserved, {} if number == "0" else {"HandoverRequests": number})

    def test_each_logs_to_a_group_of_its_own(self):
        for stage, stack in self.each():
            groups = stack.of("AWS::Logs::LogGroup")
            for name, function in stack.of("AWS::Lambda::Function").items():
                logging = function["LoggingConfig"]
                self.assertEqual(logging["LogGroup"], "${" + name + "Logs}")
                self.assertEqual(logging["LogFormat"], "JSON")
                self.assertEqual(logging["SystemLogLevel"], stack.values["SystemLogLevel"])
                group = groups[name + "Logs"]["LogGroupName"]
                self.assertEqual(group, f"/aws/lambda/engage-handover-{stage}-{FUNCTIONS[name]}")

    def test_every_log_group_forgets(self):
        for _, stack in self.each():
            groups = stack.of("AWS::Logs::LogGroup")
            self.assertEqual(set(groups), {name + "Logs" for name in FUNCTIONS} | {"ApiLogs"})
            for name, group in groups.items():
                self.assertEqual(group["RetentionInDays"], stack.values["LogRetentionDays"], name)

    def test_what_a_function_uses_makes_a_new_version(self):
        for _, stack in self.each():
            resources = stack.cloudformation["Resources"]
            versions = {
                resource["Properties"]["FunctionName"]["Ref"]: json.dumps(resource["Properties"])
                for resource in resources.values()
                if resource["Type"] == "AWS::Lambda::Version"
            }
            for name in FUNCTIONS:
                # a reservation belongs to the function, not to a version
                properties = dict(resources[name]["Properties"])
                properties.pop("ReservedConcurrentExecutions", None)
                used = set(re.findall(r'"Ref": "(\w+)"', json.dumps(properties))) & set(stack.values)
                for parameter in used - {"Stage"}:
                    self.assertIn("${" + parameter + "}", versions[name], name)

    def test_only_a_gradual_stage_deploys_gradually_and_goes_back_on_alarms(self):
        for _, stack in self.each():
            groups = stack.of("AWS::CodeDeploy::DeploymentGroup")
            if stack.values["GradualDeployment"] == "false":
                self.assertEqual(groups, {})
                continue
            self.assertEqual(set(groups), {name + "DeploymentGroup" for name in FUNCTIONS})
            for name in FUNCTIONS:
                group = groups[name + "DeploymentGroup"]
                self.assertEqual(group["DeploymentConfigName"], "CodeDeployDefault.LambdaCanary10Percent5Minutes")
                self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["AutoRollbackConfiguration"]["Events"])
                alarms = {alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]}
                self.assertIn("${" + name + "ErrorsAlarm}", alarms)
                self.assertGreater(len(alarms), 1, "errors alone do not show answers that are wrong")
                self.assertIn("UpdatePolicy", stack.resources[name + "Aliaslive"])


class Permissions(Check):
    def may(self, stack, function):
        """All that a function's role allows, as pairs of an action and a resource."""
        role = stack.of("AWS::IAM::Role")[function + "Role"]
        policies = [policy["PolicyDocument"] for policy in role["Policies"]]
        for managed in role["ManagedPolicyArns"]:
            policies.append(stack.of("AWS::IAM::ManagedPolicy")[managed[2:-1]]["PolicyDocument"])
        return set().union(*(lines_of(policy["Statement"]) for policy in policies))

    def test_each_function_may_do_exactly_what_its_code_does(self):
        table, index = "${Table.Arn}", "${Table.Arn}/index/"
        # PutItem: a job that is too large for a queue is kept in the table, and so is the REST budget of those that
        # call REST. UpdateItem and Query: whoever reads a
        # conversation sends its jobs that were stored but not sent, and takes them off.
        does = {"webhook-intake": ["GetItem", "PutItem", "UpdateItem"]}
        does["source-sdk"] = [*does["webhook-intake"], "Query"]
        # DeleteItem: operators send dead letters again.
        does["handover-requests"] = [*does["source-sdk"], "ConditionCheckItem", "DeleteItem"]
        worker = does["handover-requests"]
        # It reads no conversation: the index has all that it needs.
        does["handover-watch"] = ["GetItem"]
        for stage, stack in self.each():
            settings = SETTINGS.replace("{stage}", stage)
            for name, function in FUNCTIONS.items():
                expected = {("dynamodb:" + action, table) for action in does.get(function, worker)}
                if function in ("webhook-intake", "source-sdk", "ringcx-delivery"):
                    expected.add(("dynamodb:Query", index + "by-rce-thread"))
                if name == WATCH or name == "HandoverRequests":
                    expected.add(("dynamodb:Query", index + "by-look"))
                if name == "HandoverRequests":
                    # What operators list and count.
                    expected.add(("dynamodb:Query", index + "by-change"))
                    expected |= {("sqs:GetQueueAttributes", "${" + queue + ".Arn}") for queue, _, _ in QUEUES.values()}
                expected |= {("sqs:SendMessage", "${" + queue + ".Arn}") for queue, _, _ in QUEUES.values()}
                expected.add(("sqs:GetQueueAttributes", "${ToBotQueue.Arn}"))
                expected.add(("ssm:GetParameter", settings + "/*"))
                expected.add(("ssm:GetParametersByPath", settings))
                for action in ("CreateLogStream", "PutLogEvents"):
                    expected.add(("logs:" + action, "${" + name + "Logs.Arn}"))
                if name in KEEP_FILES:
                    expected |= {("s3:" + action, FILES + "/*") for action in ("GetObject", "PutObject")}
                    expected.add(("s3:ListBucket", FILES))
                if name in WORKERS:
                    queue, dead_letters, _ = QUEUES[name]
                    for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"):
                        expected.add(("sqs:" + action, "${" + queue + ".Arn}"))
                    expected.add(("sqs:SendMessage", "${" + dead_letters + ".Arn}"))
                self.assertEqual(self.may(stack, name), expected, name)

    def test_no_action_and_no_resource_is_a_wildcard_but_settings_and_files_below_their_path(self):
        for stage, stack in self.each():
            for name in FUNCTIONS:
                for action, resource in self.may(stack, name):
                    self.assertNotIn("*", action, name)
                    allowed = (SETTINGS.replace("{stage}", stage) + "/*", FILES + "/*")
                    self.assertTrue("*" not in resource or resource in allowed, f"{name}: {resource}")

    def test_a_role_belongs_to_one_function(self):
        for _, stack in self.each():
            for name, function in stack.of("AWS::Lambda::Function").items():
                self.assertEqual(function["Role"], "${" + name + "Role.Arn}")
            roles = stack.of("AWS::IAM::Role")
            ours = {name: role for name, role in roles.items() if name != "CodeDeployServiceRole"}
            self.assertEqual(set(ours), {name + "Role" for name in FUNCTIONS})
            for name, role in ours.items():
                statement, = role["AssumeRolePolicyDocument"]["Statement"]
                self.assertEqual(statement["Principal"], {"Service": "lambda.amazonaws.com"}, name)
                self.assertEqual(statement["Action"], "sts:AssumeRole", name)

    def test_a_key_of_ones_own_serves_the_settings_only(self):
        key = "arn:aws:kms:eu-central-1:111122223333:key/4f6c0c6e-0000-4000-8000-000000000000"
        for _, stack in self.each():
            with_key = Stack(stack.cloudformation, stack.values | {"SettingsKeyArn": key})
            for name in FUNCTIONS:
                self.assertEqual(self.may(with_key, name) - self.may(stack, name), {("kms:Decrypt", key)})
            policy = with_key.of("AWS::IAM::ManagedPolicy")["EveryFunctionPolicy"]["PolicyDocument"]
            statement, = (s for s in policy["Statement"] if s["Action"] == "kms:Decrypt")
            self.assertEqual(
                statement["Condition"], {"StringEquals": {"kms:ViaService": "ssm.${AWS::Region}.${AWS::URLSuffix}"}}
            )


class Files(Check):
    def test_nobody_but_the_functions_reads_them(self):
        for _, stack in self.each():
            bucket = stack.of("AWS::S3::Bucket")["FilesBucket"]
            blocked = bucket["PublicAccessBlockConfiguration"]
            names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
            self.assertEqual(blocked, dict.fromkeys(names, True))
            self.assertEqual(bucket["OwnershipControls"]["Rules"], [{"ObjectOwnership": "BucketOwnerEnforced"}])
            (policy,) = stack.of("AWS::S3::BucketPolicy").values()
            (statement,) = policy["PolicyDocument"]["Statement"]
            self.assertEqual((statement["Effect"], statement["Action"]), ("Deny", "s3:*"))
            self.assertEqual(set(statement["Resource"]), {FILES, FILES + "/*"})
            self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_they_are_encrypted_and_forgotten(self):
        for _, stack in self.each():
            bucket = stack.of("AWS::S3::Bucket")["FilesBucket"]
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            self.assertEqual(rule["ServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
            (rule,) = bucket["LifecycleConfiguration"]["Rules"]
            self.assertEqual((rule["Status"], rule["ExpirationInDays"]), ("Enabled", stack.values["FileRetentionDays"]))
            self.assertGreater(int(stack.values["FileRetentionDays"]), 30, "the default of keep_days")
            self.assertNotIn("VersioningConfiguration", bucket, "what is forgotten is gone")


class Queues(Check):
    def test_there_is_a_queue_and_one_for_its_dead_letters(self):
        for stage, stack in self.each():
            queues = stack.of("AWS::SQS::Queue")
            self.assertEqual(len(queues), 2 * len(QUEUES))
            for queue, dead_letters, name in QUEUES.values():
                self.assertEqual(queues[queue]["QueueName"], f"engage-handover-{stage}-{name}.fifo")
                self.assertEqual(queues[dead_letters]["QueueName"], f"engage-handover-{stage}-{name}-dead-letters.fifo")
                redrive = queues[queue]["RedrivePolicy"]
                self.assertEqual(redrive["deadLetterTargetArn"], "${" + dead_letters + ".Arn}")
                self.assertEqual(redrive["maxReceiveCount"], 1000, "the code decides about retries, not SQS")
                self.assertNotIn("RedrivePolicy", queues[dead_letters])

    def test_conversations_never_wait_for_each_other(self):
        for _, stack in self.each():
            for name, queue in stack.of("AWS::SQS::Queue").items():
                self.assertIs(queue["FifoQueue"], True, name)
                self.assertTrue(queue["QueueName"].endswith(".fifo"), name)
                self.assertEqual(queue["DeduplicationScope"], "messageGroup", name)
                self.assertEqual(queue["FifoThroughputLimit"], "perMessageGroupId", name)
                self.assertIs(queue["ContentBasedDeduplication"], False, name)

    def test_nothing_expires_before_the_dead_letter(self):
        for _, stack in self.each():
            queues = stack.of("AWS::SQS::Queue")
            for queue, dead_letters, _ in QUEUES.values():
                kept = queues[dead_letters]["MessageRetentionPeriod"]
                self.assertEqual(kept, FOURTEEN_DAYS)
                self.assertGreaterEqual(kept, queues[queue]["MessageRetentionPeriod"])
                self.assertGreaterEqual(queues[queue]["MessageRetentionPeriod"], 4 * 24 * 3600)

    def test_a_job_stays_hidden_six_times_as_long_as_it_may_take(self):
        for _, stack in self.each():
            for worker, (queue, _, _) in QUEUES.items():
                hidden = stack.of("AWS::SQS::Queue")[queue]["VisibilityTimeout"]
                self.assertGreaterEqual(hidden, 6 * stack.of("AWS::Lambda::Function")[worker]["Timeout"], worker)

    def test_queues_are_encrypted(self):
        for _, stack in self.each():
            for name, queue in stack.of("AWS::SQS::Queue").items():
                self.assertIs(queue["SqsManagedSseEnabled"], True, name)

    def test_each_worker_takes_its_own_queue_record_by_record(self):
        for _, stack in self.each():
            sources = {source["EventSourceArn"]: source for source in stack.of("AWS::Lambda::EventSourceMapping").values()}
            self.assertEqual(len(sources), len(QUEUES))
            for worker, (queue, _, _) in QUEUES.items():
                source = sources["${" + queue + ".Arn}"]
                self.assertEqual(source["FunctionName"], "${" + worker + "Aliaslive}")
                self.assertEqual(source["FunctionResponseTypes"], ["ReportBatchItemFailures"])
                self.assertLessEqual(source["BatchSize"], 10)
                most = stack.values[worker + "Concurrency"]
                self.assertEqual(source["ScalingConfig"]["MaximumConcurrency"], most)


class TheSchedule(Check):
    def test_somebody_looks_after_handovers_every_minute(self):
        for _, stack in self.each():
            (rule,) = stack.of("AWS::Events::Rule").values()
            self.assertEqual(rule["ScheduleExpression"], "rate(1 minute)")
            self.assertEqual(rule.get("State", "ENABLED"), "ENABLED")
            (target,) = rule["Targets"]
            self.assertEqual(target["Arn"], "${" + WATCH + "Aliaslive}")

    def test_the_schedule_alone_may_call_it(self):
        for _, stack in self.each():
            (rule,) = stack.of("AWS::Events::Rule")
            permissions = stack.of("AWS::Lambda::Permission").values()
            (permission,) = (p for p in permissions if p["Principal"] == "events.amazonaws.com")
            self.assertEqual(permission["FunctionName"], "${" + WATCH + "Aliaslive}")
            self.assertEqual(permission["Action"], "lambda:InvokeFunction")
            self.assertEqual(permission["SourceArn"], "${" + rule + ".Arn}")

    def test_what_failed_is_not_piled_up(self):
        for _, stack in self.each():
            (asynchronous,) = stack.of("AWS::Lambda::EventInvokeConfig").values()
            self.assertEqual(asynchronous["FunctionName"], "${" + WATCH + "}")
            self.assertEqual(asynchronous["Qualifier"], "live")
            self.assertEqual(asynchronous["MaximumRetryAttempts"], 0)
            self.assertEqual(asynchronous["MaximumEventAgeInSeconds"], 60)


class TheTable(Check):
    def test_it_has_the_names_that_the_code_uses(self):
        name = names_of_the_table()
        for stage, stack in self.each():
            table = stack.of("AWS::DynamoDB::Table")["Table"]
            self.assertEqual(table["TableName"], f"engage-handover-{stage}")
            types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
            keys = [("PK", "S"), ("SK", "S"), ("RCE", "S"), ("STARTED", "N"), ("SHARD", "S"), ("CHANGED", "N"), ("LOOK", "N")]
            self.assertEqual(types, {name[key]: kind for key, kind in keys})
            self.assertEqual(self.keys(table), (name["PK"], name["SK"]))
            indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
            self.assertEqual(set(indexes), {name["BY_RCE_THREAD"], name["BY_CHANGE"], name["BY_LOOK"]})
            self.assertEqual(self.keys(indexes[name["BY_RCE_THREAD"]]), (name["RCE"], name["STARTED"]))
            self.assertEqual(self.keys(indexes[name["BY_CHANGE"]]), (name["SHARD"], name["CHANGED"]))
            self.assertEqual(self.keys(indexes[name["BY_LOOK"]]), (name["SHARD"], name["LOOK"]))
            for index in indexes.values():
                self.assertEqual(index["Projection"], {"ProjectionType": "KEYS_ONLY"})

    def keys(self, of):
        key = {part["KeyType"]: part["AttributeName"] for part in of["KeySchema"]}
        return key["HASH"], key["RANGE"]

    def test_what_has_expired_goes(self):
        for _, stack in self.each():
            expiry = stack.of("AWS::DynamoDB::Table")["Table"]["TimeToLiveSpecification"]
            self.assertEqual(expiry, {"AttributeName": names_of_the_table()["TTL"], "Enabled": True})

    def test_it_can_be_restored_and_is_encrypted_and_paid_by_use(self):
        for _, stack in self.each():
            table = stack.of("AWS::DynamoDB::Table")["Table"]
            self.assertIs(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], True)
            self.assertIs(table["SSESpecification"]["SSEEnabled"], True)
            self.assertEqual(table["BillingMode"], "PAY_PER_REQUEST")

    def test_a_protected_stage_keeps_it_whatever_happens_to_the_stack(self):
        for _, stack in self.each():
            protected = stack.values["DeletionProtection"] == "true"
            table = stack.resources["Table"]
            self.assertIs(table["Properties"]["DeletionProtectionEnabled"], protected)
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                self.assertEqual(table[policy], "Retain" if protected else "Delete")


class Api(Check):
    def test_its_routes_are_those_of_the_code(self):
        for _, stack in self.each():
            functions = {}
            for name, integration in stack.of("AWS::ApiGatewayV2::Integration").items():
                functions["integrations/${" + name + "}"] = integration["IntegrationUri"]
            routes = stack.of("AWS::ApiGatewayV2::Route").values()
            found = {route["RouteKey"]: functions[route["Target"]][2:-1].removesuffix("Aliaslive") for route in routes}
            self.assertEqual(found, routes_of_the_code())
            self.assertEqual(len(routes), len(found), "a route is there twice")

    def test_functions_get_the_payload_that_the_code_reads(self):
        for _, stack in self.each():
            integrations = stack.of("AWS::ApiGatewayV2::Integration").values()
            self.assertEqual({i["IntegrationUri"] for i in integrations}, {"${" + name + "Aliaslive}" for name in HTTP})
            for integration in integrations:
                self.assertEqual(integration["PayloadFormatVersion"], "2.0")
                self.assertEqual(integration["IntegrationType"], "AWS_PROXY")

    def test_the_api_alone_may_call_them(self):
        api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
        for _, stack in self.each():
            permissions = stack.of("AWS::Lambda::Permission").values()
            permissions = [p for p in permissions if p["FunctionName"] != "${" + WATCH + "Aliaslive}"]
            self.assertEqual({p["FunctionName"] for p in permissions}, {"${" + name + "Aliaslive}" for name in HTTP})
            for permission in permissions:
                self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
                self.assertEqual(permission["Action"], "lambda:InvokeFunction")
                self.assertEqual(permission["SourceArn"], api)

    def test_its_log_names_no_conversation_and_no_secret(self):
        harmless = {
            "requestTimeEpoch", "requestId", "routeKey", "status", "responseLatency", "integrationLatency",
            "responseLength", "integrationErrorMessage",
        }  # fmt: skip
        for _, stack in self.each():
            log = stack.of("AWS::ApiGatewayV2::Stage")["ApiStage"]["AccessLogSettings"]
            self.assertTrue(log["DestinationArn"].endswith(":log-group:${ApiLogs}"))
            used = set(re.findall(r"\$context\.([\w.]+)", log["Format"]))
            self.assertLessEqual(used, harmless)
            self.assertLessEqual({"requestId", "routeKey", "status", "responseLatency"}, used)
            line = json.loads(re.sub(r"\$context\.[\w.]+", "200", log["Format"]))
            self.assertEqual(line["stage"], stack.values["Stage"])

    def test_it_is_deployed_at_once_and_throttled(self):
        for _, stack in self.each():
            stage = stack.of("AWS::ApiGatewayV2::Stage")["ApiStage"]
            self.assertEqual(stage["StageName"], "$default")
            self.assertIs(stage["AutoDeploy"], True)
            limits = stage["DefaultRouteSettings"]
            self.assertEqual(limits["ThrottlingRateLimit"], stack.values["ThrottleRate"])
            self.assertEqual(limits["ThrottlingBurstLimit"], stack.values["ThrottleBurst"])


class Alarms(Check):
    def watched(self):
        for stage, stack in self.each():
            if stack.values["Alarms"] == "true":
                yield stage, stack, stack.of("AWS::CloudWatch::Alarm")

    def dimension(self, alarm, name):
        return next(d["Value"] for d in alarm["Dimensions"] if d["Name"] == name)

    def metrics(self, alarm):
        return [metric["MetricStat"]["Metric"] for metric in alarm["Metrics"] if "MetricStat" in metric]

    def test_a_stage_without_alarms_has_none(self):
        for _, stack in self.each():
            if stack.values["Alarms"] == "false":
                self.assertEqual(stack.of("AWS::CloudWatch::Alarm"), {})
                self.assertEqual(stack.of("AWS::Logs::MetricFilter"), {})

    def test_one_dead_letter_is_enough(self):
        for stage, _, alarms in self.watched():
            watched = {"own": alarms["DeadLettersAlarm"]}
            self.assertEqual(watched["own"]["Namespace"], "EngageHandover")
            self.assertEqual(watched["own"]["MetricName"], "DeadLetters")
            self.assertEqual(watched["own"]["Dimensions"], [{"Name": "Stage", "Value": stage}])
            for alarm in alarms.values():
                if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible":
                    watched[self.dimension(alarm, "QueueName")] = alarm
            queues = {"${" + dead_letters + ".QueueName}" for _, dead_letters, _ in QUEUES.values()}
            self.assertEqual(set(watched), queues | {"own"})
            for alarm in watched.values():
                self.assertEqual((alarm["ComparisonOperator"], alarm["Threshold"]), ("GreaterThanThreshold", 0))
                self.assertEqual(alarm["EvaluationPeriods"], 1)

    def test_a_queue_that_nobody_works_rings(self):
        for _, _, alarms in self.watched():
            ages = {
                self.dimension(alarm, "QueueName"): alarm["Threshold"]
                for alarm in alarms.values()
                if alarm.get("MetricName") == "ApproximateAgeOfOldestMessage"
            }
            self.assertEqual(set(ages), {"${" + queue + ".QueueName}" for queue, _, _ in QUEUES.values()})
            self.assertLessEqual(max(ages.values()), 1200)

    def test_each_function_that_crashes_rings(self):
        for _, _, alarms in self.watched():
            for name in FUNCTIONS:
                alarm = alarms[name + "ErrorsAlarm"]
                self.assertEqual((alarm["Namespace"], alarm["MetricName"]), ("AWS/Lambda", "Errors"))
                self.assertEqual(self.dimension(alarm, "FunctionName"), "${" + name + "}")
                self.assertEqual(self.dimension(alarm, "Resource"), "${" + name + "}:live")

    def test_nobody_looking_after_handovers_rings(self):
        for _, _, alarms in self.watched():
            alarm = alarms[WATCH + "SilentAlarm"]
            self.assertEqual((alarm["Namespace"], alarm["MetricName"]), ("AWS/Lambda", "Invocations"))
            self.assertEqual(self.dimension(alarm, "FunctionName"), "${" + WATCH + "}")
            self.assertEqual(self.dimension(alarm, "Resource"), "${" + WATCH + "}:live")
            self.assertEqual((alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]), ("Sum", "LessThanThreshold", 1))
            self.assertEqual(alarm["Period"] * alarm["EvaluationPeriods"], 300)

    def test_failing_calls_of_rce_ring_long_before_it_switches_the_webhook_off(self):
        for stage, stack, alarms in self.watched():
            alarm = alarms["RceCallsFailingAlarm"]
            self.assertEqual({m["MetricName"] for m in self.metrics(alarm)}, LOG_METRICS)
            self.assertLess(alarm["Threshold"], 10, "a gradual deployment that fails altogether fails a tenth of the calls")
            self.assertLessEqual(alarm["EvaluationPeriods"], 10)
            self.assertLessEqual(alarm["DatapointsToAlarm"], 2, "calls may be rare")
            filters = {
                transformation["MetricName"]: (filter, transformation)
                for filter in stack.of("AWS::Logs::MetricFilter").values()
                for transformation in filter["MetricTransformations"]
            }
            self.assertEqual(set(filters), LOG_METRICS)
            for filter, transformation in filters.values():
                self.assertEqual(filter["LogGroupName"], "${ApiLogs}")
                self.assertEqual(transformation["MetricNamespace"], "EngageHandover")
                self.assertEqual(transformation["Dimensions"], [{"Key": "Stage", "Value": "$.stage"}])
                (pattern,) = re.findall(r'\$\.route = "([^"]+)"', filter["FilterPattern"])
                expression = re.escape(pattern).replace(r"\*", ".*")
                seen = {key for key in routes_of_the_code() if re.fullmatch(expression, key)}
                self.assertEqual(seen, {key for key in routes_of_the_code() if "/rce" in key})
            failed = filters["RceCallsFailed"][0]["FilterPattern"]
            self.assertIn("$.status >= 500", failed)
            self.assertIn("$.status = 429", failed)

    def test_server_errors_slow_answers_and_throttles_ring(self):
        for _, _, alarms in self.watched():
            self.assertEqual({m["MetricName"] for m in self.metrics(alarms["ServerErrorsAlarm"])}, {"Count", "5xx"})
            slow = alarms["SlowAnswersAlarm"]
            self.assertEqual((slow["MetricName"], slow["ExtendedStatistic"]), ("Latency", "p99"))
            throttled = {m["Dimensions"][0]["Value"] for m in self.metrics(alarms["ThrottlesAlarm"])}
            self.assertEqual(throttled, {"${" + name + "}" for name in FUNCTIONS})
            table = {m["MetricName"] for m in self.metrics(alarms["TableThrottlesAlarm"])}
            self.assertEqual(table, {"ReadThrottleEvents", "WriteThrottleEvents"})

    def test_every_identifier_of_an_expression_is_defined(self):
        for _, _, alarms in self.watched():
            for name, alarm in alarms.items():
                ids = {metric["Id"] for metric in alarm.get("Metrics", [])}
                for metric in alarm.get("Metrics", []):
                    words = set(re.findall(r"\b[a-z]\w*", metric.get("Expression", "")))
                    self.assertLessEqual(words, ids - {metric["Id"]}, name)
                    if "Expression" in metric and "METRICS()" not in metric["Expression"]:
                        self.assertEqual(words, ids - {metric["Id"]}, f"{name}: a metric is not used")

    def test_silence_is_no_alarm(self):
        for _, _, alarms in self.watched():
            for name, alarm in alarms.items():
                # but of the one function that runs whether anybody talks or not
                expected = "breaching" if name == WATCH + "SilentAlarm" else "notBreaching"
                self.assertEqual(alarm["TreatMissingData"], expected, name)

    def test_they_tell_the_topic_if_there_is_one(self):
        topic = "arn:aws:sns:eu-central-1:111122223333:on-call"
        for _, stack, alarms in self.watched():
            told = Stack(stack.cloudformation, stack.values | {"AlarmTopicArn": topic})
            for name, alarm in told.of("AWS::CloudWatch::Alarm").items():
                self.assertEqual((alarm["AlarmActions"], alarm["OKActions"]), ([topic], [topic]), name)
                self.assertNotIn("AlarmActions", alarms[name])

    def test_the_guide_explains_each(self):
        guide = (ROOT / "docs/aws.md").read_text()
        for stage, _, alarms in self.watched():
            for alarm in alarms.values():
                name = alarm["AlarmName"].removeprefix(f"engage-handover-{stage}-")
                self.assertIn(f"`{name}`", guide)


class TheDashboard(Check):
    def test_it_shows_all_that_is_counted(self):
        for stage, stack in self.each():
            (board,) = stack.of("AWS::CloudWatch::Dashboard").values()
            widgets = json.loads(board["DashboardBody"])["widgets"]
            text = json.dumps(widgets)
            for metric in metrics_of_the_code():
                self.assertIn(metric, text)
            for queue, dead_letters, _ in QUEUES.values():
                self.assertIn("${" + queue + ".QueueName}", text)
                self.assertIn("${" + dead_letters + ".QueueName}", text)
            for name in FUNCTIONS:
                self.assertIn("${" + name + "}", text)
            for widget in widgets:
                for metric in widget["properties"]["metrics"]:
                    if metric[0] == "EngageHandover":
                        self.assertIn(metric[1], metrics_of_the_code())
                        self.assertEqual(metric[2:4], ["Stage", stage])

    def test_no_widget_lies_on_another(self):
        for _, stack in self.each():
            (board,) = stack.of("AWS::CloudWatch::Dashboard").values()
            cells = [
                (x, y)
                for w in json.loads(board["DashboardBody"])["widgets"]
                for x in range(w["x"], w["x"] + w["width"])
                for y in range(w["y"], w["y"] + w["height"])
            ]
            self.assertEqual(len(cells), len(set(cells)))
            self.assertLess(max(x for x, _ in cells), 24)


class TheStageParameter(Check):
    def test_it_says_what_the_functions_are_told(self):
        told_otherwise = {"HANDOVER_STAGE", "HANDOVER_LOG", "HANDOVER_DEAD_LETTERS_URL"}
        names = {name.removeprefix("HANDOVER_").lower() for name in variables_of_the_code() - told_otherwise}
        for stage, stack in self.each():
            (parameter,) = stack.of("AWS::SSM::Parameter").values()
            self.assertEqual(parameter["Name"], f"/engage-handover/{stage}/stage")
            self.assertEqual(parameter["Type"], "String")
            described = json.loads(parameter["Value"])
            self.assertEqual(described.pop("settings_key"), "none")
            self.assertEqual(set(described), names)
            variables = stack.of("AWS::Lambda::Function")["HandoverRequests"]["Environment"]["Variables"]
            for name, value in described.items():
                self.assertEqual(value, variables["HANDOVER_" + name.upper()], name)

    def test_set_up_encrypts_with_the_key_that_functions_may_use(self):
        key = "arn:aws:kms:eu-central-1:111122223333:key/4f6c0c6e-0000-4000-8000-000000000000"
        for _, stack in self.each():
            with_key = Stack(stack.cloudformation, stack.values | {"SettingsKeyArn": key})
            (parameter,) = with_key.of("AWS::SSM::Parameter").values()
            self.assertEqual(json.loads(parameter["Value"])["settings_key"], key)


class Outputs(Check):
    def test_they_tell_what_people_and_scripts_need(self):
        for stage, stack in self.each():
            values = {name: output["Value"] for name, output in stack.outputs.items()}
            self.assertEqual(values["EndpointUrl"], "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}")
            self.assertEqual(values["SettingsPath"], f"/engage-handover/{stage}/connections")
            self.assertEqual(values["TableName"], "${Table}")
            for queue, _, _ in QUEUES.values():
                self.assertEqual(values[queue + "Url"], "${" + queue + "}")


def source_lint():
    """What `sam validate --lint` says about the template as it is."""
    sam = pathlib.Path(sys.executable).parent / "sam"
    command = [sam if sam.exists() else "sam", "validate", "--lint", "--template", TEMPLATE, "--region", stages.REGION]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=stages.sam_environment())
    return [] if answer.returncode == 0 else [answer.stdout.strip() or answer.stderr.strip()]


def translated_lint(stack):
    """What cfn-lint says about the template as CloudFormation gets it."""
    found = lint(json.dumps(stack.cloudformation), config=ManualArgs(regions=[stages.REGION]))
    return [f"{match.rule.id} {'/'.join(map(str, match.path))}: {match.message[:300]}" for match in found]


def own_checks(stream=None, verbosity=1):
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    return unittest.TextTestRunner(stream=stream, verbosity=verbosity).run(suite)


def main():
    Check.load(TEMPLATE.read_text())
    problems = source_lint()
    for stage, stack in Check.stacks.items():
        problems += [f"{stage}: {problem}" for problem in translated_lint(stack)]
    for problem in problems:
        print(problem)
    print(f"linters: {len(problems)} problems in the template and its {len(Check.stacks)} translations")
    if not own_checks().wasSuccessful() or problems:
        sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1:] == ["--mutations"]:
        import mutations

        sys.exit(mutations.run(sys.modules[__name__]))
    main()
