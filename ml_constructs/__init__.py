"""AWS CDK constructs for Amazon SageMaker inference in production.

Everything public is importable from here. A module is loaded when one of its names is first used, so that an app loads
the CDK modules of what it builds, and the policy review loads none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_constructs._image_sources import BoundImage
    from ml_constructs.adapter_component import AdapterComponent
    from ml_constructs.alarm_thresholds import AlarmThresholds
    from ml_constructs.alarms import EndpointAlarms
    from ml_constructs.asynchronous import AsyncInference, AsyncStorage
    from ml_constructs.audit import AuditTrail
    from ml_constructs.capture import DataCapture
    from ml_constructs.component_deployment import ComponentDeployment
    from ml_constructs.component_interface import IInferenceComponent
    from ml_constructs.component_scaling import ComponentScaling
    from ml_constructs.component_specification import ComponentSpecification, Placement
    from ml_constructs.concurrency_scaling import ConcurrencyScaling
    from ml_constructs.container import Container
    from ml_constructs.dashboard import EndpointDashboard
    from ml_constructs.deployment import Deployment
    from ml_constructs.deployment_events import DeploymentEvents
    from ml_constructs.encryption import EncryptionKey
    from ml_constructs.endpoint import Endpoint
    from ml_constructs.endpoint_interface import IEndpoint
    from ml_constructs.experiment import InferenceExperiment
    from ml_constructs.experiment_variant import ExperimentVariant
    from ml_constructs.explainability import ClarifyExplainer, ClarifyInference, ShapBaseline
    from ml_constructs.front_ends.function import FunctionFrontEnd
    from ml_constructs.front_ends.rest_api import RestApiFrontEnd
    from ml_constructs.front_ends.web_acl import WebAcl
    from ml_constructs.golden_image import GoldenImage
    from ml_constructs.image_component import ImageComponent
    from ml_constructs.images import ContainerImage
    from ml_constructs.inference_component import InferenceComponent
    from ml_constructs.instance_pools import InstancePool
    from ml_constructs.model import IModel, Model
    from ml_constructs.model_data import ModelData
    from ml_constructs.model_data_source import ModelDataSource
    from ml_constructs.model_package import ModelPackage
    from ml_constructs.model_version import ModelVersion
    from ml_constructs.multi_model_data import MultiModelData
    from ml_constructs.network import InferenceNetwork
    from ml_constructs.packaged_container import PackagedContainer
    from ml_constructs.private_registry import PrivateRegistry
    from ml_constructs.registry import IModelPackageGroup, ModelPackageGroup
    from ml_constructs.repository import ImageRepository
    from ml_constructs.rollback import RollbackThresholds
    from ml_constructs.routing import Routing
    from ml_constructs.scaling import VariantScaling
    from ml_constructs.scaling_interface import IScaling
    from ml_constructs.scaling_steps import ScalingStep
    from ml_constructs.serverless import ServerlessVariant
    from ml_constructs.shared_endpoint import SharedEndpoint
    from ml_constructs.shared_endpoint_interface import ISharedEndpoint
    from ml_constructs.shared_variant import ScaleIn, SharedVariant
    from ml_constructs.storage import ArtifactBucket, CaptureBucket, LogBucket, TrailBucket
    from ml_constructs.variants import InstanceVariant

_MODULES = {
    "AdapterComponent": "adapter_component",
    "AlarmThresholds": "alarm_thresholds",
    "ArtifactBucket": "storage",
    "AsyncInference": "asynchronous",
    "AsyncStorage": "asynchronous",
    "AuditTrail": "audit",
    "BoundImage": "_image_sources",
    "CaptureBucket": "storage",
    "ClarifyExplainer": "explainability",
    "ClarifyInference": "explainability",
    "ComponentDeployment": "component_deployment",
    "ComponentScaling": "component_scaling",
    "ComponentSpecification": "component_specification",
    "ConcurrencyScaling": "concurrency_scaling",
    "Container": "container",
    "ContainerImage": "images",
    "DataCapture": "capture",
    "Deployment": "deployment",
    "DeploymentEvents": "deployment_events",
    "EncryptionKey": "encryption",
    "Endpoint": "endpoint",
    "EndpointAlarms": "alarms",
    "EndpointDashboard": "dashboard",
    "ExperimentVariant": "experiment_variant",
    "FunctionFrontEnd": "front_ends.function",
    "GoldenImage": "golden_image",
    "IEndpoint": "endpoint_interface",
    "IInferenceComponent": "component_interface",
    "IModel": "model",
    "IModelPackageGroup": "registry",
    "IScaling": "scaling_interface",
    "ISharedEndpoint": "shared_endpoint_interface",
    "ImageComponent": "image_component",
    "ImageRepository": "repository",
    "InferenceComponent": "inference_component",
    "InferenceExperiment": "experiment",
    "InferenceNetwork": "network",
    "InstancePool": "instance_pools",
    "InstanceVariant": "variants",
    "LogBucket": "storage",
    "Model": "model",
    "ModelData": "model_data",
    "ModelDataSource": "model_data_source",
    "ModelPackage": "model_package",
    "ModelPackageGroup": "registry",
    "ModelVersion": "model_version",
    "MultiModelData": "multi_model_data",
    "PackagedContainer": "packaged_container",
    "Placement": "component_specification",
    "PrivateRegistry": "private_registry",
    "RestApiFrontEnd": "front_ends.rest_api",
    "RollbackThresholds": "rollback",
    "Routing": "routing",
    "ScaleIn": "shared_variant",
    "ScalingStep": "scaling_steps",
    "ServerlessVariant": "serverless",
    "ShapBaseline": "explainability",
    "SharedEndpoint": "shared_endpoint",
    "SharedVariant": "shared_variant",
    "TrailBucket": "storage",
    "VariantScaling": "scaling",
    "WebAcl": "front_ends.web_acl",
}

__all__ = [
    "AdapterComponent",
    "AlarmThresholds",
    "ArtifactBucket",
    "AsyncInference",
    "AsyncStorage",
    "AuditTrail",
    "BoundImage",
    "CaptureBucket",
    "ClarifyExplainer",
    "ClarifyInference",
    "ComponentDeployment",
    "ComponentScaling",
    "ComponentSpecification",
    "ConcurrencyScaling",
    "Container",
    "ContainerImage",
    "DataCapture",
    "Deployment",
    "DeploymentEvents",
    "EncryptionKey",
    "Endpoint",
    "EndpointAlarms",
    "EndpointDashboard",
    "ExperimentVariant",
    "FunctionFrontEnd",
    "GoldenImage",
    "IEndpoint",
    "IInferenceComponent",
    "IModel",
    "IModelPackageGroup",
    "IScaling",
    "ISharedEndpoint",
    "ImageComponent",
    "ImageRepository",
    "InferenceComponent",
    "InferenceExperiment",
    "InferenceNetwork",
    "InstancePool",
    "InstanceVariant",
    "LogBucket",
    "Model",
    "ModelData",
    "ModelDataSource",
    "ModelPackage",
    "ModelPackageGroup",
    "ModelVersion",
    "MultiModelData",
    "PackagedContainer",
    "Placement",
    "PrivateRegistry",
    "RestApiFrontEnd",
    "RollbackThresholds",
    "Routing",
    "ScaleIn",
    "ScalingStep",
    "ServerlessVariant",
    "ShapBaseline",
    "SharedEndpoint",
    "SharedVariant",
    "TrailBucket",
    "VariantScaling",
    "WebAcl",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the public names
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
