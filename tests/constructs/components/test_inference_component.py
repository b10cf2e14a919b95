from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from ml_constructs.components.deployment import ComponentDeployment
from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.endpoint_config.instance_pools import InstancePool
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.endpoints.rollback import RollbackThresholds
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.models.container import Container
from ml_constructs.models.model_data import ModelData
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import (
    XGBOOST,
    creation_order,
    fresh,
    model,
    number,
    only,
    properties,
    references,
    resources,
    statements,
    stored,
    strings,
    synthesised,
    text,
    variant,
    warnings,
)
from tests.constructs.component_builders import COMPONENT, component, shared, shared_variant, specification

ENDPOINT = "AWS::SageMaker::Endpoint"
POLICY = "AWS::IAM::ManagedPolicy"
LOGS = "AWS::Logs::LogGroup"
ALARM = "AWS::CloudWatch::Alarm"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
SEVERAL = [InstancePool(instance_type="ml.m5.xlarge"), InstancePool(instance_type="ml.m5.4xlarge")]


def heterogeneous() -> Any:  # noqa: ANN401
    return shared_variant(instance_type=None, instance_pools=SEVERAL)


def actions(policy: dict[str, Any]) -> set[str]:
    return {action for statement in statements(policy) for action in statement["Action"]}


def test_is_complete(stack: Stack) -> None:
    made = component(stack)
    found = properties(stack, COMPONENT)
    assert found["EndpointName"] == made.endpoint.endpoint_name
    assert found["VariantName"] == "main"
    assert found["InferenceComponentName"] == made.component_name
    assert found["RuntimeConfig"] == {"CopyCount": 2}
    assert set(found) == {
        "DeploymentConfig",
        "EndpointName",
        "InferenceComponentName",
        "RuntimeConfig",
        "Specification",
        "VariantName",
    }


def test_logs_are_made_before_sagemaker_would(stack: Stack) -> None:
    made = component(stack)
    group = only(stack, LOGS)
    assert group["Properties"]["LogGroupName"] == f"/aws/sagemaker/InferenceComponents/{made.component_name}"
    assert group["Properties"]["RetentionInDays"] == 365
    assert group["UpdateReplacePolicy"] == "Retain"
    (key,) = resources(stack, "AWS::KMS::Key").values()
    assert ":log-group:/aws/sagemaker/InferenceComponents/*" in set(strings(key))


def test_nothing_it_names_comes_after_it_or_goes_before(stack: Stack) -> None:
    """Names are literals, so that only dependencies tell the order; deletion goes the other way round."""
    component(stack).auto_scale(max_capacity=4)
    made = next(iter(resources(stack, COMPONENT)))
    order = creation_order(synthesised(stack))
    before = [*resources(stack, ENDPOINT), *resources(stack, POLICY), *resources(stack, LOGS), *resources(stack, ALARM)]
    assert all(order.index(each) < order.index(made) for each in before)
    (target,) = resources(stack, TARGET)
    assert order.index(made) < order.index(target)


def test_the_roles_of_endpoint_and_model_may_run_it(stack: Stack) -> None:
    """AWS does not document which of the two reads, pulls and writes."""
    served = model(stack)
    component(stack, specification=specification(model=served))
    policies = resources(stack, POLICY)
    (host,) = (each for name, each in policies.items() if name.startswith("ChatPolicy"))
    assert actions(host) == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricData",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "s3:GetObject",
    }
    (own,) = (each for name, each in policies.items() if name.startswith("ChatModelPolicy"))
    assert actions(own) == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricData",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    }
    (group,) = resources(stack, LOGS)
    for policy in (host, own):
        (writes,) = (each for each in statements(policy) if "logs:PutLogEvents" in each["Action"])
        assert writes["Resource"] == [{"Fn::GetAtt": [group, "Arn"]}]


def test_a_container_is_read_by_the_endpoint_alone(stack: Stack) -> None:
    container = Container(image=XGBOOST, model_data=stored(stack))
    component(stack, specification=specification(container=container))
    (policy,) = resources(stack, POLICY).values()
    (reads,) = (each for each in statements(policy) if "s3:GetObject" in each["Action"])
    assert "models/v1/model.tar.gz" in str(reads["Resource"])
    assert not resources(stack, "AWS::SageMaker::Model")


def policy_ids(version: str) -> set[str]:
    _, stack = fresh()
    served = model(stack, data=stored(stack, f"models/{version}/model.tar.gz", version))
    component(stack, specification=specification(model=served))
    return {name for name in resources(stack, POLICY) if name.startswith("ChatPolicy")}


def test_old_copies_find_old_artefacts_while_new_ones_start() -> None:
    """Another policy is created before the component moves, and the old one deleted after."""
    assert policy_ids("v1") != policy_ids("v2")
    assert policy_ids("v1") == policy_ids("v1")


def test_other_artefacts_are_an_update_in_place() -> None:
    found = []
    for version in ("v1", "v2"):
        _, stack = fresh()
        served = model(stack, data=stored(stack, f"models/{version}/model.tar.gz", version))
        component(stack, specification=specification(model=served))
        found.append(resources(stack, COMPONENT))
    assert list(found[0]) == list(found[1])


def where(**options: Any) -> tuple[str, str]:  # noqa: ANN401
    """Logical id and name of a component."""
    _, stack = fresh()
    name = options.pop("component_name", None)
    endpoint = shared(stack, variant=shared_variant(name=options.pop("variant", "main")), **options)
    made = component(stack, endpoint=endpoint, component_name=name)
    (logical,) = resources(stack, COMPONENT)
    return logical, made.component_name


def test_elsewhere_is_another_component() -> None:
    """CloudFormation believes that it could move a component in place; UpdateInferenceComponent cannot."""
    here = where()
    assert where() == here
    for other in (where(endpoint_name="other"), where(variant="other")):
        assert other[0] != here[0]
        assert other[1] != here[1]
    assert where(component_name="a")[0] != where(component_name="b")[0]


def test_a_late_name_of_the_endpoint_keeps_the_id_stable() -> None:
    ids = set()
    for noise in range(2):
        _, stack = fresh()
        for index in range(noise):
            text(stack, f"Noise{index}")
        endpoint = shared(stack, endpoint_name=text(stack))
        component(stack, endpoint=endpoint)
        ids |= set(resources(stack, COMPONENT))
    assert len(ids) == 1


def test_names_are_legal_however_long_the_path(stack: Stack) -> None:
    made = component(stack, "An_Extraordinarily-long" * 4)
    assert len(made.component_name) <= 63
    assert made.component_name == made.component_name.lower()
    assert made.component_arn.endswith(f":inference-component/{made.component_name}")


def test_turns_back_on_its_own_errors(stack: Stack) -> None:
    made = component(
        stack, deployment=ComponentDeployment(rollback=RollbackThresholds(model_latency=Duration.seconds(2)))
    )
    alarms = {each["Properties"]["AlarmName"]: each["Properties"] for each in resources(stack, ALARM).values()}
    errors, latency = (alarms[f"{made.component_name}-rollback-{kind}"] for kind in ("5xx", "latency"))
    dimensions = [{"Name": "InferenceComponentName", "Value": made.component_name}]
    assert (errors["MetricName"], errors["Statistic"], errors["Threshold"]) == ("Invocation5XXErrors", "Average", 0.01)
    assert (latency["MetricName"], latency["ExtendedStatistic"]) == ("ModelLatency", "p99")
    assert latency["Threshold"] == 2_000_000
    for alarm in (errors, latency):
        assert alarm["Namespace"] == "AWS/SageMaker"
        assert alarm["Dimensions"] == dimensions
        assert alarm["TreatMissingData"] == "notBreaching"
    named = properties(stack, COMPONENT)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [each["AlarmName"] for each in named] == list(alarms)


def test_a_late_share_of_errors(app: App, stack: Stack) -> None:
    component(stack, deployment=ComponentDeployment(rollback=RollbackThresholds(error_percent=number(stack))))
    (alarm,) = (each["Properties"] for name, each in resources(stack, ALARM).items() if "5xx" in name)
    assert alarm["Threshold"] == {"Ref": "Number"}
    assert "100 * errors" in set(strings(alarm["Metrics"]))
    app.synth()


def test_takes_ten_rollback_alarms(stack: Stack) -> None:
    made = component(stack)
    for index in range(8):
        arn = f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a{index}"
        made.add_rollback_alarm(cloudwatch.Alarm.from_alarm_arn(stack, f"Alarm{index}", arn))
    assert len(made.rollback_alarms) == 10
    assert len(properties(stack, COMPONENT)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]) == 10
    with pytest.raises(ValueError, match="alarm must be one of at most 10 rollback alarms, got one more"):
        made.add_rollback_alarm(made.rollback_alarms[0])


def test_scales(stack: Stack) -> None:
    made = component(stack)
    made.auto_scale(min_capacity=0, max_capacity=4).on_invocations(90)
    assert properties(stack, TARGET)["ResourceId"] == f"inference-component/{made.component_name}"
    assert properties(stack, TARGET)["MinCapacity"] == 0
    with pytest.raises(ValueError, match=r"component must be scaled once, got .* again"):
        made.auto_scale(max_capacity=4)
    assert not warnings(stack)


def test_starts_inside_the_range(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"copies of component .* must be between .*, 2 and 4, got 1"):
        component(stack, copies=1).auto_scale(max_capacity=4)


def test_warns_when_only_the_copies_scale(stack: Stack) -> None:
    component(stack, endpoint=shared(stack, variant=shared_variant(max_instances=None))).auto_scale(max_capacity=4)
    (warning,) = warnings(stack)
    assert "copies that find no room wait for it" in warning


@pytest.mark.parametrize("copies", [0, -1, 1.5])
def test_begins_with_a_copy(stack: Stack, copies: int) -> None:
    """SageMaker makes no component without one, also where it scales to zero."""
    with pytest.raises(ValueError, match=f"copies must be .* 1 and 2,147,483,647, got {copies}"):
        component(stack, copies=copies)


def test_one_specification_for_each_type(stack: Stack) -> None:
    endpoint = shared(stack, variant=heterogeneous())
    several = [
        specification(instance_type="ml.m5.xlarge", cpu_cores=4),
        specification(instance_type="ml.m5.4xlarge", cpu_cores=16, container=Container(image=XGBOOST)),
    ]
    component(stack, endpoint=endpoint, specification=several)
    found = properties(stack, COMPONENT)
    assert "Specification" not in found
    first, second = found["Specifications"]
    assert (first["InstanceType"], first["ModelName"]) == ("ml.m5.xlarge", "some-model")
    assert (second["InstanceType"], set(second["Container"])) == ("ml.m5.4xlarge", {"Image"})


def of_type(instance_type: str | None, **options: Any) -> Any:  # noqa: ANN401
    return specification(instance_type=instance_type, **options)


BAD: list[tuple[Any, str]] = [
    (of_type("ml.m5.xlarge"), "specification must have an instance_type only in a list of several, got 'ml.m5.xlarge'"),
    ([], "specification must have between 2 and 5 members, got 0"),
    ([of_type("ml.m5.xlarge")], "specification must have between 2 and 5 members, got 1"),
    ([of_type("ml.m5.xlarge")] * 6, "specification must have between 2 and 5 members, got 6"),
    ([of_type("ml.m5.xlarge"), of_type(None)], "specification must have an instance_type in a list of 2"),
    ([of_type("ml.m5.xlarge")] * 2, "specification must have different instance types, got ml.m5.xlarge more than"),
    ([of_type("ml.m5.xlarge"), of_type("ml.c5.xlarge")], "instance_type must be one of variant main, .*ml.c5.xlarge"),
    (specification(cpu_cores=16.5), "cpu_cores must be at most those of an instance, 16, got 16.5"),
    ([of_type("ml.m5.xlarge", cpu_cores=5), of_type("ml.m5.4xlarge")], "cpu_cores must be at most .* 4, got 5"),
]


@pytest.mark.parametrize(("wanted", "message"), BAD)
def test_refuses_what_the_endpoint_cannot_run(stack: Stack, wanted: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=message):
        component(stack, endpoint=shared(stack, variant=heterogeneous()), specification=wanted)


def test_refuses_a_name_that_is_taken(stack: Stack) -> None:
    host = shared(stack)
    component(stack, "One", endpoint=host, component_name="chat")
    component(stack, "Two", endpoint=host, component_name="Chat")
    with pytest.raises(ValueError, match=r"^component_name must be unique on its endpoint, got 'chat' again"):
        component(stack, "Three", endpoint=host, component_name="chat")


def test_refuses_an_endpoint_with_models_of_its_own(stack: Stack) -> None:
    """SageMaker: Inference Components are not supported in this Endpoint."""
    endpoint = Endpoint(stack, "Endpoint", variants=[variant()])
    with pytest.raises(TypeError, match="endpoint must be ISharedEndpoint"):
        component(stack, endpoint=endpoint)  # type: ignore[arg-type] # what is refused


def test_the_endpoint_decides_about_the_network(stack: Stack) -> None:
    network = InferenceNetwork(stack, "Network")
    served = model(stack, network=network)
    component(stack, "Within", endpoint=shared(stack, network=network), specification=specification(model=served))
    with pytest.raises(ValueError, match="model must be in the network of the endpoint, or say none, got one in"):
        component(stack, endpoint=shared(stack, "Outside"), specification=specification(model=served))


@pytest.mark.parametrize("isolated", [True, False])
def test_the_endpoint_decides_about_isolation(stack: Stack, isolated: bool) -> None:  # noqa: FBT001 - a parameter
    served = model(stack, network_isolation=isolated)
    component(
        stack, "Alike", endpoint=shared(stack, network_isolation=isolated), specification=specification(model=served)
    )
    other = shared(stack, "Other", network_isolation=not isolated)
    message = f"model must have the network_isolation of the endpoint, {not isolated}, got {isolated}"
    with pytest.raises(ValueError, match=message):
        component(stack, endpoint=other, specification=specification(model=served))


def test_artefacts_come_through_the_network_of_the_endpoint(stack: Stack) -> None:
    """Any version: while copies are replaced, the old ones still load theirs."""
    network = InferenceNetwork(stack, "Network")
    component(stack, endpoint=shared(stack, network=network), specification=specification(model=model(stack)))
    (gateway,) = (
        each for name, each in resources(stack, "AWS::EC2::VPCEndpoint").items() if name.startswith("NetworkS3")
    )
    assert any(each.endswith(":s3:::example-models/*") for each in strings(gateway["Properties"]["PolicyDocument"]))


def test_stacks_depend_one_way(app: App) -> None:
    network = InferenceNetwork(Stack(app, "NetworkStack"), "Network")
    host = Stack(app, "HostStack")
    endpoint = shared(host, network=network)
    stack = Stack(app, "ComponentStack")
    data = s3.Bucket(stack, "Data")
    served = model(stack, data=ModelData.from_bucket(data, "v1/model.tar.gz", version="v1"))
    component(stack, endpoint=endpoint, specification=specification(model=served)).auto_scale(max_capacity=4)
    app.synth()
    assert host in stack.dependencies
    assert stack not in host.dependencies


def test_warns_of_a_model_in_another_stack(app: App, stack: Stack) -> None:
    served = model(Stack(app, "Models"))
    component(stack, specification=specification(model=served))
    assert any("is in another stack" in warning for warning in warnings(stack))


def test_warns_of_more_policies_than_a_role_takes(stack: Stack) -> None:
    endpoint = shared(stack)
    for index in range(7):
        component(stack, f"Chat{index}", endpoint=endpoint)
    assert not warnings(stack)
    component(stack, "One", endpoint=endpoint)
    assert sum("have a policy each on the role" in warning for warning in warnings(stack)) == 1


def test_grants_need_the_endpoint_and_the_component(stack: Stack) -> None:
    endpoint = shared(stack, endpoint_name="Models")
    made = component(stack, endpoint=endpoint, component_name="Chat")
    caller = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())
    made.grant_invoke(caller)
    made.grant_describe(caller)
    made.grant_update_copies(caller)
    found = {each["Action"][0]: each["Resource"] for each in statements(only(stack, "AWS::IAM::Policy"))}
    ends = {action: [str(arn).rpartition(":")[2].strip("'\"]}") for arn in arns] for action, arns in found.items()}
    assert ends == {
        "sagemaker:InvokeEndpoint": ["endpoint/models", "inference-component/chat"],
        "sagemaker:DescribeInferenceComponent": ["inference-component/chat"],
        "sagemaker:UpdateInferenceComponentRuntimeConfig": ["inference-component/chat"],
    }


METRICS = {
    "metric_invocations": ("AWS/SageMaker", "Invocations", "Sum"),
    "metric_invocations_per_copy": ("AWS/SageMaker", "InvocationsPerCopy", "Sum"),
    "metric_concurrent_requests_per_copy": ("AWS/SageMaker", "ConcurrentRequestsPerCopy", "Maximum"),
    "metric_no_capacity_failures": ("AWS/SageMaker", "NoCapacityInvocationFailures", "Sum"),
    "metric_invocation_4xx_errors": ("AWS/SageMaker", "Invocation4XXErrors", "Sum"),
    "metric_invocation_5xx_errors": ("AWS/SageMaker", "Invocation5XXErrors", "Sum"),
    "metric_invocation_model_errors": ("AWS/SageMaker", "InvocationModelErrors", "Sum"),
    "metric_model_latency": ("AWS/SageMaker", "ModelLatency", "p99"),
    "metric_overhead_latency": ("AWS/SageMaker", "OverheadLatency", "Average"),
    "metric_cpu_utilization": ("/aws/sagemaker/InferenceComponents", "CPUUtilizationNormalized", "Average"),
    "metric_memory_utilization": ("/aws/sagemaker/InferenceComponents", "MemoryUtilizationNormalized", "Average"),
    "metric_gpu_utilization": ("/aws/sagemaker/InferenceComponents", "GPUUtilizationNormalized", "Average"),
    "metric_gpu_memory_utilization": (
        "/aws/sagemaker/InferenceComponents",
        "GPUMemoryUtilizationNormalized",
        "Average",
    ),
}


def test_metrics_have_their_official_names(stack: Stack) -> None:
    made = component(stack)
    offered = {name for name in dir(IInferenceComponent) if name.startswith("metric_")}
    assert offered == set(METRICS)
    for name, expected in METRICS.items():
        metric = getattr(made, name)()
        assert (metric.namespace, metric.metric_name, metric.statistic) == expected
        assert metric.dimensions == {"InferenceComponentName": made.component_name}
        assert metric.period.to_seconds() == 60


def test_metrics_take_other_statistics(stack: Stack) -> None:
    metric = component(stack).metric_model_latency(statistic="p50", period=Duration.minutes(5), label="half")
    assert (metric.statistic, metric.period.to_minutes(), metric.label) == ("p50", 5, "half")


def test_an_imported_component_is_as_good(stack: Stack) -> None:
    endpoint = Endpoint.from_endpoint_arn(
        stack, "Endpoint", "arn:aws-cn:sagemaker:cn-north-1:111122223333:endpoint/models"
    )
    imported = InferenceComponent.from_component_name(stack, "Imported", "Chat", endpoint=endpoint)
    assert imported.component_arn == "arn:aws-cn:sagemaker:cn-north-1:111122223333:inference-component/chat"
    assert imported.metric_invocations().dimensions == {"InferenceComponentName": "Chat"}
    with pytest.raises(ValueError, match="component_name must be at most 63 letters"):
        InferenceComponent.from_component_name(stack, "Bad", "a_b", endpoint=endpoint)


def test_refuses_other_things_by_name(app: App, stack: Stack) -> None:
    endpoint = shared(stack)
    for argument in ("specification", "copies", "deployment", "encryption_key", "log_retention"):
        with pytest.raises((TypeError, ValueError), match=f"{argument} must be"):
            component(stack, f"Bad{argument}", endpoint=endpoint, **{argument: None if argument == "copies" else 5.5})
    with pytest.raises(ValueError, match="component_name must be at most 63 letters"):
        component(stack, endpoint=endpoint, component_name="a_b")
    there = Stack(app, "There", env=Environment(account="444455556666", region="eu-west-1"))
    here = Stack(app, "Here", env=Environment(account="111122223333", region="eu-west-1"))
    with pytest.raises(ValueError, match="endpoint must be in the account of what uses it, 111122223333"):
        component(here, endpoint=shared(there))


def test_tokens_pass(app: App, stack: Stack) -> None:
    late = number(stack)
    made = component(stack, copies=late, component_name=text(stack))
    made.auto_scale(min_capacity=late, max_capacity=late)
    assert set(references(properties(stack, COMPONENT)["InferenceComponentName"])) == {"Text"}
    app.synth()
