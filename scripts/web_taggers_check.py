"""Look at taggers in a real browser: create one, let it tag a track and a file, teach it, undo, measure, delete.

The clips beside CLIP are put into the catalogue with tags; they and the tagger are deleted at the end.

    python scripts/web_taggers_check.py http://localhost:8000 CLIP [FOLDER for the pictures]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from browser import Browser
from web_prototypes_check import NOTICE, Walk

NAME = "web-check"
IDLE = "[...document.querySelectorAll('#taggersview .work')].every(w => w.hidden)"
ERRORS = (
    "[...document.querySelectorAll('#taggersview .error')].filter(e => !e.hidden).map(e => e.textContent).join(' ')"
)
SAYS = "document.querySelectorAll('#taggersays li').length"
VERSION = "Number(/version (\\d+)/.exec(document.getElementById('taggerfacts').textContent)[1])"


@contextmanager
def tagged(address: str, clips: list[Path]) -> Iterator[None]:
    """Tracks with tags in the catalogue for as long as this is open."""
    tracks = {f"{address}/v1/tracks/{NAME}-{clip.stem}": clip for clip in clips}
    for number, (url, clip) in enumerate(tracks.items()):
        metadata = json.dumps({"title": clip.stem, "tags": ["calm" if number % 2 else "loud"]})
        files = {"metadata": (None, metadata, "application/json"), "file": (clip.name, clip.read_bytes(), "audio/mpeg")}
        httpx.put(url, files=files, timeout=60).raise_for_status()
    try:
        yield
    finally:
        for url in tracks:
            httpx.delete(url, timeout=60)


def create(walk: Walk) -> None:
    """A name that cannot be is refused in words; a good one opens the tagger."""
    page = walk.browser
    page.call("Page.navigate", {"url": f"{walk.address}/#taggers"})
    page.wait(f"document.getElementById('taggernote')?.textContent && {IDLE}")
    walk.picture("taggers")
    page.evaluate(f"document.querySelector('#taggerform input').value = {json.dumps(NAME)}")
    page.evaluate("document.querySelector('#taggerform input[type=\"number\"]').value = 50")
    page.evaluate("document.getElementById('taggerform').requestSubmit()")
    page.wait(f"location.hash === '#taggers/{NAME}' && document.querySelectorAll('#taggerwhich option').length > 1")
    page.wait(f"document.getElementById('taggerfacts').textContent.includes('version 1') && {IDLE}")


def ask(walk: Walk, clip: Path) -> None:
    """A file and a track; only a track of the catalogue can teach."""
    page = walk.browser
    page.choose_file("#taggerfile", clip)
    page.wait(f"{SAYS} && {IDLE}")
    walk.expect("a file cannot teach", "!document.querySelector('#taggersays button')")
    walk.picture("tagged-file")
    page.evaluate(
        "(s => { s.value = s.options[1].value; s.dispatchEvent(new Event('change')); })"
        "(document.getElementById('taggerwhich'))"
    )
    page.wait(f"document.querySelector('#taggersays button') && {IDLE}")
    walk.expect("tracks that decided are links", "document.querySelectorAll('#taggerwhy a').length > 0")
    walk.expect("bars have widths", "document.querySelector('#taggersays .fill').style.width.endsWith('%')")


def teach(walk: Walk) -> None:
    """No, then undo: two versions more, and the facts follow."""
    page = walk.browser
    before = page.evaluate(VERSION)
    page.click("#taggersays li button", 1)
    page.wait(f"{VERSION} === {before + 1} && {IDLE} && {SAYS}")
    walk.picture("taught")
    page.click("#taggeracts button")
    page.wait(f"{VERSION} === {before + 2} && {IDLE}")
    walk.expect("nothing is left to undo", "document.querySelector('#taggeracts button').disabled")


def measure(walk: Walk) -> None:
    """The curve of size against precision, and doubtful labels."""
    page = walk.browser
    page.click("#taggerreport")
    page.wait(f"document.getElementById('taggermeasured').textContent && {IDLE}")
    walk.expect("the picture has points", "document.querySelectorAll('#taggercurve circle').length > 1")
    walk.picture("report")


def remove(walk: Walk) -> None:
    """Deleting is asked first."""
    page = walk.browser
    page.click("#taggeracts button", 1)
    walk.expect("it is asked first", "/for good/.test(document.getElementById('taggeracts').textContent)")
    page.click("#taggeracts .danger")
    page.wait(f"location.hash === '#taggers' && {IDLE}")
    page.wait(f"![...document.querySelectorAll('#taggerlist a')].some(a => a.textContent === {json.dumps(NAME)})")


def check(address: str, clip: Path, pictures: Path) -> list[str]:
    """Walk through the taggers and return what is wrong with them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        walk = Walk(browser, address, pictures)
        try:
            with tagged(address, sorted(clip.parent.glob("*.mp3"))):
                create(walk)
                ask(walk, clip)
                teach(walk)
                measure(walk)
                remove(walk)
            walk.wrong += [said for said in (browser.evaluate(NOTICE), browser.evaluate(ERRORS)) if said]
        except TimeoutError as error:
            walk.wrong += [str(error), browser.evaluate(ERRORS)]
        finally:
            browser.close()
    return walk.wrong + browser.complaints


if __name__ == "__main__":
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="sonotype-page-"))
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(sys.argv[1].rstrip("/"), Path(sys.argv[2]), folder)
    sys.stdout.write("".join(f"{line}\n" for line in problems) + f"pictures in {folder}\n")
    sys.exit(1 if problems else 0)
