"""What one deployment cannot do, several can: each step is accepted, and can be taken back if something else fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.observability.alarms import EndpointAlarms
from ml_constructs.observability.dashboard import EndpointDashboard
from tests.constructs.builders import fresh, strings, synthesised, variant
from tests.constructs.updates.matrix import CHALLENGER, LARGER, MATRIX, ONE, TWO, one, two
from tests.constructs.updates.plan import Plan, Step, Template, plan
from tests.constructs.updates.refusals import lost_exports, refusals, taken
from tests.constructs.updates.setups import Served, Serving, Sharing

ENDPOINT: Final = "SageMaker::Endpoint"
NEWCOMER: Final = replace(CHALLENGER, instance_type=LARGER)
PATHS: Final[dict[str, Sequence[Serving]]] = {
    "another instance type for a scaled variant": [
        one(scaled=True),
        ONE,
        one(instance_type=LARGER),
        one(instance_type=LARGER, scaled=True),
    ],
    "another instance type, without a moment at which nothing scales": [
        one(scaled=True),
        two(NEWCOMER, scaled=True),
        two(replace(NEWCOMER, scaled=True), scaled=True),
        two(replace(NEWCOMER, scaled=True), weight=0),
        Serving(variants=(replace(NEWCOMER, scaled=True),)),
    ],
    "a scaled variant goes": [two(replace(CHALLENGER, scaled=True)), TWO, ONE],
    "a scaled variant comes": [ONE, TWO, two(replace(CHALLENGER, scaled=True))],
    "a variant gets another name": [ONE, TWO, Serving(variants=(CHALLENGER,))],
}


def planned(before: Serving | Sharing, after: Serving | Sharing) -> Plan:
    return plan(before.template(), after.template())


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_each_step_of_a_path_is_accepted_and_can_be_taken_back(path: Sequence[Serving]) -> None:
    templates = [setup.template() for setup in path]
    for before, after in pairwise(templates):
        assert refusals(before, after) == refusals(after, before) == set()
        assert taken(plan(before, after)) == set()


def test_each_path_is_needed() -> None:
    """All at once is refused, or cannot be taken back."""
    for path in PATHS.values():
        first, last = path[0].template(), path[-1].template()
        assert refusals(first, last) | refusals(last, first)


def test_two_deployments_change_the_type_but_the_second_cannot_be_taken_back() -> None:
    without, wanted = ONE.template(), one(instance_type=LARGER, scaled=True).template()
    assert refusals(without, wanted) == set()
    assert refusals(wanted, without)


# The order of one update


def test_a_target_goes_after_its_endpoint_is_updated_and_comes_after_it() -> None:
    gone = planned(*MATRIX["Scaled variant removed"])
    (endpoint,) = gone.ids("updated", ENDPOINT)
    (target,) = gone.ids("deleted", "ApplicationAutoScaling::ScalableTarget")
    (policy,) = gone.ids("deleted", "ApplicationAutoScaling::ScalingPolicy")
    assert gone.surely(Step("update", endpoint), Step("delete", target))
    assert gone.surely(Step("delete", policy), Step("delete", target))
    come = planned(*MATRIX["Scaled variant added"])
    (target,) = come.ids("created", "ApplicationAutoScaling::ScalableTarget")
    (policy,) = come.ids("created", "ApplicationAutoScaling::ScalingPolicy")
    assert come.surely(Step("update", endpoint), Step("create", target))
    assert come.surely(Step("create", target), Step("create", policy))  # and if that fails, the target is there


def test_an_added_variant_has_its_alarms_and_rights_before_it_starts() -> None:
    found = planned(ONE, TWO)
    (endpoint,) = found.ids("updated", ENDPOINT)
    for key in found.ids("created"):
        assert found.surely(Step("create", key), Step("update", endpoint)), key


@pytest.mark.parametrize("name", ["Model data", "Image", "Variant removed: an A/B test ends", "Shadow variant removed"])
def test_what_the_old_instances_need_outlives_them(name: str) -> None:
    found = planned(*MATRIX[name])
    (endpoint,) = found.ids("updated", ENDPOINT)
    going = [step for step in found.steps if step.what == "delete"]
    assert going
    for step in going:
        assert found.surely(Step("update", endpoint), step)


@pytest.mark.parametrize("name", ["Endpoint renamed", "Encryption key", "Capture off"])
def test_a_role_loses_rights_before_the_endpoint_moves(name: str) -> None:
    """Those on another log group, key or bucket are an update in place: the old instances lose the former ones."""
    found = planned(*MATRIX[name])
    (policy,) = (key for key in found.ids("updated", "IAM::ManagedPolicy") if key.startswith("Endpoint"))
    (endpoint,) = [*found.ids("updated", ENDPOINT), *found.ids("replaced", ENDPOINT)]
    (step,) = (step for step in found.steps if step.id == endpoint and step.what != "delete")
    assert found.surely(Step("update", policy), step)


def test_the_log_group_of_a_former_name_stays_and_bars_the_way_back() -> None:
    found = planned(*MATRIX["Endpoint renamed"])
    (group,) = found.ids("replaced", "Logs::LogGroup")
    assert Step("create", group) in found.steps
    assert Step("delete", group) not in found.steps


def test_a_key_stops_admitting_the_logs_that_it_has_encrypted() -> None:
    """Of a log group that moves to another key, and of one that stays when its construct has left the stack."""
    for name, kept in (("Encryption key", "Key961B73FD"), ("Component removed", "Key961B73FD")):
        found = planned(*MATRIX[name])
        assert kept in found.ids("updated", "KMS::Key")
        before, after = (str(template["Resources"][kept]["Properties"]) for template in (found.before, found.after))
        assert "logs." in before
        assert "logs." not in after


def test_scaling_that_comes_or_goes_updates_the_endpoint_under_one_configuration() -> None:
    for name in ("Auto scaling added", "Auto scaling removed"):
        found = planned(*MATRIX[name])
        (endpoint,) = found.ids("updated", ENDPOINT)
        assert found.changed(endpoint) == {"RetainAllVariantProperties", "ExcludeRetainedVariantProperties"}


def test_a_component_on_another_endpoint_is_another_component_with_a_target_of_its_own() -> None:
    before = Sharing(scaled=True)
    found = planned(before, replace(before, host="two"))
    (new,) = found.ids("created", "SageMaker::InferenceComponent")
    (old,) = found.ids("deleted", "SageMaker::InferenceComponent")
    (target,) = found.ids("replaced", "ApplicationAutoScaling::ScalableTarget")
    assert taken(found) == set()
    assert found.surely(Step("create", new), Step("create", target))
    assert found.surely(Step("delete", target), Step("delete", old))


def test_a_component_begins_with_its_copies_again() -> None:
    """Nothing retains what scaling has reached: the number is part of what each update sends."""
    before = Sharing(scaled=True)
    found = planned(before, replace(before, data="v2"))
    (component,) = found.ids("updated", "SageMaker::InferenceComponent")
    assert found.after["Resources"][component]["Properties"]["RuntimeConfig"] == {"CopyCount": 2}


# Callers


def calling(*endpoints: str, called: str, handover: bool = False, apart: bool = False) -> Template:
    """Endpoints of one model, and a function that calls one of them, and during a handover may call all."""
    app, stack = fresh()
    key = EncryptionKey(stack, "Key")
    model = Served().model(stack)
    made = {
        name: Endpoint(
            stack,
            f"Endpoint-{name}" if apart else "Endpoint",
            variants=[variant(model)],
            encryption_key=key,
            endpoint_name=name,
        )
        for name in endpoints
    }
    front_end = FunctionFrontEnd(stack, "Caller", endpoint=made[called], encryption_key=key)
    if handover:
        policy = iam.ManagedPolicy(stack, "Handover", roles=[front_end.role])
        for endpoint in made.values():
            endpoint.grant_invoke(policy)
    app.synth()
    return synthesised(stack)


def may_call(template: Template, *, without: Plan | None = None) -> set[str]:
    """The endpoints that the function's role may call, by policies to which nothing happens in the given plan."""
    touched = {} if without is None else without.actions
    policies = [
        each
        for key, each in template["Resources"].items()
        if each["Type"] == "AWS::IAM::ManagedPolicy" and key.startswith(("Caller", "Handover")) and key not in touched
    ]
    return {part.rpartition("/")[2] for part in strings(policies) if ":endpoint/" in part}


def test_a_renamed_endpoint_loses_its_callers_until_it_is_made() -> None:
    """Nothing lets the function and its rights wait for the endpoint."""
    found = plan(calling("live", called="live"), calling("other", called="other"))
    (endpoint,) = found.ids("replaced", ENDPOINT)
    for kind in ("Lambda::Function", "Lambda::Alias", "IAM::ManagedPolicy"):
        assert found.ids("updated", kind)
        for key in found.ids("updated", kind):
            assert not found.surely(Step("create", endpoint), Step("update", key)), key


def test_a_second_endpoint_takes_the_callers_over() -> None:
    steps = [
        calling("live", called="live", apart=True),
        calling("live", "other", called="live", handover=True, apart=True),
        calling("live", "other", called="other", handover=True, apart=True),
        calling("other", called="other", apart=True),
    ]
    come, moved, gone = (plan(before, after) for before, after in pairwise(steps))
    assert set(come.actions.values()) == {"created"}
    assert all(key.startswith("Caller") for key in moved.actions)
    assert may_call(moved.after, without=moved) == {"live", "other"}  # while the function moves
    assert set(gone.actions.values()) == {"deleted", "kept"}
    assert len(gone.ids("deleted", ENDPOINT)) == 1
    assert [may_call(template) for template in steps] == [{"live"}, {"live", "other"}, {"live", "other"}, {"other"}]
    for found in (come, moved, gone):
        assert refusals(found.before, found.after) == refusals(found.after, found.before) == taken(found) == set()


# Other stacks


def watched_elsewhere(*watchers: str, name: str = "live", variants: int = 2) -> Template:
    """An endpoint's stack, of which another stack's constructs import what they need."""
    app, stack = fresh()
    other = Stack(app, "Other")
    served = [variant(name=each) for each in ("champion", "challenger")[:variants]]
    key = EncryptionKey(stack, "Key")
    endpoint = Endpoint(stack, "Endpoint", variants=served, endpoint_name=name, encryption_key=key)
    if "caller" in watchers:
        FunctionFrontEnd(other, "Caller", endpoint=endpoint, encryption_key=key)
    if "alarms" in watchers:
        EndpointAlarms(other, "Alarms", endpoint=endpoint, encryption_key=key)
    if "dashboard" in watchers:
        EndpointDashboard(other, "Dashboard", endpoints=[endpoint])
    app.synth()
    return synthesised(stack)


CHANGES: Final[list[dict[str, Any]]] = [{"name": "other"}, {"variants": 1}]


@pytest.mark.parametrize("change", CHANGES, ids=["renamed", "variant removed"])
def test_what_watches_from_another_stack_holds_nothing_that_changes(change: dict[str, Any]) -> None:
    watchers = ("caller", "alarms", "dashboard")
    before = watched_elsewhere(*watchers)
    assert before["Outputs"]
    assert lost_exports(plan(before, watched_elsewhere(*watchers, **change))) == set()
