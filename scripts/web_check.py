"""Look at the page in a real browser: upload a file, read what it shows, take pictures.

Drives a headless Chromium over its debugging pipe, so nothing besides the browser is needed.

    python scripts/web_check.py http://localhost:8000 tests/golden/clips/rock.mp3 [FOLDER for the pictures]
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WAIT_S = 60.0
SHOWN = """({
  error: document.getElementById('error').hidden ? '' : document.getElementById('error').textContent,
  done: !document.getElementById('answer').hidden,
  tags: document.querySelectorAll('#tags li').length,
  rows: document.querySelectorAll('#rows li').length,
  painted: document.getElementById('canvas').width > 100,
  facts: document.getElementById('facts').innerText,
  curl: document.getElementById('curl').textContent,
})"""


class Browser:
    """Chromium and one page in it."""

    def __init__(self, profile: str) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # chromium reads commands on 3 and answers on 4
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            "--window-size=1100,1500",
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
        return self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})["result"].get("value")

    def choose_file(self, selector: str, path: Path) -> None:
        """Put a file into an input, as a person would."""
        document = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", {"nodeId": document, "selector": selector})["nodeId"]
        self.call("DOM.setFileInputFiles", {"nodeId": node, "files": [str(path.resolve())]})

    def picture(self, target: Path, scheme: str) -> None:
        """Save the whole page as a PNG, in the light or the dark scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", {"features": features})
        time.sleep(0.3)
        data = self.call("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
        target.write_bytes(base64.b64decode(data))

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


def check(address: str, clip: Path, pictures: Path) -> list[str]:
    """Walk through the page and return what is wrong with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.call("Page.navigate", {"url": address})
            _wait(browser, "document.querySelectorAll('#model option[value]:not([value=\"\"])').length > 0")
            browser.picture(pictures / "start.png", "light")
            browser.choose_file("#file", clip)
            _wait(browser, f"(s => s.done || s.error)({SHOWN})")
            browser.evaluate("document.getElementById('player').currentTime = 7")
            shown = browser.evaluate(SHOWN)
            browser.picture(pictures / "light.png", "light")
            browser.picture(pictures / "dark.png", "dark")
            _narrow(browser, pictures / "narrow.png")
            browser.choose_file("#file", Path(__file__))
            _wait(browser, f"{SHOWN}.error.includes('unsupported_format')")
            browser.picture(pictures / "refused.png", "light")
            browser.call("Page.navigate", {"url": f"{address}/docs"})
            _wait(browser, "document.querySelectorAll('section.card').length > 5")
            browser.picture(pictures / "docs.png", "light")
        finally:
            browser.close()
    # the refusal above is one the browser notes as well
    complaints = [text for text in browser.complaints if "415" not in text]
    return [*_judge(shown, clip), *complaints]


def _narrow(browser: Browser, target: Path) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.call("Emulation.setDeviceMetricsOverride", size)
    browser.picture(target, "light")
    browser.call("Emulation.clearDeviceMetricsOverride")


def _judge(shown: dict[str, Any], clip: Path) -> list[str]:
    wrong = [shown["error"]] if shown["error"] else []
    expected = {
        "12 tags are listed": shown["tags"] == 12,
        "the taggram has a row per tag": shown["rows"] == 12 and shown["painted"],
        "the facts name the patches": "Patches" in shown["facts"],
        "the command names the file": clip.name in shown["curl"],
    }
    return wrong + [f"not so: {claim}" for claim, holds in expected.items() if not holds]


def _wait(browser: Browser, condition: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not browser.evaluate(condition):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the page did not come to: {condition}")
        time.sleep(0.1)


def _find() -> str:
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise SystemExit(f"no browser: looked for {', '.join(BROWSERS)}")


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp(prefix="sonotype-page-"))
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(sys.argv[1].rstrip("/"), Path(sys.argv[2]), folder)
    sys.stdout.write("".join(f"{line}\n" for line in problems) + f"pictures in {folder}\n")
    sys.exit(1 if problems else 0)
