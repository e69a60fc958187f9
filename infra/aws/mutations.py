"""Mistakes that somebody could make in the template or in samconfig.toml; check.py must notice each."""

import io
import pathlib
import tempfile

import stages

# what is wrong, what stands there, what stands there then (the first place only)
TEMPLATE = [
    ("the queue is no FIFO by name", "QueueName: !Sub engage-handover-${Stage}-to-bot.fifo", "QueueName: !Sub engage-handover-${Stage}-to-bot"),
    ("conversations share the throughput", "FifoThroughputLimit: perMessageGroupId", "FifoThroughputLimit: perQueue"),
    ("conversations share the deduplication", "DeduplicationScope: messageGroup", "DeduplicationScope: queue"),
    ("a scope that does not exist", "DeduplicationScope: messageGroup", "DeduplicationScope: group"),
    ("SQS gives up before the code does", "maxReceiveCount: 1000", "maxReceiveCount: 5"),
    ("dead letters of another queue", "deadLetterTargetArn: !GetAtt ToBotDeadLetters.Arn", "deadLetterTargetArn: !GetAtt ToRingcxDeadLetters.Arn"),
    ("a queue without dead letters", "      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt ToBotDeadLetters.Arn\n        maxReceiveCount: 1000\n", ""),
    ("jobs come back while they are done", "VisibilityTimeout: 360", "VisibilityTimeout: 90"),
    ("dead letters expire first", "      MessageRetentionPeriod: 1209600\n", "      MessageRetentionPeriod: 86400\n"),
    ("a queue in plain text", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false"),
    ("a batch fails as a whole", "            FunctionResponseTypes: [ReportBatchItemFailures]\n", ""),
    ("no limit to what calls REST at once", "            ScalingConfig: { MaximumConcurrency: !Ref RingcxDeliveryConcurrency }\n", ""),
    ("an action is a wildcard", '"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"', '"dynamodb:*"'),
    ("a resource is a wildcard", "Resource: !GetAtt ToBotQueue.Arn", 'Resource: "*"'),
    ("a function may do more than it does", '"dynamodb:PutItem", "dynamodb:UpdateItem"', '"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Scan"'),
    ("a worker may not acknowledge", "                  - sqs:DeleteMessage\n", ""),
    ("the settings of other stages are readable", "connections/*\n", "*\n"),
    ("a function with another's role", "Role: !GetAtt WebhookIntakeRole.Arn", "Role: !GetAtt RingcxDeliveryRole.Arn"),
    ("expired items stay", "TimeToLiveSpecification: { AttributeName: ttl,", "TimeToLiveSpecification: { AttributeName: expires,"),
    ("the index has another key", "- { AttributeName: rce, KeyType: HASH }", "- { AttributeName: shard, KeyType: HASH }"),
    ("an index is missing", "        - IndexName: by-look\n          KeySchema:\n            - { AttributeName: shard, KeyType: HASH }\n            - { AttributeName: look, KeyType: RANGE }\n          Projection: { ProjectionType: KEYS_ONLY }\n", ""),
    ("an index that finds by the wrong time", "- { AttributeName: look, KeyType: RANGE }", "- { AttributeName: changed, KeyType: RANGE }"),
    ("a time that is a text", "{ AttributeName: look, AttributeType: N }", "{ AttributeName: look, AttributeType: S }"),
    ("nobody looks after handovers", "      Events:\n        EveryMinute:\n          Type: Schedule\n          Properties:\n            Schedule: rate(1 minute)\n", ""),
    ("somebody looks after handovers once an hour", "rate(1 minute)", "rate(1 hour)"),
    ("a schedule that is switched off", "Schedule: rate(1 minute)\n", "Schedule: rate(1 minute)\n            Enabled: false\n"),
    ("minutes pile up", "      EventInvokeConfig: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }\n", ""),
    ("the index is not readable", "index/by-look\n", "index/by-change\n"),
    ("operators cannot list", 'index/by-change", ', 'index/by-look", '),
    ("operators cannot count", "[!GetAtt ToRingcxQueue.Arn, !GetAtt QueueUpdatesQueue.Arn]\n", "[!GetAtt ToRingcxQueue.Arn]\n"),
    ("operators cannot drain", "RouteKey: POST /{connection}/operator/drain", "RouteKey: PUT /{connection}/operator/drain"),
    ("a clock that stands still rings no alarm", "TreatMissingData: breaching", "TreatMissingData: notBreaching"),
    ("an alarm while the clock goes", "ComparisonOperator: LessThanThreshold", "ComparisonOperator: GreaterThanThreshold"),
    ("no way back in time", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false"),
    ("prod's table goes with the stack", "DeletionPolicy: !If [IsProtected, Retain, Delete]", "DeletionPolicy: Delete"),
    ("a condition upside down", "DeletionProtectionEnabled: !If [IsProtected, true, false]", "DeletionProtectionEnabled: !If [IsProtected, false, true]"),
    ("a route is missing", "RouteKey: DELETE /{connection}/conversations/{id}/handover", "RouteKey: DELETE /{connection}/conversations/{id}"),
    ("a route leads to the wrong function", "      RouteKey: POST /{connection}/handover/rce/webhook\n      Target: !Sub integrations/${WebhookIntakeIntegration}", "      RouteKey: POST /{connection}/handover/rce/webhook\n      Target: !Sub integrations/${SourceSdkIntegration}"),
    ("the old payload", 'PayloadFormatVersion: "2.0"', 'PayloadFormatVersion: "1.0"'),
    ("the newest version instead of the alias", "IntegrationUri: !Ref WebhookIntake.Alias", "IntegrationUri: !GetAtt WebhookIntake.Arn"),
    ("everybody may call", "      SourceArn: !Sub arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*\n", ""),
    ("the path in the log", "$context.routeKey", "$context.path"),
    ("no throttling", "        ThrottlingRateLimit: !Ref ThrottleRate\n", ""),
    ("a log for ever", "      RetentionInDays: !Ref LogRetentionDays\n", ""),
    ("a log of Lambda's own making", "      LoggingConfig: { LogGroup: !Ref SourceSdkLogs }\n", ""),
    ("a variable is missing", "        HANDOVER_TABLE: !Ref Table\n", ""),
    ("another queue's dead letters", "HANDOVER_DEAD_LETTERS_URL: !Ref ToBotDeadLetters", "HANDOVER_DEAD_LETTERS_URL: !Ref ToRingcxDeadLetters"),
    ("the command line is sent to another queue", '"to_bot_queue_url": "${ToBotQueue}"', '"to_bot_queue_url": "${ToRingcxQueue}"'),
    ("a new value makes no version", "${HttpMemory} MB", "some MB"),
    ("the function outlives its job's hiding", "Timeout: 60", "Timeout: 120"),
    ("code that is somewhere else", "CodeUri: ../functions/queue-updates", "CodeUri: .."),
    ("a binary that does not exist", "Binary: queue-updates", "Binary: queue-update"),
    ("an alarm on nothing", "MetricName: DeadLetters", "MetricName: DeadLetter"),
    ("an alarm that wants two dead letters", "      Threshold: 0\n", "      Threshold: 1\n"),
    ("an alarm after the webhook is off", "      Threshold: 5\n", "      Threshold: 90\n"),
    ("an alarm that nobody hears", "      AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]\n", ""),
    ("an alarm on the wrong queue", "Dimensions: [{ Name: QueueName, Value: !GetAtt ToRingcxDeadLetters.QueueName }]", "Dimensions: [{ Name: QueueName, Value: !GetAtt ToRingcxQueue.QueueName }]"),
    ("an unknown metric in an expression", "FILL(failed, 0) / calls", "FILL(failed, 0) / call"),
    ("a deployment that no alarm stops", "          - !If [HasAlarms, !Ref SourceSdkErrorsAlarm, !Ref AWS::NoValue]\n", ""),
    ("a property that does not exist", "ContentBasedDeduplication: false", "ContentBasedDedup: false"),
    ("a reference to nothing", "!Ref ToBotDeadLetters", "!Ref ToBotDeadLetter"),
    ("a parameter that nobody uses", "Rules:\n", "  Spare:\n    Type: String\nRules:\n"),
    ("settings under another key than the functions'", '"settings_key": "${SettingsKeyArn}"', '"settings_key": "none"'),
    ("a default hides a difference", "    AllowedValues: [arm64, x86_64]\n", "    AllowedValues: [arm64, x86_64]\n    Default: arm64\n"),
]  # fmt: skip

SAMCONFIG = [
    ("a stage forgets a parameter", '    "Alarms=false",\n', ""),
    ("prod without protection", '"DeletionProtection=true"', '"DeletionProtection=false"'),
    ("two stages of one name", '"Stage=staging"', '"Stage=prod"'),
    ("a value that is not allowed", '"LogRetentionDays=90"', '"LogRetentionDays=91"'),
    ("deploying the sources", "resolve_s3 = true\n", 'resolve_s3 = true\ntemplate_file = "infra/template.yaml"\n'),
]


def run(check):
    """0 if all were noticed."""
    template, samconfig = stages.TEMPLATE.read_text(), stages.SAMCONFIG.read_text()
    check.Check.load(template)
    if not check.own_checks(io.StringIO()).wasSuccessful():
        print("The checks fail without any mistake planted; run them without --mutations first.")
        return 1
    unnoticed = 0
    for original, mistakes in ((template, TEMPLATE), (samconfig, SAMCONFIG)):
        for name, before, after in mistakes:
            if before not in original:
                noticed = None
            elif original is template:
                noticed = notice(check, original.replace(before, after, 1))
            else:
                with tempfile.TemporaryDirectory() as folder:
                    stages.SAMCONFIG = pathlib.Path(folder, "samconfig.toml")
                    stages.SAMCONFIG.write_text(original.replace(before, after, 1))
                    noticed = notice(check, template)
                stages.SAMCONFIG = stages.ROOT / "samconfig.toml"
            unnoticed += not noticed
            print(f"{name}: {noticed or ('NOT NOTICED' if noticed is not None else 'NOTHING TO CHANGE')}")
    print(f"{len(TEMPLATE) + len(SAMCONFIG)} mistakes, {unnoticed} not noticed")
    return 1 if unnoticed else 0


def notice(check, template):
    """Who notices, or an empty text."""
    try:
        check.Check.load(template)
    except Exception as refused:  # the translator's own errors, a KeyError of a parameter that is missing
        return f"not translated ({type(refused).__name__})"
    result = check.own_checks(io.StringIO())
    if not result.wasSuccessful():
        return ", ".join(test.id().split(".")[-1] for test, _ in result.failures + result.errors)
    return ", ".join(problem.split(":")[0] for problem in check.translated_lint(check.Check.stacks["prod"]))
