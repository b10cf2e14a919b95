"""Inference components that this app does not own, usable like those that it does."""

from __future__ import annotations

from constructs import Construct

from ml_constructs._checks import check_pattern, check_type
from ml_constructs.components._names import arn_of_component
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint


class ImportedComponent(Construct, IInferenceComponent):
    """An inference component known by its name, on an endpoint of this app or an imported one."""

    def __init__(self, scope: Construct, construct_id: str, *, component_name: str, endpoint: IEndpoint) -> None:
        check_type(str, component_name=component_name)
        check_type(IEndpoint, endpoint=endpoint)
        check_pattern("component_name", component_name, NAME_PATTERN, NAME_RULE)
        super().__init__(scope, construct_id)
        self.component_name = component_name
        self.component_arn = arn_of_component(self, endpoint.endpoint_arn, component_name)
        self.endpoint = endpoint
