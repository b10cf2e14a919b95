"""What a cloud assembly holds, what guards it, and what the policy packs found.

Reads the files that `cdk synth` writes and nothing else, so it also reviews apps that never used this library:
https://docs.aws.amazon.com/cdk/v2/guide/apps.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_ACKNOWLEDGED: Final = "aws:cdk:acknowledged-rules"
# aws-cdk's own acknowledgements of its own rules carry this prefix; they say nothing about the app.
_OWN_RULES: Final = "CloudFormation-Validate::"
# What aws-cdk puts before the id of an acknowledgement that names no plugin.
_ANNOTATION: Final = "Annotation::"
# cdk-nag lists dozens of controls behind a description.
_CONTROLS: Final = " - (Control IDs"


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """What a rule found and nobody acknowledged."""

    path: str
    rule: str
    severity: str
    description: str


@dataclass(frozen=True, kw_only=True, order=True)
class Acknowledged:
    """A finding that was accepted beside its cause, and why."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StackReview:
    """One stack of an assembly.

    Args:
        name: The stack's path in the app.
        template_path: Where its template is.
        template: The template.
        acknowledged: The findings accepted in it.
    """

    name: str
    template_path: Path
    template: Mapping[str, Any]
    acknowledged: tuple[Acknowledged, ...]

    def resources(self, *types: str) -> list[Mapping[str, Any]]:
        """The properties of all resources of these types."""
        found = self.template.get("Resources", {}).values()
        return [resource.get("Properties", {}) for resource in found if resource["Type"] in types]

    @property
    def services(self) -> Counter[str]:
        """How many resources each service has."""
        return Counter(resource["Type"].split("::")[1] for resource in self.template.get("Resources", {}).values())


@dataclass(frozen=True, kw_only=True)
class Review:
    """A whole cloud assembly: its stacks, and the findings that nobody acknowledged."""

    stacks: tuple[StackReview, ...]
    findings: tuple[Finding, ...]


def read(directory: Path) -> Review:
    """Review the cloud assembly in a directory, the stages in it included.

    Raises:
        ValueError: the directory holds no readable cloud assembly.
    """
    try:
        stacks = tuple(_stacks(directory))
        return Review(stacks=stacks, findings=tuple(sorted(_findings(directory))))
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"directory must hold a cloud assembly, got {str(directory)!r}: {error}") from error


def _stacks(directory: Path) -> Iterator[StackReview]:
    artifacts = json.loads((directory / "manifest.json").read_text())["artifacts"]
    for name, artifact in artifacts.items():
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(directory / artifact["properties"]["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            template = directory / artifact["properties"]["templateFile"]
            metadata = artifact.get("metadata", {})
            if "additionalMetadataFile" in artifact:
                metadata = json.loads((directory / artifact["additionalMetadataFile"]).read_text())
            yield StackReview(
                name=artifact.get("displayName", name),
                template_path=template,
                template=json.loads(template.read_text()),
                acknowledged=tuple(sorted(_acknowledged(metadata))),
            )


def _acknowledged(metadata: Mapping[str, list[dict[str, Any]]]) -> Iterator[Acknowledged]:
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == _ACKNOWLEDGED:
                for rule, reason in entry["data"].items():
                    if not rule.startswith(_OWN_RULES):
                        yield Acknowledged(path=path.lstrip("/"), rule=rule.removeprefix(_ANNOTATION), reason=reason)


def _findings(directory: Path) -> Iterator[Finding]:
    report = directory / "validation-report.json"
    if not report.exists():
        return
    for plugin in json.loads(report.read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation.get("violatingConstructs") or [{}]:  # a violation is never lost
                yield Finding(
                    path=construct.get("constructPath", "unknown"),
                    rule=violation["ruleName"],
                    severity=violation.get("severity", "error"),
                    description=violation["description"].split(_CONTROLS)[0],
                )
