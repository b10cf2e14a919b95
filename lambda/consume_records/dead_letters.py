"""The queue of records that cannot be processed, each with its cause."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from consume_records.clients import REFUSALS
from consume_records.failure import Failure

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MESSAGE_LIMIT: Final = 1_048_576
_ATTRIBUTES: Final = 10
# SQS takes what XML takes.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A record on its way to the dead letters."""

    body: str
    record_id: str
    """Of the message, or the record's place in its stream."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What belongs to the payload, and facts about the record."""
    group: str | None = None
    """Of a message from a FIFO queue."""


class DeadLetterQueue:
    """Takes records with their cause as message attributes.

    Args:
        client: Calls SQS.
        url: The queue.
        endpoint_name: Which endpoint did not process the record.
    """

    def __init__(self, client: Any, url: str, endpoint_name: str) -> None:  # noqa: ANN401 - botocore's clients have no types
        self._client = client
        self._url = url
        self._endpoint_name = endpoint_name

    def send(self, letter: Letter, cause: Failure) -> None:
        """Send a record, with its cause.

        A message that is as large as a queue takes has no room for the cause, and is refused.

        Raises:
            Failure: the queue did not take it.
        """
        ours = {
            "Cause": cause.kind,
            "CauseStatus": "-" if cause.status is None else str(cause.status),
            "CauseDetail": cause.detail,
            "OriginalMessageId": letter.record_id,
            "EndpointName": self._endpoint_name,
        }
        kept = {name: value for name, value in letter.attributes.items() if name not in ours and value}
        texts = {**ours, **dict(list(kept.items())[: _ATTRIBUTES - len(ours)])}
        texts = {name: _FORBIDDEN.sub("", text) or "-" for name, text in texts.items()}
        fifo = self._url.endswith(".fifo")
        order = {"MessageGroupId": letter.group or letter.record_id, "MessageDeduplicationId": letter.record_id}
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=letter.body,
                MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in texts.items()},
                **(order if fifo else {}),
            )
        except REFUSALS as error:
            raise Failure.by("dead-letter-not-sent", error) from error


def is_text_for_queues(text: str) -> bool:
    """Whether a queue takes this text as the body of a message."""
    return bool(text) and _FORBIDDEN.search(text) is None
