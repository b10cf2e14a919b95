from __future__ import annotations

import json
from typing import Any

import pytest

from invoke_endpoint.service import Service
from invoke_endpoint.settings import Settings
from stream_endpoint.service import StreamService

HEADERS = {"Access-Control-Allow-Origin": "https://app.example.com", "Access-Control-Expose-Headers": "Retry-After"}


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 5000


def settings(**variables: str) -> Settings:
    return Settings.from_environment({"ENDPOINT_NAME": "champion", **variables})


def test_every_answer_has_them() -> None:
    told = settings(ANSWER_HEADERS=json.dumps(HEADERS))
    nowhere: Any = None
    expected = {name.lower(): value for name, value in HEADERS.items()}
    answer = Service(told, nowhere).respond({}, Context())
    assert expected.items() <= answer["headers"].items()
    prelude, _, _ = b"".join(StreamService(told, nowhere).respond({}, Context())).partition(bytes(8))
    assert expected.items() <= json.loads(prelude)["headers"].items()


def test_by_default_there_are_none() -> None:
    assert settings().answer_headers == ()


@pytest.mark.parametrize("text", ["", "x", "[]", '{"a": 5}', "null"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ANSWER_HEADERS must be a JSON object of texts, got"):
        settings(ANSWER_HEADERS=text)
