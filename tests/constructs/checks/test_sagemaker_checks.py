from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Acknowledgment, App, CfnResource, Stack, Validations
from aws_cdk import aws_sagemaker as sagemaker

from ml_constructs import SageMakerChecks
from ml_constructs.checks import sagemaker_checks
from ml_constructs.policy.rule import Profile, Rule, Severity, rules

RULE = "SAGEMAKER_ENDPOINT_ROLLBACK_ALARMS"
ID = f"CloudFormation-Validate::{RULE}"
STRICT = {"@aws-cdk/core:validateAgainstDefaultRules": True}


def app_with(checks: SageMakerChecks, directory: Path, **context: bool) -> tuple[App, sagemaker.CfnEndpoint]:
    app = App(outdir=str(directory), context=context or STRICT)
    Validations.of(app).add_plugins(checks)
    return app, sagemaker.CfnEndpoint(Stack(app, "Stack"), "Endpoint", endpoint_config_name="config")


def violations(app: App, directory: Path, kind: str = "violations") -> dict[str, dict[str, Any]]:
    try:
        app.synth()
    except RuntimeError as error:
        assert "ValidationFailed" in str(error)  # noqa: PT017 - what is found is asserted by the callers
    (report,) = json.loads((directory / "validation-report.json").read_text())["pluginReports"]
    return {each["ruleName"]: each for each in report.get(kind, ())}


def test_an_error_fails_the_synth_and_says_what_to_do(tmp_path: Path) -> None:
    app, _ = app_with(SageMakerChecks(), tmp_path)
    found = violations(app, tmp_path)[RULE]
    assert found["severity"] == "error"
    assert found["suggestedFix"].startswith("Name at least one alarm")
    assert found["violatingConstructs"][0]["constructPath"] == "Stack/Endpoint"


def test_is_a_warning_where_the_app_does_not_validate_strictly(tmp_path: Path) -> None:
    app, _ = app_with(SageMakerChecks(), tmp_path, other=True)
    assert violations(app, tmp_path)[RULE]["severity"] == "warning"


def test_is_acknowledged_by_id_beside_its_cause(tmp_path: Path) -> None:
    app, endpoint = app_with(SageMakerChecks(severity="error"), tmp_path)
    Validations.of(endpoint).acknowledge(Acknowledgment(id=ID, reason="A test."))
    assert RULE not in violations(app, tmp_path)
    assert violations(app, tmp_path, "suppressedViolations")[RULE]["reason"] == "A test."


def test_keeps_the_rules_built_into_the_cdk(tmp_path: Path) -> None:
    app, endpoint = app_with(SageMakerChecks(), tmp_path)
    CfnResource(Stack.of(endpoint), "Queue", type="AWS::SQS::Queue", properties={"DelaySeconds": 901})
    assert len([rule for rule in violations(app, tmp_path) if not rule.startswith("SAGEMAKER_")]) == 1


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The rules handed to the engine, by language; the engine is spared compiling them."""
    found: dict[str, set[str]] = {}

    def record(selected: Sequence[Rule], language: str) -> list[tuple[str, str]]:
        found[language] = {rule.id for rule in selected}
        return []

    monkeypatch.setattr(sagemaker_checks, "sources", record)
    return found


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("severity", Severity)
def test_has_the_rules_of_a_profile_from_a_severity_on(
    profile: Profile, severity: Severity, passed: dict[str, set[str]]
) -> None:
    SageMakerChecks(profile=profile.name.lower(), severity=severity.name.lower())  # type: ignore[arg-type]
    expected = {rule.id for rule in rules() if rule.profile <= profile and rule.severity >= severity}
    assert passed == {"guard": expected, "rego": expected}


def test_is_for_production_with_warnings_by_default(passed: dict[str, set[str]]) -> None:
    SageMakerChecks()
    assert passed["rego"] == {rule.id for rule in rules() if rule.profile <= Profile.PRODUCTION}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "prod"}, "profile must be one of development, production, regulated, got 'prod'"),
        ({"severity": "fatal"}, "severity must be one of warning, error, got 'fatal'"),
    ],
)
def test_refuses_what_there_is_not(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SageMakerChecks(**arguments)
