"""Amazon resource names of SageMaker."""

from __future__ import annotations

from tests.local_aws import seams


def partition(region: str) -> str:
    """The partition that a region is in."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(kind: str, name: str, *, account: str | None = None, region: str | None = None) -> str:
    """The ARN of a model, endpoint-config or endpoint; SageMaker writes the name in lower case."""
    place = seams.region() if region is None else region
    owner = seams.account() if account is None else account
    return f"arn:{partition(place)}:sagemaker:{place}:{owner}:{kind}/{name.lower()}"
