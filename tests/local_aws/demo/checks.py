"""Whether what was seen is what the demo tells; each check raises StoryError if it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tests.local_aws.demo.screen import StoryError
from tests.local_aws.demo.snapshot import OK, Snapshot, deviation
from tests.local_aws.demo.view import statuses

FORBIDDEN: Final = 403
MODEL_FAILED: Final = 502  # what the function answers when the model fails: docs/guides/runtime.md
ROLLED_BACK: Final = "UPDATE_ROLLBACK_COMPLETE"
_BY_CHANCE: Final = 5.0  # standard deviations: once in two million runs
_ALARMS: Final = re.compile(r"in ALARM state: ([\w, -]+)\.")


def follows_weights(seen: Snapshot) -> None:
    """Every variant served its part of the requests."""
    for each in seen.variants:
        share = seen.total.share(each.name)
        if deviation(share, each.weight, seen.total.requests) > _BY_CHANCE:
            requests = f"{share:.0%} of {seen.total.requests} requests"
            raise StoryError(f"{each.name} has a weight of {each.weight:.0%}, but served {requests}")


def all_answered(seen: Snapshot) -> None:
    """Every request was answered with 200."""
    if seen.total.failed:
        raise StoryError(f"not every request was answered with 200: {statuses(seen.total)}")


def all_refused(answers: Iterable[int]) -> None:
    """Every request was refused."""
    wrong = [status for status in answers if status != FORBIDDEN]
    if wrong:
        raise StoryError(f"a caller without the right was answered with {wrong[0]}, not with {FORBIDDEN}")


def only_the_canary_failed(seen: Snapshot) -> None:
    """Some requests failed, as the worse model does, and in no other way."""
    answered = {code for code, _ in seen.total.statuses}
    if answered != {OK, MODEL_FAILED}:
        raise StoryError(
            f"during the canary some {MODEL_FAILED} and else {OK} were expected, got {statuses(seen.total)}"
        )


def rolled_back(*, command: int | None, stack: str, before: str, after: str) -> None:
    """The command line failed, and stack and endpoint configuration are what they were."""
    if not command or stack != ROLLED_BACK:
        raise StoryError(f"the worse challenger was not rolled back: cdk ended with {command}, the stack is {stack}")
    if after != before:
        raise StoryError(f"the endpoint serves {after} after the rollback, and not {before}")


def alarms_named(output: str) -> list[str]:
    """The alarms that the command line names as the cause of the rollback."""
    found = _ALARMS.search(" ".join(output.split()))
    if found is None:
        raise StoryError("no alarm is named as the cause of the rollback")
    return found.group(1).split(", ")
