from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Aws, CfnParameter, CfnResource, Duration, Environment, NestedStack, Size, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks
from constructs import Construct

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config._metrics import METRIC_SECONDS
from ml_constructs.endpoint_config.asynchronous import AsyncInference, AsyncStorage
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.explainability import ClarifyExplainer, ClarifyInference, ShapBaseline
from ml_constructs.endpoint_config.instance_pools import InstancePool
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoint_config.routing import Routing
from ml_constructs.endpoint_config.serverless_variant import ServerlessVariant
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.models.container import Container
from ml_constructs.models.model import Model
from ml_constructs.models.model_data import ModelData
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.observability.alarms import EndpointAlarms
from ml_constructs.observability.dashboard import EndpointDashboard
from ml_constructs.storage import CaptureBucket, LogBucket
from tests.constructs.builders import (
    IMPORTED,
    XGBOOST,
    Resource,
    creation_order,
    model,
    number,
    only,
    properties,
    resources,
    statements,
    strings,
    synthesised,
    text,
    variant,
    warnings,
    write_files,
)

ENDPOINT = "AWS::SageMaker::Endpoint"
CONFIG = "AWS::SageMaker::EndpointConfig"
POLICY = "AWS::IAM::ManagedPolicy"
LOGS = "AWS::Logs::LogGroup"
NAME = r"[a-z0-9](-*[a-z0-9]){0,62}"


def endpoint(scope: Construct, construct_id: str = "Endpoint", **options: Any) -> Endpoint:  # noqa: ANN401
    return Endpoint(scope, construct_id, **{"variants": [variant()], **options})


def full(stack: Stack, directory: Path, **options: Any) -> Endpoint:  # noqa: ANN401
    """Champion and challenger in a network, captured and scaled."""
    network = options.pop("network", None) or InferenceNetwork(stack, "Network")
    scope = options.pop("models", stack)
    data = ModelData.from_directory(write_files(directory, {"model": "x"}))
    variants = [
        variant(model(scope, "Champion", data=data, network=network), "champion", weight=9),
        variant(model(scope, "Challenger", data=data, network=network), "challenger"),
    ]
    made = endpoint(stack, variants=variants, **{"data_capture": DataCapture(), **options})
    for name in made.variant_names:
        scaling = made.auto_scale(name, max_capacity=6)
        scaling.on_invocations(600)
        scaling.on_cpu(70)
    return made


def policy(stack: Stack, name: str) -> Resource:
    (found,) = (value for key, value in resources(stack, POLICY).items() if name in key)
    return found


# Names.


def test_the_name_is_literal_and_stable(app: App) -> None:
    stack = Stack(app, "Realtime")
    made = endpoint(stack)
    assert made.endpoint_name == "realtime-endpoint-4c616d86"
    assert properties(stack, ENDPOINT)["EndpointName"] == made.endpoint_name


def test_the_name_follows_the_stacks_name(app: App) -> None:
    named = endpoint(Stack(app, "Id", stack_name="Other-Name")).endpoint_name
    assert named.startswith("other-name-endpoint-")
    assert named != endpoint(Stack(app, "Second", stack_name="Third-Name")).endpoint_name


def test_names_are_legal_wherever_the_endpoint_is(app: App) -> None:
    deep: Construct = Stack(Stage(app, "Stage-1"), "Stack")
    for index in range(30):
        deep = Construct(deep, f"Level {index} {'x' * 60}")
    stack = Stack(app, "S")
    scopes = [
        deep,
        stack,
        NestedStack(stack, "Nested"),
        NestedStack(NestedStack(stack, "Outer"), "Inner"),
        Construct(stack, "-"),
        Construct(stack, "模型"),
    ]
    names = [endpoint(scope, f"E_{index}").endpoint_name for index, scope in enumerate(scopes)]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(NAME, name), name
        assert len(name) <= 63


def test_two_endpoints_of_a_stack_have_different_names(stack: Stack) -> None:
    assert endpoint(stack, "A").endpoint_name != endpoint(stack, "a").endpoint_name


def test_a_given_name_keeps_its_case_but_not_in_the_arn(stack: Stack) -> None:
    made = endpoint(stack, endpoint_name="MyEndpoint")
    assert properties(stack, ENDPOINT)["EndpointName"] == made.endpoint_name == "MyEndpoint"
    assert made.endpoint_arn.endswith(":endpoint/myendpoint")
    assert properties(stack, LOGS)["LogGroupName"] == "/aws/sagemaker/Endpoints/MyEndpoint"


def test_names_at_and_beyond_the_edge(stack: Stack) -> None:
    assert endpoint(stack, endpoint_name="e" * 63)
    for name in ("e" * 64, "-e", "e-", "e_e", "", "e" + "-" * 62 + "e"):
        with pytest.raises(ValueError, match=f"endpoint_name must be at most 63 letters, .*, got '{name}'"):
            endpoint(stack, "Refused", endpoint_name=name)
    assert stack.node.try_find_child("Refused") is None


def test_a_name_known_at_deployment(app: App, stack: Stack) -> None:
    made = endpoint(stack, endpoint_name=text(stack))
    made.auto_scale(max_capacity=3).on_cpu(50)
    app.synth()
    assert properties(stack, ENDPOINT)["EndpointName"] == {"Ref": "Text"}
    assert properties(stack, "AWS::ApplicationAutoScaling::ScalableTarget")["ResourceId"] == {
        "Fn::Join": ["", ["endpoint/", {"Ref": "Text"}, "/variant/only"]]
    }
    creation_order(synthesised(stack))


# Encryption.


def test_default_is_a_key_of_its_own(stack: Stack) -> None:
    made = endpoint(stack, data_capture=DataCapture())
    (key,) = resources(stack, "AWS::KMS::Key")
    arn = {"Fn::GetAtt": [key, "Arn"]}
    assert stack.resolve(made.encryption_key.key_arn) == arn
    assert properties(stack, CONFIG)["KmsKeyId"] == arn
    assert properties(stack, CONFIG)["DataCaptureConfig"]["KmsKeyId"] == arn
    assert properties(stack, LOGS)["KmsKeyId"] == arn


def test_a_given_key_encrypts_everything(stack: Stack) -> None:
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/1")
    endpoint(stack, encryption_key=key)
    assert properties(stack, CONFIG)["KmsKeyId"] == properties(stack, LOGS)["KmsKeyId"] == key.key_arn
    assert not resources(stack, "AWS::KMS::Key")


def test_local_storage_takes_no_key(stack: Stack) -> None:
    endpoint(stack, variants=[variant(instance_type="ml.g4dn.xlarge")])
    assert "KmsKeyId" not in properties(stack, CONFIG)
    assert "KmsKeyId" in properties(stack, LOGS)


def test_local_storage_and_volumes_need_a_decision(stack: Stack) -> None:
    mixed = [variant(name="gpu", instance_type="ml.g5.xlarge"), variant(name="cpu")]
    with pytest.raises(ValueError, match="encrypt_volumes must be given"):
        endpoint(stack, variants=mixed)
    with pytest.raises(ValueError, match="encrypt_volumes must not be True"):
        endpoint(stack, variants=mixed, encrypt_volumes=True)
    endpoint(stack, variants=mixed, encrypt_volumes=False)
    assert "KmsKeyId" not in properties(stack, CONFIG)


# Logs and metrics.


def test_logs_are_kept_even_without_the_endpoint(stack: Stack) -> None:
    made = endpoint(stack)
    group = only(stack, LOGS)
    assert group["Properties"]["LogGroupName"] == f"/aws/sagemaker/Endpoints/{made.endpoint_name}"
    assert group["Properties"]["RetentionInDays"] == 365
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    (key,) = resources(stack, LOGS)
    assert key in only(stack, ENDPOINT)["DependsOn"]


def test_logs_are_kept_as_long_as_asked(stack: Stack) -> None:
    endpoint(stack, log_retention=logs.RetentionDays.ONE_WEEK)
    assert properties(stack, LOGS)["RetentionInDays"] == 7


@pytest.mark.parametrize("seconds", METRIC_SECONDS)
def test_metric_frequencies(stack: Stack, seconds: int) -> None:
    endpoint(stack, metric_frequency=Duration.seconds(seconds))
    assert properties(stack, CONFIG)["MetricsConfig"] == {"MetricPublishFrequencyInSeconds": seconds}


@pytest.mark.parametrize("duration", [Duration.seconds(0), Duration.seconds(20), Duration.seconds(301)])
def test_refuses_other_metric_frequencies(stack: Stack, duration: Duration) -> None:
    with pytest.raises(ValueError, match=f"metric_frequency must be .*, got {int(duration.to_seconds())}"):
        endpoint(stack, metric_frequency=duration)
    with pytest.raises(ValueError, match=r"metric_frequency must be .*, got 10\.5 seconds"):
        endpoint(stack, metric_frequency=Duration.millis(10_500))


def test_a_metric_frequency_known_at_deployment(stack: Stack) -> None:
    endpoint(stack, metric_frequency=Duration.seconds(number(stack)))
    assert properties(stack, CONFIG)["MetricsConfig"] == {"MetricPublishFrequencyInSeconds": {"Ref": "Number"}}


def test_enhanced_metrics_and_observability(stack: Stack) -> None:
    endpoint(stack, enhanced_metrics=True, detailed_observability=False, metric_frequency=Duration.seconds(10))
    assert properties(stack, CONFIG)["MetricsConfig"] == {
        "MetricPublishFrequencyInSeconds": 10,
        "EnableEnhancedMetrics": True,
        "EnableDetailedObservability": False,
    }


# Shadow.


def test_a_shadow_is_sent_copies(stack: Stack) -> None:
    shadowed = variant(model(stack, "Candidate"), "candidate", weight=0.5)
    made = endpoint(stack, variants=[variant(model(stack))], shadow=shadowed)
    (shadow,) = properties(stack, CONFIG)["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("candidate", 0.5)
    assert [each["VariantName"] for each in properties(stack, CONFIG)["ProductionVariants"]] == ["only"]
    assert (made.variant_names, made.shadow_name) == (("only",), "candidate")
    dimensions = made.metric_model_latency(variant="candidate").dimensions
    assert dimensions == {"EndpointName": made.endpoint_name, "VariantName": "candidate"}
    assert policy(stack, "candidatePolicy")


def test_a_shadow_does_not_scale(stack: Stack) -> None:
    made = endpoint(stack, shadow=variant(name="candidate"))
    made.auto_scale(max_capacity=4)
    with pytest.raises(ValueError, match="variant must be one that answers, got the shadow variant 'candidate'"):
        made.auto_scale("candidate", max_capacity=4)


def test_storage_of_a_shadow_counts(stack: Stack) -> None:
    with pytest.raises(ValueError, match="encrypt_volumes must be given"):
        endpoint(stack, shadow=variant(name="candidate", instance_type="ml.g5.xlarge"))


# Variants and deployment.


def test_checks_come_before_children(stack: Stack) -> None:
    refused: list[dict[str, Any]] = [
        {"variants": []},
        {"variants": [variant(), variant()]},
        {"variants": [variant(weight=0)]},
        {"variants": [variant(), variant(name="b")], "deployment": Deployment.rolling()},
    ]
    for options in refused:
        with pytest.raises(ValueError, match="must"):
            endpoint(stack, **options)
    assert stack.node.try_find_child("Endpoint") is None


def test_capacity_is_retained_only_where_something_scales(stack: Stack) -> None:
    endpoint(stack)
    rendered = properties(stack, ENDPOINT)
    assert not {"RetainAllVariantProperties", "ExcludeRetainedVariantProperties"} & set(rendered)


def test_scaling_retains_capacity_and_lets_weights_and_capture_apply(stack: Stack) -> None:
    endpoint(stack).auto_scale(max_capacity=3)
    rendered = properties(stack, ENDPOINT)
    assert rendered["RetainAllVariantProperties"] is True
    assert rendered["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredWeight"},
        {"VariantPropertyType": "DataCaptureConfig"},
    ]


def test_config_and_models_have_no_names(stack: Stack) -> None:
    endpoint(stack, variants=[variant(model(stack))])
    assert "EndpointConfigName" not in properties(stack, CONFIG)
    assert "ModelName" not in properties(stack, "AWS::SageMaker::Model")
    (config,) = resources(stack, CONFIG)
    assert properties(stack, ENDPOINT)["EndpointConfigName"] == {"Fn::GetAtt": [config, "EndpointConfigName"]}


def test_warns_of_what_is_risky(stack: Stack) -> None:
    endpoint(stack, "One", variants=[variant(instance_count=1)])
    endpoint(stack, "Inf1", variants=[variant(instance_type="ml.inf1.xlarge")])
    single, guardrails = sorted(warnings(stack), reverse=True)
    assert "variant only starts with one instance" in single
    assert "SageMaker ignores the deployment policy" in guardrails


# The execution role at run time.

REGION, ACCOUNT = {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}


def test_the_role_writes_logs_metrics_and_captured_data(stack: Stack) -> None:
    made = endpoint(
        stack,
        variants=[variant(model(stack))],
        data_capture=DataCapture(prefix="kept"),
        deployment=Deployment.canary(rollback=None),
    )
    (group,), (bucket,) = resources(stack, LOGS), resources(stack, "AWS::S3::Bucket")
    (key,) = resources(stack, "AWS::KMS::Key")
    assert statements(policy(stack, "onlyPolicy")) == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": [{"Fn::GetAtt": [group, "Arn"]}],
        },
        {
            "Effect": "Allow",
            "Action": ["cloudwatch:PutMetricData"],
            "Resource": ["*"],
            "Condition": {
                "StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]},
            },
        },
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [
                {"Fn::Join": ["", [{"Fn::GetAtt": [bucket, "Arn"]}, f"/kept/{made.endpoint_name}/*"]]},
            ],
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": [{"Fn::GetAtt": [key, "Arn"]}],
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": {
                        "Fn::Join": ["", ["s3.", REGION, ".", {"Ref": "AWS::URLSuffix"}]],
                    }
                }
            },
        },
    ]


def test_without_capture_the_role_writes_no_objects(stack: Stack) -> None:
    endpoint(stack, variants=[variant(model(stack))])
    actions = [action for each in statements(policy(stack, "onlyPolicy")) for action in each["Action"]]
    assert not [action for action in actions if action.startswith(("s3:", "kms:"))]


def test_two_variants_of_one_model_share_a_policy(stack: Stack) -> None:
    served = model(stack)
    endpoint(stack, variants=[variant(served, "a"), variant(served, "b")])
    assert len(resources(stack, POLICY)) == 2
    (name,) = (key for key in resources(stack, POLICY) if key.startswith("Endpoint"))
    assert name in only(stack, ENDPOINT)["DependsOn"]


def test_two_models_of_one_role(app: App, stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    served = [model(stack, name, role=role) for name in ("A", "B")]
    endpoint(stack, variants=[variant(each, each.node.id) for each in served])
    app.synth()
    (inline,) = resources(stack, "AWS::IAM::Policy").values()
    written = [each for each in statements(inline) if "logs:PutLogEvents" in each["Action"]]
    assert len(written) == 1
    creation_order(synthesised(stack))


def test_the_network_lets_the_model_write_captured_data(stack: Stack) -> None:
    served = model(stack, network=InferenceNetwork(stack, "Network"))
    made = endpoint(stack, variants=[variant(served)], data_capture=DataCapture())
    (gateway,) = (
        each["Properties"]
        for each in resources(stack, "AWS::EC2::VPCEndpoint").values()
        if each["Properties"]["VpcEndpointType"] == "Gateway"
    )
    writes = [each for each in gateway["PolicyDocument"]["Statement"] if each["Action"] == "s3:PutObject"]
    assert [each["Resource"]["Fn::Join"][1][-1] for each in writes] == [f"/capture/{made.endpoint_name}/*"]


# Grants and importers.


def granted(stack: Stack, made: IEndpoint) -> Any:  # noqa: ANN401
    role = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    made.grant_invoke(role)
    (statement,) = statements(only(stack, "AWS::IAM::Policy"))
    assert statement["Action"] == ["sagemaker:InvokeEndpoint"]
    (resource,) = statement["Resource"]
    return resource


def arn(name: str) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":sagemaker:", REGION, ":", ACCOUNT, f":endpoint/{name}"]
    return {"Fn::Join": ["", parts]}


def test_grants_name_exactly_this_endpoint(stack: Stack) -> None:
    made = endpoint(stack, endpoint_name="MyEndpoint")
    assert granted(stack, made) == arn("myendpoint")


def test_imports_by_name(stack: Stack) -> None:
    made = Endpoint.from_endpoint_name(stack, "Imported", "MyEndpoint", variant_names=["a"])
    assert (made.endpoint_name, made.variant_names) == ("MyEndpoint", ("a",))
    assert granted(stack, made) == arn("myendpoint")


def test_imports_by_arn(stack: Stack) -> None:
    made = Endpoint.from_endpoint_arn(
        stack, "Imported", "arn:aws-cn:sagemaker:cn-north-1:111122223333:endpoint/MyEndpoint"
    )
    assert made.endpoint_name == "MyEndpoint"
    assert granted(stack, made) == "arn:aws-cn:sagemaker:cn-north-1:111122223333:endpoint/myendpoint"


def test_imports_by_an_arn_that_is_known_in_part(stack: Stack) -> None:
    given = f"arn:{Aws.PARTITION}:sagemaker:{Aws.REGION}:{Aws.ACCOUNT_ID}:endpoint/MyEndpoint"
    made = Endpoint.from_endpoint_arn(stack, "Imported", given)
    assert made.endpoint_name == "MyEndpoint"
    assert granted(stack, made) == arn("myendpoint")


def test_imports_by_an_arn_known_at_deployment(app: App, stack: Stack) -> None:
    made = Endpoint.from_endpoint_arn(stack, "Imported", CfnParameter(stack, "Arn").value_as_string)
    assert granted(stack, made) == {"Ref": "Arn"}
    assert made.metric_invocations(variant="a").dimensions == {"EndpointName": made.endpoint_name, "VariantName": "a"}
    app.synth()


def test_imports_by_attributes(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "example-requests")
    storage = AsyncStorage(
        input_bucket=bucket,
        input_prefix="in",
        output_bucket=bucket,
        output_prefix="out",
        failure_prefix="failed",
    )
    made = Endpoint.from_endpoint_attributes(
        stack, "Imported", endpoint_name="Live", variant_names=["a"], asynchronous=True, async_storage=storage
    )
    assert (made.endpoint_name, made.asynchronous, made.serverless) == ("Live", True, False)
    role = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    made.grant_invoke_async(role)
    actions = [each["Action"] for each in statements(only(stack, "AWS::IAM::Policy"))]
    assert actions == [["sagemaker:InvokeEndpointAsync"], ["s3:PutObject"], ["s3:GetObject"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoint_name": "a", "endpoint_arn": "x"}, "endpoint_name must not be given beside endpoint_arn"),
        (
            {"endpoint_name": "a", "serverless": True, "asynchronous": True},
            "asynchronous must be False for a serverless",
        ),
        (
            {"endpoint_name": "a", "variant_names": ["b"], "shadow_name": "b"},
            "shadow_name must not be one of variant_n",
        ),
    ],
)
def test_refuses_attributes_that_contradict(stack: Stack, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Endpoint.from_endpoint_attributes(stack, "Imported", **options)


def test_metrics_are_looked_up_where_the_endpoint_is(app: App) -> None:
    here = Stack(app, "Here", env=Environment(account="111122223333", region="eu-west-1"))
    elsewhere = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/live"
    there = Endpoint.from_endpoint_arn(here, "There", elsewhere, variant_names=["a"])
    assert (there.metric_invocations().region, there.metric_invocations().account) == ("us-east-1", "111122223333")
    arn = elsewhere.replace("us-east-1", "eu-west-1")
    beside = Endpoint.from_endpoint_arn(here, "Beside", arn, variant_names=["a"])
    assert (beside.metric_invocations().region, beside.metric_invocations().account) == (None, None)


@pytest.mark.parametrize("kind", ["name", "arn", "attributes"])
def test_an_imported_endpoint_is_alarmed_shown_and_called(app: App, kind: str) -> None:
    stack = Stack(app, "Here", env=Environment(account="111122223333", region="eu-west-1"))
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/live"
    made = {
        "name": lambda: Endpoint.from_endpoint_name(stack, "Imported", "live", variant_names=["a"]),
        "arn": lambda: Endpoint.from_endpoint_arn(stack, "Imported", arn, variant_names=["a"]),
        "attributes": lambda: Endpoint.from_endpoint_attributes(
            stack, "Imported", endpoint_arn=arn, variant_names=["a"], shadow_name="b"
        ),
    }[kind]()
    alarms = EndpointAlarms(stack, "Alarms", endpoint=made, vcpus={"a": 2})
    EndpointDashboard(stack, "Dashboard", endpoints=[made], alarms=[alarms])
    FunctionFrontEnd(stack, "FrontEnd", endpoint=made)
    app.synth()
    assert resources(stack, "AWS::CloudWatch::Alarm")


@pytest.mark.parametrize("kind", ["serverless", "asynchronous", "shadow"])
def test_every_kind_is_alarmed_and_shown(app: App, stack: Stack, kind: str) -> None:
    lean = ServerlessVariant(name="lean", model=IMPORTED, memory=Size.gibibytes(1), max_concurrency=5)
    options: dict[str, dict[str, Any]] = {
        "serverless": {"variants": [lean]},
        "asynchronous": {"asynchronous": AsyncInference()},
        "shadow": {"shadow": variant(name="shadow")},
    }
    made = endpoint(stack, **options[kind])
    alarms = EndpointAlarms(stack, "Alarms", endpoint=made)
    EndpointDashboard(stack, "Dashboard", endpoints=[made], alarms=[alarms])
    app.synth()
    creation_order(synthesised(stack))


def test_metrics_have_the_official_dimensions(stack: Stack) -> None:
    metric = endpoint(stack, endpoint_name="MyEndpoint").metric_invocations()
    assert metric.dimensions == {"EndpointName": "MyEndpoint", "VariantName": "only"}


# Stacks, partitions, cycles.


def test_the_full_pattern_has_no_cycle(app: App, stack: Stack, tmp_path: Path) -> None:
    full(stack, tmp_path)
    app.synth()
    assert len(creation_order(synthesised(stack))) < 120


def test_parts_in_stacks_of_their_own(app: App, stack: Stack, tmp_path: Path) -> None:
    network = InferenceNetwork(Stack(app, "NetworkStack"), "Network")
    key = EncryptionKey(Stack(app, "KeyStack"), "Key")
    models = Stack(app, "ModelStack")
    full(stack, tmp_path, network=network, models=models, encryption_key=key)
    app.synth()
    for each in app.node.children:
        if isinstance(each, Stack):
            creation_order(synthesised(each))
    changing = [each for each in warnings(stack) if "is in another stack" in each]
    assert len(changing) == 2


def test_the_endpoint_in_a_nested_stack(app: App, stack: Stack, tmp_path: Path) -> None:
    nested = NestedStack(stack, "Nested")
    full(nested, tmp_path, models=stack, network=InferenceNetwork(stack, "Network"))
    app.synth()
    creation_order(synthesised(stack))
    creation_order(synthesised(nested))
    assert not [each for each in warnings(stack) if "is in another stack" in each]


def test_everything_in_a_nested_stack(app: App, stack: Stack, tmp_path: Path) -> None:
    nested = NestedStack(stack, "Nested")
    full(nested, tmp_path, encryption_key=EncryptionKey(stack, "Key"))
    app.synth()
    creation_order(synthesised(stack))
    creation_order(synthesised(nested))


def test_capture_into_a_bucket_of_another_stack(app: App, stack: Stack, tmp_path: Path) -> None:
    home = Stack(app, "Home")
    bucket = CaptureBucket(home, "Bucket", encryption_key=EncryptionKey(home, "Key"))
    full(stack, tmp_path, data_capture=DataCapture(bucket=bucket))
    app.synth()
    creation_order(synthesised(stack))


@pytest.mark.parametrize("region", [None, "eu-west-1", "us-gov-west-1", "cn-north-1"])
def test_in_every_partition(app: App, region: str | None, tmp_path: Path) -> None:
    there = Stack(app, "There", env=None if region is None else {"account": "111122223333", "region": region})
    full(there, tmp_path)
    template = synthesised(there)
    assert not [value for value in strings(template) if "arn:aws:" in value]
    china = {"cn-north-1": ".amazonaws.com.cn"}.get(region or "", ".amazonaws.com")
    services = json.dumps(
        [
            statement["Condition"]["StringEquals"]["kms:ViaService"]
            for each in resources(there, POLICY).values()
            for statement in statements(each)
            if "kms:ViaService" in str(statement)
        ]
    )
    assert services != "[]"
    assert "AWS::URLSuffix" in services or f"s3.{region}{china}" in services


# Policy packs.

# What only the owner of the application can decide, and so stays visible: where access logs of the bucket go, and who
# hears of an alarm (`EndpointAlarms` takes the rollback alarms along).
OWNERS = {
    "AwsSolutions-S1": {"Endpoint/Capture"},
    "NIST.800.53.R5-S3BucketLoggingEnabled": {"Endpoint/Capture"},
    "NIST.800.53.R5-CloudWatchAlarmAction": {
        f"Endpoint/Rollback-{name}-{kind}" for name in ("champion", "challenger") for kind in ("5xx", "latency")
    },
}


def findings(app: App, stack: Stack) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        for violation in pack(app).validate_scope(stack).violations:
            paths = {str(each.construct_path) for each in violation.violating_resources}
            found.setdefault(violation.rule_name, set()).update(
                path.removeprefix("Stack/").removesuffix("/Resource") for path in paths
            )
    return found


def test_packs_find_what_only_the_owner_decides(app: App, stack: Stack, tmp_path: Path) -> None:
    full(stack, tmp_path)
    assert findings(app, stack) == OWNERS


def test_packs_find_no_more_with_a_bucket_that_logs(app: App, stack: Stack, tmp_path: Path) -> None:
    key = EncryptionKey(stack, "Key")
    bucket = CaptureBucket(stack, "Bucket", encryption_key=key, access_logs=LogBucket(stack, "Logs"))
    full(stack, tmp_path, encryption_key=key, data_capture=DataCapture(bucket=bucket))
    assert set(findings(app, stack)) == {"NIST.800.53.R5-CloudWatchAlarmAction"}


def test_packs_across_stacks(app: App, stack: Stack, tmp_path: Path) -> None:
    network = InferenceNetwork(Stack(app, "NetworkStack"), "Network")
    models = Stack(app, "ModelStack")
    full(stack, tmp_path, network=network, models=models)
    assert findings(app, stack) == OWNERS
    assert findings(app, models) == {}


def reports(stack: Stack, outdir: Path) -> list[Any]:
    """What CloudFormation's own schemas and rules, which aws-cdk-lib applies at synth, report of an app."""
    app = stack.node.root
    assert isinstance(app, App)
    try:
        app.synth()
    except RuntimeError as error:
        assert "alidation" in str(error)  # noqa: PT017 - the report says what
    report = json.loads((outdir / "validation-report.json").read_text())
    return list(report["pluginReports"])


def validated(outdir: Path) -> Stack:
    context = {"@aws-cdk/core:validateAgainstDefaultRules": True}
    return Stack(App(context=context, outdir=str(outdir)), "Stack")


def test_aws_accepts_the_template(tmp_path: Path) -> None:
    stack = validated(tmp_path / "out")
    full(stack, tmp_path / "model")
    network = stack.node.find_child("Network")
    assert isinstance(network, InferenceNetwork)
    container = Container(image=XGBOOST, environment={"A": "b"}, hostname="host")
    plain = Model(stack, "Plain", containers=[container], network=network)
    for index, deployment in enumerate((Deployment.linear(), Deployment.rolling(), Deployment.all_at_once())):
        endpoint(stack, f"Other{index}", variants=[variant(plain)], deployment=deployment)
    assert reports(stack, tmp_path / "out") == []


def test_aws_would_tell_otherwise(tmp_path: Path) -> None:
    stack = validated(tmp_path / "out")
    made = endpoint(stack)
    config = made.node.find_child("Config")
    assert isinstance(config, CfnResource)
    config.add_property_override("ProductionVariants.0.InitialInstanceCount", 0)
    assert "InitialInstanceCount" in json.dumps(reports(stack, tmp_path / "out"))


def test_aws_accepts_every_kind_of_endpoint(tmp_path: Path) -> None:
    stack = validated(tmp_path / "out")
    key = EncryptionKey(stack, "Key")
    heard = sns.Topic(stack, "Topic", master_key=key)
    endpoint(
        *(stack, "Asynchronous"),
        variants=[variant(model(stack))],
        asynchronous=AsyncInference(success_topic=heard, error_topic=heard, response_in_success=True),
    ).auto_scale(min_capacity=0, max_capacity=2)
    memory = Size.gibibytes(4)
    lean = ServerlessVariant(
        name="lean",
        model=model(stack, "Lean", network_isolation=False),
        memory=memory,
        max_concurrency=9,
        provisioned_concurrency=2,
    )
    endpoint(stack, "Serverless", variants=[lean]).auto_scale_concurrency(max_capacity=9)
    pools = [InstancePool(instance_type="ml.m5.large"), InstancePool(instance_type="ml.m6i.large", model=IMPORTED)]
    pooled = InstanceVariant(
        name="pooled",
        model=model(stack, "Pooled"),
        instance_pools=pools,
        provision_timeout=Duration.minutes(10),
        routing=Routing.prefix_aware(prefix_length=1024, concurrency_threshold=8),
    )
    inference = ClarifyInference(feature_headers=["a", "b"], max_payload_mb=5)
    endpoint(
        *(stack, "Explained"),
        variants=[pooled],
        shadow=variant(name="shadow", routing=Routing.least_outstanding_requests()),
        explainer=ClarifyExplainer(baseline=ShapBaseline.inline("0,0"), inference=inference, seed=1),
        data_capture=DataCapture(),
        enhanced_metrics=True,
        detailed_observability=True,
        metric_frequency=Duration.seconds(10),
    )
    assert reports(stack, tmp_path / "out") == []


PAGES = [
    "endpoint",
    "model",
    "variants",
    "deployment",
    "scaling",
    "data_capture",
    "serverless",
    "asynchronous",
    "explainability",
]


@pytest.mark.parametrize("page", PAGES)
def test_the_first_example_of_a_page_runs(page: str) -> None:
    path = Path(__file__).parents[3] / "docs" / "constructs" / f"{page}.md"
    example, *_ = re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
    assert len(example.splitlines()) <= 12
    found: dict[str, Any] = {}
    exec(compile(example.replace("App()", "App(builtin_cloud_formation_validation=False)"), page, "exec"), found)
    assert resources(found["stack"], "AWS::SageMaker::Model" if page == "model" else ENDPOINT)
