"""The page as text, without a browser."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

from ml_constructs.policy.finding import Outcome
from ml_constructs.policy.formats import html
from ml_constructs.policy.formats.html import render
from tests.policy.formats.samples import HOSTILE_OUTCOME, OURS, OUTCOME, finding, many

VOID = {"meta", "input", "br"}
LOADING = {"src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "style"}


class Elements(HTMLParser):
    """All elements, each closed where it must be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.inside

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] not in {"script", "style"}:
            self.texts.append(data)


def test_shows_what_is_wrong_where_and_what_to_do() -> None:
    text = " ".join("".join(Elements(render(OUTCOME)).texts).split())
    for said in (
        "2 stacks reviewed, 2 errors, 1 warning to fix or to acknowledge.",
        "1 finding in the baseline, 2 findings accepted.",
        "App/Live/Endpoint/Resource",
        "AWS::SageMaker::Endpoint, Endpoint8024A810, cdk.out/AppLive.template.json:12: 1 error",
        f"error {OURS.id} {OURS.title}",
        "Properties.DeploymentConfig: no alarm rolls it back",
        f"Fix: {OURS.fix}",
        "also NIST.800.53.R5-S3BucketLoggingEnabled",
        "by aws-solutions, nist-r5",
        "Accepted: AWS demands it (until 2027-01-31)",
        "parliament is not installed",
        "alarms: 2 alarms, 2 with an action",
        " ".join(OURS.intent.split()),
    ):
        assert said in text, said


def test_loads_nothing_and_lets_only_itself_run() -> None:
    text = render(OUTCOME)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        assert f"{kind}-src 'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'" in policy
        assert "url(" not in content
        assert "@import" not in content
    for tag, attributes in Elements(text).found:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not LOADING & set(attributes)
        assert not any(name.startswith("on") for name in attributes)


def test_text_of_a_template_is_shown_and_not_obeyed() -> None:
    text = render(HOSTILE_OUTCOME)
    text.encode()
    page = Elements(text)
    plain = Elements(render(replace(OUTCOME, errors=("x",))))
    assert {tag for tag, _ in page.found} <= {tag for tag, _ in plain.found}
    assert sum(tag == "script" for tag, _ in page.found) == 1
    assert {name for _, each in page.found for name in each} <= {name for _, each in plain.found for name in each}
    assert not [each["href"] for tag, each in page.found if tag == "a" and not (each["href"] or "").startswith("#")]
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in "".join(page.texts)
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]", text)


def test_every_link_inside_the_page_has_its_target() -> None:
    page = Elements(render(many(200)))
    ids = [each["id"] for _, each in page.found if "id" in each]
    assert len(ids) == len(set(ids))
    links = {each["href"] for tag, each in page.found if tag == "a"}
    assert {f"#{each}" for each in ids} >= {each for each in links if each and each.startswith("#")}


def test_is_bounded() -> None:
    assert len(render(many(10_000))) < 10_000 * 1500
    outcome = Outcome(findings=(*many(html.MAX_FINDINGS).findings, finding()), known=(finding(),))
    text = render(outcome)
    assert text.count('class="finding"') == html.MAX_FINDINGS
    assert text.count("1 more finding not shown") == 2


def test_is_the_same_in_every_run() -> None:
    assert render(OUTCOME) == render(OUTCOME)


def test_a_long_text_is_shortened() -> None:
    text = render(Outcome(findings=(finding(message="long " * 10_000),)))
    assert text.count("long ") == 400


def test_says_that_nothing_is_left() -> None:
    assert "nothing left to fix." in render(Outcome(findings=()))
