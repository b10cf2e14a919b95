"""Runs packs of cdk-nag on plain templates: `python -m ml_constructs.checks.nag`, for the policy review.

Reads `{"packs": {name: class}, "templates": {name: path}}` from the standard input, and writes what it found as
`{"findings": [...], "errors": {...}}`. In a process of its own, since it starts Node and loads the CDK.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import cdk_nag
from aws_cdk import App, Stack
from aws_cdk.cloudformation_include import CfnInclude


def judge(packs: Mapping[str, str], templates: Mapping[str, str]) -> dict[str, Any]:
    """What the packs find in the templates, and why templates could not be judged."""
    app = App(builtin_cloud_formation_validation=False, analytics_reporting=False)
    loaded: dict[str, str] = {}
    errors: dict[str, str] = {}
    for number, (name, path) in enumerate(templates.items()):
        stack = Stack(app, f"Template{number}")
        try:
            CfnInclude(stack, "T", template_file=path, allow_cyclical_references=True)
        except RuntimeError as error:
            errors[name] = str(error).splitlines()[0]
            app.node.try_remove_child(stack.node.id)
        else:
            loaded[stack.node.id] = name
    return {"findings": list(_findings(app, packs, loaded)), "errors": errors}


def _findings(app: App, packs: Mapping[str, str], loaded: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for pack, kind in packs.items():
        for violation in getattr(cdk_nag, kind)(verbose=True).validate_scope(app).violations:
            for resource in violation.violating_resources:
                stack, *_, logical_id = (resource.construct_path or "").split("/")
                yield {
                    "pack": pack,
                    "rule": violation.rule_name,
                    "severity": violation.severity or "error",
                    "description": violation.description,
                    "template": loaded[stack],
                    "logical_id": logical_id,
                }


if __name__ == "__main__":
    request = json.load(sys.stdin)
    json.dump(judge(request["packs"], request["templates"]), sys.stdout)
