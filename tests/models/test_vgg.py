"""The VGG module by itself."""

from __future__ import annotations

import pytest
import torch

from sonotype.models.nets.vgg import VGG, Pooling


def make_mel(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 187, 96, generator=torch.Generator().manual_seed(3)) * 4


@torch.inference_mode()
@pytest.mark.parametrize("pooling", ["msd", "mtt"])
def test_outputs(pooling: Pooling) -> None:
    outputs = VGG(n_labels=7, pooling=pooling).eval()(make_mel())
    assert {name: tuple(rows.shape) for name, rows in outputs.items()} == {"tags": (2, 7), "flatten": (2, 256)}
    assert ((outputs["tags"] >= 0) & (outputs["tags"] <= 1)).all()


def test_parameters_have_the_published_number_and_names() -> None:
    state = {name: p for name, p in VGG().state_dict().items() if "num_batches" not in name}
    assert sum(p.numel() for p in state.values()) == 607_030
    assert state["blocks.0.conv.weight"].shape == (128, 1, 3, 3)
    assert state["blocks.4.norm.running_mean"].shape == (128,)
    assert state["output.weight"].shape == (50, 256)


@torch.inference_mode()
def test_the_two_pooling_plans_fit_the_same_parameters_and_differ_in_their_tags() -> None:
    torch.manual_seed(0)
    msd, mtt = VGG(pooling="msd").eval(), VGG(pooling="mtt").eval()
    mtt.load_state_dict(msd.state_dict())
    assert (msd(make_mel())["tags"] - mtt(make_mel())["tags"]).abs().max() > 1e-4


@torch.inference_mode()
def test_flatten_runs_over_time_then_channels() -> None:
    net = VGG().eval()
    mel = make_mel(1)
    changed = mel.clone()
    changed[:, 140:] = 0.0  # only the second of the two places in time sees the end of the patch
    before, after = net(mel)["flatten"][0], net(changed)["flatten"][0]
    assert torch.equal(before[:128], after[:128])
    assert not torch.equal(before[128:], after[128:])


@torch.inference_mode()
@pytest.mark.parametrize("size", [2, 5])
def test_a_row_does_not_depend_on_its_batch(size: int) -> None:
    net = VGG().eval()
    mel = make_mel(size)
    together = net(mel)
    for row in (0, size - 1):
        for name, rows in net(mel[row : row + 1]).items():
            torch.testing.assert_close(together[name][row], rows[0], atol=1e-5, rtol=1e-5)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(KeyError):
        VGG(pooling="other")  # type: ignore[arg-type]
