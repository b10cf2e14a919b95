from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from tests.local_aws.demo.screen import Scene, Screen, StoryError


def screen(*, is_terminal: bool) -> tuple[Screen, io.StringIO]:
    output = io.StringIO()
    return Screen(Console(file=output, width=40, force_terminal=is_terminal, highlight=False)), output


def scene(values: Iterator[int]) -> Scene[int]:
    return Scene(look=values.__next__, panel=lambda seen: f"panel {seen}", line=lambda seen: f"line {seen} " + "x" * 80)


def test_prints_the_first_and_the_last_look_as_unbroken_lines_where_nobody_watches() -> None:
    shown, output = screen(is_terminal=False)
    last = shown.watch(scene(iter((1, 2, 3))), until=lambda seen: seen == 3, limit=30, wanted="three")
    assert last == 3
    assert output.getvalue().splitlines() == [f"line 1 {'x' * 80}", f"line 3 {'x' * 80}"]


def test_draws_every_look_over_the_one_before_on_a_terminal() -> None:
    shown, output = screen(is_terminal=True)
    shown.watch(scene(iter((1, 2))), until=lambda seen: seen == 2, limit=30, wanted="two")
    text = output.getvalue()
    assert text.index("panel 1") < text.index("\x1b[2K") < text.index("panel 2")
    assert "line" not in text
    assert text.rindex("\x1b[?25h") > text.rindex("panel 2")  # the cursor is shown again


@pytest.mark.parametrize("is_terminal", [True, False])
def test_gives_up_with_what_was_wanted_and_what_was_seen(*, is_terminal: bool) -> None:
    shown, _ = screen(is_terminal=is_terminal)
    with pytest.raises(StoryError, match=r"two did not happen within 0 s; last: line 1"):
        shown.watch(scene(iter((1,))), until=lambda seen: seen == 2, limit=0, wanted="two")


def test_has_no_control_codes_where_nobody_watches() -> None:
    shown, output = screen(is_terminal=False)
    shown.title("1  An act")
    shown.say("A paragraph that is longer than the forty columns.")
    with shown.busy("working"):
        pass
    assert output.getvalue().splitlines() == [
        *("", "== 1  An act", "A paragraph that is longer than the forty columns.", "working ..."),
    ]


def test_breaks_a_paragraph_and_rules_an_act_off_on_a_terminal() -> None:
    shown, output = screen(is_terminal=True)
    shown.title("1  An act")
    shown.say("A paragraph that is longer than the forty columns.")
    assert "1  An act" in output.getvalue()
    assert "─" in output.getvalue()
    assert max(len(line) for line in output.getvalue().splitlines()[-2:]) <= 40


def test_markup_in_what_the_cloud_says_is_text() -> None:
    shown, output = screen(is_terminal=False)
    shown.line("[bold]not bold[/]")
    assert output.getvalue() == "[bold]not bold[/]\n"
