"""The guide to updates says of each update what two templates show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.constructs.updates.matrix import MATRIX, Pair
from tests.constructs.updates.plan import Action, Plan, plan
from tests.constructs.updates.refusals import SOURCES, refusals, taken

GUIDE: Final = Path(__file__).parents[3] / "docs" / "guides" / "updates.md"
COLUMNS: Final = ("created", "updated", "replaced", "removed", "accepted", "back")


def section(title: str) -> str:
    """A section of the guide."""
    return GUIDE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows() -> dict[str, list[str]]:
    """The cells of the guide's matrix by the first."""
    lines = re.findall(r"^\| (.+) \|$", section("The matrix"), re.MULTILINE)
    cells = [line.split(" | ") for line in lines]
    return {name: others for name, *others in cells[1:]}


def answer(pair: Pair) -> list[str]:
    """What the guide must say."""
    before, after = (setup.template() for setup in pair)
    found = plan(before, after)
    kept = [f"{each} kept" for each in counted(found, "kept")]
    removed = [*counted(found, "deleted"), *kept]
    listed = [*(counted(found, action) for action in ("created", "updated", "replaced")), removed]
    accepted = ["name taken"] if taken(found) else sorted(refusals(before, after))
    return [*(", ".join(kinds) or "-" for kinds in listed), said(accepted), said(sorted(refusals(after, before)))]


def counted(found: Plan, action: Action) -> list[str]:
    """Types without their service, and how many of each."""
    kinds = {kind.rpartition("::")[2]: count for kind, count in found.summary().get(action, {}).items()}
    return [kind if count == 1 else f"{kind} ({count})" for kind, count in sorted(kinds.items())]


def said(reasons: list[str]) -> str:
    """The verdict of SageMaker."""
    return f"**no**: {', '.join(reasons)}" if reasons else "yes"


@pytest.mark.parametrize("name", MATRIX)
def test_the_guide_says_what_happens(name: str) -> None:
    written = dict(zip(COLUMNS, rows()[name], strict=True))
    assert dict(zip(COLUMNS, answer(MATRIX[name]), strict=True)) == written


def test_the_guide_answers_exactly_these() -> None:
    assert list(rows()) == list(MATRIX)


@pytest.mark.parametrize("reason", SOURCES)
def test_the_guide_says_who_refuses(reason: str) -> None:
    assert f"| {reason} |" in section("What is refused")
    assert SOURCES[reason] in section("What is refused")
