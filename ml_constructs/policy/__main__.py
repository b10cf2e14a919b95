"""`python -m ml_constructs.policy cdk.out`: print a review of a cloud assembly.

Exit status: 0 without unacknowledged findings, 1 with, 2 when there is nothing to review.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ml_constructs.policy.review import read
from ml_constructs.policy.terminal import show

_USAGE = "usage: python -m ml_constructs.policy DIRECTORY"


def main(arguments: list[str]) -> int:
    """Review the assembly that the arguments name."""
    if len(arguments) != 1:
        print(_USAGE, file=sys.stderr)  # noqa: T201 - a command
        return 2
    try:
        review = read(Path(arguments[0]))
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    show(review)
    return 1 if review.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
