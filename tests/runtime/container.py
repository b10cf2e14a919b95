"""A process that honours the SageMaker container contract and runs a model's own `code/inference.py`.

    python tests/runtime/container.py --model-dir build/models/tabular-champion

It listens on 127.0.0.1, on the port of SAGEMAKER_BIND_TO_PORT (8080; 0 picks a free one, which is printed), answers
`/ping` once the model is loaded, and treats `/invocations` as the AWS toolkit does: content negotiation, the hooks
`model_fn`, `input_fn`, `predict_fn` and `output_fn`, the status of a toolkit error, and 500 with a stack trace for any
other exception.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
https://github.com/aws/sagemaker-inference-toolkit/blob/master/src/sagemaker_inference/transformer.py
"""

from __future__ import annotations

import argparse
import importlib.util
import os
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


class Container(ThreadingHTTPServer):
    """Serves one model directory."""

    daemon_threads = True
    request_queue_size = 128  # many callers may connect at the same moment

    def __init__(self, model_dir: Path, port: int) -> None:
        self._hooks = load_hooks(model_dir, os.environ.get("SAGEMAKER_PROGRAM", "inference.py"))
        self._model = self._hooks.model_fn(str(model_dir))
        super().__init__(("127.0.0.1", port), _Requests)

    def transform(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Run the hooks, as the toolkit's `Transformer.transform` does."""
        if accept in {"", "*/*"}:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "application/json")
        data = self._hooks.input_fn(body.decode() if content_type in _UTF8_TYPES else body, content_type)
        result: Any = self._hooks.output_fn(self._hooks.predict_fn(data, self._model), accept)
        text, media_type = result if isinstance(result, tuple) else (result, accept)
        return (text.encode() if isinstance(text, str) else text), media_type


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per answer
    server: Container

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        if length > REQUEST_LIMIT:
            self.close_connection = True
            self._answer(413, b"the request is too large")
            return
        body = self.rfile.read(length)
        if self.path != "/invocations":
            self._answer(404, b"")
            return
        content_type, accept = self.headers.get("content-type", ""), self.headers.get("accept", "")
        try:
            self._answer(200, *self.server.transform(body, content_type, accept))
        except BaseInferenceToolkitError as error:
            self._fail(error.status_code, error.message)
        except Exception as error:  # noqa: BLE001 - the toolkit answers 500 for whatever a hook raises
            self._fail(500, str(error))

    def _fail(self, status: int, message: str) -> None:
        trace = traceback.format_exc()
        sys.stderr.write(trace)  # where the AWS images log it, too
        self._answer(status, f"{message}\n{trace}".encode())

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing of requests: a container's log would end up in the test report."""


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
    container = Container(parser.parse_args().model_dir, int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080")))
    with container:
        sys.stdout.write(f"http://127.0.0.1:{container.server_port}\n")
        sys.stdout.flush()
        container.serve_forever()


if __name__ == "__main__":
    main()
