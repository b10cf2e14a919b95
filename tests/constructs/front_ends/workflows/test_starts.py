from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

import ml_constructs as ml
from tests.constructs.front_ends.asynchronous import allowed, an_async_endpoint
from tests.constructs.front_ends.helpers import (
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
    template,
)
from tests.constructs.front_ends.workflows.workflows import (
    ORDERS,
    build,
    build_asynchronous,
    build_asynchronous_with,
    definition,
    expressions,
    machine,
    policy_of,
)
from tests.constructs.refusals import refusals


def test_messages_start_executions(stack: Stack) -> None:
    front_end = build(stack)
    queue = front_end.on_messages(max_receives=4)
    pipe = one(stack, "AWS::Pipes::Pipe")["Properties"]
    ((name, _),) = resources(stack, "AWS::StepFunctions::StateMachine").items()
    assert (pipe["Source"], pipe["Target"]) == (stack.resolve(queue.queue_arn), {"Ref": name})
    assert pipe["SourceParameters"] == {"SqsQueueParameters": {"BatchSize": 1}}
    assert pipe["TargetParameters"] == {"StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"}}
    redrive = next(
        each["Properties"]["RedrivePolicy"]
        for each in resources(stack, "AWS::SQS::Queue").values()
        if "RedrivePolicy" in each["Properties"]
    )
    assert redrive["maxReceiveCount"] == 4
    assert redrive["deadLetterTargetArn"] == stack.resolve(front_end.dead_letter_queue.queue_arn)
    assert set(allowed(policy_of(stack, "FlowPipePolicy"))) == {
        "kms:Decrypt",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "states:StartExecution",
    }
    assert_acyclic(stack)
    ((pipe_name, _),) = resources(stack, "AWS::Pipes::Pipe").items()
    assert any(each.startswith("FlowPipePolicy") for each in depends_on(stack, pipe_name))


def test_events_start_executions(stack: Stack) -> None:
    front_end = build(stack)
    bus = events.EventBus(stack, "Bus")
    rule = front_end.on_event("Orders", event_pattern=ORDERS, event_bus=bus)
    properties = one(stack, "AWS::Events::Rule")["Properties"]
    assert properties["EventPattern"] == {"source": ["com.example.orders"]}
    assert properties["EventBusName"] == stack.resolve(bus.event_bus_name)
    (target,) = properties["Targets"]
    assert target["InputTransformer"] == {
        "InputPathsMap": {"detail": "$.detail"},
        "InputTemplate": '{"body": <detail>}',
    }
    assert target["DeadLetterConfig"] == {"Arn": stack.resolve(front_end.dead_letter_queue.queue_arn)}
    assert set(allowed(policy_of(stack, "FlowEventsOrdersPolicy"))) == {"states:StartExecution"}
    assert_acyclic(stack)
    assert rule.node.path == "Stack/Flow/Events/Orders"


def test_who_starts_an_execution_needs_no_key(stack: Stack) -> None:
    front_end = build(stack)
    policy = iam.ManagedPolicy(stack, "Starter", description="Starts")
    front_end.grant_start_execution(policy)
    (start,) = policy_of(stack, "Starter")["Properties"]["PolicyDocument"]["Statement"]
    arn = stack.resolve(front_end.state_machine_arn)
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", arn)


def test_grants_on_messages(stack: Stack) -> None:
    front_end = build(stack)
    policy = iam.ManagedPolicy(stack, "Sender", description="Sends")
    for method in (front_end.grant_send_messages, front_end.grant_redrive):
        with pytest.raises(ValueError, match="on_messages must be called before there are messages"):
            method(policy)
    queue = front_end.on_messages()
    front_end.grant_send_messages(policy)
    front_end.grant_redrive(iam.ManagedPolicy(stack, "Operator", description="Operates"))
    assert allowed(policy_of(stack, "Sender"))["sqs:SendMessage"] == [stack.resolve(queue.queue_arn)]
    moved = allowed(policy_of(stack, "Operator"))["sqs:StartMessageMoveTask"]
    assert moved == [stack.resolve(front_end.dead_letter_queue.queue_arn)]
    with pytest.raises(ValueError, match="on_messages must be called once"):
        front_end.on_messages()


def test_policies_are_there_before_their_users(stack: Stack) -> None:
    build_asynchronous(stack)
    assert_acyclic(stack)
    ((name, _),) = resources(stack, "AWS::StepFunctions::StateMachine").items()
    assert any(each.startswith("FlowPolicy") for each in depends_on(stack, name))


def test_in_a_network_nothing_is_found(stack: Stack) -> None:
    key = ml.EncryptionKey(stack, "Key")
    network = ml.InferenceNetwork(stack, "Network", flow_log_key=key)
    logs = ml.LogBucket(stack, "AccessLogs")
    bucket = ml.CaptureBucket(stack, "Uploads", encryption_key=key, access_logs=logs)
    topic = sns.Topic(stack, "Results", master_key=key, enforce_ssl=True)
    front_end = build_asynchronous_with(stack, bucket, topic, network=network, encryption_key=key)
    front_end.on_messages()
    front_end.on_event("Orders", event_pattern=ORDERS)
    assert findings(stack) == set()
    # An interface endpoint of DynamoDB cannot answer to the name that clients use: its creation would fail.
    assert set(network.interface_endpoints) == {"sagemaker.runtime", "states"}
    services = [each["Properties"]["ServiceName"] for each in resources(stack, "AWS::EC2::VPCEndpoint").values()]
    assert [name["Fn::Join"][1][-1] for name in services if "dynamodb" in str(name)] == [".dynamodb"]
    groups = resources(stack, "AWS::EC2::SecurityGroup")
    (group,) = (each for name, each in groups.items() if name.startswith("FlowCallbackSecurityGroup"))
    assert "DynamoDB through the gateway endpoint" in str(group["Properties"]["SecurityGroupEgress"])
    assert_acyclic(stack)


def test_the_network_may_be_in_another_stack(app: App, stack: Stack) -> None:
    network = ml.InferenceNetwork(Stack(app, "Shared"), "Network")
    build_asynchronous(stack, network=network)
    app.synth()


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(region=region, account="111122223333"))
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-documents")
    front_end = build_asynchronous_with(stack, bucket, sns.Topic(stack, "Results"))
    front_end.on_messages()
    front_end.on_event("Orders", event_pattern=ORDERS)
    assert literal_partitions(stack) == []


def test_no_expression_ends_early(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-documents")
    storage = ml.AsyncStorage(
        input_bucket=bucket,
        input_prefix='it\'s "a" \\prefix',
        output_bucket=bucket,
        output_prefix="o",
        failure_prefix="f",
    )
    endpoint = ml.Endpoint.from_endpoint_attributes(
        stack, "E", endpoint_name="slow", asynchronous=True, async_storage=storage
    )
    topic = sns.Topic(stack, "Results")
    build(stack, endpoint=endpoint, success_topic=topic, error_topic=topic, content_type='a/b; c="d\'e"')
    found = definition(stack)
    literal = json.dumps('it\'s "a" \\prefix/executions/')
    assert literal in found["States"]["Upload"]["Arguments"]["Key"]
    assert json.dumps('a/b; c="d\'e"') in found["States"]["Submit"]["Arguments"]["ContentType"]
    assert all(each.count("(") == each.count(")") for each in expressions(found))


def test_metrics_have_official_names(stack: Stack) -> None:
    front_end = build(stack)
    names = {
        "metric_started": "ExecutionsStarted",
        "metric_succeeded": "ExecutionsSucceeded",
        "metric_failed": "ExecutionsFailed",
        "metric_timed_out": "ExecutionsTimedOut",
        "metric_throttled": "ExecutionThrottled",
        "metric_time": "ExecutionTime",
    }
    for method, name in names.items():
        metric = getattr(front_end, method)(period=Duration.minutes(1))
        assert (metric.namespace, metric.metric_name) == ("AWS/States", name)
        assert list(metric.dimensions) == ["StateMachineArn"]
    assert front_end.metric_dead_letters().metric_name == "ApproximateNumberOfMessagesVisible"


def test_alarms_tell_of_dead_letters_and_of_timeouts(stack: Stack) -> None:
    topic = sns.Topic.from_topic_arn(stack, "Alarms", "arn:aws:sns:eu-west-1:111122223333:alarms")
    build(stack, alarm_topic=topic, removal_policy=RemovalPolicy.DESTROY)
    alarms = [each["Properties"] for each in resources(stack, "AWS::CloudWatch::Alarm").values()]
    assert {each["MetricName"] for each in alarms} == {"ApproximateNumberOfMessagesVisible", "ExecutionsTimedOut"}
    assert {tuple(each["AlarmActions"]) for each in alarms} == {(topic.topic_arn,)}
    assert one(stack, "AWS::SQS::Queue")["DeletionPolicy"] == "Delete"


def test_numbers_and_texts_may_be_tokens(stack: Stack) -> None:
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    text = CfnParameter(stack, "Text").value_as_string
    front_end = build_asynchronous(
        stack,
        retries=number,
        content_type=text,
        accept=text,
        time_to_live=Duration.seconds(number),
        invocation_timeout=Duration.seconds(number),
    )
    front_end.on_messages(max_receives=int(number))
    resolved = json.dumps(template(stack)["Resources"])
    assert '{"Ref": "Number"}' in resolved
    parts = machine(stack)["DefinitionString"]["Fn::Join"][1]
    assert f'"TimeoutSeconds":{21_600 + 3_600 + 300}' in "".join(part for part in parts if isinstance(part, str))


def refused(argument: str, values: tuple[object, ...], *, asynchronous: bool) -> None:
    def call(stack: Stack, bad: dict[str, Any]) -> object:
        if not asynchronous:
            return build(stack, **bad)
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-documents")
        return build_asynchronous(stack, **{"endpoint": an_async_endpoint(stack, bucket=bucket), **bad})

    assert len(list(refusals(call, argument, values))) == len(values)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("endpoint", (None, "slow", 5)),
        ("component", ("one", 5)),
        ("success_topic", ("x", 5, sns.Topic.from_topic_arn)),
        ("express", (None, 1, "yes")),
        ("retries", (-1, 11, 1.5, "3", True)),
        ("content_type", (None, 5, "", "ü", "x" * 1025)),
        ("accept", (5, "", "a\n")),
        ("time_to_live", (Duration.minutes(5), 60)),
        ("invocation_timeout", (Duration.minutes(5), 60)),
        ("alarm_topic", ("x", 5)),
        ("network", ("x", 5)),
        ("encryption_key", ("x", 5)),
        ("log_retention", (None, 5)),
        ("removal_policy", (None, "DESTROY")),
    ],
)
def test_refuses(argument: str, values: tuple[object, ...]) -> None:
    refused(argument, values, asynchronous=False)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("success_topic", (None, "x", 5)),
        ("error_topic", (None, "x", 5)),
        ("express", (True,)),
        ("time_to_live", (Duration.seconds(59), Duration.seconds(21_601), Duration.millis(60_500))),
        ("invocation_timeout", (Duration.seconds(0), Duration.seconds(3601))),
    ],
)
def test_refuses_beside_an_asynchronous_endpoint(argument: str, values: tuple[object, ...]) -> None:
    refused(argument, values, asynchronous=True)


def test_refuses_retries_without_time_for_them(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"retries must be between 0 and 1, got 2"):
        build(stack, express=True, retries=2)


def test_methods_refuse(stack: Stack) -> None:
    front_end = build(stack)
    for bad in (None, 0, 1001, "1"):
        with pytest.raises((ValueError, TypeError), match="max_receives"):
            front_end.on_messages(max_receives=bad)  # type: ignore[arg-type]
    assert front_end.queue is None
    with pytest.raises(TypeError, match="name"):
        front_end.on_event(5, event_pattern=ORDERS)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="event_pattern"):
        front_end.on_event("A", event_pattern={"source": ["x"]})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="event_bus"):
        front_end.on_event("A", event_pattern=ORDERS, event_bus="x")  # type: ignore[arg-type]
