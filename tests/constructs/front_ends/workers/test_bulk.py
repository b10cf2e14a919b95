from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from submit_requests.settings import Settings
from submit_requests.upload import parse
from tests.constructs.front_ends.asynchronous import allowed, an_async_endpoint
from tests.constructs.front_ends.helpers import (
    an_endpoint,
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
    template,
)
from tests.constructs.refusals import refusals

RUNTIME_CODE = Path(__file__).parents[4] / "lambda"


def build(stack: Stack, **arguments: Any) -> ml.BulkInvokeFrontEnd:  # noqa: ANN401 - arguments of the construct
    if "endpoint" not in arguments:
        arguments["endpoint"] = an_async_endpoint(stack)
    return ml.BulkInvokeFrontEnd(stack, "Bulk", **arguments)


def queues(stack: Stack) -> tuple[dict[str, Any], dict[str, Any]]:
    """The queue of uploads, and that of dead letters."""
    found = resources(stack, "AWS::SQS::Queue")
    (queue,) = (each for name, each in found.items() if name.startswith("BulkQueue"))
    (dead,) = (each for name, each in found.items() if name.startswith("BulkDeadLetters"))
    return queue, dead


def environment(stack: Stack) -> dict[str, Any]:
    variables: dict[str, Any] = one(stack, "AWS::Lambda::Function")["Properties"]["Environment"]["Variables"]
    return variables


def policy_of(stack: Stack, prefix: str) -> dict[str, Any]:
    found = resources(stack, "AWS::IAM::ManagedPolicy")
    (policy,) = (each for name, each in found.items() if name.startswith(prefix))
    return dict(policy)


def test_runs_the_shipped_handler(stack: Stack) -> None:
    build(stack)
    function = one(stack, "AWS::Lambda::Function")["Properties"]
    assert function["Handler"] == "submit_requests.handler.handle"
    assert (RUNTIME_CODE / "submit_requests" / "handler.py").read_text().count("def handle(") == 1
    assert (function["Timeout"], function["ReservedConcurrentExecutions"]) == (60, 10)
    assert "AWSLambdaPowertoolsPythonV3-python314-arm64" in json.dumps(function["Layers"])


def test_environment_is_what_the_handler_reads(stack: Stack) -> None:
    build(
        stack,
        content_type="text/csv",
        accept="application/json",
        time_to_live=Duration.minutes(5),
        invocation_timeout=Duration.hours(1),
        max_receives=3,
    )
    variables = environment(stack) | {"DEAD_LETTER_QUEUE_URL": "https://sqs.example.com/1/dead"}
    settings = Settings.from_environment(variables)
    assert (settings.endpoint.endpoint_name, settings.max_receives) == ("slow", 3)
    assert (settings.content_type, settings.accept) == ("text/csv", "application/json")
    assert (settings.time_to_live_seconds, settings.invocation_timeout_seconds) == (300, 3600)
    assert (variables["POWERTOOLS_SERVICE_NAME"], variables["POWERTOOLS_METRICS_NAMESPACE"]) == (
        "Stack/Bulk",
        "MLConstructs",
    )


def test_defaults_are_those_of_aws(stack: Stack) -> None:
    build(stack)
    settings = Settings.from_environment(environment(stack) | {"DEAD_LETTER_QUEUE_URL": "https://sqs.example.com/1/d"})
    assert (settings.time_to_live_seconds, settings.invocation_timeout_seconds) == (21_600, 900)
    assert (settings.content_type, settings.accept, settings.max_receives) == (None, None, 10)


def test_a_call_and_a_dead_letter_fit_into_the_timeout(stack: Stack) -> None:
    build(stack)
    variables = environment(stack)
    call = 3 * int(variables["CONNECT_TIMEOUT_SECONDS"]) + int(variables["READ_TIMEOUT_SECONDS"])
    assert 4 * call < one(stack, "AWS::Lambda::Function")["Properties"]["Timeout"]


def test_uploads_below_the_prefix_reach_the_queue(stack: Stack) -> None:
    front_end = build(stack)
    rule = one(stack, "AWS::Events::Rule")["Properties"]
    ((bucket, _),) = resources(stack, "AWS::S3::Bucket").items()
    assert front_end.prefix == "requests/slow/uploads"
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [{"Ref": bucket}]},
            "object": {"key": [{"prefix": "requests/slow/uploads/"}]},
        },
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == stack.resolve(front_end.queue.queue_arn)
    assert target["DeadLetterConfig"] == {"Arn": stack.resolve(front_end.dead_letter_queue.queue_arn)}
    assert "InputPath" not in target  # the function reads the event as a whole


def test_the_function_reads_what_s3_sends() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    event = {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {
            "version": "0",
            "bucket": {"name": "amzn-s3-demo-bucket1"},
            "object": {
                "key": "requests/slow/uploads/a b.csv",
                "size": 5,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                "sequencer": "617f08299329d189",
            },
            "reason": "PutObject",
        },
    }
    upload = parse(json.dumps(event))
    assert (upload.key, upload.size) == ("requests/slow/uploads/a b.csv", 5)


def test_bucket_announces_uploads_without_custom_resource(stack: Stack) -> None:
    build(stack)
    bucket = one(stack, "AWS::S3::Bucket")["Properties"]
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert not [each for each in template(stack)["Resources"].values() if each["Type"].startswith("Custom::")]


def test_bucket_with_notifications_of_the_app_keeps_them(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    topic = sns.Topic(stack, "Topic")
    bucket.add_event_notification(s3.EventType.OBJECT_REMOVED, notifications.SnsDestination(topic))
    build(stack, endpoint=an_async_endpoint(stack, bucket=bucket))
    assert "NotificationConfiguration" not in one(stack, "AWS::S3::Bucket").get("Properties", {})
    configuration = one(stack, "Custom::S3BucketNotifications")["Properties"]["NotificationConfiguration"]
    assert set(configuration) == {"EventBridgeConfiguration", "TopicConfigurations"}


def test_notifications_that_would_end_the_events_are_refused(app: App, stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    build(stack, endpoint=an_async_endpoint(stack, bucket=bucket))
    bucket.add_event_notification(s3.EventType.OBJECT_REMOVED, notifications.SnsDestination(sns.Topic(stack, "Topic")))
    with pytest.raises(RuntimeError, match=r"notifications must be added to a bucket before its BulkInvokeFrontEnd"):
        app.synth()


def test_an_imported_bucket_is_its_owners(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-documents")
    build(stack, endpoint=an_async_endpoint(stack, bucket=bucket))
    assert resources(stack, "AWS::S3::Bucket") == {}
    pattern = one(stack, "AWS::Events::Rule")["Properties"]["EventPattern"]
    assert pattern["detail"]["bucket"]["name"] == ["example-documents"]


def test_only_the_rule_sends_to_the_queues(stack: Stack) -> None:
    build(stack)
    ((rule, _),) = resources(stack, "AWS::Events::Rule").items()
    policies = resources(stack, "AWS::SQS::QueuePolicy").values()
    assert len(policies) == 2
    for policy in policies:
        plain, events = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (plain["Effect"], plain["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert (events["Action"], events["Principal"]) == ("sqs:SendMessage", {"Service": "events.amazonaws.com"})
        assert events["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}
    statements = one(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
    (use,) = (each for each in statements if each["Principal"].get("Service") == "events.amazonaws.com")
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_queue_gives_the_function_six_times_its_time(stack: Stack) -> None:
    build(stack, max_receives=7, max_concurrency=20)
    queue, dead = queues(stack)
    assert queue["Properties"]["VisibilityTimeout"] == 360
    assert queue["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 7
    assert dead["Properties"]["MessageRetentionPeriod"] == 1_209_600
    assert {each["DeletionPolicy"] for each in (queue, dead)} == {"RetainExceptOnCreate"}
    mapping = one(stack, "AWS::Lambda::EventSourceMapping")["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (10, {"MaximumConcurrency": 20})
    assert one(stack, "AWS::Lambda::Function")["Properties"]["ReservedConcurrentExecutions"] == 20
    assert environment(stack)["MAX_RECEIVES"] == "7"


def test_function_cannot_read_what_it_submits(stack: Stack) -> None:
    front_end = build(stack)
    actions = allowed(policy_of(stack, "BulkPolicy"))
    assert set(actions) == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sagemaker:InvokeEndpointAsync",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    assert actions["sagemaker:InvokeEndpointAsync"] == [stack.resolve(front_end.endpoint.endpoint_arn)]
    assert actions["sqs:ReceiveMessage"] == [stack.resolve(front_end.queue.queue_arn)]
    assert actions["sqs:SendMessage"] == [stack.resolve(front_end.dead_letter_queue.queue_arn)]
    assert resources(stack, "AWS::IAM::Policy") == {}


def test_grants_are_exact(stack: Stack) -> None:
    front_end = build(stack)
    uploader = iam.ManagedPolicy(stack, "Uploader", description="Uploads")
    operator = iam.ManagedPolicy(stack, "Operator", description="Operates")
    front_end.grant_upload(uploader)
    front_end.grant_redrive(operator)
    put = allowed(policy_of(stack, "Uploader"))
    assert set(put) == {"kms:Decrypt", "kms:GenerateDataKey", "s3:PutObject"}
    assert put["s3:PutObject"][0]["Fn::Join"][1][-1] == "/requests/slow/uploads/*"
    moved = allowed(policy_of(stack, "Operator"))
    assert moved["sqs:StartMessageMoveTask"] == [stack.resolve(front_end.dead_letter_queue.queue_arn)]
    assert moved["sqs:SendMessage"] == [stack.resolve(front_end.queue.queue_arn)]


def test_the_mapping_waits_for_the_policy(stack: Stack) -> None:
    build(stack)
    assert_acyclic(stack)
    ((mapping, _),) = resources(stack, "AWS::Lambda::EventSourceMapping").items()
    assert any(each.startswith("BulkPolicy") for each in depends_on(stack, mapping))


def test_in_a_network_nothing_is_found(stack: Stack) -> None:
    key = ml.EncryptionKey(stack, "Key")
    network = ml.InferenceNetwork(stack, "Network", flow_log_key=key)
    logs = ml.LogBucket(stack, "AccessLogs")
    bucket = ml.CaptureBucket(stack, "Uploads", encryption_key=key, access_logs=logs)
    endpoint = an_async_endpoint(stack, bucket=bucket)
    front_end = build(stack, endpoint=endpoint, network=network, encryption_key=key)
    policy = iam.ManagedPolicy(stack, "Uploaders", description="Upload documents")
    front_end.grant_upload(policy)
    assert findings(stack) == set()
    assert "sqs" in network.interface_endpoints
    runtime = template(stack)["Resources"]
    policies = [each["Properties"]["PolicyDocument"] for each in runtime.values() if "VPCEndpoint" in each["Type"]]
    assert '"sagemaker:InvokeEndpointAsync"' in json.dumps(policies)
    assert front_end.security_group is not None


@pytest.mark.parametrize(
    ("region", "owner"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_works_in_every_partition(app: App, region: str, owner: str) -> None:
    stack = Stack(app, "Stack", env=Environment(region=region, account="111122223333"))
    storage = s3.Bucket.from_bucket_name(stack, "Bucket", "example-documents")
    build(stack, endpoint=an_async_endpoint(stack, bucket=storage))
    assert literal_partitions(stack) == []
    assert owner in {"aws", "aws-cn", "aws-us-gov"}


def test_metrics_have_official_names(stack: Stack) -> None:
    front_end = build(stack)
    assert front_end.metric_dead_letters().metric_name == "ApproximateNumberOfMessagesVisible"
    assert front_end.metric_approximate_age_of_oldest_message().statistic == "Maximum"
    metric = front_end.metric_uploads("Submitted")
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("MLConstructs", "Submitted", "Sum")
    assert metric.dimensions == {"service": "Stack/Bulk", "EndpointName": "slow"}


def test_alarms_tell_of_dead_letters_and_of_waiting(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:eu-west-1:111122223333:alarms")
    build(stack, alarm_topic=topic, max_age=Duration.minutes(2))
    alarms = [each["Properties"] for each in resources(stack, "AWS::CloudWatch::Alarm").values()]
    assert {(each["MetricName"], each["Threshold"]) for each in alarms} == {
        ("ApproximateNumberOfMessagesVisible", 0),
        ("ApproximateAgeOfOldestMessage", 120),
    }
    assert {tuple(each["AlarmActions"]) for each in alarms} == {(topic.topic_arn,)}


def test_queues_go_with_the_stack_if_so_wanted(stack: Stack) -> None:
    build(stack, removal_policy=RemovalPolicy.DESTROY)
    assert {each["DeletionPolicy"] for each in queues(stack)} == {"Delete"}


def test_refuses_an_endpoint_that_answers_its_callers(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"endpoint must be asynchronous, got 'champion'"):
        build(stack, endpoint=an_endpoint(stack))


def test_refuses_an_endpoint_whose_bucket_is_not_known(stack: Stack) -> None:
    endpoint = ml.Endpoint.from_endpoint_attributes(stack, "E", endpoint_name="slow", asynchronous=True)
    with pytest.raises(ValueError, match=r"endpoint must know its async_storage: .*, got 'slow' without"):
        build(stack, endpoint=endpoint)


def test_limits_at_their_edges(app: App) -> None:
    least, most = Stack(app, "Least"), Stack(app, "Most")
    build(
        least,
        folder="a",
        time_to_live=Duration.seconds(60),
        invocation_timeout=Duration.seconds(1),
        max_concurrency=2,
        max_receives=1,
        max_age=Duration.seconds(1),
    )
    build(
        most,
        folder="a" * 128,
        content_type="x" * 1024,
        time_to_live=Duration.hours(6),
        invocation_timeout=Duration.hours(1),
        max_concurrency=1000,
        max_receives=1000,
        max_age=Duration.days(14),
    )
    assert environment(least)["TIME_TO_LIVE_SECONDS"] == "60"
    assert environment(most)["INVOCATION_TIMEOUT_SECONDS"] == "3600"


def test_numbers_and_texts_may_be_tokens(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    text = CfnParameter(stack, "Text").value_as_string
    build(
        stack,
        folder=text,
        content_type=text,
        accept=text,
        time_to_live=Duration.seconds(number),
        invocation_timeout=Duration.seconds(number),
        max_concurrency=number,
        max_receives=number,
        max_age=Duration.seconds(number),
    )
    variables = environment(stack)
    assert variables["TIME_TO_LIVE_SECONDS"] == variables["MAX_RECEIVES"] == {"Ref": "Number"}
    assert variables["CONTENT_TYPE"] == {"Ref": "Text"}


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("endpoint", (None, "slow", 5)),
        ("folder", (None, 5, "", "/a", "a/", "ü", "a b", "a\n", "a" * 129)),
        ("content_type", (5, "", "ü", " a", "x" * 1025)),
        ("accept", (5, "", "ü", "a\n")),
        ("time_to_live", (60, Duration.seconds(59), Duration.seconds(21_601), Duration.millis(60_500))),
        ("invocation_timeout", (5, Duration.seconds(0), Duration.seconds(3601))),
        ("max_concurrency", (None, 1, 1001, 2.5, "2", True)),
        ("max_receives", (None, 0, 1001, 1.5, "1")),
        ("max_age", (5, Duration.seconds(0), Duration.days(15))),
        ("alarm_topic", ("x", 5)),
        ("network", ("x", 5)),
        ("encryption_key", ("x", 5)),
        ("log_retention", (None, 5)),
        ("removal_policy", (None, "DESTROY")),
    ],
)
def test_refuses(argument: str, values: tuple[object, ...]) -> None:
    def call(stack: Stack, bad: dict[str, Any]) -> object:
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-documents")
        return build(stack, **{"endpoint": an_async_endpoint(stack, bucket=bucket), **bad})

    assert len(list(refusals(call, argument, values))) == len(values)
