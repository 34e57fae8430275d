"""The rearranged MusiCNN and the compiled runtime against the plain torch networks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sonotype.models.card import Card
from sonotype.models.nets.musicnn import MusiCNN
from sonotype.models.nets.musicnn_fast import FastMusiCNN
from sonotype.models.runtime import Runtime, load
from sonotype.models.runtime.cpu import cpu_flags, resolve_precision

Published = Callable[[str], tuple[Card, Path]]


def random_musicnn(seed: int = 0) -> MusiCNN:
    """A network whose norms turn signs and shift, as the published ones do."""
    generator = torch.Generator().manual_seed(seed)
    net = MusiCNN(n_labels=7).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, generator=generator)
            torch.nn.init.normal_(module.bias, generator=generator)
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return net.requires_grad_(False)


@pytest.mark.parametrize("frames", [187, 40])
@pytest.mark.parametrize("chunks", [1, 2, 5])
@torch.inference_mode()
def test_rearranged_network_is_the_same_function(frames: int, chunks: int) -> None:
    net = random_musicnn()
    fast = FastMusiCNN(net, frames, chunks=chunks)
    mel = torch.rand(frames, 96, generator=torch.Generator().manual_seed(1)) * 5
    wanted = net(mel[None])
    got = fast(*fast.prepare(mel), *fast.bases)
    for name, value in zip(("tags", "penultimate", "mean", "max", "hidden"), got, strict=True):
        torch.testing.assert_close(value, wanted[name], atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(got[0], wanted["tags"], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_rounded_kernels_keep_their_sum_over_time() -> None:
    net = random_musicnn()
    exact, rounded = FastMusiCNN(net).timbral[0].real, FastMusiCNN(net, bf16=True).timbral[0].real
    assert torch.equal(rounded, rounded.bfloat16().float())
    plain = (exact.bfloat16().float() - exact)[:, ::2].sum(dim=1).abs().mean()
    assert (rounded - exact)[:, ::2].sum(dim=1).abs().mean() < plain / 2


def test_bf16_only_where_the_cpu_has_it(tmp_path: Path) -> None:
    old, new = frozenset({"avx2", "avx512f"}), frozenset({"avx512f", "avx512_bf16"})
    assert resolve_precision("auto", old) == "fp32"
    assert resolve_precision("auto", new) == "bf16"
    assert resolve_precision("bf16", old) == "bf16"
    assert resolve_precision("fp32", new) == "fp32"
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu amx_bf16\n\nprocessor\t: 1\nflags\t\t: none\n")
    assert cpu_flags(cpuinfo) == {"fpu", "amx_bf16"}
    assert cpu_flags(tmp_path / "none") == frozenset()


def some_windows(card: Card, count: int) -> np.ndarray:
    """Noise with a beat, loud and quiet."""
    spec = card.frontends[card.default_frontend]
    samples = (card.patch.frames - 1) * spec.hop_length + spec.n_fft
    generator = np.random.default_rng(3)
    noise = generator.normal(size=(count, samples)).astype(np.float32)
    beat = np.abs(np.sin(np.arange(samples) / 4000.0)).astype(np.float32)
    return noise * beat * np.geomspace(0.3, 1e-4, count).astype(np.float32)[:, None]


@pytest.mark.weights
@pytest.mark.parametrize("name", ["musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"])
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("bf16", 5e-2)])
def test_compiled_network_agrees_with_the_reference(
    name: str, precision: str, tolerance: float, published: Published, reference: Callable[[str], Runtime]
) -> None:
    card, weights = published(name)
    runtime = load(card, weights, "cpu", precision, engine="openvino")  # type: ignore[arg-type]
    windows = some_windows(card, 10)
    valid = np.full(10, card.patch.frames, dtype=np.int64)
    valid[3], valid[7] = 50, 1
    got = runtime.run(windows, valid, "repeat", card.default_frontend)
    wanted = reference(name).run(windows, valid, "repeat", card.default_frontend)
    assert set(got.arrays) == set(runtime.outputs) == set(wanted.arrays)
    assert np.abs(got.arrays["tags"] - wanted.arrays["tags"]).max() < tolerance
    if precision == "fp32":
        for output, rows in wanted.arrays.items():
            np.testing.assert_allclose(got.arrays[output], rows, atol=1e-4, rtol=1e-4, err_msg=output)
    alone = runtime.run(windows[4:5], valid[4:5], "repeat", card.default_frontend)
    assert np.array_equal(alone.arrays["tags"][0], got.arrays["tags"][4])


@pytest.mark.weights
def test_auto_keeps_vgg_in_float32(published: Published) -> None:
    assert load(*published("vgg-mtt"), "cpu", "auto").precision == "fp32"
    assert load(*published("vgg-mtt"), "cpu", "bf16").precision == "bf16"


_PROBE = """
import json, socket, sys
from pathlib import Path
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event.startswith("socket.") else None)
from sonotype.models.card import read_card
from sonotype.models.runtime import load
runtime = load(read_card(Path(sys.argv[1])), Path(sys.argv[2]), "cpu", "fp32", engine="openvino")
print(json.dumps([calls, sys.modules["openvino_telemetry"] is None, sorted(p.name for p in Path.home().iterdir())]))
"""


@pytest.mark.weights
def test_the_engine_reports_to_nobody(published: Published, tmp_path: Path) -> None:
    card, weights = published("musicnn-msd")
    card_file = next(Path(__file__).parents[2].glob(f"models/{card.name}/card.toml"))
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("CI", None)  # telemetry is quiet in CI by itself; this is about everywhere else
    command = [sys.executable, "-c", _PROBE, str(card_file), str(weights)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=100)
    calls, stubbed, home = json.loads(done.stdout.splitlines()[-1])
    assert [call for call in calls if call != "socket.__new__"] == []
    assert stubbed
    assert home == []
