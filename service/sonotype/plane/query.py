"""What a caller may ask of an analysis."""

from __future__ import annotations

from dataclasses import dataclass, field

from sonotype.core.types import Crop, EmbeddingScope, Lane, Quality, TailPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeQuery:
    """One analyse request, the same for every face.

    `top_k`, `threshold`, `timeline` and `reasons_top_k` only say what a face renders: the analysis itself always holds
    every label and all evidence.

    Attributes:
        models: names or `name@version` addresses; empty means the default model.
        top_k: number of tags to show per model; `None` shows all.
        threshold: tags with a lower score are not shown.
        timeline: show the taggram.
        reasons_top_k: prototypes to show for and against each shown label of a prototype model; `None` shows all, 0
            leaves the reasons out.
        embeddings: names of the embeddings to show (`penultimate`, `mean` …); `default` means the model's first.
        embedding_scope: one vector per clip, or one per patch.
        crop: the part of the clip to analyse.
        hop_s: seconds between patches; `None` takes the card's.
        tail: what to do with the frames after the last whole patch; `None` takes the card's.
        quality: which of the model's presets for leaving patches out; a model without presets takes any for `full`.
        patchout_time: columns (time) of the patch grid to leave out besides, evenly spaced; needs a model with presets.
        patchout_freq: rows (frequency) likewise.
        patchout_seed: leave out random columns and rows instead of evenly spaced ones, the same for the same seed.
        frontend: name of a front end variant; `None` takes the one the network was trained with.
        lane: the queue to wait in.
        timeout_s: deadline from now; `None` takes the service's default, which is also the largest.
        client: the authenticated caller, for quotas; `None` where the service is open.
        use_cache: look the answer up before computing it; the answer is stored in any case.
        is_job: part of a job: nobody waits for it, so only a hang ends it, not the deadline of requests.
    """

    models: tuple[str, ...] = ()
    top_k: int | None = 10
    threshold: float = 0.0
    timeline: bool = False
    reasons_top_k: int | None = 5
    embeddings: tuple[str, ...] = ()
    embedding_scope: EmbeddingScope = "clip"
    crop: Crop = field(default_factory=Crop)
    hop_s: float | None = None
    tail: TailPolicy | None = None
    quality: Quality = "full"
    patchout_time: int = 0
    patchout_freq: int = 0
    patchout_seed: int | None = None
    frontend: str | None = None
    lane: Lane = Lane.INTERACTIVE
    timeout_s: float | None = None
    client: str | None = None
    use_cache: bool = True
    is_job: bool = False
