"""Look at the live view in a real browser, with a microphone that is not there: read its bars, take pictures.

python scripts/web_listen_check.py http://localhost:8000 tests/golden/clips/rock.mp3 [FOLDER for the pictures]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from browser import Browser

MICROPHONE = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
FAULT = "document.getElementById('livefault')"
BARS = "document.querySelectorAll('#livetags li').length"


def check(address: str, clip: Path, pictures: Path) -> list[str]:
    """Listen to the microphone and to a file; return what is wrong."""
    wrong = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile, *MICROPHONE)
        try:
            browser.call("Page.navigate", {"url": f"{address}/#live"})
            browser.wait("document.querySelectorAll('#livemodel option').length > 0")
            browser.click("#livemic")
            browser.wait(f"{BARS} > 3 || !{FAULT}.hidden")
            browser.picture(pictures / "live-microphone.png")
            wrong += _fault(browser)
            browser.click("#livestop")
            browser.evaluate("document.getElementById('livetags').replaceChildren()")
            browser.choose_file("#livefile", clip)
            browser.wait(f"{BARS} > 3 || !{FAULT}.hidden")
            browser.picture(pictures / "live-file.png", "dark")
            wrong += _fault(browser)
            if "ms behind" not in browser.evaluate("document.getElementById('livestate').textContent"):
                wrong.append("not so: the view says how far it is behind")
            browser.wait("document.getElementById('livestop').disabled")  # the file came to its end
            wrong += _fault(browser)
        finally:
            browser.close()
    return [*wrong, *browser.complaints]


def _fault(browser: Browser) -> list[str]:
    text = browser.evaluate(f"{FAULT}.hidden ? '' : {FAULT}.textContent")
    return [text] if text else []


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp(prefix="sonotype-live-"))
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(sys.argv[1].rstrip("/"), Path(sys.argv[2]), folder)
    sys.stdout.write("".join(f"{line}\n" for line in problems) + f"pictures in {folder}\n")
    sys.exit(1 if problems else 0)
