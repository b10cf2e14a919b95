"""The page in headless Chromium: filters, keyboard, colours, paper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_constructs.policy.finding import Outcome
from ml_constructs.policy.formats.html import render
from tests.policy.formats.chromium import Browser, Page, chromium
from tests.policy.formats.samples import HOSTILE_OUTCOME, OURS, OUTCOME, many

VISIBLE = """
[...document.querySelectorAll(".finding")].filter((each) => each.checkVisibility()).map(
  (each) => `${each.dataset.severity} ${each.closest(".construct").querySelector("h3").textContent}`)
"""
# The lowest contrast of all visible text with the ground that it stands on.
CONTRAST = """
(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [...document.querySelectorAll("body *")]
    .filter((each) => each.checkVisibility())
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((each) => {
      const both = [light(parse(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => b - a);
      return (both[0] + 0.05) / (both[1] + 0.05);
    });
  return [found.length, Math.min(...found)];
})()
"""
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def opened(browser: Browser, directory: Path, outcome: Outcome) -> Page:
    file = directory / "review.html"
    file.write_text(render(outcome), encoding="utf-8")
    page = browser.page()
    page.resize(1200)
    page.open(file.as_uri())
    page.settle()
    return page


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    page = opened(browser, tmp_path, OUTCOME)
    yield page
    assert page.complaints == []
    assert page.requests == [(tmp_path / "review.html").as_uri()]


def visible(page: Page) -> list[str]:
    found: list[str] = page.evaluate(VISIBLE)
    return found


def choose(page: Page, name: str, text: str) -> None:
    """As somebody does with the keyboard."""
    page.evaluate(f"document.getElementById({json.dumps(name)}).focus()")
    page.press("Home")
    for _ in range(10):
        if page.evaluate(f"document.getElementById({json.dumps(name)}).selectedOptions[0].text").startswith(text):
            return
        page.press("ArrowDown")
    raise AssertionError(text)


def shown(page: Page) -> str:
    return str(page.evaluate("document.getElementById('shown').textContent"))


def test_shows_all_that_is_to_fix_at_first(page: Page) -> None:
    assert visible(page) == [
        "error App/Live/Endpoint/Resource",
        "error App/Live/Other/Resource",
        "warning App/Live/Bucket/Resource",
    ]
    assert shown(page) == "Shown: 3 of 3 to fix or to acknowledge; 1 of 1 in the baseline; 1 of 1 accepted"


def test_filters_by_severity(page: Page) -> None:
    choose(page, "severity", "warnings")
    assert visible(page) == ["warning App/Live/Bucket/Resource"]
    assert shown(page).startswith("Shown: 1 of 3 to fix or to acknowledge; 0 of 1 in the baseline; 0 of 1 accepted")


def test_filters_by_rule(page: Page) -> None:
    choose(page, "rule", f"{OURS.id} (3)")
    assert visible(page) == ["error App/Live/Endpoint/Resource", "error App/Live/Other/Resource"]
    assert shown(page).endswith(f"(filter: {OURS.id} (3))")


def test_filters_by_stack(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, many(300))
    assert len(visible(page)) == 300
    choose(page, "stack", "App/Stack07 (3)")
    assert len(visible(page)) == 3
    assert all("App/Stack07/" in each for each in visible(page))
    assert page.complaints == []


def test_filters_by_text_with_the_keyboard_alone(page: Page) -> None:
    page.press("/")
    assert page.focused() == "text"
    page.write("BUCKET log")
    assert visible(page) == ["warning App/Live/Bucket/Resource"]
    assert shown(page).endswith('(filter: "bucket", "log")')
    page.write("x")
    assert visible(page) == []
    assert "0 of 3" in shown(page)
    for _ in range(4):
        page.press("Tab")
    assert page.focused() == "Show all"
    page.press("Enter")
    assert len(visible(page)) == 3


def test_filters_combine(page: Page) -> None:
    choose(page, "severity", "errors")
    page.press("/")
    page.evaluate("document.getElementById('text').focus()")
    page.write("other")
    assert visible(page) == ["error App/Live/Other/Resource"]


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    reached = []
    for _ in range(9):
        page.press("Tab")
        reached.append(page.focused())
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached[:8] == [
        "Skip to the findings",
        "2 stacks",
        "1 note",
        "text",
        "severity",
        "stack",
        "rule",
        "Show all",
    ]
    assert reached[8] == "the rule"


def test_controls_have_names(page: Page) -> None:
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = {
        (each["role"]["value"], each["name"]["value"])
        for each in nodes
        if each.get("role", {}).get("value") in {"searchbox", "combobox", "button", "search", "heading"}
    }
    assert named >= {
        ("search", "Filter the findings"),
        ("searchbox", "Text"),
        ("combobox", "Severity"),
        ("combobox", "Stack"),
        ("combobox", "Rule"),
        ("button", "Show all"),
        ("heading", "App/Live/Bucket/Resource"),
    }
    assert all(name for _, name in named)


def test_a_link_unfolds_the_rule(page: Page) -> None:
    folded = f"document.getElementById({json.dumps(OURS.id)}).checkVisibility()"
    assert page.evaluate(folded) is False
    page.evaluate(f"document.querySelector('a[href=\"#{OURS.id}\"]').click()")
    page.settle()
    assert page.evaluate(folded) is True


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_readable_in_light_and_dark(page: Page, scheme: str) -> None:
    page.emulate(prefers_color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    texts, contrast = page.evaluate(CONTRAST)
    assert texts > 50
    assert contrast >= 4.5


def test_is_readable_without_colour(page: Page) -> None:
    page.emulate(forced_colors="active")
    lines = page.evaluate(
        "[...document.querySelectorAll('.finding')].map((each) => [each.innerText.split(/\\s/)[0], "
        "getComputedStyle(each).borderLeftStyle])"
    )
    assert lines[:3] == [["ERROR", "solid"], ["ERROR", "solid"], ["WARNING", "dashed"]]


def test_prints_all_in_black_without_the_controls(page: Page) -> None:
    page.emulate(media="print", prefers_color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.error')).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.getElementById('severity').checkVisibility()") is False
    assert page.evaluate("document.getElementById('shown').checkVisibility()") is True
    page.evaluate(
        "addEventListener('beforeprint', () => { window.folded = document.querySelectorAll("
        "'details:not([open])').length; })"
    )
    assert page.pdf().startswith(b"%PDF-")
    assert page.evaluate("window.folded") == 0
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0


def test_a_long_page_takes_several_sheets(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, many(100))
    assert page.pdf().count(b"/Type /Page\n") > 5


@pytest.mark.parametrize(("width", "media"), [(320, ""), (1920, ""), (700, "print")])
def test_nothing_is_wider_than_the_page(page: Page, width: int, media: str) -> None:
    page.emulate(media=media)
    page.resize(width)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate(FITS)


def test_text_of_a_template_does_not_run(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, HOSTILE_OUTCOME)
    assert page.complaints == []
    assert page.requests == [(tmp_path / "review.html").as_uri()]
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.images.length") == 0
    page.press("/")
    page.write("<script>")
    assert len(visible(page)) == 2
    assert page.complaints == []
    page.resize(320)
    assert page.evaluate(FITS)


def test_is_whole_without_its_script(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "review.html"
    file.write_text(render(OUTCOME), encoding="utf-8")
    page = browser.page()
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(file.as_uri())
    assert len(visible(page)) == 3
    assert page.evaluate("document.getElementById('filters').checkVisibility()") is False


def test_filters_ten_thousand(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, many(10_000))
    page.press("/")
    page.write("stack42/construct7/")
    assert shown(page).startswith("Shown: 3 of 10,000")
    assert page.evaluate("document.querySelectorAll('.finding:not([hidden])').length") == 3
    assert page.complaints == []


def test_the_browser_hears_complaints(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text('<img src="missing.png"><script>console.log("said"); throw new Error("thrown")</script>')
    page = browser.page()
    page.open(file.as_uri())
    page.settle()
    assert len(page.complaints) == 3
    assert len(page.requests) == 2
