"""Headless Chromium from the npm package `@sparticuz/chromium`, driven through the DevTools protocol on two pipes.

The package carries the browser with the libraries and fonts it needs, for Linux on x86-64. Elsewhere, name a browser in
the environment variable CHROMIUM.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tarfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
PACKAGE: Final = ROOT / "node_modules/@sparticuz/chromium"
PATIENCE: Final = 60  # seconds for one answer
FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # as root, too
    "--no-zygote",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--remote-debugging-pipe",
)
INFLATE: Final = """
const [{createReadStream, createWriteStream}, {pipeline}, {createBrotliDecompress}] =
  [require("fs"), require("stream/promises"), require("zlib")];
const [source, target] = process.argv.slice(1);
pipeline(createReadStream(source), createBrotliDecompress(), createWriteStream(target, {mode: 0o755}));
"""
FONTS: Final = "<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>"
KEYS: Final = {"Tab": 9, "Enter": 13, "Escape": 27, "Home": 36, "ArrowUp": 38, "ArrowDown": 40}


class Page:
    """A page in the browser, with all that it said on its console and asked of the network."""

    def __init__(self, send: Browser, session: str) -> None:
        self._browser = send
        self._session = session
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **parameters)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self._browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page answers
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def settle(self) -> None:
        """Two frames on: what was asked for in one is drawn in the next."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, key: str, *, shift: bool = False) -> None:
        code = KEYS.get(key, ord(key[0].upper()))
        typed = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        for kind, text in (("keyDown", typed), ("keyUp", {})):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                modifiers=8 if shift else 0,
                **text,
            )
        self.settle()

    def write(self, text: str) -> None:
        for key in text:
            self.press(key)

    def focused(self) -> str:
        """The id of what has the focus, or its text."""
        return str(self.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))

    def emulate(self, media: str = "", **features: str) -> None:
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=wanted)

    def resize(self, width: int, height: int = 800) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def pdf(self) -> bytes:
        return b64decode(self.call("Page.printToPDF")["data"])

    def screenshot(self) -> bytes:
        return b64decode(self.call("Page.captureScreenshot")["data"])

    def hear(self, method: str, event: dict[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(event["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(event["args"]))
            case "Log.entryAdded":
                self.complaints.append(event["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(event["request"]["url"])


class Browser:
    """Speaks with Chromium: JSON between zero bytes."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._last = 0
        self._pages: dict[str, Page] = {}

    def page(self) -> Page:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        return page

    def call(self, method: str, *, session: str | None = None, **parameters: object) -> dict[str, Any]:
        self._last += 1
        message: dict[str, object] = {"id": self._last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        for each in self._messages():
            if each.get("id") == self._last:
                assert "error" not in each, (method, each["error"])
                result: dict[str, Any] = each["result"]
                return result
        raise AssertionError(method)

    def wait_for(self, method: str, session: str) -> None:
        next(each for each in self._messages() if each.get("method") == method and each.get("sessionId") == session)

    def _messages(self) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE
        while True:
            while b"\0" not in self._buffer:
                ready, _, _ = select.select([self._answers], [], [], max(0, deadline - time.monotonic()))
                assert ready, "Chromium does not answer"
                data = os.read(self._answers, 1 << 20)
                assert data, "Chromium has stopped"
                self._buffer += data
            text, _, self._buffer = self._buffer.partition(b"\0")
            message = json.loads(text)
            page = self._pages.get(message.get("sessionId", ""))
            if page and "method" in message:
                page.hear(message["method"], message["params"])
            yield message


@contextmanager
def chromium() -> Iterator[Browser]:
    program, libraries = _program()
    with TemporaryDirectory(ignore_cleanup_errors=True) as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, **libraries}
        to_browser, from_browser = os.pipe(), os.pipe()
        # Chromium reads commands from descriptor 3 and answers to descriptor 4.
        shell = f'exec "$0" "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
        process = subprocess.Popen(
            ["bash", "-c", shell, str(program), *FLAGS, f"--user-data-dir={home}/profile", "about:blank"],
            pass_fds=(to_browser[0], from_browser[1]),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        try:
            browser = Browser(to_browser[1], from_browser[0])
            yield browser
            browser.call("Browser.close")
        finally:
            os.close(to_browser[1])
            os.close(from_browser[0])
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _program() -> tuple[Path, dict[str, str]]:
    if "CHROMIUM" in os.environ:
        return Path(os.environ["CHROMIUM"]), {}
    assert PACKAGE.exists(), "make node_modules, or name a browser in the environment variable CHROMIUM"
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    directory = ROOT / "build/chromium" / version
    if not directory.exists():
        _unpack(directory)
    return directory / "chromium", {
        "LD_LIBRARY_PATH": str(directory / "lib"),
        "FONTCONFIG_FILE": str(directory / "fonts.xml"),
    }


def _unpack(directory: Path) -> None:
    """Once; another process may do the same at this moment."""
    node = shutil.which("node")
    assert node
    directory.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        for source in ("chromium", "al2023.tar", "fonts.tar"):
            arguments = [str(PACKAGE / "bin" / f"{source}.br"), str(new / source)]
            subprocess.run([node, "-e", INFLATE, *arguments], check=True)
        for archive in sorted(new.glob("*.tar")):
            with tarfile.open(archive) as opened:
                opened.extractall(new, filter="data")
            archive.unlink()
        (new / "fonts.xml").write_text(FONTS.format(fonts=directory / "fonts", cache=directory / "cache"))
        try:
            new.rename(directory)
        except OSError:
            assert directory.exists()
