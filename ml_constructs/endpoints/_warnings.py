"""What is legal on an endpoint, and yet surprises: warnings that an application may acknowledge."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations
from constructs import Construct

from ml_constructs._checks import is_token
from ml_constructs._environment import environment_of, outermost_stack
from ml_constructs.endpoint_config.instance_variant import InstanceVariant
from ml_constructs.endpoint_config.serverless_variant import ServerlessVariant
from ml_constructs.endpoints.deployment import Deployment
from ml_constructs.models.model import Model


def warn_of_variants(endpoint: Construct, variants: Sequence[InstanceVariant | ServerlessVariant]) -> None:
    """Warn of models in another stack, and of single instances."""
    here = environment_of(endpoint).stack_path
    for variant in variants:
        for model in variant.models:
            if not isinstance(model, Construct):
                continue
            elsewhere = environment_of(model).stack_path != here
            # A nested stack hands the name on as a parameter, which may change.
            if elsewhere and outermost_stack(model).node.path != outermost_stack(endpoint).node.path:
                Annotations.of(endpoint).add_warning_v2(
                    "ml-constructs:ModelInOtherStack",
                    f"the model of variant {variant.name} is in another stack: a changed model has another name, but "
                    "CloudFormation refuses to change a name that one stack exports and another imports. Create the "
                    "model in the endpoint's stack, or acknowledge this if the model never changes.",
                )
        if isinstance(variant, InstanceVariant) and variant.instance_count == 1:
            Annotations.of(endpoint).add_warning_v2(
                "ml-constructs:SingleInstance",
                f"variant {variant.name} starts with one instance, and so in one Availability Zone. "
                "Use instance_count=2 or more, or acknowledge this.",
            )


def warn_of_guardrails(
    endpoint: Construct, variants: Sequence[InstanceVariant | ServerlessVariant], deployment: Deployment
) -> None:
    """Warn where SageMaker does not roll an update out as it is told."""
    for variant in variants:
        if any(not is_token(each) and each.startswith("ml.inf1.") for each in variant.instance_types):
            Annotations.of(endpoint).add_warning_v2(
                "ml-constructs:GuardrailsIgnored",
                f"SageMaker ignores the deployment policy of endpoints with Inf1 instances (variant {variant.name}) "
                "and updates all at once (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html)",
            )
        if any(isinstance(model, Model) and model.marketplace for model in variant.models):
            Annotations.of(endpoint).add_warning_v2(
                "ml-constructs:GuardrailsIgnored",
                "SageMaker ignores the deployment policy of endpoints with containers of AWS Marketplace (variant "
                f"{variant.name}) and updates all at once "
                "(https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html)",
            )
        if isinstance(variant, ServerlessVariant) and deployment.strategy != "ALL_AT_ONCE":
            Annotations.of(endpoint).add_warning_v2(
                "ml-constructs:GuardrailsIgnored",
                f"SageMaker may update the serverless variant {variant.name} all at once, whatever the deployment says "
                "(https://docs.aws.amazon.com/sagemaker/latest/dg/model-deploy-feature-matrix.html). "
                "Use Deployment.all_at_once(), or acknowledge this.",
            )
