"""When a message that failed comes back: soon after a hiccup, later and later in a storm."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any, Final

from consume_records.clients import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consume_records.message import Message

# Five receives span at least ten minutes, and twenty-one at most.
_FIRST_DELAY: Final = 15.0  # seconds; four times as long after each receive, and jittered
_FACTOR: Final = 4
_LONGEST_DELAY: Final = 900.0
_BATCH: Final = (
    10  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
)


def delay_seconds(receives: int, retry_after: int | None) -> int:
    """How long a message stays invisible, which was received so often.

    Args:
        receives: At least 1.
        retry_after: What the endpoint advised, as a minimum.
    """
    longest = min(_FIRST_DELAY * _FACTOR ** min(receives - 1, 10), _LONGEST_DELAY)
    jittered = random.uniform(longest / 2, longest)  # noqa: S311 - spreads the retries of many messages
    return math.ceil(max(jittered, retry_after or 0))


def delay(client: Any, queue_arn: str, delays: Sequence[tuple[Message, int]]) -> list[BaseException]:  # noqa: ANN401 - botocore's clients have no types
    """Let messages come back after so many seconds, instead of the queue's visibility timeout.

    Args:
        client: Calls SQS.
        queue_arn: The queue.
        delays: Messages and seconds.

    Returns:
        Why it did not succeed for some; those come back when their visibility timeout ends.
    """
    *_, account, name = queue_arn.split(":")
    url = f"{client.meta.endpoint_url}/{account}/{name}"
    errors: list[BaseException] = []
    for start in range(0, len(delays), _BATCH):
        entries = [
            {"Id": str(index), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
            for index, (message, seconds) in enumerate(delays[start : start + _BATCH])
        ]
        try:
            answer = client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        except REFUSALS as error:
            errors.append(error)
        else:
            errors.extend(RuntimeError(failed["Code"]) for failed in answer.get("Failed", ()))
    return errors
