"""MAEST in its runtimes: the module's outputs, short clips at their own length, patchout, precision."""

from __future__ import annotations

from pathlib import Path

import maest_kit
import numpy as np
import pytest
import torch

from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats, Patchout
from sonotype.models.card import Card
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.nets.build import build_with_weights
from sonotype.models.runtime import Runtime, load, maest_openvino
from sonotype.models.runtime.base import Engine

Model = tuple[Card, Path]
FRAMES = 316
SAMPLES = (FRAMES - 1) * 256 + 512


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return maest_kit.make_model(tmp_path_factory.mktemp("maest"))


@pytest.fixture(scope="module", params=["torch", "openvino"])
def runtime(request: pytest.FixtureRequest, model: Model) -> Runtime:
    engine: Engine = request.param
    return load(*model, "cpu", "fp32", engine=engine)


def make_windows(rows: int) -> Floats:
    return np.random.default_rng(0).normal(0.0, 0.1, (rows, SAMPLES)).astype(np.float32)


def by_hand(model: Model, window: Floats, frames: int, patchout: Patchout | None, frontend: str) -> dict[str, Floats]:
    """One row, cut to its frames, through front end and network."""
    card, weights = model
    with torch.inference_mode():
        mel = LogMel(card.mel_frontends[frontend])(torch.from_numpy(window[None, : (frames - 1) * 256 + 512]))
        outputs = build_with_weights(card, weights)(mel, patchout)
    return {name: rows[0].numpy() for name, rows in outputs.items()}


@pytest.mark.parametrize("frontend", ["essentia", "torch"])
@pytest.mark.parametrize("patchout", [None, Patchout(time_every=2), Patchout(3, 2, 1, 1, seed=5)])
def test_outputs_are_those_of_the_network(
    runtime: Runtime, model: Model, patchout: Patchout | None, frontend: str
) -> None:
    windows = make_windows(3)
    output = runtime.run(windows, np.full(3, FRAMES), "repeat", frontend, patchout)
    assert set(output.arrays) == {"tags", "block2", "block2-cls", "block2-dist", "block2-mean", "last"}
    for row, window in enumerate(windows):
        for name, expected in by_hand(model, window, FRAMES, patchout, frontend).items():
            np.testing.assert_allclose(output.arrays[name][row], expected, atol=2e-5)
    assert output.arrays["tags"].std() > 0.01
    assert all(value > 0 for value in output.seconds.values())


def test_short_clips_run_at_their_own_length_in_their_own_order(runtime: Runtime, model: Model) -> None:
    windows, valid = make_windows(5), np.array([40, FRAMES, 16, 40, 200])
    tags = runtime.run(windows, valid, "native", "essentia").arrays["tags"]
    for row, window in enumerate(windows):
        expected = by_hand(model, window, int(valid[row]), None, "essentia")["tags"]
        np.testing.assert_allclose(tags[row], expected, atol=2e-5)


def test_short_clips_can_be_filled_too(runtime: Runtime) -> None:
    windows = make_windows(2)
    filled = [runtime.run(windows, np.array([40, FRAMES]), fill, "essentia") for fill in ("repeat", "pad", "native")]
    tags = [output.arrays["tags"] for output in filled]
    np.testing.assert_allclose(tags[0][1], tags[1][1], atol=2e-5)
    np.testing.assert_allclose(tags[0][1], tags[2][1], atol=2e-5)
    assert np.abs(tags[0][0] - tags[1][0]).max() > 1e-4
    assert np.abs(tags[0][0] - tags[2][0]).max() > 1e-4


@pytest.mark.parametrize("size", [2, 7])
def test_a_row_is_the_same_alone_and_in_any_batch(runtime: Runtime, size: int) -> None:
    windows = make_windows(size)
    together = runtime.run(windows, np.full(size, FRAMES), "repeat", "essentia")
    for row in (0, size - 1):
        alone = runtime.run(windows[row : row + 1], np.full(1, FRAMES), "repeat", "essentia")
        for name, values in alone.arrays.items():
            np.testing.assert_allclose(together.arrays[name][row], values[0], atol=2e-5)


def test_fewer_frames_than_a_patch_of_the_grid_are_refused(runtime: Runtime) -> None:
    with pytest.raises(ValueError, match="16 to 325 frames"):
        runtime.run(make_windows(1), np.array([15]), "native", "essentia")


def test_the_last_block_can_be_given_out(tmp_path: Path) -> None:
    model = maest_kit.make_model(tmp_path, blocks=[1, 3], head_dist=False)
    arrays = load(*model, "cpu", "fp32").run(make_windows(1), np.full(1, FRAMES), "repeat", "essentia").arrays
    expected = by_hand(model, make_windows(1)[0], FRAMES, None, "essentia")
    assert set(arrays) == set(expected)
    for name, rows in arrays.items():
        np.testing.assert_allclose(rows[0], expected[name], atol=2e-5)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_bf16_is_near_and_reported(model: Model, engine: Engine) -> None:
    exact, rounded = (load(*model, "cpu", precision, engine=engine) for precision in ("fp32", "bf16"))
    assert (exact.precision, rounded.precision) == ("fp32", "bf16")
    one, other = (run.run(make_windows(2), np.full(2, FRAMES), "pad", "essentia").arrays for run in (exact, rounded))
    assert np.abs(one["tags"] - other["tags"]).max() < 0.1


def test_auto_takes_bf16_only_where_the_probe_says_so(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maest_openvino, "resolve_precision", lambda _: "bf16")
    chosen = []
    for drift in (0.0, 1.0):
        monkeypatch.setattr(maest_openvino, "drift", lambda *_, drift=drift: drift)
        chosen.append(load(*model, "cpu", "auto").precision)
    assert chosen == ["bf16", "fp32"]


def test_the_probe_measures_the_largest_difference_of_mean_scores(model: Model) -> None:
    card, weights = model
    net = build_with_weights(card, weights).requires_grad_(False)
    exact = maest_openvino.in_torch(net, "fp32")
    assert maest_openvino.drift(card, net, exact) == 0.0

    def moved(tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first, *others = exact(tokens)
        return (first + 0.3 * torch.randn(first.shape, generator=torch.Generator().manual_seed(0)), *others)

    assert 1e-3 < maest_openvino.drift(card, net, moved) < 1.0


def test_the_blocks_are_not_kept_twice(model: Model) -> None:
    compiled = load(*model, "cpu", "fp32")
    assert not [name for name, _ in compiled._net.named_parameters() if name.startswith("blocks.")]  # type: ignore[attr-defined]


def test_compiled_blocks_serve_the_cpu_only(model: Model) -> None:
    with pytest.raises(SonotypeError, match="openvino does not compute on 'cuda'"):
        load(*model, "cuda", "fp32", engine="openvino")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(model: Model) -> None:
    windows, valid = make_windows(20), np.full(20, FRAMES)
    here, there = (load(*model, device, "fp32", engine="torch") for device in ("cpu", "cuda"))
    expected = here.run(windows, valid, "repeat", "essentia", Patchout(2)).arrays
    for name, rows in there.run(windows, valid, "repeat", "essentia", Patchout(2)).arrays.items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-4)
