from __future__ import annotations

from dataclasses import replace

import pytest

from ml_constructs.policy.finding import Finding
from ml_constructs.policy.rule import Severity

FOUND = Finding(
    rule="R", severity=Severity.ERROR, title="t", stack="S", path="S/B", property_path="Properties.Tags.0.Key", line=3
)


@pytest.mark.parametrize(
    "change",
    [
        {"line": 9},
        {"message": "other"},
        {"title": "other"},
        {"severity": Severity.WARNING},
        {"property_path": "Properties.Tags.12.Key"},
        {"tools": ("a",)},
        {"same": ("Q",)},
        {"file": "f"},
    ],
)
def test_a_fingerprint_survives_changes_elsewhere(change: dict[str, object]) -> None:
    assert replace(FOUND, **change).fingerprint == FOUND.fingerprint  # type: ignore[arg-type]  # one of its fields


@pytest.mark.parametrize(
    "change", [{"rule": "Q"}, {"stack": "T"}, {"path": "S/C"}, {"property_path": "Properties.Tags.0.Value"}]
)
def test_a_fingerprint_tells_faults_apart(change: dict[str, str]) -> None:
    assert replace(FOUND, **change).fingerprint != FOUND.fingerprint  # type: ignore[arg-type]  # one of its fields


def test_equivalent_rules_share_a_fingerprint() -> None:
    ours = replace(FOUND, subject="Logs")
    assert replace(ours, rule="Q", property_path="").fingerprint == ours.fingerprint


def test_the_worst_comes_first() -> None:
    warning = replace(FOUND, severity=Severity.WARNING, path="S/A")
    assert sorted([warning, FOUND], key=lambda each: each.order) == [FOUND, warning]
