"""What every endpoint offers, owned or imported: its names, grants and metrics."""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam

from ml_constructs._checks import check_given, check_offers, check_type

# https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
INVOCATION_NAMESPACE: Final = "AWS/SageMaker"
INSTANCE_NAMESPACE: Final = "/aws/sagemaker/Endpoints"

_INSTANCE_METRICS: Final = frozenset(
    {
        "CPUReservation",
        "CPUUtilization",
        "CPUUtilizationNormalized",
        "DiskUtilization",
        "GPUMemoryUtilization",
        "GPUMemoryUtilizationNormalized",
        "GPUReservation",
        "GPUUtilization",
        "GPUUtilizationNormalized",
        "MemoryReservation",
        "MemoryUtilization",
    }
)


class IEndpoint:
    """A SageMaker endpoint, owned or imported.

    A plain class rather than a `Protocol`, because a jsii construct cannot take the protocol's metaclass as well.
    """

    endpoint_name: str
    endpoint_arn: str
    variant_names: tuple[str, ...]

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` invoke this endpoint, with or without a streamed response, and no other.

        The action covers InvokeEndpoint and InvokeEndpointWithResponseStream:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
        """
        return self._grant(grantee, "sagemaker:InvokeEndpoint")

    def grant_describe(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the state of this endpoint."""
        return self._grant(grantee, "sagemaker:DescribeEndpoint")

    def _grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        check_given(grantee=grantee)
        check_offers("grant_principal", "a principal", grantee=grantee)
        return iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[self.endpoint_arn])

    def metric(
        self,
        metric_name: str,
        *,
        variant: str | None = None,
        statistic: str = "Average",
        period: Duration | None = None,
        **options: Any,  # noqa: ANN401 - the remaining arguments of cloudwatch.Metric
    ) -> cloudwatch.Metric:
        """A metric of one variant, under its official name, in the namespace SageMaker publishes it to.

        Args:
            metric_name: The name in CloudWatch, e.g. `Invocations`.
            variant: The variant. Default: the only one.
            statistic: The statistic. Default: Average.
            period: The period. Default: 1 minute, the frequency at which SageMaker publishes.
            options: Further arguments of `cloudwatch.Metric`.

        Raises:
            ValueError: the endpoint has no such variant, or several and none is named.
        """
        check_type(str, metric_name=metric_name, statistic=statistic)
        check_type((Duration, NoneType), period=period)
        return cloudwatch.Metric(
            namespace=INSTANCE_NAMESPACE if metric_name in _INSTANCE_METRICS else INVOCATION_NAMESPACE,
            metric_name=metric_name,
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": self.one_variant(variant)},
            statistic=statistic,
            period=_minute() if period is None else period,
            **options,
        )

    def one_variant(self, variant: str | None) -> str:
        """The named variant, or the only one.

        Raises:
            ValueError: the endpoint has no such variant, or several and none is named.
        """
        check_type((str, NoneType), variant=variant)
        if variant is None and len(self.variant_names) == 1:
            return self.variant_names[0]
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


@cache
def _minute() -> Duration:
    """The default period, made on first use: an import must not start the jsii kernel's work."""
    return Duration.minutes(1)
