"""What the calls whose names begin with List have in common."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.local_aws.sagemaker.errors import invalid
from tests.local_aws.sagemaker.store import Component, Endpoint

_DEFAULT_PAGE: Final = 10
_FOREVER: Final = float("inf")
_Request = dict[str, Any]


def selected(request: _Request, records: Mapping[str, Any]) -> list[Any]:
    """The records that a request asks for, in the order that it asks for."""
    orders: dict[str, Callable[[Any], Any]] = {
        "Name": lambda record: record.name,
        "CreationTime": lambda record: record.created,
        "Status": lambda record: record.status if isinstance(record, Endpoint | Component) else "",
    }
    found = [
        record
        for record in list(records.values())  # others add and remove meanwhile
        if request.get("NameContains", "").lower() in record.name.lower()
        and request.get("CreationTimeAfter", 0) <= record.created <= request.get("CreationTimeBefore", _FOREVER)
        and request.get("LastModifiedTimeAfter", 0)
        <= record.modified
        <= request.get("LastModifiedTimeBefore", _FOREVER)
    ]
    found.sort(
        key=orders[request.get("SortBy", "CreationTime")], reverse=request.get("SortOrder", "Descending") != "Ascending"
    )
    return found


def page(request: _Request, member: str, items: list[dict[str, Any]], size: int = _DEFAULT_PAGE) -> dict[str, Any]:
    """A part of a list, and where the next one begins."""
    try:
        start = int(base64.urlsafe_b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError as error:
        raise invalid("The NextToken is not one of this list.") from error
    end = start + request.get("MaxResults", size)
    more = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return {member: items[start:end], **more}
