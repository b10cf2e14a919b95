from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.deployment import Deployment
from tests.local_aws.launcher import Cloud

SPEED = "120"  # AWS seconds in a second: the canary's ten minutes are five seconds


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """A bootstrapped account of its own for each module."""
    with Cloud(settings={"LOCAL_AWS_SPEED": SPEED}) as cloud:
        deployment = Deployment(cloud)
        deployment.bootstrap()
        yield deployment
