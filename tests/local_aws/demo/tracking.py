"""The target that a variant's invocations are scaled to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_NAMESPACE: Final = "sagemaker"
_METRIC: Final = "SageMakerVariantInvocationsPerInstance"
_PLACE: Final = ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension", "PolicyType")
_CONFIGURATION: Final = "TargetTrackingScalingPolicyConfiguration"


class Tracking:
    """The target tracking policy of one variant that looks at its invocations.

    Args:
        client: Makes a boto3 client of a service.
        endpoint: The name of the endpoint.
        variant: The name of the variant.

    Raises:
        LookupError: the variant has no such policy.
    """

    def __init__(self, client: Callable[[str], Any], endpoint: str, variant: str) -> None:
        self._client = client("application-autoscaling")
        resource = f"endpoint/{endpoint}/variant/{variant}"
        for policy in self._client.describe_scaling_policies(ServiceNamespace=_NAMESPACE, ResourceId=resource)[
            "ScalingPolicies"
        ]:
            specification = policy.get(_CONFIGURATION, {}).get("PredefinedMetricSpecification", {})
            if specification.get("PredefinedMetricType") == _METRIC:
                self._policy = policy
                return
        raise LookupError(f"{resource} has no policy that tracks {_METRIC}")

    @property
    def target(self) -> float:
        """The target of the stack: invocations of an instance in a minute."""
        return float(self._policy[_CONFIGURATION]["TargetValue"])

    def retarget(self, value: float) -> None:
        """Put the policy with another target, and everything else as it was."""
        configuration = self._policy[_CONFIGURATION] | {"TargetValue": value}
        place = {name: self._policy[name] for name in _PLACE}
        self._client.put_scaling_policy(**place, **{_CONFIGURATION: configuration})
