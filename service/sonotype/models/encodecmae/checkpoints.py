"""The published checkpoints, one loader per format; what comes back fits the network exactly.

| file | written by | content |
|---|---|---|
| `encodec_24khz-d7cc33bc.th` | EnCodec | the state dict itself |
| `model.pt` with `config.gin` | EnCodecMAE v1 | `state_dict` |
| one `.pt` | EnCodecMAE v2 | `imports` (text), `config` (gin text), `state_dict` |
| `weights.pt` with `config.gin` | encodecmae-to-wav | `state_dict`, the EnCodecMAE inside |
| `.ckpt` | Lightning | `state_dict` and the optimiser's state, which is not looked at |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.encodecmae import gin
from sonotype.models.encodecmae.config import AutoencoderConfig, EmbedderConfig, ModelConfig
from sonotype.models.encodecmae.encodec import Encodec
from sonotype.models.encodecmae.encodecmae import EncodecMae, FrameEmbedder
from sonotype.models.encodecmae.fitting import fitted, shapes, skeleton
from sonotype.models.encodecmae.loaded import INSIDE, Autoencoder, Codec, Embedder, State
from sonotype.models.encodecmae.names import PRETRAINING, v1_names
from sonotype.models.encodecmae.reading import read, state_of
from sonotype.models.encodecmae.shapes import count, dim_of, embedder_from, encodec_from, model_from, stack_from
from sonotype.models.encodecmae.summary import SummaryAutoencoder

# fixed in the authors' code and in no configuration file
_HEADS = 12
_SUMMARY_HEADS = 8
_STREAMS = 8


def load_encodec(path: Path) -> Codec:
    """Load `encodec_24khz-d7cc33bc.th`.

    Raises:
        SonotypeError: `not_found`; `weights_corrupt` for anything but an EnCodec in this layout.
    """
    state = state_of(read(path), path.name)
    known = shapes(state)
    books = "quantizer.vq.layers"
    config = encodec_from(known, "encoder.").model_copy(
        update={
            "codebooks": count(known, books),
            "codebook_size": dim_of(known, f"{books}.0._codebook.embed", 0),
        }
    )
    return Codec(config, fitted(skeleton(lambda: Encodec(config)), state, path.name))


def load_model(path: Path, config_text: str | None = None) -> Embedder:
    """Load an EnCodecMAE: v1 `model.pt` with the text of its `config.gin`, or a v2 file, which holds its own.

    Raises:
        SonotypeError: `not_found`, `invalid_request` for a configuration that does not fit, `weights_corrupt`.
    """
    content = read(path)
    text = config_text if config_text is not None else content.get("config")
    if not isinstance(text, str):
        raise SonotypeError(Code.INVALID_REQUEST, f"{path.name!r} needs the config.gin that was published with it.")
    values = gin.macros(text)
    state, v2 = v1_names(state_of(content, path.name))
    heads = gin.whole(values, "NUM_ENCODER_HEADS", _HEADS if v2 else None)
    config = embedder_from(shapes(state), heads)
    _agree(config, values)
    whole = not v2 and values.get("NUM_ENCODEC_TARGETS", _STREAMS) == _STREAMS
    if whole:
        full = model_from(shapes(state), heads, gin.whole(values, "NUM_DECODER_HEADS", _HEADS))
        fitted(skeleton(lambda: EncodecMae(full)), state, path.name)
    # self-trained variants have a further head of unpublished layout, v2 other targets: neither is used here
    return Embedder(config, fitted(_embedder(config), state, path.name, ignore=PRETRAINING), whole)


def load_autoencoder(path: Path, config_text: str | None = None, seconds: float | None = None) -> Autoencoder:
    """Load a summary autoencoder: `weights.pt` with the text of its `config.gin`, or a Lightning `.ckpt`.

    Args:
        path: the checkpoint.
        config_text: names the length of a segment (MAX_AUDIO_DURATION).
        seconds: the length where there is no such file.

    Raises:
        SonotypeError: `not_found`, `invalid_request` where the length is unknown or the model is of another kind,
            `weights_corrupt`.
    """
    values = gin.macros(config_text or "")
    if gin.sampler(values) not in {None, "ChunkDiffusionSampler"}:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path.name!r} is no diffusion model, by its META_MODEL.")
    length = gin.seconds(values) or seconds
    if length is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path.name!r}: say how many seconds a segment has.")
    state = state_of(read(path), path.name)
    known = shapes(state)
    config = AutoencoderConfig(
        model=_inner(state),
        summary=stack_from(known, "encoder.encoder", _SUMMARY_HEADS),
        denoiser=stack_from(known, "denoiser", _SUMMARY_HEADS),
        seconds=length,
    )
    return Autoencoder(config, fitted(skeleton(lambda: SummaryAutoencoder(config)), state, path.name))


def _inner(state: State) -> ModelConfig:
    known = {name.removeprefix(INSIDE): tuple(t.shape) for name, t in state.items() if name.startswith(INSIDE)}
    return model_from(known, _HEADS, _HEADS)


def _embedder(config: EmbedderConfig) -> FrameEmbedder:
    net = skeleton(lambda: FrameEmbedder(config))
    assert isinstance(net, FrameEmbedder), "made by the line above"  # noqa: S101
    return net


def _agree(config: EmbedderConfig, values: Mapping[str, object]) -> None:
    """Hold what a configuration says against the tensors."""
    facts = {"MODEL_DIM": config.encoder.dim, "NUM_ENCODER_LAYERS": config.encoder.layers}
    for name, found in facts.items():
        if values.get(name, found) != found:
            raise SonotypeError(
                Code.INVALID_REQUEST, f"The configuration says {name} = {values[name]}, the weights {found}."
            )
