"""One emulator with the SageMaker service for all modules that are content with its settings: it starts in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_aws.sagemaker_async import Async
from tests.local_aws.sagemaker_harness import READ, WRITE_LOGS, Emulator


@pytest.fixture(scope="session")
def cloud_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="session")
def cloud(cloud_directory: Path) -> Iterator[Emulator]:
    """With a role `execution`, and models that are called after their tags."""
    settings = {
        "LOCAL_AWS_SPEED": "120",
        "LOCAL_AWS_STARTUP_SECONDS": "2",  # a variant of the harness gets 30
        "LOCAL_AWS_MAX_MODEL_BYTES": "1000000",
    }
    with Emulator(cloud_directory, **settings) as emulator:
        url = emulator.put_model("model.tar.gz")
        role = emulator.role("execution", READ, WRITE_LOGS)
        emulator.model("champion", role, url, TAG="champion", SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code")
        emulator.model("challenger", role, url, TAG="challenger")
        emulator.model("broken", role, url, FAIL="1")
        yield emulator


@pytest.fixture(scope="session")
def work(cloud: Emulator) -> Async:
    """A bucket, topics, a role and a model `async` for asynchronous endpoints."""
    return Async(cloud)
