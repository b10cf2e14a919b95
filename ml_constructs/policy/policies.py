"""What parliament finds in the IAM policies of a template: https://github.com/duo-labs/parliament."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ml_constructs.policy.finding import Finding
from ml_constructs.policy.review import StackReview
from ml_constructs.policy.rule import Severity
from ml_constructs.policy.template import mapping

_PAGE: Final = "https://github.com/duo-labs/parliament"
_PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}
_UNKNOWN: Final = "\0"
_SUBSTITUTED: Final = re.compile(r"\$\{([^}!]+)\}")
_LISTS: Final = ("Action", "NotAction", "Resource", "NotResource")
_MUTED: Final = "MUTE"
_PREFIX: Final = "parliament-"
# An action that none of the resources is for: undecided while one of them is unknown.
_MISMATCH: Final = f"{_PREFIX}RESOURCE_MISMATCH"
# An ARN of resources of every kind, which parliament takes for one of none.
_EVERY_KIND: Final = re.compile(r"(?:[^:]*:){5}\*/")
_TOLD: Final = 300  # characters of details


def findings(stack: StackReview) -> Iterator[Finding]:
    """What parliament finds in policies of roles, users and groups, by what is known of them before a deployment."""
    for logical_id, resource in stack.all_resources.items():
        for path, document in _documents(resource):
            for statement, is_whole in _statements(document):
                for found in _judge(stack, logical_id, path, statement):
                    if is_whole or found.rule != _MISMATCH:
                        yield found


def _documents(resource: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    properties = mapping(resource, "Properties")
    match resource["Type"]:
        case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" | "AWS::IAM::RolePolicy":
            yield "Properties.PolicyDocument", properties.get("PolicyDocument")
        case "AWS::IAM::Role" | "AWS::IAM::User" | "AWS::IAM::Group":
            policies = properties.get("Policies")
            for number, policy in enumerate(policies if isinstance(policies, list) else ()):
                yield f"Properties.Policies.{number}.PolicyDocument", mapping(policy).get("PolicyDocument")


def _statements(document: object) -> Iterator[tuple[dict[str, Any], bool]]:
    """The statements as far as they are known, and whether all their actions and kinds of resources are.

    A value that only the deployment knows is left out of its list, and a statement of which a list then is empty is
    left out: parliament would judge the stand-in.
    """
    statements = mapping(document).get("Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict) or not isinstance(statement.get("Effect"), str):
            continue
        known = {name: statement[name] for name in ("Effect", "Sid") if isinstance(statement.get(name), str)}
        lists = {name: statement[name] for name in _LISTS if name in statement}
        texts = {
            name: [_text(each) for each in (value if isinstance(value, list) else [value])]
            for name, value in lists.items()
        }
        decided = {name: [each for each in value if _UNKNOWN not in each] for name, value in texts.items()}
        if all(decided.values()):
            every_kind = any(_EVERY_KIND.match(each) for each in decided.get("Resource", ()))
            yield {**known, **decided}, decided == texts and not every_kind


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return _PSEUDO.get(name, _UNKNOWN)
        case {"Fn::Sub": str(text)}:
            return _SUBSTITUTED.sub(lambda found: _PSEUDO.get(found[1], _UNKNOWN), text)
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(map(_text, parts))
    return _UNKNOWN


def _judge(stack: StackReview, logical_id: str, path: str, statement: dict[str, Any]) -> Iterator[Finding]:
    import parliament  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415 - optional

    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    try:
        found = [parliament.enhance_finding(each) for each in parliament.analyze_policy_string(document).findings]
    except Exception as error:  # another tool's own, about one policy
        raise ValueError(f"parliament must run, it failed at {stack.name}/{logical_id}: {error!r}") from error
    for each in found:
        if each.severity != _MUTED:
            yield Finding(
                rule=f"{_PREFIX}{each.issue}",
                severity=Severity.WARNING if each.severity == "LOW" else Severity.ERROR,
                title=(each.title or each.issue).rstrip("."),
                message=_message(each.description, each.detail),
                stack=stack.name,
                path=stack.path(logical_id),
                resource_type=stack.all_resources[logical_id]["Type"],
                logical_id=logical_id,
                property_path=path,
                file=stack.file,
                source=_PAGE,
                tools=("parliament",),
            )


def _message(description: str, detail: object) -> str:
    said = detail if isinstance(detail, str) else json.dumps(detail, sort_keys=True, default=str) if detail else ""
    whole = ": ".join(each for each in (description.strip().rstrip("."), said) if each)
    return whole if len(whole) <= _TOLD else f"{whole[:_TOLD]}..."
