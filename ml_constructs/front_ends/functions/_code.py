"""Where the runtime code of the functions is: inside the wheel, or beside the package in the source tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import aws_lambda as lambda_

_LIBRARY: Final = Path(__file__).parents[2]
_RUNS: Final = 0o555
# What a source tree may have and a wheel has not, so that both yield the same asset.
_EXCLUDED: Final = (".*", "**/.*", "**/__pycache__", "**/*.pyc", "**/*.md")


def function_code(*packages: str, library: Path = _LIBRARY) -> lambda_.Code:
    """These packages as an asset, the same from a wheel as from the source tree.

    A function contains what it runs and no more: a change of another function's code deploys nothing.

    Raises:
        FileNotFoundError: the library is incomplete.
        PermissionError: a script that Lambda starts has lost its permission to run, which the asset hands on.
    """
    for root in (library / "_lambda", library.parent / "lambda"):
        if all((root / package).is_dir() for package in packages):
            for script in (root / package / "bootstrap" for package in packages):
                if script.exists() and script.stat().st_mode & _RUNS != _RUNS:
                    raise PermissionError(
                        f"{script} must be executable for everyone (chmod 755), or Lambda cannot start the function; "
                        "deploy from a file system that keeps modes"
                    )
            others = sorted(path.name for path in root.iterdir() if path.name not in packages)
            return lambda_.Code.from_asset(str(root), exclude=[*_EXCLUDED, *others])
    raise FileNotFoundError(
        f"the runtime code {', '.join(packages)} is neither in {library / '_lambda'} nor beside {library}"
    )
