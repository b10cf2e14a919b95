from __future__ import annotations

import pytest

from submit_requests.settings import Settings

REQUIRED = {
    "ENDPOINT_NAME": "slow",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/111122223333/dead",
    "MAX_RECEIVES": "5",
}


def test_has_the_defaults_of_aws() -> None:
    settings = Settings.from_environment(REQUIRED)
    assert (settings.endpoint.endpoint_name, settings.max_receives) == ("slow", 5)
    assert (settings.time_to_live_seconds, settings.invocation_timeout_seconds) == (21_600, 900)
    assert (settings.content_type, settings.accept) == (None, None)


def test_reads_every_variable() -> None:
    more = {
        "CONTENT_TYPE": "text/csv",
        "ACCEPT": "application/json",
        "TIME_TO_LIVE_SECONDS": "60",
        "INVOCATION_TIMEOUT_SECONDS": "3600",
    }
    settings = Settings.from_environment(REQUIRED | more)
    assert (settings.content_type, settings.accept) == ("text/csv", "application/json")
    assert (settings.time_to_live_seconds, settings.invocation_timeout_seconds) == (60, 3600)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENDPOINT_NAME", ""),
        ("DEAD_LETTER_QUEUE_URL", ""),
        ("DEAD_LETTER_QUEUE_URL", "arn:aws:sqs:us-east-1:111122223333:dead"),
        ("MAX_RECEIVES", ""),
        ("MAX_RECEIVES", "0"),
        ("MAX_RECEIVES", "1001"),
        ("MAX_RECEIVES", "²"),
        ("TIME_TO_LIVE_SECONDS", "59"),
        ("TIME_TO_LIVE_SECONDS", "21601"),
        ("INVOCATION_TIMEOUT_SECONDS", "0"),
        ("INVOCATION_TIMEOUT_SECONDS", "3601"),
        ("CONTENT_TYPE", ""),
        ("ACCEPT", "ü"),
    ],
)
def test_refuses_to_start_with_a_bad_variable(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable):
        Settings.from_environment(REQUIRED | {variable: value})


@pytest.mark.parametrize("variable", sorted(REQUIRED))
def test_refuses_to_start_without_a_required_variable(variable: str) -> None:
    with pytest.raises(ValueError, match=variable):
        Settings.from_environment({name: value for name, value in REQUIRED.items() if name != variable})
