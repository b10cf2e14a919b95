"""`python -m ml_constructs.policy cdk.out`: the same as `ml-constructs review cdk.out`."""

from __future__ import annotations

import sys

from ml_constructs.policy.command import main

if __name__ == "__main__":
    sys.exit(main(["review", *sys.argv[1:]]))
