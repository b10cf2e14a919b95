"""The account, region and partition of a stack, asked for once: each question to the CDK costs time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import CfnOutput, Fn, Stack
from constructs import IConstruct

from ml_constructs._checks import is_token


@dataclass(frozen=True, kw_only=True)
class StackEnvironment:
    """Where a stack is deployed; each value but the path may be a token."""

    app: str
    stack_path: str
    partition: str
    region: str
    account: str
    url_suffix: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def service(self, name: str) -> str:
        """A regional service as policies name it, e.g. in `kms:ViaService`."""
        return f"{name}.{self.region}.{self.url_suffix}"


# By stack, and by construct, since a construct never moves to another stack.
_KNOWN: Final[WeakKeyDictionary[IConstruct, StackEnvironment]] = WeakKeyDictionary()


def environment_of(scope: IConstruct) -> StackEnvironment:
    """The environment of the stack that holds `scope`."""
    try:
        known = _KNOWN.get(scope)
    except TypeError:  # None, text and the like cannot be looked up
        raise TypeError(f"scope must be a construct, got {scope!r}") from None
    if known is not None:
        return known
    stack = Stack.of(scope)
    if stack not in _KNOWN:
        _KNOWN[stack] = StackEnvironment(
            app=stack.node.root.__jsii_ref__.ref,  # type: ignore[attr-defined] # every jsii object has it
            stack_path=stack.node.path,
            partition=stack.partition,
            region=stack.region,
            account=stack.account,
            url_suffix=stack.url_suffix,
        )
    _KNOWN[scope] = _KNOWN[stack]
    return _KNOWN[scope]


def outermost_stack(scope: IConstruct) -> Stack:
    """The stack that is deployed with `scope` in it: a nested stack's is its outermost parent."""
    stack = Stack.of(scope)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack


_REGIONS: Final[WeakKeyDictionary[IConstruct, str]] = WeakKeyDictionary()


def check_app(scope: IConstruct, **resources: IConstruct | None) -> None:
    """Raise `ValueError` unless each resource is in the app of `scope`, in any region; None passes."""
    here = environment_of(scope).app
    for argument, resource in resources.items():
        if resource is not None and environment_of(resource).app != here:
            raise ValueError(f"{argument} must be of the app of what uses it, got {resource.node.path!r} of another")


def check_region(scope: IConstruct, **resources: IConstruct | None) -> None:
    """Raise `ValueError` unless each resource is in the app and in the region of `scope`; None and tokens pass.

    AWS refuses a key, bucket or network of another region, and aws-cdk notices at best when it synthesises.
    """
    check_app(scope, **resources)
    here = environment_of(scope)
    for argument, resource in resources.items():
        if resource is None:
            continue
        region = region_of(resource)
        if region != here.region and not is_token(region) and not is_token(here.region):
            raise ValueError(f"{argument} must be in the region of what uses it, {here.region}, got one in {region}")


def check_account(scope: IConstruct, **constructs: IConstruct | None) -> None:
    """Raise `ValueError` unless each construct is in the app, region and account of `scope`; None and tokens pass."""
    check_region(scope, **constructs)
    here = environment_of(scope).account
    for argument, construct in constructs.items():
        there = here if construct is None else environment_of(construct).account
        if there != here and not is_token(there) and not is_token(here):
            raise ValueError(f"{argument} must be in the account of what uses it, {here}, got one in {there}")


def region_of(resource: IConstruct) -> str:
    """Where a resource is: an imported one need not be in the region of its stack."""
    region = _REGIONS.get(resource)
    if region is None:
        environment = getattr(resource, "env", None)
        region = environment_of(resource).region if environment is None else str(environment.region)
        _REGIONS[resource] = region
    return region


def from_elsewhere(scope: IConstruct, resource: IConstruct, value: str) -> str:
    """A value of a resource whose stack may be in another region, which can export nothing to the stack of `scope`.

    CloudFormation looks it up among the outputs of that stack, which it therefore deploys first; without a custom
    resource, and without holding that stack:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html

    aws-cdk would do the same with a token that it resolves after acknowledgements have named what it resolves to.
    """
    here, there = environment_of(scope), environment_of(resource)
    if here.stack_path == there.stack_path or here.region == there.region or not is_token(value):
        return value
    owner = Stack.of(resource)
    if owner.nested_stack_parent is not None:
        raise ValueError(f"{resource.node.path} must not be in a nested stack, whose name no other region knows")
    name = "From" + "".join(re.findall(r"\w+", json.dumps(owner.resolve(value))))
    output = owner.node.try_find_child(name)
    if not isinstance(output, CfnOutput):
        output = CfnOutput(owner, name, value=value)
    Stack.of(scope).add_stack_dependency(owner)
    return Fn.get_stack_output(owner.stack_name, str(owner.resolve(output.logical_id)), there.region)
