"""The example app after a mistake: a retrained challenger that fails is to get nine tenths of the traffic.

python -m tests.local_aws.demo.worse DIRECTORY
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from aws_cdk import App

from stacks.realtime import RealtimeSettings, RealtimeStack

MODELS: Final = Path(__file__).parents[3] / "build" / "models"
CHAMPION: Final = "tabular-champion"
CHALLENGER: Final = "tabular-challenger"
PERCENT: Final = 90
# The mistake of a data scientist whose own data have one column more: the container is healthy, each request fails.
_MISTAKE: Final = '''

_predict = predict_fn


def predict_fn(rows, booster):
    """Scale by the new column."""
    return _predict(rows, booster) * rows[:, 30]
'''


def worsen(directory: Path, models: Path = MODELS) -> Path:
    """Write a challenger that was trained with a column which no caller sends."""
    shutil.copytree(models / CHALLENGER, directory, dirs_exist_ok=True)
    program = directory / "code" / "inference.py"
    program.write_text((models / CHALLENGER / "code" / "inference.py").read_text() + _MISTAKE)
    return directory


def build(app: App, directory: Path) -> App:
    """Add the realtime stack with the worse challenger to an app."""
    RealtimeStack(
        app,
        "Realtime",
        settings=RealtimeSettings(champion=MODELS / CHAMPION, challenger=worsen(directory), challenger_percent=PERCENT),
    )
    return app


if __name__ == "__main__":
    build(App(builtin_cloud_formation_validation=False), Path(sys.argv[1])).synth()  # the review has validated it
