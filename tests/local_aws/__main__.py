"""`python -m tests.local_aws`: a local cloud until Ctrl-C.

python -m tests.local_aws --port 4566
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, Never

from tests.local_aws.launcher import ACCOUNT, HOME, REGION, Cloud, CloudError

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
_SHOWN: Final = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "CDK_HOME",
)


class _Stopped(Exception):  # noqa: N818 - a request, not an error
    """A signal asked us to stop."""


def main(arguments: list[str] | None = None) -> int:
    """Run a local cloud in the foreground; the exit status is 1 if it could not start or ended by itself."""
    parser = argparse.ArgumentParser(prog="python -m tests.local_aws", description="An AWS on this machine.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--logs", type=Path, default=HOME, help="where logs are kept (default: build/local)")
    options = parser.parse_args(arguments)
    for name in _SIGNALS:
        signal.signal(getattr(signal, name), _stop)
    cloud = Cloud(port=options.port, home=options.logs, say=_say)
    try:
        with cloud:
            _say("\nIn another terminal:\n")
            for name in _SHOWN:
                _say(f"  export {name}={cloud.environment[name]}")
            _say(f"  cdk bootstrap aws://{ACCOUNT}/{REGION} && cdk deploy\n\nCtrl-C ends it.")
            while True:
                cloud.check()
                time.sleep(0.5)
    except _Stopped:
        _say(f"The local cloud has stopped; its log stays in {cloud.run}")
        return 0
    except CloudError as error:
        _say(f"error: {error}", sys.stderr.write)
        return 1


def _stop(_signal: int, _frame: FrameType | None) -> Never:
    for name in _SIGNALS:
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # one is enough: let the stop finish
    raise _Stopped


def _say(line: str, write: Callable[[str], int] = sys.stdout.write) -> None:
    write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
