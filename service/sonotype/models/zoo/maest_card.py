"""The card of a MAEST: how it is cut, what it gives, and under which terms."""

from __future__ import annotations

from collections.abc import Sequence

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.card_parts import (
    EmbeddingSpec,
    FrontendSpec,
    LicenceSpec,
    NetworkSpec,
    PatchoutSpec,
    PatchSpec,
    SourceSpec,
    WeightsSpec,
)
from sonotype.models.nets.patchout import SIDE
from sonotype.models.zoo.labels import by_genre, label_set_of
from sonotype.models.zoo.maest_state import Geometry

LICENCE = LicenceSpec(
    spdx="CC-BY-NC-SA-4.0",
    commercial=False,
    holder="Music Technology Group, Universitat Pompeu Fabra",
    url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
)
"""Of every published checkpoint; the holder sells another licence on request."""

CITATION = """
@inproceedings{alonso2023maest,
  title = {Efficient Supervised Training of Audio Transformers for Music Representation Learning},
  author = {Alonso-Jim\\'enez, Pablo and Serra, Xavier and Bogdanov, Dmitry},
  booktitle = {Proceedings of the 24th International Society for Music Information Retrieval Conference (ISMIR)},
  year = {2023}, note = {arXiv:2309.16418}
}"""

BEST_BLOCK = 7
"""The block whose tokens transfer best, counted from 1: the middle of the stack (Alonso-Jiménez et al. 2023)."""

_HOPS = {31: 313, 62: 625, 125: 1250, 187: 1875}  # of the published 5, 10, 20 and 30 s
_PATCHOUT = {
    "full": PatchoutSpec(),
    "balanced": PatchoutSpec(time_every=2),
    "fast": PatchoutSpec(time_every=4),
}


def maest_card(
    name: str,
    geometry: Geometry | None = None,
    *,
    labels: Sequence[str] | None = None,
    title: str = "",
    description: str = "",
    weights: WeightsSpec | None = None,
    licence: LicenceSpec = LICENCE,
    blocks: Sequence[int] | None = None,
) -> Card:
    """Describe a MAEST.

    Args:
        name: of the model and its folder.
        geometry: its size; the published 30 s with 400 labels where none is given.
        labels: one for each output; the list of Discogs styles of that length where none are given.
        title: for lists; made from the size where there is none.
        description: a sentence or two.
        weights: hash and size of the converted file; None for random parameters.
        licence: terms of the weights.
        blocks: whose tokens are embeddings, counted from 1, the default first; the best one where none are given.

    Raises:
        SonotypeError: `invalid_request` where there are not as many labels as outputs.
    """
    geometry = geometry or Geometry()
    tapped = list(blocks or [min(BEST_BLOCK, geometry.depth)])
    known = _labels(geometry.n_labels, labels)
    patch = patch_of(geometry.columns)
    seconds = round(patch.hop_frames / 62.5, 1)
    return Card(
        card_schema=1,
        name=name,
        version="1",
        title=title or f"MAEST · {seconds:g} s, {geometry.n_labels} labels",
        description=description or "Music Audio Efficient Spectrogram Transformer, trained on styles of Discogs.",
        network=NetworkSpec(family="maest", options=geometry.options() | {"blocks": tapped}),
        frontends=frontends(),
        patch=patch,
        labels=known,
        embeddings=tuple(_embeddings(geometry.width, tapped)),
        patchout=dict(_PATCHOUT),
        groups=by_genre(known),
        weights=weights,
        source=SourceSpec(kind="none"),
        licence=licence,
        citation=CITATION,
    )


def patch_of(columns: int) -> PatchSpec:
    """How a clip is cut for time encodings of this length: nothing is dropped, short clips are taken as they are."""
    hop_frames = _HOPS.get(columns, 10 * columns)
    return PatchSpec(frames=10 * columns + 6, hop_frames=hop_frames, tail="align", short="native", min_frames=SIDE)


def frontends() -> dict[str, FrontendSpec]:
    """Essentia's, which the training features were made with, and the one inside the published module."""
    essentia = FrontendSpec(
        sample_rate_hz=16000,
        n_fft=512,
        hop_length=256,
        n_mels=96,
        fmin_hz=0.0,
        fmax_hz=8000.0,
        window="symmetric",
        padding="zero",
        frames="ceil",
        log_scale=10000.0,
    )
    torch = essentia.model_copy(update={"window": "periodic", "padding": "reflect", "frames": "floor"})
    return {"essentia": essentia, "torch": torch}


def _labels(count: int, labels: Sequence[str] | None) -> tuple[str, ...]:
    known = tuple(labels) if labels is not None else label_set_of(count)
    if known is None or len(known) != count:
        given = "no list of that length is known" if known is None else f"{len(known)} labels are given"
        raise SonotypeError(Code.INVALID_REQUEST, f"The model has {count} outputs, and {given}.")
    return known


def _embeddings(width: int, blocks: Sequence[int]) -> list[EmbeddingSpec]:
    specs = []
    for block in blocks:
        of = f"of block {block}"
        specs += [
            EmbeddingSpec(name=f"block{block}", dim=3 * width, description=f"CLS, DIST and mean patch {of}"),
            EmbeddingSpec(name=f"block{block}-cls", dim=width, description=f"the CLS token {of}"),
            EmbeddingSpec(name=f"block{block}-dist", dim=width, description=f"the DIST token {of}"),
            EmbeddingSpec(name=f"block{block}-mean", dim=width, description=f"the mean of the patches {of}"),
        ]
    text = "mean of CLS and DIST after the last block and its norm: what the labels are read from"
    return [*specs, EmbeddingSpec(name="last", dim=width, description=text)]
