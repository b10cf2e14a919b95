"""What containers print, in CloudWatch Logs: a group per endpoint, a stream per container, with the role's own rights.

A role that may not write logs gets none, and nothing else happens, as on AWS.

https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # ships no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # ships no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # ships no types

from tests.local_aws import seams
from tests.local_aws.sagemaker import roles
from tests.local_aws.sagemaker.model_server import ModelServer

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS: Final = 10_000
_BATCH_BYTES: Final = 1_048_576
_EVENT_OVERHEAD: Final = 26
_EVENT_BYTES: Final = 256 * 1024
_READ_BYTES: Final = 4 * _BATCH_BYTES  # of one container and round: a chatty container does not hold up the others
_TIMEOUT: Final = 30.0
_MISSING: Final = "ResourceNotFoundException"
_EXISTS: Final = "ResourceAlreadyExistsException"

_log = logging.getLogger("sagemaker")


@dataclass(kw_only=True)
class Source:
    """A container, whose rights its lines are written with, and how far they were."""

    account: str
    region: str
    role: str
    server: ModelServer
    offset: int = field(default=0, init=False)

    def read(self) -> bytes:
        """The whole lines that were not delivered yet; all there is where the container is over."""
        is_over = self.server.is_over
        try:
            with self.server.log.open("rb") as file:
                file.seek(self.offset)
                data = file.read(_READ_BYTES)
        except FileNotFoundError:  # somebody tidied up
            return b""
        if is_over or len(data) == _READ_BYTES:
            return data
        return data[: data.rfind(b"\n") + 1]


class RefusedError(Exception):
    """CloudWatch Logs refused a call; the text is the error's code."""


class ContainerLogs:
    """Delivers what the containers print."""

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._lock = threading.Lock()

    def follow(self, source: Source) -> None:
        """Deliver what a container prints, until it is over and everything was delivered."""
        with self._lock:
            self._sources.append(source)

    def clear(self) -> None:
        """Forget every container."""
        with self._lock:
            self._sources.clear()

    def deliver(self) -> None:
        """Deliver what was printed since the last time; call it from a thread that may wait."""
        with self._lock:
            sources = list(self._sources)
        for source in sources:
            is_over = source.server.is_over
            try:
                is_finished = _deliver(source)
            except Exception:  # noqa: BLE001 - logged; one container does not hold up the others
                _log.exception("the logs of %s were not delivered", source.server.stream.name)
                is_finished = True
            if is_over and is_finished:
                with self._lock:
                    self._sources = [one for one in self._sources if one is not source]


def _deliver(source: Source) -> bool:
    """Deliver one container's lines; gives whether nothing is left."""
    text = source.read()
    if not text:
        return True
    credentials = roles.keep(source.role, account=source.account, region=source.region)
    try:
        if credentials is not None:
            _put(_Logs(credentials, source.region), source, text)
    except OSError as error:  # the emulator is on its way down, or very busy: the file keeps the lines
        _log.info("the logs of %s wait: %s", source.server.stream.name, error)
        return False
    except RefusedError as error:
        roles.forget(credentials)
        _log.info("the role %s may not write logs: %s", source.role, error)
    source.offset += len(text)
    return len(text) < _READ_BYTES


def _put(logs: _Logs, source: Source, text: bytes) -> None:
    place = {"logGroupName": source.server.stream.group, "logStreamName": source.server.stream.name}
    for events in _batches(text, int(time.time() * 1000)):
        try:
            logs.call("PutLogEvents", {**place, "logEvents": events})
        except RefusedError as error:
            if str(error) != _MISSING:
                raise
            _make(logs, place)
            logs.call("PutLogEvents", {**place, "logEvents": events})


def _make(logs: _Logs, place: Mapping[str, str]) -> None:
    """Make the stream, and the group only where there is none: a group that a stack owns needs no right to make it."""
    try:
        logs.call("CreateLogStream", place)
    except RefusedError as error:
        if str(error) == _EXISTS:
            return
        if str(error) != _MISSING:
            raise
        logs.call("CreateLogGroup", {"logGroupName": place["logGroupName"]})
        logs.call("CreateLogStream", place)


def _batches(text: bytes, now: int) -> Iterator[list[dict[str, Any]]]:
    """Lines as events, in batches within the limits of PutLogEvents."""
    events: list[dict[str, Any]] = []
    size = 0
    for line in text.splitlines():
        message = line[:_EVENT_BYTES].decode(errors="replace")
        if not message.strip():
            continue  # an event has a message
        length = len(message.encode()) + _EVENT_OVERHEAD
        if events and (len(events) == _BATCH_EVENTS or size + length > _BATCH_BYTES):
            yield events
            events, size = [], 0
        events.append({"timestamp": now, "message": message})
        size += length
    if events:
        yield events


class _Logs:
    """CloudWatch Logs as a role sees it."""

    def __init__(self, credentials: seams.Credentials, region: str) -> None:
        key = Credentials(credentials.access_key, credentials.secret_key, credentials.token)
        self._signer = SigV4Auth(key, "logs", region)

    def call(self, operation: str, request: Mapping[str, Any]) -> None:
        """Call an operation.

        Raises:
            RefusedError: the service refused it.
            OSError: no service answered.
        """
        port, body = seams.port(), json.dumps(request).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}
        signed = AWSRequest("POST", f"http://127.0.0.1:{port}/", data=body, headers=headers)
        self._signer.add_auth(signed)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        with closing(connection):
            connection.request("POST", "/", body=body, headers={**signed.headers, "Connection": "close"})
            response = connection.getresponse()
            answer = response.read()
        if response.status != http.client.OK:
            raise RefusedError(_code(answer, response.status))


def _code(answer: bytes, status: int) -> str:
    try:
        return str(json.loads(answer)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        return f"status {status}"
