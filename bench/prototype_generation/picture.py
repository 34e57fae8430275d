"""mAP against size, one panel per corpus, one line per method, all points as a dashed line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

_INK, _PALE = "#333", "#ddd"
_COLOURS = {"entropy": "#d55e00", "k-means soft": "#0072b2", "MChen soft": "#009e73", "random subset": "#999"}
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP, _BELOW, _COLUMNS = 230, 150, 52, 34, 62, 74, 3
_LOW, _HIGH = 0.008, 0.45
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


def draw(results: Mapping[str, Any]) -> str:
    """An SVG."""
    names = list(results)
    rows = math.ceil(len(names) / _COLUMNS)
    width, height = _COLUMNS * (_WIDTH + _GAP) + 20, rows * (_HEIGHT + _BELOW) + 40
    panels = [_panel(name, results[name], at) for at, name in enumerate(names)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    return "\n".join([f'{head} font-size="11" fill="{_INK}">', ground, *panels, *_legend(height - 14), "</svg>"]) + "\n"


def _panel(name: str, result: Mapping[str, Any], at: int) -> str:
    left, top = _LEFT + at % _COLUMNS * (_WIDTH + _GAP), _TOP + at // _COLUMNS * (_HEIGHT + _BELOW)
    best = result["best_of_all"]["near"][1]
    values = [row["map"] for row in result["curve"]] + [best]
    low, high = math.floor(20 * min(values)) / 20, math.ceil(20 * max(values)) / 20

    def x(share: float) -> float:
        return left + _WIDTH * math.log(share / _LOW) / math.log(_HIGH / _LOW)

    def y(value: float) -> float:
        return top + _HEIGHT * (high - value) / (high - low)

    drawn = [_text(left, top - 10, f"{name}: {result['train']} samples, {result['L']} labels", "start", "bold")]
    for value in (low, (low + high) / 2, high):
        drawn.append(
            f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{_PALE}"/>'
        )
        drawn.append(_text(left - 6, y(value) + 4, f"{value:.3g}", "end"))
    drawn += [_text(x(share), top + _HEIGHT + 15, f"{100 * share:g} %", "middle") for share in _TICKS]
    drawn.append(_level(left, y(best), f'stroke="{_INK}" stroke-dasharray="4 3"'))
    for method, colour in _COLOURS.items():
        points = [(x(row["share"]), y(row["map"])) for row in result["curve"] if row["name"] == method]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{across:.1f}" cy="{down:.1f}" r="2.5" fill="{colour}"/>' for across, down in points]
    return "\n".join(drawn)


def _level(left: float, y: float, style: str) -> str:
    return f'<line x1="{left}" x2="{left + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" {style}/>'


def _legend(y: float) -> list[str]:
    drawn, left = [], float(_LEFT)
    for method, colour in {**_COLOURS, "all points, best k (dashed)": _INK}.items():
        drawn.append(f'<rect x="{left}" y="{y - 7}" width="16" height="4" fill="{colour}"/>')
        drawn.append(_text(left + 22, y, method, "start"))
        left += 150
    return drawn


def _text(x: float, y: float, words: str, anchor: str, weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(words)}</text>"
