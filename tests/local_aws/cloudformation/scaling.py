"""AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApplicationAutoScaling.html
"""

from __future__ import annotations

from typing import Final

from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType
from tests.local_aws.seams import Properties

_SERVICE: Final = "application-autoscaling"
_IDENTITY: Final = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def create_target(logical_id: str, properties: Properties, stack: str) -> Created:
    """RegisterScalableTarget, then its scheduled actions; if one is refused, nothing stays."""
    try:
        return put_target(logical_id, properties, stack)
    except Exception:
        delete_target("|".join(str(properties[key]) for key in _IDENTITY), properties)
        raise


def put_target(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """RegisterScalableTarget, then its scheduled actions."""
    actions = properties.get("ScheduledActions", [])
    target = {key: value for key, value in properties.items() if key != "ScheduledActions"}
    client(_SERVICE).register_scalable_target(**arguments(_SERVICE, "register_scalable_target", target))
    for action in actions:
        request = {key: target[key] for key in _IDENTITY} | action
        client(_SERVICE).put_scheduled_action(**arguments(_SERVICE, "put_scheduled_action", request))
    physical_id = "|".join(str(target[key]) for key in _IDENTITY)
    return physical_id, {"Id": physical_id}


def update_target(physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
    """RegisterScalableTarget again, without the scheduled actions that the template dropped."""
    kept = {action["ScheduledActionName"] for action in new.get("ScheduledActions", [])}
    for action in old.get("ScheduledActions", []):
        if action["ScheduledActionName"] not in kept:
            identity = _identity(physical_id)
            client(_SERVICE).delete_scheduled_action(ScheduledActionName=action["ScheduledActionName"], **identity)
    return put_target("", new, stack)


def delete_target(physical_id: str, _properties: Properties) -> None:
    """DeregisterScalableTarget."""
    service = client(_SERVICE)
    try:
        service.deregister_scalable_target(**_identity(physical_id))
    except service.exceptions.ObjectNotFoundException:
        return


def put_policy(_logical_id: str, properties: Properties, _stack: str) -> Created:
    """PutScalingPolicy."""
    request = arguments(_SERVICE, "put_scaling_policy", _flattened(properties))
    arn = client(_SERVICE).put_scaling_policy(**request)["PolicyARN"]
    return arn, {"Arn": arn}


def update_policy(_physical_id: str, _old: Properties, new: Properties, stack: str) -> Created:
    """PutScalingPolicy under the same name."""
    return put_policy("", new, stack)


def delete_policy(_physical_id: str, properties: Properties) -> None:
    """DeleteScalingPolicy."""
    service, flat = client(_SERVICE), _flattened(properties)
    try:
        service.delete_scaling_policy(**{key: flat[key] for key in (*_IDENTITY, "PolicyName")})
    except service.exceptions.ObjectNotFoundException:
        return


def _identity(physical_id: str) -> dict[str, str]:
    return dict(zip(_IDENTITY, physical_id.split("|"), strict=True))


def _flattened(properties: Properties) -> Properties:
    target = properties.get("ScalingTargetId")
    flat = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
    return flat if target is None else flat | _identity(target)


TYPES: Final = (
    ResourceType(
        name="AWS::ApplicationAutoScaling::ScalableTarget",
        create=create_target,
        update=update_target,
        delete=delete_target,
        create_only=_IDENTITY,
    ),
    ResourceType(
        name="AWS::ApplicationAutoScaling::ScalingPolicy",
        create=put_policy,
        update=update_policy,
        delete=delete_policy,
        create_only=("PolicyName", "ScalingTargetId", *_IDENTITY),
    ),
)
