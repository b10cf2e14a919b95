from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ml_constructs.policy.baseline import part, read_baseline, write_baseline
from ml_constructs.policy.finding import Finding
from ml_constructs.policy.rule import Severity

FOUND = Finding(rule="R", severity=Severity.ERROR, title="t", stack="S", path="S/B")
OTHER = replace(FOUND, path="S/C")


def test_knows_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, [OTHER, FOUND])
    assert part([FOUND, OTHER, replace(FOUND, rule="Q")], read_baseline(path)) == (
        [replace(FOUND, rule="Q")],
        [FOUND, OTHER],
    )


def test_counts_findings_that_look_alike() -> None:
    known = Counter({FOUND.fingerprint: 2})
    assert part([FOUND] * 3, known) == ([FOUND], [FOUND, FOUND])
    assert part([FOUND] * 3, known) == ([FOUND], [FOUND, FOUND])


def test_is_the_same_file_whatever_the_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    write_baseline(one, [FOUND, OTHER])
    write_baseline(two, [replace(OTHER, line=7), FOUND])
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_text().splitlines()) == 4


def test_an_empty_one_knows_nothing(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [])
    assert part([FOUND], read_baseline(tmp_path / "b.json")) == ([FOUND], [])


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "5", "{}", '{"version": 1}', '{"version": 1, "findings": [5]}', "[" * 100_000]
)
def test_refuses_what_is_no_baseline(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"b\.json must be a file that --write-baseline made"):
        read_baseline(path)


def test_refuses_the_format_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"version": 2, "findings": []}')
    with pytest.raises(ValueError, match="must have version 1, got 2"):
        read_baseline(tmp_path / "b.json")


def test_says_which_file_is_missing_or_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.json cannot be read"):
        read_baseline(tmp_path / "nowhere.json")
    with pytest.raises(ValueError, match="cannot be written"):
        write_baseline(tmp_path / "none" / "b.json", [])
