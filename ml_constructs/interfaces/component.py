"""What every inference component offers, owned or imported: its names, grants and metrics."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam

from ml_constructs._checks import check_grantee, check_type
from ml_constructs.interfaces._metric_names import INVOCATION_NAMESPACE
from ml_constructs.interfaces.endpoint import IEndpoint

# https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
COMPONENT_NAMESPACE: Final = "/aws/sagemaker/InferenceComponents"
COPY_METRICS: Final = frozenset(
    {
        "CPUUtilizationNormalized",
        "GPUMemoryUtilizationNormalized",
        "GPUUtilizationNormalized",
        "MemoryUtilizationNormalized",
    }
)


class IInferenceComponent:
    """An inference component, owned or imported.

    A plain class rather than a `Protocol`, because a jsii construct cannot take the protocol's metaclass as well.
    """

    component_name: str
    component_arn: str
    endpoint: IEndpoint
    """The endpoint that hosts it, to which requests go."""

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` invoke this component, with or without a streamed response, and no other of its endpoint.

        A request names the endpoint and the component, and IAM asks for both:
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
        """
        return self._grant(grantee, "sagemaker:InvokeEndpoint", self.endpoint.endpoint_arn, self.component_arn)

    def grant_describe(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the state of this component."""
        return self._grant(grantee, "sagemaker:DescribeInferenceComponent", self.component_arn)

    def grant_update_copies(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` change the number of copies, without a deployment.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateInferenceComponentRuntimeConfig.html
        """
        return self._grant(grantee, "sagemaker:UpdateInferenceComponentRuntimeConfig", self.component_arn)

    def _grant(self, grantee: iam.IGrantable, action: str, *resource_arns: str) -> iam.Grant:
        check_grantee(grantee)
        return iam.Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=list(resource_arns))

    def metric(
        self,
        metric_name: str,
        *,
        statistic: str = "Average",
        period: Duration | None = None,
        **options: Any,  # noqa: ANN401 - the remaining arguments of cloudwatch.Metric
    ) -> cloudwatch.Metric:
        """A metric of this component, under its official name, in the namespace SageMaker publishes it to.

        Args:
            metric_name: The name in CloudWatch, e.g. `Invocations`.
            statistic: The statistic. Default: Average.
            period: The period. Default: 1 minute, the frequency at which SageMaker publishes.
            options: Further arguments of `cloudwatch.Metric`.
        """
        check_type(str, metric_name=metric_name, statistic=statistic)
        check_type((Duration, NoneType), period=period)
        return cloudwatch.Metric(
            namespace=COMPONENT_NAMESPACE if metric_name in COPY_METRICS else INVOCATION_NAMESPACE,
            metric_name=metric_name,
            dimensions_map={"InferenceComponentName": self.component_name},
            statistic=statistic,
            period=Duration.minutes(1) if period is None else period,
            **options,
        )

    def metric_invocations(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests sent to the component. Statistic: Sum."""
        return self.metric("Invocations", **{"statistic": "Sum", **options})

    def metric_invocations_per_copy(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests per copy of the component. Statistic: Sum."""
        return self.metric("InvocationsPerCopy", **{"statistic": "Sum", **options})

    def metric_concurrent_requests_per_copy(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests in flight per copy, every 10 seconds. Statistic: Maximum."""
        return self.metric("ConcurrentRequestsPerCopy", **{"statistic": "Maximum", **options})

    def metric_no_capacity_failures(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests that failed because there was no copy, e.g. after scaling to zero. Statistic: Sum."""
        return self.metric("NoCapacityInvocationFailures", **{"statistic": "Sum", **options})

    def metric_invocation_4xx_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests the model answered with 4XX. Statistic: Sum; Average is the share of all requests."""
        return self.metric("Invocation4XXErrors", **{"statistic": "Sum", **options})

    def metric_invocation_5xx_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests the model answered with 5XX. Statistic: Sum; Average is the share of all requests."""
        return self.metric("Invocation5XXErrors", **{"statistic": "Sum", **options})

    def metric_invocation_model_errors(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Requests without a 2XX answer: statuses, broken sockets, timeouts. Statistic: Sum; Average is the share."""
        return self.metric("InvocationModelErrors", **{"statistic": "Sum", **options})

    def metric_model_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time the model takes to answer, in microseconds. Statistic: p99."""
        return self.metric("ModelLatency", **{"statistic": "p99", **options})

    def metric_overhead_latency(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Time SageMaker adds to the model's, in microseconds. Statistic: Average; AWS documents no percentiles."""
        return self.metric("OverheadLatency", **options)

    def metric_cpu_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """CPU that a copy uses, in percent of what it reserves, or else of its limit. Statistic: Average."""
        return self.metric("CPUUtilizationNormalized", **options)

    def metric_memory_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """Memory that a copy uses, in percent of what it reserves. Statistic: Average."""
        return self.metric("MemoryUtilizationNormalized", **options)

    def metric_gpu_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """GPU that a copy uses, in percent of what it reserves, or else of its limit. Statistic: Average."""
        return self.metric("GPUUtilizationNormalized", **options)

    def metric_gpu_memory_utilization(self, **options: Any) -> cloudwatch.Metric:  # noqa: ANN401
        """GPU memory that a copy uses, in percent. Statistic: Average."""
        return self.metric("GPUMemoryUtilizationNormalized", **options)
