from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from invoke_endpoint.endpoint import Answer
from invoke_endpoint.problem import KINDS, TYPE_BASE, Problem
from invoke_endpoint.response import LAMBDA_LIMIT, render


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/xml",
        "application/geo+json",
        "text/csv",
        "text/plain",
    ],
)
def test_text_stays_text(content_type: str) -> None:
    response = render(Answer(body='[1, "é"]'.encode(), content_type=content_type))
    assert response["body"] == '[1, "é"]'
    assert response["isBase64Encoded"] is False
    assert response["headers"]["content-type"] == content_type


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("image/png", b"abc"), ("application/x-npy", b"\x93NUMPY"), ("application/json", b"\xff"), ("text/csv", b"\xe9")],
)
def test_anything_else_is_base64(content_type: str, body: bytes) -> None:
    response = render(Answer(body=body, content_type=content_type))
    assert base64.b64decode(response["body"]) == body
    assert response["isBase64Encoded"] is True


def test_answers_are_not_cached_and_not_sniffed() -> None:
    headers = render(Answer(body=b"{}", content_type="application/json", attributes={"a-b": "c"}))["headers"]
    assert headers == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-amzn-a-b": "c",
    }


@pytest.mark.parametrize(("character", "width"), [("x", 1), ('"', 2), ("\x00", 6)])
def test_the_limit_counts_what_lambda_sends(character: str, width: int) -> None:
    """Lambda sends the answer as JSON, where a quotation mark needs two bytes."""

    def size(count: int) -> int:
        answer = Answer(body=character.encode() * count, content_type="text/plain")
        return len(json.dumps(render(answer), ensure_ascii=False).encode())

    room = LAMBDA_LIMIT - size(0)
    assert size(room // width) <= LAMBDA_LIMIT
    with pytest.raises(Problem) as caught:
        size(room // width + 1)
    assert caught.value.kind == "response-too-large"


def test_base64_makes_an_answer_larger() -> None:
    render(Answer(body=b"x" * 4_700_000, content_type="image/png"))
    with pytest.raises(Problem):
        render(Answer(body=b"x" * 4_800_000, content_type="image/png"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_follows_rfc_9457(kind: str) -> None:
    response = Problem(kind, "Why.", retry_after=7).render("the-id")
    document = json.loads(response["body"])
    status, title = KINDS[kind]
    expected = {"type": TYPE_BASE + kind, "title": title, "status": status, "detail": "Why.", "instance": "the-id"}
    assert document == expected
    assert 400 <= status < 600
    assert response["statusCode"] == status
    assert response["headers"]["content-type"] == "application/problem+json"
    assert response["headers"]["retry-after"] == "7"
    assert response["headers"].get("allow") == ("POST" if status == 405 else None)


def test_the_guide_lists_every_kind_with_its_status() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "runtime.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", guide, re.MULTILINE)
    assert [(kind, int(status)) for kind, status in listed] == [(kind, status) for kind, (status, _) in KINDS.items()]
