from __future__ import annotations

import io
from dataclasses import replace
from typing import Literal

import pytest
from rich.console import Console, RenderableType

from tests.local_aws.demo import view
from tests.local_aws.demo.snapshot import Alarm, Progress, Snapshot, Traffic, Variant

ALARM = "realtime-endpoint-4c616d86-challenger-rollback-latency"
NOW = Traffic(
    requests=100,
    per_second=33.3,
    statuses=((200, 90), (502, 10)),
    percentiles=(0.065, 0.083, 0.21),
    served=(("challenger", 15), ("champion", 75)),
)
SEEN = Snapshot(
    second=12.34,
    status="Updating",
    config="config",
    variants=(
        Variant(name="champion", weight=0.9, current=2, desired=4),
        Variant(name="challenger", weight=0.1, current=2, desired=2),
    ),
    pending=(Variant(name="champion", weight=0.1, current=0, desired=2),),
    alarms=(Alarm(name="champion-rollback-5xx", state="OK"), Alarm(name=ALARM, state="ALARM")),
    scaling="Successful: Setting desired instance count to 4.",
    failure="An alarm went off.",
    now=NOW,
    total=replace(NOW, requests=412),
    rates=(0.0, 10.0, 40.0),
    instances=(4, 4, 8),
)
PROGRESS = Progress(
    second=3.0,
    status="CREATE_IN_PROGRESS",
    total=101,
    finished=90,
    latest=("AWS::IAM::Role One", "AWS::KMS::Key Two"),
    pending=("AWS::SageMaker::Endpoint Three",),
    failed=("Four: no right",),
)


def drawn(shown: RenderableType, *, width: int = 80, is_terminal: bool = False) -> str:
    output = io.StringIO()
    colours: Literal["standard"] | None = "standard" if is_terminal else None
    console = Console(file=output, width=width, highlight=False, force_terminal=is_terminal, color_system=colours)
    console.print(shown)
    return output.getvalue()


def line_with(text: str, start: str) -> str:
    (found,) = (line for line in text.splitlines() if line.strip("│ ").startswith(start))
    return found


def test_shows_traffic_by_variant_against_the_weights() -> None:
    text = drawn(view.endpoint_panel(SEEN, "callers"))
    assert line_with(text, "champion").split() == [
        *("│", "champion", "━" * 18, "┃", "75%", "90%", "■", "■", "2", "→", "4", "│"),
    ]
    assert line_with(text, "challenger").split() == ["│", "challenger", "━━┃━", "15%", "10%", "■", "■", "2", "│"]
    assert line_with(text, "failed").split() == ["│", "failed", "━━", "10%", "│"]


def test_the_bar_of_a_variant_on_its_weight_ends_there() -> None:
    text = drawn(view.endpoint_panel(replace(SEEN, now=replace(NOW, served=(("champion", 90),))), "callers"))
    assert "━" * 22 + "┃" in line_with(text, "champion")


def test_shows_requests_answers_latency_and_curves() -> None:
    text = drawn(view.endpoint_panel(SEEN, "callers"))
    assert "412, now 33 a second" in line_with(text, "requests  4")
    assert line_with(text, "answers").split()[2:-1] == ["200:", "90", "502:", "10"]
    assert "p50 65 ms, p90 83 ms, p99 210 ms" in line_with(text, "latency")
    assert "▁▃█" in text
    assert "▅▅█" in text
    assert "Setting desired instance count to 4." in text
    assert "callers" in text.splitlines()[0]
    assert "12 s" in text.splitlines()[-1]


def test_a_quiet_endpoint_is_shown_without_failures_or_percentiles() -> None:
    quiet = replace(SEEN, now=Traffic(), total=Traffic(), rates=(), instances=(), scaling="")
    text = drawn(view.endpoint_panel(quiet, "callers"))
    assert "no request in the last seconds" in text
    assert "failed" not in text
    assert "scaling" not in text


def test_shows_a_deployment_with_its_alarms() -> None:
    text = drawn(view.deployment_panel(SEEN, "cdk deploy"))
    assert "Updating" in line_with(text, "endpoint")
    assert "champion 0 → 2 for 10%" in line_with(text, "new fleet")
    assert line_with(text, "alarms").split()[1:-1] == ["alarms", "OK", "champion-rollback-5xx"]
    assert f"ALARM {ALARM}" in text
    assert "An alarm went off." in line_with(text, "failure")
    assert "none" in drawn(view.deployment_panel(replace(SEEN, pending=()), "cdk deploy"))


def test_shows_resources_as_they_come() -> None:
    text = drawn(view.progress_panel(PROGRESS, "Realtime"))
    assert "90 of 101 resources" in text
    assert "✓ AWS::KMS::Key Two" in text
    assert "… AWS::SageMaker::Endpoint Three" in text
    assert "Four: no right" in text
    assert "Realtime  CREATE_IN_PROGRESS" in text


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize(
    "panel",
    [view.endpoint_panel(SEEN, "c"), view.deployment_panel(SEEN, "c"), view.progress_panel(PROGRESS, "c")],
    ids=["endpoint", "deployment", "progress"],
)
def test_fits_the_terminal(panel: RenderableType, width: int) -> None:
    assert {len(line) for line in drawn(panel, width=width).splitlines()} == {width}


@pytest.mark.parametrize(
    "panel",
    [view.endpoint_panel(SEEN, "c"), view.deployment_panel(SEEN, "c"), view.progress_panel(PROGRESS, "c")],
    ids=["endpoint", "deployment", "progress"],
)
def test_no_colour_is_lost_on_a_light_or_a_dark_ground(panel: RenderableType) -> None:
    text = drawn(panel, is_terminal=True)
    assert "\x1b[" in text
    for unreadable in ("\x1b[30m", "\x1b[33m", "\x1b[37m", "\x1b[93m", "\x1b[97m", "\x1b[1;33m", "\x1b[1;37m"):
        assert unreadable not in text


def test_says_the_same_in_a_line() -> None:
    assert view.endpoint_line(SEEN) == (
        "  12.3 s  33 requests a second: 200: 90, 502: 10, p50 65 ms, p90 83 ms, p99 210 ms; "
        "champion 75% of traffic (weight 90%) on 2 → 4 instances; "
        "challenger 15% of traffic (weight 10%) on 2 instances"
    )
    assert view.deployment_line(SEEN) == (
        f"  12.3 s  Updating, new fleet champion 0 → 2 for 10%; ALARM {ALARM}; champion 75% of traffic; "
        "challenger 15% of traffic; failed 10%; "
        "33 requests a second: 200: 90, 502: 10, p50 65 ms, p90 83 ms, p99 210 ms"
    )
    assert view.progress_line(PROGRESS) == (
        "   3.0 s  CREATE_IN_PROGRESS, 90 of 101 resources; making AWS::SageMaker::Endpoint Three"
    )
    assert "no stack yet, 0 of 7 resources" in view.progress_line(Progress(second=0, status="", total=7, finished=0))


def test_an_answer_that_did_not_come_is_said_in_words() -> None:
    assert view.statuses(Traffic(requests=3, statuses=((0, 1), (200, 2)))) == "no answer: 1, 200: 2"
    assert view.statuses(Traffic()) == "none yet"
