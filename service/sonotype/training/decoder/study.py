"""Does a decoder say what it was told? Embeddings in, audio out, embeddings again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from sonotype.core.types import Floats
from sonotype.models.sonify.base import Sonifier
from sonotype.training.decoder.corpus import Backbone, Corpus, Integers, embed


@dataclass(frozen=True)
class Space:
    """The standardised embedding space with a classifier in it, from the train split.

    Attributes:
        mean: of embeddings, shape [dim].
        scale: of embeddings, shape [dim].
        probe: predicts labels from standardised embeddings.
    """

    mean: Floats
    scale: Floats
    probe: LogisticRegression

    def z(self, embeddings: Floats) -> Floats:
        """Standardise rows."""
        return (embeddings - self.mean) / self.scale

    def raw(self, z: Floats) -> Floats:
        """Undo `z`."""
        return (z * self.scale + self.mean).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Score:
    """How decoded audio compares with what was asked for, means over targets and seeds.

    Attributes:
        cosine: of the standardised embeddings, asked for and heard.
        null: the same for a target of another label.
        found: how often the nearest of all targets, by cosine, is the one asked for.
        agreement: how often the probe hears the label asked for.
        seeds: mean cosine between what different seeds sound like.
        norm: mean ratio of norms, heard to asked for.
    """

    cosine: float
    null: float
    found: float
    agreement: float
    seeds: float
    norm: float


def space_of(corpus: Corpus, mean: Floats, scale: Floats) -> Space:
    """Fit the probe to every window of a corpus."""
    labels = np.asarray(corpus.label)[corpus.window_clip]
    probe = LogisticRegression(C=0.03, max_iter=300).fit((corpus.embeddings - mean) / scale, labels)
    return Space(mean, scale, probe)


def targets(corpus: Corpus, space: Space, kind: str, per_label: int, seed: int = 0) -> tuple[Floats, Integers]:
    """Embeddings to decode, and their labels.

    Args:
        corpus: where from.
        space: its space.
        kind: `window` for real ones, `mean` for the mean of a label, `centroid` for `per_label` k-means centres.
        per_label: how many of each label.
        seed: of the choice.
    """
    labels = np.asarray(corpus.label)[corpus.window_clip]
    rows, owners = [], []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if kind == "window":
            found = corpus.embeddings[np.random.default_rng(seed).choice(members, per_label, replace=False)]
        elif kind == "mean":
            found = corpus.embeddings[members].mean(0, keepdims=True)
        else:
            means = KMeans(per_label, n_init=3, random_state=seed).fit(space.z(corpus.embeddings[members]))
            found = space.raw(means.cluster_centers_)
        rows.append(found)
        owners.append(np.full(len(found), label))
    return np.concatenate(rows).astype(np.float32), np.concatenate(owners)


def heard(sonifier: Sonifier, backbone: Backbone, embeddings: Floats, seeds: Sequence[int], **options: float) -> Floats:
    """Embeddings of decoded audio, shape [targets, seeds, dim]; `options` are those of `Sonifier.stream`."""
    frames = backbone.runtime.card.patch.hop_frames
    rows = []
    for target in embeddings:
        for seed in seeds:
            samples = np.concatenate(list(sonifier.stream(target, seed=seed, **options)))  # type: ignore[arg-type]
            rows.append(embed(backbone, samples, frames).mean(axis=0))
    return np.stack(rows).reshape(len(embeddings), len(seeds), -1)


def score(space: Space, asked: Floats, owners: Integers, got: Floats) -> Score:
    """Compare targets [n, dim] of labels [n] with what was heard [n, seeds, dim]."""
    x, y = space.z(asked), space.z(got)
    x_unit, y_unit = _unit(x), _unit(y)
    cosines = np.einsum("nsd,md->nsm", y_unit, x_unit)
    own = np.einsum("nsn->ns", cosines)
    stranger = owners[:, None] != owners[None, :]
    null = (cosines.mean(1) * stranger).sum() / stranger.sum()
    predicted = space.probe.predict(y.reshape(-1, y.shape[-1])).reshape(y.shape[:2])
    pairs = np.einsum("nsd,ntd->nst", y_unit, y_unit)
    count = y.shape[1]
    alike = (pairs.sum((1, 2)) - count) / (count * (count - 1)) if count > 1 else np.ones(1)
    return Score(
        cosine=float(own.mean()),
        null=float(null),
        found=float((cosines.argmax(2) == np.arange(len(x))[:, None]).mean()),
        agreement=float((predicted == owners[:, None]).mean()),
        seeds=float(alike.mean()),
        norm=float((np.linalg.norm(y, axis=2) / np.linalg.norm(x, axis=1)[:, None]).mean()),
    )


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return unit
