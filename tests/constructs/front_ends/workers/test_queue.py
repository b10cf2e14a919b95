from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, NestedStack, RemovalPolicy, Size, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from consume_records.settings import QueueSettings
from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.components.specification import ComponentSpecification
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.workers.worker import Worker
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import IMPORTED, number, text
from tests.constructs.front_ends.helpers import (
    admitted_log_groups,
    assert_acyclic,
    depends_on,
    findings,
    literal_partitions,
    one,
    resources,
)
from tests.constructs.front_ends.workers.consumers import (
    a_bucket,
    alarms_of,
    allowed,
    function_of,
    mapping_of,
    queue,
    services_of_key,
    variables_of,
)

QUEUE = "AWS::SQS::Queue"
ESM = "AWS::Lambda::EventSourceMapping"
RUNTIME_CODE = Path(__file__).parents[4] / "lambda"
URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/dead"


def a_topic(stack: Stack, **arguments: Any) -> sns.Topic:  # noqa: ANN401 - arguments of the topic
    return sns.Topic(stack, "Topic", enforce_ssl=True, master_key=EncryptionKey(stack, "TopicKey"), **arguments)


def named(stack: Stack, kind: str, prefix: str) -> dict[str, Any]:
    (found,) = (each for name, each in resources(stack, kind).items() if name.startswith(prefix))
    properties: dict[str, Any] = found["Properties"]
    return properties


def settings(stack: Stack) -> QueueSettings:
    """What the handler makes of the variables, once references are known."""
    known = {"DEAD_LETTER_QUEUE_URL": URL, "RESULTS_BUCKET": "results", "IDEMPOTENCY_TABLE": "processed"}
    topic = {"RESULTS_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:results"}
    return QueueSettings.from_environment(
        {
            key: {**known, **topic}[key] if isinstance(value, dict) else value
            for key, value in variables_of(stack).items()
        }
    )


def test_runs_the_shipped_handler_behind_its_alias(stack: Stack) -> None:
    queue(stack)
    function = function_of(stack)
    assert function["Handler"] == "consume_records.queue.handle"
    assert (RUNTIME_CODE / "consume_records" / "queue.py").read_text().count("def handle(") == 1
    assert (function["Runtime"], function["Architectures"], function["Timeout"]) == ("python3.14", ["arm64"], 180)
    assert len(function["Layers"]) == 1
    (alias,) = resources(stack, "AWS::Lambda::Alias")
    assert mapping_of(stack)["FunctionName"] == {"Ref": alias}


def test_environment_is_what_the_handler_reads(stack: Stack) -> None:
    queue(stack)
    read = settings(stack)
    assert (read.max_receives, read.fifo, read.results_bucket, read.results_topic_arn) == (10, False, None, None)
    assert read.calls.endpoint.endpoint_name == "champion"
    assert (read.calls.service_name, read.calls.metrics_namespace) == ("Stack/FrontEnd", "MLConstructs")
    assert (read.calls.parallelism, read.calls.content_type, read.calls.accept) == (10, "application/json", None)
    dead = variables_of(stack)["DEAD_LETTER_QUEUE_URL"]["Ref"]
    assert dead.startswith("FrontEndDeadLetters")


def test_queues_are_encrypted_and_reached_over_tls(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    front_end = queue(stack, encryption_key=key)
    queues = resources(stack, QUEUE)
    assert len(queues) == 2
    assert {str(each["Properties"]["KmsMasterKeyId"]) for each in queues.values()} == {str(stack.resolve(key.key_arn))}
    for policy in resources(stack, "AWS::SQS::QueuePolicy").values():
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert policy["DeletionPolicy"] == "RetainExceptOnCreate"
    assert front_end.encryption_key is key


def test_messages_that_fail_too_often_become_dead_letters(stack: Stack) -> None:
    front_end = queue(stack, max_receives=7)
    policy = named(stack, QUEUE, "FrontEndQueue")["RedrivePolicy"]
    assert policy == {"deadLetterTargetArn": stack.resolve(front_end.dead_letter_queue.queue_arn), "maxReceiveCount": 7}
    assert variables_of(stack)["MAX_RECEIVES"] == "7"
    assert named(stack, QUEUE, "FrontEndDeadLetters")["MessageRetentionPeriod"] == 14 * 86_400
    assert named(stack, QUEUE, "FrontEndQueue")["MessageRetentionPeriod"] == 4 * 86_400


@pytest.mark.parametrize(("timeout", "window", "visibility"), [(180, None, 1080), (60, 20, 380), (900, 300, 5700)])
def test_visibility_follows_from_the_functions_timeout(
    stack: Stack, timeout: int, window: int | None, visibility: int
) -> None:
    gathered = None if window is None else Duration.seconds(window)
    queue(stack, worker=Worker(timeout=Duration.seconds(timeout)), batch_window=gathered)
    assert named(stack, QUEUE, "FrontEndQueue")["VisibilityTimeout"] == visibility


def test_visibility_covers_whatever_a_token_stands_for(stack: Stack) -> None:
    worker = Worker(timeout=Duration.seconds(number(stack, "Timeout")))
    queue(stack, worker=worker, batch_window=Duration.seconds(number(stack, "Window")))
    assert named(stack, QUEUE, "FrontEndQueue")["VisibilityTimeout"] == 6 * 900 + 300
    assert mapping_of(stack)["MaximumBatchingWindowInSeconds"] == {"Ref": "Window"}


def test_lambda_reads_the_queue_and_hears_which_messages_failed(stack: Stack) -> None:
    front_end = queue(stack)
    mapping = mapping_of(stack)
    assert mapping["EventSourceArn"] == stack.resolve(front_end.queue.queue_arn)
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"]) == (10, ["ReportBatchItemFailures"])
    assert "MaximumBatchingWindowInSeconds" not in mapping


@pytest.mark.parametrize("concurrency", [2, 1000])
def test_as_much_concurrency_is_reserved_as_the_queue_may_use(stack: Stack, concurrency: int) -> None:
    queue(stack, max_concurrency=concurrency)
    assert mapping_of(stack)["ScalingConfig"] == {"MaximumConcurrency": concurrency}
    assert function_of(stack)["ReservedConcurrentExecutions"] == concurrency


def test_permissions_exist_before_the_mapping(stack: Stack) -> None:
    queue(stack, results=a_bucket(stack), network=InferenceNetwork(stack, "Network"))
    assert_acyclic(stack)
    (mapping,) = resources(stack, ESM)
    assert any(name.startswith("FrontEndConsumerPolicy") for name in depends_on(stack, mapping))


def test_role_may_read_this_queue_and_write_its_dead_letters_and_nothing_else(stack: Stack) -> None:
    front_end = queue(stack)
    may = allowed(stack)
    assert set(may) == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sagemaker:InvokeEndpoint",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    assert may["sqs:ReceiveMessage"]["Resource"] == stack.resolve(front_end.queue.queue_arn)
    assert may["sqs:SendMessage"]["Resource"] == stack.resolve(front_end.dead_letter_queue.queue_arn)
    assert services_of_key(stack, "kms:GenerateDataKey") == {"sqs"}
    assert resources(stack, "AWS::IAM::Policy") == {}


def test_results_go_to_the_endpoints_prefix_of_a_bucket(stack: Stack) -> None:
    queue(stack, results=a_bucket(stack), results_prefix="scores/daily")
    read = settings(stack)
    assert (read.results_bucket, read.results_prefix) == ("results", "scores/daily/champion/")
    may = allowed(stack)
    assert may["s3:PutObject"]["Resource"]["Fn::Join"][1][-1] == "/scores/daily/champion/*"
    assert services_of_key(stack, "kms:GenerateDataKey") == {"sqs", "s3"}
    assert resources(stack, "AWS::DynamoDB::Table") == {}


def test_results_in_an_imported_bucket_need_no_key(stack: Stack) -> None:
    queue(stack, results=s3.Bucket.from_bucket_name(stack, "Imported", "some-results"))
    assert variables_of(stack)["RESULTS_BUCKET"] == "some-results"
    assert services_of_key(stack, "kms:GenerateDataKey") == {"sqs"}


def test_results_go_to_a_topic_once(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    topic = a_topic(stack)
    front_end = queue(stack, results=topic, encryption_key=key)
    read = settings(stack)
    assert read.results_topic_arn is not None
    assert (read.idempotency_table, read.results_bucket) == ("processed", None)
    may = allowed(stack)
    assert may["sns:Publish"]["Resource"] == stack.resolve(topic.topic_arn)
    assert services_of_key(stack, "kms:GenerateDataKey") == {"sqs", "sns", "dynamodb"}
    table = one(stack, "AWS::DynamoDB::Table")
    assert front_end.idempotency_table is not None
    assert may["dynamodb:PutItem"]["Resource"] == stack.resolve(front_end.idempotency_table.table_arn)
    properties = table["Properties"]
    assert properties["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert properties["SSESpecification"]["KMSMasterKeyId"] == stack.resolve(key.key_arn)
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionPolicy"] == "Delete"


def test_results_in_an_imported_topic(stack: Stack) -> None:
    arn = "arn:aws:sns:eu-west-1:111122223333:results"
    queue(stack, results=sns.Topic.from_topic_arn(stack, "Imported", arn))
    assert variables_of(stack)["RESULTS_TOPIC_ARN"] == arn
    assert "sns" not in services_of_key(stack, "kms:GenerateDataKey")


def test_fifo_queues_keep_the_order_of_groups(stack: Stack) -> None:
    queue(stack, fifo=True)
    for properties in (each["Properties"] for each in resources(stack, QUEUE).values()):
        assert properties["FifoQueue"] is True
        assert properties["DeduplicationScope"] == "messageGroup"
        assert properties["FifoThroughputLimit"] == "perMessageGroupId"
        assert "ContentBasedDeduplication" not in properties
        assert "QueueName" not in properties  # which would end with .fifo, and prevent a replacement
    assert settings(stack).fifo


def test_senders_may_leave_deduplication_to_the_content(stack: Stack) -> None:
    queue(stack, fifo=True, content_based_deduplication=True)
    assert named(stack, QUEUE, "FrontEndQueue")["ContentBasedDeduplication"] is True
    assert "ContentBasedDeduplication" not in named(stack, QUEUE, "FrontEndDeadLetters")


def test_standard_queues_have_no_properties_of_fifo_queues(stack: Stack) -> None:
    queue(stack)
    for each in resources(stack, QUEUE).values():
        assert not {"FifoQueue", "DeduplicationScope", "FifoThroughputLimit"} & set(each["Properties"])


def test_queues_stay_with_their_messages(stack: Stack) -> None:
    queue(stack)
    kept = {(each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in resources(stack, QUEUE).values()}
    assert kept == {("RetainExceptOnCreate", "Retain")}


def test_queues_may_go_with_their_stack(stack: Stack) -> None:
    queue(stack, removal_policy=RemovalPolicy.DESTROY)
    kinds = (*resources(stack, QUEUE).values(), *resources(stack, "AWS::SQS::QueuePolicy").values())
    assert {each["DeletionPolicy"] for each in kinds} == {"Delete"}


def test_alarms_on_dead_letters_and_on_what_waits_too_long(stack: Stack) -> None:
    front_end = queue(stack)
    alarms = alarms_of(stack)
    dead, age = alarms["ApproximateNumberOfMessagesVisible"], alarms["ApproximateAgeOfOldestMessage"]
    assert (dead["Threshold"], dead["EvaluationPeriods"], dead["Statistic"]) == (0, 1, "Maximum")
    assert (age["Threshold"], age["DatapointsToAlarm"], age["EvaluationPeriods"]) == (3600, 3, 5)
    assert dead["Dimensions"][0]["Value"] == stack.resolve(front_end.dead_letter_queue.queue_name)
    assert age["Dimensions"][0]["Value"] == stack.resolve(front_end.queue.queue_name)
    topic = [stack.resolve(front_end.alarm_topic.topic_arn)]
    assert all(each["AlarmActions"] == each["OKActions"] == topic for each in alarms.values())


def test_alarms_may_go_to_a_topic_that_exists(stack: Stack) -> None:
    topic = a_topic(stack)
    front_end = queue(stack, alarm_topic=topic, max_age=Duration.minutes(5))
    assert front_end.alarm_topic is topic
    assert len(resources(stack, "AWS::SNS::Topic")) == 1
    assert alarms_of(stack)["ApproximateAgeOfOldestMessage"]["Threshold"] == 300


def test_alarm_fires_before_messages_expire(stack: Stack) -> None:
    queue(stack, retention=Duration.minutes(10))
    assert alarms_of(stack)["ApproximateAgeOfOldestMessage"]["Threshold"] == 300


def test_calls_the_component_of_a_shared_endpoint(stack: Stack) -> None:
    endpoint = SharedEndpoint(stack, "Shared", variant=SharedVariant(instance_type="ml.m5.xlarge"))
    with pytest.raises(ValueError, match=r"component must be given for a shared endpoint"):
        queue(stack, endpoint=endpoint)
    specification = ComponentSpecification(model=IMPORTED, memory=Size.gibibytes(1), cpu_cores=1)
    component = InferenceComponent(stack, "Component", endpoint=endpoint, specification=specification)
    queue(stack, endpoint=endpoint, component=component, network=InferenceNetwork(stack, "Network"))
    assert variables_of(stack)["INFERENCE_COMPONENT_NAME"] == stack.resolve(component.component_name)
    assert len(allowed(stack)["sagemaker:InvokeEndpoint"]["Resource"]) == 2


def test_senders_may_send_and_nothing_else(stack: Stack) -> None:
    front_end = queue(stack)
    front_end.grant_send_messages(iam.ManagedPolicy(stack, "Senders")).assert_success()
    may = allowed(stack, "Senders")
    assert set(may) == {"sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"}
    assert may["sqs:SendMessage"]["Resource"] == stack.resolve(front_end.queue.queue_arn)
    assert services_of_key(stack, "kms:GenerateDataKey", "Senders") == {"sqs"}


def test_operators_may_move_dead_letters_back(stack: Stack) -> None:
    front_end = queue(stack)
    front_end.grant_redrive(iam.ManagedPolicy(stack, "Operators")).assert_success()
    may = allowed(stack, "Operators")
    dead, alive = (stack.resolve(each.queue_arn) for each in (front_end.dead_letter_queue, front_end.queue))
    assert may["sqs:SendMessage"]["Resource"] == alive
    assert {each for each in may if each.startswith("sqs:") and may[each]["Resource"] == dead} == {
        "sqs:CancelMessageMoveTask",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ListMessageMoveTasks",
        "sqs:ReceiveMessage",
        "sqs:StartMessageMoveTask",
    }


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("metric_approximate_age_of_oldest_message", "ApproximateAgeOfOldestMessage"),
        ("metric_approximate_number_of_messages_visible", "ApproximateNumberOfMessagesVisible"),
        ("metric_dead_letters", "ApproximateNumberOfMessagesVisible"),
    ],
)
def test_metrics_have_their_official_names(stack: Stack, method: str, name: str) -> None:
    metric = getattr(queue(stack), method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/SQS", name, "Maximum")
    assert list(metric.dimensions) == ["QueueName"]


@pytest.mark.parametrize(
    ("method", "name", "statistic"),
    [
        ("metric_errors", "Errors", "Sum"),
        ("metric_throttles", "Throttles", "Sum"),
        ("metric_duration", "Duration", "p99"),
        ("metric_concurrent_executions", "ConcurrentExecutions", "Maximum"),
    ],
)
def test_metrics_of_the_function(stack: Stack, method: str, name: str, statistic: str) -> None:
    metric = getattr(queue(stack).consumer, method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("AWS/Lambda", name, statistic)
    assert set(metric.dimensions) == {"FunctionName", "Resource"}


def test_metrics_of_the_messages_are_those_that_the_function_writes(stack: Stack) -> None:
    metric = queue(stack).consumer.metric_records("DeadLetters")
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("MLConstructs", "DeadLetters", "Sum")
    assert metric.dimensions == {"service": "Stack/FrontEnd", "EndpointName": "champion"}


def interface_endpoints(network: InferenceNetwork) -> set[str]:
    return set(network.interface_endpoints)


def test_a_network_gets_what_the_function_reaches(stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    queue(stack, network=network, results=a_bucket(stack))
    assert interface_endpoints(network) == {"sagemaker.runtime", "sqs"}
    (gateway,) = (
        each["Properties"]
        for each in resources(stack, "AWS::EC2::VPCEndpoint").values()
        if each["Properties"]["VpcEndpointType"] == "Gateway"
    )
    written = [each for each in gateway["PolicyDocument"]["Statement"] if each["Action"] == "s3:PutObject"]
    assert [each["Resource"]["Fn::Join"][1][-1] for each in written] == ["/results/champion/*"]
    group = named(stack, "AWS::EC2::SecurityGroup", "FrontEndConsumerSecurityGroup")
    assert "S3 through the gateway endpoint" in [each["Description"] for each in group["SecurityGroupEgress"]]


def test_a_network_gets_what_a_topic_needs_once(stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network", s3_prefix_list="pl-12345678")
    topic = a_topic(stack)
    first = queue(stack, network=network, results=topic)
    other = Endpoint.from_endpoint_name(stack, "Other", "other")
    type(first)(stack, "Second", endpoint=other, results=topic, network=network)
    assert interface_endpoints(network) == {"sagemaker.runtime", "sqs", "sns"}
    (gateway,) = (
        each["Properties"]
        for name, each in resources(stack, "AWS::EC2::VPCEndpoint").items()
        if name.startswith("NetworkDynamoDb")
    )
    deny, allow = gateway["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert allow["Resource"]["Fn::Join"][1][-1] == ":table/*"
    assert allow["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
    group = named(stack, "AWS::EC2::SecurityGroup", "FrontEndConsumerSecurityGroup")
    assert "DynamoDB through the gateway endpoint" in [each["Description"] for each in group["SecurityGroupEgress"]]
    assert_acyclic(stack)


@pytest.mark.parametrize("to", [a_bucket, a_topic])
def test_the_network_may_be_in_another_stack(app: App, stack: Stack, to: Callable[[Stack], Any]) -> None:
    network = InferenceNetwork(Stack(app, "Shared"), "Network")
    queue(stack, network=network, results=to(stack))
    app.synth()


def test_a_network_of_its_owner_is_left_alone(stack: Stack) -> None:
    owned = InferenceNetwork(stack, "Owned")
    network = InferenceNetwork(stack, "Network", vpc=owned.vpc, interface_endpoints=(), s3_endpoint=False)
    queue(stack, network=network, results=a_topic(stack))
    assert {name.startswith("Owned") for name in resources(stack, "AWS::EC2::VPCEndpoint")} == {True}


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("batch_size", 0, r"batch_size must be between 1 and 10,000 messages, got 0"),
        ("batch_size", 10_001, r"batch_size must be between 1 and 10,000 messages, got 10001"),
        ("batch_size", 11, r"batch_window must be at least 1 second for more than 10 messages, got none"),
        ("batch_window", Duration.seconds(301), r"batch_window must be between 0 and 300 whole seconds, got 301"),
        ("max_concurrency", 1, r"max_concurrency must be between 2 and 1,000, got 1"),
        ("max_concurrency", 1001, r"max_concurrency must be between 2 and 1,000, got 1001"),
        ("max_receives", 0, r"max_receives must be between 1 and 1,000, got 0"),
        ("max_receives", 1001, r"max_receives must be between 1 and 1,000, got 1001"),
        ("retention", Duration.seconds(59), r"retention must be between 60 and 1,209,600 whole seconds, got 59"),
        ("retention", Duration.seconds(1_209_601), r"retention must be between 60 and 1,209,600 whole seconds"),
        ("max_age", Duration.seconds(0), r"max_age must be between 1 and 345,600 whole seconds, got 0"),
        ("content_based_deduplication", True, r"content_based_deduplication must be False unless the queue is FIFO"),
        ("results_prefix", "/x", r"results_prefix must be a key prefix .* without slashes at its ends, got '/x'"),
        ("results_prefix", "a*", r"results_prefix must be a key prefix .* safe characters"),
        ("results_prefix", "x" * 401, r"results_prefix must be a key prefix of at most 400"),
    ],
)
def test_refuses(stack: Stack, argument: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        queue(stack, **{argument: value})
    assert stack.node.try_find_child("FrontEnd") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fifo": True, "batch_size": 11}, r"batch_size must be between 1 and 10 messages, got 11"),
        ({"fifo": True, "batch_window": Duration.seconds(1)}, r"batch_window must not be given for a FIFO queue"),
        ({"batch_size": 11, "batch_window": Duration.seconds(0)}, r"batch_window must be at least 1 second"),
        ({"retention": Duration.hours(1), "max_age": Duration.hours(2)}, r"max_age must be between 1 and 3,600"),
    ],
)
def test_refuses_together(stack: Stack, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        queue(stack, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 1},
        {"batch_size": 10_000, "batch_window": Duration.seconds(1)},
        {"batch_window": Duration.seconds(300)},
        {"max_receives": 1},
        {"max_receives": 1000},
        {"retention": Duration.seconds(60), "max_age": Duration.seconds(60)},
        {"retention": Duration.days(14), "max_age": Duration.days(14)},
        {"results_prefix": "x" * 400},
        {"fifo": True, "batch_size": 10},
    ],
)
def test_accepts_at_its_limits(stack: Stack, arguments: dict[str, Any]) -> None:
    queue(stack, **arguments)
    assert mapping_of(stack)["BatchSize"] == arguments.get("batch_size", 10)


def test_refuses_an_asynchronous_endpoint(stack: Stack) -> None:
    endpoint = Endpoint.from_endpoint_attributes(stack, "Slow", endpoint_name="slow", asynchronous=True)
    with pytest.raises(ValueError, match=r"endpoint must answer .* got the asynchronous 'slow'"):
        queue(stack, endpoint=endpoint)


def test_arguments_may_be_tokens(stack: Stack) -> None:
    queue(
        stack,
        endpoint=Endpoint.from_endpoint_name(stack, "Endpoint", text(stack, "Name")),
        results=s3.Bucket.from_bucket_name(stack, "Bucket", text(stack, "BucketName")),
        results_prefix=text(stack, "Prefix"),
        batch_size=number(stack, "Batch"),
        max_concurrency=number(stack, "Concurrency"),
        max_receives=number(stack, "Receives"),
        retention=Duration.seconds(number(stack, "Retention")),
        max_age=Duration.seconds(number(stack, "Age")),
    )
    mapping, properties = mapping_of(stack), named(stack, QUEUE, "FrontEndQueue")
    assert mapping["BatchSize"] == {"Ref": "Batch"}
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "Concurrency"}}
    assert function_of(stack)["ReservedConcurrentExecutions"] == {"Ref": "Concurrency"}
    assert properties["MessageRetentionPeriod"] == {"Ref": "Retention"}
    assert properties["RedrivePolicy"]["maxReceiveCount"] == {"Ref": "Receives"}
    assert variables_of(stack)["MAX_RECEIVES"] == {"Ref": "Receives"}
    assert alarms_of(stack)["ApproximateAgeOfOldestMessage"]["Threshold"] == {"Ref": "Age"}


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    queue(stack, network=InferenceNetwork(stack, "Network"), results=a_topic(stack))
    assert literal_partitions(stack).count("arn:aws:") == 0


def test_no_literal_partition_in_an_environment_agnostic_stack(stack: Stack) -> None:
    queue(stack, results=a_bucket(stack))
    assert literal_partitions(stack) == []


def test_key_of_the_parent_does_not_refer_to_a_nested_stack(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    queue(NestedStack(stack, "Nested"), encryption_key=key)
    assert_acyclic(stack)
    assert admitted_log_groups(stack) == ["Stack-*"]


def test_policy_review_finds_nothing(stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    front_end = queue(stack, network=network, results=a_bucket(stack))
    other = Endpoint.from_endpoint_name(stack, "Other", "other")
    type(front_end)(stack, "Ordered", endpoint=other, results=a_topic(stack), network=network, fifo=True)
    assert findings(stack) == set()


def test_ids_of_what_holds_messages_are_a_contract(stack: Stack) -> None:
    queue(stack)
    kept = {name[:-8] for name in resources(stack, QUEUE)}
    assert kept == {"FrontEndQueue", "FrontEndDeadLetters"}
