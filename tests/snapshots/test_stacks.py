from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from ml_constructs.policy.review import Review, StackReview
from tests.snapshots.conftest import synthesise

STACKS = (
    "Realtime",
    "DogBreeds",
    "Serverless",
    "Asynchronous",
    "Shadow",
    "Shared",
    "Pipeline",
    "PrivateApi",
    "Queue",
    "Stream",
    "MultiRegionStandbyModels",
    "MultiRegionModels",
    "MultiRegionMain",
    "MultiRegionStandby",
)
STATEFUL = ("AWS::EC2::VPC", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::SageMaker::Endpoint")
# Hashes of assets, and ids that follow them: other content is another deployment, but not another design.
HASHES = re.compile(r"[0-9a-f]{64}|(?<=Artefacts)[0-9A-F]{16}|(?<=CurrentVersion)[0-9A-Za-z]{8}[0-9a-f]{32}")
MAX_RESOURCES = 120
MAX_BYTES = 200_000


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def stack(assembly: Review, name: str) -> StackReview:
    return next(each for each in assembly.stacks if each.name == name)


@pytest.mark.parametrize("name", STACKS)
def test_template(assembly: Review, snapshot: SnapshotAssertion, name: str) -> None:
    masked: Any = json.loads(HASHES.sub("HASH", json.dumps(stack(assembly, name).template)))
    assert masked == snapshot


def test_no_example_is_without_snapshot(assembly: Review) -> None:
    assert {each.name for each in assembly.stacks} == set(STACKS)


def test_acknowledgements(assembly: Review, snapshot: SnapshotAssertion) -> None:
    """Every finding accepted in an example, with its reason: read each new line as an auditor would."""
    accepted: dict[str, dict[str, list[str]]] = {}
    for each in (each for example in assembly.stacks for each in example.acknowledged):
        paths = accepted.setdefault(each.rule, {}).setdefault(each.reason, [])
        paths.append(HASHES.sub("HASH", re.sub(r"Artefacts[0-9A-F]{8}", "Artefacts", each.path)))
    assert accepted == snapshot


def test_nothing_is_left_to_fix(assembly: Review) -> None:
    assert assembly.findings == ()


@pytest.mark.parametrize("name", STACKS)
def test_ids_of_what_holds_data_are_frozen(assembly: Review, snapshot: SnapshotAssertion, name: str) -> None:
    """Another logical id is another resource: CloudFormation would make a new one and abandon the data."""
    resources = stack(assembly, name).template["Resources"].items()
    assert {logical_id: each["Type"] for logical_id, each in resources if each["Type"] in STATEFUL} == snapshot


@pytest.mark.parametrize("name", STACKS)
def test_template_stays_small(assembly: Review, name: str) -> None:
    example = stack(assembly, name)
    assert len(example.template["Resources"]) < MAX_RESOURCES
    assert example.template_path.stat().st_size < MAX_BYTES


def test_the_same_source_gives_the_same_bytes(assembly: Review, tmp_path: Path) -> None:
    again = synthesise(tmp_path)
    assert [each.template_path.read_bytes() for each in assembly.stacks] == [
        each.template_path.read_bytes() for each in again.stacks
    ]
