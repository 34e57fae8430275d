"""Sizes of the networks as a checkpoint's shapes tell them."""

from __future__ import annotations

from collections.abc import Mapping

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.encodecmae.config import EmbedderConfig, EncodecConfig, ModelConfig, StackConfig

Shapes = Mapping[str, tuple[int, ...]]


def embedder_from(shapes: Shapes, heads: int) -> EmbedderConfig:
    """Sizes of the inference part of an EnCodecMAE from a state dict with v1 names; only heads leave no trace there.

    Raises:
        SonotypeError: `weights_corrupt` where a tensor that tells a size is missing.
    """
    encodec = encodec_from(shapes, "wav_encoder.model.")
    return EmbedderConfig(encodec=encodec, encoder=stack_from(shapes, "visible_encoder", heads))


def model_from(shapes: Shapes, heads: int, decoder_heads: int) -> ModelConfig:
    """Sizes of a whole EnCodecMAE; see `embedder_from`."""
    embedder = embedder_from(shapes, heads)
    books = count(shapes, "target_encoder.model.vq.layers")
    size = dim_of(shapes, "target_encoder.model.vq.layers.0._codebook.embed", 0)
    return ModelConfig(
        encodec=embedder.encodec.model_copy(update={"codebooks": books, "codebook_size": size}),
        encoder=embedder.encoder,
        decoder=stack_from(shapes, "decoder", decoder_heads),
        streams=max(1, dim_of(shapes, "head.layer.weight", 0) // size),
        tokens=size,
    )


def encodec_from(shapes: Shapes, prefix: str) -> EncodecConfig:
    """Sizes of an EnCodec encoder under `prefix`; a strided convolution has a kernel of twice its stride."""
    strides = tuple(dim_of(shapes, f"{prefix}model.{3 * i + 3}.conv.conv.weight_v", 2) // 2 for i in range(4))
    filters = dim_of(shapes, f"{prefix}model.0.conv.conv.weight_v", 0)
    return EncodecConfig(
        filters=filters, strides=strides, dim=dim_of(shapes, f"{prefix}model.15.conv.conv.weight_v", 0)
    )


def stack_from(shapes: Shapes, prefix: str, heads: int) -> StackConfig:
    """Sizes of a transformer stack under `prefix`."""
    feedforward, dim = (dim_of(shapes, f"{prefix}.encoder_layers.0.ff_layer.0.weight", axis) for axis in (0, 1))
    layers = count(shapes, f"{prefix}.encoder_layers")
    try:
        return StackConfig(layers=layers, heads=heads, dim=dim, feedforward=feedforward)
    except ValueError as error:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"{heads} heads do not fit the tensors of {prefix!r}.") from error


def count(shapes: Shapes, prefix: str) -> int:
    """How many numbered children `prefix` has."""
    rest = (name[len(prefix) + 1 :].partition(".")[0] for name in shapes if name.startswith(prefix + "."))
    return len({number for number in rest if number.isdecimal()})


def dim_of(shapes: Shapes, name: str, axis: int) -> int:
    """One dimension of a tensor. Raises `weights_corrupt` where there is none."""
    shape = shapes.get(name, ())
    if axis >= len(shape) or shape[axis] < 1:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"The checkpoint has no usable tensor {name!r}.")
    return shape[axis]
