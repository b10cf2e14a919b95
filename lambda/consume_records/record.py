"""One record of a stream, as Lambda hands it over, and its line among the results.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from consume_records.dead_letters import MESSAGE_LIMIT, Letter, is_text_for_queues

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invoke_endpoint.endpoint import Answer

# https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
_AGGREGATE: Final = b"\xf3\x89\x9a\xc2"
_DIGEST: Final = 16
_ATTRIBUTES_SIZE: Final = 4_096  # at most, of a dead letter


@dataclass(frozen=True, kw_only=True)
class Record:
    """What counts of a record."""

    data: str
    """Base64, as Kinesis has it."""
    partition_key: str
    sequence_number: str
    shard: str
    stream_arn: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Record:
        """Read a record of the event."""
        kinesis = record["kinesis"]
        return cls(
            data=kinesis["data"],
            partition_key=kinesis["partitionKey"],
            sequence_number=kinesis["sequenceNumber"],
            shard=str(record.get("eventID", "")).partition(":")[0],
            stream_arn=str(record.get("eventSourceARN", "")),
        )

    @property
    def is_aggregate(self) -> bool:
        """Whether the Kinesis Producer Library put many records into this one, which no model understands."""
        if not self.data.startswith("84mawg"):  # what the mark is in base64
            return False
        data = _decoded(self.data)
        digest = hashlib.md5(data[len(_AGGREGATE) : -_DIGEST], usedforsecurity=False).digest()
        return data.startswith(_AGGREGATE) and data.endswith(digest)

    def letter(self) -> Letter:
        """The record for the dead-letter queue: text as it is, anything else as base64.

        What is too large for a queue stays in the stream, and the letter says where.
        """
        attributes = {"PartitionKey": self.partition_key, "ShardId": self.shard, "StreamArn": self.stream_arn}
        try:
            text = _decoded(self.data).decode()
        except UnicodeDecodeError:
            text = ""
        body = text if is_text_for_queues(text) else self.data
        if body is self.data:
            attributes["Content-Transfer-Encoding"] = "base64"
        if not body or len(body.encode()) + _ATTRIBUTES_SIZE > MESSAGE_LIMIT:
            place = {"stream": self.stream_arn, "shard": self.shard, "sequenceNumber": self.sequence_number}
            body = json.dumps(place)
            attributes["Content-Transfer-Encoding"] = "omitted"
        return Letter(body=body, record_id=self.sequence_number, attributes=attributes, group=self.shard)

    def line(self, answer: Answer) -> bytes:
        """The result as a line of JSON; JSON as it is, other text as a string, anything else as base64."""
        encoding, result = "base64", None
        try:
            result = answer.body.decode()
            encoding = "text"
            if "json" in answer.content_type.lower() and "lines" not in answer.content_type.lower():
                result = json.loads(result, parse_constant=_refuse)
                encoding = "json"
        except (ValueError, RecursionError):
            pass
        value = base64.b64encode(answer.body).decode() if encoding == "base64" else result
        head = {"sequenceNumber": self.sequence_number, "partitionKey": self.partition_key, "shard": self.shard}
        line = {**head, "contentType": answer.content_type, "encoding": encoding, "result": value}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return b""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and the infinities are no JSON
