"""What a cloud assembly holds, what guards it, and what the synth found.

Reads the files that `cdk synth` writes and nothing else, so it also reviews apps that never used this library:
https://docs.aws.amazon.com/cdk/v2/guide/apps.html
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from ml_constructs.policy.finding import Acknowledged, Finding
from ml_constructs.policy.rule import PREFIX, Severity
from ml_constructs.policy.template import mapping, read_template, resources_of

_ACKNOWLEDGED: Final = "aws:cdk:acknowledged-rules"
# aws-cdk's own acknowledgements of its own rules carry this prefix; they say nothing about the app.
_OWN_RULES: Final = "CloudFormation-Validate::"
# The name of a plugin before the id of its rule.
_PLUGIN: Final = re.compile(r"^[^\[:]+::")
# cdk-nag lists dozens of controls behind a description.
CONTROLS: Final = " - (Control ID"
_NESTED: Final = ".NestedStack"
_Metadata: TypeAlias = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class StackReview:
    """One stack of an assembly, or one template.

    Args:
        name: The stack's path in the app, or the template's file name.
        template_path: Where its template is.
        template: The template.
        acknowledged: The findings that the app accepted in it.
        file: The template as a person would name it. Default: empty, as `template_path` says.
        paths: The constructs' paths by logical id, where the template does not tell them. Default: none.
        account: The stack's account. Default: empty, it is not known before the deployment.
        region: The stack's region. Default: empty, it is not known before the deployment.
        expected: What the CDK itself accepts of its own rules, because it does so on purpose. Default: nothing.
    """

    name: str
    template_path: Path
    template: Mapping[str, Any]
    acknowledged: tuple[Acknowledged, ...]
    file: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    region: str = ""
    expected: tuple[Acknowledged, ...] = ()

    def resources(self, *types: str) -> list[Mapping[str, Any]]:
        """The properties of all resources of these types."""
        found = self.all_resources.values()
        return [mapping(resource, "Properties") for resource in found if resource["Type"] in types]

    @cached_property
    def all_resources(self) -> dict[str, dict[str, Any]]:
        """The well-formed resources by logical id."""
        return resources_of(self.template)

    @property
    def services(self) -> Counter[str]:
        """How many resources each service has."""
        return Counter(f"{resource['Type']}::".split("::")[1] for resource in self.all_resources.values())

    def path(self, logical_id: str) -> str:
        """The path of a resource's construct, or its logical id if nobody knows that."""
        known = mapping(self.all_resources.get(logical_id), "Metadata").get("aws:cdk:path")
        return known if isinstance(known, str) else self.paths.get(logical_id, logical_id)


@dataclass(frozen=True, kw_only=True)
class Review:
    """A whole cloud assembly: its stacks, and the findings that nobody acknowledged.

    Args:
        stacks: Its stacks, nested ones and those of stages included.
        findings: What the synth found.
        accepted: What the synth found and the app accepted.
        missing: What the app looks up in AWS and has not stored, e.g. `("vpc-provider:account=...",)`.
    """

    stacks: tuple[StackReview, ...]
    findings: tuple[Finding, ...]
    accepted: tuple[Acknowledged, ...] = ()
    missing: tuple[str, ...] = ()


def read(directory: Path) -> Review:
    """Review the cloud assembly in a directory, the stages in it included.

    Raises:
        ValueError: the directory holds no readable cloud assembly.
    """
    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        root = directory.resolve()
        stacks = tuple(replace(each, file=_relative(each.template_path, root)) for each in _stacks(directory, manifest))
        findings, accepted = _reported(directory, stacks)
        return Review(
            stacks=stacks,
            findings=tuple(sorted(findings, key=lambda each: each.order)),
            accepted=tuple(accepted),
            missing=tuple(sorted(str(each.get("key")) for each in manifest.get("missing", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"directory must hold a cloud assembly, got {str(directory)!r}: {_said(error)}") from error


def plain_rule(rule: str) -> str:
    """The id of a rule without the name of the plugin that has it."""
    return _PLUGIN.sub("", rule).replace(" ", "-")


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _stacks(directory: Path, manifest: Mapping[str, Any]) -> Iterator[StackReview]:
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] == "cdk:cloud-assembly":
            stage = directory / artifact["properties"]["directoryName"]
            yield from _stacks(stage, json.loads((stage / "manifest.json").read_text(encoding="utf-8")))
        elif artifact["type"] == "aws:cloudformation:stack":
            template = directory / artifact["properties"]["templateFile"]
            metadata = artifact.get("metadata", {})
            if "additionalMetadataFile" in artifact:
                metadata = json.loads((directory / artifact["additionalMetadataFile"]).read_text(encoding="utf-8"))
            accepted = sorted(_acknowledged(metadata), key=lambda each: (each[0].path, each[0].rule))
            account, _, region = artifact.get("environment", "").removeprefix("aws://").partition("/")
            stack = StackReview(
                name=artifact.get("displayName", name).partition(" (")[0],
                template_path=template,
                template=_checked(template),
                acknowledged=tuple(each for each, is_of_app in accepted if is_of_app),
                expected=tuple(each for each, is_of_app in accepted if not is_of_app),
                paths=_paths(metadata, ""),
                account="" if account.startswith("unknown") else account,
                region="" if region.startswith("unknown") else region,
            )
            yield stack
            yield from _nested(directory, stack, metadata)


def _nested(directory: Path, parent: StackReview, metadata: _Metadata) -> Iterator[StackReview]:
    for logical_id, resource in parent.all_resources.items():
        if resource["Type"] != "AWS::CloudFormation::Stack":
            continue
        asset = mapping(resource, "Metadata").get("aws:asset:path") or _asset(directory, resource)
        if not isinstance(asset, str):
            continue
        path, found, _ = parent.path(logical_id).rpartition(f"{_NESTED}/")
        name = path if found else f"{parent.name}/{logical_id}"
        stack = StackReview(
            name=name,
            template_path=directory / asset,
            template=_checked(directory / asset),
            acknowledged=(),  # the metadata of the stack around it has them
            paths=_paths(metadata, f"{name}/"),
            account=parent.account,
            region=parent.region,
        )
        yield stack
        yield from _nested(directory, stack, metadata)


def _asset(directory: Path, resource: Mapping[str, Any]) -> str | None:
    """The file of a nested stack's template, by the hash in its address, for apps that say no paths of assets."""
    address = json.dumps(mapping(resource, "Properties").get("TemplateURL"))
    for manifest in sorted(directory.glob("*.assets.json")):
        for key, asset in json.loads(manifest.read_text(encoding="utf-8"))["files"].items():
            if key in address and asset["source"]["path"].endswith(".nested.template.json"):
                return str(asset["source"]["path"])
    return None


def _checked(path: Path) -> dict[str, Any]:
    try:
        return read_template(path)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _paths(metadata: _Metadata, below: str) -> dict[str, str]:
    """The constructs' paths by logical id, below a path; of two with one logical id, the other is in a nested stack."""
    found = [
        (path.lstrip("/"), entry["data"])
        for path, entries in metadata.items()
        for entry in entries
        if entry["type"] == "aws:cdk:logicalId" and isinstance(entry.get("data"), str)
    ]
    found.sort(key=lambda each: -len(each[0]))
    return {logical_id: path for path, logical_id in found if path.startswith(below)}


def _acknowledged(metadata: _Metadata) -> Iterator[tuple[Acknowledged, bool]]:
    """What is accepted, and whether the app says so, not the CDK of itself."""
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == _ACKNOWLEDGED:
                for rule, reason in entry["data"].items():
                    is_of_app = not rule.startswith(_OWN_RULES) or rule.startswith(_OWN_RULES + PREFIX)
                    yield Acknowledged(path=path.lstrip("/"), rule=plain_rule(rule), reason=reason), is_of_app


def _relative(path: Path, root: Path) -> str:
    inside = path.resolve()
    return (inside.relative_to(root) if inside.is_relative_to(root) else inside).as_posix()


def _reported(directory: Path, stacks: tuple[StackReview, ...]) -> tuple[list[Finding], list[Acknowledged]]:
    report = directory / "validation-report.json"
    if not report.exists():
        return [], []
    findings: list[Finding] = []
    accepted: list[Acknowledged] = []
    by_file = {each.file: each for each in stacks}
    for plugin in json.loads(report.read_text(encoding="utf-8"))["pluginReports"]:
        for violation in plugin["violations"]:
            findings += [_placed(each, by_file) for each in _of(violation)]
        for violation in plugin.get("suppressedViolations", ()):
            at, reason = violation.get("acknowledgedAt", ""), violation.get("reason", "")
            accepted += [
                Acknowledged(path=at, rule=each.rule, reason=reason, finding=_placed(each, by_file))
                for each in _of(violation)
            ]
    return findings, accepted


def _placed(finding: Finding, by_file: Mapping[str, StackReview]) -> Finding:
    """A finding with the stack and the resource it is about."""
    around = (each for each in by_file.values() if f"{finding.path}/".startswith(f"{each.name}/"))
    stack = by_file.get(finding.file) or max(around, key=lambda each: len(each.name), default=None)
    if stack is None:
        return finding
    named = (each for each in stack.all_resources if stack.path(each) == finding.path)
    logical_id = finding.logical_id or next(named, "")
    kind = stack.all_resources.get(logical_id, {}).get("Type", "")
    return replace(finding, stack=stack.name, logical_id=logical_id, resource_type=kind, file=stack.file)


def _of(violation: Mapping[str, Any]) -> Iterator[Finding]:
    for construct in violation.get("violatingConstructs") or [{}]:  # a violation is never lost
        resource = construct.get("cloudFormationResource", {})
        yield Finding(
            path=construct.get("constructPath", "unknown"),
            rule=violation["ruleName"],
            severity=Severity.ERROR if violation.get("severity", "error") in {"error", "fatal"} else Severity.WARNING,
            title=violation["description"].split(CONTROLS)[0],
            fix=violation.get("suggestedFix", ""),
            logical_id=resource.get("logicalId", ""),
            property_path=next((path for path in resource.get("propertyPaths", ()) if path != "Properties"), ""),
            file=resource.get("templatePath", ""),
            tools=("synth",),
        )
