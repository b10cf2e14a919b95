"""What every endpoint offers, owned or imported: its names, grants and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from ml_constructs._checks import check_each, check_grantee, check_length, check_type
from ml_constructs.endpoint_config.asynchronous import AsyncStorage
from ml_constructs.interfaces._metric_names import (
    INSTANCE_METRICS,
    INSTANCE_NAMESPACE,
    INVOCATION_NAMESPACE,
    QUEUE_METRICS,
)
from ml_constructs.permissions import acknowledge_wildcards

__all__ = ["INSTANCE_NAMESPACE", "INVOCATION_NAMESPACE", "IEndpoint"]


class IEndpoint:
    """A SageMaker endpoint, owned or imported.

    A plain class rather than a `Protocol`, because a jsii construct cannot take the protocol's metaclass as well.
    """

    endpoint_name: str
    endpoint_arn: str
    variant_names: tuple[str, ...]
    """The variants that answer; a shadow variant does not."""
    shadow_name: str | None = None
    """The variant that is sent copies of requests, if there is one."""
    serverless: bool = False
    """Whether there are no instances, and so no metrics of any."""
    asynchronous: bool = False
    """Whether requests wait in a queue; then `InvokeEndpoint` is refused."""
    async_storage: AsyncStorage | None = None
    """Where requests, answers and failures of an asynchronous endpoint are, as far as known."""
    _published: Mapping[str, str] = {}  # the account and region of metrics, where they are not the stack's

    def grant_invoke(
        self,
        grantee: iam.IGrantable,
        *,
        target_models: Sequence[str] | None = None,
        target_containers: Sequence[str] | None = None,
    ) -> iam.Grant:
        """Let `grantee` invoke this endpoint, with or without a streamed response, and no other.

        The action covers InvokeEndpoint and InvokeEndpointWithResponseStream:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
        IAM has no condition for `TargetVariant`. SageMaker takes the account of an endpoint from its caller's, so a
        grantee of another account must assume a role of the endpoint's.

        Args:
            grantee: Who may invoke.
            target_models: On a multi-model endpoint, the only models to ask for, `*` and `?` are wildcards, e.g.
                `tenant-a/*`. Default: all. https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-security.html
            target_containers: With direct invocation, the hostnames of the only containers to ask, with the same
                wildcards. Default: all. https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-security.html

        Raises:
            ValueError: both are given, or an empty list.
        """
        if target_models is not None and target_containers is not None:
            raise ValueError(f"target_models must not be given beside target_containers, got {target_models!r}")
        conditions = None
        for argument, key, values in (
            ("target_models", "sagemaker:TargetModel", target_models),
            ("target_containers", "sagemaker:TargetContainerHostname", target_containers),
        ):
            if values is not None:
                check_each("text", str, **{argument: values})
                check_length(argument, values, 1, 1000)
                conditions = {"StringLike": {key: list(values)}}
        return self._grant(grantee, "sagemaker:InvokeEndpoint", conditions=conditions)

    def grant_invoke_async(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` put requests of its own, invoke this endpoint asynchronously, and get answers and failures.

        Access to the buckets is granted as far as they are known: see `async_storage`. A grantee that sends others'
        objects needs no more, since the model's role reads them, which must be allowed to.
        """
        grant = self._grant(grantee, "sagemaker:InvokeEndpointAsync")
        if self.async_storage is None:
            return grant
        assert isinstance(self, Construct)  # noqa: S101 - every endpoint is one
        principal = grantee.grant_principal
        for permission in self.async_storage.of_callers(self):
            policy = principal.add_to_principal_policy(permission.statement()).policy_dependable
            if isinstance(policy, Construct):
                acknowledge_wildcards(policy, [permission])
        return grant

    def grant_describe(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the state of this endpoint."""
        return self._grant(grantee, "sagemaker:DescribeEndpoint")

    def grant_update_weights(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` shift traffic between variants, and change their sizes, without a deployment.

        IAM does not tell the two apart. The next deployment sets what the template says, but for the sizes of scaled
        variants.
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
        """
        return self._grant(grantee, "sagemaker:UpdateEndpointWeightsAndCapacities")

    def _grant(
        self, grantee: iam.IGrantable, *actions: str, conditions: Mapping[str, Mapping[str, object]] | None = None
    ) -> iam.Grant:
        check_grantee(grantee)
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=[self.endpoint_arn], conditions=conditions
        )

    def metric(
        self,
        metric_name: str,
        *,
        variant: str | None = None,
        statistic: str = "Average",
        period: Duration | None = None,
        container: str | None = None,
        instance_type: str | None = None,
        **options: Any,  # noqa: ANN401 - the remaining arguments of cloudwatch.Metric
    ) -> cloudwatch.Metric:
        """A metric of one variant, under its official name, in the namespace SageMaker publishes it to.

        Metrics of the queue of an asynchronous endpoint belong to no variant, e.g. `ApproximateBacklogSize`.

        Args:
            metric_name: The name in CloudWatch, e.g. `Invocations`.
            variant: The variant, or the shadow variant. Default: the only one that answers.
            statistic: The statistic. Default: Average.
            period: The period. Default: 1 minute, the frequency at which SageMaker publishes.
            container: The hostname of one container, with direct invocation. Default: all.
            instance_type: One type of the variant's instance pools. Default: all.
            options: Further arguments of `cloudwatch.Metric`.

        Raises:
            ValueError: the endpoint has no such variant, or several and none is named.
        """
        check_type(str, metric_name=metric_name, statistic=statistic)
        check_type((Duration, NoneType), period=period)
        check_type((str, NoneType), container=container, instance_type=instance_type)
        dimensions = {"EndpointName": self.endpoint_name}
        if metric_name not in QUEUE_METRICS:
            dimensions["VariantName"] = self.one_variant(variant)
        if container is not None:
            dimensions["ContainerName"] = container
        if instance_type is not None:
            dimensions["InstanceType"] = instance_type
        return cloudwatch.Metric(
            namespace=INSTANCE_NAMESPACE if metric_name in INSTANCE_METRICS else INVOCATION_NAMESPACE,
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=_minute() if period is None else period,
            **{**self._published, **options},
        )

    def one_variant(self, variant: str | None) -> str:
        """The named variant, or the only one.

        Raises:
            ValueError: the endpoint has no such variant, or several and none is named.
        """
        check_type((str, NoneType), variant=variant)
        if variant is None and len(self.variant_names) == 1:
            return self.variant_names[0]
        if variant is not None and variant == self.shadow_name:
            return variant
        if variant is None or (self.variant_names and variant not in self.variant_names):
            known = ", ".join(self.variant_names) or "unknown"
            raise ValueError(f"variant must be one of the endpoint's variants ({known}), got {variant!r}")
        return variant

    def metric_invocations(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests sent to the variant. Statistic: Sum."""
        return self.metric("Invocations", variant=variant, **{"statistic": "Sum", **options})

    def metric_invocations_per_instance(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests per instance of the variant. Statistic: Sum."""
        return self.metric("InvocationsPerInstance", variant=variant, **{"statistic": "Sum", **options})

    def metric_invocation_4xx_errors(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests the model answered with 4XX. Statistic: Sum; Average is the share of all requests."""
        return self.metric("Invocation4XXErrors", variant=variant, **{"statistic": "Sum", **options})

    def metric_invocation_5xx_errors(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests the model answered with 5XX. Statistic: Sum; Average is the share of all requests."""
        return self.metric("Invocation5XXErrors", variant=variant, **{"statistic": "Sum", **options})

    def metric_model_latency(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time the model takes to answer, in microseconds. Statistic: p99."""
        return self.metric("ModelLatency", variant=variant, **{"statistic": "p99", **options})

    def metric_overhead_latency(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time SageMaker adds to the model's, in microseconds. Statistic: Average; AWS documents no percentiles."""
        return self.metric("OverheadLatency", variant=variant, **options)

    def metric_cpu_utilization(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """CPU use summed over the cores of an instance: 400 percent is all of four. Statistic: Average."""
        return self.metric("CPUUtilization", variant=variant, **options)

    def metric_memory_utilization(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Memory in use, in percent. Statistic: Average."""
        return self.metric("MemoryUtilization", variant=variant, **options)

    def metric_disk_utilization(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Disk in use, in percent. Statistic: Average."""
        return self.metric("DiskUtilization", variant=variant, **options)

    def metric_invocation_model_errors(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests without a 2XX answer: statuses, broken sockets, timeouts. Statistic: Sum; Average is the share."""
        return self.metric("InvocationModelErrors", variant=variant, **{"statistic": "Sum", **options})

    def metric_concurrent_requests(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests in flight, every 10 seconds. Statistic: Maximum."""
        return self.metric("ConcurrentRequestsPerModel", variant=variant, **{"statistic": "Maximum", **options})

    def metric_gpu_utilization(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """GPU use summed over the GPUs of an instance: 400 percent is all of four. Statistic: Average."""
        return self.metric("GPUUtilization", variant=variant, **options)

    def metric_gpu_memory_utilization(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """GPU memory in use, summed over the GPUs of an instance. Statistic: Average."""
        return self.metric("GPUMemoryUtilization", variant=variant, **options)

    def metric_explanations_per_instance(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Records that Clarify explained, per instance. Statistic: Sum."""
        return self.metric("ExplanationsPerInstance", variant=variant, **{"statistic": "Sum", **options})

    def metric_model_setup_time(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Serverless: time to start another container, in microseconds. Statistic: Maximum."""
        return self.metric("ModelSetupTime", variant=variant, **{"statistic": "Maximum", **options})

    def metric_concurrency_utilization(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Serverless: requests at the same time, as a share of the maximum, 1 is all. Statistic: Maximum."""
        return self.metric(
            "ServerlessConcurrentExecutionsUtilization", variant=variant, **{"statistic": "Maximum", **options}
        )

    def metric_provisioned_concurrency_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Serverless: requests at the same time, as a share of the provisioned ones, 1 is all. Statistic: Maximum."""
        return self.metric("ServerlessProvisionedConcurrencyUtilization", **{"statistic": "Maximum", **options})

    def metric_model_loading_wait_time(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Multi-model: time a request waits for its model, in microseconds. Statistic: Average."""
        return self.metric("ModelLoadingWaitTime", variant=variant, **options)

    def metric_model_cache_hit(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Multi-model: the share of requests whose model was loaded already. Statistic: Average; Sum counts them."""
        return self.metric("ModelCacheHit", variant=variant, **options)

    def metric_loaded_model_count(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Multi-model: models loaded on an instance. Statistic: Average; Sum is over all instances."""
        return self.metric("LoadedModelCount", variant=variant, **options)

    def metric_time_in_backlog(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: time in the queue, in microseconds. Statistic: Average."""
        return self.metric("TimeInBacklog", variant=variant, **options)

    def metric_total_processing_time(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: time from request to answer, in milliseconds. Statistic: Average."""
        return self.metric("TotalProcessingTime", variant=variant, **options)

    def metric_invocation_failures(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: requests that failed for any reason. Statistic: Sum."""
        return self.metric("InvocationFailures", variant=variant, **{"statistic": "Sum", **options})

    def metric_expired_requests(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: requests that waited too long in the queue. Statistic: Sum."""
        return self.metric("ExpiredRequests", variant=variant, **{"statistic": "Sum", **options})

    def metric_response_upload_failures(self, *, variant: str | None = None, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: answers that could not be put into the bucket. Statistic: Sum."""
        return self.metric("ResponseUploadFailures", variant=variant, **{"statistic": "Sum", **options})

    def metric_backlog_size(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: requests in the queue or at work. Statistic: Average."""
        return self.metric("ApproximateBacklogSize", **options)

    def metric_backlog_size_per_instance(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: requests in the queue or at work, per instance; none at zero instances. Statistic: Average."""
        return self.metric("ApproximateBacklogSizePerInstance", **options)

    def metric_age_of_oldest_request(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: age of the oldest request in the queue, in seconds. Statistic: Maximum."""
        return self.metric("ApproximateAgeOfOldestRequest", **{"statistic": "Maximum", **options})

    def metric_backlog_without_capacity(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Asynchronous: 1 while requests wait and there is no instance, else 0. Statistic: Maximum."""
        return self.metric("HasBacklogWithoutCapacity", **{"statistic": "Maximum", **options})


@cache
def _minute() -> Duration:
    """The default period, made on first use: an import must not start the jsii kernel's work."""
    return Duration.minutes(1)
