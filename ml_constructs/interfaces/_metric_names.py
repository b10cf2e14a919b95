"""Where SageMaker publishes which metric of an endpoint, by which dimensions.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
"""

from __future__ import annotations

from typing import Final

INVOCATION_NAMESPACE: Final = "AWS/SageMaker"
INSTANCE_NAMESPACE: Final = "/aws/sagemaker/Endpoints"

INSTANCE_METRICS: Final = frozenset(
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
        "LoadedModelCount",
        "MemoryReservation",
        "MemoryUtilization",
    }
)
# Of the queue that all instances share, and so without a variant.
QUEUE_METRICS: Final = frozenset(
    {
        "ApproximateAgeOfOldestRequest",
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
        "HasBacklogWithoutCapacity",
    }
)
