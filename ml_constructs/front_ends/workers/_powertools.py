"""Powertools for AWS Lambda from its public layer, by which the code behind queues and streams logs and measures."""

from __future__ import annotations

from typing import Final

from aws_cdk import Aws, CfnCondition, Fn, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from ml_constructs._checks import is_token
from ml_constructs._environment import environment_of

# Version 3.31.1, https://docs.aws.amazon.com/powertools/python/latest/getting-started/install/
_LAYER: Final = "AWSLambdaPowertoolsPythonV3-python314-arm64:36"
_ACCOUNT: Final = "017000801446"
# Who publishes the layer outside the commercial regions, by the region or partition.
_GOV_EAST: Final = ("us-gov-east-1", "165087284144")
_GOV_WEST: Final = ("us-gov-west-1", "165093116878")
_CHINA: Final = ("cn-north-1", "498634801083")
_CHINESE_PARTITION: Final = "aws-cn"


def powertools_layer(scope: Construct) -> lambda_.ILayerVersion:
    """The public layer, for functions of Python 3.14 on arm64.

    Raises:
        ValueError: the layer is not published in the stack's region.
    """
    here = environment_of(scope)
    account = _by_condition(Stack.of(scope)) if is_token(here.region) else _known(here.region)
    arn = f"arn:{here.partition}:lambda:{here.region}:{account}:layer:{_LAYER}"
    return lambda_.LayerVersion.from_layer_version_arn(scope, "Powertools", arn)


def _known(region: str) -> str:
    if region.startswith("cn-") and region != _CHINA[0]:
        raise ValueError(
            f"scope must be in a region where the layer of Powertools is published, in China {_CHINA[0]}, got {region}"
        )
    return dict((_GOV_EAST, _GOV_WEST, _CHINA)).get(region, _ACCOUNT)


def _by_condition(stack: Stack) -> str:
    """Let CloudFormation choose the account, where the region is known only at deployment."""
    account = _ACCOUNT
    for name, condition, publisher in (
        ("InChina", Fn.condition_equals(Aws.PARTITION, _CHINESE_PARTITION), _CHINA[1]),
        ("InGovCloudWest", Fn.condition_equals(Aws.REGION, _GOV_WEST[0]), _GOV_WEST[1]),
        ("InGovCloudEast", Fn.condition_equals(Aws.REGION, _GOV_EAST[0]), _GOV_EAST[1]),
    ):
        known = stack.node.try_find_child(name)  # InChina may be another's, see network/_service_names.py
        made = known if isinstance(known, CfnCondition) else CfnCondition(stack, name, expression=condition)
        account = Fn.condition_if(made.logical_id, publisher, account).to_string()
    return account
