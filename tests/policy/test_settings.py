from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ml_constructs.policy.finding import Acknowledged
from ml_constructs.policy.rule import Profile, Severity
from ml_constructs.policy.settings import Settings, find_settings, read_settings

WHOLE = """
[tool.ml-constructs.review]
packs = ["sagemaker", "nist-r5"]
profile = "regulated"
severity = "error"
baseline = "known.json"

[[tool.ml-constructs.review.acknowledgements]]
id = "AwsSolutions-S1"
path = "Prod/AccessLogs"
reason = "This bucket receives the access logs."
until = 2027-01-31
"""
ENTRY = '[[tool.ml-constructs.review.acknowledgements]]\nid = "R"\npath = "A"\nreason = "why"\n'


def write(directory: Path, content: str) -> Path:
    path = directory / "pyproject.toml"
    path.write_text(content)
    return path


def test_reads_the_whole_table(tmp_path: Path) -> None:
    accepted = Acknowledged(
        path="Prod/AccessLogs",
        rule="AwsSolutions-S1",
        reason="This bucket receives the access logs.",
        until=date(2027, 1, 31),
    )
    assert read_settings(write(tmp_path, WHOLE)) == Settings(
        packs=("sagemaker", "nist-r5"),
        profile=Profile.REGULATED,
        severity=Severity.ERROR,
        baseline=tmp_path / "known.json",
        acknowledgements=(accepted,),
    )


@pytest.mark.parametrize("content", ["", "[tool.ruff]", "[tool.ml-constructs]", "[tool.ml-constructs.review]"])
def test_what_is_left_out_has_a_default(tmp_path: Path, content: str) -> None:
    assert read_settings(write(tmp_path, content)) == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "must be TOML"),
        ("[tool.ml-constructs]\nreview = 5", "it must be a table"),
        ("[tool.ml-constructs.review]\npack = 1", "keys must be of packs, .*, got pack"),
        ("[tool.ml-constructs.review]\npacks = 'all'", "packs must be a list of names, got 'all'"),
        ("[tool.ml-constructs.review]\npacks = [1]", "packs must be a list of names"),
        ("[tool.ml-constructs.review]\nprofile = 'x'", "profile must be one of development, production, regulated"),
        ("[tool.ml-constructs.review]\nprofile = 1", "profile must be one of .*, got 1"),
        ("[tool.ml-constructs.review]\nseverity = 'info'", "severity must be one of warning, error, got 'info'"),
        ("[tool.ml-constructs.review]\nbaseline = 1", "baseline must be a file's name, got 1"),
        ("[tool.ml-constructs.review]\nbaseline = ''", "baseline must be a file's name, got ''"),
        ("[tool.ml-constructs.review]\nacknowledgements = 1", "acknowledgements must be an array of tables"),
        ("[tool.ml-constructs.review]\nacknowledgements = [1]", "acknowledgements must be an array of tables"),
        (ENTRY.replace("reason", "because"), "it lacks reason"),
        (ENTRY + "until = 'x'", "until of an acknowledgement must be a date"),
        (ENTRY + "until = 2027-01-31T10:00:00", "until of an acknowledgement must be a date"),
        (ENTRY + ENTRY, "acknowledgements must be unique, got R at A twice"),
    ],
)
def test_refuses_what_it_does_not_understand(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refusal:
        read_settings(write(tmp_path, content))
    assert str(tmp_path / "pyproject.toml") in str(refusal.value)


def test_says_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_settings(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="must be TOML"):
        read_settings(tmp_path / "binary.toml")


def test_finds_the_nearest_file(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_settings(inner) != inner / "pyproject.toml"
    above = write(tmp_path, "")
    assert find_settings(inner) == above
    assert find_settings(inner.parent) == above
    assert find_settings(inner) != write(inner.parent, "").with_name("other")
    assert find_settings(inner) == inner.parent / "pyproject.toml"
