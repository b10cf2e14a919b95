from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, NestedStack, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from consume_records.settings import StreamSettings
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.workers.delivery import FirehoseDelivery
from ml_constructs.front_ends.workers.reading import StreamReading
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import number, text, warnings
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
    services_of_key,
    stream,
    variables_of,
)

STREAM = "AWS::Kinesis::Stream"
ARN = "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks"
RUNTIME_CODE = Path(__file__).parents[4] / "lambda"


def settings(stack: Stack) -> StreamSettings:
    """What the handler makes of the variables, once references are known."""
    known = {
        "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/111122223333/dead",
        "RESULTS_BUCKET": "results",
        "RESULTS_DELIVERY_STREAM": "delivery",
    }
    variables = variables_of(stack)
    return StreamSettings.from_environment(
        {key: known[key] if isinstance(value, dict) else value for key, value in variables.items()}
    )


def test_runs_the_shipped_handler_behind_its_alias(stack: Stack) -> None:
    stream(stack)
    function = function_of(stack)
    assert function["Handler"] == "consume_records.stream.handle"
    assert (RUNTIME_CODE / "consume_records" / "stream.py").read_text().count("def handle(") == 1
    assert function["ReservedConcurrentExecutions"] == 50
    assert len(function["Layers"]) == 1
    (alias,) = resources(stack, "AWS::Lambda::Alias")
    assert mapping_of(stack)["FunctionName"] == {"Ref": alias}


def test_environment_is_what_the_handler_reads(stack: Stack) -> None:
    stream(stack)
    read = settings(stack)
    assert (read.results_bucket, read.results_prefix, read.results_delivery_stream) == (None, "", None)
    assert read.calls.endpoint.endpoint_name == "champion"
    assert (read.calls.service_name, read.calls.metrics_namespace) == ("Stack/FrontEnd", "MLConstructs")
    assert variables_of(stack)["DEAD_LETTER_QUEUE_URL"]["Ref"].startswith("FrontEndDeadLetters")


def test_new_stream_is_on_demand_encrypted_and_kept_for_a_week(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    stream(stack, encryption_key=key)
    made = one(stack, STREAM)
    assert made["Properties"] == {
        "RetentionPeriodHours": 168,
        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": stack.resolve(key.key_arn)},
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
    }
    assert (made["DeletionPolicy"], made["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_new_stream_may_have_a_number_of_shards(stack: Stack) -> None:
    stream(stack, shards=3, retention=Duration.days(365), removal_policy=RemovalPolicy.DESTROY)
    made = one(stack, STREAM)
    assert (made["Properties"]["ShardCount"], made["Properties"]["RetentionPeriodHours"]) == (3, 8760)
    assert made["Properties"]["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert made["DeletionPolicy"] == "Delete"


def test_shards_may_be_a_token(stack: Stack) -> None:
    stream(stack, shards=number(stack, "Shards"), retention=Duration.hours(number(stack, "Hours")))
    properties = one(stack, STREAM)["Properties"]
    assert (properties["ShardCount"], properties["RetentionPeriodHours"]) == ({"Ref": "Shards"}, {"Ref": "Hours"})


def test_reads_a_stream_that_exists(stack: Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Theirs", "arn:aws:kms:eu-west-1:111122223333:key/1")
    given = kinesis.Stream.from_stream_attributes(stack, "Given", stream_arn=ARN, encryption_key=key)
    front_end = stream(stack, stream=given)
    assert front_end.stream is given
    assert resources(stack, STREAM) == {}
    assert mapping_of(stack)["EventSourceArn"] == ARN
    may = allowed(stack)
    assert may["kinesis:GetRecords"]["Resource"] == ARN
    assert "kinesis" in services_of_key(stack, "kms:Decrypt")


def test_reads_an_unencrypted_stream(stack: Stack) -> None:
    stream(stack, stream=kinesis.Stream.from_stream_arn(stack, "Given", ARN))
    assert "kinesis" not in services_of_key(stack, "kms:Decrypt")


def test_role_may_read_this_stream_and_nothing_else(stack: Stack) -> None:
    front_end = stream(stack)
    may = allowed(stack)
    assert {each for each in may if each.startswith(("kinesis:", "sqs:", "s3:", "firehose:"))} == {
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "sqs:SendMessage",
    }
    assert may["kinesis:GetRecords"]["Resource"] == stack.resolve(front_end.stream.stream_arn)
    assert may["sqs:SendMessage"]["Resource"] == stack.resolve(front_end.dead_letter_queue.queue_arn)
    assert resources(stack, "AWS::IAM::Policy") == {}


def test_enhanced_fan_out_reads_through_a_consumer_of_its_own(stack: Stack) -> None:
    stream(stack, reading=StreamReading(enhanced_fan_out=True))
    ((name, consumer),) = resources(stack, "AWS::Kinesis::StreamConsumer").items()
    arn = {"Fn::GetAtt": [name, "ConsumerARN"]}
    assert mapping_of(stack)["EventSourceArn"] == arn
    assert allowed(stack)["kinesis:SubscribeToShard"]["Resource"] == arn
    assert 1 <= len(consumer["Properties"]["ConsumerName"]) <= 128
    assert_acyclic(stack)


def test_permissions_exist_before_the_mapping(stack: Stack) -> None:
    stream(stack, results=a_bucket(stack), network=InferenceNetwork(stack, "Network"))
    assert_acyclic(stack)
    (mapping,) = resources(stack, "AWS::Lambda::EventSourceMapping")
    assert any(name.startswith("FrontEndConsumerPolicy") for name in depends_on(stack, mapping))


def test_failed_batches_are_reported_to_the_dead_letters(stack: Stack) -> None:
    front_end = stream(stack)
    destination = mapping_of(stack)["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == stack.resolve(front_end.dead_letter_queue.queue_arn)
    assert "MetricsConfig" not in mapping_of(stack)


def test_failed_batches_may_be_kept_whole(stack: Stack) -> None:
    bucket = a_bucket(stack, "Failed")
    front_end = stream(stack, failed_batches=bucket)
    mapping = mapping_of(stack)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == stack.resolve(bucket.bucket_arn)
    may = allowed(stack)
    assert may["s3:PutObject"]["Resource"]["Fn::Join"][1][-1] == "/aws/lambda/*"
    assert may["s3:ListBucket"]["Resource"] == stack.resolve(bucket.bucket_arn)
    assert "s3" in services_of_key(stack, "kms:GenerateDataKey")
    assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}
    alarm = alarms_of(stack)["OnFailureDestinationDeliveredEventCount"]
    assert alarm["Threshold"] == 0
    assert alarm["Dimensions"] == [
        {"Name": "EventSourceMappingUUID", "Value": stack.resolve(front_end.mapping.attr_id)}
    ]


def test_results_go_to_the_endpoints_prefix_of_a_bucket(stack: Stack) -> None:
    stream(stack, results=a_bucket(stack))
    read = settings(stack)
    assert (read.results_bucket, read.results_prefix) == ("results", "results/champion/")
    assert allowed(stack)["s3:PutObject"]["Resource"]["Fn::Join"][1][-1] == "/results/champion/*"


def test_results_go_to_firehose(stack: Stack) -> None:
    delivery = FirehoseDelivery(stack, "Delivery", bucket=a_bucket(stack))
    network = InferenceNetwork(stack, "Network")
    stream(stack, results=delivery, network=network)
    assert settings(stack).results_delivery_stream == "delivery"
    assert allowed(stack)["firehose:PutRecordBatch"]["Resource"] == stack.resolve(delivery.delivery_stream_arn)
    assert set(network.interface_endpoints) == {"sagemaker.runtime", "sqs", "kinesis-firehose"}
    assert_acyclic(stack)


def test_results_go_to_a_delivery_stream_of_aws_cdk(stack: Stack) -> None:
    given = firehose.DeliveryStream.from_delivery_stream_name(stack, "Given", "theirs")
    stream(stack, results=given)
    assert variables_of(stack)["RESULTS_DELIVERY_STREAM"] == "theirs"


def test_alarms_on_dead_letters_and_lag(stack: Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    front_end = stream(stack, alarm_topic=topic, max_lag=Duration.minutes(1))
    alarms = alarms_of(stack)
    assert set(alarms) == {"ApproximateNumberOfMessagesVisible", "IteratorAge"}
    assert alarms["IteratorAge"]["Threshold"] == 60_000
    assert {each["Name"] for each in alarms["IteratorAge"]["Dimensions"]} == {"FunctionName", "Resource"}
    assert front_end.alarm_topic is topic
    assert all(each["AlarmActions"] == [stack.resolve(topic.topic_arn)] for each in alarms.values())


def test_lag_may_be_a_token_in_milliseconds(stack: Stack) -> None:
    stream(stack, max_lag=Duration.millis(number(stack, "Lag")))
    assert alarms_of(stack)["IteratorAge"]["Threshold"] == {"Ref": "Lag"}


def test_producers_may_put_records_and_nothing_else(stack: Stack) -> None:
    front_end = stream(stack)
    front_end.grant_put_records(iam.ManagedPolicy(stack, "Producers")).assert_success()
    may = allowed(stack, "Producers")
    assert set(may) == {"kinesis:PutRecord", "kinesis:PutRecords", "kms:GenerateDataKey"}
    assert may["kinesis:PutRecords"]["Resource"] == stack.resolve(front_end.stream.stream_arn)
    assert services_of_key(stack, "kms:GenerateDataKey", "Producers") == {"kinesis"}


@pytest.mark.parametrize(
    ("method", "namespace", "name", "statistic"),
    [
        ("metric_incoming_records", "AWS/Kinesis", "IncomingRecords", "Sum"),
        (
            "metric_write_provisioned_throughput_exceeded",
            "AWS/Kinesis",
            "WriteProvisionedThroughputExceeded",
            "Sum",
        ),
        ("metric_iterator_age", "AWS/Lambda", "IteratorAge", "Maximum"),
        ("metric_dead_letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
    ],
)
def test_metrics_have_their_official_names(
    stack: Stack, method: str, namespace: str, name: str, statistic: str
) -> None:
    metric = getattr(stream(stack), method)()
    assert (metric.namespace, metric.metric_name, metric.statistic) == (namespace, name, statistic)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("shards", 0, r"shards must be between 1 and 2,147,483,647, got 0"),
        ("retention", Duration.hours(23), r"retention must be between 86,400 and 31,536,000 whole seconds, got 82800"),
        ("retention", Duration.hours(8761), r"retention must be between 86,400 and 31,536,000 whole seconds"),
        ("retention", Duration.minutes(1501), r"retention must be whole hours, got 90060 seconds"),
        ("max_concurrency", -1, r"max_concurrency must be between 0 and 2,147,483,647, got -1"),
        ("max_lag", Duration.seconds(0), r"max_lag must be between 1 and 31,536,000 whole seconds, got 0"),
        ("results_prefix", "a b", r"results_prefix must be a key prefix"),
    ],
)
def test_refuses(stack: Stack, argument: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stream(stack, **{argument: value})
    assert stack.node.try_find_child("FrontEnd") is None


@pytest.mark.parametrize(("argument", "value"), [("shards", 2), ("retention", Duration.days(2))])
def test_refuses_what_the_owner_of_a_stream_decides(stack: Stack, argument: str, value: object) -> None:
    given = kinesis.Stream.from_stream_arn(stack, "Given", ARN)
    with pytest.raises(ValueError, match=rf"{argument} must not be given with stream, whose owner decides it"):
        stream(stack, stream=given, **{argument: value})


def test_refuses_an_asynchronous_endpoint(stack: Stack) -> None:
    endpoint = Endpoint.from_endpoint_attributes(stack, "Slow", endpoint_name="slow", asynchronous=True)
    with pytest.raises(ValueError, match=r"endpoint must answer .* got the asynchronous 'slow'"):
        stream(stack, endpoint=endpoint)


@pytest.mark.parametrize(("shards", "told"), [(5, False), (6, True)])
def test_warns_of_shards_that_wait(stack: Stack, shards: int, told: bool) -> None:  # noqa: FBT001
    stream(stack, shards=shards, reading=StreamReading(batches_per_shard=10))
    assert any("max_concurrency is 50, but the shards have 60" in each for each in warnings(stack)) is told


@pytest.mark.parametrize(("hours", "told"), [(23, False), (24, True)])
def test_warns_of_records_that_expire_before_they_are_reported(stack: Stack, hours: int, told: bool) -> None:  # noqa: FBT001
    stream(stack, retention=Duration.days(1), reading=StreamReading(max_record_age=Duration.hours(hours)))
    assert any("max_record_age is not below retention" in each for each in warnings(stack)) is told


def test_may_set_no_concurrency_aside(stack: Stack) -> None:
    stream(stack, max_concurrency=None)
    assert "ReservedConcurrentExecutions" not in function_of(stack)


def test_endpoint_name_may_be_a_token(stack: Stack) -> None:
    stream(stack, endpoint=Endpoint.from_endpoint_name(stack, "Endpoint", text(stack)), results=a_bucket(stack))
    prefix: Any = variables_of(stack)["RESULTS_PREFIX"]
    assert prefix == {"Fn::Join": ["", ["results/", {"Ref": "Text"}, "/"]]}


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_works_in_every_partition(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    stream(stack, network=InferenceNetwork(stack, "Network"), results=a_bucket(stack))
    assert literal_partitions(stack).count("arn:aws:") == 0


def test_the_network_may_be_in_another_stack(app: App, stack: Stack) -> None:
    network = InferenceNetwork(Stack(app, "Shared"), "Network")
    stream(stack, network=network, results=a_bucket(stack))
    app.synth()


def test_key_of_the_parent_does_not_refer_to_a_nested_stack(stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    stream(NestedStack(stack, "Nested"), encryption_key=key)
    assert_acyclic(stack)
    assert admitted_log_groups(stack) == ["Stack-*"]


def test_policy_review_finds_nothing(stack: Stack) -> None:
    network, bucket = InferenceNetwork(stack, "Network"), a_bucket(stack)
    front_end = stream(stack, network=network, results=bucket, failed_batches=bucket)
    other = Endpoint.from_endpoint_name(stack, "Other", "other")
    type(front_end)(
        stack,
        "Wide",
        endpoint=other,
        results=FirehoseDelivery(stack, "Delivery", bucket=bucket),
        network=network,
        shards=2,
        reading=StreamReading(enhanced_fan_out=True),
    )
    assert literal_partitions(stack) == []
    assert findings(stack) == set()


def test_ids_of_what_holds_records_are_a_contract(stack: Stack) -> None:
    stream(stack)
    kept = {name[:-8] for kind in (STREAM, "AWS::SQS::Queue") for name in resources(stack, kind)}
    assert kept == {"FrontEndStream", "FrontEndDeadLetters"}
