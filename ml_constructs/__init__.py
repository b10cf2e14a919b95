"""AWS CDK constructs for Amazon SageMaker inference in production.

Everything public is importable from here. A module is loaded when one of its names is first used, so that an app loads
the CDK modules of what it builds, and the policy review loads none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_constructs.audit import AuditTrail
    from ml_constructs.checks.policy_hook import PolicyHook
    from ml_constructs.checks.sagemaker_checks import SageMakerChecks
    from ml_constructs.components.adapter_component import AdapterComponent
    from ml_constructs.components.deployment import ComponentDeployment
    from ml_constructs.components.inference_component import InferenceComponent
    from ml_constructs.components.shared_endpoint import SharedEndpoint
    from ml_constructs.components.specification import ComponentSpecification, Placement
    from ml_constructs.encryption import EncryptionKey, ReplicaKey
    from ml_constructs.endpoint_config.asynchronous import AsyncInference, AsyncStorage
    from ml_constructs.endpoint_config.data_capture import DataCapture
    from ml_constructs.endpoint_config.explainability import ClarifyExplainer, ClarifyInference, ShapBaseline
    from ml_constructs.endpoint_config.instance_pools import InstancePool
    from ml_constructs.endpoint_config.instance_variant import InstanceVariant
    from ml_constructs.endpoint_config.routing import Routing
    from ml_constructs.endpoint_config.serverless_variant import ServerlessVariant
    from ml_constructs.endpoint_config.shared_variant import ScaleIn, SharedVariant
    from ml_constructs.endpoints.deployment import Deployment
    from ml_constructs.endpoints.endpoint import Endpoint
    from ml_constructs.endpoints.rollback import RollbackThresholds
    from ml_constructs.experiments.experiment import InferenceExperiment
    from ml_constructs.experiments.variant import ExperimentVariant
    from ml_constructs.front_ends.api.canary import ApiCanary
    from ml_constructs.front_ends.api.cors import Cors
    from ml_constructs.front_ends.api.direct_integration import DirectIntegration
    from ml_constructs.front_ends.api.rest_api import RestApiFrontEnd
    from ml_constructs.front_ends.api.usage_plan import UsagePlan
    from ml_constructs.front_ends.api.web_acl import WebAcl
    from ml_constructs.front_ends.domains.api_health import ApiHealth
    from ml_constructs.front_ends.domains.dns_routing import DnsRouting
    from ml_constructs.front_ends.domains.domain import ApiDomain
    from ml_constructs.front_ends.domains.mutual_tls import MutualTls
    from ml_constructs.front_ends.functions.function import FunctionFrontEnd
    from ml_constructs.front_ends.invoker_role import InvokerRole
    from ml_constructs.front_ends.workers.bulk import BulkInvokeFrontEnd
    from ml_constructs.front_ends.workers.delivery import FirehoseDelivery
    from ml_constructs.front_ends.workers.queue import QueueFrontEnd
    from ml_constructs.front_ends.workers.reading import StreamReading
    from ml_constructs.front_ends.workers.stream import StreamFrontEnd
    from ml_constructs.front_ends.workers.worker import Worker
    from ml_constructs.front_ends.workflows.workflow import WorkflowFrontEnd
    from ml_constructs.interfaces.component import IInferenceComponent
    from ml_constructs.interfaces.endpoint import IEndpoint
    from ml_constructs.interfaces.shared_endpoint import ISharedEndpoint
    from ml_constructs.models._image_sources import BoundImage
    from ml_constructs.models.container import Container
    from ml_constructs.models.images import ContainerImage
    from ml_constructs.models.model import IModel, Model
    from ml_constructs.models.model_data import ModelData
    from ml_constructs.models.model_data_source import ModelDataSource
    from ml_constructs.models.model_package import ModelPackage
    from ml_constructs.models.model_version import ModelVersion
    from ml_constructs.models.multi_model_data import MultiModelData
    from ml_constructs.models.packaged_container import PackagedContainer
    from ml_constructs.models.private_registry import PrivateRegistry
    from ml_constructs.models.registry import IModelPackageGroup, ModelPackageGroup
    from ml_constructs.network.inference_network import InferenceNetwork
    from ml_constructs.network.private_access import PrivateAccess
    from ml_constructs.network.shared_dns import SharedDns
    from ml_constructs.observability.alarm_thresholds import AlarmThresholds
    from ml_constructs.observability.alarms import EndpointAlarms
    from ml_constructs.observability.dashboard import EndpointDashboard
    from ml_constructs.observability.deployment_events import DeploymentEvents
    from ml_constructs.scaling.component_scaling import ComponentScaling
    from ml_constructs.scaling.concurrency_scaling import ConcurrencyScaling
    from ml_constructs.scaling.interface import IScaling
    from ml_constructs.scaling.steps import ScalingStep
    from ml_constructs.scaling.variant_scaling import VariantScaling
    from ml_constructs.storage import ArtifactBucket, CaptureBucket, LogBucket, TrailBucket
    from ml_constructs.supply.bucket_replication import BucketReplication
    from ml_constructs.supply.golden_image import GoldenImage
    from ml_constructs.supply.image_component import ImageComponent
    from ml_constructs.supply.repository import ImageRepository

_MODULES = {
    "AdapterComponent": "components.adapter_component",
    "AlarmThresholds": "observability.alarm_thresholds",
    "ApiCanary": "front_ends.api.canary",
    "ApiDomain": "front_ends.domains.domain",
    "ApiHealth": "front_ends.domains.api_health",
    "ArtifactBucket": "storage",
    "AsyncInference": "endpoint_config.asynchronous",
    "AsyncStorage": "endpoint_config.asynchronous",
    "AuditTrail": "audit",
    "BoundImage": "models._image_sources",
    "BucketReplication": "supply.bucket_replication",
    "BulkInvokeFrontEnd": "front_ends.workers.bulk",
    "CaptureBucket": "storage",
    "ClarifyExplainer": "endpoint_config.explainability",
    "ClarifyInference": "endpoint_config.explainability",
    "ComponentDeployment": "components.deployment",
    "ComponentScaling": "scaling.component_scaling",
    "ComponentSpecification": "components.specification",
    "ConcurrencyScaling": "scaling.concurrency_scaling",
    "Container": "models.container",
    "ContainerImage": "models.images",
    "Cors": "front_ends.api.cors",
    "DataCapture": "endpoint_config.data_capture",
    "Deployment": "endpoints.deployment",
    "DeploymentEvents": "observability.deployment_events",
    "DirectIntegration": "front_ends.api.direct_integration",
    "DnsRouting": "front_ends.domains.dns_routing",
    "EncryptionKey": "encryption",
    "Endpoint": "endpoints.endpoint",
    "EndpointAlarms": "observability.alarms",
    "EndpointDashboard": "observability.dashboard",
    "ExperimentVariant": "experiments.variant",
    "FirehoseDelivery": "front_ends.workers.delivery",
    "FunctionFrontEnd": "front_ends.functions.function",
    "GoldenImage": "supply.golden_image",
    "IEndpoint": "interfaces.endpoint",
    "IInferenceComponent": "interfaces.component",
    "IModel": "models.model",
    "IModelPackageGroup": "models.registry",
    "IScaling": "scaling.interface",
    "ISharedEndpoint": "interfaces.shared_endpoint",
    "ImageComponent": "supply.image_component",
    "ImageRepository": "supply.repository",
    "InferenceComponent": "components.inference_component",
    "InferenceExperiment": "experiments.experiment",
    "InferenceNetwork": "network.inference_network",
    "InstancePool": "endpoint_config.instance_pools",
    "InstanceVariant": "endpoint_config.instance_variant",
    "InvokerRole": "front_ends.invoker_role",
    "LogBucket": "storage",
    "Model": "models.model",
    "ModelData": "models.model_data",
    "ModelDataSource": "models.model_data_source",
    "ModelPackage": "models.model_package",
    "ModelPackageGroup": "models.registry",
    "ModelVersion": "models.model_version",
    "MultiModelData": "models.multi_model_data",
    "MutualTls": "front_ends.domains.mutual_tls",
    "PackagedContainer": "models.packaged_container",
    "Placement": "components.specification",
    "PolicyHook": "checks.policy_hook",
    "PrivateAccess": "network.private_access",
    "PrivateRegistry": "models.private_registry",
    "QueueFrontEnd": "front_ends.workers.queue",
    "ReplicaKey": "encryption",
    "RestApiFrontEnd": "front_ends.api.rest_api",
    "RollbackThresholds": "endpoints.rollback",
    "Routing": "endpoint_config.routing",
    "SageMakerChecks": "checks.sagemaker_checks",
    "ScaleIn": "endpoint_config.shared_variant",
    "ScalingStep": "scaling.steps",
    "ServerlessVariant": "endpoint_config.serverless_variant",
    "ShapBaseline": "endpoint_config.explainability",
    "SharedDns": "network.shared_dns",
    "SharedEndpoint": "components.shared_endpoint",
    "SharedVariant": "endpoint_config.shared_variant",
    "StreamFrontEnd": "front_ends.workers.stream",
    "StreamReading": "front_ends.workers.reading",
    "TrailBucket": "storage",
    "UsagePlan": "front_ends.api.usage_plan",
    "VariantScaling": "scaling.variant_scaling",
    "WebAcl": "front_ends.api.web_acl",
    "Worker": "front_ends.workers.worker",
    "WorkflowFrontEnd": "front_ends.workflows.workflow",
}

__all__ = [
    "AdapterComponent",
    "AlarmThresholds",
    "ApiCanary",
    "ApiDomain",
    "ApiHealth",
    "ArtifactBucket",
    "AsyncInference",
    "AsyncStorage",
    "AuditTrail",
    "BoundImage",
    "BucketReplication",
    "BulkInvokeFrontEnd",
    "CaptureBucket",
    "ClarifyExplainer",
    "ClarifyInference",
    "ComponentDeployment",
    "ComponentScaling",
    "ComponentSpecification",
    "ConcurrencyScaling",
    "Container",
    "ContainerImage",
    "Cors",
    "DataCapture",
    "Deployment",
    "DeploymentEvents",
    "DirectIntegration",
    "DnsRouting",
    "EncryptionKey",
    "Endpoint",
    "EndpointAlarms",
    "EndpointDashboard",
    "ExperimentVariant",
    "FirehoseDelivery",
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
    "InvokerRole",
    "LogBucket",
    "Model",
    "ModelData",
    "ModelDataSource",
    "ModelPackage",
    "ModelPackageGroup",
    "ModelVersion",
    "MultiModelData",
    "MutualTls",
    "PackagedContainer",
    "Placement",
    "PolicyHook",
    "PrivateAccess",
    "PrivateRegistry",
    "QueueFrontEnd",
    "ReplicaKey",
    "RestApiFrontEnd",
    "RollbackThresholds",
    "Routing",
    "SageMakerChecks",
    "ScaleIn",
    "ScalingStep",
    "ServerlessVariant",
    "ShapBaseline",
    "SharedDns",
    "SharedEndpoint",
    "SharedVariant",
    "StreamFrontEnd",
    "StreamReading",
    "TrailBucket",
    "UsagePlan",
    "VariantScaling",
    "WebAcl",
    "Worker",
    "WorkflowFrontEnd",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the public names
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
