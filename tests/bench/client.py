"""A client that costs little beside what it calls: signed in advance, over persistent connections."""

from __future__ import annotations

import http.client
import itertools
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

HOST: Final = "127.0.0.1"
_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to the model: where, and the whole requests; each is sent in its turn, round and round."""

    ports: Sequence[int]
    messages: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who signs, for which service."""

    credentials: Credentials
    service: str
    region: str


def message(port: int, path: str, body: bytes, signature: Signature | None = None) -> bytes:
    """A POST of JSON as it goes over the wire."""
    headers = {"Host": f"{HOST}:{port}", "Content-Type": "application/json"}
    request = AWSRequest("POST", f"http://{HOST}:{port}{path}", data=body, headers=headers)
    if signature is not None:
        SigV4Auth(signature.credentials, signature.service, signature.region).add_auth(request)
    request.headers["Content-Length"] = str(len(body))
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def latencies(ways: Sequence[Way], rounds: int) -> list[list[float]]:
    """Seconds of each request, one at a time; in each round every way has its turn, and the order alternates."""
    times: list[list[float]] = [[] for _ in ways]
    with ExitStack() as stack:
        connections = [stack.enter_context(_Connection(way.ports[0])) for way in ways]
        turns = list(zip(ways, connections, times, strict=True))
        for number in range(rounds):
            for way, connection, measured in turns if number % 2 else reversed(turns):
                sent = way.messages[number % len(way.messages)]
                started = time.perf_counter()
                connection.call(sent)
                measured.append(time.perf_counter() - started)
    return times


def throughput(ways: Sequence[Way], *, rounds: int, requests: int, clients: int) -> list[float]:
    """Requests per second of each way, `clients` at the same time; medians over alternating rounds."""
    rates: list[list[float]] = [[] for _ in ways]
    turns = list(zip(ways, rates, strict=True))
    for number in range(rounds):
        for way, measured in turns if number % 2 else reversed(turns):
            measured.append(_rate(way, requests, clients))
    return [statistics.median(each) for each in rates]


def status(port: int, sent: bytes) -> int:
    """The status of one answer."""
    with _Connection(port) as connection:
        return connection.exchange(sent)[0]


def _rate(way: Way, requests: int, clients: int) -> float:
    numbers = iter(range(requests))  # `next` of it is atomic, so that no request is waited for by one client alone
    ready = threading.Barrier(clients + 1)

    def work(port: int) -> None:
        with _Connection(port) as connection:
            ready.wait(_SECONDS)
            for number in numbers:
                connection.call(way.messages[number % len(way.messages)])

    with ThreadPoolExecutor(clients) as pool:
        work_of = [pool.submit(work, port) for port in itertools.islice(itertools.cycle(way.ports), clients)]
        ready.wait(_SECONDS)
        started = time.perf_counter()
        for one in work_of:
            one.result()
        return requests / (time.perf_counter() - started)


class _Connection:
    """Opened again when the server closes it, as it says in an answer."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __enter__(self) -> Self:
        self._socket = socket.create_connection((HOST, self._port), _SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self, sent: bytes) -> None:
        """Send a request, whose answer must be 200."""
        status, received = self.exchange(sent)
        if status != http.client.OK:
            raise RuntimeError(f"unexpected answer: {received.decode(errors='replace')}")

    def exchange(self, sent: bytes) -> tuple[int, bytes]:
        """Send a request; gives the status and the whole answer."""
        self._socket.sendall(sent)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head = received[:end].lower()
        _, marked, rest = head.partition(b"\r\ncontent-length:")
        if not marked:
            raise RuntimeError(f"an answer without a length: {received!r}")
        length = end + 4 + int(rest.partition(b"\r\n")[0])
        while len(received) < length:
            received += self._receive()
        if b"\r\nconnection: close" in head:
            self._socket.close()
            self.__enter__()
        return int(head.split(b" ", 2)[1]), received

    def _receive(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise RuntimeError("the server closed the connection before it answered")
        return chunk
