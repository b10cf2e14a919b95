"""What the tests of the front ends share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from aws_cdk import Stack
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from ml_constructs.endpoints.endpoint import Endpoint
from ml_constructs.interfaces.endpoint import IEndpoint


def an_endpoint(stack: Stack, name: str = "champion") -> IEndpoint:
    return Endpoint.from_endpoint_name(stack, f"Endpoint-{name}", name)


def template(stack: Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json())


def resources(stack: Stack, kind: str) -> dict[str, Any]:
    return {name: each for name, each in template(stack)["Resources"].items() if each["Type"] == kind}


def one(stack: Stack, kind: str) -> Any:  # noqa: ANN401 - a resource of a template
    (found,) = resources(stack, kind).values()
    return found


def findings(stack: Stack) -> set[str]:
    packs = (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)
    return {finding.rule_name for pack in packs for finding in pack(stack.node.root).validate_scope(stack).violations}


def admitted_log_groups(stack: Stack) -> list[str]:
    """The names that the one key of a stack admits."""
    return [
        str(arn["Fn::Join"][1][-1]).removeprefix(":log-group:")
        for statement in one(stack, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"]
        for arn in statement.get("Condition", {}).get("ArnLike", {}).get("kms:EncryptionContext:aws:logs:arn", [])
    ]


def literal_partitions(stack: Stack) -> list[str]:
    return re.findall(r"arn:aws[a-z-]*:", json.dumps(template(stack)))


def assert_acyclic(stack: Stack) -> None:
    found = template(stack)["Resources"]
    edges = {name: {target for target in _references(each) if target in found} for name, each in found.items()}
    done: set[str] = set()
    while ready := {name for name, targets in edges.items() if name not in done and targets <= done}:
        done |= ready
    assert done == set(found)


def depends_on(stack: Stack, name: str) -> set[str]:
    """Everything that CloudFormation makes before a resource."""
    found = template(stack)["Resources"]
    seen: set[str] = set()
    todo = {name}
    while todo:
        current = todo.pop()
        new = {target for target in _references(found[current]) if target in found} - seen
        seen |= new
        todo |= new
    return seen


def _references(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key == "Ref":
            yield each
        elif key == "Fn::GetAtt":
            yield each[0]
        elif key == "DependsOn":
            yield from [each] if isinstance(each, str) else each
        elif key == "Fn::Sub":
            yield from re.findall(r"\$\{([A-Za-z0-9]+)", each if isinstance(each, str) else each[0])
        yield from _references(each)
