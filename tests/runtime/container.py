"""A process that honours the SageMaker container contract and runs a model's own `code/inference.py`.

    python tests/runtime/container.py --model-dir build/models/tabular-champion

It listens on 127.0.0.1, on the port of SAGEMAKER_BIND_TO_PORT (8080; 0 picks a free one, which is printed), answers
`/ping` once the model is loaded, and treats `/invocations` as the AWS toolkit does: content negotiation, the hooks
`model_fn`, `input_fn`, `predict_fn` and `output_fn`, the status of a toolkit error, and 500 with a stack trace for any
other exception.

With SAGEMAKER_MULTI_MODEL=true it begins without a model, and loads, lists, unloads and invokes models as it is told
by the API of multi-model containers; a model for which there is no memory is answered with 507.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
https://github.com/aws/sagemaker-inference-toolkit/blob/master/src/sagemaker_inference/transformer.py
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import traceback
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST_LIMIT: Final = 6 * 1024 * 1024  # SAGEMAKER_MAX_REQUEST_SIZE of the XGBoost container
_UTF8_TYPES: Final = ("application/json", "text/csv")
_MODEL_PATH: Final = re.compile(r"/models/([^/?]+)")
_INVOKE_PATH: Final = re.compile(r"/models/([^/?]+)/invoke")


class BaseInferenceToolkitError(Exception):
    """Stands in for the class of this name in `sagemaker_inference.errors`, which the AWS images contain."""

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        self.status_code = status_code
        self.message = message
        self.phrase = phrase
        super().__init__(status_code, message, phrase)


def load_hooks(model_dir: Path, program: str = "inference.py") -> ModuleType:
    """Import the model's program, with the toolkit's errors importable as in the AWS images."""
    toolkit, errors = ModuleType("sagemaker_inference"), ModuleType("sagemaker_inference.errors")
    errors.BaseInferenceToolkitError = BaseInferenceToolkitError  # type: ignore[attr-defined]  # a module made here
    sys.modules |= {toolkit.__name__: toolkit, errors.__name__: errors}
    path = model_dir / "code" / program
    specification = importlib.util.spec_from_file_location(f"served_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Served:
    """A model directory, loaded by its own hooks."""

    def __init__(self, model_dir: Path) -> None:
        self.model_dir = model_dir
        self._hooks = load_hooks(model_dir, os.environ.get("SAGEMAKER_PROGRAM", "inference.py"))
        self._model = self._hooks.model_fn(str(model_dir))

    def transform(self, body: bytes, content_type: str, accept: str) -> tuple[bytes | Iterator[bytes], str]:
        """Run the hooks, as the toolkit's `Transformer.transform` does; an `output_fn` may also give an iterator."""
        if accept in {"", "*/*"}:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        data = self._hooks.input_fn(body.decode() if content_type in _UTF8_TYPES else body, content_type)
        result: Any = self._hooks.output_fn(self._hooks.predict_fn(data, self._model), accept)
        text, media_type = result if isinstance(result, tuple) else (result, accept)
        return (text.encode() if isinstance(text, str) else text), media_type


class Container(ThreadingHTTPServer):
    """Serves one model directory, or, given none, those that it is told to load."""

    daemon_threads = True
    request_queue_size = 128  # many callers may connect at the same moment

    def __init__(self, model_dir: Path | None, port: int) -> None:
        self.only = None if model_dir is None else Served(model_dir)
        self.models: dict[str, Served] = {}
        super().__init__(("127.0.0.1", port), _Requests)


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per answer
    server: Container

    def do_GET(self) -> None:
        match = _MODEL_PATH.fullmatch(self.path)
        if self.path == "/ping":
            self._answer(200, b"")
        elif self.server.only is not None:
            self._answer(404, b"")
        elif self.path.partition("?")[0] == "/models":
            self._answer_json({"models": [_described(*item) for item in list(self.server.models.items())]})
        elif match is not None and match[1] in self.server.models:
            self._answer_json(_described(match[1], self.server.models[match[1]]))
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        if length > REQUEST_LIMIT:
            self.close_connection = True
            self._answer(413, b"the request is too large")
            return
        body = self.rfile.read(length)
        if self.server.only is None and self.path == "/models":
            self._load(body)
            return
        match = _INVOKE_PATH.fullmatch(self.path)
        served = self.server.only if self.path == "/invocations" else self.server.models.get(match[1] if match else "")
        if served is None:
            self._answer(404, b"")
            return
        content_type, accept = self.headers.get("content-type", ""), self.headers.get("accept", "")
        try:
            answer, media_type = served.transform(body, content_type, accept)
            if isinstance(answer, bytes):
                self._answer(200, answer, media_type)
            else:
                self._answer_in_parts(answer, media_type)
        except BaseInferenceToolkitError as error:
            self._fail(error.status_code, error.message)
        except Exception as error:  # noqa: BLE001 - the toolkit answers 500 for whatever a hook raises
            self._fail(500, str(error))

    def do_DELETE(self) -> None:
        match = _MODEL_PATH.fullmatch(self.path)
        removed = self.server.models.pop(match[1] if match else "", None)
        self._answer(404 if removed is None else 200, b"")

    def _load(self, body: bytes) -> None:
        request = json.loads(body)
        name = request["model_name"]
        if name in self.server.models:
            self._answer(409, b"the model is already loaded")
            return
        try:
            self.server.models[name] = Served(Path(request["url"]))
        except MemoryError as error:
            self._fail(507, str(error))
        except Exception as error:  # noqa: BLE001 - whatever the model's own code raises
            self._fail(500, str(error))
        else:
            self._answer(200, b"")

    def _fail(self, status: int, message: str) -> None:
        trace = traceback.format_exc()
        sys.stderr.write(trace)  # where the AWS images log it, too
        self._answer(status, f"{message}\n{trace}".encode())

    def _answer_json(self, body: object) -> None:
        self._answer(200, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_in_parts(self, parts: Iterator[bytes], content_type: str) -> None:
        """Send each part as soon as there is one; after a failure the answer has no end."""
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for part in parts:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.flush()
        except Exception:  # noqa: BLE001 - a hook's; the status was sent long ago
            traceback.print_exc()
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing of requests: a container's log would end up in the test report."""


def _described(name: str, served: Served) -> dict[str, str]:
    return {"modelName": name, "modelUrl": str(served.model_dir)}


@contextmanager
def running(*model_dirs: Path) -> Iterator[list[str]]:
    """Run a container per directory, each as a process of its own on a free port; gives their URLs."""
    command = [sys.executable, __file__, "--model-dir"]
    environment = {**os.environ, "SAGEMAKER_BIND_TO_PORT": "0"}
    with ExitStack() as stack:
        processes: list[subprocess.Popen[str]] = []
        for model_dir in model_dirs:
            process = subprocess.Popen([*command, str(model_dir)], env=environment, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.terminate)
            processes.append(process)
        urls = [process.stdout.readline().strip() for process in processes if process.stdout is not None]
        assert all(url.startswith("http://") for url in urls), f"a container did not start: {urls}"
        yield urls


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serve from a thread; gives the URL."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a model directory.")
    parser.add_argument("--model-dir", type=Path, default=Path("/opt/ml/model"))
    model_dir = parser.parse_args().model_dir
    if os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true":
        model_dir = None
    container = Container(model_dir, int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
    with container:
        sys.stdout.write(f"http://127.0.0.1:{container.server_port}\n")
        sys.stdout.flush()
        container.serve_forever()


if __name__ == "__main__":
    main()
