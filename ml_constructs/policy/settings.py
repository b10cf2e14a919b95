"""The table `[tool.ml-constructs.review]` of a pyproject.toml: how a repository wants to be reviewed.

[tool.ml-constructs.review]
packs = ["sagemaker", "nist-r5"]
profile = "regulated"
severity = "error"
baseline = "review-baseline.json"

[[tool.ml-constructs.review.acknowledgements]]
id = "AwsSolutions-S1"
path = "Prod/AccessLogs"
reason = "This bucket receives the access logs."
until = 2027-01-31
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ml_constructs.policy.acknowledgement import parse
from ml_constructs.policy.finding import Acknowledged
from ml_constructs.policy.rule import Profile, Severity

TABLE: Final = "tool.ml-constructs.review"
_KEYS: Final = ("packs", "profile", "severity", "baseline", "acknowledgements")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the policy file says; what it leaves out has the default of the command."""

    packs: tuple[str, ...] = ()
    profile: Profile = Profile.PRODUCTION
    severity: Severity = Severity.WARNING
    baseline: Path | None = None
    acknowledgements: tuple[Acknowledged, ...] = ()


def find_settings(directory: Path) -> Path | None:
    """The nearest pyproject.toml, in a directory or above it."""
    return next(
        (each / "pyproject.toml" for each in (directory, *directory.parents) if (each / "pyproject.toml").is_file()),
        None,
    )


def read_settings(path: Path) -> Settings:
    """The settings in a file; the defaults if it has no table for the review.

    Raises:
        ValueError: the file cannot be read, or its table says something that is not understood.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} must be TOML: {error}") from error
    table: Any = content
    for name in TABLE.split("."):
        table = table.get(name, {}) if isinstance(table, dict) else table
    try:
        return _parse(table, path.parent)
    except ValueError as error:
        raise ValueError(f"[{TABLE}] of {path}: {error}") from error


def parse_profile(name: object) -> Profile:
    """A profile by its name.

    Raises:
        ValueError: there is no such profile.
    """
    return Profile[_choice("profile", name, [each.name.lower() for each in Profile]).upper()]


def parse_severity(name: object) -> Severity:
    """A severity by its name.

    Raises:
        ValueError: there is no such severity.
    """
    return Severity[_choice("severity", name, [each.name.lower() for each in Severity]).upper()]


def _parse(table: object, directory: Path) -> Settings:
    if not isinstance(table, dict):
        raise ValueError("it must be a table")  # noqa: TRY004 - about the file
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise ValueError(f"keys must be of {', '.join(_KEYS)}, got {', '.join(unknown)}")
    packs, baseline = table.get("packs", []), table.get("baseline")
    if not isinstance(packs, list) or not all(isinstance(each, str) for each in packs):
        raise ValueError(f"packs must be a list of names, got {packs!r}")
    if baseline is not None and (not isinstance(baseline, str) or not baseline):
        raise ValueError(f"baseline must be a file's name, got {baseline!r}")
    entries = table.get("acknowledgements", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError("acknowledgements must be an array of tables")
    acknowledgements = tuple(parse(each) for each in entries)
    named = [(each.rule, each.path) for each in acknowledgements]
    twice = sorted({each for each in named if named.count(each) > 1})
    if twice:
        raise ValueError(f"acknowledgements must be unique, got {twice[0][0]} at {twice[0][1]} twice")
    return Settings(
        packs=tuple(packs),
        profile=parse_profile(table.get("profile", "production")),
        severity=parse_severity(table.get("severity", "warning")),
        baseline=None if baseline is None else directory / baseline,
        acknowledgements=acknowledgements,
    )


def _choice(argument: str, value: object, choices: list[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(choices)}, got {value!r}")
    return value
