"""Fixtures: the example models in containers, an endpoint over real HTTP, and the function in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from invoke_endpoint.endpoint import Endpoint, create_client
from invoke_endpoint.service import Service
from invoke_endpoint.settings import Settings
from stacks.models.train import CHALLENGER, CHAMPION, train
from tests.runtime.container import running
from tests.runtime.endpoint_server import EndpointServer, Received, Response

ENDPOINT = "tabular"
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


@dataclass
class FakeContext:
    """Lambda's context."""

    remaining: int = 60_000
    aws_request_id: str = "8f507cfc-1b2e-4c3d-9a41-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


@dataclass
class Api:
    """The function behind its API: sends requests as API Gateway would."""

    service: Service
    context: FakeContext
    close: Callable[[], None]

    def post(self, body: str | None, headers: dict[str, str] | None = None, *, base64: bool = False) -> dict[str, Any]:
        return self.service.respond(proxy_event(body, headers, base64=base64), self.context)


Connect = Callable[..., Api]


def proxy_event(body: str | None, headers: dict[str, str] | None = None, *, base64: bool = False) -> dict[str, Any]:
    """An event of a REST API's proxy integration."""
    headers = {"Content-Type": "application/json"} if headers is None else headers
    return {
        "resource": "/invocations",
        "path": "/invocations",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "requestContext": {"requestId": REQUEST_ID, "stage": "prod"},
        "body": body,
        "isBase64Encoded": base64,
    }


def echo(received: Received) -> Response:
    """A model that answers with its input."""
    return Response(200, received.body, {"content-type": received.headers["content-type"]})


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake credentials, and nothing of the developer's own configuration."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained example models."""
    out = tmp_path_factory.mktemp("models")
    train(out)
    return out


@pytest.fixture(scope="session")
def containers(models: Path) -> Iterator[dict[str, str]]:
    """URLs of the containers, by model name."""
    names = (CHAMPION, CHALLENGER)
    with running(*(models / name for name in names)) as urls:
        yield dict(zip(names, urls, strict=True))


@pytest.fixture(scope="session")
def _servers(containers: dict[str, str]) -> Iterator[dict[str, EndpointServer]]:
    live = EndpointServer(ENDPOINT, containers, {CHAMPION: 3, CHALLENGER: 1})
    echoing = EndpointServer(ENDPOINT, {"AllTraffic": echo})
    with live.start(), echoing.start():
        yield {"live": live, "echoing": echoing}


@pytest.fixture(scope="session")
def _clients() -> Iterator[dict[tuple[str, float, float], Any]]:
    """Clients by address and timeouts: creating one takes longer than most tests."""
    clients: dict[tuple[str, float, float], Any] = {}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def live(_servers: dict[str, EndpointServer]) -> EndpointServer:
    """The example endpoint with real models: champion and challenger, three to one."""
    _servers["live"].forget()
    return _servers["live"]


@pytest.fixture
def server(_servers: dict[str, EndpointServer]) -> EndpointServer:
    """An endpoint whose model echoes, for everything that is not about the model."""
    _servers["echoing"].forget()
    return _servers["echoing"]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, _clients: dict[tuple[str, float, float], Any]) -> Connect:
    """Makes the function for a server or a URL; further arguments are fields of `Settings`."""

    def build(target: str | EndpointServer, *, pause: Callable[[float], None] | None = None, **fields: Any) -> Api:  # noqa: ANN401 - fields of Settings
        url = f"http://127.0.0.1:{target.server_port}" if isinstance(target, EndpointServer) else target
        settings = Settings(**{"endpoint_name": ENDPOINT, "read_timeout_seconds": 5.0, **fields})
        key = (url, settings.connect_timeout_seconds, settings.read_timeout_seconds)
        if key not in _clients:
            monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url)
            _clients[key] = create_client(settings)
        endpoint = Endpoint(settings, client=_clients[key], pause=pause or (lambda _: None))
        return Api(Service(settings, endpoint), FakeContext(), _clients[key].close)

    return build
