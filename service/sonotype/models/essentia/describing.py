"""The cards of imported models: how they are cut and fed, what they give, and under which terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sonotype.models.card import Card, HeadCard
from sonotype.models.card_parts import (
    BackboneSpec,
    EmbeddingSpec,
    FrontendSpec,
    LicenceSpec,
    NetworkSpec,
    PatchSpec,
    SourceSpec,
    WeightsSpec,
)
from sonotype.models.essentia.heads import Head
from sonotype.models.essentia.metadata import Metadata, positive_class

FRONTEND = "essentia"
HOLDER = "Music Technology Group, Universitat Pompeu Fabra"
LICENCE = LicenceSpec(
    spdx="CC-BY-NC-SA-4.0",
    commercial=False,
    holder=HOLDER,
    url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
)
"""Terms of the models of the Essentia project; its holder grants others on request."""

CITATION = """\
@inproceedings{alonso2020tensorflow,
  title = {TensorFlow Audio Models in {Essentia}},
  author = {Alonso-Jim\\'enez, Pablo and Bogdanov, Dmitry and Pons, Jordi and Serra, Xavier},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  year = {2020}
}"""

# what Essentia's own algorithm does by default: patches of 3 s every 93 frames, the end dropped
HOP_FRAMES = 93
HOP_S = HOP_FRAMES * 256 / 16000
_PATCH = PatchSpec(frames=187, hop_frames=HOP_FRAMES, tail="drop", short="repeat")
_EMBEDDINGS = (
    EmbeddingSpec(name="penultimate", dim=200, description="input of the output layer: after ReLU and batch norm"),
    EmbeddingSpec(name="mean", dim=753, description="mean over the time of a patch of all channels"),
    EmbeddingSpec(name="max", dim=753, pool="max", description="maximum over the time of a patch of all channels"),
    EmbeddingSpec(name="hidden", dim=200, description="the 200 units before ReLU; what Essentia calls the embedding"),
)


@dataclass(frozen=True, slots=True)
class About:
    """What cards of every kind say.

    Attributes:
        name: of the model and its folder.
        metadata: what was published beside the file.
        labels: names of the classes.
        weights: hash and size of the converted weights.
        source: what was imported.
        licence: terms of the weights.
    """

    name: str
    metadata: Metadata
    labels: tuple[str, ...]
    weights: WeightsSpec
    source: SourceSpec
    licence: LicenceSpec

    def fields(self, what: str) -> dict[str, Any]:
        """The fields that both kinds of card have; `what` begins the description."""
        said = " ".join(self.metadata.description.split())[:600]
        return {
            "card_schema": 1,
            "name": self.name,
            "version": self.metadata.plain_version,
            "title": (self.metadata.name or self.name)[:120],
            "description": f"{what} {said}".strip(),
            "labels": self.labels,
            "weights": self.weights,
            "source": self.source,
            "licence": self.licence,
            "citation": self.metadata.citation or CITATION,
        }


def network_card(about: About) -> Card:
    """Describe an imported MusiCNN; Essentia's front end is its default, as its other users feed it so."""
    return Card(
        **about.fields("MusiCNN with the weights of a published frozen graph."),
        network=NetworkSpec(family="musicnn"),
        frontends={
            FRONTEND: _frontend("symmetric", "zero", "ceil"),
            "musicnn": _frontend("periodic", "reflect", "floor"),
        },
        patch=_PATCH,
        embeddings=_EMBEDDINGS,
    )


def head_card(about: About, head: Head, backbone: tuple[Card, str]) -> HeadCard:
    """Describe an imported head on an embedding of `backbone`."""
    card, embedding = backbone
    return HeadCard(
        **about.fields("A classification head of the Essentia project."),
        kind="head",
        task=head.task,
        positive=positive_class(about.labels),
        backbone=BackboneSpec(model=card.name, embedding=embedding, sha256=card.weights_sha256),
        frontend=FRONTEND if FRONTEND in card.frontends else None,
        hop_s=HOP_S if card.network.family == "musicnn" else None,
        layers=head.layers,
    )


def _frontend(window: str, padding: str, frames: str) -> FrontendSpec:
    constants = {"sample_rate_hz": 16000, "n_fft": 512, "hop_length": 256, "n_mels": 96, "log_scale": 10000.0}
    band = {"fmin_hz": 0.0, "fmax_hz": 8000.0}
    return FrontendSpec.model_validate({**constants, **band, "window": window, "padding": padding, "frames": frames})
