from __future__ import annotations

import pytest

from tests.local_aws.demo.snapshot import Call, Progress, Snapshot, Traffic, Variant, deviation


def call(status: int = 200, *, seconds: float = 0.1, variant: str | None = "champion") -> Call:
    return Call(at=1.0, seconds=seconds, status=status, variant=variant if status == 200 else None)


def test_counts_statuses_and_who_served() -> None:
    traffic = Traffic.of([call(), call(), call(variant="challenger"), call(502)], 2.0)
    assert traffic.requests == 4
    assert traffic.per_second == 2.0
    assert traffic.statuses == ((200, 3), (502, 1))
    assert traffic.failed == 1
    assert traffic.share("champion") == 0.5
    assert traffic.share("challenger") == 0.25
    assert traffic.share("nobody") == 0.0


@pytest.mark.parametrize(("count", "expected"), [(1, (1.0, 1.0, 1.0)), (2, (1.0, 2.0, 2.0)), (100, (50.0, 90.0, 99.0))])
def test_a_percentile_is_the_smallest_value_with_enough_below(count: int, expected: tuple[float, ...]) -> None:
    calls = [call(seconds=float(number)) for number in range(count, 0, -1)]
    assert Traffic.of(calls, 1.0).percentiles == expected


def test_no_traffic_has_no_percentiles_and_fails_nowhere() -> None:
    traffic = Traffic.of([], 0.0)
    assert (traffic.percentiles, traffic.per_second, traffic.failed, traffic.share("champion")) == ((), 0.0, 0, 0.0)


def test_finds_a_variant_by_its_name() -> None:
    champion = Variant(name="champion", weight=1.0, current=2, desired=2)
    seen = Snapshot(second=0.0, status="InService", config="c", variants=(champion,))
    assert seen.variant("champion") is champion
    with pytest.raises(KeyError):
        seen.variant("challenger")


@pytest.mark.parametrize(
    ("status", "is_settled"),
    [("", False), ("CREATE_IN_PROGRESS", False), ("CREATE_COMPLETE", True), ("ROLLBACK_FAILED", True)],
)
def test_a_stack_is_settled_once_nothing_is_under_way(status: str, *, is_settled: bool) -> None:
    assert Progress(second=0.0, status=status, total=1, finished=0).is_settled is is_settled


def test_the_deviation_is_counted_in_standard_deviations_of_a_fair_choice() -> None:
    assert deviation(0.9, 0.9, 100) == 0.0
    assert deviation(0.84, 0.9, 100) == pytest.approx(2.0)
    assert deviation(0.0, 0.0, 100) == 0.0
    assert deviation(0.5, 0.9, 0) == 0.0
