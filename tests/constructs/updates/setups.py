"""Endpoints and components in all the states between which the tests move them, each as a template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from aws_cdk import App, Size, Stack
from constructs import Construct

from ml_constructs.components.inference_component import InferenceComponent
from ml_constructs.components.shared_endpoint import SharedEndpoint
from ml_constructs.components.specification import ComponentSpecification
from ml_constructs.encryption import EncryptionKey
from ml_constructs.endpoint_config.asynchronous import AsyncInference
from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoint_config.serverless_variant import ServerlessVariant
from ml_constructs.endpoint_config.shared_variant import SharedVariant
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.front_ends.functions.function import FunctionFrontEnd
from ml_constructs.models.container import Container
from ml_constructs.models.images import ContainerImage
from ml_constructs.models.model import Model
from ml_constructs.network.inference_network import InferenceNetwork
from tests.constructs.builders import stored, synthesised

Template = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model of its own and the variant that serves it."""

    name: str = "only"
    data: str = "v1"
    image: str = "3.0-5"
    environment: str = "a"
    instance_type: str = "ml.m5.large"
    instance_count: int = 2
    weight: float = 1.0
    scaled: bool = False
    serverless: bool = False

    def model(self, scope: Construct, network: InferenceNetwork | None = None) -> Model:
        container = Container(
            image=ContainerImage.from_framework("xgboost", version=self.image),
            model_data=stored(scope, f"{self.name}/{self.data}/model.tar.gz", self.data),
            environment={"A": self.environment},
        )
        isolation = False if self.serverless else None
        return Model(scope, f"Model-{self.name}", containers=[container], network=network, network_isolation=isolation)

    def variant(self, model: Model) -> InstanceVariant | ServerlessVariant:
        if self.serverless:
            return ServerlessVariant(name=self.name, model=model, memory=Size.gibibytes(2), max_concurrency=5)
        return self.instances(model)

    def instances(self, model: Model) -> InstanceVariant:
        return InstanceVariant(
            name=self.name,
            model=model,
            instance_type=self.instance_type,
            instance_count=self.instance_count,
            weight=self.weight,
        )


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One endpoint in a stack, with what may be around it.

    `around` puts a network, another key and a function in front of the endpoint into the stack, used or not.
    """

    variants: tuple[Served, ...] = (Served(),)
    shadow: Served | None = None
    construct_id: str = "Endpoint"
    name: str | None = "live"
    asynchronous: bool = False
    network: bool = False
    key: Literal["Key", "Other"] = "Key"
    sampling: int | None = None
    deployment: Deployment | None = None
    most: int = 6
    around: frozenset[Literal["network", "keys", "caller"]] = frozenset()

    def template(self) -> Template:
        """The stack's template, made once."""
        return _serving(self)


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """Two shared endpoints, and a component on one of them."""

    host: Literal["one", "two"] = "one"
    instance_type: str = "ml.m5.large"
    variant: str = "main"
    present: bool = True
    name: str | None = None
    data: str = "v1"
    memory: int = 1024
    copies: int = 2
    scaled: bool = False
    most: int = 6

    def template(self) -> Template:
        """The stack's template, made once."""
        return _sharing(self)


@cache
def _serving(setup: Serving) -> Template:
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Stack")
    network = InferenceNetwork(stack, "Network") if "network" in setup.around else None
    keys = {name: EncryptionKey(stack, name) for name in ("Key", "Other") if name == "Key" or "keys" in setup.around}
    inside = network if setup.network else None
    variants = [served.variant(served.model(stack, inside)) for served in setup.variants]
    endpoint = Endpoint(
        stack,
        setup.construct_id,
        variants=variants,
        shadow=None if setup.shadow is None else setup.shadow.instances(setup.shadow.model(stack, inside)),
        asynchronous=AsyncInference() if setup.asynchronous else None,
        data_capture=None if setup.sampling is None else DataCapture(sampling_percentage=setup.sampling),
        deployment=setup.deployment,
        encryption_key=keys[setup.key],
        endpoint_name=setup.name,
    )
    for served in setup.variants:
        if served.scaled:
            endpoint.auto_scale(served.name, max_capacity=setup.most).on_cpu(70)
    if "caller" in setup.around:
        FunctionFrontEnd(stack, "Caller", endpoint=endpoint, encryption_key=keys["Key"])
    app.synth()
    return synthesised(stack)


@cache
def _sharing(setup: Sharing) -> Template:
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Stack")
    key = EncryptionKey(stack, "Key")
    instances = SharedVariant(name=setup.variant, instance_type=setup.instance_type, max_instances=4)
    hosts = {
        name: SharedEndpoint(stack, f"Host-{name}", variant=instances, encryption_key=key, endpoint_name=name)
        for name in ("one", "two")
    }
    if setup.present:
        component = InferenceComponent(
            stack,
            "Component",
            endpoint=hosts[setup.host],
            specification=ComponentSpecification(
                model=Served(data=setup.data).model(stack), memory=Size.mebibytes(setup.memory)
            ),
            copies=setup.copies,
            component_name=setup.name,
        )
        if setup.scaled:
            component.auto_scale(max_capacity=setup.most).on_invocations(600)
    app.synth()
    return synthesised(stack)
