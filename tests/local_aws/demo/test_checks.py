from __future__ import annotations

import pytest

from tests.local_aws.demo import checks
from tests.local_aws.demo.screen import StoryError
from tests.local_aws.demo.snapshot import Snapshot, Traffic, Variant

CONFIG = "config"


def seen(*statuses: tuple[int, int], champion: int = 0, challenger: int = 0) -> Snapshot:
    requests = sum(number for _, number in statuses) or champion + challenger
    served = (("challenger", challenger), ("champion", champion))
    return Snapshot(
        second=0.0,
        status="InService",
        config=CONFIG,
        variants=(
            Variant(name="champion", weight=0.9, current=2, desired=2),
            Variant(name="challenger", weight=0.1, current=2, desired=2),
        ),
        total=Traffic(requests=requests, statuses=statuses, served=served),
    )


def test_traffic_may_stray_from_the_weights_by_chance_and_no_further() -> None:
    checks.follows_weights(seen(champion=90, challenger=10))
    checks.follows_weights(seen(champion=78, challenger=22))
    with pytest.raises(StoryError, match=r"champion has a weight of 90%, but served 50% of 100 requests"):
        checks.follows_weights(seen(champion=50, challenger=50))


def test_one_failed_request_is_too_many() -> None:
    checks.all_answered(seen((200, 3)))
    with pytest.raises(StoryError, match="not every request was answered with 200: 200: 3, 502: 1"):
        checks.all_answered(seen((200, 3), (502, 1)))


def test_a_served_stranger_is_told() -> None:
    checks.all_refused([403, 403])
    with pytest.raises(StoryError, match="answered with 200, not with 403"):
        checks.all_refused([403, 200])


@pytest.mark.parametrize("statuses", [((200, 9),), ((200, 9), (502, 1), (503, 1)), ((502, 1),), ((0, 1), (200, 9))])
def test_a_canary_fails_some_requests_in_one_way(statuses: tuple[tuple[int, int], ...]) -> None:
    checks.only_the_canary_failed(seen((200, 9), (502, 1)))
    with pytest.raises(StoryError, match="during the canary"):
        checks.only_the_canary_failed(seen(*statuses))


@pytest.mark.parametrize(
    ("command", "stack", "after", "complaint"),
    [
        (0, "UPDATE_COMPLETE", "other", "not rolled back: cdk ended with 0"),
        (None, checks.ROLLED_BACK, CONFIG, "not rolled back: cdk ended with None"),
        (1, "UPDATE_ROLLBACK_FAILED", CONFIG, "the stack is UPDATE_ROLLBACK_FAILED"),
        (1, checks.ROLLED_BACK, "other", "serves other after the rollback, and not config"),
    ],
)
def test_a_deployment_that_stays_is_told(command: int | None, stack: str, after: str, complaint: str) -> None:
    checks.rolled_back(command=1, stack=checks.ROLLED_BACK, before=CONFIG, after=CONFIG)
    with pytest.raises(StoryError, match=complaint):
        checks.rolled_back(command=command, stack=stack, before=CONFIG, after=after)


def test_finds_the_alarms_in_broken_lines() -> None:
    output = 'auto rollback are in ALARM state:\n  e-champion-rollback-5xx,\n  e-b-rollback-latency. The endpoint was"'
    assert checks.alarms_named(output) == ["e-champion-rollback-5xx", "e-b-rollback-latency"]
    with pytest.raises(StoryError, match="no alarm is named"):
        checks.alarms_named("AWS::CloudWatch::Alarm e-champion-rollback-5xx UPDATE_COMPLETE")
