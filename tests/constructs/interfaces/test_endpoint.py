"""An imported endpoint offers the same names, grants and metrics as an owned one, exact to the action and statistic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint

DIMENSIONS = {"EndpointName": "live", "VariantName": "champion"}


def imported(stack: Stack, *variants: str) -> IEndpoint:
    return Endpoint.from_endpoint_name(stack, "Imported", "live", variant_names=variants)


def granted(stack: Stack) -> dict[str, Any]:
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    return dict(statement)


def policy_of(stack: Stack) -> iam.ManagedPolicy:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    return iam.ManagedPolicy(stack, "Policy", roles=[role])


@pytest.mark.parametrize(
    ("grant", "action"),
    [
        (IEndpoint.grant_invoke, "sagemaker:InvokeEndpoint"),
        (IEndpoint.grant_invoke_async, "sagemaker:InvokeEndpointAsync"),
        (IEndpoint.grant_describe, "sagemaker:DescribeEndpoint"),
        (IEndpoint.grant_update_weights, "sagemaker:UpdateEndpointWeightsAndCapacities"),
    ],
)
def test_grants_one_action_on_this_endpoint(
    stack: Stack, grant: Callable[[IEndpoint, iam.IGrantable], iam.Grant], action: str
) -> None:
    endpoint = imported(stack, "champion")
    assert grant(endpoint, policy_of(stack)).success
    statement = granted(stack)
    assert statement["Action"] == action
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == stack.resolve(endpoint.endpoint_arn)
    assert "Condition" not in statement


@pytest.mark.parametrize(
    ("argument", "key"),
    [("target_models", "sagemaker:TargetModel"), ("target_containers", "sagemaker:TargetContainerHostname")],
)
def test_invocation_may_be_confined_to_targets(stack: Stack, argument: str, key: str) -> None:
    options: dict[str, Any] = {argument: ["tenant-a/*", "common"]}
    imported(stack, "champion").grant_invoke(policy_of(stack), **options)
    assert granted(stack)["Condition"] == {"StringLike": {key: ["tenant-a/*", "common"]}}


def test_invocation_is_confined_to_one_kind_of_target(stack: Stack) -> None:
    with pytest.raises(ValueError, match="target_models must not be given beside target_containers, got"):
        imported(stack, "a").grant_invoke(policy_of(stack), target_models=["m"], target_containers=["c"])


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_names_the_endpoint_in_its_partition_in_lower_case(app: App, region: str, partition: str) -> None:
    stack = Stack(app, "There", env=Environment(account="111122223333", region=region))
    endpoint = Endpoint.from_endpoint_name(stack, "Imported", "Live-Model", variant_names=["champion"])
    arn = stack.resolve(endpoint.endpoint_arn)
    text = (
        arn if isinstance(arn, str) else "".join(each if isinstance(each, str) else "?" for each in arn["Fn::Join"][1])
    )
    assert endpoint.endpoint_name == "Live-Model"
    assert text.replace("?", partition) == f"arn:{partition}:sagemaker:{region}:111122223333:endpoint/live-model"


def test_imports_by_arn(stack: Stack) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/live"
    endpoint = Endpoint.from_endpoint_arn(stack, "Imported", arn, variant_names=["champion"])
    assert (endpoint.endpoint_name, endpoint.endpoint_arn) == ("live", arn)
    assert endpoint.variant_names == ("champion",)


@pytest.mark.parametrize(
    ("metric", "name", "statistic", "namespace"),
    [
        (IEndpoint.metric_invocations, "Invocations", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_invocations_per_instance, "InvocationsPerInstance", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_invocation_4xx_errors, "Invocation4XXErrors", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_invocation_5xx_errors, "Invocation5XXErrors", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_model_latency, "ModelLatency", "p99", "AWS/SageMaker"),
        (IEndpoint.metric_cpu_utilization, "CPUUtilization", "Average", "/aws/sagemaker/Endpoints"),
        (IEndpoint.metric_memory_utilization, "MemoryUtilization", "Average", "/aws/sagemaker/Endpoints"),
        (IEndpoint.metric_disk_utilization, "DiskUtilization", "Average", "/aws/sagemaker/Endpoints"),
        (IEndpoint.metric_gpu_utilization, "GPUUtilization", "Average", "/aws/sagemaker/Endpoints"),
        (IEndpoint.metric_gpu_memory_utilization, "GPUMemoryUtilization", "Average", "/aws/sagemaker/Endpoints"),
        (IEndpoint.metric_invocation_model_errors, "InvocationModelErrors", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_concurrent_requests, "ConcurrentRequestsPerModel", "Maximum", "AWS/SageMaker"),
        (IEndpoint.metric_explanations_per_instance, "ExplanationsPerInstance", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_model_setup_time, "ModelSetupTime", "Maximum", "AWS/SageMaker"),
        (
            *(IEndpoint.metric_concurrency_utilization, "ServerlessConcurrentExecutionsUtilization"),
            *("Maximum", "AWS/SageMaker"),
        ),
        (
            *(IEndpoint.metric_provisioned_concurrency_utilization, "ServerlessProvisionedConcurrencyUtilization"),
            *("Maximum", "AWS/SageMaker"),
        ),
        (IEndpoint.metric_model_loading_wait_time, "ModelLoadingWaitTime", "Average", "AWS/SageMaker"),
        (IEndpoint.metric_model_cache_hit, "ModelCacheHit", "Average", "AWS/SageMaker"),
        (IEndpoint.metric_loaded_model_count, "LoadedModelCount", "Average", "/aws/sagemaker/Endpoints"),
        (IEndpoint.metric_time_in_backlog, "TimeInBacklog", "Average", "AWS/SageMaker"),
        (IEndpoint.metric_total_processing_time, "TotalProcessingTime", "Average", "AWS/SageMaker"),
        (IEndpoint.metric_invocation_failures, "InvocationFailures", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_expired_requests, "ExpiredRequests", "Sum", "AWS/SageMaker"),
        (IEndpoint.metric_response_upload_failures, "ResponseUploadFailures", "Sum", "AWS/SageMaker"),
    ],
)
def test_metrics_have_official_names(
    stack: Stack, metric: Callable[..., cloudwatch.Metric], name: str, statistic: str, namespace: str
) -> None:
    made = metric(imported(stack, "champion"))
    assert (made.metric_name, made.statistic, made.namespace) == (name, statistic, namespace)
    assert made.dimensions == DIMENSIONS
    assert made.period.to_seconds() == 60


@pytest.mark.parametrize(
    ("metric", "name", "statistic"),
    [
        (IEndpoint.metric_backlog_size, "ApproximateBacklogSize", "Average"),
        (IEndpoint.metric_backlog_size_per_instance, "ApproximateBacklogSizePerInstance", "Average"),
        (IEndpoint.metric_age_of_oldest_request, "ApproximateAgeOfOldestRequest", "Maximum"),
        (IEndpoint.metric_backlog_without_capacity, "HasBacklogWithoutCapacity", "Maximum"),
    ],
)
def test_metrics_of_the_queue_belong_to_no_variant(
    stack: Stack, metric: Callable[..., cloudwatch.Metric], name: str, statistic: str
) -> None:
    made = metric(imported(stack))
    assert (made.metric_name, made.statistic, made.namespace) == (name, statistic, "AWS/SageMaker")
    assert made.dimensions == {"EndpointName": "live"}


def test_metrics_of_one_container_and_of_one_pool(stack: Stack) -> None:
    endpoint = imported(stack, "champion")
    assert endpoint.metric("ContainerLatency", container="first").dimensions == {**DIMENSIONS, "ContainerName": "first"}
    pool = endpoint.metric_cpu_utilization(instance_type="ml.g6.xlarge")
    assert pool.dimensions == {**DIMENSIONS, "InstanceType": "ml.g6.xlarge"}


def test_overhead_latency_is_an_invocation_metric(stack: Stack) -> None:
    made = imported(stack, "champion").metric_overhead_latency()
    assert (made.metric_name, made.statistic, made.namespace) == ("OverheadLatency", "Average", "AWS/SageMaker")


@pytest.mark.parametrize("metric", [IEndpoint.metric_invocations, IEndpoint.metric_model_latency])
def test_metrics_take_further_options(stack: Stack, metric: Callable[..., cloudwatch.Metric]) -> None:
    made = metric(
        imported(stack, "champion"), variant="champion", statistic="Maximum", period=Duration.minutes(5), label="mine"
    )
    assert (made.statistic, made.period.to_seconds(), made.label) == ("Maximum", 300, "mine")


def test_any_metric_by_name(stack: Stack) -> None:
    endpoint = imported(stack, "champion")
    assert endpoint.metric("GPUUtilization").namespace == "/aws/sagemaker/Endpoints"
    assert endpoint.metric("InvocationModelErrors").namespace == "AWS/SageMaker"


def test_names_one_of_several_variants(stack: Stack) -> None:
    endpoint = imported(stack, "champion", "challenger")
    assert endpoint.metric("Invocations", variant="challenger").dimensions == {
        "EndpointName": "live",
        "VariantName": "challenger",
    }
    with pytest.raises(ValueError, match=r"variant must be one of .*\(champion, challenger\), got None"):
        endpoint.metric("Invocations")
    with pytest.raises(ValueError, match=r"variant must be one of .*\(champion, challenger\), got 'other'"):
        endpoint.metric("Invocations", variant="other")


def test_unknown_variants_can_be_named(stack: Stack) -> None:
    endpoint = imported(stack)
    assert endpoint.one_variant("anything") == "anything"
    with pytest.raises(ValueError, match=r"variant must be one of .*\(unknown\), got None"):
        endpoint.one_variant(None)


def test_the_name_may_be_known_only_at_deployment(stack: Stack) -> None:
    name = CfnParameter(stack, "Name").value_as_string
    endpoint = Endpoint.from_endpoint_name(stack, "Imported", name, variant_names=["champion"])
    metric = endpoint.metric_invocations()
    assert stack.resolve(metric.dimensions) == {"EndpointName": {"Ref": "Name"}, "VariantName": "champion"}
    assert stack.resolve(endpoint.endpoint_arn)["Fn::Join"][1][-1] == {"Ref": "Name"}
