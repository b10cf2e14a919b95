from __future__ import annotations

import pytest

from ml_constructs.policy import packs
from ml_constructs.policy.packs import DEFAULT, NAG, PACKS, choose


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    modules: set[str] = set()
    monkeypatch.setattr(packs, "find_spec", lambda name: None if name in modules else object())
    return modules


def test_chooses_in_one_order_and_each_once(absent: set[str]) -> None:
    assert absent == set()
    assert choose(["pci", "sagemaker", "pci"]) == (("sagemaker", "pci"), ())
    assert choose([]) == (DEFAULT, ())
    assert choose(["all"]) == (tuple(PACKS), ())
    assert choose(["all", "pci"]) == (tuple(PACKS), ())


def test_leaves_out_what_is_not_installed_and_says_so(absent: set[str]) -> None:
    absent.add("parliament")
    chosen, notes = choose([])
    assert set(DEFAULT) - set(chosen) == {"parliament"}
    assert notes == ("parliament is not installed and did not run",)


def test_works_without_the_extra_of_the_review(absent: set[str]) -> None:
    absent.update({"cloudformation_validate", "cfnlint", "parliament"})
    assert choose([])[0] == ("aws-solutions", "synth")


@pytest.mark.parametrize(
    ("wanted", "module", "message"),
    [
        ("parliament", "parliament", "got parliament: pip install parliament"),
        ("sagemaker", "cloudformation_validate", r"got sagemaker: pip install 'ml-constructs\[review\]'"),
        ("nag", "", "packs must be of sagemaker, .*, or all, got nag"),
    ],
)
def test_refuses_what_there_is_not(absent: set[str], wanted: str, module: str, message: str) -> None:
    absent.add(module)
    with pytest.raises(ValueError, match=message):
        choose([wanted])


def test_has_the_six_packs_of_cdk_nag() -> None:
    assert len(NAG) == 6
    assert set(NAG) < set(PACKS)
