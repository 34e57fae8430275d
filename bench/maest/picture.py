"""The curve as one picture: agreement against how many times cheaper, one line per way of leaving out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

_INK, _PALE = "#333", "#ddd"
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 330, 230, 62, 40, 80
_PANELS = (
    ("centred", "Cosine of the centred embedding with that of full"),
    ("top5", "Share of the top five tags that stay"),
)
_WAYS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "columns, by steps": ("#0072b2", lambda name: name.endswith(". column")),
    "rows, by steps": ("#d55e00", lambda name: name.endswith(". row") and "," not in name),
    "columns by steps and every second row": ("#009e73", lambda name: name.endswith("every 2. row") and "," in name),
    "columns, by count": ("#cc79a7", lambda name: name.endswith("fewer")),
    "columns, by count, at random": ("#e69f00", lambda name: name.endswith("random")),
}
Rows = Sequence[Mapping[str, Any]]


def draw(rows: Rows) -> str:
    """An SVG; every line starts at `full`."""
    panels = [_panel(rows, at) for at in range(len(_PANELS))]
    legend = [_legend(at, name, colour) for at, (name, (colour, _)) in enumerate(_WAYS.items())]
    width, height = _LEFT + 2 * _WIDTH + _GAP + 20, _TOP + _HEIGHT + 62 + 18 * len(legend)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([f'{head} font-size="12" fill="{_INK}">', ground, *panels, *legend, "</svg>"]) + "\n"


def _panel(rows: Rows, at: int) -> str:
    measure, title = _PANELS[at]
    left, bottom = _LEFT + at * (_WIDTH + _GAP), _TOP + _HEIGHT
    fastest = max(float(row["large_ratio"]) for row in rows)
    lowest = int(20 * min(float(row[measure]) for row in rows)) / 20
    drawn = [_text(left, _TOP - 16, title, "start", weight="bold")]
    for tick in range(6):
        value = lowest + tick / 5 * (1 - lowest)
        y = bottom - tick / 5 * _HEIGHT
        drawn.append(f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_PALE}"/>')
        drawn.append(_text(left - 8, y + 4, f"{value:.2f}", "end"))
    for times in range(1, int(fastest) + 1, max(1, int(fastest) // 6)):
        drawn.append(_text(left + (times - 1) / (fastest - 1) * _WIDTH, bottom + 18, str(times), "middle"))
    drawn.append(_text(left + _WIDTH / 2, bottom + 36, "times fewer operations than full (30 s network)", "middle"))
    for colour, chosen in _WAYS.values():
        line = [row for row in rows if row["name"] == "full" or chosen(str(row["name"]))]
        line.sort(key=lambda row: float(row["large_ratio"]))
        places = [
            (
                left + (float(row["large_ratio"]) - 1) / (fastest - 1) * _WIDTH,
                bottom - (float(row[measure]) - lowest) / (1 - lowest) * _HEIGHT,
            )
            for row in line
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    return "\n".join(drawn)


def _legend(at: int, name: str, colour: str) -> str:
    y = _TOP + _HEIGHT + 60 + 18 * at
    swatch = f'<rect x="{_LEFT}" y="{y - 9}" width="18" height="4" fill="{colour}"/>'
    return swatch + _text(_LEFT + 26, y - 3, name, "start")


def _text(x: float, y: float, words: str, anchor: str, weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(words)}</text>"
