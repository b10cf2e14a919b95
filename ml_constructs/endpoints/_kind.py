"""The kinds of endpoints, which publish different metrics."""

from __future__ import annotations

from enum import Enum, auto

from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint


class Kind(Enum):
    """What answers requests, and how."""

    REAL_TIME = auto()
    """Instances answer at once."""
    SERVERLESS = auto()
    """Containers that come with the requests answer at once."""
    ASYNCHRONOUS = auto()
    """Instances work off a queue."""
    SHARED = auto()
    """Inference components answer at once, on instances that have no model themselves."""


def kind_of(endpoint: IEndpoint) -> Kind:
    """The kind of an endpoint, owned or imported."""
    if isinstance(endpoint, ISharedEndpoint):
        return Kind.SHARED
    if endpoint.serverless:
        return Kind.SERVERLESS
    return Kind.ASYNCHRONOUS if endpoint.asynchronous else Kind.REAL_TIME
