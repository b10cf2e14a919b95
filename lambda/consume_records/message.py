"""One message of a queue, as Lambda hands it over.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from consume_records.dead_letters import Letter
from consume_records.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTENT_TYPE: Final = "Content-Type"
_ENCODING: Final = "Content-Transfer-Encoding"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What counts of a message."""

    id: str
    body: str
    receipt: str
    receives: int
    """How often it was received, this time included."""
    first_received: str
    """Milliseconds since 1970."""
    group: str | None
    """Of a FIFO queue."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Its attributes that are text."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Message:
        """Read a record of the event."""
        attributes = record.get("attributes") or {}
        texts = {name: value.get("stringValue") for name, value in (record.get("messageAttributes") or {}).items()}
        return cls(
            id=record["messageId"],
            body=record.get("body") or "",
            receipt=record["receiptHandle"],
            receives=int(attributes.get("ApproximateReceiveCount", "1")),
            first_received=str(attributes.get("ApproximateFirstReceiveTimestamp", "")),
            group=attributes.get("MessageGroupId"),
            texts={name: value for name, value in texts.items() if isinstance(value, str)},
        )

    @property
    def content_type(self) -> str | None:
        """The message's own content type."""
        return self.texts.get(_CONTENT_TYPE)

    @property
    def encoded(self) -> bool:
        """Whether the body is base64.

        Raises:
            Failure: the message names an encoding that nobody defined.
        """
        encoding = self.texts.get(_ENCODING, "identity")
        if encoding not in {"identity", "base64"}:
            raise Failure("malformed-body", f"{_ENCODING} must be identity or base64.", retryable=False)
        return encoding == "base64"

    def letter(self) -> Letter:
        """The message for the dead-letter queue; what belongs to the body comes first."""
        own = {name: self.texts[name] for name in (_CONTENT_TYPE, _ENCODING) if name in self.texts}
        facts = {"FirstReceiveTimestamp": self.first_received}
        attributes = {**own, **facts, **{name: text for name, text in self.texts.items() if name not in facts}}
        return Letter(body=self.body, record_id=self.id, attributes=attributes, group=self.group)
