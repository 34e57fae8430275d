"""The figures as one picture: skewness and orphans against the size of the sample, one line per corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_INK, _PALE = "#333", "#ddd"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 330, 230, 62, 40, 80
_PANELS = (("skewness", 1.0, "Skewness of the 10-occurrence"), ("orphans", 100.0, "Tracks in nobody's list (%)"))
Line = list[tuple[str, float]]


def draw(results: Mapping[str, Any], over_fetch: int = 10) -> str:
    """An SVG. The first point of a line is the cosine, the others mutual proximity over candidates."""
    panels = [_panel(results, over_fetch, at) for at in range(len(_PANELS))]
    names = [_legend(at, name, results[name]["tracks"]) for at, name in enumerate(results)]
    width = _LEFT + 2 * _WIDTH + _GAP + 20
    height = _TOP + _HEIGHT + 62 + 18 * len(names)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([f'{head} font-size="12" fill="{_INK}">', ground, *panels, *names, "</svg>"]) + "\n"


def _line(rows: Sequence[Mapping[str, Any]], measure: str, over_fetch: int) -> Line:
    raw = next(row for row in rows if row["name"] == "cosine")
    found = [row for row in rows if row["name"] == "mutual proximity" and row["over_fetch"] == over_fetch]
    found.sort(key=lambda row: int(row["sample"]))
    largest = max(int(row["sample"]) for row in found)
    points = [("all" if row["sample"] == largest else str(row["sample"]), float(row[measure])) for row in found]
    return [("cosine", float(raw[measure])), *points]


def _panel(results: Mapping[str, Any], over_fetch: int, at: int) -> str:
    measure, scale, title = _PANELS[at]
    lines = [_line(corpus["rows"], measure, over_fetch) for corpus in results.values()]
    top = 1.1 * max(value for line in lines for _, value in line)
    left, bottom = _LEFT + at * (_WIDTH + _GAP), _TOP + _HEIGHT
    names = [name for name, _ in max(lines, key=len)]
    places = {name: left + place * _WIDTH / (len(names) - 1) for place, name in enumerate(names)}
    drawn = [_text(left, _TOP - 16, title, "start", weight="bold")]
    for tick in range(5):
        y = bottom - tick / 4 * _HEIGHT
        drawn.append(f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_PALE}"/>')
        drawn.append(_text(left - 8, y + 4, f"{scale * top * tick / 4:.1f}", "end"))
    drawn += [_text(x, bottom + 18, name, "middle") for name, x in places.items()]
    drawn.append(_text(left + _WIDTH / 2, bottom + 36, "mutual proximity: size of the sample", "middle"))
    for line, colour in zip(lines, _COLOURS, strict=False):
        points = [(places[name], bottom - value / top * _HEIGHT) for name, value in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    return "\n".join(drawn)


def _legend(at: int, name: str, tracks: int) -> str:
    y = _TOP + _HEIGHT + 60 + 18 * at
    swatch = f'<rect x="{_LEFT}" y="{y - 9}" width="18" height="4" fill="{_COLOURS[at % len(_COLOURS)]}"/>'
    return swatch + _text(_LEFT + 26, y - 3, f"{name} ({tracks} tracks)", "start")


def _text(x: float, y: float, words: str, anchor: str, weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(words)}</text>"
