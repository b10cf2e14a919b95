"""Every update that the guide to updates answers, as the two templates between which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from aws_cdk import Duration

from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.rollback import RollbackThresholds
from tests.constructs.updates.setups import Served, Serving, Sharing

CHAMPION: Final = Served(name="champion", weight=9)
CHALLENGER: Final = Served(name="challenger")
LARGER: Final = "ml.m5.xlarge"


def one(**changes: object) -> Serving:
    """An endpoint with one variant."""
    return Serving(variants=(replace(CHAMPION, **changes),))  # type: ignore[arg-type] # fields of Served


def two(challenger: Served = CHALLENGER, **changes: object) -> Serving:
    """An A/B test."""
    return Serving(variants=(replace(CHAMPION, **changes), challenger))  # type: ignore[arg-type] # fields of Served


ONE: Final = one()
TWO: Final = two()
CALLED: Final = replace(ONE, around=frozenset({"caller"}))
NEAR: Final = replace(ONE, around=frozenset({"network"}))
KEYED: Final = replace(ONE, sampling=10, around=frozenset({"keys"}))
SHARED: Final = Sharing()
SCALED: Final = replace(CHALLENGER, scaled=True)

Pair = tuple[Serving, Serving] | tuple[Sharing, Sharing]


def slowly() -> Deployment:
    """Another policy than the default."""
    return Deployment.linear(wait=Duration.minutes(10))


def strictly() -> Deployment:
    """The default policy with another threshold."""
    return Deployment.canary(rollback=RollbackThresholds(error_percent=5))


MATRIX: Final[Mapping[str, Pair]] = {
    "Weights": (TWO, two(weight=5)),
    "Model data": (ONE, one(data="v2")),
    "Image": (ONE, one(image="3.2-0")),
    "Environment of a container": (ONE, one(environment="b")),
    "Number of instances": (ONE, one(instance_count=3)),
    "Number of instances, scaled": (one(scaled=True), one(scaled=True, instance_count=3)),
    "Instance type": (ONE, one(instance_type=LARGER)),
    "Instance type, scaled": (one(scaled=True), one(scaled=True, instance_type=LARGER)),
    "Variant added: an A/B test begins": (ONE, TWO),
    "Variant removed: an A/B test ends": (TWO, ONE),
    "Scaled variant added": (ONE, two(SCALED)),
    "Scaled variant removed": (two(SCALED), ONE),
    "Variant renamed": (ONE, one(name="winner")),
    "Variant renamed, scaled": (one(scaled=True), one(scaled=True, name="winner")),
    "Endpoint renamed": (CALLED, replace(CALLED, name="other")),
    "Construct moved, name given": (ONE, replace(ONE, construct_id="Moved")),
    "Construct moved, name derived": (replace(ONE, name=None), replace(ONE, name=None, construct_id="Moved")),
    "Synchronous to asynchronous": (ONE, replace(ONE, asynchronous=True)),
    "Asynchronous to synchronous": (replace(ONE, asynchronous=True), ONE),
    "Instances to serverless": (ONE, one(serverless=True)),
    "Serverless to instances": (one(serverless=True), ONE),
    "Shadow variant added": (ONE, replace(ONE, shadow=CHALLENGER)),
    "Shadow variant removed": (replace(ONE, shadow=CHALLENGER), ONE),
    "Into a network": (NEAR, replace(NEAR, network=True)),
    "Out of a network": (replace(NEAR, network=True), NEAR),
    "Encryption key": (KEYED, replace(KEYED, key="Other")),
    "Capture on": (ONE, replace(ONE, sampling=10)),
    "Capture off": (replace(ONE, sampling=10), ONE),
    "Sampling": (replace(ONE, sampling=10), replace(ONE, sampling=20)),
    "Auto scaling added": (ONE, one(scaled=True)),
    "Auto scaling removed": (one(scaled=True), ONE),
    "Range of auto scaling": (one(scaled=True), replace(one(scaled=True), most=8)),
    "Deployment policy": (ONE, replace(ONE, deployment=slowly())),
    "Rollback thresholds": (ONE, replace(ONE, deployment=strictly())),
    "Component added": (replace(SHARED, present=False), SHARED),
    "Component removed": (SHARED, replace(SHARED, present=False)),
    "Copies of a component": (SHARED, replace(SHARED, copies=3)),
    "Model data of a component": (SHARED, replace(SHARED, data="v2")),
    "Memory of a component": (SHARED, replace(SHARED, memory=2048)),
    "Component on another endpoint, name derived": (SHARED, replace(SHARED, host="two")),
    "Component on another endpoint, name given": (replace(SHARED, name="c"), replace(SHARED, name="c", host="two")),
    "Component renamed": (replace(SHARED, name="c"), replace(SHARED, name="d")),
    "Auto scaling of a component added": (SHARED, replace(SHARED, scaled=True)),
    "Auto scaling of a component removed": (replace(SHARED, scaled=True), SHARED),
    "Instance type under components": (SHARED, replace(SHARED, instance_type=LARGER)),
}
