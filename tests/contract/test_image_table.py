"""The table of images gives what the SageMaker SDK gives, for everything that the SDK accepts for inference.

The SDK runs in an interpreter of its own: it takes seconds to import and warns on import.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from ml_constructs.models._image_table import PublishedImage, domain_suffix, resolve

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
GRAVITON: Final = re.compile(r"ml\.[a-z]\d+g[a-z]*\..*")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the SDK gives for a question and all instance types with that answer; no URIs if it refuses them."""

    framework: str
    version: str
    python: str | None
    base: str | None
    tool: str | None
    scope: str
    instance_types: tuple[str | None, ...]
    uris: dict[str, str]

    @property
    def uri(self) -> str:
        return next(iter(self.uris.values()))

    def is_usable(self, instance_type: str | None) -> bool:
        """Whether a model can run on what the SDK gives; it gives these images as well:

        - for training, where it has none for inference: PyTorch on Inferentia and Trainium;
        - scikit-learn 1.0-1 for Graviton, whatever version is asked for;
        - for the other architecture: it knows some families of Graviton only, and has names of images for Graviton;
        - `latest` beside other versions, which moves.
        """
        if self.version == "latest" and not self.framework.endswith("-neo"):
            return False
        if "training" in self.uri or ("1.0-1-arm64" in self.uri and self.version != "1.0-1"):
            return False
        arm = "arm64" in self.uri or "graviton" in self.uri
        return instance_type is None or arm == bool(GRAVITON.fullmatch(instance_type))

    def ours(self, instance_type: str | None) -> PublishedImage | None:
        """Our answer, or None if we refuse."""
        processor = None
        if self.scope == "inference_graviton" and instance_type is None:
            processor = "arm64"
        elif self.tool is not None:  # where the SDK takes a tool, we take its processor
            processor, instance_type = {"neuron": "inf"}.get(self.tool, self.tool), None
        try:
            return resolve(
                self.framework,
                self.version,
                instance_type=instance_type,
                processor=processor,
                python_version=self.python,
                base_framework=self.base,
            )
        except ValueError:
            return None


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    process = subprocess.run(
        [sys.executable, HERE / "image_table.py", "--answers"], check=False, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    result: dict[str, Any] = json.loads(process.stdout)
    return result


@pytest.fixture(scope="module")
def answers(printed: dict[str, Any]) -> list[Answer]:
    return [Answer(**{**answer, "instance_types": tuple(answer["instance_types"])}) for answer in printed["answers"]]


def test_table_is_what_the_generator_writes(printed: dict[str, Any]) -> None:
    assert (ROOT / "ml_constructs" / "models" / "_images.json").read_text(encoding="utf-8") == printed["table"]


def test_documentation_lists_what_the_generator_writes(printed: dict[str, Any]) -> None:
    assert printed["listing"] in (ROOT / "docs" / "constructs" / "images.md").read_text(encoding="utf-8")


def test_sdk_is_asked_about_everything(answers: list[Answer]) -> None:
    accepted = [answer for answer in answers if answer.uris]
    assert len({answer.framework for answer in accepted}) >= 50
    assert sum(len(answer.uris) for answer in accepted) > 30_000
    regions = {region for answer in accepted for region in answer.uris}
    assert {"us-east-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1"} <= regions


def test_gives_the_uri_of_the_sdk_in_every_region(answers: list[Answer]) -> None:
    wrong = []
    for answer in answers:
        for instance_type in answer.instance_types if answer.uris else ():
            image = answer.ours(instance_type)
            if answer.is_usable(instance_type) and (image is None or uris(image) != answer.uris):
                wrong.append((answer, instance_type, image))
    assert wrong == []


def test_knows_the_architecture_of_each_image(answers: list[Answer]) -> None:
    wrong = []
    for answer in answers:
        for instance_type in answer.instance_types if answer.uris else ():
            image = answer.ours(instance_type)
            named = "arm64" in answer.uri or "graviton" in answer.uri
            if image is not None and answer.is_usable(instance_type) and image.arm64 != named:
                wrong.append((answer, instance_type, image))
    assert wrong == []


def test_does_not_give_what_cannot_run(answers: list[Answer]) -> None:
    given = []
    for answer in answers:
        for instance_type in answer.instance_types if answer.uris else ():
            image = answer.ours(instance_type)
            if image is not None and not answer.is_usable(instance_type) and uris(image) == answer.uris:
                given.append((answer, instance_type))
    assert given == []


def test_accepts_beyond_the_sdk_only_what_its_rules_overlook(answers: list[Answer]) -> None:
    """Any image runs on Trainium's CPUs, Neuron images on its cores, and images for Graviton on Graviton."""
    beyond = {
        (answer.framework, instance_type.split(".")[1])
        for answer in answers
        if not answer.uris and answer.tool is None and answer.scope == "inference"
        for instance_type in answer.instance_types
        if instance_type is not None and answer.ours(instance_type) is not None
    }
    assert {
        (framework, family)
        for framework, family in beyond
        if not family.startswith("trn")
        and (framework, family) != ("huggingface-vllm-neuronx", "inf2")
        and not (framework == "llama-cpp-arm64" and GRAVITON.fullmatch(f"ml.{family}.large"))
    } == set()


def uris(image: PublishedImage) -> dict[str, str]:
    return {
        region: f"{account}.dkr.ecr.{region}.{domain_suffix(region)}/{image.repository}:{image.tag}"
        for region, account in image.accounts
    }
