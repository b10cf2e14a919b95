"""What a user gets wrong about shared endpoints, components and the methods of the new kinds, as `test_bad_input`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from aws_cdk import App, Duration, Size, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam

import ml_constructs as ml
from tests.constructs.builders import IMPORTED, XGBOOST, variant
from tests.constructs.refusals import Call, each_argument, refusals
from tests.constructs.test_bad_input import (
    ARN,
    BAD_NAME,
    HALF_SECOND,
    NOT_A_BOOL,
    NOT_A_DURATION,
    NOT_A_NUMBER,
    NOT_AN_ENUM,
    NOT_AN_OBJECT,
    NOT_OPTIONAL_TEXT,
    NOT_TEXT,
    NOT_WHOLE,
    a_bucket,
    an_endpoint,
    build,
    method,
    value,
)

NOT_A_SIZE: tuple[object, ...] = (5, "5", Duration.seconds(5), True, [])
COOLDOWNS = {
    "scale_in_cooldown": (*NOT_A_DURATION, Duration.millis(1500)),
    "scale_out_cooldown": (*NOT_A_DURATION, Duration.millis(1500)),
    "disable_scale_in": (None, *NOT_A_BOOL),
}


def a_shared_endpoint(stack: Stack) -> ml.SharedEndpoint:
    return ml.SharedEndpoint(stack, "Endpoint", variant=ml.SharedVariant(instance_type="ml.m5.xlarge"))


def a_specification(**arguments: Any) -> ml.ComponentSpecification:  # noqa: ANN401 - of any argument
    return ml.ComponentSpecification(**{"model": IMPORTED, "memory": Size.gibibytes(1), "cpu_cores": 1, **arguments})


def a_component(stack: Stack) -> ml.InferenceComponent:
    return ml.InferenceComponent(stack, "Component", endpoint=a_shared_endpoint(stack), specification=a_specification())


def a_component_scaling(stack: Stack) -> ml.ComponentScaling:
    return a_component(stack).auto_scale(max_capacity=4)


def a_serverless_endpoint(stack: Stack) -> ml.Endpoint:
    lean = ml.ServerlessVariant(
        name="lean", model=IMPORTED, memory=Size.gibibytes(2), max_concurrency=5, provisioned_concurrency=2
    )
    return ml.Endpoint(stack, "Endpoint", variants=[lean])


def a_concurrency_scaling(stack: Stack) -> ml.ConcurrencyScaling:
    return a_serverless_endpoint(stack).auto_scale_concurrency(max_capacity=4)


def a_queue(stack: Stack) -> ml.Endpoint:
    return ml.Endpoint(stack, "Endpoint", variants=[variant()], asynchronous=ml.AsyncInference())


def a_challenger(_: Stack) -> ml.ExperimentVariant:
    return ml.ExperimentVariant(name="new", model=IMPORTED, instance_type="ml.m5.large")


def an_adapter(stack: Stack) -> ml.ModelData:
    return ml.ModelData.from_bucket(a_bucket(stack), "v1/adapter.tar.gz", version="v1")


def with_context(stack: Stack) -> Stack:
    stack.node.set_context("churn", "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/3")
    return stack


def a_component_function(stack: Stack, bad: dict[str, Any]) -> object:
    component = a_component(stack)
    good = {"endpoint": component.endpoint, "component": component}
    return ml.FunctionFrontEnd(stack, "Bad", **{**good, **bad})


NOT_A_SCOPE: tuple[object, ...] = (None, 5, "x")
IN_A_SCOPE: dict[Callable[..., object], dict[str, Any]] = {
    ml.Endpoint: {"variants": [variant()]},
    ml.Model: {"containers": [ml.Container(image=XGBOOST)]},
    ml.SharedEndpoint: {"variant": ml.SharedVariant(instance_type="ml.m5.xlarge")},
    ml.InferenceComponent: {"endpoint": a_shared_endpoint, "specification": lambda _: a_specification()},
    ml.InferenceExperiment: {"endpoint": an_endpoint, "challenger": a_challenger},
    ml.DeploymentEvents: {"endpoint": an_endpoint},
    ml.ModelPackageGroup: {},
    ml.ImageRepository: {},
}

CASES: dict[str, tuple[Call, Mapping[str, Sequence[object]]]] = {
    "SharedVariant": (
        value(ml.SharedVariant, instance_type="ml.m5.xlarge"),
        {
            "name": (*NOT_TEXT, *BAD_NAME),
            "instance_type": (*NOT_TEXT, "", "m5.large", "ml.eia2.medium"),
            "instance_count": (None, *NOT_WHOLE, 0),
            "max_instances": (*NOT_WHOLE, 0, 1),
            "volume_size": (*NOT_A_SIZE, Size.gibibytes(0), Size.gibibytes(513)),
            "inference_ami_version": (*NOT_OPTIONAL_TEXT, "newest"),
            "provision_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(299)),
            "routing": NOT_AN_OBJECT,
            "capacity_reservation_arn": (*NOT_OPTIONAL_TEXT, "", "x"),
        },
    ),
    "SharedVariant that grows": (
        value(ml.SharedVariant, instance_type="ml.m5.xlarge", max_instances=4),
        {"min_instances": (*NOT_WHOLE, 5), "scale_in": NOT_AN_OBJECT},
    ),
    "SharedVariant of pools": (
        value(ml.SharedVariant, instance_pools=[ml.InstancePool(instance_type="ml.g6.xlarge")]),
        {
            "instance_pools": ("x", 5, [], [None], ["ml.m5.large"], [ml.InstancePool(instance_type="ml.m5.large")] * 2),
            "instance_type": ("ml.m5.large",),
        },
    ),
    "ScaleIn": (value(ml.ScaleIn, strategy="CONSOLIDATION"), {"strategy": (*NOT_TEXT, "", "idle")}),
    "consolidation": (
        value(ml.ScaleIn.consolidation),
        {
            "max_step": (*NOT_WHOLE, 0, 101),
            "cooldown": (*NOT_A_DURATION, Duration.minutes(4), Duration.minutes(1441), Duration.seconds(301)),
        },
    ),
    "SharedEndpoint": (
        build(ml.SharedEndpoint, variant=lambda _: ml.SharedVariant(instance_type="ml.m5.xlarge")),
        {
            "variant": (None, *NOT_AN_OBJECT, variant()),
            "deployment": NOT_AN_OBJECT,
            "data_capture": (*NOT_AN_OBJECT, True),
            "network": NOT_AN_OBJECT,
            "network_isolation": (None, *NOT_A_BOOL),
            "role": NOT_AN_OBJECT,
            "encryption_key": NOT_AN_OBJECT,
            "encrypt_volumes": NOT_A_BOOL,
            "enhanced_metrics": (None, *NOT_A_BOOL),
            "detailed_observability": NOT_A_BOOL,
            "metric_frequency": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(20)),
            "endpoint_name": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
        },
    ),
    "SharedEndpoint.from_endpoint_name": (
        build(ml.SharedEndpoint.from_endpoint_name, endpoint_name="live"),
        {"endpoint_name": (*NOT_TEXT, *BAD_NAME), "variant_name": (*NOT_TEXT, *BAD_NAME), "role": NOT_AN_OBJECT},
    ),
    "SharedEndpoint.from_endpoint_arn": (
        build(ml.SharedEndpoint.from_endpoint_arn, endpoint_arn=ARN),
        {"endpoint_arn": (*NOT_TEXT, "", "live", "arn:aws:s3:::b"), "variant_name": (*NOT_TEXT, *BAD_NAME)},
    ),
    "add_component": (method(a_shared_endpoint, "add_component"), {"component": (None, *NOT_AN_OBJECT)}),
    "SharedEndpoint.add_rollback_alarm": (
        method(a_shared_endpoint, "add_rollback_alarm"),
        {"alarm": (None, *NOT_AN_OBJECT)},
    ),
    **{
        f"SharedEndpoint.{name}": (method(a_shared_endpoint, name), {"grantee": (None, *NOT_AN_OBJECT)})
        for name in ("grant_invoke", "grant_describe", "grant_update_weights")
    },
    "Placement": (value(ml.Placement, strategy="SPREAD"), {"strategy": (*NOT_TEXT, "", "spread")}),
    "spread": (value(ml.Placement.spread), {"max_imbalance": (*NOT_WHOLE, 101)}),
    "binpack": (value(ml.Placement.binpack), {"max_imbalance": (*NOT_WHOLE, 101)}),
    "ComponentSpecification": (
        value(ml.ComponentSpecification, model=IMPORTED, memory=Size.gibibytes(1), cpu_cores=1),
        {
            "memory": (None, *NOT_A_SIZE, Size.mebibytes(127), Size.kibibytes(1024 * 128 + 1)),
            "model": NOT_AN_OBJECT,
            "max_memory": (*NOT_A_SIZE, Size.mebibytes(1023)),
            "cpu_cores": (*NOT_A_NUMBER, 0, 0.2),
            "accelerators": (*NOT_A_NUMBER, 0),
            "container_startup_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(59)),
            "model_download_timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(3601)),
            "cache": NOT_A_BOOL,
            "placement": NOT_AN_OBJECT,
            "instance_type": (*NOT_OPTIONAL_TEXT, "", "m5.large"),
        },
    ),
    "ComponentSpecification of a container": (
        value(ml.ComponentSpecification, container=ml.Container(image=XGBOOST), memory=Size.gibibytes(1), cpu_cores=1),
        {"container": (*NOT_AN_OBJECT, IMPORTED), "model": (IMPORTED,)},
    ),
    "ComponentDeployment": (
        value(ml.ComponentDeployment),
        {
            "percent": (*NOT_WHOLE, 4, 51),
            "copies": (*NOT_WHOLE, 0),
            "wait": (*NOT_A_DURATION, *HALF_SECOND),
            "timeout": (*NOT_A_DURATION, *HALF_SECOND, Duration.seconds(599)),
            "rollback_percent": (*NOT_WHOLE, 0, 101),
            "rollback": NOT_AN_OBJECT,
        },
    ),
    "InferenceComponent": (
        build(ml.InferenceComponent, endpoint=a_shared_endpoint, specification=lambda _: a_specification()),
        {
            "endpoint": (None, *NOT_AN_OBJECT),
            "specification": (None, *NOT_AN_OBJECT, []),
            "copies": (None, *NOT_WHOLE, 0),
            "deployment": NOT_AN_OBJECT,
            "component_name": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
            "log_retention": NOT_AN_ENUM,
        },
    ),
    "from_component_name": (
        build(ml.InferenceComponent.from_component_name, component_name="one", endpoint=a_shared_endpoint),
        {"component_name": (*NOT_TEXT, *BAD_NAME), "endpoint": (None, *NOT_AN_OBJECT)},
    ),
    "InferenceComponent.add_rollback_alarm": (
        method(a_component, "add_rollback_alarm"),
        {"alarm": (None, *NOT_AN_OBJECT)},
    ),
    **{
        f"InferenceComponent.{name}": (method(a_component, name), {"grantee": (None, *NOT_AN_OBJECT)})
        for name in ("grant_invoke", "grant_describe", "grant_update_copies")
    },
    "InferenceComponent.metric": (
        method(a_component, "metric", metric_name="Invocations"),
        {"metric_name": NOT_TEXT, "statistic": NOT_TEXT, "period": NOT_A_DURATION},
    ),
    "AdapterComponent": (
        build(ml.AdapterComponent, base=a_component, adapter=an_adapter),
        {
            "base": (None, *NOT_AN_OBJECT),
            "adapter": (None, *NOT_AN_OBJECT),
            "component_name": (*NOT_OPTIONAL_TEXT, *BAD_NAME),
        },
    ),
    "InferenceComponent.auto_scale": (
        method(a_component, "auto_scale", max_capacity=4),
        {"min_capacity": (None, *NOT_WHOLE, 5), "max_capacity": (None, *NOT_WHOLE, 0, 1)},
    ),
    "ComponentScaling.on_invocations": (
        method(a_component_scaling, "on_invocations", per_copy_per_minute=5),
        {"per_copy_per_minute": (None, *NOT_A_NUMBER, 0, -1), **COOLDOWNS},
    ),
    "ComponentScaling.on_concurrent_requests": (
        method(a_component_scaling, "on_concurrent_requests", per_copy=5),
        {"per_copy": (None, *NOT_A_NUMBER, 0, -1), **COOLDOWNS},
    ),
    "ComponentScaling.on_requests_per_second": (
        method(a_component_scaling, "on_requests_per_second", per_copy=5),
        {"per_copy": (None, *NOT_A_NUMBER, 0, -1), "safety_factor": (None, *NOT_A_NUMBER, 0, 1.1), **COOLDOWNS},
    ),
    "auto_scale_concurrency": (
        method(a_serverless_endpoint, "auto_scale_concurrency", max_capacity=4),
        {"min_capacity": (None, *NOT_WHOLE, 0, 3, 5), "max_capacity": (None, *NOT_WHOLE, 0, 1, 6)},
    ),
    "on_utilization": (
        method(a_concurrency_scaling, "on_utilization", percent=70),
        {"percent": (None, *NOT_A_NUMBER, 0, -1, 101), **COOLDOWNS},
    ),
    "on_backlog": (
        lambda stack, bad: a_queue(stack).auto_scale(max_capacity=4).on_backlog(**{"per_instance": 5, **bad}),
        {"per_instance": (None, *NOT_A_NUMBER, 0, -1), **COOLDOWNS},
    ),
    **{
        f"Endpoint.{name}": (method(a_queue, name), {"grantee": (None, *NOT_AN_OBJECT)})
        for name in ("grant_invoke_async", "grant_describe", "grant_update_weights")
    },
    "FunctionFrontEnd of a component": (
        a_component_function,
        {"component": (None, *NOT_AN_OBJECT)},
    ),
    "from_context": (
        value(ml.ModelVersion.from_context, scope=with_context, name="churn"),
        {"scope": NOT_A_SCOPE, "name": NOT_TEXT},
    ),
    "from_parameter": (
        value(ml.ModelVersion.from_parameter, scope=lambda stack: stack, construct_id="Version"),
        {"scope": NOT_A_SCOPE, "construct_id": NOT_TEXT},
    ),
    **{
        f"scope of {construct.__name__}": (
            value(construct, scope=lambda stack: stack, construct_id="Good", **arguments),
            {"scope": NOT_A_SCOPE},
        )
        for construct, arguments in IN_A_SCOPE.items()
    },
}


@pytest.mark.parametrize(("call", "argument", "values"), each_argument(CASES))
def test_is_refused_by_name(call: Call, argument: str, values: Sequence[object]) -> None:
    for bad, said in refusals(call, argument, values):
        assert "got" in said, (bad, said)


@pytest.mark.parametrize(("call", "arguments"), list(CASES.values()), ids=list(CASES))
def test_what_is_not_replaced_is_accepted(call: Call, arguments: Mapping[str, Sequence[object]]) -> None:
    """Else the test above would prove nothing."""
    made: dict[str, Callable[[Stack], object]] = {
        "alarm": lambda stack: cloudwatch.Alarm.from_alarm_arn(stack, "A", f"{ARN}:alarm:a"),
        "grantee": lambda _: iam.ServicePrincipal("lambda.amazonaws.com"),
        "component": lambda stack: a_component(Stack(stack, "Other")),
    }
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    (first, *others) = arguments
    alone = not others and first in made and call is not a_component_function
    call(stack, {first: made[first](stack)} if alone else {})


def test_a_long_value_does_not_hide_the_sentence() -> None:
    with pytest.raises(
        TypeError, match=r"^images must be a list of ContainerImage, got ContainerImage\(.{100,120}\.\.\.$"
    ):
        ml.PackagedContainer(package="arn:aws:sagemaker:eu-west-1:111122223333:model-package/c/3", images=XGBOOST)  # type: ignore[arg-type]


def test_an_image_is_named_without_its_registry() -> None:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    model = ml.Model(stack, "Model", containers=[ml.Container(image=XGBOOST)])
    with pytest.raises(ValueError, match=r"^instance_type must be one for the image sagemaker-xgboost:\S+, made for "):
        ml.Endpoint(stack, "Endpoint", variants=[variant(model, instance_type="ml.c7g.large")])


@pytest.mark.parametrize("instance_type", ["ml.m5.large", "ml.c7i.large", "ml.t2.medium", "ml.r5.large"])
def test_accelerators_of_instances_without_any_are_refused(instance_type: str) -> None:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    endpoint = ml.SharedEndpoint(stack, "Endpoint", variant=ml.SharedVariant(instance_type=instance_type))
    with pytest.raises(ValueError, match=f"^accelerators must not be .* without any, {instance_type}, got 1"):
        ml.InferenceComponent(stack, "C", endpoint=endpoint, specification=a_specification(accelerators=1))


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.p5.48xlarge", "ml.inf2.xlarge", "ml.trn1.2xlarge"])
def test_accelerators_of_instances_with_some_are_accepted(instance_type: str) -> None:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    endpoint = ml.SharedEndpoint(stack, "Endpoint", variant=ml.SharedVariant(instance_type=instance_type))
    ml.InferenceComponent(stack, "C", endpoint=endpoint, specification=a_specification(accelerators=1))
