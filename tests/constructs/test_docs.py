"""Every Python example in the documentation runs, and stays short enough to read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3

from ml_constructs import Container, ContainerImage, Endpoint, InstanceVariant, Model, ModelData, RestApiFrontEnd

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]
MAX_LINES = 20
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the prose around a shorter example has introduced: a stack with a served model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "xgboost-model").write_bytes(b"weights")
    stack = Stack(App(builtin_cloud_formation_validation=False), "Documented")
    image = ContainerImage.from_framework("xgboost", version="3.0-5")
    model = Model(stack, "Served", containers=[Container(image=image, model_data=ModelData.from_directory("model"))])
    variant = InstanceVariant(name="champion", model=model, instance_type="ml.m5.large")
    endpoint = Endpoint(stack, "Serving", variants=[variant])
    return {
        "stack": stack,
        "model": model,
        "endpoint": endpoint,
        "variant": variant,
        "image": image,
        "api": RestApiFrontEnd(stack, "ServingApi", endpoint=endpoint),
        "bucket": s3.Bucket(stack, "Bucket"),
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example: str, known: dict[str, object]) -> None:
    assert len(example.splitlines()) <= MAX_LINES
    exec(compile(example, "<example>", "exec"), known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_every_page_can_be_found() -> None:
    linked = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(page.read_text())}
    found = {*linked, *(path / "README.md" for path in linked if path.is_dir()), ROOT / "README.md"}
    assert [page for page in PAGES if page not in found] == []


def test_the_runbook_knows_every_alarm() -> None:
    runbook = (ROOT / "docs/guides/runbook.md").read_text()
    alarms = (ROOT / "docs/constructs/alarms.md").read_text().partition("## Default settings")[0]
    names = re.findall(r"^\| `([a-z-]+)` \|", alarms, re.MULTILINE)
    assert len(names) > 10
    assert [name for name in [*names, "...-rollback-5xx", "...-rollback-uploads"] if f"`{name}`" not in runbook] == []


def test_the_runbook_knows_what_the_alarms_of_front_ends_say() -> None:
    runbook = (ROOT / "docs/guides/runbook.md").read_text()
    trees = [ast.parse(path.read_text()) for path in (ROOT / "ml_constructs/front_ends").rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "on_more_than"]
    said = [ast.literal_eval(call.args[-1]) for call in made]
    assert len(said) > 6
    assert [each for each in said if f'"{each}"' not in runbook] == []
