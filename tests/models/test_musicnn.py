"""The MusiCNN module by itself: shapes, names, padding, order of the pooled features."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sonotype.models.nets.build import load_parameters
from sonotype.models.nets.musicnn import MusiCNN


def randomised(net: nn.Module, seed: int = 0) -> nn.Module:
    """Give the norms statistics and signs as a trained network has them."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
            nn.init.normal_(module.weight, generator=generator)
            nn.init.normal_(module.bias, generator=generator)
    return net.eval()


@pytest.fixture(scope="module")
def net() -> MusiCNN:
    torch.manual_seed(0)
    return randomised(MusiCNN(n_labels=7))


def make_mel(n: int = 2, frames: int = 187) -> torch.Tensor:
    return torch.rand(n, frames, 96, generator=torch.Generator().manual_seed(3)) * 4


@torch.inference_mode()
def test_outputs(net: MusiCNN) -> None:
    outputs = net(make_mel())
    shapes = {name: tuple(rows.shape) for name, rows in outputs.items()}
    assert shapes == {"tags": (2, 7), "penultimate": (2, 200), "mean": (2, 753), "max": (2, 753), "hidden": (2, 200)}
    assert ((outputs["tags"] >= 0) & (outputs["tags"] <= 1)).all()
    assert (outputs["max"] >= outputs["mean"] - 1e-4).all()  # a constant channel has a rounded mean


def test_parameters_have_the_published_number_and_names() -> None:
    names = {name: p for name, p in MusiCNN().state_dict().items() if "num_batches" not in name}
    assert sum(p.numel() for p in names.values()) == 792_079
    assert names["timbral.0.conv.weight"].shape == (204, 1, 7, 38)
    assert names["timbral.1.conv.weight"].shape == (204, 1, 7, 67)
    assert [names[f"temporal.{i}.conv.weight"].shape[2] for i in range(3)] == [128, 64, 32]
    assert names["mid.0.conv.weight"].shape == (64, 561, 7)
    assert names["hidden.weight"].shape == (200, 1506)
    assert names["pool_norm.running_var"].shape == (1506,)


@torch.inference_mode()
def test_temporal_padding_puts_the_odd_frame_at_the_end(net: MusiCNN) -> None:
    # kernel of 128: 63 frames before, 64 after, so frame 0 sees up to frame 64 and not 65
    branch = net.temporal[0]
    base = torch.zeros(1, 1, 187, 96)
    at_64, at_65 = base.clone(), base.clone()
    at_64[0, 0, 64], at_65[0, 0, 65] = 9.0, 9.0
    assert branch(base).shape == (1, 51, 187, 96)
    assert not torch.equal(branch(base)[:, :, 0], branch(at_64)[:, :, 0])
    assert torch.equal(branch(base)[:, :, 0], branch(at_65)[:, :, 0])


@torch.inference_mode()
def test_padding_in_time_is_zero_after_the_input_norm(net: MusiCNN) -> None:
    # a constant input whose normalised value is 0 cannot be told from the padding
    norm = net.input_norm
    quiet = norm.running_mean - norm.bias / norm.weight * (norm.running_var + norm.eps).sqrt()
    mel = quiet.expand(1, 187, 96)
    channels = net.front(mel)
    torch.testing.assert_close(channels[:, :408, 0], channels[:, :408, 90], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_hidden_layer_reads_max_and_mean_interleaved(net: MusiCNN) -> None:
    outputs = net(make_mel(1))
    pooled = torch.empty(1, 1506)
    pooled[:, 0::2], pooled[:, 1::2] = outputs["max"], outputs["mean"]
    hidden = net.hidden_norm(net.hidden(net.pool_norm(pooled)).relu())
    torch.testing.assert_close(hidden, outputs["penultimate"])


@torch.inference_mode()
@pytest.mark.parametrize("size", [2, 5, 64])
def test_a_row_does_not_depend_on_its_batch(net: MusiCNN, size: int) -> None:
    mel = make_mel(size, frames=187 if size < 64 else 40)
    together = net(mel)
    for row in (0, size - 1):
        for name, rows in net(mel[row : row + 1]).items():
            torch.testing.assert_close(together[name][row], rows[0], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_any_number_of_frames_fits(net: MusiCNN) -> None:
    assert net(make_mel(1, frames=20))["tags"].shape == (1, 7)


def test_loading_refuses_what_does_not_match() -> None:
    net = MusiCNN(n_labels=3)
    good = {k: v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    load_parameters(net, good)
    with pytest.raises(ValueError, match=r"output\.bias"):
        load_parameters(net, {k: v for k, v in good.items() if k != "output.bias"})
    with pytest.raises(ValueError, match="surplus"):
        load_parameters(net, good | {"surplus": good["output.bias"]})
    with pytest.raises(ValueError, match="do not fit"):
        load_parameters(net, good | {"output.bias": good["output.bias"][:2]})
