"""The values that cross the borders between packages, in the order of the data's way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
TailPolicy = Literal["drop", "repeat", "pad", "align"]
ShortPolicy = Literal["repeat", "pad", "refuse", "native"]
Fill = Literal["repeat", "pad", "native"]
EmbeddingScope = Literal["clip", "patches"]
Quality = Literal["full", "balanced", "fast"]
Task = Literal["multiclass", "multilabel", "regression"]


class Lane(StrEnum):
    """Which queue a request waits in: people wait in `interactive`, jobs in `bulk`."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one upload, complete, with their content hash (hex)."""

    data: bytes
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Upload:
        """Hash `data` and wrap it."""
        return cls(data, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a clip to analyse, in seconds from its start; `duration_s=None` means to the end."""

    offset_s: float = 0.0
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Patchout:
    """Which patches of a spectrogram transformer's grid are left out before its first block (MAEST, section 3.3).

    Steps come first, counts apply to what they left. What stays keeps the position encodings of its own place.

    Attributes:
        time_every: keep every so-many-th column (time), from the first.
        freq_every: keep every so-many-th row (frequency), from the first.
        time_drop: further columns to leave out, evenly spaced.
        freq_drop: further rows to leave out, evenly spaced.
        seed: leave out random columns and rows instead of evenly spaced ones, the same for the same seed.
    """

    time_every: int = 1
    freq_every: int = 1
    time_drop: int = 0
    freq_drop: int = 0
    seed: int | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing is left out."""
        return (self.time_every, self.freq_every, self.time_drop, self.freq_drop) == (1, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What the decoder saw, counted on decoded samples and never taken from a header.

    Attributes:
        sha256: content hash of the uploaded bytes (hex).
        format: our name of the container (`mp3`, `flac` …), found by magic bytes.
        sample_rate_hz: the rate of the upload, before resampling.
        channels: the channels of the upload, before the mean to mono.
        duration_s: seconds of audio that were decoded and analysed, after the crop.
        truncated: the stream broke off before its end; what came before was analysed.
        clipped: at least 0.1 % of the samples reach full scale.
        silent: the peak lies below -80 dBFS.
    """

    sha256: str
    format: str
    sample_rate_hz: int
    channels: int
    duration_s: float
    truncated: bool = False
    clipped: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The samples that one patch needs, padding included.

    Attributes:
        index: the patch's place in its clip, from 0.
        samples: mono float32, shape [window_samples], at the front end's rate.
        valid_frames: frames of the patch that hold real audio; the others are filled by `fill`.
        fill: how a front end fills the frames after `valid_frames`.
    """

    index: int
    samples: Floats
    valid_frames: int
    fill: Fill = "repeat"


@dataclass(frozen=True, slots=True)
class PatchReport:
    """How a clip was cut: stated in every answer so that nothing is dropped in silence.

    Attributes:
        count: patches that were analysed.
        length_s: seconds of audio in one patch; of a clip shorter than that, taken as it is (`native`), its own.
        hop_s: seconds between the starts of neighbouring patches.
        tail: what happened to the frames after the last whole patch.
        short: what happens to a clip shorter than one patch.
        dropped_s: seconds at the end that no patch covers.
        filled_s: seconds of the last patch that are repetition or padding.
        overlap_s: seconds that a last patch moved back to the end of the clip (`align`) shares with the one before.
    """

    count: int
    length_s: float
    hop_s: float
    tail: TailPolicy
    short: ShortPolicy
    dropped_s: float
    filled_s: float
    overlap_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reasons:
    """The evidence ledger of one answer of a prototype model: additive shares that sum to the logits.

    With S the similarities and W the weights of the prototypes, `evidence[c, j] = W[c, j] (S_j - mean train S_j)`;
    these are the Shapley values of the prototypes for logit c. M prototypes, C labels, N patches.

    Attributes:
        prototypes: id of each prototype, in the order of the columns.
        owners: class of each prototype (index of its label), shape [M].
        logits: of the clip, the mean over its patches, shape [C].
        baseline: logits at the mean similarities of the training data, shape [C].
        evidence: share of each prototype in each logit, shape [C, M]; a row sums to logit - baseline.
        similarity: mean over patches, in (0, 1], shape [M].
        patch_similarity: over time, shape [N, M].
        patch_logits: over time, shape [N, C].
        weight: of the linear layer, shape [C, M]: with it `patch_similarity` gives the evidence of every patch.
        train_similarity: mean similarities of the training data, shape [M].
        out_of_distribution: in most patches no prototype is as similar as one is to 99 % of the training segments.
        ood_threshold: the 1 % quantile of the largest similarity over the training segments.
    """

    prototypes: tuple[str, ...]
    owners: NDArray[np.int64]
    logits: Floats
    baseline: Floats
    evidence: Floats
    similarity: Floats
    patch_similarity: Floats
    patch_logits: Floats
    weight: Floats
    train_similarity: Floats
    out_of_distribution: bool
    ood_threshold: float

    def patch_evidence(self) -> Floats:
        """Evidence of every patch, shape [N, C, M]; its mean over patches is `evidence`."""
        difference = self.patch_similarity - self.train_similarity
        return np.asarray(difference[:, None, :] * self.weight[None], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class NearPrototype:
    """A prototype of a tagger that was asked.

    Attributes:
        prototype: its number.
        distance: Euclidean, between unit vectors: 0 to 2.
        members: tracks that it stands for.
        examples: ids of those of them that lie nearest to the clip.
    """

    prototype: int
    distance: float
    members: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What decided the answer of a tagger. L labels, K prototypes.

    Attributes:
        near: the prototypes that were asked, nearest first.
        shares: of each label's score, by prototype; a row sums to 1, shape [L, K].
        percentile: share of known tracks that lie nearer to their prototype, 0 to 1; None where that is not known.
        far: the clip lies far from anything known.
    """

    near: tuple[NearPrototype, ...]
    shares: NDArray[np.float64]
    percentile: float | None
    far: bool


@dataclass(frozen=True, slots=True)
class ModelResult:
    """What one model said about one clip.

    Attributes:
        model: address of the model, `name@version`.
        model_sha256: hash of its weights.
        frontend: name of the front end variant that ran.
        precision: arithmetic of the network, `fp32` or `bf16`.
        labels: the label of each column of `tags`.
        tags: mean activations over the clip, shape [n_labels]; see `models.pooling` for the weights of patches.
        taggram: activations per patch, shape [n_patches, n_labels].
        starts_s: start of each patch in the analysed audio, shape [n_patches].
        embeddings: name to vector of the clip, shape [dim], mean over patches.
        patch_embeddings: name to vectors per patch, shape [n_patches, dim]; empty unless asked for.
        patches: how the clip was cut.
        cached: the answer came from the cache.
        reasons: the evidence of the prototypes, for a prototype model.
        task: what `tags` holds: probabilities of which one applies, of labels that apply independently, or values.
        quality: what was asked of a model that can trade agreement for cost; `full` for all others.
        patchout: what was left out of each patch; None where nothing was.
        neighbourhood: what decided, for a tagger; its taggram is one row, for the whole clip.
    """

    model: str
    model_sha256: str
    frontend: str
    precision: str
    labels: tuple[str, ...]
    tags: Floats
    taggram: Floats
    starts_s: Floats
    embeddings: Mapping[str, Floats]
    patch_embeddings: Mapping[str, Floats]
    patches: PatchReport
    cached: bool = False
    reasons: Reasons | None = None
    task: Task = "multilabel"
    quality: Quality = "full"
    patchout: Patchout | None = None
    neighbourhood: Neighbourhood | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """The answer to one analyse request: the clip and one result per model, in the order asked."""

    clip: ClipInfo
    results: tuple[ModelResult, ...]
    timings_s: Mapping[str, float] = field(default_factory=dict)
