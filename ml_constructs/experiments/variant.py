"""A variant of an inference experiment: a model, and the instances that it has for the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs._checks import check_given, check_offers, check_pattern, check_type, check_whole
from ml_constructs._instance_types import check_instance_type, has_local_storage
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.models.model import IModel, Model

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RealTimeInferenceConfig.html
INSTANCES: Final = (1, 2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class ExperimentVariant:
    """A model on instances of its own, for the time of an experiment.

    Args:
        name: At most 63 letters, digits and inner hyphens.
        model: The model.
        instance_type: An ML instance type, e.g. `ml.m5.large`.
        instance_count: How many instances, 1 or more. Default: 1.

    Raises:
        ValueError: an argument is out of its range, or the model does not run on the instance type.

    See https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelVariantConfig.html
    """

    name: str
    model: IModel
    instance_type: str
    instance_count: int = 1

    def __post_init__(self) -> None:
        check_type(str, name=self.name, instance_type=self.instance_type)
        check_given(model=self.model, instance_count=self.instance_count)
        check_offers("model_name", "a model", model=self.model)
        check_pattern("name", self.name, NAME_PATTERN, NAME_RULE)
        check_instance_type("instance_type", self.instance_type)
        if isinstance(self.model, Model):
            self.model.check_instance_type(self.instance_type)
        check_whole("instance_count", self.instance_count, *INSTANCES, "instances")

    @property
    def local_storage(self) -> bool:
        """Whether an instance stores data on local disks, which AWS encrypts itself; False when not known at synth."""
        return has_local_storage(self.instance_type)

    def render(self) -> sagemaker.CfnInferenceExperiment.ModelVariantConfigProperty:
        """The variant as CloudFormation property."""
        experiment = sagemaker.CfnInferenceExperiment
        return experiment.ModelVariantConfigProperty(
            model_name=self.model.model_name,
            variant_name=self.name,
            infrastructure_config=experiment.ModelInfrastructureConfigProperty(
                infrastructure_type="RealTimeInference",
                real_time_inference_config=experiment.RealTimeInferenceConfigProperty(
                    instance_type=self.instance_type, instance_count=self.instance_count
                ),
            ),
        )
