"""Where the demo is seen: a region that is drawn again and again on a terminal, lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

_PAUSE: Final = 0.2  # seconds between two looks
_LINE_SECONDS: Final = 2.0  # between two lines where nobody watches
_Seen = TypeVar("_Seen")


class StoryError(Exception):
    """Something did not happen as the demo tells it."""


@dataclass(frozen=True, kw_only=True)
class Scene(Generic[_Seen]):
    """What is looked at, and how it is shown."""

    look: Callable[[], _Seen]
    panel: Callable[[_Seen], RenderableType]
    line: Callable[[_Seen], str]


class Screen:
    """Prints for people, and for files."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._is_live = console.is_terminal and not console.is_dumb_terminal

    def title(self, text: str) -> None:
        """Begin an act."""
        self.console.print()
        if self._is_live:
            self.console.print(Rule(Text(text, style="bold"), align="left", style="green"))
        else:
            self.line(f"== {text}")

    def say(self, text: str) -> None:
        """A paragraph: broken where the terminal ends, or not at all where there is none."""
        self.console.print(Text(text), soft_wrap=not self._is_live)

    def line(self, text: str) -> None:
        """A line that nobody breaks, so that it can be copied and searched."""
        self.console.print(Text(text), soft_wrap=True)

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Show that something is worked on."""
        if self._is_live:
            return self.console.status(what)
        self.line(f"{what} ...")
        return nullcontext()

    def watch(
        self, scene: Scene[_Seen], *, until: Callable[[_Seen], bool], limit: float, wanted: str, is_kept: bool = True
    ) -> _Seen:
        """Show a scene again and again until it is as it should be; the last picture stays if it `is_kept`.

        Returns:
            What was seen last.

        Raises:
            StoryError: `wanted` did not happen within `limit` seconds.
        """
        deadline = time.monotonic() + limit
        with self._canvas(is_kept=is_kept) as show:
            while True:
                seen = scene.look()
                is_last = until(seen)
                show(scene, seen, is_last)
                if is_last:
                    return seen
                if time.monotonic() > deadline:
                    raise StoryError(f"{wanted} did not happen within {limit:.0f} s; last: {scene.line(seen).strip()}")
                time.sleep(_PAUSE)

    @contextmanager
    def _canvas(self, *, is_kept: bool) -> Iterator[Callable[[Scene[_Seen], _Seen, bool], None]]:
        if self._is_live:
            # Drawn by this thread alone.
            with Live(console=self.console, auto_refresh=False, transient=not is_kept) as live:
                yield lambda scene, seen, _is_last: live.update(scene.panel(seen), refresh=True)
            return
        printed = float("-inf")

        def show(scene: Scene[_Seen], seen: _Seen, is_last: bool) -> None:  # noqa: FBT001 - called by watch alone
            nonlocal printed
            if is_last or time.monotonic() - printed >= _LINE_SECONDS:
                printed = time.monotonic()
                self.line(scene.line(seen))

        yield show
