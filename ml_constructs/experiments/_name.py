"""The name of an inference experiment, which is another one for another experiment."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from aws_cdk import Names, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from ml_constructs.endpoint_config.data_capture import DataCapture
from ml_constructs.experiments.variant import ExperimentVariant
from ml_constructs.models.model import IModel, Model

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceExperiment.html
EXPERIMENT_NAME: Final = r"(?!.{121})[a-zA-Z0-9](-*[a-zA-Z0-9])*"
EXPERIMENT_NAME_RULE: Final = "at most 120 letters, digits and inner hyphens"

_LENGTH: Final = 120
_DIGEST: Final = 8


def experiment_name_of(
    scope: Construct,
    *,
    endpoint_name: str,
    challenger: ExperimentVariant,
    capture: DataCapture | None,
    volume_key: kms.IKey | None,
) -> str:
    """A name derived from the path, and from all that CloudFormation would change in vain while an experiment runs.

    With another name CloudFormation makes another experiment. With the same it would report success, and do nothing:
    https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-sagemaker (UpdateHandler).
    """
    told: list[Any] = [endpoint_name, None if volume_key is None else volume_key.key_arn]
    told.append([challenger.name, challenger.instance_type, challenger.instance_count, _model(challenger.model)])
    if capture is not None and capture.bucket is not None:
        key = capture.key_of(capture.bucket)
        told.append([capture.bucket.bucket_name, capture.prefix, None if key is None else key.key_arn])
        told.append([list(capture.csv_content_types), list(capture.json_content_types)])
    text = json.dumps(Stack.of(scope).resolve(told), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    path = Names.unique_resource_name(
        scope, max_length=_LENGTH - _DIGEST - 1, separator="-", allowed_special_characters="-"
    )
    return f"{path.lower()}-{digest}"


def _model(model: IModel) -> object:
    """What makes CloudFormation replace a model; its name alone is the same reference before and after."""
    resource = model.node.find_child("Resource") if isinstance(model, Model) else None
    if not isinstance(resource, sagemaker.CfnModel):
        return model.model_name
    return Stack.of(resource).resolve(
        [
            resource.primary_container,
            resource.containers,
            resource.vpc_config,
            resource.enable_network_isolation,
            resource.execution_role_arn,
        ]
    )
