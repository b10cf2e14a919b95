"""Fixtures shared by all suites: one jsii kernel per process, a fresh app per test."""

from __future__ import annotations

import pytest
from aws_cdk import App, Stack
from hypothesis import Phase, settings

# The same examples in every run, on machines of any speed.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=50,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
)
settings.load_profile("repeatable")


@pytest.fixture
def app() -> App:
    """An app without feature flags and without the built-in validation, for tests that only read properties."""
    return App(builtin_cloud_formation_validation=False)


@pytest.fixture
def stack(app: App) -> Stack:
    """An environment-agnostic stack."""
    return Stack(app, "Stack")
