from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Aws, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.network.inference_network import InferenceNetwork
from ml_constructs.observability.alarms import EndpointAlarms
from ml_constructs.observability.dashboard import EndpointDashboard
from tests.constructs.builders import (
    creation_order,
    only,
    properties,
    resources,
    statements,
    strings,
    synthesised,
    text,
    warnings,
)
from tests.constructs.component_builders import COMPONENT, component, shared, shared_variant

ENDPOINT = "AWS::SageMaker::Endpoint"
CONFIG = "AWS::SageMaker::EndpointConfig"
POLICY = "AWS::IAM::ManagedPolicy"


def an_alarm(stack: Stack, name: str = "Alarm") -> cloudwatch.IAlarm:
    arn = f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}"
    return cloudwatch.Alarm.from_alarm_arn(stack, name, arn)


def test_the_configuration_names_a_role_and_no_model(stack: Stack) -> None:
    """AWS requires the role where no variant has a model, whose own it would take."""
    shared(stack)
    (role,) = resources(stack, "AWS::IAM::Role")
    config = properties(stack, CONFIG)
    assert config["ExecutionRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert config["EnableNetworkIsolation"] is True
    assert "ModelName" not in set(strings(config))
    assert "VpcConfig" not in config
    assert not resources(stack, "AWS::SageMaker::Model")


def test_only_sagemaker_assumes_the_role(stack: Stack) -> None:
    shared(stack)
    (statement,) = properties(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert set(statement["Condition"]) == {"StringEquals", "ArnLike"}


def test_volumes_are_encrypted_unless_they_are_local(stack: Stack) -> None:
    shared(stack)
    (key,) = resources(stack, "AWS::KMS::Key")
    assert properties(stack, CONFIG)["KmsKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    other = Stack(App(), "Other")
    shared(other, variant=shared_variant(instance_type="ml.g5.xlarge"))
    assert "KmsKeyId" not in properties(other, CONFIG)
    with pytest.raises(ValueError, match="encrypt_volumes must not be True for instance types with local storage"):
        shared(Stack(App(), "Third"), variant=shared_variant(instance_type="ml.g5.xlarge"), encrypt_volumes=True)


def test_runs_in_a_network(stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    shared(stack, network=network)
    vpc = properties(stack, CONFIG)["VpcConfig"]
    assert len(vpc["Subnets"]) == 2
    assert len(vpc["SecurityGroupIds"]) == 1
    policies = resources(stack, POLICY)
    (interfaces,) = (name for name in policies if name.startswith("SharedNetworkInterfaces"))
    assert interfaces in only(stack, ENDPOINT)["DependsOn"]
    assert "ec2:CreateNetworkInterface" in set(strings(policies[interfaces]))
    order = creation_order(synthesised(stack))
    assert order.index(interfaces) < order.index(next(iter(resources(stack, ENDPOINT))))


def test_captures(stack: Stack) -> None:
    made = shared(stack, data_capture=DataCapture())
    assert made.capture_bucket is not None
    assert properties(stack, CONFIG)["DataCaptureConfig"]["EnableCapture"] is True
    (policy,) = (each for name, each in resources(stack, POLICY).items() if name.startswith("SharedCapturing"))
    assert statements(policy)[0]["Action"] == ["s3:PutObject"]


def test_publishes_as_often_as_told(stack: Stack) -> None:
    shared(stack, metric_frequency=Duration.seconds(10), enhanced_metrics=True, detailed_observability=False)
    assert properties(stack, CONFIG)["MetricsConfig"] == {
        "MetricPublishFrequencyInSeconds": 10,
        "EnableEnhancedMetrics": True,
        "EnableDetailedObservability": False,
    }
    with pytest.raises(ValueError, match=r"metric_frequency must be one of 10, 30, .*, got 20"):
        shared(stack, "Other", metric_frequency=Duration.seconds(20))


def test_updates_all_at_once_until_told_otherwise(stack: Stack) -> None:
    endpoint = shared(stack)
    config = properties(stack, ENDPOINT)["DeploymentConfig"]
    assert config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    assert "AutoRollbackConfiguration" not in config
    assert endpoint.rollback_alarms == []


def test_thresholds_belong_to_components(stack: Stack) -> None:
    with pytest.raises(ValueError, match="deployment must have rollback=None on a shared endpoint"):
        shared(stack, deployment=Deployment.rolling())
    endpoint = shared(stack, deployment=Deployment.rolling(rollback=None))
    for alarm in component(stack, endpoint=endpoint).rollback_alarms:
        endpoint.add_rollback_alarm(alarm)
    config = properties(stack, ENDPOINT)["DeploymentConfig"]
    assert len(config["AutoRollbackConfiguration"]["Alarms"]) == 2
    creation_order(synthesised(stack))


def test_takes_ten_rollback_alarms(stack: Stack) -> None:
    endpoint = shared(stack)
    for index in range(10):
        endpoint.add_rollback_alarm(an_alarm(stack, f"Alarm{index}"))
    with pytest.raises(ValueError, match="alarm must be one of at most 10 rollback alarms, got one more"):
        endpoint.add_rollback_alarm(an_alarm(stack, "More"))


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, False),
        ({"instance_count": 1}, True),
        ({"min_instances": 1}, True),
        ({"instance_count": 1, "max_instances": None}, True),
        ({"min_instances": 0}, False),
    ],
)
def test_warns_of_one_instance(stack: Stack, options: dict[str, Any], warned: bool) -> None:  # noqa: FBT001 - a parameter
    shared(stack, variant=shared_variant(**options))
    assert any("may have one instance" in warning for warning in warnings(stack)) is warned


@pytest.mark.parametrize(("region", "least", "warned"), [("eu-west-3", 0, 1), ("eu-west-3", 2, 0), ("us-east-1", 0, 0)])
def test_warns_where_zero_was_refused(app: App, region: str, least: int, warned: int) -> None:
    stack = Stack(app, "There", env=Environment(region=region, account="111122223333"))
    shared(stack, variant=shared_variant(min_instances=least))
    assert sum("has refused min_instances=0" in warning for warning in warnings(stack)) == warned


def test_a_given_role_gets_statements(app: App, stack: Stack) -> None:
    role = iam.Role(stack, "Given", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    endpoint = shared(stack, role=role)
    component(stack, endpoint=endpoint)
    assert not resources(stack, POLICY)
    found = set(strings(properties(stack, "AWS::IAM::Policy")))
    assert "logs:PutLogEvents" in found
    app.synth()


def test_whoever_invokes_the_endpoint_invokes_all_its_components(stack: Stack) -> None:
    endpoint = shared(stack, endpoint_name="Models")
    component(stack, "Before", endpoint=endpoint, component_name="Before")
    caller = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    endpoint.grant_invoke(caller)
    component(stack, "After", endpoint=endpoint, component_name="After")
    assert [each.component_name for each in endpoint.components] == ["Before", "After"]
    allowed = statements(only(stack, "AWS::IAM::Policy"))
    assert {action for each in allowed for action in each["Action"]} == {"sagemaker:InvokeEndpoint"}
    arns = [arn["Fn::Join"][1] for each in allowed for arn in each["Resource"]]
    named = ["".join(part for part in arn if isinstance(part, str)) for arn in arns]
    assert [name.rpartition(":")[2] for name in named] == [
        "endpoint/models",
        "inference-component/before",
        "inference-component/after",
    ]


def test_has_no_models_or_containers_to_restrict_to(stack: Stack) -> None:
    for argument in ("target_models", "target_containers"):
        with pytest.raises(ValueError, match=f"{argument} must not be given for a shared endpoint"):
            shared(stack, argument).grant_invoke(iam.AccountRootPrincipal(), **{argument: ["a"]})


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_no_partition_is_assumed(partition: str, stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    component(stack, endpoint=shared(stack, network=network))
    assert not [each for each in strings(synthesised(stack)) if each.startswith(f"arn:{partition}:")]


def test_instances_have_metrics_of_their_own(stack: Stack) -> None:
    endpoint = shared(stack)
    metric = endpoint.metric_cpu_utilization()
    assert metric.namespace == "/aws/sagemaker/Endpoints"
    assert metric.dimensions == {"EndpointName": endpoint.endpoint_name, "VariantName": "main"}


def test_alarms_and_dashboards_take_it(app: App, stack: Stack) -> None:
    endpoint = shared(stack)
    component(stack, endpoint=endpoint)
    alarms = EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    assert alarms.vcpus == {"main": 4}
    assert {alarm.node.id.rpartition("main-")[2] for alarm in alarms.alarms} >= {"cpu", "memory", "disk"}
    EndpointDashboard(stack, "Dashboard", endpoints=[endpoint], alarms=[alarms])
    app.synth()


def test_front_ends_need_to_know_the_component(app: App, stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    endpoint = shared(stack)
    chat = component(stack, endpoint=endpoint)
    function = FunctionFrontEnd(stack, "Function", endpoint=endpoint, component=chat, network=network)
    RestApiFrontEnd(stack, "Api", function=function)
    (made,) = (each for each in resources(stack, "AWS::Lambda::Function").values())
    environment = made["Properties"]["Environment"]["Variables"]
    assert environment["INFERENCE_COMPONENT_NAME"] == chat.component_name
    (policy,) = (each for name, each in resources(stack, POLICY).items() if name.startswith("FunctionPolicy"))
    (invoke,) = (each for each in statements(policy) if "sagemaker:InvokeEndpoint" in each["Action"])
    assert len(invoke["Resource"]) == 2
    runtime = [each for each in resources(stack, "AWS::EC2::VPCEndpoint").values() if "sagemaker.runtime" in str(each)]
    assert f"inference-component/{chat.component_name}" in str(runtime)
    app.synth()


def test_front_ends_refuse_no_component_or_that_of_another(stack: Stack) -> None:
    endpoint = shared(stack)
    for front_end in (FunctionFrontEnd, RestApiFrontEnd):
        with pytest.raises(ValueError, match="component must be given for a shared endpoint"):
            front_end(stack, front_end.__name__, endpoint=endpoint)
    other = component(stack, endpoint=shared(stack, "Other"))
    with pytest.raises(ValueError, match=r"component must be on the endpoint, got .* of another"):
        FunctionFrontEnd(stack, "Mixed", endpoint=endpoint, component=other)


ARN = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/Models"


def test_an_imported_endpoint_takes_components(stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    endpoint = SharedEndpoint.from_endpoint_name(stack, "Imported", "Models", variant_name="gpu", role=role)
    component(stack, endpoint=endpoint)
    made = only(stack, COMPONENT)
    assert (made["Properties"]["EndpointName"], made["Properties"]["VariantName"]) == ("Models", "gpu")
    (policy,) = resources(stack, "AWS::IAM::Policy")
    assert policy in made["DependsOn"]
    assert len(resources(stack, "AWS::KMS::Key")) == 1  # of the logs


def test_an_imported_endpoint_may_keep_its_role_to_itself(stack: Stack) -> None:
    endpoint = SharedEndpoint.from_endpoint_arn(stack, "Imported", ARN)
    component(stack, endpoint=endpoint)
    assert endpoint.endpoint_arn == ARN.lower()
    assert endpoint.network_isolation is None
    assert not resources(stack, "AWS::IAM::Policy")
    assert not resources(stack, POLICY)


def test_imports_refuse_malformed_names(stack: Stack) -> None:
    with pytest.raises(ValueError, match="endpoint_name must be at most 63 letters, digits and inner hyphens"):
        SharedEndpoint.from_endpoint_name(stack, "A", "a_b")
    with pytest.raises(ValueError, match="endpoint_arn must be the ARN of an endpoint"):
        SharedEndpoint.from_endpoint_arn(stack, "B", "arn:aws:sagemaker:eu-west-1:111122223333:model/x")
    with pytest.raises(ValueError, match="variant_name must be at most 63"):
        SharedEndpoint.from_endpoint_name(stack, "C", "models", variant_name="a_b")
    SharedEndpoint.from_endpoint_name(stack, "D", text(stack))


def test_refuses_other_things_by_name(stack: Stack) -> None:
    for argument in ("variant", "network", "network_isolation", "deployment", "data_capture", "role", "encryption_key"):
        with pytest.raises(TypeError, match=f"{argument} must be"):
            shared(stack, f"Bad{argument}", **{argument: "x"})
    abroad = kms.Key.from_key_arn(stack, "Abroad", "arn:aws:kms:us-east-1:111122223333:key/1")
    here = Stack(App(), "Here", env=Environment(region="eu-west-1"))
    with pytest.raises(ValueError, match="encryption_key must be of the app of what uses it"):
        shared(here, encryption_key=abroad)


# Who watches alarms, and where a bucket's accesses are logged, the owner decides.
OWNERS = {
    "AwsSolutions-S1": {"Shared/Capture"},
    "NIST.800.53.R5-S3BucketLoggingEnabled": {"Shared/Capture"},
    "NIST.800.53.R5-CloudWatchAlarmAction": {"Chat/Rollback-5xx", "Chat/Rollback-latency"},
}


def test_packs_find_what_only_the_owner_decides(app: App, stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    endpoint = shared(stack, network=network, data_capture=DataCapture())
    component(stack, endpoint=endpoint).auto_scale(min_capacity=0, max_capacity=4).on_invocations(100)
    found: dict[str, set[str]] = {}
    for pack in (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks):
        for violation in pack(app).validate_scope(stack).violations:
            paths = {str(each.construct_path) for each in violation.violating_resources}
            found.setdefault(violation.rule_name, set()).update(
                path.removeprefix("Stack/").removesuffix("/Resource") for path in paths
            )
    assert found == OWNERS


def test_cloudformation_finds_nothing() -> None:
    app = App(context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    stack = Stack(app, "Validated", env=Environment(region="us-east-1", account=Aws.ACCOUNT_ID))
    endpoint = shared(stack, network=InferenceNetwork(stack, "Network"), data_capture=DataCapture())
    component(stack, endpoint=endpoint).auto_scale(min_capacity=0, max_capacity=4).on_concurrent_requests(5)
    app.synth()  # fails on a finding
