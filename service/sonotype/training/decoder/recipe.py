"""The whole way from a manifest to a decoder, in stages that can run side by side and be resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import PrototypeCard, read_any_card
from sonotype.models.card_parts import BackboneSpec, DecoderSpec
from sonotype.models.sonify.codec import PatchCodec
from sonotype.models.sonify.flow_mel import Decoder
from sonotype.models.sonify.options import FlowMelOptions
from sonotype.training.data.dataset import Example
from sonotype.training.decoder import corpus as corpora
from sonotype.training.decoder.batches import all_blocks, random_of
from sonotype.training.decoder.corpus import Backbone, Corpus
from sonotype.training.decoder.export import export
from sonotype.training.decoder.loop import Budget, Report, Settings, Trainer
from sonotype.training.decoder.tasks import FlowTask, VocoderTask, statistics
from sonotype.training.model_folder import CARD_NAME

Stage = Literal["flow", "vocoder"]
Told = Callable[[str, Report], None]

_CODEC_BLOCKS = 200_000
_SETTINGS: dict[str, Settings] = {
    "flow": Settings(rate=1e-3),
    "vocoder": Settings(rate=8e-4, betas=(0.8, 0.95), clip=5.0, validate_every=250),
}


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, and where its files lie.

    Attributes:
        examples: the manifest; splits `train` and `validation` are used, `test` is not touched.
        backbone: makes the embeddings.
        folder: of caches and checkpoints.
        options: of the decoder.
        seed: of everything random.
    """

    examples: Sequence[Example]
    backbone: Backbone
    folder: Path
    options: FlowMelOptions = field(default_factory=FlowMelOptions)
    seed: int = 0

    def corpus(self, split: str, tick: corpora.Tick = lambda done, total: None) -> Corpus:
        """The corpus of one split, made on first use."""
        chosen = [example for example in self.examples if example.split == split]
        return corpora.prepare(chosen, self.backbone, self.options, self.folder, tick)

    def codec(self) -> PatchCodec:
        """The codec, fitted to the train split on first use."""
        codec = PatchCodec(self.options.token_frames, self.options.mel.n_mels, self.options.latent_dim)
        path = self.folder / "codec.safetensors"
        if path.is_file():
            codec.load_state_dict(load_file(path))
            return codec
        codec.fit(all_blocks(self.corpus("train"), self.options, _CODEC_BLOCKS, random_of(self.seed, 0)))
        save_file(codec.state_dict(), path)
        return codec

    def train(self, stage: Stage, budget: Budget, told: Told = lambda name, report: None) -> None:
        """Train one network; goes on from its checkpoint where there is one."""
        self._trainer(stage).train(budget, lambda report: told(stage, report))

    def assemble(self) -> Decoder:
        """The decoder from the averaged weights of the newest checkpoints.

        Raises:
            SonotypeError: `invalid_request` where the flow, or the vocoder that the options ask for, is not trained.
        """
        states = {stage: self._trained(stage) for stage in self._stages()}
        mean, scale = statistics(self.corpus("train"))
        decoder = Decoder(self.options, len(mean))
        decoder.mean.copy_(mean)
        decoder.scale.copy_(scale)
        decoder.codec.load_state_dict(self.codec().state_dict())
        for stage, state in states.items():
            decoder.get_submodule(stage).load_state_dict(state)
        return decoder.eval()

    def export(self, out: Path, *, steps: int = 12, guidance: float = 1.0) -> DecoderSpec:
        """Write the decoder into a model folder; see `export.export`.

        Raises:
            SonotypeError: `invalid_request` where the folder holds a model on another embedding, or a network is not
                trained.
        """
        self._refuse_other_model(out)
        return export(self.assemble(), out, steps=steps, guidance=guidance)

    def _stages(self) -> tuple[Stage, ...]:
        # Griffin-Lim needs no network, so the vocoder's may be missing
        needed = self.options.synthesis == "vocoder" or (self.folder / "vocoder.pt").is_file()
        return ("flow", "vocoder") if needed else ("flow",)

    def _trained(self, stage: Stage) -> dict[str, Tensor]:
        path = self.folder / f"{stage}.pt"
        if not path.is_file():
            detail = f"The {stage} is not trained: {path} is missing; run --stage {stage} before the export."
            raise SonotypeError(Code.INVALID_REQUEST, detail)
        state: dict[str, Tensor] = torch.load(path, weights_only=True)["average"]
        return state

    def _refuse_other_model(self, out: Path) -> None:
        card = read_any_card(out / CARD_NAME) if (out / CARD_NAME).is_file() else None
        mine = self.backbone.runtime.card
        ours = BackboneSpec(model=mine.name, embedding=self.backbone.embedding, sha256=mine.weights_sha256)
        if isinstance(card, PrototypeCard) and card.backbone != ours:
            detail = f"{card.name} stands on {card.backbone.model}@{card.backbone.embedding}"
            raise SonotypeError(Code.INVALID_REQUEST, f"{detail}, this decoder on {ours.model}@{ours.embedding}.")

    def _trainer(self, stage: Stage) -> Trainer:
        task = {"flow": FlowTask, "vocoder": VocoderTask}[stage]
        made = task(self.corpus("train"), self.corpus("validation"), self.codec(), self.options, seed=self.seed)
        return Trainer(made, _SETTINGS[stage], self.folder, stage)
