"""Train a small MAEST of our own, so that patchout can be measured on a network that has learnt something.

The published weights need a licence and a download; this one needs any folder of music and half an hour of one core.
It learns the tags of MusiCNN from 5 s of log-mel, half of the columns left out at every step, as the paper trains.

    python -m bench.maest.small --music FOLDER … --out FOLDER [--minutes 35]
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tomli_w
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from bench.maest import music
from bench.maest.cards import make_card
from bench.maest.music import Track
from sonotype.core.settings import Settings as ServiceSettings
from sonotype.core.types import Patchout
from sonotype.models.card import Card
from sonotype.models.card_parts import WeightsSpec
from sonotype.models.nets.build import build
from sonotype.models.registry import Registry
from sonotype.models.runtime import load
from sonotype.training.decoder.loop import Budget, Report, Settings, Trainer

NAME = "maest-small"
COLUMNS, DROPPED = 31, 15
OPTIONS = {"columns": COLUMNS, "width": 192, "depth": 6, "heads": 3, "blocks": [4], "head_dist": False}
_BATCH, _VALIDATION, _LONGEST_S = 16, 256, 180.0


class Distil:
    """The task: tags of a stretch of music as the teacher gives them.

    Args:
        model: the student.
        train: what it learns from.
        validation: what it is watched on.
        frames: of a stretch.
    """

    def __init__(self, model: nn.Module, train: Sequence[Track], validation: Sequence[Track], frames: int) -> None:
        self.model, self._train, self._frames = model, train, frames
        random = np.random.default_rng(0)
        self._held = [self._draw(validation, random, _BATCH) for _ in range(_VALIDATION // _BATCH)]

    def loss(self, step: int) -> Tensor:
        """Cross entropy on a random batch with half of the columns left out, the same of all rows."""
        mel, target = self._draw(self._train, np.random.default_rng(step), _BATCH)
        return self._entropy(self.model, mel, target, Patchout(time_drop=DROPPED, seed=step))

    def validate(self, model: nn.Module) -> float:
        """Cross entropy on the held out stretches, whole."""
        with torch.no_grad():
            return float(np.mean([self._entropy(model, mel, target, None) for mel, target in self._held]))

    def _entropy(self, model: nn.Module, mel: Tensor, target: Tensor, patchout: Patchout | None) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            tags: Tensor = model(mel, patchout)["tags"]
        return binary_cross_entropy(tags.float(), target)

    def _draw(self, tracks: Sequence[Track], random: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        chosen = [tracks[at] for at in random.integers(len(tracks), size=count)]
        firsts = [int(random.integers(len(track.mel) - self._frames + 1)) for track in chosen]
        mel = [track.mel[first : first + self._frames] for track, first in zip(chosen, firsts, strict=True)]
        target = [track.target(first, self._frames) for track, first in zip(chosen, firsts, strict=True)]
        return torch.from_numpy(np.stack(mel).astype(np.float32)), torch.from_numpy(np.stack(target))


def write(folder: Path, card: Card, net: nn.Module) -> None:
    """Write a model folder: the card, and the weights beside it."""
    state = {name: value.contiguous() for name, value in net.state_dict().items()}
    data = save(state)
    n_parameters = sum(value.numel() for value in state.values())
    weights = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=n_parameters)
    fields = card.model_copy(update={"weights": weights}).model_dump(mode="json", exclude_none=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(data)
    ordered = sorted(fields.items(), key=lambda item: isinstance(item[1], dict))  # plain values before tables
    (folder / "card.toml").write_text(tomli_w.dumps(dict(ordered)), encoding="utf-8")


def main() -> None:
    """Read music, train, write a model folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True, help="a model repository; the folder is made inside it")
    parser.add_argument("--work", type=Path, default=Path("maest-small-work"), help="cache and checkpoints")
    parser.add_argument("--teacher", default="musicnn-msd")
    parser.add_argument("--minutes", type=float, default=35.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    registry = Registry([], ServiceSettings().weights_dir)
    teacher_card = registry.get(args.teacher)
    teacher = load(teacher_card, registry.weights_path(teacher_card), "cpu", "auto")
    card = make_card(NAME, teacher_card.labels, OPTIONS)
    spec = card.mel_frontends[card.default_frontend]
    found = list(music.tracks(music.files(args.music), teacher, spec, _LONGEST_S, args.work / "tracks"))
    task = Distil(build(card).train(), [t for i, t in enumerate(found) if i % 12], found[::12], card.patch.frames)
    print(f"{len(found)} tracks, {sum(len(t.mel) for t in found) * 256 / 16000 / 60:.0f} minutes", flush=True)
    trainer = Trainer(task, Settings(rate=1e-3, decay=0.05, average=0.998), args.work, NAME)
    write(args.out / NAME, card, trainer.train(Budget(minutes=args.minutes), _tell))


def _tell(report: Report) -> None:
    if report.validation is not None:
        print(f"step {report.step}, {report.spent:.0%}, loss {report.loss:.4f}, {report.validation:.4f}", flush=True)


if __name__ == "__main__":
    main()
