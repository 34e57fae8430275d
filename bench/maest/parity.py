"""The whole grid: every length, patchout and batch, twelve blocks, the published package against ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch

from bench.maest import oracle as published
from bench.maest.oracle import COLUMNS
from sonotype.core.types import Patchout
from sonotype.models.nets.maest import MAEST

LIMIT = 1e-4
FRAMES = {seconds: 10 * columns + 6 for seconds, columns in COLUMNS.items()}
PATCHOUTS: dict[str, Patchout | None] = {
    "none": None,
    "every 2nd column": Patchout(time_every=2),
    "every 3rd column, every 2nd row": Patchout(time_every=3, freq_every=2),
    "half of the columns at random": Patchout(time_drop=0, seed=3),  # the count is that of the length
}


def run(batches: tuple[int, ...] = (1, 8)) -> Iterator[dict[str, Any]]:
    """One row per length, batch and patchout: the largest differences of logits, embeddings and all blocks."""
    for seconds in COLUMNS:
        pair = published.make_pair(seconds)
        for batch in batches:
            for name, patchout in PATCHOUTS.items():
                yield {"seconds": seconds, "batch": batch, "patchout": name} | _compare(pair, seconds, batch, patchout)


@torch.inference_mode()
def _compare(
    pair: tuple[torch.nn.Module, MAEST], seconds: int, batch: int, patchout: Patchout | None
) -> dict[str, Any]:
    if patchout is not None and patchout.seed is not None:
        patchout = Patchout(time_drop=COLUMNS[seconds] // 2, seed=patchout.seed)
    mel = torch.rand(batch, FRAMES[seconds], 96, generator=torch.Generator().manual_seed(seconds)) * 4
    begin = time.perf_counter()
    theirs = published.ask(pair[0], mel, patchout)
    middle = time.perf_counter()
    ours = published.answer(pair[1], mel, patchout)
    end = time.perf_counter()
    differences = {name: float((ours[name] - expected).abs().max()) for name, expected in theirs.items()}
    blocks = [difference for name, difference in differences.items() if name.startswith("block")]
    # the interface's own block 7, once per length: the others are its definition on tokens read from one pass
    asked = published.ask_block(pair[0], mel[:1], 7, patchout) if batch == 1 else None
    return {
        "tokens": pair[1].tokens(mel[:1], patchout).shape[1],
        "logits": differences["logits"],
        "logits_std": float(theirs["logits"].std()),
        "blocks": max(blocks),
        "n_blocks": len(blocks),
        "block7_asked": None if asked is None else float((ours["block7"][:1] - asked).abs().max()),
        "seconds_theirs": round(middle - begin, 1),
        "seconds_ours": round(end - middle, 1),
    }


def met(rows: list[dict[str, Any]]) -> bool:
    """Whether everything is equal to the limit."""
    return all(row["logits"] < LIMIT and row["blocks"] < LIMIT and (row["block7_asked"] or 0.0) < LIMIT for row in rows)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = ["| length | batch | patchout | tokens | logits | 12 blocks |", "|---|---|---|--:|--:|--:|"]
    for row in rows:
        name = f"| {row['seconds']} s | {row['batch']} | {row['patchout']} | {row['tokens']} "
        lines.append(f"{name}| {row['logits']:.1e} | {row['blocks']:.1e} |")
    return "\n".join(lines)
