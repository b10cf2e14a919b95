"""An HTTP/1.1 client with persistent connections to one model server, made for little overhead."""

from __future__ import annotations

import asyncio
import select
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

BODY_LIMIT: Final = 64 * 1024 * 1024
_HEAD_LIMIT: Final = 256 * 1024
_SETTLE_SECONDS: Final = 2.0  # should the event loop come to its end meanwhile
_MOST_IDLE: Final = 32  # each keeps a thread of a simple server busy
_PIECE: Final = 64 * 1024  # of a streamed answer


@dataclass(frozen=True)
class Answer:
    """What a model server said; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotAcceptedError(ConnectionError):
    """The server took nothing of the request, so that another one may get it."""


class MalformedAnswerError(ConnectionError):
    """The server does not speak HTTP/1.1, or stopped in the middle of an answer."""


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class OpenAnswer:
    """An answer whose body is still to come; header names are in lower case. Close it, however far it was read."""

    status: int
    headers: Mapping[str, str]
    stream: _Stream

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            MalformedAnswerError: the server stopped in the middle, or does not speak HTTP/1.1.
        """
        try:
            async for piece in _pieces(self.stream[0], self.headers):
                yield piece
        except (ValueError, ConnectionResetError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise MalformedAnswerError("the server stopped in the middle of an answer") from error

    def close(self) -> None:
        """Close the connection, from the event loop that opened it."""
        self.stream[1].close()


class Connections:
    """The connections to one port of this machine, used from one event loop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[_Stream] = deque()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request and read its answer.

        Raises:
            NotAcceptedError: the server did not take the request.
            ConnectionError: the server failed after it might have taken the request.
        """
        message = self._message(method, path, headers, body)
        return await self._exchange(self._reusable() or await self._open(), message)

    async def open_request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> OpenAnswer:
        """Send one request and read the head of its answer.

        Raises:
            NotAcceptedError: the server did not take the request.
            ConnectionError: the server failed after it might have taken the request.
        """
        message = self._message(method, path, headers, body)
        stream = self._reusable() or await self._open()
        try:
            stream[1].write(message)
            await stream[1].drain()
            _, status, answered = await _read_head(stream[0])
        except (ConnectionResetError, BrokenPipeError) as error:
            stream[1].close()
            raise MalformedAnswerError("the server closed the connection") from error
        except BaseException:
            stream[1].close()
            raise
        return OpenAnswer(status, answered, stream)

    def _message(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self._loop = asyncio.get_running_loop()
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self._port}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace") + body

    def _reusable(self) -> _Stream | None:
        """An idle connection that the server has not closed.

        The kernel is asked, before anything is sent: once a request is out it is never sent again, because a request
        that ends a model server would end the next one as well.
        """
        while self._idle:
            stream = self._idle.pop()
            if stream[1].is_closing():  # its socket may be gone already
                continue
            poll = select.poll()
            poll.register(stream[1].get_extra_info("socket").fileno(), select.POLLIN)
            if not poll.poll(0):
                return stream
            stream[1].close()  # readable while nothing was asked: closed, or out of step
        return None

    async def _open(self) -> _Stream:
        try:
            return await asyncio.open_connection("127.0.0.1", self._port, limit=_HEAD_LIMIT)
        except OSError as error:
            raise NotAcceptedError(f"nobody listens on port {self._port}") from error

    def settle(self) -> None:
        """Wait, on another thread, until the event loop has done what it does: who chose this server is counted."""
        if self._loop is not None and self._loop.is_running():
            done = threading.Event()
            self._loop.call_soon_threadsafe(done.set)
            done.wait(_SETTLE_SECONDS)

    def close(self) -> None:
        """Close what is idle, from any thread; what is in use closes after its answer."""
        self._is_closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close_idle)

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, stream: _Stream, message: bytes) -> Answer:
        reader, writer = stream
        keep = False
        try:
            writer.write(message)
            await writer.drain()
            answer, keep = await _read_answer(reader)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise MalformedAnswerError("the server closed the connection") from error
        finally:
            if keep and not self._is_closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(stream)
            else:
                writer.close()
        return answer


async def _read_answer(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    version, code, headers = await _read_head(reader)
    try:
        body, framed = await _read_body(reader, headers, int(headers.get("content-length", "-1")))
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise MalformedAnswerError("the server does not speak HTTP/1.1") from error
    keep = framed and version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Answer(code, headers, body), keep


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, int, dict[str, str]]:
    """Version, status and headers."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise MalformedAnswerError("the server stopped in the middle of an answer") from error
    except asyncio.LimitOverrunError as error:
        raise MalformedAnswerError("the answer's headers are too long") from error
    try:
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, status = status_line.split(" ", 2)[:2]
        pairs = (line.partition(":") for line in lines if line)
        return version, int(status), {name.strip().lower(): value.strip() for name, _, value in pairs}
    except ValueError as error:
        raise MalformedAnswerError("the server does not speak HTTP/1.1") from error


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str], length: int) -> tuple[bytes, bool]:
    """The body, and whether its end was marked by something else than the end of the connection."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunks = []
        total = 0
        while size := int((await reader.readline()).split(b";")[0], 16):
            total += size
            if total > BODY_LIMIT:
                raise MalformedAnswerError("the answer is too long")
            chunks.append(await reader.readexactly(size))
            await reader.readline()
        while (await reader.readline()).strip():
            pass
        return b"".join(chunks), True
    if length > BODY_LIMIT:
        raise MalformedAnswerError("the answer is too long")
    if length >= 0:
        return await reader.readexactly(length), True
    return await reader.read(BODY_LIMIT), False


async def _pieces(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """A body as it comes, in pieces that are no longer than what a chunk has left."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            async for piece in _exactly(reader, size):
                yield piece
            await reader.readline()
        while (await reader.readline()).strip():
            pass
        return
    if "content-length" in headers:
        async for piece in _exactly(reader, int(headers["content-length"])):
            yield piece
        return
    while piece := await reader.read(_PIECE):
        yield piece


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    left = size
    while left:
        piece = await reader.read(min(left, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece
