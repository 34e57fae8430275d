"""The card of an imported model: how it is cut, what it gives, and under which terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sonotype.models.card import Card
from sonotype.models.card_parts import (
    DecoderSpec,
    EmbeddingSpec,
    LicenceSpec,
    NetworkSpec,
    PatchSpec,
    SourceSpec,
    WaveformSpec,
    WeightsSpec,
)
from sonotype.models.encodecmae.config import AutoencoderConfig, EmbedderConfig, EncodecConfig
from sonotype.models.encodecmae.sonifier import GUIDANCE, STEPS, Sizes

LICENCE = LicenceSpec(
    spdx="LicenseRef-unclear",
    commercial=False,
    holder="Leonardo Pepino, Pablo Riera, Luciana Ferrer (EnCodecMAE); Meta Platforms (EnCodec)",
    url="https://huggingface.co/lpepino",
)
"""The page of EnCodecMAE's weights says MIT, its code and the summary autoencoder's carry no licence, and nothing
states the terms of EnCodec's weights; together that is no permission to rely on."""

CITATION = """
@inproceedings{alonso2024pecmae,
  title = {Leveraging Pre-Trained Autoencoders for Interpretable Prototype Learning of Music Audio},
  author = {Alonso-Jim\\'enez, Pablo and Pepino, Leonardo and Batlle-Roca, Roser and Zinemanas, Pablo and
            Bogdanov, Dmitry and Serra, Xavier and Rocamora, Mart\\'in},
  year = {2024}, note = {arXiv:2402.09318}
}
@article{pepino2023encodecmae,
  title = {EnCodecMAE: Leveraging neural codecs for universal audio representation learning},
  author = {Pepino, Leonardo and Riera, Pablo and Ferrer, Luciana},
  year = {2023}, journal = {arXiv:2309.07391}
}
@article{defossez2022encodec,
  title = {High Fidelity Neural Audio Compression},
  author = {D\\'efossez, Alexandre and Copet, Jade and Synnaeve, Gabriel and Adi, Yossi},
  year = {2022}, journal = {arXiv:2210.13438}
}"""

_MEAN = "mean over the frames of EnCodecMAE's last layer"
_SUMMARY = "the summary vector z that PECMAE's prototypes live in and its decoder makes audible"


def make_card(
    name: str,
    embedder: EmbedderConfig,
    autoencoder: AutoencoderConfig | None,
    *,
    seconds: float,
    weights: WeightsSpec,
    files: Sequence[Path],
) -> Card:
    """Describe a converted model.

    Args:
        name: of the model and its folder.
        embedder: sizes of its EnCodecMAE.
        autoencoder: sizes of the summary autoencoder, if it has one.
        seconds: length of a patch.
        weights: hash and size of the converted file.
        files: what it was converted from.
    """
    rate = embedder.encodec.sample_rate_hz
    samples = round(seconds * rate)
    options: dict[str, Any] = {"embedder": embedder.model_dump(mode="json")}
    embeddings = [EmbeddingSpec(name="mean", dim=embedder.encoder.dim, description=_MEAN)]
    if autoencoder is not None:
        options["summary"] = autoencoder.summary.model_dump(mode="json")
        embeddings.insert(0, EmbeddingSpec(name="summary", dim=autoencoder.summary.dim, description=_SUMMARY))
    return Card(
        card_schema=1,
        name=name,
        version="1",
        title=f"EnCodecMAE · {'summary of ' if autoencoder else ''}{seconds:g} s",
        description=f"Imported from {', '.join(path.name for path in files)}. Gives embeddings, no labels.",
        network=NetworkSpec(family="encodecmae", options=options),
        frontends={"waveform": WaveformSpec(kind="waveform", sample_rate_hz=rate)},
        # a last piece is kept and embedded at its own length, as the authors do
        patch=PatchSpec(frames=samples, hop_frames=samples, tail="pad", short="pad"),
        labels=(),
        embeddings=tuple(embeddings),
        weights=weights,
        source=SourceSpec(kind="none"),
        licence=LICENCE,
        citation=CITATION,
    )


def make_decoder_spec(
    encodec: EncodecConfig, autoencoder: AutoencoderConfig, *, sha256: str, n_parameters: int
) -> DecoderSpec:
    """Describe a converted decoder, for the card of a prototype model on the summary embedding."""
    return DecoderSpec(
        family="encodecmae",
        sha256=sha256,
        n_parameters=n_parameters,
        dim=autoencoder.denoiser.dim,
        sample_rate_hz=encodec.sample_rate_hz,
        segment_samples=autoencoder.samples,
        steps=STEPS,
        guidance=GUIDANCE,
        options=Sizes(denoiser=autoencoder.denoiser, encodec=encodec).model_dump(mode="json"),
    )
