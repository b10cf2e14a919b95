"""Where the answer to a message goes: a bucket, a topic, or nowhere."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from consume_records.clients import REFUSALS
from consume_records.dead_letters import is_text_for_queues
from consume_records.failure import Failure

if TYPE_CHECKING:
    from invoke_endpoint.endpoint import Answer

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: body and attributes together
_TOPIC_LIMIT: Final = 262_144


class Results(Protocol):
    """A destination of answers."""

    def store(self, message_id: str, group: str | None, answer: Answer) -> bool:
        """Store the answer to a message; gives whether it is the first.

        Raises:
            Failure: the answer was not stored.
        """


class NoResults:
    """For models whose answer nobody needs."""

    def store(self, message_id: str, group: str | None, answer: Answer) -> bool:  # noqa: ARG002 - nothing is stored
        """Forget the answer."""
        return True


class BucketResults:
    """An object for each message, named after it: a second delivery never makes a second result.

    Args:
        client: Calls S3.
        bucket: Its name; its default encryption applies.
        prefix: Begins the keys.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - botocore's clients have no types
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def store(self, message_id: str, group: str | None, answer: Answer) -> bool:  # noqa: ARG002 - objects have no order
        """Create the object, unless it exists."""
        variant = answer.attributes.get("invoked-production-variant")
        metadata = {"inference-id": message_id, **({} if variant is None else {"production-variant": variant})}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + message_id,
                Body=answer.body,
                ContentType=answer.content_type,
                Metadata=metadata,
                IfNoneMatch="*",  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
            )
        except REFUSALS as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == "PreconditionFailed":
                return False
            raise Failure.by("result-not-stored", error) from error
        return True


class TopicResults:
    """A notification for each message; text as it is, anything else as base64.

    Args:
        client: Calls SNS.
        topic_arn: A topic, or a FIFO topic, which drops the second result of a message for five minutes.
    """

    def __init__(self, client: Any, topic_arn: str) -> None:  # noqa: ANN401 - botocore's clients have no types
        self._client = client
        self._topic_arn = topic_arn

    def store(self, message_id: str, group: str | None, answer: Answer) -> bool:
        """Publish the answer."""
        attributes = {"Content-Type": answer.content_type, "OriginalMessageId": message_id}
        text = _text(answer.body)
        if text is None:
            text = base64.b64encode(answer.body).decode() or "-"  # a message is never empty
            attributes["Content-Transfer-Encoding"] = "base64" if answer.body else "empty"
        size = len(text.encode()) + sum(len(name) + len("String") + len(value) for name, value in attributes.items())
        if size > _TOPIC_LIMIT:
            raise Failure("result-too-large")
        fifo = self._topic_arn.endswith(".fifo")
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Message=text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
                **({"MessageGroupId": group or message_id, "MessageDeduplicationId": message_id} if fifo else {}),
            )
        except REFUSALS as error:
            raise Failure.by("result-not-stored", error) from error
        return True


def _text(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if is_text_for_queues(text) else None
