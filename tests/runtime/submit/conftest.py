"""Fixtures: the services that the functions call, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

# botocore ships no types.
import botocore.session  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from tests.runtime.submit.aws_server import AwsServer

MakeClient = Callable[[str], Any]


@pytest.fixture(scope="session")
def _server() -> Iterator[AwsServer]:
    server = AwsServer()
    with server.start():
        yield server


@pytest.fixture
def aws(_server: AwsServer) -> AwsServer:
    """The services, as new."""
    _server.forget()
    return _server


@pytest.fixture(scope="session")
def clients(_server: AwsServer) -> Iterator[MakeClient]:
    """Makes a client of a service, once: that takes longer than most tests."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:  # noqa: ANN401 - botocore generates its clients at run time
        if service not in made:
            made[service] = botocore.session.Session().create_client(
                service,
                region_name="us-east-1",
                endpoint_url=f"http://127.0.0.1:{_server.server_port}",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
                config=Config(read_timeout=0.3, retries={"mode": "standard", "total_max_attempts": 1}),
            )
        return made[service]

    yield client
    for each in made.values():
        each.close()
