"""A headless Chromium, told what to do over a pipe: its DevTools protocol."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip


class Chromium:
    """One tab of a browser of its own."""

    def __init__(self, seconds: float = 120) -> None:
        self._seconds = seconds  # For each answer.
        self._last = 0
        self._unread = b""
        self._events: list[dict[str, Any]] = []
        self._session = ""
        self._to = self._from = -1
        self._profile = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self._browser = self._start()
        target = self._blank_tab()
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _start(self) -> subprocess.Popen[bytes]:
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        browser = subprocess.Popen(  # pylint: disable=consider-using-with
            ["bash", "-c", script, "bash", str(BROWSER), *_FLAGS,
             f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        return browser

    def close(self) -> None:
        self.call("Browser.close")
        self._browser.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def _blank_tab(self) -> str:
        while True:
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return str(target["targetId"])
            time.sleep(0.05)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._from], [], [], self._seconds)[0]:
                raise TimeoutError("the browser does not answer")
            got = os.read(self._from, 1 << 20)
            if not got:
                raise EOFError("the browser has ended")
            self._unread += got
        text, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(text))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        request: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            request["sessionId"] = self._session
        text = memoryview(json.dumps(request).encode() + b"\0")
        while text:
            text = text[os.write(self._to, text) :]
        while True:
            answer = self._message()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self._events.append(answer)

    def look(self, width: int, height: int, theme: str = "light") -> None:
        self.call("Emulation.setDeviceMetricsOverride",
                  width=width, height=height, deviceScaleFactor=1, mobile=False)  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, page: Path, place: str = "") -> None:
        """Loads it to its end."""
        self._events.clear()
        uri = page.as_uri() + place
        self.call("Page.navigate", url=uri)
        loaded = f"document.readyState === 'complete' && location.href === {json.dumps(uri)}"
        while not self.evaluate(loaded):
            time.sleep(0.02)

    def evaluate(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate",
                           expression=expression, returnByValue=True, awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def frame(self) -> None:
        """Until what was asked for has been painted."""
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def point(self, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        self.point(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent",
                      type=kind, x=x, y=y, button="left", clickCount=1)  # fmt: skip

    def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)
        self.frame()

    def screenshot(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """Errors and warnings since the page was opened, and what it asked of the network."""
        self.evaluate("0")
        found = []
        for event in self._events:
            method, about = event.get("method", ""), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(json.dumps(about["exceptionDetails"]))
            if method in ("Log.entryAdded", "Runtime.consoleAPICalled"):
                found.append(json.dumps(about))
            if method == "Network.requestWillBeSent" and about["type"] != "Document":
                found.append("asks for " + about["request"]["url"])
        return found
