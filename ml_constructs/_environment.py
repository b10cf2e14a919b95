"""The account, region and partition of a stack, asked for once: each question to the CDK costs time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from constructs import IConstruct


@dataclass(frozen=True, kw_only=True)
class StackEnvironment:
    """Where a stack is deployed; each value but the path may be a token."""

    stack_path: str
    partition: str
    region: str
    account: str
    url_suffix: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


# By stack, and by construct, since a construct never moves to another stack.
_KNOWN: Final[WeakKeyDictionary[IConstruct, StackEnvironment]] = WeakKeyDictionary()


def environment_of(scope: IConstruct) -> StackEnvironment:
    """The environment of the stack that holds `scope`."""
    known = _KNOWN.get(scope)
    if known is not None:
        return known
    stack = Stack.of(scope)
    if stack not in _KNOWN:
        _KNOWN[stack] = StackEnvironment(
            stack_path=stack.node.path,
            partition=stack.partition,
            region=stack.region,
            account=stack.account,
            url_suffix=stack.url_suffix,
        )
    _KNOWN[scope] = _KNOWN[stack]
    return _KNOWN[scope]
