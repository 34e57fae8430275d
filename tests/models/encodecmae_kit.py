"""Checkpoints in every published format, with random numbers and small networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sonotype.models.encodecmae.config import AutoencoderConfig, EncodecConfig, ModelConfig, StackConfig
from sonotype.models.encodecmae.encodec import Encodec
from sonotype.models.encodecmae.names import _RENAMED, _SCALE, _SCALES
from sonotype.models.encodecmae.summary import SummaryAutoencoder

# 48 channels can be shared by 12 heads as well as by 8; strides are real, so that 4 s are 300 frames here too
DIM = 48
CODEC = EncodecConfig(filters=2, dim=8, codebooks=3, codebook_size=16)
MODEL = ModelConfig(
    encodec=CODEC,
    encoder=StackConfig(layers=3, heads=12, dim=DIM, feedforward=64),
    decoder=StackConfig(layers=2, heads=12, dim=DIM, feedforward=64),
    tokens=16,
)
V1_GIN = f"""
# written by a training run
import encodecmae.tasks
MODEL_DIM = {DIM}
NUM_ENCODER_LAYERS = 3
NUM_ENCODER_HEADS=12  # of the visible encoder
NUM_DECODER_LAYERS = 2
NUM_DECODER_HEADS = 12
NUM_ENCODEC_TARGETS = 8
NUM_TARGET_TOKENS = 16
MASK_PROP = 0.5
get_model.model = @EncodecMAE()
"""
V2_GIN = V1_GIN.replace("NUM_ENCODEC_TARGETS = 8\n", "")


def ae_gin(seconds: float, sampler: str = "@ChunkDiffusionSampler()") -> str:
    return f"MAX_AUDIO_DURATION={seconds:g}\nMETA_MODEL={sampler}\nBATCH_SIZE = 64\n"


def ae_config(seconds: float = 1) -> AutoencoderConfig:
    stack = StackConfig(layers=2, heads=8, dim=DIM, feedforward=64)
    return AutoencoderConfig(model=MODEL, summary=stack, denoiser=stack, seconds=seconds)


@dataclass(frozen=True)
class Files:
    """One file per format, all made for each other."""

    encodec: Path
    v1: Path
    v2: Path
    weights: Path
    lightning: Path
    config: Path
    summary_config: Path


def random_state(net: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """Numbers that let the input through: a fresh EnCodec answers almost the same to everything."""
    torch.manual_seed(seed)
    for name, tensor in net.named_parameters():
        if name.endswith(("bias", "scale")):
            nn.init.uniform_(tensor, 0.1, 0.3)
        elif name.endswith("weight_g"):
            nn.init.uniform_(tensor, 0.6, 1.4)
    return {name: tensor.detach() for name, tensor in net.state_dict().items()}


def v2_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The way back, from v1 names to v2 names."""
    back = {v1: v2 for v2, v1 in _RENAMED.items()}
    renamed: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        start = next((v1 for v1 in back if name.startswith(v1)), "")
        targets = _SCALES if name == _SCALE else (back.get(start, "") + name.removeprefix(start),)
        renamed |= dict.fromkeys(targets, tensor)
    return renamed


def write_files(folder: Path, seconds: float = 1) -> Files:
    autoencoder = random_state(SummaryAutoencoder(ae_config(seconds)))
    inside = "encoder.encodecmae_model."
    model = {name.removeprefix(inside): t for name, t in autoencoder.items() if name.startswith(inside)}
    codec = random_state(Encodec(CODEC), seed=1)
    codec |= {"encoder" + name.removeprefix("wav_encoder.model"): model[name] for name in model if "wav_enc" in name}
    paths = {name: folder / f"{name}.pt" for name in ("encodec", "v1", "v2", "weights", "lightning")}
    torch.save(codec, paths["encodec"])
    torch.save({"state_dict": model}, paths["v1"])
    torch.save({"imports": "a.b: c", "config": V2_GIN, "state_dict": v2_names(model)}, paths["v2"])
    torch.save({"state_dict": autoencoder}, paths["weights"])
    torch.save(
        {
            "epoch": 3,
            "pytorch-lightning_version": "2.0.1",
            "state_dict": autoencoder,
            "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(4)}}, "param_groups": [{"lr": 1e-4}]}],
            "hyper_parameters": {},
        },
        paths["lightning"],
    )
    (folder / "config.gin").write_text(V1_GIN)
    (folder / "summary.gin").write_text(ae_gin(seconds))
    return Files(**paths, config=folder / "config.gin", summary_config=folder / "summary.gin")
