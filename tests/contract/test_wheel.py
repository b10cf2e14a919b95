"""The library as its users get it: the built wheel, in an environment of its own, in an app elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
APP = Path(__file__).parent / "wheel_app.py"
ENVIRONMENTS = ("plain", "recommended", "us-gov-west-1", "cn-north-1")


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, ".", cwd=ROOT)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def templates(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The ten-line app's template in each environment, from the installed wheel."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", elsewhere / "venv", cwd=elsewhere)
    python = elsewhere / "venv" / "bin" / "python"
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--constraint",
        ROOT / "requirements" / "demo.txt",
        wheel,
        cwd=elsewhere,
    )
    (elsewhere / "app.py").write_text(APP.read_text())
    (elsewhere / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    (elsewhere / "model").mkdir()
    (elsewhere / "model" / "xgboost-model").write_bytes(b"weights")
    run(python, "-I", "app.py", cwd=elsewhere)
    read = {name: json.loads((elsewhere / name / "App.template.json").read_text()) for name in ENVIRONMENTS}
    assert {path.name for path in elsewhere.iterdir()} >= {*ENVIRONMENTS, "venv"}
    return read


def test_depends_on_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        required = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist")
    names = {re.split(r"[<>=\[ ;]", each)[0] for each in required or () if "extra ==" not in each}
    assert names == {"aws-cdk-lib", "constructs", "cdk-nag"}


def test_ships_the_library_and_its_functions_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "ml_constructs/_lambda/invoke_endpoint/handler.py" in names
    assert "ml_constructs/models/_images.json" in names
    assert "ml_constructs/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"ml_constructs"}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_builds_an_endpoint_anywhere(templates: dict[str, dict[str, Any]], name: str) -> None:
    kinds = [each["Type"] for each in templates[name]["Resources"].values()]
    assert kinds.count("AWS::SageMaker::Endpoint") == 1
    assert kinds.count("AWS::Lambda::Function") == 1
    assert not [kind for kind in kinds if kind.startswith("Custom::")]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_names_no_other_partition(templates: dict[str, dict[str, Any]], name: str) -> None:
    text = json.dumps(templates[name])
    assert "arn:aws:" not in text
    assert ("Mappings" in templates[name]) == (name in {"plain", "recommended"})


def test_regions_have_registries_of_their_own(templates: dict[str, dict[str, Any]]) -> None:
    images = {
        name: next(
            json.dumps(each["Properties"]["PrimaryContainer"]["Image"])
            for each in templates[name]["Resources"].values()
            if each["Type"] == "AWS::SageMaker::Model"
        )
        for name in ENVIRONMENTS
    }
    assert ".cn-north-1.amazonaws.com.cn/" in images["cn-north-1"]
    assert ".us-gov-west-1.amazonaws.com/" in images["us-gov-west-1"]
    assert "Fn::FindInMap" in images["plain"]


def test_ships_the_same_function_as_the_source(templates: dict[str, dict[str, Any]]) -> None:
    from aws_cdk import App, Stack, assertions  # noqa: PLC0415 - after the wheel's own process

    from ml_constructs import Endpoint, FunctionFrontEnd  # noqa: PLC0415

    stack = Stack(App(builtin_cloud_formation_validation=False), "App")
    FunctionFrontEnd(stack, "Function", endpoint=Endpoint.from_endpoint_name(stack, "Endpoint", "e"))
    assert _code(assertions.Template.from_stack(stack).to_json()) == _code(templates["plain"])


def _code(template: Mapping[str, Any]) -> str:
    (function,) = (each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function")
    key: str = function["Properties"]["Code"]["S3Key"]
    return key
