"""The example app, synthesised once with the flags and packs it ships with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import App

from app import build, review
from ml_constructs.policy.review import Review, read

ROOT = Path(__file__).parents[2]


def synthesise(directory: Path) -> Review:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    review(build(App(context=context, outdir=str(directory)))).synth()
    return read(directory)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Review:
    return synthesise(tmp_path_factory.mktemp("assembly"))
