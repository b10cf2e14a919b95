"""The checks let every token pass, and nothing that AWS would reject."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aws_cdk import CfnParameter, Duration, Fn, Stack, Token

from ml_constructs import _checks


@pytest.fixture
def number(stack: Stack) -> float:
    return CfnParameter(stack, "Number", type="Number").value_as_number


@pytest.fixture
def text(stack: Stack) -> str:
    return CfnParameter(stack, "Text").value_as_string


def test_recognises_tokens_of_every_kind(stack: Stack, number: float, text: str) -> None:
    names = CfnParameter(stack, "List", type="CommaDelimitedList").value_as_list
    for token in (number, text, names, f"prefix-{text}", Fn.select(0, Fn.get_azs()), Duration.seconds(number)):
        assert _checks.is_token(token)
    assert _checks.is_token(Token.as_any({"Ref": "Text"}))


@pytest.mark.parametrize(
    "value", [None, True, False, 0, -1, 10**400, 1.5, "", "text", "${Text}", [], ["a"], ("a",), Duration.days(1)]
)
def test_takes_no_plain_value_for_a_token(value: object) -> None:
    assert not _checks.is_token(value)


@pytest.mark.parametrize("value", [1, 10, 1.5, None])
def test_range_includes_its_edges(value: float | None) -> None:
    _checks.check_range("weight", value, 1, 10)


@pytest.mark.parametrize("value", [0.999, 10.001, -1, float("nan"), float("inf"), True, "5", 10**400])
def test_range_rejects_what_is_outside(value: float) -> None:
    with pytest.raises(ValueError, match="weight must be between 1 and 10 units, got"):
        _checks.check_range("weight", value, 1, 10, "units")


def test_range_separates_thousands() -> None:
    with pytest.raises(ValueError, match="bytes must be between 0 and 50,000, got 50001"):
        _checks.check_range("bytes", 50001, 0, 50_000)


def test_whole_rejects_fractions_and_passes_none() -> None:
    _checks.check_whole("count", 3, 1, 10)
    _checks.check_whole("count", None, 1, 10)
    with pytest.raises(ValueError, match=r"count must be a whole number between 1 and 10, got 1\.5"):
        _checks.check_whole("count", 1.5, 1, 10)
    with pytest.raises(ValueError, match="count must be between 1 and 10, got 11"):
        _checks.check_whole("count", 11, 1, 10)


def test_numbers_pass_as_tokens(number: float) -> None:
    _checks.check_range("weight", number, 1, 10)
    _checks.check_whole("count", number, 1, 10)
    _checks.check_seconds("timeout", Duration.seconds(number), 1, 10)
    _checks.check_days("retention", Duration.days(number), 1, 10)


@pytest.mark.parametrize("duration", [Duration.seconds(1), Duration.millis(10_000), None])
def test_seconds_include_their_edges(duration: Duration | None) -> None:
    _checks.check_seconds("timeout", duration, 1, 10)


@pytest.mark.parametrize("duration", [Duration.seconds(0), Duration.seconds(11), Duration.millis(1500)])
def test_seconds_reject_what_is_outside_or_fractional(duration: Duration) -> None:
    with pytest.raises(ValueError, match="timeout must be between 1 and 10 whole seconds, got"):
        _checks.check_seconds("timeout", duration, 1, 10)


@pytest.mark.parametrize("duration", [Duration.days(7), Duration.hours(720), None])
def test_days_include_their_edges(duration: Duration | None) -> None:
    _checks.check_days("window", duration, 7, 30)


@pytest.mark.parametrize("duration", [Duration.days(6), Duration.days(31), Duration.hours(180)])
def test_days_reject_what_is_outside_or_fractional(duration: Duration) -> None:
    with pytest.raises(ValueError, match="window must be between 7 and 30 whole days, got"):
        _checks.check_days("window", duration, 7, 30)


def test_length_counts_members_but_not_tokens(stack: Stack) -> None:
    _checks.check_length("names", ["a"], 1, 2)
    _checks.check_length("names", ["a", "b"], 1, 2)
    _checks.check_length("names", CfnParameter(stack, "List", type="CommaDelimitedList").value_as_list, 5, 6)
    for names in ([], ["a", "b", "c"]):
        with pytest.raises(ValueError, match=f"names must have between 1 and 2 members, got {len(names)}"):
            _checks.check_length("names", names, 1, 2)


def test_pattern_matches_the_whole_value(text: str) -> None:
    _checks.check_pattern("name", "abc", "[a-c]+", "letters")
    _checks.check_pattern("name", None, "[a-c]+", "letters")
    _checks.check_pattern("name", text, "[a-c]+", "letters")
    for name in ("abcd", "", "abc\n"):
        with pytest.raises(ValueError, match="name must be letters, got"):
            _checks.check_pattern("name", name, "[a-c]+", "letters")


def test_choice_lists_what_is_allowed(text: str) -> None:
    _checks.check_choice("mode", "a", ["a", "b"])
    _checks.check_choice("mode", None, ["a", "b"])
    _checks.check_choice("mode", text, ["a", "b"])
    with pytest.raises(ValueError, match="mode must be one of a, b, got 'c'"):
        _checks.check_choice("mode", "c", ["a", "b"])


HALF = "caf\udce9"  # what `os.fsdecode` makes of a name in Latin-1


@pytest.mark.parametrize(
    "check",
    [
        lambda value: _checks.check_type(str, key=value),
        lambda value: _checks.check_each("text", str, key=[value]),
        lambda value: _checks.check_pattern("key", value, ".*", "anything"),
    ],
)
def test_refuses_text_that_no_template_can_hold(check: Callable[[str], None]) -> None:
    check("café 🐕")
    with pytest.raises(ValueError, match=r"^key must be text that UTF-8 can encode, got 'caf\\udce9'"):
        check(HALF)


def test_refuses_the_name_that_no_mapping_can_hold() -> None:
    _checks.check_keys("environment", {"__init__": ""})
    with pytest.raises(ValueError, match=r"^environment must not name '__proto__', .* got it"):
        _checks.check_keys("environment", {"A": "", "__proto__": ""})
