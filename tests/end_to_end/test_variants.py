"""Variants come and go on a live endpoint, scaled ones too, and a grant goes, in the order of the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # ships no types

from tests.end_to_end.deployment import Deployment, weights
from tests.end_to_end.light import STACK, Variant, synthesise
from tests.end_to_end.traffic import invoking, traffic

GOOD: Final = {"instances": [[1, 2, 3]]}
CHAMPION: Final = Variant(name="champion", weight=90)
SCALED: Final = Variant(name="challenger", weight=10, is_scaled=True)
UNSCALED: Final = Variant(name="challenger", weight=10)
DARK: Final = Variant(name="dark", weight=0)


@pytest.fixture(scope="module")
def stack(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment.deploy(STACK, synthesise(tmp_path_factory.mktemp("first"), CHAMPION, SCALED))
    return deployment


@pytest.fixture
def before(stack: Deployment) -> dict[str, Any]:
    return stack.endpoint()


def scaled(stack: Deployment) -> list[str]:
    """The variants that Application Auto Scaling looks after."""
    service = stack.client("application-autoscaling")
    targets = service.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return [target["ResourceId"].rpartition("/")[2] for target in targets]


def call_function(stack: Deployment) -> tuple[int, Any]:
    """The function's answer to a request."""
    event = {"body": json.dumps(GOOD), "isBase64Encoded": False, "headers": {"content-type": "application/json"}}
    (arn,) = (value for name, value in stack.outputs[STACK].items() if name == "Function")
    answer = stack.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read())
    return payload["statusCode"], json.loads(payload["body"])


def deploy_under_traffic(stack: Deployment, endpoint: str, assembly: Path) -> None:
    """Deploy, and see that no request fails."""
    with traffic(*[invoking(stack, endpoint, GOOD)] * 2) as outcomes:
        stack.deploy(STACK, assembly)
    assert set(outcomes) == {"answered"}


def test_a_dark_variant_is_added(stack: Deployment, before: dict[str, Any], tmp_path: Path) -> None:
    deploy_under_traffic(stack, before["EndpointName"], synthesise(tmp_path, CHAMPION, SCALED, DARK))
    after = stack.endpoint()
    assert after["CreationTime"] == before["CreationTime"]
    assert weights(after) == {"champion": 90.0, "challenger": 10.0, "dark": 0.0}
    assert len(stack.models()) == 3
    assert "dark" not in {stack.invoke(after["EndpointName"], GOOD)[0] for _ in range(50)}
    assert stack.invoke(after["EndpointName"], GOOD, TargetVariant="dark")[0] == "dark"


def test_a_scaled_variant_is_scaled_no_more(stack: Deployment, before: dict[str, Any], tmp_path: Path) -> None:
    assert scaled(stack) == ["challenger"]
    stack.deploy(STACK, synthesise(tmp_path, CHAMPION, UNSCALED, DARK))
    assert scaled(stack) == []
    assert weights(stack.endpoint()) == weights(before)


def test_then_it_is_removed_with_the_dark_one(stack: Deployment, before: dict[str, Any], tmp_path: Path) -> None:
    deploy_under_traffic(stack, before["EndpointName"], synthesise(tmp_path, CHAMPION))
    after = stack.endpoint()
    assert weights(after) == {"champion": 90.0}
    assert after["CreationTime"] == before["CreationTime"]
    assert len(stack.models()) == 1
    with pytest.raises(ClientError, match="challenger"):
        stack.invoke(after["EndpointName"], GOOD, TargetVariant="challenger")


def test_without_its_grant_the_function_is_refused(stack: Deployment, before: dict[str, Any], tmp_path: Path) -> None:
    assert call_function(stack) == (200, {"version": 1, "sum": 6})
    stack.deploy(STACK, synthesise(tmp_path, CHAMPION, is_granted=False))
    status, problem = call_function(stack)
    assert status == 500
    assert problem["detail"] == "The service may not call its endpoint."
    assert stack.invoke(before["EndpointName"], GOOD)[0] == "champion"  # the endpoint itself is well
