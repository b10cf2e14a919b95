"""Services that speak AWS's JSON protocol: operations by name, each from a request to an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.local_aws import seams

Message = dict[str, Any]
Operation = Callable[[Message], Message]


class ServiceError(Exception):
    """An AWS error: a code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def handler(operation: Callable[[str, bytes], Message]) -> seams.Handler:
    """Answers every request of a service by `operation`, which gets the operation's name and the body, on a thread."""

    async def handle(
        _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
    ) -> seams.Reply:
        try:
            answer, status = await seams.on_thread(operation, _name(headers), body), 200
        except ServiceError as error:
            answer, status = {"__type": error.code, "Message": str(error)}, 400
        return _reply(status, answer)

    return handle


def wrap(name: str, operations: Mapping[str, Operation]) -> None:
    """Answer some operations of a service that MiniStack has; it keeps answering the others."""

    def around(theirs: seams.Handler) -> seams.Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
        ) -> seams.Reply:
            operation = operations.get(_name(headers))
            if operation is None:
                return await theirs(method, path, headers, body, query)
            try:
                answer, status = operation(json.loads(body or b"{}")), 200
            except ServiceError as error:
                answer, status = {"__type": error.code, "message": str(error)}, 400
            return _reply(status, answer)

        return handle

    seams.wrap_service(name, around)


def _name(headers: dict[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _reply(status: int, answer: Message) -> seams.Reply:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
