"""Which version of a registered model an app deploys: pinned in source, in the CDK's context, or by a parameter.

Nothing is looked up at synth, so that the same source gives the same template, and a rollback deploys what it did then.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

from aws_cdk import CfnParameter
from constructs import Construct

from ml_constructs._checks import check_pattern, check_type

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
MAX_ARN: Final = 176
VERSION_ARN: Final = (
    r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}/\d{1,9}"
)
VERSION_RULE: Final = "the ARN of a version of a model package, arn:...:model-package/group/3"


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """One version of a model in the registry; give it to a `PackagedContainer`.

    Args:
        model_package_arn: The ARN with the version, at most 176 characters.

    Raises:
        ValueError: the ARN is malformed, or names no version.

    See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html
    """

    model_package_arn: str

    def __post_init__(self) -> None:
        check_type(str, model_package_arn=self.model_package_arn)
        check_pattern("model_package_arn", self.model_package_arn, rf"(?!.{{{MAX_ARN + 1}}}){VERSION_ARN}", _RULE)

    @staticmethod
    def from_context(scope: Construct, name: str) -> ModelVersion:
        """The version that the CDK's context names: in `cdk.json`, or `cdk deploy -c name=arn`.

        A release job asks the registry for the newest approved version, and commits or passes its ARN; so source or
        build says what is deployed.

        Args:
            scope: Any construct of the app.
            name: The name of the context value.

        Raises:
            ValueError: the context has no such value, or it is no ARN of a version.
        """
        check_type(Construct, scope=scope)
        check_type(str, name=name)
        value: Any = scope.node.try_get_context(name)
        if value is None:
            raise ValueError(f"name must be in the context, e.g. cdk deploy -c {name}=<ARN of a version>, got {name!r}")
        check_type(str, **{f"context {name}": value})
        check_pattern(f"context {name}", value, rf"(?!.{{{MAX_ARN + 1}}}){VERSION_ARN}", _RULE)
        return ModelVersion(model_package_arn=value)

    @staticmethod
    def from_parameter(
        scope: Construct, construct_id: str, *, default: str | None = None, description: str | None = None
    ) -> ModelVersion:
        """The version that a parameter of the stack names, so that one template deploys any version.

        CloudFormation keeps the last value for deployments that do not name it.

        Args:
            scope: The parent construct.
            construct_id: The id in `scope`; the parameter's name if `scope` is the stack.
            default: The ARN to begin with. Default: the first deployment must name one.
            description: What the parameter says of itself. Default: that it is the ARN of a version.

        Raises:
            ValueError: `default` is no ARN of a version.
        """
        check_type(Construct, scope=scope)
        check_type(str, construct_id=construct_id)
        check_type((str, NoneType), default=default, description=description)
        check_pattern("default", default, rf"(?!.{{{MAX_ARN + 1}}}){VERSION_ARN}", _RULE)
        parameter = CfnParameter(
            scope,
            construct_id,
            type="String",
            default=default,
            description="The version of the model to deploy, as ARN" if description is None else description,
            allowed_pattern=rf"^{VERSION_ARN}$",
            constraint_description=f"must be {VERSION_RULE}",
            max_length=MAX_ARN,
        )
        return ModelVersion(model_package_arn=parameter.value_as_string)


_RULE: Final = f"{VERSION_RULE}, at most {MAX_ARN} characters"
