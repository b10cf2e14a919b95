from __future__ import annotations

from typing import Any

import pytest

from tests.local_aws.demo.test_observation import Service
from tests.local_aws.demo.tracking import Tracking

PLACE = {
    "PolicyName": "p",
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/v",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "PolicyType": "TargetTrackingScaling",
}
CONFIGURATION = "TargetTrackingScalingPolicyConfiguration"
INVOCATIONS: dict[str, Any] = {
    "TargetValue": 1200.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleInCooldown": 300,
}


def test_changes_the_target_and_nothing_else() -> None:
    cpu = PLACE | {"PolicyName": "cpu", CONFIGURATION: {"TargetValue": 140.0, "CustomizedMetricSpecification": {}}}
    policies = [cpu, PLACE | {CONFIGURATION: INVOCATIONS, "PolicyARN": "arn", "Alarms": []}]
    service = Service(describe_scaling_policies={"ScalingPolicies": policies}, put_scaling_policy={})
    tracking = Tracking(lambda _name: service, "e", "v")
    assert tracking.target == 1200.0
    tracking.retarget(4.5)
    assert service.asked == [
        ("describe_scaling_policies", {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/v"}),
        ("put_scaling_policy", PLACE | {CONFIGURATION: INVOCATIONS | {"TargetValue": 4.5}}),
    ]
    assert tracking.target == 1200.0  # what the stack says, to return to


def test_says_which_variant_has_no_such_policy() -> None:
    service = Service(describe_scaling_policies={"ScalingPolicies": []})
    with pytest.raises(LookupError, match="endpoint/e/variant/v has no policy"):
        Tracking(lambda _name: service, "e", "v")
