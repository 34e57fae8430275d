"""Look at the page in a real browser: upload a file, read what it shows, take pictures.

Where a prototype model with a decoder is served, reasons and prototypes are looked at as well.

python scripts/web_check.py http://localhost:8000 tests/golden/clips/rock.mp3 [FOLDER for the pictures]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import web_prototypes_check
from browser import Browser

SONIFIES = """fetch('/v1/models').then(answer => answer.json())
  .then(({ models }) => models.some(model => model.served && model.prototypes && model.prototypes.decoder))"""
SHOWN = """({
  error: [...document.querySelectorAll('#work .error')].filter(e => !e.hidden).map(e => e.textContent).join(),
  done: !document.getElementById('answer').hidden,
  tags: document.querySelectorAll('#tags li').length,
  rows: document.querySelectorAll('#taggram .rows li').length,
  painted: document.querySelector('#taggram canvas').width > 100,
  facts: document.getElementById('facts').innerText,
  curl: document.getElementById('curl').textContent,
})"""


def check(address: str, clip: Path, pictures: Path) -> list[str]:
    """Walk through the page and return what is wrong with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            browser.call("Page.navigate", {"url": address})
            browser.wait("document.querySelectorAll('#model option[value]:not([value=\"\"])').length > 0")
            browser.picture(pictures / "start.png", "light")
            browser.choose_file("#file", clip)
            browser.wait(f"(s => s.done || s.error)({SHOWN})")
            browser.evaluate("document.getElementById('player').currentTime = 7")
            shown = browser.evaluate(SHOWN)
            browser.picture(pictures / "light.png", "light")
            browser.picture(pictures / "dark.png", "dark")
            with browser.narrow():
                browser.picture(pictures / "narrow.png")
            browser.choose_file("#file", Path(__file__))
            browser.wait(f"{SHOWN}.error.includes('unsupported_format')")
            browser.picture(pictures / "refused.png", "light")
            browser.call("Page.navigate", {"url": f"{address}/docs"})
            browser.wait("document.querySelectorAll('section.card').length > 5")
            browser.picture(pictures / "docs.png", "light")
            sonifies = browser.evaluate(SONIFIES)
        finally:
            browser.close()
    # the refusal above is one the browser notes as well
    complaints = [text for text in browser.complaints if "415" not in text]
    more = web_prototypes_check.check(address, clip, pictures) if sonifies else []
    return [*_judge(shown, clip), *complaints, *more]


def _judge(shown: dict[str, Any], clip: Path) -> list[str]:
    wrong = [shown["error"]] if shown["error"] else []
    expected = {
        "tags are listed": 2 < shown["tags"] <= 12,
        "the taggram has a row per tag": shown["rows"] == shown["tags"] and shown["painted"],
        "the facts name the patches": "Patches" in shown["facts"],
        "the command names the file": clip.name in shown["curl"],
    }
    return wrong + [f"not so: {claim}" for claim, holds in expected.items() if not holds]


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp(prefix="sonotype-page-"))
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(sys.argv[1].rstrip("/"), Path(sys.argv[2]), folder)
    sys.stdout.write("".join(f"{line}\n" for line in problems) + f"pictures in {folder}\n")
    sys.exit(1 if problems else 0)
