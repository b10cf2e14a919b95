"""Why a record was not processed, and whether another attempt may end otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consume_records.clients import error_code

if TYPE_CHECKING:
    from invoke_endpoint.problem import Problem

# Kinds beside those of `invoke_endpoint.problem` -> whether another attempt may end otherwise, and what to tell.
_KINDS: Final = {
    "aggregated-record": (False, "The record is an aggregate of the Kinesis Producer Library. Switch aggregation off."),
    "result-too-large": (False, "The model's answer is larger than the destination of results takes."),
    "result-not-stored": (True, "The model answered, but the destination did not take its answer."),
    "dead-letter-not-sent": (True, "The dead-letter queue did not take the record."),
    "out-of-time": (True, "The function's time was over before the record was processed."),
    "behind-a-failure": (True, "An earlier message of the group has to be processed first."),
    "in-progress": (True, "Another delivery of this message is being processed."),
    "memory-unavailable": (True, "Whether the message was processed before is not known."),
    "unexpected": (True, "The record was not processed."),
}


class Failure(Exception):  # noqa: N818 - it may be no error but a lack of time
    """A record that was not processed.

    Args:
        kind: One of `invoke_endpoint.problem.KINDS`, or one that only records have.
        detail: One sentence for whoever looks after the dead letters. Default: that of the kind.
        retryable: Whether another attempt may end otherwise. Default: that of the kind.
        status: HTTP status, if the endpoint was asked. Default: none.
        retry_after: Seconds after which another attempt makes sense. Default: no such advice.
        log: Facts for the log line.
    """

    def __init__(
        self,
        kind: str,
        detail: str | None = None,
        *,
        retryable: bool | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        log: dict[str, object] | None = None,
    ) -> None:
        usual = _KINDS.get(kind, (False, kind))
        self.kind = kind
        self.detail = usual[1] if detail is None else detail
        self.retryable = usual[0] if retryable is None else retryable
        self.status = status
        self.retry_after = retry_after
        self.log = log or {}
        super().__init__(f"{kind}: {self.detail}")

    @classmethod
    def of(cls, problem: Problem) -> Failure:
        """The failure of a call."""
        return cls(
            problem.kind,
            problem.detail,
            retryable=problem.retryable,
            status=problem.status,
            retry_after=problem.retry_after,
            log=problem.log,
        )

    @classmethod
    def by(cls, kind: str, error: BaseException) -> Failure:
        """A failure for which something else is to blame than the call: its code is logged, never its text."""
        return cls(kind, log={"aws_error": error_code(error)})
