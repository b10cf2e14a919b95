"""One rule of the SageMaker pack: a file that holds its documentation and, below that, its source in Guard or Rego.

    # title = "An endpoint rolls a bad deployment back"
    # severity = "error"
    # ...
    # ---
    rule SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS when %endpoints !empty { ... }

The documentation is TOML behind comment signs, so that cfn-guard and the Rego engine read the same files.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

RULES: Final = Path(__file__).parent / "rules"
LIBRARY: Final = RULES / "_library"
_END: Final = "# ---"
PREFIX: Final = "SAGEMAKER_"


class Severity(IntEnum):
    """How bad a finding is; an error fails a synth."""

    WARNING = 1
    ERROR = 2

    @property
    def rego(self) -> str:
        """The engine's word for it."""
        return "WARN" if self is Severity.WARNING else "ERROR"


class Profile(IntEnum):
    """Whom a rule is for; each profile has the rules of those before it."""

    DEVELOPMENT = 1
    PRODUCTION = 2
    REGULATED = 3


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a rule demands, why, and how."""

    id: str
    """The file's name in capitals behind `SAGEMAKER_`; never changes its meaning."""
    topic: str
    """The folder of the file."""
    language: Literal["guard", "rego"]
    title: str
    """What has to be so, in one sentence."""
    severity: Severity
    profile: Profile
    """The first profile that demands it."""
    intent: str
    """What goes wrong without it."""
    fix: str
    """What to set."""
    sources: tuple[str, ...]
    """Pages of AWS that the rule rests on."""
    controls: tuple[str, ...]
    """Controls of Security Hub or NIST SP 800-53 Revision 5 that it serves; often none."""
    fails: str
    """A template that breaks it, in YAML."""
    passes: str
    """One that does not."""
    content: str
    """The whole file."""


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of the pack, by topic and id.

    Raises:
        ValueError: a rule's file is malformed.
    """
    files = (path for path in RULES.glob("*/*.*") if path.suffix in {".guard", ".rego"} and path.parent != LIBRARY)
    return tuple(sorted(map(read_rule, files), key=lambda rule: (rule.topic, rule.id)))


def chosen(profile: Profile, severity: Severity) -> tuple[Rule, ...]:
    """The rules that a profile demands, from a severity on."""
    return tuple(rule for rule in rules() if rule.profile <= profile and rule.severity >= severity)


def sources(selected: Sequence[Rule], language: Literal["guard", "rego"]) -> list[tuple[str, str]]:
    """File names and contents for an engine.

    Rego rules share a package, and with it the functions of a library and what is documented of each rule.
    """
    found = [(f"{rule.id}.{language}", rule.content) for rule in selected if rule.language == language]
    if language == "rego" and found:
        documented = {
            rule.id: {"severity": rule.severity.rego, "fix": rule.fix, "source": rule.sources[0]} for rule in selected
        }
        # On many lines: the engine reads none of more than 1,024 characters.
        documentation = f"package ml_constructs\n\ndocumentation := {json.dumps(documented, indent=1)}\n"
        library = [(f"library_{path.name}", path.read_text()) for path in sorted(LIBRARY.glob("*.rego"))]
        found[:0] = [*library, ("documentation.rego", documentation)]
    return found


def read_rule(path: Path) -> Rule:
    """One rule from its file.

    Raises:
        ValueError: the file is malformed.
    """
    content = path.read_text()
    header, separator, _ = content.partition(f"{_END}\n")
    if not separator:
        raise ValueError(f"{path.name} must have a line {_END!r} between documentation and source")
    lines = (line.removeprefix("#").removeprefix(" ") for line in header.splitlines())
    try:
        known = tomllib.loads("\n".join(lines))
        values: dict[str, Any] = {
            **known,
            "severity": Severity[known["severity"].upper()],
            "profile": Profile[known["profile"].upper()],
            "sources": tuple(known["sources"]),
            "controls": tuple(known.get("controls", ())),
        }
    except (tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path.name} has malformed documentation: {error!r}") from error
    derived = {"id", "topic", "language", "content"}
    wanted = {field.name for field in fields(Rule)} - derived
    if set(values) != wanted:
        raise ValueError(f"{path.name} must document {sorted(wanted)}, got {sorted(values)}")
    return Rule(
        id=PREFIX + path.stem.upper(),
        topic=path.parent.name,
        language="guard" if path.suffix == ".guard" else "rego",
        content=content,
        **values,
    )
