"""What CloudFormation does with scaling between two templates; `Change` compares them by logical id."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.scaling.variant_scaling import VariantScaling
from tests.constructs.builders import fresh, synthesised, variant
from tests.constructs.scaling.test_schedule import DAILY
from tests.constructs.scaling_builders import ALARM, POLICY, TARGET, a_metric

# "Update requires: Replacement", of the pages of ScalableTarget and ScalingPolicy in the CloudFormation guide
CREATE_ONLY = {
    TARGET: {"ResourceId", "ScalableDimension", "ServiceNamespace"},
    POLICY: {"PolicyName", "ScalingTargetId", "ResourceId", "ScalableDimension", "ServiceNamespace"},
    ALARM: {"AlarmName"},
}
Resources = dict[str, dict[str, Any]]


def nothing(_: VariantScaling) -> None: ...


def template(
    name: str = "Name",
    most: int | None = 6,
    instance_type: str = "ml.m5.large",
    policies: Callable[[VariantScaling], object] = nothing,
) -> Resources:
    app, stack = fresh()
    endpoint = Endpoint(stack, "Endpoint", variants=[variant(instance_type=instance_type)], endpoint_name=name)
    if most is not None:
        scaling = endpoint.auto_scale(max_capacity=most)
        assert isinstance(scaling, VariantScaling)
        scaling.on_invocations(600)
        policies(scaling)
    app.synth()
    return dict(synthesised(stack)["Resources"])


def changed(before: Resources, after: Resources) -> dict[str, set[str]]:
    """What differs, by type: names of properties."""
    differences: dict[str, set[str]] = {}
    for key in set(before) & set(after):
        old, new = before[key].get("Properties", {}), after[key].get("Properties", {})
        names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        if names:
            differences.setdefault(before[key]["Type"], set()).update(names)
    return differences


def kinds(resources: Resources, keys: set[str]) -> list[str]:
    return sorted(resources[key]["Type"] for key in keys)


def test_another_range_is_an_update_in_place() -> None:
    before, after = template(), template(most=8)
    assert set(before) == set(after)
    assert changed(before, after) == {TARGET: {"MaxCapacity"}}


def test_schedules_and_suspension_are_updates_in_place() -> None:
    def night(scaling: VariantScaling) -> None:
        scaling.on_schedule("Night", schedule=DAILY, min_capacity=2, max_capacity=2)
        scaling.suspend()

    before, after = template(), template(policies=night)
    assert set(before) == set(after)
    assert changed(before, after) == {TARGET: {"ScheduledActions", "SuspendedState"}}


def test_another_peak_is_an_update_in_place() -> None:
    def by_second(per_instance: float) -> Resources:
        app, stack = fresh()
        endpoint = Endpoint(stack, "Endpoint", variants=[variant()], endpoint_name="Name")
        scaling = endpoint.auto_scale(max_capacity=6)
        assert isinstance(scaling, VariantScaling)
        scaling.on_requests_per_second(per_instance)
        app.synth()
        return dict(synthesised(stack)["Resources"])

    before = template()
    for after in (by_second(10), by_second(20)):
        assert set(before) == set(after)
        assert set(changed(before, after)) <= {POLICY}
        assert not changed(before, after).get(POLICY, set()) & CREATE_ONLY[POLICY]


def test_an_added_policy_touches_nothing_else() -> None:
    before = template()
    after = template(policies=lambda scaling: scaling.on_metric("Custom", metric=a_metric(), target=5))
    assert kinds(after, set(after) - set(before)) == [POLICY]
    assert changed(before, after) == {}


def test_scaling_that_is_removed_goes_after_the_endpoint_is_updated() -> None:
    """CloudFormation deletes only after all updates: the variant stays as it is in this deployment."""
    before, after = template(), template(most=None)
    assert kinds(before, set(before) - set(after)) == [TARGET, POLICY]
    assert changed(before, after) == {
        "AWS::SageMaker::Endpoint": {"RetainAllVariantProperties", "ExcludeRetainedVariantProperties"}
    }


def test_another_instance_type_changes_the_endpoint_under_its_target() -> None:
    """The two-step change of the docs: SageMaker refuses this update, and CloudFormation rolls it back."""
    before, after = template(), template(instance_type="ml.m5.xlarge")
    assert set(before) == set(after)
    assert set(changed(before, after)) == {"AWS::SageMaker::EndpointConfig"}
    steps = [before, template(most=None), template(most=None, instance_type="ml.m5.xlarge"), after]
    for old, new in pairwise(steps):
        scaled = {TARGET} & set(kinds(new, set(old) & set(new)))
        assert not (scaled and "AWS::SageMaker::EndpointConfig" in changed(old, new))


def test_another_name_replaces_everything_that_bears_it() -> None:
    """Each replacement has a name of its own, so that the old ones can still be there."""
    before, after = template(), template("Other")
    assert set(before) == set(after)
    replaced = changed(before, after)
    assert "EndpointName" in replaced["AWS::SageMaker::Endpoint"]
    assert replaced[TARGET] == {"ResourceId"}
    assert replaced[POLICY] == {"PolicyName"}  # and the target it refers to
    assert "AlarmName" in replaced[ALARM]
