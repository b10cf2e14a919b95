"""A version of a model is pinned; nothing is looked up at synth."""

from __future__ import annotations

import re

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import App, Stack

from ml_constructs.models.model import Model
from ml_constructs.models.model_version import MAX_ARN, ModelVersion
from ml_constructs.models.packaged_container import PackagedContainer
from tests.constructs.builders import XGBOOST, properties, synthesised, text

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/3"
SERVICE = botocore.session.get_session().get_service_model("sagemaker")


def served(stack: Stack, version: ModelVersion) -> Model:
    return Model(stack, "Model", containers=[PackagedContainer(package=version, images=[XGBOOST])])


@pytest.mark.parametrize(
    "arn", [ARN, ARN.replace("aws", "aws-cn", 1), ARN.replace("aws", "aws-us-gov", 1), f"{ARN[:-2]}-a/12"]
)
def test_takes_an_arn_with_a_version(arn: str) -> None:
    assert ModelVersion(model_package_arn=arn).model_package_arn == arn


@pytest.mark.parametrize("bad", ["", "churn/3", ARN[:-2], f"{ARN}/4", ARN.replace("churn", "a" * 64), ARN[:-1] + "x"])
def test_refuses_what_names_no_version(bad: str) -> None:
    with pytest.raises(ValueError, match=rf"^model_package_arn must be the ARN of a version .*, got '{bad}'"):
        ModelVersion(model_package_arn=bad)


def test_arn_at_and_beyond_its_edge() -> None:
    assert SERVICE.shape_for("VersionedArnOrName").metadata["max"] == MAX_ARN
    longest = ARN.replace("eu-west-1", "e" * (MAX_ARN - len(ARN) + len("eu-west-1")))
    assert len(longest) == MAX_ARN
    assert ModelVersion(model_package_arn=longest)
    with pytest.raises(ValueError, match="at most 176 characters, got"):
        ModelVersion(model_package_arn=longest.replace("e:1", "ee:1"))


def test_a_token_passes(stack: Stack) -> None:
    served(stack, ModelVersion(model_package_arn=text(stack)))
    assert properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]["ModelPackageName"] == {"Ref": "Text"}


def test_is_in_the_context() -> None:
    stack = Stack(App(context={"churn": ARN}, builtin_cloud_formation_validation=False), "Stack")
    served(stack, ModelVersion.from_context(stack, "churn"))
    assert properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"] == {"ModelPackageName": ARN}


@pytest.mark.parametrize(("value", "problem"), [(None, "name must be in the context"), ("3", "context churn must be")])
def test_a_missing_or_malformed_context_is_refused(value: str | None, problem: str) -> None:
    context = {} if value is None else {"churn": value}
    stack = Stack(App(context=context, builtin_cloud_formation_validation=False), "Stack")
    with pytest.raises(ValueError, match=problem):
        ModelVersion.from_context(stack, "churn")


def test_is_a_parameter_that_cloudformation_checks(stack: Stack) -> None:
    served(stack, ModelVersion.from_parameter(stack, "ChurnVersion", default=ARN))
    parameter = synthesised(stack)["Parameters"]["ChurnVersion"]
    assert parameter["Default"] == ARN
    assert parameter["MaxLength"] == MAX_ARN
    assert re.match(parameter["AllowedPattern"], ARN)
    assert not re.match(parameter["AllowedPattern"], ARN[:-2])
    assert properties(stack, "AWS::SageMaker::Model")["PrimaryContainer"]["ModelPackageName"] == {"Ref": "ChurnVersion"}


def test_a_parameter_may_begin_with_nothing(stack: Stack) -> None:
    served(stack, ModelVersion.from_parameter(stack, "ChurnVersion"))
    assert "Default" not in synthesised(stack)["Parameters"]["ChurnVersion"]
    with pytest.raises(ValueError, match="default must be the ARN of a version"):
        ModelVersion.from_parameter(stack, "Other", default="3")
