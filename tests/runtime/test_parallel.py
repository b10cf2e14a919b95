"""Two hundred requests at once: nothing is lost, and nothing is left."""

from __future__ import annotations

import gc
import json
import logging
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from invoke_endpoint.endpoint import Endpoint, create_client
from invoke_endpoint.metrics import Metrics
from invoke_endpoint.service import Service
from invoke_endpoint.settings import Settings
from tests.runtime.conftest import ENDPOINT, FakeContext, echo, proxy_event
from tests.runtime.endpoint_server import EndpointServer, error

PARALLEL = 200
ROUNDS = 2
BODY = 10_000


def rounds_of(server: EndpointServer, service: Service, rounds: int) -> None:
    """Rounds of requests that all start at the same moment, one in ten of which the endpoint throttles for good."""
    together = threading.Barrier(PARALLEL)

    def one(number: int) -> tuple[int, bool]:
        event = proxy_event(json.dumps([number, "x" * BODY]))
        together.wait(timeout=30)
        response = service.respond(event, FakeContext())
        return response["statusCode"], response["body"] == event["body"]

    with ThreadPoolExecutor(PARALLEL) as pool:
        for _ in range(rounds):
            server.forget()
            server.faults.extend([error("ThrottlingException", 400)] * (PARALLEL // 10))
            outcomes = list(pool.map(one, range(PARALLEL)))
            assert outcomes.count((200, True)) == PARALLEL - PARALLEL // 10
            assert outcomes.count((429, False)) == PARALLEL // 10
    server.forget()


def test_many_at_once_leave_neither_memory_nor_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # pytest keeps each record
    settings = Settings(endpoint_name=ENDPOINT, read_timeout_seconds=20.0, max_attempts=1)
    server = EndpointServer(ENDPOINT, {"v": echo})
    with server.start() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url)
        client = create_client(settings)
        service = Service(settings, Endpoint(settings, client=client), Metrics(ENDPOINT, "f", lambda _: None))
        tracemalloc.start()
        rounds_of(server, service, 1)  # opens what stays open, and fills caches
        threads = threading.active_count()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        rounds_of(server, service, ROUNDS)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert server.settles(10)  # the connections that botocore keeps
        client.close()
        assert server.settles(0)
        assert threading.active_count() <= threads
    # Each of the 400 requests held its body several times: one leak in ten would show.
    assert after - before < ROUNDS * PARALLEL * BODY // 10
