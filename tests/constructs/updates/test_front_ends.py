"""The guide to updates says of front ends what two templates show."""

from __future__ import annotations

import re

import pytest

from tests.constructs.updates.front_ends import FRONT_ENDS
from tests.constructs.updates.plan import plan
from tests.constructs.updates.refusals import read_twice, taken
from tests.constructs.updates.test_matrix import counted, section


def rows() -> dict[str, list[str]]:
    """What the guide says is created, updated, replaced and removed, and what it means, by the change."""
    lines = re.findall(r"^\| (.+) \|$", section("Front ends"), re.MULTILINE)
    return {name: cells for name, *cells in (line.split(" | ") for line in lines[1:])}


@pytest.mark.parametrize("change", FRONT_ENDS)
def test_the_guide_says_what_happens(change: str) -> None:
    found = plan(*FRONT_ENDS[change]())
    removed = [*counted(found, "deleted"), *(f"{each} kept" for each in counted(found, "kept"))]
    kinds = [*(counted(found, action) for action in ("created", "updated", "replaced")), removed]
    *written, meaning = rows()[change]
    assert [", ".join(each) or "-" for each in kinds] == written
    assert taken(found) == set()
    assert meaning.startswith("**refused**") == bool(read_twice(found))


def test_the_guide_answers_exactly_these() -> None:
    assert list(rows()) == list(FRONT_ENDS)
