"""The CloudFormation resource types that MiniStack lacks or cripples, on top of the emulator's public API.

Each handler runs on a thread of its own and calls the same gateway that everybody calls, so that a service decides
what it accepts, and a stack shows it. A type that neither MiniStack nor this package knows fails `CreateChangeSet`,
before anything is made, with the list of all such types of the template.
"""

from __future__ import annotations

from tests.local_aws.cloudformation import (
    api_gateway,
    audit,
    event_sources,
    firewall,
    functions,
    inference_component,
    network,
    sagemaker,
    scaling,
    templates,
)

_MODULES = (sagemaker, inference_component, scaling, audit, network, firewall, api_gateway, event_sources)


def install() -> None:
    """Register every type of this package."""
    for module in _MODULES:
        for resource_type in module.TYPES:
            resource_type.install()
    for completed in (network, api_gateway, event_sources, functions, templates):
        completed.install()
