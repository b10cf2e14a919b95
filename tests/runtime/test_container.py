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


def test_many_models_are_loaded_listed_invoked_and_unloaded(tmp_path: Path) -> None:
    for name, failure in (("one", ""), ("two", ""), ("broken", "RuntimeError"), ("large", "MemoryError")):
        (tmp_path / name / "code").mkdir(parents=True)
        (tmp_path / name / "code" / "inference.py").write_text(
            f"def model_fn(model_dir):\n    if {failure!r}: raise {failure or 'ValueError'}('no {name}')\n"
            f"    return {name!r}\n"
            "def input_fn(body, content_type): return body\n"
            "def predict_fn(data, model): return f'{model} says {data}'\n"
            "def output_fn(prediction, accept): return prediction, accept\n"
        )

    def load(url: str, name: str) -> tuple[int, bytes, str | None]:
        body = json.dumps({"model_name": f"id-{name}", "url": str(tmp_path / name)}).encode()
        return call(url, "POST", "/models", body, {"content-type": "application/json"})

    csv = {"content-type": "text/csv", "accept": "text/csv"}
    with serving(Container(None, 0)) as url:
        assert call(url, "GET", "/ping")[0] == 200
        assert json.loads(call(url, "GET", "/models")[1]) == {"models": []}
        assert [load(url, name)[0] for name in ("one", "two", "one")] == [200, 200, 409]
        assert load(url, "broken")[:1] == (500,)
        status, body, _ = load(url, "large")
        assert (status, body.splitlines()[0]) == (507, b"no large")
        listed = json.loads(call(url, "GET", "/models?next_page_token=x")[1])["models"]
        assert listed == [
            {"modelName": "id-one", "modelUrl": str(tmp_path / "one")},
            {"modelName": "id-two", "modelUrl": str(tmp_path / "two")},
        ]
        assert json.loads(call(url, "GET", "/models/id-two")[1]) == listed[1]
        assert call(url, "POST", "/models/id-two/invoke", b"x", csv) == (200, b"two says x", "text/csv")
        assert call(url, "POST", "/invocations", b"x", csv)[0] == 404
        assert call(url, "DELETE", "/models/id-two")[0] == 200
        for method, path in (("DELETE", ""), ("GET", ""), ("POST", "/invoke")):
            assert call(url, method, f"/models/id-two{path}", headers=csv)[0] == 404
        assert call(url, "POST", "/models/id-one/invoke", b"x", csv)[1] == b"one says x"


def test_a_container_of_one_model_has_no_others(containers: dict[str, str]) -> None:
    for method, path in (("GET", "/models"), ("POST", "/models"), ("DELETE", "/models/x")):
        assert call(containers[CHAMPION], method, path)[0] == 404
