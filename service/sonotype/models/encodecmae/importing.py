"""From published checkpoints to a model of this service: what it needs of them, in safetensors, each tensor once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.card_parts import DecoderSpec, WeightsSpec
from sonotype.models.encodecmae.checkpoints import load_autoencoder, load_encodec, load_model
from sonotype.models.encodecmae.describing import make_card, make_decoder_spec
from sonotype.models.encodecmae.loaded import Autoencoder, Codec, Embedder, same
from sonotype.models.weights.convert import to_safetensors

Progress = Callable[[str], None]
"""Called with what is done next."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The published files; `model` or `summary` must be there, the others add to what the model can do.

    Attributes:
        encodec: EnCodec's weights, for a decoder.
        model: an EnCodecMAE, v1 or v2.
        config: the `config.gin` of a v1 model.
        summary: a summary autoencoder, which holds its EnCodecMAE as well.
        summary_config: its `config.gin`.
        seconds: length of a segment where no `summary_config` says it.
    """

    encodec: Path | None = None
    model: Path | None = None
    config: Path | None = None
    summary: Path | None = None
    summary_config: Path | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A model ready to be written: its card, the weights, and with EnCodec and a summary the decoder."""

    card: Card
    weights: bytes
    decoder: DecoderSpec | None
    decoder_weights: bytes | None


def import_model(name: str, sources: Sources, progress: Progress = lambda step: None) -> Imported:
    """Read, check and convert.

    Args:
        name: of the model to be, the name of its folder.
        sources: the files.
        progress: told of every step.

    Raises:
        SonotypeError: `invalid_request`, `not_found` or `weights_corrupt`, see `checkpoints`; `weights_corrupt` also
            for files that were not made for each other.
    """
    autoencoder, embedder = _read(sources, progress)
    codec = None
    if sources.encodec is not None:
        progress(f"reading {sources.encodec.name}")
        codec = load_encodec(sources.encodec)
        encoder = _part(embedder.state, "wav_encoder.model.")
        same(_part(codec.state, "encoder."), encoder, f"{sources.encodec.name} and the model")
    progress("converting")
    weights, count = _safetensors(_served(embedder, autoencoder))
    seconds = autoencoder.config.seconds if autoencoder else sources.seconds or 4.0
    files = [path for path in (sources.encodec, sources.model, sources.summary) if path is not None]
    spec = WeightsSpec(sha256=_sha256(weights), n_parameters=count)
    config = autoencoder.config if autoencoder else None
    card = make_card(name, embedder.config, config, seconds=seconds, weights=spec, files=files)
    if codec is None or autoencoder is None:
        return Imported(card, weights, None, None)
    data, count = _safetensors(_voice(codec, autoencoder))
    decoder = make_decoder_spec(codec.config, autoencoder.config, sha256=_sha256(data), n_parameters=count)
    return Imported(card, weights, decoder, data)


def _read(sources: Sources, progress: Progress) -> tuple[Autoencoder | None, Embedder]:
    """The autoencoder, if there is one, and the EnCodecMAE: its own, which a separate file must not contradict."""
    autoencoder, model = None, None
    if sources.summary is not None:
        progress(f"reading {sources.summary.name}")
        autoencoder = load_autoencoder(sources.summary, _text(sources.summary_config), sources.seconds)
    if sources.model is not None:
        progress(f"reading {sources.model.name}")
        model = load_model(sources.model, _text(sources.config))
    if autoencoder is not None:
        inside = autoencoder.embedder
        if model is not None:
            if model.config != inside.config:
                raise SonotypeError(Code.INVALID_REQUEST, "The summary autoencoder stands on another EnCodecMAE.")
            same(model.state, inside.state, "The model and the one inside the summary autoencoder")
        return autoencoder, inside
    if model is None:
        raise SonotypeError(Code.INVALID_REQUEST, "Give a model, a summary autoencoder or both.")
    return None, model


def _text(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SonotypeError(Code.NOT_FOUND, f"{path.name!r} cannot be read as text.") from error


def _served(embedder: Embedder, autoencoder: Autoencoder | None) -> dict[str, Tensor]:
    """Tensors of `served.ServedEmbedder`."""
    state = {f"embedder.{name}": tensor for name, tensor in embedder.state.items()}
    if autoencoder is not None:
        for part in ("encoder", "cls_tokens", "pos_encoder"):
            own = _part(autoencoder.state, f"encoder.{part}.")
            state |= {f"summary.{part}.{name}": tensor for name, tensor in own.items()}
    return state


def _voice(codec: Codec, autoencoder: Autoencoder) -> dict[str, Tensor]:
    """Tensors of `sonifier.Voice`."""
    denoiser = {f"denoiser.{name}": t for name, t in autoencoder.state.items() if not name.startswith("encoder.")}
    decoder = {f"decoder.{name}": tensor for name, tensor in _part(codec.state, "decoder.").items()}
    return denoiser | decoder | {"positions.scale": autoencoder.state["encoder.pos_encoder.scale"]}


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _safetensors(state: Mapping[str, Tensor]) -> tuple[bytes, int]:
    """The file and how many numbers it holds."""
    return to_safetensors({name: t.numpy() for name, t in state.items()}), sum(t.numel() for t in state.values())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
