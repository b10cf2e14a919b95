"""The examples through the real CDK command line, as a deployment uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ml_constructs.policy.review import read

ROOT = Path(__file__).parents[2]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
CARELESS = """
from app import build, review
from aws_cdk import App, aws_s3 as s3

app = review(build(App()))
s3.Bucket(app.node.find_child("Realtime"), "Forgotten")
app.synth()
"""


def synth(directory: Path, app: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [CDK, "synth", "--quiet", "--output", directory, "--app", app]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_is_the_pinned_version() -> None:
    pinned = json.loads((ROOT / "package.json").read_text())["dependencies"]["aws-cdk"]
    assert subprocess.check_output([CDK, "--version"], text=True).split()[0] == pinned


def test_synthesises_the_examples_without_a_finding(tmp_path: Path) -> None:
    result = synth(tmp_path, f"{sys.executable} app.py")
    assert result.returncode == 0, result.stderr
    review = read(tmp_path)
    assert {stack.name for stack in review.stacks} == {
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
    }
    assert review.findings == ()


def test_a_careless_bucket_fails_the_synth_and_is_named(tmp_path: Path) -> None:
    program = tmp_path / "careless.py"
    program.write_text(CARELESS)
    result = synth(tmp_path / "out", f"env PYTHONPATH={ROOT} {sys.executable} {program}")
    assert result.returncode != 0
    found = read(tmp_path / "out").findings
    assert {finding.path for finding in found} == {"Realtime/Forgotten/Resource"}
    assert "AwsSolutions-S1" in {finding.rule for finding in found}
