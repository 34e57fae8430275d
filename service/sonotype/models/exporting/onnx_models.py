"""Models as ONNX: what goes in, what comes out, and the reference each file is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Patchout, Quality
from sonotype.models.card import Card
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.exporting import metadata
from sonotype.models.exporting.modules import DftLogMel, HeadModule, PatchedMAEST, Whole
from sonotype.models.exporting.onnx_file import Exported, to_onnx
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.grid import presets_of
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.nets.build import build_with_weights
from sonotype.models.nets.maest import MAEST
from sonotype.models.runtime.base import own_engine
from sonotype.models.tuning.probe import piece

_ANY_LENGTH = {"musicnn", "maest"}
_SHORTER = 0.6  # of a patch, the length that dynamic time is checked with
_TAGS = "scores"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a network is to be exported.

    Attributes:
        frontend: name of the front end that is put inside, empty for the card's own; None: log-mel comes in.
        quality: a preset of its patchout.
        embeddings: names of those given out; None: all of the card's.
    """

    frontend: str | None
    quality: Quality = "full"
    embeddings: Sequence[str] | None = None


class _Reference(nn.Module):
    """The way of the reference runtime: a Fourier transform of its own, and the network with its patchout."""

    def __init__(self, front: LogMel | None, net: nn.Module, patchout: Patchout | None) -> None:
        super().__init__()
        self.front, self.net, self.patchout = front, net, patchout

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        mel = x if self.front is None else self.front(x)
        found = self.net(mel) if self.patchout is None else self.net(mel, self.patchout)
        return cast(dict[str, Tensor], found)


def export_network(card: Card, weights: Path, wanted: Wanted, head: TransferHead | None = None) -> Exported:
    """Export a network, or a head with its backbone in one graph.

    Args:
        card: the network's.
        weights: its file.
        wanted: what of it.
        head: standing on one of its embeddings; `scores` are then the head's.

    Raises:
        SonotypeError: `invalid_request` for a network that is not exported, an unknown embedding, front end or
            quality; as `to_onnx`.
    """
    if own_engine(card) is not None or card.network.family == "fake":
        raise _refused(f"{card.address} is not a log-mel network: it cannot be exported to ONNX")
    name, spec = _frontend(card, wanted.frontend)
    patchout, names = _patchout(card, wanted.quality), _embeddings(card, wanted.embeddings)
    net = build_with_weights(card, weights).requires_grad_(False)
    inner = PatchedMAEST(net, patchout or Patchout()) if isinstance(net, MAEST) else net
    samples = wanted.frontend is not None
    outputs = [*([] if head else ["tags"]), *names]
    top = HeadModule(head).eval() if head else None
    read = head.card.backbone.embedding if head else ""
    module = Whole(DftLogMel(spec) if samples else None, inner, outputs, top, read)
    plain = _Reference(LogMel(spec) if samples else None, net, patchout)
    reference = Whole(None, plain, outputs, top, read)
    properties = metadata.of_network(card, spec, name, samples=samples, quality=wanted.quality)
    return to_onnx(
        module,
        _examples(card, spec, samples=samples),
        reference,
        input_name="samples" if samples else "mel",
        outputs=[_TAGS, *names],
        axes=_axes(card, samples=samples),
        metadata=metadata.with_backbone(metadata.of_head(head.card), properties) if head else properties,
    )


def export_head(head: TransferHead) -> Exported:
    """Export a head alone: `embedding` [batch, D] to `scores` [batch, C].

    Raises:
        SonotypeError: as `to_onnx`.
    """
    module = _Single(HeadModule(head)).eval()
    random = torch.Generator().manual_seed(0)
    examples = [torch.randn(rows, head.dim, generator=random) for rows in (2, 1)]
    return to_onnx(
        module,
        examples,
        _InNumpy(head),
        input_name="embedding",
        outputs=[_TAGS],
        axes={0: "batch"},
        metadata=metadata.of_head(head.card),
    )


class _Single(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.net(x),)


class _InNumpy(nn.Module):
    """The head as the service computes it."""

    def __init__(self, head: TransferHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (torch.from_numpy(self.head.predict(x.numpy())),)


def _frontend(card: Card, name: str | None) -> tuple[str, FrontendSpec]:
    name = name or card.default_frontend
    if name not in card.mel_frontends:
        raise _refused(f"{card.name} has no front end {name!r}, only {', '.join(card.mel_frontends)}")
    return name, card.mel_frontends[name]


def _patchout(card: Card, quality: Quality) -> Patchout | None:
    presets = {preset.quality: preset.patchout for preset in presets_of(card)}
    if not presets:
        if quality != "full":
            raise _refused(f"{card.name} has one quality only, full")
        return None
    if quality not in presets:
        raise _refused(f"{card.name} has no quality {quality!r}, only {', '.join(presets)}")
    patchout = presets[quality] or Patchout()
    if patchout.time_drop or patchout.freq_drop:
        raise _refused(f"the quality {quality} of {card.name} leaves counts out, not steps: it cannot be exported")
    return patchout


def _embeddings(card: Card, wanted: Sequence[str] | None) -> list[str]:
    known = [spec.name for spec in card.embeddings]
    unknown = set(wanted or ()) - set(known)
    if unknown:
        raise _refused(f"{card.name} has no embedding {', '.join(sorted(unknown))}, only {', '.join(known)}")
    return known if wanted is None else list(dict.fromkeys(wanted))


def _axes(card: Card, *, samples: bool) -> dict[int, str]:
    time = {1: "samples" if samples else "frames"} if card.network.family in _ANY_LENGTH else {}
    return {0: "batch"} | time


def _examples(card: Card, spec: FrontendSpec, *, samples: bool) -> list[Tensor]:
    """A batch of two, one row, and where time is dynamic one that is shorter."""
    whole = card.patch.frames
    shorter = [(1, int(_SHORTER * whole))] if card.network.family in _ANY_LENGTH else []
    found = []
    for rows, frames in [(2, whole), (1, whole), *shorter]:
        length = spec.window_samples(frames)
        sound = torch.from_numpy(np.stack([piece(seed, length, spec.sample_rate_hz) for seed in range(rows)]))
        found.append(sound if samples else LogMel(spec)(sound))
    return found


def _refused(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, f"{detail}.")
