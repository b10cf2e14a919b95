"""AWS CDK constructs for Amazon SageMaker inference in production.

Everything public is importable from here. A module is loaded when one of its names is first used, so that an app loads
the CDK modules of what it builds, and the policy review loads none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_constructs.alarm_thresholds import AlarmThresholds
    from ml_constructs.alarms import EndpointAlarms
    from ml_constructs.audit import AuditTrail
    from ml_constructs.capture import DataCapture
    from ml_constructs.dashboard import EndpointDashboard
    from ml_constructs.deployment import Deployment
    from ml_constructs.encryption import EncryptionKey
    from ml_constructs.endpoint import Endpoint
    from ml_constructs.endpoint_interface import IEndpoint
    from ml_constructs.front_ends.function import FunctionFrontEnd
    from ml_constructs.front_ends.rest_api import RestApiFrontEnd
    from ml_constructs.front_ends.web_acl import WebAcl
    from ml_constructs.images import BoundImage, ContainerImage
    from ml_constructs.model import Container, IModel, Model
    from ml_constructs.model_data import ModelData
    from ml_constructs.network import InferenceNetwork
    from ml_constructs.rollback import RollbackThresholds
    from ml_constructs.scaling import VariantScaling
    from ml_constructs.scaling_steps import ScalingStep
    from ml_constructs.storage import ArtifactBucket, CaptureBucket, LogBucket, TrailBucket
    from ml_constructs.variants import InstanceVariant

_MODULES = {
    "AlarmThresholds": "alarm_thresholds",
    "ArtifactBucket": "storage",
    "AuditTrail": "audit",
    "BoundImage": "images",
    "CaptureBucket": "storage",
    "Container": "model",
    "ContainerImage": "images",
    "DataCapture": "capture",
    "Deployment": "deployment",
    "EncryptionKey": "encryption",
    "Endpoint": "endpoint",
    "EndpointAlarms": "alarms",
    "EndpointDashboard": "dashboard",
    "FunctionFrontEnd": "front_ends.function",
    "IEndpoint": "endpoint_interface",
    "IModel": "model",
    "InferenceNetwork": "network",
    "InstanceVariant": "variants",
    "LogBucket": "storage",
    "Model": "model",
    "ModelData": "model_data",
    "RestApiFrontEnd": "front_ends.rest_api",
    "RollbackThresholds": "rollback",
    "ScalingStep": "scaling_steps",
    "TrailBucket": "storage",
    "VariantScaling": "scaling",
    "WebAcl": "front_ends.web_acl",
}

__all__ = [
    "AlarmThresholds",
    "ArtifactBucket",
    "AuditTrail",
    "BoundImage",
    "CaptureBucket",
    "Container",
    "ContainerImage",
    "DataCapture",
    "Deployment",
    "EncryptionKey",
    "Endpoint",
    "EndpointAlarms",
    "EndpointDashboard",
    "FunctionFrontEnd",
    "IEndpoint",
    "IModel",
    "InferenceNetwork",
    "InstanceVariant",
    "LogBucket",
    "Model",
    "ModelData",
    "RestApiFrontEnd",
    "RollbackThresholds",
    "ScalingStep",
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
