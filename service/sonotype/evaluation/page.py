"""A page to listen to: every prototype with its sonifications beside the real segment, all in one folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from sonotype.core.types import Floats
from sonotype.evaluation import report
from sonotype.evaluation.gate import GateResult
from sonotype.evaluation.judging import JudgeReport
from sonotype.evaluation.media import SHOWN_SEEDS, media_name, write_media
from sonotype.models.heads.arrays import HeadArrays
from sonotype.models.heads.provenance import Badge
from sonotype.models.weights.base import write_atomic

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1c1c24;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left}
article{border-top:2px solid #ccc;padding:1rem 0}h3{margin:0 0 .25rem}
.sounds{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;width:224px}
figure img{display:block;width:224px;height:112px;background:#080818}figure audio{width:224px;height:32px}
figcaption{font-size:13px;color:#555}.passed{color:#17632f}.failed{color:#a01c1c}
small{color:#555}
@media(prefers-color-scheme:dark){body{background:#14141a;color:#e8e8ee}small,figcaption{color:#aaa}
td,th,article{border-color:#444}.passed{color:#7fd79a}.failed{color:#ff8f8f}}
"""


_PUSHED = """Every prototype of this model <em>is</em> the embedding of its real segment, so that prototype and medoid
are one. """


def write_page(folder: Path, model: Path, arrays: HeadArrays, result: GateResult, judge: JudgeReport) -> None:
    """Write `index.html` with its sounds and pictures, which needs no network.

    Args:
        folder: where to write.
        model: the model folder; a real segment can be played only if it lies there too (`medoids/<id>.ogg`), that
            is, if its licence allows it.
        arrays: of the head, for the weights.
        result: of the gate, with its sounds.
        judge: how good the judge is.

    Raises:
        OSError: the folder cannot be written.
    """
    write_media(folder, result)
    segments = Path(os.path.relpath(model / "medoids", folder))
    articles = []
    for index, record in enumerate(result.provenance.prototypes):
        there = (model / "medoids" / f"{record.id}.ogg").is_file()
        real = (segments / f"{record.id}.ogg").as_posix() if there else None
        articles.append(_article(index, arrays.weight[:, index], result, real))
    write_atomic(folder / "index.html", _html(result, judge, articles).encode())


def _html(result: GateResult, judge: JudgeReport, articles: Sequence[str]) -> str:
    title = f"{escape(result.card.title)}: prototypes to listen to"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{_STYLE}</style>
<h1>{title}</h1>
<p>{escape(result.card.address)}. Each prototype is a point in the space of an embedding. What you hear as
<em>decoded</em> was generated from that point alone; the <em>real segment</em> is the training recording nearest to it.
Pictures: time to the right, frequency upwards (60 Hz to 8 kHz, logarithmic), 70 dB from dark to bright.
{_PUSHED if result.pushed else ""}
How everything was measured stands in <a href="../faithfulness.md">faithfulness.md</a>; all numbers in
<a href="report.md">report.md</a> and <a href="report.json">report.json</a>.</p>
{_table(report.CRITERIA_HEADER, report.criteria(result))}
{_table(report.REFERENCE_HEADER, report.references(result, judge))}
{"".join(articles)}
</html>
"""


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(one)}</{tag}>" for one in cells) + "</tr>"

    return f"<table>{line(header, 'th')}{''.join(line(cells, 'td') for cells in body)}</table>"


def _article(index: int, weights: Floats, result: GateResult, real: str | None) -> str:
    record = result.provenance.prototypes[index]
    seeds, segment = result.seeds[:SHOWN_SEEDS], record.medoid
    first = media_name(result, index, f"seed{seeds[0]}")
    figures = [_figure(first, f"decoded prototype, seed {seeds[0]}", _audio(first))]
    more = [_player(media_name(result, index, f"seed{seed}"), f"seed {seed}") for seed in seeds[1:]]
    figures.append(f"<div>{''.join(more)}</div>")
    if not result.pushed:
        name = media_name(result, index, "medoid")
        figures.append(_figure(name, "decoded medoid", _audio(name)))
    words = f"real segment: {segment.label}, {segment.source}, {segment.licence or 'licence unknown'}"
    figures.append(_figure(media_name(result, index, "real"), words, real))
    verdicts = [_verdict("prototype", record.prototype)]
    verdicts += [] if result.pushed else [_verdict("medoid", record.decoded_medoid)]
    return f"""<article id="{escape(record.id)}"><h3>{escape(record.label)} <small>{escape(record.id)}</small></h3>
<p>{"<br>".join(verdicts)}<br>
<small>weights: {escape(weights_in_words(weights, result.card.labels))} · purity {record.purity:.2f} ·
nearest to {record.share:.0%} of its class</small></p><div class="sounds">{"".join(figures)}</div></article>
"""


def _figure(name: str, words: str, audio: str | None) -> str:
    image = f'<img src="img/{name}.webp" alt="spectrogram" loading="lazy">'
    return f"<figure>{image}{_controls(audio) if audio else ''}<figcaption>{escape(words)}</figcaption></figure>"


def _player(name: str, words: str) -> str:
    return f"<figure>{_controls(_audio(name))}<figcaption>{escape(words)}</figcaption></figure>"


def _audio(name: str) -> str:
    return f"audio/{name}.ogg"


def _controls(audio: str) -> str:
    return f'<audio controls preload="none" src="{escape(audio)}"></audio>'


def _verdict(kind: str, badge: Badge | None) -> str:
    if badge is None:
        return f"{kind}: not measured"
    state = "passed" if badge.passed else "failed"
    numbers = (
        f"cosine {badge.cosine:.2f} of {badge.ceiling:.2f}, R@1 {badge.retrieval:.2f}, classifier "
        f"{badge.classifier:.2f}, judge {badge.judge:.2f}, seeds {badge.seeds:.2f}, "
        f"nulls {badge.null_other:.2f} and {badge.null_zero:.2f}"
    )
    return f'<b class="{state}">{kind} {escape(report.words_of(badge))}</b> <small>{numbers}</small>'


def weights_in_words(weights: Floats, labels: Sequence[str], count: int = 4) -> str:
    """The strongest weights of one prototype, `flute +2.1, clarinet -0.6`, of its column [C]."""
    order = np.argsort(-np.abs(weights), kind="stable")[:count]
    return ", ".join(f"{labels[i]} {weights[i]:+.1f}" for i in order)
