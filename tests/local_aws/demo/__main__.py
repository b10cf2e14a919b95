"""`make demo`: everything on this machine, in about a minute; no AWS account is used.

Exit status: 0 if all happened as told, 1 if something did not, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Final, Never

from rich.console import Console

from tests.local_aws.demo import story
from tests.local_aws.demo.screen import Screen, StoryError
from tests.local_aws.demo.stage import LIMIT, Stage
from tests.local_aws.launcher import HOME, ROOT, Cloud, CloudError

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_STOPPED: Final = 130


class _Stopped(BaseException):  # no handler of ours or of rich may take it for an error
    """A signal asked us to stop."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo from the first act to the last."""
    parser = argparse.ArgumentParser(prog="make demo", description="The realtime example, on a local AWS.")
    parser.add_argument("--assembly", type=Path, default=ROOT / "cdk.out", help="where to synthesise to")
    parser.add_argument("--logs", type=Path, default=HOME, help="where logs are kept")
    options = parser.parse_args(arguments)
    for each in _SIGNALS:
        signal.signal(each, _stop)
    screen = Screen(Console(highlight=False))
    settings = {"LOCAL_AWS_SPEED": str(story.SPEED), "LOCAL_AWS_STARTUP_SECONDS": str(LIMIT)}
    cloud = Cloud(home=options.logs, settings=settings, say=screen.line)
    try:
        with cloud, ExitStack() as resources:
            stage = Stage(screen=screen, cloud=cloud, assembly=options.assembly.absolute(), resources=resources)
            story.tell(stage)
    except _Stopped:
        screen.line("Stopped; nothing is left running.")
        return _STOPPED
    except (StoryError, CloudError, TimeoutError) as error:
        screen.line(f"error: {error}")
        screen.line(f"The logs are in {cloud.run}")
        return 1
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> Never:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # one is enough: let everything end
    raise _Stopped


if __name__ == "__main__":
    sys.exit(main())
