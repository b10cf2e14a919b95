from __future__ import annotations

from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.asynchronous import INVOCATIONS_PER_INSTANCE, MAX_URI, AsyncInference
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.storage import CaptureBucket, LogBucket
from tests.constructs.builders import (
    creation_order,
    fresh,
    model,
    number,
    only,
    properties,
    resources,
    statements,
    synthesised,
    text,
    variant,
)

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
CONFIG, POLICY = "AWS::SageMaker::EndpointConfig", "AWS::IAM::ManagedPolicy"


def endpoint(stack: Stack, settings: AsyncInference | None = None, **options: Any) -> Endpoint:  # noqa: ANN401
    settings = AsyncInference() if settings is None else settings
    given: dict[str, Any] = {"endpoint_name": "Slow", "variants": [variant()], "asynchronous": settings}
    return Endpoint(stack, "Endpoint", **{**given, **options})


def config(stack: Stack) -> dict[str, Any]:
    return dict(properties(stack, CONFIG)["AsyncInferenceConfig"])


def topic(stack: Stack, construct_id: str, key: kms.IKey | None = None) -> sns.Topic:
    return sns.Topic(stack, construct_id, master_key=key, enforce_ssl=True)


def allowed(stack: Stack, action: str, *, of: str = "onlyPolicy") -> list[Any]:
    """The resources on which a policy allows an action."""
    (policy,) = (value for key, value in resources(stack, POLICY).items() if of in key)
    return [each["Resource"] for each in statements(policy) if action in each["Action"]]


# Where to.


def test_makes_a_bucket_for_requests_answers_and_failures(stack: Stack) -> None:
    made = endpoint(stack)
    (bucket,), (key,) = resources(stack, "AWS::S3::Bucket"), resources(stack, "AWS::KMS::Key")
    output = config(stack)["OutputConfig"]
    assert output["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    assert output["S3OutputPath"] == {"Fn::Join": ["", ["s3://", {"Ref": bucket}, "/responses/Slow"]]}
    assert output["S3FailurePath"] == {"Fn::Join": ["", ["s3://", {"Ref": bucket}, "/failures/Slow"]]}
    assert "NotificationConfig" not in output
    assert "ClientConfig" not in config(stack)
    assert made.asynchronous
    assert made.async_storage is not None
    assert made.async_storage.input_prefix == "requests/Slow"


def test_takes_buckets_and_prefixes(stack: Stack) -> None:
    output = s3.Bucket.from_bucket_name(stack, "Output", "example-output")
    requests = s3.Bucket.from_bucket_name(stack, "Input", "example-input")
    settings = AsyncInference(
        bucket=output, input_bucket=requests, input_prefix="in", output_prefix="a/b", failure_prefix="failed"
    )
    made = endpoint(stack, settings, variants=[variant(model(stack))])
    assert config(stack)["OutputConfig"] == {
        "S3OutputPath": "s3://example-output/a/b/Slow",
        "S3FailurePath": "s3://example-output/failed/Slow",
    }
    (read,) = allowed(stack, "s3:GetObject")
    assert read[0]["Fn::Join"][1][-1] == ":s3:::example-input/in/Slow/*"
    assert made.async_storage is not None
    assert made.async_storage.input_bucket is requests
    assert not resources(stack, "AWS::S3::Bucket")


def test_uris_at_and_beyond_the_edge(stack: Stack) -> None:
    assert SERVICE.shape_for("DestinationS3Uri").metadata["max"] == MAX_URI
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "b" * 63)
    longest = "p" * (MAX_URI - len("s3://") - 63 - len("//") - 63)
    assert AsyncInference(bucket=bucket, output_prefix=longest)
    with pytest.raises(ValueError, match="output_prefix must make a URI of at most 512 characters, got 513"):
        AsyncInference(bucket=bucket, output_prefix=f"{longest}p")
    assert AsyncInference(bucket=bucket, output_prefix=text(stack))


# Who hears of it.


def test_notifies_topics(stack: Stack) -> None:
    success, error = topic(stack, "Success"), topic(stack, "Error")
    settings = AsyncInference(success_topic=success, error_topic=error, response_in_success=True)
    endpoint(stack, settings)
    ids = {key[:5]: key for key in resources(stack, "AWS::SNS::Topic")}
    assert config(stack)["OutputConfig"]["NotificationConfig"] == {
        "SuccessTopic": {"Ref": ids["Succe"]},
        "ErrorTopic": {"Ref": ids["Error"]},
        "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
    }


def test_responses_need_a_topic() -> None:
    for kind in ("success", "error"):
        options: dict[str, Any] = {f"response_in_{kind}": True}
        with pytest.raises(ValueError, match=f"response_in_{kind} must be False without a topic .*, got True"):
            AsyncInference(**options)


def test_refuses_fifo_topics(stack: Stack) -> None:
    with pytest.raises(ValueError, match="error_topic must not be a FIFO topic"):
        AsyncInference(error_topic=sns.Topic(stack, "Fifo", fifo=True))


def test_parts_of_another_region_are_refused(app: App) -> None:
    here, there = (
        Stack(app, name, env=Environment(account="111122223333", region=region))
        for name, region in (("Here", "eu-west-1"), ("There", "us-east-1"))
    )
    bucket = CaptureBucket(there, "Bucket", encryption_key=EncryptionKey(there, "Key"))
    elsewhere: dict[str, Any] = {"bucket": bucket, "input_bucket": bucket, "success_topic": topic(there, "A")}
    elsewhere["error_topic"] = sns.Topic.from_topic_arn(here, "B", "arn:aws:sns:us-east-1:111122223333:failed")
    for argument, value in elsewhere.items():
        options: dict[str, Any] = {argument: value}
        with pytest.raises(
            ValueError, match=f"{argument} must be in the region of what uses it, eu-west-1, got one in us"
        ):
            endpoint(here, AsyncInference(**options))


# The execution role.


def test_the_role_reads_requests_and_writes_answers(stack: Stack) -> None:
    endpoint(stack, variants=[variant(model(stack))])
    (bucket,), (key,) = resources(stack, "AWS::S3::Bucket"), resources(stack, "AWS::KMS::Key")

    def objects(prefix: str) -> dict[str, Any]:
        return {"Fn::Join": ["", [{"Fn::GetAtt": [bucket, "Arn"]}, f"/{prefix}/Slow/*"]]}

    assert allowed(stack, "s3:GetObject") == [[objects("requests")]]
    assert allowed(stack, "s3:PutObject") == [[objects("responses")], [objects("failures")]]
    assert allowed(stack, "kms:GenerateDataKey") == [[{"Fn::GetAtt": [key, "Arn"]}]]
    assert allowed(stack, "sns:Publish") == []


def test_the_role_publishes_with_the_keys_of_the_topics(stack: Stack) -> None:
    key = EncryptionKey(stack, "TopicKey")
    success, error = topic(stack, "Success", key), topic(stack, "Error", key)
    endpoint(stack, AsyncInference(success_topic=success, error_topic=error), variants=[variant(model(stack))])
    assert allowed(stack, "sns:Publish") == [[stack.resolve(each.topic_arn) for each in (success, error)]]
    (policy,) = (value for name, value in resources(stack, POLICY).items() if "onlyPolicy" in name)
    (through,) = (each for each in statements(policy) if each["Resource"] == [stack.resolve(key.key_arn)])
    assert through["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert through["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Join"][1][0] == "sns."


def test_one_topic_for_both_is_named_once(stack: Stack) -> None:
    heard = topic(stack, "Heard", EncryptionKey(stack, "TopicKey"))
    endpoint(stack, AsyncInference(success_topic=heard, error_topic=heard), variants=[variant(model(stack))])
    assert allowed(stack, "sns:Publish") == [[stack.resolve(heard.topic_arn)]]


def test_the_role_may_publish_before_sagemaker_tries(stack: Stack) -> None:
    endpoint(stack, AsyncInference(error_topic=topic(stack, "Error")), variants=[variant(model(stack))])
    (policy,) = (key for key in resources(stack, POLICY) if "onlyPolicy" in key)
    assert policy in only(stack, "AWS::SageMaker::Endpoint")["DependsOn"]


@pytest.mark.parametrize("changed", ["prefix", "answers", "topic", "key"])
def test_old_instances_answer_to_the_old_place_until_the_traffic_has_moved(changed: str) -> None:
    def policy(what: str) -> str:
        _, stack = fresh()
        name = {each: f"{each}{2 if each == what else ''}" for each in ("prefix", "answers", "topic", "key")}
        key = EncryptionKey(stack, name["key"])
        bucket = CaptureBucket(stack, name["answers"], encryption_key=key)
        told = topic(stack, name["topic"], key)
        settings = AsyncInference(bucket=bucket, output_prefix=name["prefix"], success_topic=told)
        endpoint(stack, settings, variants=[variant(model(stack))])
        (found,) = (each for each in resources(stack, POLICY) if "onlyPolicy" in each)
        return found

    assert policy("nothing") == policy("nothing")
    assert policy(changed) != policy("nothing")


def test_the_network_lets_requests_and_answers_through(stack: Stack) -> None:
    served = model(stack, network=InferenceNetwork(stack, "Network"))
    endpoint(stack, variants=[variant(served)])
    (gateway,) = (
        each["Properties"]
        for each in resources(stack, "AWS::EC2::VPCEndpoint").values()
        if each["Properties"]["VpcEndpointType"] == "Gateway"
    )
    opened = str([each for each in gateway["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"])
    for prefix in ("requests", "responses", "failures"):
        assert f"/{prefix}/Slow/*" in opened


# Callers.


def test_callers_put_requests_and_get_answers(stack: Stack) -> None:
    made = endpoint(stack)
    role = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    assert made.grant_invoke_async(iam.ManagedPolicy(stack, "Calls", roles=[role])).success
    (bucket,) = resources(stack, "AWS::S3::Bucket")

    def objects(prefix: str) -> dict[str, Any]:
        return {"Fn::Join": ["", [{"Fn::GetAtt": [bucket, "Arn"]}, f"/{prefix}/Slow/*"]]}

    (arn,) = allowed(stack, "sagemaker:InvokeEndpointAsync", of="Calls")
    assert arn[0]["Fn::Join"][1][-1] == ":endpoint/slow"
    assert allowed(stack, "s3:PutObject", of="Calls") == [[objects("requests")]]
    assert allowed(stack, "s3:GetObject", of="Calls") == [[objects("responses"), objects("failures")]]
    assert len(allowed(stack, "kms:GenerateDataKey", of="Calls")) == 1
    creation_order(synthesised(stack))


# Limits, tokens, packs.


def test_invocations_per_instance_at_and_beyond_the_edge(stack: Stack) -> None:
    low, high = INVOCATIONS_PER_INSTANCE
    assert SERVICE.shape_for("MaxConcurrentInvocationsPerInstance").metadata == {"min": low, "max": high}
    for count in (low, high):
        assert AsyncInference(max_concurrent_invocations=count)
    for wrong in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"max_concurrent_invocations must be between 1 and 1,000, got {wrong}"):
            AsyncInference(max_concurrent_invocations=wrong)
    endpoint(stack, AsyncInference(max_concurrent_invocations=number(stack)))
    assert config(stack)["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": {"Ref": "Number"}}


def test_a_name_known_at_deployment(app: App, stack: Stack) -> None:
    endpoint(stack, endpoint_name=text(stack), variants=[variant(model(stack))])
    app.synth()
    assert config(stack)["OutputConfig"]["S3OutputPath"]["Fn::Join"][1][-2:] == ["/responses/", {"Ref": "Text"}]


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_in_every_partition(app: App, region: str) -> None:
    there = Stack(app, "There", env=Environment(account="111122223333", region=region))
    settings = AsyncInference(error_topic=topic(there, "Error", EncryptionKey(there, "Key")))
    endpoint(there, settings, variants=[variant(model(there))])
    assert "arn:aws:" not in str(synthesised(there))


def test_packs_find_what_only_the_owner_decides(app: App, stack: Stack) -> None:
    key = EncryptionKey(stack, "Key")
    bucket = CaptureBucket(stack, "Bucket", encryption_key=key, access_logs=LogBucket(stack, "Logs"))
    settings = AsyncInference(bucket=bucket, success_topic=topic(stack, "Success", key))
    made = endpoint(stack, settings, encryption_key=key, variants=[variant(model(stack))])
    role = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    made.grant_invoke_async(iam.ManagedPolicy(stack, "Calls", roles=[role]))
    found = {
        violation.rule_name
        for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)
        for violation in pack(app).validate_scope(stack).violations
    }
    assert found == {"NIST.800.53.R5-CloudWatchAlarmAction"}


def test_scales_to_zero_and_back(stack: Stack) -> None:
    endpoint(stack).auto_scale(min_capacity=0, max_capacity=4).on_backlog(5)
    target = properties(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)
    watched = {each["Properties"].get("MetricName") for each in resources(stack, "AWS::CloudWatch::Alarm").values()}
    assert "HasBacklogWithoutCapacity" in watched
