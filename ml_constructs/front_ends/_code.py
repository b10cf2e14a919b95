"""Where the runtime code of the functions is: inside the wheel, or beside the package in the source tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import aws_lambda as lambda_

_PACKAGE: Final = Path(__file__).parent.parent
# What a source tree may have and a wheel has not, so that both yield the same asset.
_EXCLUDED: Final = (".*", "**/.*", "**/__pycache__", "**/*.pyc", "**/*.md")


def function_code(name: str, package: Path = _PACKAGE) -> lambda_.Code:
    """The code of one function as an asset, the same from a wheel as from the source tree.

    Raises:
        FileNotFoundError: the library is incomplete.
    """
    for directory in (package / "_lambda" / name, package.parent / "lambda" / name):
        if directory.is_dir():
            return lambda_.Code.from_asset(str(directory), exclude=list(_EXCLUDED))
    raise FileNotFoundError(f"the runtime code {name} is neither in {package / '_lambda'} nor beside {package}")
