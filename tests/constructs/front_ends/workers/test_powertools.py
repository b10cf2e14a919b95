from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import pytest
from aws_cdk import App, Environment, NestedStack, Stack
from constructs import Construct

from ml_constructs.front_ends.workers._powertools import powertools_layer
from tests.constructs.front_ends.helpers import template

# https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/
PUBLISHERS = {
    "eu-west-1": "aws:lambda:eu-west-1:017000801446",
    "us-gov-east-1": "aws-us-gov:lambda:us-gov-east-1:165087284144",
    "us-gov-west-1": "aws-us-gov:lambda:us-gov-west-1:165093116878",
    "cn-north-1": "aws-cn:lambda:cn-north-1:498634801083",
}
LAYER = "AWSLambdaPowertoolsPythonV3-python314-arm64:36"


def arn(scope: Construct) -> Any:  # noqa: ANN401 - an expression of CloudFormation
    return Stack.of(scope).resolve(powertools_layer(scope).layer_version_arn)


def evaluated(value: Any, conditions: dict[str, Any], facts: dict[str, str]) -> Any:  # noqa: ANN401
    """An expression as CloudFormation evaluates it."""
    match value:
        case {"Ref": name}:
            return facts[name]
        case {"Fn::Join": [delimiter, parts]}:
            return delimiter.join(evaluated(part, conditions, facts) for part in parts)
        case {"Fn::Equals": [one, other]}:
            return evaluated(one, conditions, facts) == evaluated(other, conditions, facts)
        case {"Fn::If": [name, yes, no]}:
            return evaluated(yes if evaluated(conditions[name], conditions, facts) else no, conditions, facts)
        case _:
            return value


@pytest.mark.parametrize("region", PUBLISHERS)
def test_names_the_publisher_of_a_known_region(app: App, region: str) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region=region))
    facts = {"AWS::Partition": PUBLISHERS[region].partition(":")[0]}
    assert evaluated(arn(stack), {}, facts) == f"arn:{PUBLISHERS[region]}:layer:{LAYER}"
    assert "Conditions" not in template(stack)


@pytest.mark.parametrize("region", PUBLISHERS)
def test_cloudformation_chooses_the_publisher_of_an_unknown_region(stack: Stack, region: str) -> None:
    value = arn(stack)
    facts = {"AWS::Region": region, "AWS::Partition": PUBLISHERS[region].partition(":")[0]}
    assert evaluated(value, template(stack)["Conditions"], facts) == f"arn:{PUBLISHERS[region]}:layer:{LAYER}"


def test_refuses_a_region_without_the_layer(app: App) -> None:
    stack = Stack(app, "Stack", env=Environment(account="111122223333", region="cn-northwest-1"))
    with pytest.raises(ValueError, match=r"scope must be in a region .*, in China cn-north-1, got cn-northwest-1"):
        powertools_layer(stack)


def test_several_functions_share_the_conditions(stack: Stack) -> None:
    assert arn(Construct(stack, "One")) == arn(Construct(stack, "Other"))
    nested = NestedStack(stack, "Nested")
    assert "InGovCloudEast" in json.dumps(arn(nested))


def test_layer_has_the_version_that_the_tests_use() -> None:
    assert (version("aws-lambda-powertools"), LAYER.rpartition(":")[2]) == ("3.31.1", "36")
