"""AWS::CloudTrail::Trail. The emulator looks events up; it delivers none to buckets or log groups.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html
"""

from __future__ import annotations

from typing import Any, Final

from tests.local_aws import seams
from tests.local_aws.cloudformation.client import arguments, client
from tests.local_aws.cloudformation.resource import Created, ResourceType
from tests.local_aws.seams import Properties

_NAME_LENGTH: Final = 128
_APART: Final = ("AdvancedEventSelectors", "EventSelectors", "InsightSelectors", "IsLogging", "Tags", "TrailName")


def create(logical_id: str, properties: Properties, stack: str) -> Created:
    """CreateTrail, its selectors, and StartLogging."""
    name = properties.get("TrailName") or seams.physical_name(stack, logical_id, length=_NAME_LENGTH)
    request = _trail("create_trail", name, properties)
    if properties.get("Tags"):
        request["TagsList"] = properties["Tags"]
    arn = client("cloudtrail").create_trail(**request)["TrailARN"]
    _select_and_log(name, properties)
    return name, {"Arn": arn}


def update(name: str, _old: Properties, new: Properties, _stack: str) -> Created:
    """UpdateTrail, its selectors, and StartLogging or StopLogging."""
    arn = client("cloudtrail").update_trail(**_trail("update_trail", name, new))["TrailARN"]
    _select_and_log(name, new)
    return name, {"Arn": arn}


def delete(name: str, _properties: Properties) -> None:
    """DeleteTrail."""
    service = client("cloudtrail")
    try:
        service.delete_trail(Name=name)
    except service.exceptions.TrailNotFoundException:
        return


def _trail(operation: str, name: str, properties: Properties) -> dict[str, Any]:
    given = {key: value for key, value in properties.items() if key not in _APART}
    return arguments("cloudtrail", operation, {"Name": name} | given)


def _select_and_log(name: str, properties: Properties) -> None:
    service = client("cloudtrail")
    selectors = {key: properties[key] for key in ("AdvancedEventSelectors", "EventSelectors") if key in properties}
    if selectors:
        service.put_event_selectors(**arguments("cloudtrail", "put_event_selectors", {"TrailName": name} | selectors))
    if properties.get("InsightSelectors"):
        raise ValueError("AWS::CloudTrail::Trail InsightSelectors is unknown to the local cloud")
    logging = str(properties["IsLogging"]).lower() == "true"
    (service.start_logging if logging else service.stop_logging)(Name=name)


TYPES: Final = (
    ResourceType(
        name="AWS::CloudTrail::Trail", create=create, update=update, delete=delete, create_only=("TrailName",)
    ),
)
