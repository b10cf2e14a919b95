"""Application Auto Scaling: scalable targets, scaling policies, scheduled actions and activities.

The instances of SageMaker's variants and the copies of inference components scale; targets of other services are kept
and described without effect.
https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from botocore.session import get_session  # type: ignore[import-untyped]  # ships no types
from botocore.validate import ParamValidator  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams
from tests.local_aws.auto_scaling import components, policies, schedules, variants
from tests.local_aws.auto_scaling.clock import Clock
from tests.local_aws.auto_scaling.engine import Engine
from tests.local_aws.auto_scaling.store import IDENTITY, Action, Message, Place, Store, Target, TargetKey, key_of
from tests.local_aws.cloudformation.client import client
from tests.local_aws.stubs import alarms, json_service
from tests.local_aws.stubs.json_service import ServiceError

NAME: Final = "application-autoscaling"
PREFIX: Final = "AnyScaleFrontendService."
# Per target: https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits.html
MOST_POLICIES: Final = 50
MOST_ACTIONS: Final = 200
_PAGE: Final = 50
_NOT_SUSPENDED: Final = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


class AutoScaling:
    """The operations; what goes on between calls is the engine's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stores: dict[Place, Store] = {}
        self._variants = variants.Variants()
        self.engine = Engine(self._stores, clock, self._variants, self._remove)
        self._model = get_session().get_service_model(NAME)
        self._handle = json_service.handler(self._answer)
        self._operations: dict[str, Callable[[Message], Message]] = {
            "RegisterScalableTarget": self.register_target,
            "DeregisterScalableTarget": self.deregister_target,
            "DescribeScalableTargets": self.describe_targets,
            "PutScalingPolicy": self.put_policy,
            "DeleteScalingPolicy": self.delete_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "PutScheduledAction": self.put_action,
            "DeleteScheduledAction": self.delete_action,
            "DescribeScheduledActions": self.describe_actions,
            "DescribeScalingActivities": self.describe_activities,
        }

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> seams.Reply:
        """Answer a call."""
        return await self._handle(method, path, headers, body, query_params)

    def reset(self) -> None:
        """Forget everything; CloudWatch and SageMaker forget their part."""
        self._stores.clear()
        self._variants.forget()

    def get_state(self) -> None:
        """Nothing is kept across runs."""

    def load_persisted_state(self, data: object) -> None:
        """Nothing is kept across runs."""

    def _answer(self, name: str, body: bytes) -> Message:
        if name not in self._operations:
            raise ServiceError("UnknownOperationException", f"the local cloud does not serve {name} yet")
        request: Message = json.loads(body or b"{}")
        report = ParamValidator().validate(request, self._model.operation_model(name).input_shape)
        if report.has_errors():
            raise _invalid(report.generate_report())
        try:
            return self._operations[name](request)
        except ValueError as error:
            raise _invalid(str(error)) from None

    def _here(self) -> Store:
        return self._stores.setdefault((seams.account(), seams.region()), Store())

    def _target(self, request: Message) -> Target:
        target = self._here().targets.get(key_of(request))
        if target is None:
            raise _not_found("scalable target", request)
        return target

    def register_target(self, request: Message) -> Message:
        """Create a target, or change what the request names of an existing one; then look at its capacity."""
        store, key = self._here(), key_of(request)
        known = store.targets.get(key)
        if known is None and not {"MinCapacity", "MaxCapacity"} <= request.keys():
            raise _invalid("Minimum capacity and maximum capacity must be specified")
        fresh = {
            "CreationTime": self._clock.now(),
            "RoleARN": variants.role_arn(request["ServiceNamespace"]),
            "ScalableTargetARN": _arn(NAME, f"scalable-target/{uuid.uuid4().hex[:32]}"),
        }
        before: Message = fresh if known is None else known.described
        suspended = before.get("SuspendedState", _NOT_SUSPENDED) | request.get("SuspendedState", {})
        given = {name: value for name, value in request.items() if name != "Tags"}
        described: Message = before | given | {"SuspendedState": suspended}
        if described["MinCapacity"] > described["MaxCapacity"]:
            raise _invalid("Maximum capacity cannot be less than minimum capacity")
        target = Target(described) if known is None else known
        if target.variant is not None:
            self._check_variant(target.variant, described)
        elif target.component is not None:
            self._check_component(target.component, described)
        elif request["ServiceNamespace"] == "sagemaker":
            raise _invalid(f"the local cloud does not scale {key[2]} of {key[1]} yet")
        target.described = described
        target.must_settle = True
        store.targets[key] = target
        self.engine.wake()
        return {"ScalableTargetARN": described["ScalableTargetARN"]}

    def _check_variant(self, variant: tuple[str, str], described: Message) -> None:
        """A variant must exist, on instances that may scale, and keep one, unless requests can wait in a queue."""
        if described["MinCapacity"] < 0:
            raise _invalid("Minimum capacity cannot be less than 0")
        try:
            self._variants.read(*variant)
        except (variants.GoneError, variants.RefusedError) as error:
            raise _invalid(str(error)) from None
        except variants.BusyError:
            return
        sagemaker = client("sagemaker")
        config = sagemaker.describe_endpoint(EndpointName=variant[0])["EndpointConfigName"]
        try:
            found = sagemaker.describe_endpoint_config(EndpointConfigName=config)
        except sagemaker.exceptions.ClientError:  # it may be deleted while the endpoint goes on
            return
        # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
        if described["MinCapacity"] < 1 and "AsyncInferenceConfig" not in found:
            raise _invalid("Minimum capacity cannot be less than 1")
        items = found["ProductionVariants"]
        kind = next((item.get("InstanceType", "") for item in items if item["VariantName"] == variant[1]), "")
        # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
        if kind.startswith("ml.t"):
            raise _invalid(f"Automatic scaling is not supported for burstable instances such as {kind}")

    def _check_component(self, name: str, described: Message) -> None:
        """A component must exist; it may scale to zero.

        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
        """
        if described["MinCapacity"] < 0:
            raise _invalid("Minimum capacity cannot be less than 0")
        try:
            components.Components(self._variants).read(name)
        except (variants.GoneError, variants.RefusedError) as error:
            raise _invalid(str(error)) from None
        except variants.BusyError:
            return

    def deregister_target(self, request: Message) -> Message:
        """Forget a target, its policies and its scheduled actions."""
        self._remove(self._here(), self._target(request).key)
        return {}

    def _remove(self, store: Store, key: TargetKey) -> None:
        target = store.targets.pop(key, None)
        for policy in [] if target is None else list(target.policies.values()):
            _delete_alarms(policy)

    def describe_targets(self, request: Message) -> Message:
        """The targets of a namespace, filtered by resource and dimension."""
        wanted = request.get("ResourceIds")
        found = [
            target.described
            for target in self._here().targets.copy().values()
            if _matches(target.described, request, "ServiceNamespace", "ScalableDimension")
            and (wanted is None or target.described["ResourceId"] in wanted)
        ]
        return _page(request, "ScalableTargets", found)

    def put_policy(self, request: Message) -> Message:
        """Create a policy of a registered target, or replace its configuration; target tracking gets its alarms."""
        target, name = self._target(request), request["PolicyName"]
        known = target.policies.get(name, {})
        if not known and len(target.policies) >= MOST_POLICIES:
            raise ServiceError("LimitExceededException", f"A scalable target may have {MOST_POLICIES} policies")
        namespace, resource, _ = target.key
        arn = _arn("autoscaling", f"scalingPolicy:{uuid.uuid4()}:resource/{namespace}/{resource}:policyName/{name}")
        policy = {
            "PolicyARN": arn,
            "CreationTime": self._clock.now(),
            "PolicyType": policies.STEPS,
            "Alarms": [],
            **known,
            **request,
        }
        if known and known["PolicyType"] != policy["PolicyType"]:
            raise _invalid("The type of a scaling policy cannot be changed")
        policies.check(policy)
        if policy["PolicyType"] == policies.TRACKING and target.names is not None:
            policy["Alarms"] = _put_alarms(policies.alarms(policy, policy["Alarms"]))
        target.policies[name] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def delete_policy(self, request: Message) -> Message:
        """Forget a policy, and delete its alarms."""
        target = self._here().targets.get(key_of(request))
        policy = None if target is None else target.policies.pop(request["PolicyName"], None)
        if target is None or policy is None:
            raise _not_found("scaling policy", request, request["PolicyName"])
        target.events.pop(request["PolicyName"], None)
        _delete_alarms(policy)
        return {}

    def describe_policies(self, request: Message) -> Message:
        """The policies of a namespace, filtered by resource, dimension and name, with the alarms that call them."""
        names = request.get("PolicyNames")
        found = [
            policy | {"Alarms": policy["Alarms"] or _alarms_of(policy)}
            for target in self._here().targets.copy().values()
            for policy in target.policies.copy().values()
            if _matches(policy, request, *IDENTITY) and (names is None or policy["PolicyName"] in names)
        ]
        return _page(request, "ScalingPolicies", found)

    def put_action(self, request: Message) -> Message:
        """Create a scheduled action of a registered target, or change what the request names of one."""
        target, name = self._target(request), request["ScheduledActionName"]
        known = target.actions.get(name)
        if known is None and len(target.actions) >= MOST_ACTIONS:
            raise ServiceError("LimitExceededException", f"A scalable target may have {MOST_ACTIONS} scheduled actions")
        namespace, resource, _ = target.key
        identity = f"scheduledAction:{uuid.uuid4()}:resource/{namespace}/{resource}:scheduledActionName/{name}"
        before = {} if known is None else known.described
        kept = {key: value for key, value in before.items() if key not in {"StartTime", "EndTime"}}
        now = self._clock.now()
        described: Message = {"ScheduledActionARN": _arn("autoscaling", identity), "CreationTime": now} | kept | request
        _check_action(described)
        schedule = schedules.parse(
            described["Schedule"],
            zone=described.get("Timezone", "UTC"),
            origin=described["StartTime" if "StartTime" in described else "CreationTime"],
        )
        target.actions[name] = Action(described, schedule, schedules.bounded(schedule, now, described))
        self.engine.wake()
        return {}

    def delete_action(self, request: Message) -> Message:
        """Forget a scheduled action; the bounds that it set stay."""
        name = request["ScheduledActionName"]
        target = self._here().targets.get(key_of(request))
        if target is None or target.actions.pop(name, None) is None:
            raise _not_found("scheduled action", request, name)
        return {}

    def describe_actions(self, request: Message) -> Message:
        """The scheduled actions of a namespace, filtered by resource, dimension and name."""
        names = request.get("ScheduledActionNames")
        found = [
            action.described
            for target in self._here().targets.copy().values()
            for name, action in target.actions.copy().items()
            if _matches(action.described, request, *IDENTITY) and (names is None or name in names)
        ]
        return _page(request, "ScheduledActions", found)

    def describe_activities(self, request: Message) -> Message:
        """What was done, newest first, and, if asked for, what was not and why."""
        is_all = request.get("IncludeNotScaledActivities", False)
        found = [
            dict(activity)
            for activity in self._here().activities.copy()
            if _matches(activity, request, *IDENTITY) and (is_all or "NotScaledReasons" not in activity)
        ]
        return _page(request, "ScalingActivities", found)


def _check_action(described: Message) -> None:
    if "Schedule" not in described:
        raise _invalid("Schedule must be specified")
    bounds = described.get("ScalableTargetAction", {})
    if not bounds:
        raise _invalid("ScalableTargetAction must have MinCapacity, MaxCapacity or both")
    if bounds.get("MinCapacity", 0) > bounds.get("MaxCapacity", float("inf")):
        raise _invalid("Maximum capacity cannot be less than minimum capacity")
    if described.get("StartTime", 0) > described.get("EndTime", float("inf")):
        raise _invalid("The end time must not be before the start time")


def _put_alarms(requests: list[Message]) -> list[Message]:
    for request in requests:
        alarms.check(request)
        client("cloudwatch").put_metric_alarm(**request)
    prefix = f"arn:aws:cloudwatch:{seams.region()}:{seams.account()}:alarm:"
    return [{"AlarmName": item["AlarmName"], "AlarmARN": prefix + item["AlarmName"]} for item in requests]


def _delete_alarms(policy: Message) -> None:
    if policy["Alarms"]:
        client("cloudwatch").delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in policy["Alarms"]])


def _alarms_of(policy: Message) -> list[Message]:
    """The alarms that somebody made to call a step policy."""
    return [
        {"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]}
        for alarm in seams.alarms_of_default_account()
        if policy["PolicyARN"] in (alarm.get("AlarmActions") or [])
    ]


def _matches(item: Mapping[str, Any], request: Message, *names: str) -> bool:
    return all(request.get(name) in (None, item[name]) for name in names)


def _page(request: Message, member: str, found: Iterable[Message]) -> Message:
    items = list(found)
    try:
        start = int(base64.urlsafe_b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError:
        raise ServiceError("InvalidNextTokenException", "The next token is not one of this list") from None
    end = start + request.get("MaxResults", _PAGE)
    more = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return {member: items[start:end], **more}


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _not_found(what: str, request: Message, name: str | None = None) -> ServiceError:
    namespace, resource, dimension = key_of(request)
    of = f" {name}" if name else ""
    return ServiceError(
        "ObjectNotFoundException",
        f"No {what}{of} found for service namespace: {namespace}, resource ID: {resource}, "
        f"scalable dimension: {dimension}",
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{seams.region()}:{seams.account()}:{resource}"
