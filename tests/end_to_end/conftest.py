"""A local cloud for each module, and where to look when a test fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.deployment import Deployment
from tests.local_aws.launcher import ROOT, Cloud

HOME: Final = ROOT / "build" / "end_to_end"  # apart from `make local`, which keeps a few runs only
SPEED: Final = 120  # AWS seconds in a second, where a module names no SPEED of its own
STARTUP_SECONDS: Final = 180  # for a container to become healthy, however busy this machine is

_RUNS: Final = pytest.StashKey[list[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RUNS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Name the logs of the module's cloud in the report of a failure."""
    report = yield
    runs = item.config.stash[_RUNS]
    if report.failed and runs and "cloud" in getattr(item, "fixturenames", ()):
        logs = sorted(runs[-1].rglob("*.log"))
        report.sections.append(("Logs of the local cloud", "\n".join(str(log) for log in logs)))
    return report


@pytest.fixture(scope="module")
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """A cloud of its own for each module; time passes at the module's SPEED."""
    settings = {
        "LOCAL_AWS_SPEED": str(getattr(request.module, "SPEED", SPEED)),
        "LOCAL_AWS_STARTUP_SECONDS": str(STARTUP_SECONDS),
    }
    with Cloud(home=HOME, settings=settings) as cloud:
        request.config.stash[_RUNS].append(cloud.run)
        yield cloud


@pytest.fixture(scope="module")
def account(cloud: Cloud) -> Iterator[Deployment]:
    """The cloud's account, as new."""
    deployment = Deployment(cloud)
    yield deployment
    deployment.close()


@pytest.fixture(scope="module")
def deployment(account: Deployment) -> Deployment:
    """An account that the CDK can deploy to."""
    account.bootstrap()
    return account
