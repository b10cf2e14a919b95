"""Adapters: what tailors the model of another inference component, on that component's copies and resources.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-adapt.html
"""

from __future__ import annotations

import json

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct, IDependable

from ml_constructs._checks import check_given, check_pattern, check_type
from ml_constructs._environment import check_account
from ml_constructs.components._names import arn_of_component, identity, literal_component_name
from ml_constructs.components._rules import check_new_name
from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.interfaces.component import IInferenceComponent
from ml_constructs.interfaces.endpoint import IEndpoint
from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
from ml_constructs.models.model_data import ModelData


class AdapterComponent(Construct, IInferenceComponent):
    """An inference component that adapts the model of another one, e.g. by LoRA, and is invoked by its own name.

    It has no copies, logs or rollout of its own: it runs in the copies of its base.

    Args:
        scope: The parent construct.
        construct_id: The id in `scope`.
        base: The component whose model it adapts. The role of an imported one must be able to read the adapter.
        adapter: The archive of the adapter.
        component_name: At most 63 letters, digits and inner hyphens. Default: derived from the construct's path, the
            endpoint and the base.

    Raises:
        ValueError: `component_name` is malformed or taken, or `base` is an adapter itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        base: IInferenceComponent,
        adapter: ModelData,
        component_name: str | None = None,
    ) -> None:
        check_given(base=base)
        check_type(IInferenceComponent, base=base)
        check_type(ModelData, adapter=adapter)
        check_pattern("component_name", component_name, NAME_PATTERN, NAME_RULE)
        if isinstance(base, AdapterComponent):
            message = f"base must be a component with a model of its own, got the adapter {base.component_name!r}"
            raise ValueError(message)  # noqa: TRY004 - of the right type, but of another kind
        if isinstance(base, Construct):
            check_account(scope, base=base)
        check_new_name(base.endpoint, component_name)
        super().__init__(scope, construct_id)
        where = identity(self, base.endpoint.endpoint_name, base.component_name, component_name or "")
        self.component_name = literal_component_name(self, where) if component_name is None else component_name
        self.component_arn = arn_of_component(self, base.endpoint.endpoint_arn, self.component_name)
        self.endpoint: IEndpoint = base.endpoint
        self.base = base
        data = adapter.bind(self)
        needed: list[IDependable] = []
        if isinstance(base, InferenceComponent):
            documents = (json.dumps(each.document(), sort_keys=True) for each in data.permissions)
            needed = base.allow(self, f"Policy{identity(self, *documents).upper()}", data.permissions)
            default = base.node.default_child
            assert default is not None  # noqa: S101 - every component has one
            needed.append(default)  # its name is a literal, so no reference orders it before
        component = sagemaker.CfnInferenceComponent
        resource = component(
            self,
            f"Resource{where.upper()}",
            endpoint_name=base.endpoint.endpoint_name,
            inference_component_name=self.component_name,
            specification=component.InferenceComponentSpecificationProperty(
                base_inference_component_name=base.component_name,
                container=component.InferenceComponentContainerSpecificationProperty(artifact_url=data.url),
            ),
        )
        self.node.default_child = resource
        if needed:
            resource.node.add_dependency(*needed)
        if isinstance(base.endpoint, ISharedEndpoint):
            base.endpoint.add_component(self)
