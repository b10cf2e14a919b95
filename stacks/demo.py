"""`make demo`: train the example models, synthesise every example stack, review and explain the result."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from ml_constructs.policy.review import read
from ml_constructs.policy.terminal import show

ROOT: Final = Path(__file__).parent.parent
ASSEMBLY: Final = ROOT / "cdk.out"
_STEPS: Final = (
    ("Training the example models", [sys.executable, "-m", "stacks.models.train", "--out", "build/models"]),
    ("Synthesising and reviewing the example stacks", ["node_modules/.bin/cdk", "synth", "--quiet"]),
)


def main() -> int:
    """Run the demo; the exit status is 1 if a finding is left."""
    console = Console(highlight=False)
    shutil.rmtree(ASSEMBLY, ignore_errors=True)  # never show what an earlier run left
    for title, command in _STEPS:
        console.print(title)
        with console.status("working"):
            result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed commands
        if result.returncode and not (ASSEMBLY / "validation-report.json").exists():
            console.print(result.stdout, result.stderr, markup=False)
            return result.returncode
    review = read(ASSEMBLY)
    show(review, console)
    console.print(
        "Deploy one with [bold]PATH=.venv/bin:$PATH node_modules/.bin/cdk deploy Realtime[/], "
        "or take its constructs into your own app: see README.md."
    )
    return 1 if review.findings else 0


if __name__ == "__main__":
    sys.exit(main())
