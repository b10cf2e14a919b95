"""Endpoints that this app does not own, usable like those that it does."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Final

from aws_cdk import ArnFormat, Stack
from constructs import Construct

from ml_constructs._checks import check_each, check_pattern, check_type, is_token
from ml_constructs._environment import environment_of
from ml_constructs._names import arn_of_endpoint, lower_case_arn
from ml_constructs.endpoint_config.asynchronous import AsyncStorage
from ml_constructs.endpoint_config.instance_variant import NAME_PATTERN, NAME_RULE
from ml_constructs.interfaces.endpoint import IEndpoint

_ARN_PATTERN: Final = rf"arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{{12}}:endpoint/{NAME_PATTERN}"


class ImportedEndpoint(Construct, IEndpoint):
    """An endpoint known by its name and ARN."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variants: Sequence[str],
        endpoint_name: str | None = None,
        endpoint_arn: str | None = None,
        shadow: str | None = None,
        serverless: bool = False,
        asynchronous: bool = False,
        async_storage: AsyncStorage | None = None,
    ) -> None:
        name, arn = name_and_arn(scope, endpoint_name, endpoint_arn)
        check_each("names", str, variant_names=variants)
        check_type((str, NoneType), shadow_name=shadow)
        check_type(bool, serverless=serverless, asynchronous=asynchronous)
        check_type((AsyncStorage, NoneType), async_storage=async_storage)
        if is_token(variants):
            raise ValueError("variant_names must be a list whose length is known at synth, got a token")
        for variant in variants:
            check_pattern("variant_names", variant, NAME_PATTERN, NAME_RULE)
        check_pattern("shadow_name", shadow, NAME_PATTERN, NAME_RULE)
        if len(set(variants)) < len(variants):
            raise ValueError(f"variant_names must be unique, got {', '.join(variants)}")
        if shadow is not None and shadow in variants:
            raise ValueError(f"shadow_name must not be one of variant_names, got {shadow!r}")
        if serverless and asynchronous:
            raise ValueError("asynchronous must be False for a serverless endpoint, got True")
        if async_storage is not None and not asynchronous:
            raise ValueError("async_storage must not be given unless asynchronous is True, got one with False")
        super().__init__(scope, construct_id)
        self.endpoint_name = name
        self.endpoint_arn = arn
        self.variant_names = tuple(variants)
        self.shadow_name = shadow
        self.serverless = serverless
        self.asynchronous = asynchronous
        self.async_storage = async_storage
        self._published = _elsewhere(self, arn)


def name_and_arn(scope: Construct, endpoint_name: str | None, endpoint_arn: str | None) -> tuple[str, str]:
    """The name and the ARN of an endpoint that one of them tells, of this account and region if it is the name."""
    if endpoint_arn is None:
        check_type(str, endpoint_name=endpoint_name)
        check_pattern("endpoint_name", endpoint_name, NAME_PATTERN, NAME_RULE)
        name = endpoint_name or ""
        return name, arn_of_endpoint(scope, name)
    if endpoint_name is not None:
        raise ValueError(
            f"endpoint_name must not be given beside endpoint_arn, which ends with it, got {endpoint_name!r}"
        )
    check_type(str, endpoint_arn=endpoint_arn)
    check_pattern("endpoint_arn", endpoint_arn, _ARN_PATTERN, "the ARN of an endpoint")
    name = Stack.of(scope).split_arn(endpoint_arn, ArnFormat.SLASH_RESOURCE_NAME).resource_name or ""
    return name, lower_case_arn(endpoint_arn)


def _elsewhere(scope: Construct, arn: str) -> dict[str, str]:
    """The account and region of the ARN where they are not the stack's: CloudWatch must be told to look there."""
    if is_token(arn):
        return {}
    _, _, _, region, account, _ = arn.split(":", 5)
    here = environment_of(scope)
    # A stack without an environment may be anywhere; then the ARN tells where the metrics are, wherever that is.
    return {} if (region, account) == (here.region, here.account) else {"region": region, "account": account}
