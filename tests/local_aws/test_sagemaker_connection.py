"""The connections to a model server that fails, in ways that a real one does."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.local_aws.sagemaker.connection import Answer, Connections, MalformedAnswerError, NotAcceptedError

LIMIT = 90.0  # seconds, for a machine that does much else
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def server(*behaviours: Callable[[socket.socket], None]) -> Iterator[tuple[int, threading.Event]]:
    """A server that does one thing per connection, after it has read a request; and when it has left the first."""

    def serve() -> None:
        for behave in behaviours:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                behave(connection)
            left.set()

    left = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], left
        thread.join()


def ask(port: int, *, again: threading.Event | None = None) -> list[Answer]:
    """Send a request, and another one `again`."""

    async def run() -> list[Answer]:
        connections = Connections(port)
        answers = [await connections.request("POST", "/invocations", {}, b"x")]
        if again is not None:
            assert await asyncio.to_thread(again.wait, LIMIT)
            await asyncio.sleep(0.1)  # the loop hears of it
            answers.append(await connections.request("POST", "/invocations", {}, b"x"))
        connections.close()
        return answers

    return asyncio.run(run())


def good(connection: socket.socket) -> None:
    connection.sendall(GOOD)


def good_and_reset(connection: socket.socket) -> None:
    connection.sendall(GOOD)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("leave", [good, good_and_reset])
def test_a_connection_that_the_server_has_left_is_not_used_again(leave: Callable[[socket.socket], None]) -> None:
    with server(leave, good) as (port, left):
        assert [answer.body for answer in ask(port, again=left)] == [b"ok", b"ok"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotAcceptedError):
        ask(port)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a number\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n99999999999\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"x: " + b"y" * 300_000 + b"\r\n\r\n",
    ],
    ids=range(10),
)
def test_an_answer_that_is_none_is_an_error_of_the_server(answer: bytes) -> None:
    with server(lambda connection: connection.sendall(answer)) as (port, _), pytest.raises(MalformedAnswerError):
        ask(port)
