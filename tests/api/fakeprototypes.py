"""Prototypes, reasons and sonifications of the fake plane: fixed numbers and bytes, no decoder."""

from __future__ import annotations

import hashlib

import numpy as np

from sonotype.core.types import Floats, Reasons
from sonotype.models.card import Card, PrototypeCard
from sonotype.models.card_parts import BackboneSpec, DecoderSpec, LicenceSpec, WeightsSpec
from sonotype.models.heads.provenance import Badge, PrototypeRecord, SeedScore, Segment
from sonotype.plane.sonification import AudioFile, AudioFormat, PrototypeInfo, Rendering

LABELS = ("cello", "flute", "tenor saxophone")
PER_LABEL = 2
N_PROTOTYPES = len(LABELS) * PER_LABEL
MEDIA_TYPES: dict[AudioFormat, str] = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
}
AUDIO_BYTES = 1000


def prototype_card(backbone: Card) -> PrototypeCard:
    return PrototypeCard(
        card_schema=1,
        kind="prototypes",
        name="pecmae",
        version="1",
        title="Fake prototypes",
        description="Three instruments, two prototypes each.",
        labels=LABELS,
        temperature=0.5,
        backbone=BackboneSpec(model=backbone.name, embedding=backbone.embeddings[-1].name, sha256="a" * 64),
        weights=WeightsSpec(sha256="b" * 64, n_parameters=123),
        decoder=DecoderSpec(family="fake", dim=16, sample_rate_hz=16000, segment_samples=65536, steps=25),
        licence=LicenceSpec(spdx="Apache-2.0", commercial=True, holder="nobody"),
        citation="Nobody, 2026.",
    )


def prototypes() -> dict[str, PrototypeInfo]:
    """One for every verdict: passed, replaced, failed, two ungated ones, silent."""
    real, decoded = Rendering("segment"), tuple(Rendering("prototype", seed) for seed in (0, 1, 2))
    medoid = Rendering("medoid", 0)
    made = [
        _info(0, 0, (*decoded, medoid, real), decoded[0], _record(0, 0, _badge(True))),
        _info(0, 1, (*decoded, real), real, _record(0, 1, _badge(False))),
        _info(1, 0, decoded, decoded[0], _record(1, 0, _badge(False))),
        _info(1, 1, decoded, decoded[0], _record(1, 1, None)),
        _info(2, 0, decoded, decoded[0], None),
        _info(2, 1, (), None, None),
    ]
    return {info.id: info for info in made}


def audio_file(info: PrototypeInfo, rendering: Rendering, audio_format: AudioFormat) -> AudioFile:
    seed = hashlib.sha256(repr((info.id, rendering, audio_format)).encode()).digest()
    data = (seed * (AUDIO_BYTES // len(seed) + 1))[:AUDIO_BYTES]
    return AudioFile(data, MEDIA_TYPES[audio_format], seed.hex()[:32], rendering, 4.096)


def reasons(random: np.random.Generator, n_patches: int) -> Reasons:
    """A ledger that obeys its definition, with shares of both signs."""
    similarity = random.uniform(0.01, 0.99, (n_patches, N_PROTOTYPES)).astype(np.float32)
    train = np.linspace(0.2, 0.4, N_PROTOTYPES, dtype=np.float32)
    weight = random.normal(0, 2, (len(LABELS), N_PROTOTYPES)).astype(np.float32)
    bias = np.array([0.1, -0.2, 0.3], dtype=np.float32)
    patch_logits: Floats = similarity @ weight.T + bias
    clip = similarity.mean(axis=0)
    return Reasons(
        prototypes=tuple(prototypes()),
        owners=np.repeat(np.arange(len(LABELS)), PER_LABEL),
        logits=patch_logits.mean(axis=0),
        baseline=weight @ train + bias,
        evidence=weight * (clip - train),
        similarity=clip,
        patch_similarity=similarity,
        patch_logits=patch_logits,
        weight=weight,
        train_similarity=train,
        out_of_distribution=False,
        ood_threshold=0.05,
    )


def probabilities(logits: Floats) -> Floats:
    exponential = np.exp((logits - logits.max(axis=-1, keepdims=True)) / 0.5)
    return np.asarray(exponential / exponential.sum(axis=-1, keepdims=True), dtype=np.float32)


def _info(
    label: int, k: int, renderings: tuple[Rendering, ...], offered: Rendering | None, record: PrototypeRecord | None
) -> PrototypeInfo:
    return PrototypeInfo(_id(label, k), "pecmae@1", LABELS[label], renderings, offered, record)


def _id(label: int, k: int) -> str:
    return f"pecmae.{LABELS[label].replace(' ', '-')}.{k}"


def _record(label: int, k: int, badge: Badge | None) -> PrototypeRecord:
    segments = tuple(_segment(label, i) for i in range(3))
    return PrototypeRecord(
        id=_id(label, k),
        label=LABELS[label],
        medoid=segments[0],
        neighbours=segments,
        purity=2 / 3,
        share=0.5,
        prototype=badge,
        decoded_medoid=badge,
    )


def _segment(label: int, i: int) -> Segment:
    return Segment(
        file=f"{LABELS[label]}-{i}.wav",
        offset_s=1.5 * i,
        label=LABELS[label],
        source="samples",
        licence="CC0-1.0",
        distance=3.3 + i,
    )


def _badge(passed: bool) -> Badge:
    score = SeedScore(seed=0, cosine=0.71234567, rank=1, classifier="cello", judge="cello" if passed else "flute")
    return Badge(
        passed=passed,
        failed=() if passed else ("cosine", "judge"),
        cosine=0.71234567,
        ceiling=0.9,
        share=0.79,
        retrieval=1.0,
        classifier=1.0,
        judge=1.0 if passed else 0.0,
        seeds=0.8,
        null_other=0.1,
        null_zero=0.05,
        scores=(score,),
    )
