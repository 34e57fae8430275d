"""Where a prototype comes from and whether its sonification can be trusted: `provenance.json` of a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from sonotype.models.card_parts import DecoderSpec

Criterion = Literal["cosine", "retrieval", "classifier", "judge", "seeds", "nulls"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SeedScore(_Strict):
    """One sonification, embedded again.

    `cosine` is that of its z-scored embedding to the one it was made from, `rank` the place of the right prototype
    among all by that cosine (1 is best), `classifier` and `judge` the labels that the model and the independent
    classifier give it. `noise` is the seed of the noise that was kept where several were tried, else the seed itself.
    """

    seed: int
    noise: int
    cosine: float
    rank: int
    classifier: str
    judge: str

    @model_validator(mode="before")
    @classmethod
    def _own_noise(cls, data: Any) -> Any:
        """Files from before several were tried say nothing of the noise."""
        return {"noise": data["seed"], **data} if isinstance(data, dict) and "seed" in data else data


class Badge(_Strict):
    """The gate's verdict on one embedding's sonifications, over all seeds.

    `ceiling` is the cosine that the real medoid keeps through the codec without the decoder; `share` is
    cosine / ceiling. `retrieval`, `classifier` and `judge` are shares of seeds; `seeds` is the mean cosine between
    seeds; the nulls are the cosines of sonifications of another class and of no embedding at all. `tries` says of how
    many sonifications per seed the one nearest to its embedding was kept: all else is measured on those alone.
    """

    passed: bool
    tries: int = 1
    failed: tuple[Criterion, ...] = ()
    cosine: float
    ceiling: float
    share: float
    retrieval: float
    classifier: float
    judge: float
    seeds: float
    null_other: float
    null_zero: float
    scores: tuple[SeedScore, ...] = ()


class Segment(_Strict):
    """A real training segment: its file, where in it, how far from the prototype, under which licence.

    Of the file's path only the end stands here that tells it from the other files.
    """

    file: str
    offset_s: float
    label: str
    source: str
    licence: str
    distance: float


class PrototypeRecord(_Strict):
    """One prototype.

    `purity` is the share of its `neighbours` of the same label, `share` the share of training segments of its label
    that it is nearest to. `prototype` and `medoid` are the badges of the decoded prototype and of the decoded
    embedding of the nearest real segment; None where nothing was gated.
    """

    id: str
    label: str
    medoid: Segment
    neighbours: tuple[Segment, ...]
    purity: float
    share: float
    prototype: Badge | None = None
    decoded_medoid: Badge | None = None


class Sampling(_Strict):
    """How the gated sonifications were made: everything beside the weights that decides how they sound."""

    steps: int
    guidance: float
    options: dict[str, Any]

    @classmethod
    def of(cls, decoder: DecoderSpec) -> Sampling:
        """That of a card's decoder."""
        return cls(steps=decoder.steps, guidance=decoder.guidance, options=decoder.model_dump(mode="json")["options"])


class Provenance(_Strict):
    """`provenance.json`: every prototype, and what can be said of all together.

    The badges hold for `decoder_sha256` and `sampling` alone. `effective_rank` is that of the similarity columns over
    the training segments (exponential of the entropy of the normalised singular values), `collapsed` lists groups of
    prototypes whose nearest real segment is the same.
    """

    weights_sha256: str
    decoder_sha256: str | None = None
    sampling: Sampling | None = None
    judge: str = ""
    effective_rank: float
    collapsed: tuple[tuple[str, ...], ...] = ()
    prototypes: tuple[PrototypeRecord, ...]


def badges_hold(provenance: Provenance, decoder: DecoderSpec | None) -> bool:
    """Whether the badges are those of a card's decoder as the card has it sample."""
    if decoder is None or provenance.decoder_sha256 != decoder.sha256:
        return False
    return provenance.sampling == Sampling.of(decoder)


def read_provenance(path: Path) -> Provenance:
    """Read `provenance.json`. Raises ValueError where it does not fit (pydantic's error is one)."""
    return Provenance.model_validate_json(path.read_text(encoding="utf-8"))
