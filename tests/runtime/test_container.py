from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stacks.models.train import CHAMPION
from tests.runtime.container import Container, running, serving


def call(
    url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes, str | None]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(parts.hostname), parts.port, timeout=2
    )  # the contract's limit for /ping
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.getheader("content-type")
    finally:
        connection.close()


def test_a_loaded_model_answers_ping_in_time(containers: dict[str, str]) -> None:
    assert call(containers[CHAMPION], "GET", "/ping")[0] == 200
    assert call(containers[CHAMPION], "GET", "/other")[0] == 404


def test_the_type_of_the_answer_is_negotiated(containers: dict[str, str]) -> None:
    row = ",".join(["1"] * 30).encode()
    csv = {"content-type": "text/csv"}
    status, body, content_type = call(containers[CHAMPION], "POST", "/invocations", row, csv)
    assert (status, content_type) == (200, "application/json")
    (probability,) = json.loads(body)["predictions"]
    for accept in ("text/csv", "text/csv; q=0.9, image/png", "image/png, text/*"):
        answer = call(containers[CHAMPION], "POST", "/invocations", row, {**csv, "accept": accept})
        assert answer == (200, f"{probability}\n".encode(), "text/csv")


def test_errors_have_the_toolkits_form(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(
        "from sagemaker_inference.errors import BaseInferenceToolkitError\n"
        "def model_fn(model_dir): return {'bad': BaseInferenceToolkitError(422, 'too odd', 'phrase')}\n"
        "def input_fn(body, content_type): return body\n"
        "def predict_fn(data, model): raise model.get(data, RuntimeError('a bug'))\n"
        "def output_fn(prediction, accept): return prediction\n"
    )
    with serving(Container(tmp_path, 0)) as url:
        json_type = {"content-type": "application/json"}
        status, body, _ = call(url, "POST", "/invocations", b"bad", json_type)
        assert status == 422
        assert body.startswith(b"too odd\nTraceback")
        status, body, _ = call(url, "POST", "/invocations", b"other", json_type)
        assert status == 500
        assert body.startswith(b"a bug\nTraceback")
        assert call(url, "POST", "/elsewhere", b"x", json_type)[0] == 404
        assert call(url, "POST", "/invocations", b"", {"content-length": "6291457"})[0] == 413


def test_a_model_that_does_not_load_is_noticed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text("def model_fn(model_dir): raise OSError('no weights')\n")
    with pytest.raises(AssertionError, match="a container did not start"), running(tmp_path):
        pass
    assert "no weights" in capfd.readouterr().err
