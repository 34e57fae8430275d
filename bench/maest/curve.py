"""What patchout costs in agreement, on music: scores and embeddings with patches left out, against those without."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.maest import flops, music
from sonotype.core.settings import Settings
from sonotype.core.types import Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.grid import Grid, grid_of
from sonotype.models.nets.maest import ROWS
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories
from sonotype.models.runtime import Runtime, load

_CLIP_S, _TOP = 60.0, 5
_LARGE_COLUMNS = 187


@dataclass(frozen=True, slots=True)
class Dial:
    """A setting, for grids of any length: `share` of the columns is left out besides."""

    name: str
    time_every: int = 1
    freq_every: int = 1
    share: float = 0.0
    seed: int | None = None

    def patchout(self, columns: int) -> Patchout:
        """What it is on so many columns."""
        return Patchout(self.time_every, self.freq_every, round(self.share * columns), 0, self.seed)


DIALS = (
    Dial("full"),
    *(Dial(f"every {n}. column", time_every=n) for n in (2, 3, 4, 6, 8)),
    *(Dial(f"every {n}. row", freq_every=n) for n in (2, 3)),
    *(Dial(f"every {n}. column, every 2. row", time_every=n, freq_every=2) for n in (2, 3, 4)),
    *(Dial(f"{share:.0%} of the columns fewer", share=share) for share in (0.16, 0.32, 0.48, 0.75)),
    *(Dial(f"{share:.0%} of the columns fewer, at random", share=share, seed=1) for share in (0.48, 0.75)),
)


def measure(model: str, repositories_: Sequence[Path], folders: Sequence[Path]) -> dict[str, Any]:
    """One row per dial.

    Raises:
        SonotypeError: there is no such model, or its weights are not pulled.
        ValueError: it is not a MAEST, or there is no music.
    """
    settings = Settings()
    registry = Registry([*repositories(settings), *repositories_], settings.weights_dir)
    card = registry.get(model)
    grid = grid_of(card)
    if grid is None or card.network.family != "maest":
        raise ValueError(f"{model} is not a MAEST")
    runtime = load(card, registry.weights_path(card), "cpu", "fp32")
    clips = [windows for path in music.files(folders) if (windows := cut(card, path)) is not None]
    if not clips:
        raise ValueError("no music of 20 s or more was found")
    whole = seen(runtime, clips, None)
    rows = [row(dial, grid, seen(runtime, clips, dial.patchout(grid.columns)), whole) for dial in DIALS]
    embedding = card.embeddings[0].name
    return {"model": card.address, "embedding": embedding, "clips": len(clips), "patches": whole.patches, "rows": rows}


@dataclass(frozen=True, slots=True)
class Seen:
    """Outputs of a setting: a row of tags and of the default embedding per clip and per patch, and what it took."""

    tags: Floats
    embeddings: Floats
    patch_embeddings: Floats
    seconds: float

    @property
    def patches(self) -> int:
        """How many patches there were."""
        return len(self.patch_embeddings)


def seen(runtime: Runtime, clips: Sequence[Floats], patchout: Patchout | None) -> Seen:
    """Run all clips; the time is CPU time of this process, front end included."""
    card, frames = runtime.card, runtime.card.patch.frames
    name = card.embeddings[0].name
    tags, embeddings, seconds = [], [], 0.0
    for windows in clips:
        begin = time.process_time()
        output = runtime.run(windows, np.full(len(windows), frames), "native", card.default_frontend, patchout)
        seconds += time.process_time() - begin
        tags.append(output.arrays["tags"].mean(0))
        embeddings.append(output.arrays[name])
    means = np.stack([rows.mean(0) for rows in embeddings])
    return Seen(np.stack(tags), means, np.concatenate(embeddings), seconds)


def row(dial: Dial, grid: Grid, found: Seen, whole: Seen) -> dict[str, Any]:
    """Agreement and cost of a setting against `full`."""
    difference = np.abs(found.tags - whole.tags)
    middle = whole.embeddings.mean(0)  # what all clips share says nothing about one of them
    return {
        "name": dial.name,
        "tokens": grid.tokens(dial.patchout(grid.columns)),
        "ratio": round(whole.seconds / found.seconds, 2),
        "large_ratio": round(large_ratio(dial), 2),
        "cosine": round(float(cosines(found.embeddings, whole.embeddings).mean()), 4),
        "cosine_worst": round(float(cosines(found.embeddings, whole.embeddings).min()), 4),
        "cosine_patch": round(float(cosines(found.patch_embeddings, whole.patch_embeddings).mean()), 4),
        "centred": round(float(cosines(found.embeddings - middle, whole.embeddings - middle).mean()), 4),
        "top5": round(top_overlap(found.tags, whole.tags), 3),
        "top1": round(float((found.tags.argmax(1) == whole.tags.argmax(1)).mean()), 3),
        "score_mean": round(float(difference.mean()), 4),
        "score_worst": round(float(difference.max()), 4),
    }


def cosines(first: Floats, second: Floats) -> Floats:
    """Cosine of each row with the same row, [rows]."""
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray((first * second).sum(1) / norms, dtype=np.float32)


def top_overlap(first: Floats, second: Floats) -> float:
    """Mean share of the top five that both have."""
    tops = [np.argsort(-tags, axis=1)[:, :_TOP] for tags in (first, second)]
    return float(np.mean([len(set(a) & set(b)) / _TOP for a, b in zip(*tops, strict=True)]))


def cut(card: Card, path: Path) -> Floats | None:
    """The patches of the middle minute of a file, [patches, samples]; None for what is no music or too short."""
    samples = music.read(path, _CLIP_S)
    if samples is None:
        return None
    patcher = Patcher(card.mel_frontends[card.default_frontend], card.patch)
    windows = [*patcher.feed(samples), *patcher.finish()]
    whole = [window.samples for window in windows if window.valid_frames == card.patch.frames]
    return np.stack(whole) if whole else None


def large_ratio(dial: Dial) -> float:
    """How many times fewer operations the published 30 s network takes: its time follows them, see `speed`."""
    grid, size = Grid(ROWS, _LARGE_COLUMNS), flops.Size()
    whole, left = (flops.executed(grid.tokens(patchout), size) for patchout in (None, dial.patchout(_LARGE_COLUMNS)))
    return whole / left


def table(result: dict[str, Any]) -> str:
    """The rows as Markdown."""
    lines = [f"{result['model']}: {result['clips']} clips, {result['patches']} patches, `{result['embedding']}`", ""]
    lines.append("| left out | tokens | faster | operations fewer, 30 s | cosine | worst | centred | top 5 | top 1 ")
    lines[-1] += "| score, mean | worst |"
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for found in result["rows"]:
        ratios = f"{found['ratio']:.2f} | {found['large_ratio']:.2f}"
        cosine = f"{found['cosine']:.3f} | {found['cosine_worst']:.3f} | {found['centred']:.3f}"
        agreement = f"{cosine} | {found['top5']:.2f} | {found['top1']:.2f}"
        scores = f"{found['score_mean']:.4f} | {found['score_worst']:.3f}"
        lines.append(f"| {found['name']} | {found['tokens']} | {ratios} | {agreement} | {scores} |")
    return "\n".join(lines)
