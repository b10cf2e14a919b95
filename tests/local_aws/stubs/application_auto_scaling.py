"""Application Auto Scaling: scalable targets, scaling policies and scheduled actions, kept and described.

Nothing scales yet: no alarm is made for a target tracking policy, and no capacity changes.
https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from botocore.session import get_session  # type: ignore[import-untyped]  # ships no types
from botocore.validate import ParamValidator  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import client
from tests.local_aws.stubs import json_service
from tests.local_aws.stubs.json_service import Message, ServiceError

TargetKey = tuple[str, str, str]
ItemKey = tuple[str, str, str, str]
_TARGET: Final = ("ServiceNamespace", "ResourceId", "ScalableDimension")


@dataclass
class Store:
    """What one account has in one region."""

    targets: dict[TargetKey, Message] = field(default_factory=dict)
    policies: dict[ItemKey, Message] = field(default_factory=dict)
    actions: dict[ItemKey, Message] = field(default_factory=dict)


_stores: Final[dict[tuple[str, str], Store]] = {}
_model: Final = get_session().get_service_model("application-autoscaling")


def store() -> Store:
    """What the caller's account has in the caller's region."""
    return _stores.setdefault((seams.account(), seams.region()), Store())


def register_scalable_target(request: Message) -> Message:
    """Create a target, or change what the request names of an existing one."""
    known = store().targets.get(_target(request))
    if known is None:
        if "MinCapacity" not in request or "MaxCapacity" not in request:
            raise ServiceError("ValidationException", "Minimum capacity and maximum capacity must be specified")
        _check_resource(request)
    target: Message = {
        "CreationTime": time.time(),
        "RoleARN": _service_role(request["ServiceNamespace"]),
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
        "ScalableTargetARN": _arn(f"scalable-target/{uuid.uuid4().hex[:8]}"),
        **(known or {}),
        **{key: value for key, value in request.items() if key != "Tags"},
    }
    if target["MinCapacity"] > target["MaxCapacity"]:
        raise ServiceError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    store().targets[_target(request)] = target
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


def deregister_scalable_target(request: Message) -> Message:
    """Forget a target, its policies and its scheduled actions."""
    key = _target(request)
    if store().targets.pop(key, None) is None:
        raise _no_target(request)
    for items in (store().policies, store().actions):
        for item in [item for item in items if item[:3] == key]:
            del items[item]
    return {}


def describe_scalable_targets(request: Message) -> Message:
    """The targets of a namespace, filtered by resource and dimension."""
    wanted = request.get("ResourceIds")
    found = [
        target
        for target in store().targets.values()
        if _matches(target, request, "ServiceNamespace", "ScalableDimension")
        and (wanted is None or target["ResourceId"] in wanted)
    ]
    return {"ScalableTargets": found}


def put_scaling_policy(request: Message) -> Message:
    """Create a policy of a registered target, or replace its configuration."""
    if _target(request) not in store().targets:
        raise _no_target(request)
    key = (*_target(request), request["PolicyName"])
    known = store().policies.get(key, {})
    arn = _arn(
        f"scalingPolicy:{uuid.uuid4()}:resource/{request['ServiceNamespace']}/{request['ResourceId']}"
        f":policyName/{request['PolicyName']}"
    )
    policy = (
        {"PolicyARN": arn, "CreationTime": time.time(), "Alarms": [], "PolicyType": "StepScaling"} | known | request
    )
    store().policies[key] = policy
    return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}


def delete_scaling_policy(request: Message) -> Message:
    """Forget a policy."""
    if store().policies.pop((*_target(request), request["PolicyName"]), None) is None:
        raise ServiceError("ObjectNotFoundException", _missing("scaling policy", request, request["PolicyName"]))
    return {}


def describe_scaling_policies(request: Message) -> Message:
    """The policies of a namespace, filtered by resource, dimension and name."""
    names = request.get("PolicyNames")
    found = [
        policy
        for policy in store().policies.values()
        if _matches(policy, request, *_TARGET) and (names is None or policy["PolicyName"] in names)
    ]
    return {"ScalingPolicies": found}


def put_scheduled_action(request: Message) -> Message:
    """Create or replace a scheduled action of a registered target."""
    if _target(request) not in store().targets:
        raise _no_target(request)
    key = (*_target(request), request["ScheduledActionName"])
    arn = _arn(f"scheduledAction:{uuid.uuid4()}:resource/{request['ServiceNamespace']}/{request['ResourceId']}")
    store().actions[key] = {"ScheduledActionARN": arn, "CreationTime": time.time()} | request
    return {}


def delete_scheduled_action(request: Message) -> Message:
    """Forget a scheduled action."""
    name = request["ScheduledActionName"]
    if store().actions.pop((*_target(request), name), None) is None:
        raise ServiceError("ObjectNotFoundException", _missing("scheduled action", request, name))
    return {}


def describe_scheduled_actions(request: Message) -> Message:
    """The scheduled actions of a namespace, filtered by resource and dimension."""
    return {"ScheduledActions": [action for action in store().actions.values() if _matches(action, request, *_TARGET)]}


def describe_scaling_activities(_request: Message) -> Message:
    """None: nothing scales."""
    return {"ScalingActivities": []}


_OPERATIONS: Final[dict[str, Callable[[Message], Message]]] = {
    "RegisterScalableTarget": register_scalable_target,
    "DeregisterScalableTarget": deregister_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "PutScalingPolicy": put_scaling_policy,
    "DeleteScalingPolicy": delete_scaling_policy,
    "DescribeScalingPolicies": describe_scaling_policies,
    "PutScheduledAction": put_scheduled_action,
    "DeleteScheduledAction": delete_scheduled_action,
    "DescribeScheduledActions": describe_scheduled_actions,
    "DescribeScalingActivities": describe_scaling_activities,
}


def install() -> None:
    """Add the service to the emulator."""
    json_service.register("application-autoscaling", "AnyScaleFrontendService.", _answer)


def _answer(name: str, body: bytes) -> Message:
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise ServiceError("UnknownOperationException", f"{name} is not part of the local Application Auto Scaling")
    request: Message = json.loads(body or b"{}")
    report = ParamValidator().validate(request, _model.operation_model(name).input_shape)
    if report.has_errors():
        raise ServiceError("ValidationException", report.generate_report())
    return operation(request)


def _target(request: Message) -> TargetKey:
    return request["ServiceNamespace"], request["ResourceId"], request["ScalableDimension"]


def _matches(item: Message, request: Message, *names: str) -> bool:
    return all(request.get(name) in (None, item[name]) for name in names)


def _check_resource(request: Message) -> None:
    """A target of SageMaker must exist; other namespaces are taken at their word."""
    if request["ServiceNamespace"] != "sagemaker":
        return
    parts = request["ResourceId"].split("/")
    if request["ScalableDimension"] != "sagemaker:variant:DesiredInstanceCount" or len(parts) != 4:
        return
    sagemaker = client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=parts[1])
    except sagemaker.exceptions.ClientError as error:
        raise ServiceError("ValidationException", error.response["Error"]["Message"]) from None
    if parts[3] not in {variant["VariantName"] for variant in endpoint.get("ProductionVariants", [])}:
        raise ServiceError("ValidationException", f"Could not find variant {parts[3]} of endpoint {parts[1]}")


def _no_target(request: Message) -> ServiceError:
    return ServiceError("ObjectNotFoundException", _missing("scalable target", request))


def _missing(what: str, request: Message, name: str | None = None) -> str:
    of = f" {name}" if name else ""
    namespace, resource, dimension = _target(request)
    return (
        f"No {what}{of} found for service namespace: {namespace}, resource ID: {resource}, "
        f"scalable dimension: {dimension}"
    )


def _arn(resource: str) -> str:
    return f"arn:aws:application-autoscaling:{seams.region()}:{seams.account()}:{resource}"


def _service_role(namespace: str) -> str:
    role = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint" if namespace == "sagemaker" else "AWSServiceRole"
    return (
        f"arn:aws:iam::{seams.account()}:role/aws-service-role/{namespace}.application-autoscaling.amazonaws.com/{role}"
    )
