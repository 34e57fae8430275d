"""A headless Chromium, driven over its debugging pipe, so nothing besides the browser is needed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WAIT_S = 60.0
MOST_PX = 8000


class Browser:
    """Chromium and one page in it."""

    def __init__(self, profile: str, *flags: str) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # chromium reads commands on 3 and answers on 4
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--mute-audio",
            "--remote-debugging-pipe",
            "--window-size=1100,1500",
            *flags,
        ]
        shell = ["sh", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "sh", _find(), *arguments]
        self._process = subprocess.Popen(  # noqa: S603 - a browser of this machine, our own arguments
            [*shell, f"--user-data-dir={profile}"], pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = itertools.count(1)
        self._buffer = b""
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", {"url": "about:blank"}, session=False)["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True}, session=False)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, parameters: dict[str, Any] | None = None, *, session: bool = True) -> dict[str, Any]:
        """Send one command and wait for its answer; complaints of the page are kept on the way."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            self._listen(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", asked)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def choose_file(self, selector: str, path: Path) -> None:
        """Put a file into an input, as a person would."""
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", {"nodeId": document, "selector": selector})["nodeId"]
        self.call("DOM.setFileInputFiles", {"nodeId": node, "files": [str(path.resolve())]})

    def click(self, selector: str, nth: int = 0) -> None:
        """Press one of the elements that a selector finds, as a person would."""
        self.evaluate(f"document.querySelectorAll({json.dumps(selector)})[{nth}].click()")

    def wait(self, condition: str) -> None:
        """Wait until an expression in the page holds. Raises TimeoutError."""
        deadline = time.monotonic() + WAIT_S
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the page did not come to: {condition}")
            time.sleep(0.1)

    def picture(self, target: Path, scheme: str = "light") -> None:
        """Save the whole page as a PNG, in the light or the dark scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", {"features": features})
        time.sleep(0.4)
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], MOST_PX), "scale": 1}
        data = self.call("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})["data"]
        target.write_bytes(base64.b64decode(data))

    @contextmanager
    def narrow(self) -> Iterator[None]:
        """Be as small as a phone for a while."""
        size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        self.call("Emulation.setDeviceMetricsOverride", size)
        yield
        self.call("Emulation.clearDeviceMetricsOverride")

    def close(self) -> None:
        """Stop the browser."""
        self._process.terminate()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._in, 65536)
            if not piece:
                raise RuntimeError("the browser ended")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def _listen(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Log.entryAdded":
            self.complaints.append(event["params"]["entry"]["text"])
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(event["params"]["exceptionDetails"]))


def _find() -> str:
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise SystemExit(f"no browser: looked for {', '.join(BROWSERS)}")
