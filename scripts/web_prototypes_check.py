"""Look at reasons and prototypes in a real browser: explain a track, listen, mix, walk between classes, take pictures.

The service must serve a prototype model with a decoder.

    python scripts/web_prototypes_check.py http://localhost:8000 tests/golden/clips/rock.mp3 [FOLDER for the pictures]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from browser import Browser

CARD = "#gallery .proto"
# the column of the ledger in thousandths: everything but the sum, and the sum
LEDGER = """[...document.querySelectorAll('#evidence .ledger tbody .number, #evidence .ledger tfoot .number')]
  .map(cell => Math.round(1000 * Number(cell.textContent.replace('\\u2212', '-').replace('+', ''))))"""
OVERFLOWING = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LOUD = """(canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(data).size > 20; })(document.querySelector('%s canvas'))"""
# the transform of the spectrograms against its definition
FFT = """import('/assets/spectrogram.js').then(({ fft }) => {
  const size = 64, real = Float32Array.from({ length: size }, (_, n) => Math.sin(n * n)), start = real.slice();
  const imaginary = new Float32Array(size);
  fft(real, imaginary);
  return real.every((value, k) => {
    let [re, im] = [0, 0];
    start.forEach((x, n) => { const a = (-2 * Math.PI * k * n) / size; re += x * Math.cos(a); im += x * Math.sin(a); });
    return Math.hypot(value - re, imaginary[k] - im) < 1e-4;
  });
})"""
NOTICE = "document.getElementById('notice').hidden ? '' : document.getElementById('notice').textContent"


class Walk:
    """One visit; what is not as it should be is collected."""

    def __init__(self, browser: Browser, address: str, pictures: Path) -> None:
        self.browser = browser
        self.address = address
        self.pictures = pictures
        self.wrong: list[str] = []

    def expect(self, claim: str, condition: str) -> None:
        """Note a claim that does not hold."""
        if not self.browser.evaluate(condition):
            self.wrong.append(f"not so: {claim}")

    def picture(self, name: str) -> None:
        """Take the page in both schemes and on a phone, where nothing may hang over the edge."""
        for scheme in ("dark", "light"):
            self.browser.picture(self.pictures / f"{name}-{scheme}.png", scheme)
        with self.browser.narrow():
            self.browser.picture(self.pictures / f"{name}-narrow.png")
            self.expect(f"{name} fits on a phone", f"!({OVERFLOWING})")

    def start(self, selector: str, nth: int = 0) -> None:
        """Press a play button, see that it plays, and press it again."""
        element = f"document.querySelectorAll({json.dumps(selector)})[{nth}]"
        self.browser.click(selector, nth)
        self.browser.wait(f"{element}.dataset.state !== 'loading'")
        self.expect(f"{selector} plays", f"{element}.dataset.state === 'playing'")
        self.browser.click(selector, nth)
        self.browser.wait(f"{element}.dataset.state === ''")


def explain(walk: Walk, clip: Path) -> None:
    """Ask a network, then ask why, and read the reasons."""
    page = walk.browser
    page.call("Page.navigate", {"url": walk.address})
    page.wait("document.querySelectorAll('#model option[value]:not([value=\"\"])').length > 0")
    page.choose_file("#file", clip)
    page.wait("!document.getElementById('answer').hidden")
    if page.evaluate("document.getElementById('reasons').hidden"):
        page.wait("document.querySelector('#whybox button')")
        page.click("#whybox button")
    page.wait("!document.getElementById('heatcard').hidden")
    cells = page.evaluate(LEDGER)
    if sum(cells[:-1]) != cells[-1] or len(cells) < 4:
        walk.wrong.append(f"the ledger does not add up: {cells}")
    walk.expect("the heat-lines are painted", LOUD % "#heatmap")
    walk.expect("the time axes are aligned", _left("#taggram .map") + " === " + _left("#heatmap .map"))
    page.evaluate("document.querySelector('#classes label:nth-of-type(2)').click()")
    second = "document.querySelectorAll('#classes input')[1].value"
    walk.expect(
        "another class can be explained", f"document.querySelector('#evidence-title').innerText.includes({second})"
    )
    page.evaluate("document.querySelector('#classes label').click()")
    _choose(page, "#shares", 3)
    page.wait(f"{LEDGER}.length > {len(cells)}")
    more = page.evaluate(LEDGER)
    if sum(more[:-1]) != more[-1] or more[-1] != cells[-1]:
        walk.wrong.append(f"the whole ledger does not add up: {more}")
    _choose(page, "#shares", 0)
    page.wait(f"{LEDGER}.length === {len(cells)}")
    walk.start("#evidence .play")
    walk.start("#evidence .name")
    _click_in(page, "#heatmap .map")
    page.wait("!document.getElementById('player').paused")
    page.evaluate("document.getElementById('player').pause()")
    walk.picture("reasons")


def keep(walk: Walk) -> None:
    """What the model kept of the track, and how it would become something else."""
    page = walk.browser
    page.click("#keptbox .options button")
    page.wait("document.querySelector('#kept .player') || !document.querySelector('#kept .error').hidden")
    walk.start("#kept .player .play")
    _see(walk, "#kept")
    page.click("#turnbox .options button")
    page.wait("document.querySelector('#turn .steps') || !document.querySelector('#turn .error').hidden")
    walk.expect("the way has five steps with labels", "document.querySelectorAll('#turn .step strong').length === 5")
    page.wait("document.querySelector('#turn .step[aria-current]')")
    page.click("#turn .step", 3)
    page.wait("document.querySelectorAll('#turn .step')[3].hasAttribute('aria-current')")
    page.click("#turn .player .play")
    _see(walk, "#turn")
    walk.picture("kept")


def browse(walk: Walk) -> None:
    """The gallery: filters, one prototype in detail, the mix, and the way between two classes."""
    page = walk.browser
    page.evaluate("location.hash = '#prototypes'")
    page.wait(f"document.querySelectorAll('{CARD}').length > 1")
    walk.expect("the FFT is one", FFT)
    _choose(page, "#only", 1)
    label = page.evaluate("document.getElementById('only').value")
    seen = "[...document.querySelectorAll('#gallery .group')].filter(group => !group.hidden)"
    walk.expect(
        "the filter leaves one class", f"{seen}.map(g => g.firstChild.textContent).join() === {json.dumps(label)}"
    )
    _choose(page, "#only", 0)
    walk.start(f"{CARD} .play")
    page.click(f"{CARD} [aria-expanded]")
    page.wait(f"document.querySelectorAll('{CARD} .player').length > 0")
    walk.start(f"{CARD} .player .play")
    _see(walk, f"{CARD}.open")
    walk.picture("gallery")
    for nth in (0, 2, 1):
        page.evaluate(f"document.querySelectorAll('{CARD} [aria-label$=mix]')[{nth}].click()")
    page.evaluate(
        "(s => { s.value = 100; s.dispatchEvent(new Event('input')); })(document.querySelector('.sliders input'))"
    )
    page.click("#mixbox .options button")
    page.click("#betweenbox .options button")
    page.wait("document.querySelector('#mixbox .player') && document.querySelector('#betweenbox .steps')")
    walk.expect("the mix can be saved", "document.querySelector('#mixbox a[download]').href.startsWith('blob:')")
    _see(walk, "#mixbox")
    page.evaluate("scrollTo(0, 0)")
    walk.picture("mix")


def direct(walk: Walk) -> None:
    """Choose a prototype model at once: its classes take the place of the tags."""
    page = walk.browser
    page.evaluate("location.hash = ''")
    model = page.evaluate("document.getElementById('which').value")
    index = f"[...document.querySelectorAll('#model option')].findIndex(o => o.value === {json.dumps(model)})"
    _choose(page, "#model", page.evaluate(index))
    page.wait("document.getElementById('answer').hidden")
    page.wait("!document.getElementById('heatcard').hidden || !document.querySelector('#work .error').hidden")
    walk.expect("tags are classes", "document.getElementById('tags-title').textContent === 'Classes'")
    walk.expect("nobody else is asked why", "document.getElementById('why').hidden")
    walk.picture("direct")


def refuse(walk: Walk) -> None:
    """What the service refuses is said in words."""
    page = walk.browser
    page.evaluate("document.querySelector('#betweenbox input[type=number]').value = 99")
    page.click("#betweenbox .options button")
    page.wait("!document.querySelector('#betweenbox .error').hidden")
    walk.expect("the refusal has words", "/points/.test(document.querySelector('#betweenbox .error').textContent)")


def check(address: str, clip: Path, pictures: Path) -> list[str]:
    """Walk through the page and return what is wrong with it."""
    steps: tuple[Callable[[Walk], None], ...] = (lambda walk: explain(walk, clip), keep, browse, refuse, direct)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        walk = Walk(browser, address, pictures)
        try:
            for step in steps:
                step(walk)
                if said := browser.evaluate(NOTICE):
                    walk.wrong.append(said)
        finally:
            browser.close()
    # the refusal at the end is one the browser notes as well
    return walk.wrong + [text for text in browser.complaints if "400" not in text]


def _see(walk: Walk, within: str) -> None:
    walk.browser.click(f"{within} .player [aria-expanded]")
    walk.browser.wait(f"document.querySelector('{within} figcaption').textContent.includes('dB')")
    walk.expect(f"the spectrogram in {within} is painted", LOUD % f"{within} figure")


def _choose(page: Browser, selector: str, index: int) -> None:
    chosen = f"s.selectedIndex = {index}; s.dispatchEvent(new Event('change'));"
    page.evaluate(f"(s => {{ {chosen} }})(document.querySelector('{selector}'))")


def _click_in(page: Browser, selector: str) -> None:
    """A real click of the mouse into the middle of an element."""
    page.evaluate(f"document.querySelector('{selector}').scrollIntoView({{ block: 'center' }})")
    box = page.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().toJSON()")
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "button": "left", "clickCount": 1}
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", {"type": kind, **at})


def _left(selector: str) -> str:
    return f"document.querySelector('{selector}').getBoundingClientRect().left"


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp(prefix="sonotype-page-"))
    folder.mkdir(parents=True, exist_ok=True)
    problems = check(sys.argv[1].rstrip("/"), Path(sys.argv[2]), folder)
    sys.stdout.write("".join(f"{line}\n" for line in problems) + f"pictures in {folder}\n")
    sys.exit(1 if problems else 0)
