"""What the tests of the supply chain share: a stack whose template CloudFormation's own rules judge, and cdk-nag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import App, Stack
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

PACKS: Sequence[Any] = (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)
OTHER = "444455556666"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def strict() -> tuple[App, Stack]:
    """An app whose templates are judged when they are synthesised; an error fails."""
    app = App(context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    return app, Stack(app, "Strict")


def findings(app: App, stack: Stack, *, below: str) -> list[tuple[str, str]]:
    """What cdk-nag finds below a path, which begins with the stack's."""
    return [
        (violation.rule_name, str(resource.construct_path))
        for pack in PACKS
        for violation in pack(app).validate_scope(stack).violations
        for resource in violation.violating_resources
        if str(resource.construct_path).startswith(below)
    ]
