"""Remembers which messages have ended, so that a second delivery has no second effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from consume_records.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from consume_records.observer import Context

_KEPT_SECONDS: Final = 14 * 24 * 3600  # no message lives longer in its queue


class Memory(Protocol):
    """Runs something once for each message."""

    def begin(self, context: Context) -> None:
        """Learn how long the invocation may take."""

    def once(self, message_id: str, work: Callable[[], None]) -> bool:
        """Do the work unless it was done before; gives whether it was done now.

        Raises:
            Failure: the work failed, it is being done elsewhere, or nobody knows.
        """


class NoMemory:
    """For results that cannot exist twice, as objects named after the message."""

    def begin(self, context: Context) -> None:
        """Nothing to learn."""

    def once(self, message_id: str, work: Callable[[], None]) -> bool:  # noqa: ARG002 - nothing is remembered
        """Do the work."""
        work()
        return True


class TableMemory:
    """Powertools Idempotency on a table with the key `id` and the time to live `expiration`.

    Args:
        client: Calls DynamoDB.
        table: Its name.
        prefix: Begins the keys: several functions may share the table.
    """

    def __init__(self, client: Any, table: str, prefix: str) -> None:  # noqa: ANN401 - botocore's clients have no types
        # Imported where it is needed: it brings boto3.
        from aws_lambda_powertools.utilities.idempotency import (  # noqa: PLC0415
            DynamoDBPersistenceLayer,
            IdempotencyConfig,
            idempotent_function,
        )
        from aws_lambda_powertools.utilities.idempotency.exceptions import (  # noqa: PLC0415
            IdempotencyAlreadyInProgressError,
            IdempotencyInconsistentStateError,
            IdempotencyPersistenceLayerError,
        )

        self._config = IdempotencyConfig(expires_after_seconds=_KEPT_SECONDS, hash_function="sha256")
        self._busy = (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError)
        self._broken = IdempotencyPersistenceLayerError
        layer = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)
        layer.configure(self._config, key_prefix=prefix)  # else the first threads would race to do it
        self._run = idempotent_function(
            _run,
            data_keyword_argument="message_id",
            persistence_store=layer,
            config=self._config,
            key_prefix=prefix,
        )

    def begin(self, context: Context) -> None:
        """Work that was begun and not ended may begin again when the invocation is over."""
        self._config.register_lambda_context(context)  # type: ignore[arg-type]  # it reads the remaining time alone

    def once(self, message_id: str, work: Callable[[], None]) -> bool:
        """Do the work unless the table knows that it is done."""
        done: list[bool] = []
        try:
            self._run(message_id=message_id, work=work, done=done)
        except self._busy as error:
            raise Failure.by("in-progress", error) from error
        except self._broken as error:
            raise Failure.by("memory-unavailable", error) from error
        return bool(done)


def _run(*, message_id: str, work: Callable[[], None], done: list[bool]) -> None:  # noqa: ARG001 - the key of the work
    work()
    done.append(True)
