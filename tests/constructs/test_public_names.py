from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ml_constructs


def test_type_checkers_and_python_see_the_same_names() -> None:
    tree = ast.parse(Path(ml_constructs.__file__).read_text())
    checked = {
        alias.name: statement.module.removeprefix("ml_constructs.")
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }
    assert checked == ml_constructs._MODULES
    assert sorted(checked) == ml_constructs.__all__ == dir(ml_constructs)


@pytest.mark.parametrize("name", ml_constructs.__all__)
def test_every_name_exists_and_is_documented(name: str) -> None:
    assert getattr(ml_constructs, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = ml_constructs.Nonsense


def test_the_review_loads_no_cdk() -> None:
    program = "import sys, ml_constructs.policy.__main__; sys.exit('aws_cdk' in sys.modules or 'jsii' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
