"""Look at the catalogue in a real browser: add files, find similar ones, ask why, mix a query, watch a job, delete.

The tracks that it adds are of a collection of their own, and are deleted at the end; those of a job stay.

    python scripts/web_catalog_check.py http://localhost:8000 CLIP CLIP [CLIP …] [pictures=FOLDER] [job=PATH]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from browser import Browser
from web_prototypes_check import NOTICE, Walk

COLLECTION = "web-check"
ERRORS = (
    "[...document.querySelectorAll('#catalogueview .error')].filter(e => !e.hidden).map(e => e.textContent).join(' ')"
)
ROWS = "[...document.querySelectorAll('#tracklist .title')]"
SEGMENT = """[...document.querySelectorAll('#heardproto .play')]
  .findIndex(b => b.closest('li').innerText.includes('real segment'))"""
IDLE = "[...document.querySelectorAll('#catalogueview .work')].every(w => w.hidden)"


def listen(walk: Walk, clip: Path) -> None:
    """After an analysis the catalogue is asked for what is similar."""
    page = walk.browser
    page.call("Page.navigate", {"url": walk.address})
    page.wait("document.querySelectorAll('#model option[value]:not([value=\"\"])').length > 0")
    page.choose_file("#file", clip)
    page.wait("!document.getElementById('answer').hidden && !document.getElementById('alike').hidden")
    page.click("#alikeacts button")
    page.wait("document.querySelectorAll('#alikebox .match').length")
    walk.expect(
        "matches of an upload have bars", "document.querySelector('#alikebox .level-bar .score').textContent > ''"
    )
    page.evaluate("document.getElementById('alike').scrollIntoView()")
    walk.picture("alike")


def add(walk: Walk, clips: list[Path]) -> None:
    """Files become tracks, one after the other; what is no audio is refused in words."""
    page = walk.browser
    page.call("Page.navigate", {"url": f"{walk.address}/#catalogue"})
    page.wait("document.getElementById('catstate')?.textContent.includes('engine')")
    page.evaluate(f"document.querySelector('#addbox input').value = {json.dumps(COLLECTION)}")
    _choose_files(page, [*clips, Path(__file__)])
    page.wait(f"document.querySelectorAll('#added li').length === {len(clips) + 1} && {IDLE}")
    page.wait(
        "[...document.querySelectorAll('#added .quiet')].every(s => s.textContent && s.textContent !== 'waiting')"
    )
    walk.expect("every clip has a link", f"document.querySelectorAll('#added a').length === {len(clips)}")
    walk.expect(
        "what is no audio is refused", "/unsupported_format/.test(document.querySelector('#added').textContent)"
    )
    walk.picture("added")


def browse(walk: Walk, clips: list[Path]) -> None:
    """The list and its filters."""
    page = walk.browser
    _set(page, "#bycollection", COLLECTION)
    page.wait(f"{IDLE} && {ROWS}.length >= 1 && {ROWS}.length <= {len(clips)}")
    names = page.evaluate(f"{ROWS}.map(a => a.textContent)")
    if sorted(names) != sorted({clip.stem for clip in clips}):
        walk.wrong.append(f"the list names {names}")
    _set(page, "#byartist", "nobody of this name")
    page.wait(f"{IDLE} && {ROWS}.length === 0")
    walk.expect("an empty list says so", "/No track fits/.test(document.getElementById('tracktotal').textContent)")
    _set(page, "#byartist", "")
    page.wait(f"{IDLE} && {ROWS}.length > 0")


def open_one(walk: Walk) -> None:
    """One track: what is known and heard, what is near it, why, a path and a list."""
    page = walk.browser
    page.click("#tracklist .title")
    page.wait("document.querySelectorAll('#nearbox .match').length > 0")
    page.wait("document.querySelectorAll('#heardlabels li').length > 0")
    page.click("#nearbox [aria-label^=Why]")
    page.wait("document.querySelector('#nearbox .sentence')")
    # a real segment plays at once, a decoded one when the decoder is warm
    if (nth := page.evaluate(SEGMENT)) >= 0:
        walk.start("#heardproto .play", nth)
    page.evaluate("document.querySelector('#trackpanel details').open = true")
    for box in ("#pathbox", "#listbox"):
        page.click(f"{box} .options button")
        page.wait(f"document.querySelectorAll('{box} .match').length > 1")
    walk.expect("the list can be saved", "document.querySelector('#listbox a[download]').href.startsWith('blob:')")
    walk.picture("track")
    _set(page, "#nearbox input[type=range]", "0.7")
    page.wait(IDLE)


def mix(walk: Walk) -> None:
    """More like these, less like that."""
    page = walk.browser
    page.click("#trackacts .sign", 0)
    page.click("#tracklist .trackrow:last-child .sign", 1)
    if page.evaluate("document.querySelectorAll('#heardproto .sign').length"):
        page.click("#heardproto .sign", 0)
    page.wait(f"document.querySelectorAll('#traybox .match').length > 0 && {IDLE}")
    walk.expect("what is disliked is told apart", "document.querySelectorAll('#seeds .less').length === 1")
    page.click("#trayplay .options button")
    page.wait("document.querySelectorAll('#trayplay .match').length > 0")
    page.evaluate("document.getElementById('tray').scrollIntoView()")
    walk.picture("query")
    for nth in range(page.evaluate("document.querySelectorAll('#seeds input').length")):
        _set(page, f"#seeds li:nth-child({nth + 1}) input", "-1")
    walk.expect("nothing liked, nothing asked", "document.querySelector('#trayplay .options button').disabled")
    page.click("#emptytray")
    walk.expect("an empty query is put away", "document.getElementById('tray').hidden")


def work(walk: Walk, path: str) -> None:
    """Start a job, and see it end without asking again."""
    page = walk.browser
    before = page.evaluate("document.querySelectorAll('#jobsbox .job').length")
    _set(page, "#jobform input", path)
    page.click("#jobform button")
    page.wait(f"document.querySelectorAll('#jobsbox .job').length > {before} || {ERRORS}")
    page.evaluate("document.getElementById('jobsbox').scrollIntoView()")
    walk.picture("job")
    page.wait("document.querySelector('#jobsbox progress').hidden")
    page.evaluate(
        "[...document.querySelectorAll('#jobsbox .acts button:not([hidden])')].slice(0, 1).forEach(b => b.click())"
    )
    page.wait(IDLE)
    walk.picture("jobs")


def remove(walk: Walk) -> None:
    """Delete what was added; each is asked about first."""
    page = walk.browser
    page.evaluate("location.hash = '#catalogue'")
    while page.evaluate(f"{ROWS}.length"):
        left = page.evaluate(f"{ROWS}.length")
        page.click("#tracklist .title")
        page.wait(f"!document.getElementById('trackrest').hidden && {IDLE}")
        page.click("#trackacts > button")
        walk.expect("it is asked first", "/for good/.test(document.getElementById('trackacts').textContent)")
        if left == 1:
            walk.picture("delete")
        page.click("#trackacts .danger")
        page.wait(f"location.hash === '#catalogue' && {IDLE} && {ROWS}.length < {left}")


def check(address: str, pictures: Path, clips: list[Path], job: str | None) -> list[str]:
    """Walk through the catalogue and return what is wrong with it."""
    steps: list[Callable[[Walk], None]] = [partial(add, clips=clips), partial(browse, clips=clips), open_one, mix]
    if job is not None:
        steps.append(partial(work, path=job))
    steps += [partial(listen, clip=clips[0]), partial(_return, clips=clips), remove]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        walk = Walk(browser, address, pictures)
        try:
            for step in steps:
                step(walk)
                if (said := browser.evaluate(NOTICE)) and " is in the query" not in said:
                    walk.wrong.append(said)
            walk.expect("no text of an owner became markup", "!document.querySelector('main img')")
        finally:
            browser.close()
    # the refusal of what is no audio is one the browser notes as well
    return walk.wrong + [text for text in browser.complaints if "415" not in text]


def _return(walk: Walk, clips: list[Path]) -> None:
    walk.browser.evaluate("location.hash = '#catalogue'")
    walk.browser.wait(f"!document.getElementById('catalogueview').hidden && {IDLE}")
    browse(walk, clips)


def _choose_files(page: Browser, paths: list[Path]) -> None:
    document = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", {"nodeId": document, "selector": "#catfiles"})["nodeId"]
    page.call("DOM.setFileInputFiles", {"nodeId": node, "files": [str(path.resolve()) for path in paths]})


def _set(page: Browser, selector: str, value: str) -> None:
    """Give a field a value, as typing and leaving it would."""
    told = "for (const kind of ['input', 'change']) f.dispatchEvent(new Event(kind, { bubbles: true }))"
    page.evaluate(
        f"(f => {{ f.value = {json.dumps(value)}; {told}; }})(document.querySelector({json.dumps(selector)}))"
    )


if __name__ == "__main__":
    named = dict(text.split("=", 1) for text in sys.argv[2:] if text.startswith(("pictures=", "job=")))
    files = [Path(text) for text in sys.argv[2:] if not text.startswith(("pictures=", "job="))]
    folder = Path(named.get("pictures") or tempfile.mkdtemp(prefix="sonotype-page-"))
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(sys.argv[1].rstrip("/"), folder, files, named.get("job"))
    sys.stdout.write("".join(f"{line}\n" for line in problems) + f"pictures in {folder}\n")
    sys.exit(1 if problems else 0)
