from __future__ import annotations

import threading
from dataclasses import dataclass

from tests.local_aws.demo.load import Callers, Journal
from tests.local_aws.demo.snapshot import Call

GENEROUS = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    variant: str | None


def test_the_journal_tells_what_was_answered_since() -> None:
    journal = Journal()
    calls = [Call(at=float(second), seconds=0.1, status=200) for second in range(5)]
    for call in calls:
        journal.add(call)
    assert journal.since(3.0) == calls[3:]
    assert journal.since(0.0) == calls
    assert journal.since(9.0) == []


def test_every_caller_calls_until_the_end_and_none_after() -> None:
    journal, called = Journal(), [threading.Event(), threading.Event()]

    def post(number: int) -> Answer:
        called[number].set()
        return Answer(200 + number, f"v{number}")

    with Callers([lambda: post(0), lambda: post(1)], journal):
        assert all(event.wait(GENEROUS) for event in called)
    ended = len(journal.since(0.0))
    assert {(call.status, call.variant) for call in journal.since(0.0)} == {(200, "v0"), (201, "v1")}
    for event in called:
        event.clear()
    assert not any(event.is_set() for event in called)
    assert len(journal.since(0.0)) == ended


def test_a_lost_connection_is_kept_and_does_not_end_the_caller() -> None:
    journal, recovered = Journal(), threading.Event()
    failures = [ConnectionResetError(), ValueError("not JSON")]

    def post() -> Answer:
        if failures:
            raise failures.pop()
        recovered.set()
        return Answer(200, "champion")

    with Callers([post], journal):
        assert recovered.wait(GENEROUS)
    assert [call.status for call in journal.since(0.0)][:3] == [0, 0, 200]
    assert journal.since(0.0)[0].variant is None


def test_a_pace_leaves_time_between_calls() -> None:
    journal, second = Journal(), threading.Event()

    def post() -> Answer:
        if journal.since(0.0):
            second.set()
        return Answer(200, None)

    callers = Callers([post], journal)
    callers.pace(20.0)
    with callers:
        assert second.wait(GENEROUS)
    first, then = journal.since(0.0)[:2]
    assert then.at - first.at >= 0.04  # a twentieth of a second apart, and never sooner
