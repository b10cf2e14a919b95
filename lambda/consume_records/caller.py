"""One record, one call of the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consume_records.failure import Failure
from invoke_endpoint.problem import Problem
from invoke_endpoint.request import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from consume_records.settings import CallSettings
    from invoke_endpoint.endpoint import Answer, Endpoint

_ADDRESSES: Final = 3  # an interface endpoint has one per zone, and each has the connect timeout
# Kept free to store the result or the cause: no call is started that could use it up.
STORE_SECONDS: Final = 3.0
# Kept free to answer Lambda, which otherwise hands out the whole batch again.
ANSWER_SECONDS: Final = 1.0


class Caller:
    """Calls the endpoint with the payload of a record.

    Args:
        settings: Content types and timeouts.
        endpoint: Where payloads go.
    """

    def __init__(self, settings: CallSettings, endpoint: Endpoint) -> None:
        self._settings = settings
        self._endpoint = endpoint
        connect, read = settings.endpoint.connect_timeout_seconds, settings.endpoint.read_timeout_seconds
        self._longest = _ADDRESSES * connect + read + STORE_SECONDS + ANSWER_SECONDS

    def fits(self, pause: float, remaining: Callable[[], float]) -> bool:
        """Whether a call can end in time that starts after a pause."""
        return remaining() - pause >= self._longest

    def call(
        self,
        payload: str,
        inference_id: str,
        remaining: Callable[[], float],
        *,
        encoded: bool,
        content_type: str | None = None,
    ) -> Answer:
        """Call the endpoint, if the time suffices.

        Args:
            payload: The model's input.
            inference_id: Names the call in the endpoint's captured data.
            remaining: Seconds until Lambda ends the function.
            encoded: Whether the payload is base64.
            content_type: The record's own content type. Default: that of every record.

        Raises:
            Failure: there is no answer.
        """
        if not self.fits(0, remaining):
            raise Failure("out-of-time")
        headers = {
            "content-type": self._settings.content_type if content_type is None else content_type,
            "x-amzn-sagemaker-inference-id": inference_id,
        }
        if self._settings.accept is not None:
            headers["accept"] = self._settings.accept
        request = {"body": payload, "headers": headers, "isBase64Encoded": encoded}
        try:
            return self._endpoint.invoke(parse(request, self._settings.endpoint), lambda: remaining() - STORE_SECONDS)
        except Problem as problem:
            raise Failure.of(problem) from problem
