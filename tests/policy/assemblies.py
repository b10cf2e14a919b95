"""Writes small cloud assemblies, in the layout of `cdk synth`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_assembly(
    directory: Path,
    *,
    resources: dict[str, Any] | None = None,
    acknowledged: dict[str, dict[str, str]] | None = None,
    violations: list[dict[str, Any]] | None = None,
    name: str = "App",
) -> Path:
    """An assembly with one stack."""
    directory.mkdir(parents=True, exist_ok=True)
    metadata = {
        path: [{"type": "aws:cdk:acknowledged-rules", "data": rules}] for path, rules in (acknowledged or {}).items()
    }
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}, "displayName": name}
    write_json(directory / "manifest.json", {"artifacts": {"Stack": {**stack, "additionalMetadataFile": "m.json"}}})
    write_json(directory / "m.json", metadata)
    write_json(directory / "t.json", {"Resources": resources or {}})
    if violations is not None:
        report = {"pluginReports": [{"pluginName": "Pack", "conclusion": "failure", "violations": violations}]}
        write_json(directory / "validation-report.json", report)
    return directory


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))


def violation(rule: str, *paths: str, severity: str = "error") -> dict[str, Any]:
    return {
        "ruleName": rule,
        "description": "It is not encrypted - (Control IDs: AC-1)",
        "severity": severity,
        "violatingConstructs": [{"constructPath": path} for path in paths],
    }
