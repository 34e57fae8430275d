"""The fake runtime: deterministic, quick, and it fails exactly when told to."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.patches import Patcher
from sonotype.models.runtime import Runtime, load, output_shapes
from sonotype.models.runtime.fake import DIE, HANG, NAN, RAISE, TRIGGERS

FAKES = Path(__file__).parents[1] / "data" / "models"

Cards = Callable[[str], Card]


def make_windows(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n, 16000)).astype(np.float32)


def run(runtime: Runtime, windows: Floats) -> dict[str, Floats]:
    valid = np.full(len(windows), 100, dtype=np.int64)
    return dict(runtime.run(windows, valid, "repeat", runtime.card.default_frontend).arrays)


def with_options(card: Card, **options: object) -> Card:
    network = card.network.model_copy(update={"options": card.network.options | options})
    return card.model_copy(update={"network": network})


def test_outputs_are_those_of_the_card(fake_card: Cards) -> None:
    card = fake_card("fake")
    runtime = load(card, None, "cpu", "auto")
    assert runtime.outputs == output_shapes(card) == {"tags": (8,), "vector": (16,), "small": (4,)}
    outputs = run(runtime, make_windows(3))
    assert {name: rows.shape for name, rows in outputs.items()} == {"tags": (3, 8), "vector": (3, 16), "small": (3, 4)}
    assert all(rows.dtype == np.float32 for rows in outputs.values())
    assert ((outputs["tags"] > 0) & (outputs["tags"] < 1)).all()


def test_one_patch_is_one_second(fake_card: Cards) -> None:
    card = fake_card("fake")
    patcher = Patcher(card.frontends[card.default_frontend], card.patch)
    assert patcher.window_samples == 16000
    patcher.feed(np.zeros(3 * 16000, dtype=np.float32))
    patcher.finish()
    assert patcher.report().count == 3
    np.testing.assert_array_equal(patcher.starts_s(), [0.0, 1.0, 2.0])


def test_a_row_has_the_same_bits_alone_and_in_any_batch(fake_card: Cards) -> None:
    card, windows = fake_card("fake"), make_windows(64)
    together = run(load(card, None, "cpu", "fp32"), windows)
    for row in (0, 31, 63):
        for name, rows in run(load(card, None, "cpu", "fp32"), windows[row : row + 1]).items():
            np.testing.assert_array_equal(rows[0], together[name][row])


def test_content_and_seed_decide(fake_card: Cards) -> None:
    card = fake_card("fake")
    quiet, loud = 0.01 * make_windows(1), make_windows(1)
    runtime = load(card, None, "cpu", "fp32")
    other = load(with_options(card, seed=1), None, "cpu", "fp32")
    assert np.abs(run(runtime, quiet)["tags"] - run(runtime, loud)["tags"]).max() > 0.01
    assert np.abs(run(other, loud)["tags"] - run(runtime, loud)["tags"]).max() > 0.01


def test_triggers_are_exact_in_16_bit_pcm() -> None:
    for value in TRIGGERS.values():
        assert float(np.float32(value)) == value
        assert (value * 32768).is_integer()


def test_a_raising_window(fake_card: Cards) -> None:
    windows = make_windows(3)
    windows[1, 5] = RAISE
    with pytest.raises(ValueError, match="told to fail"):
        run(load(fake_card("fake-chaos"), None, "cpu", "fp32"), windows)


def test_a_nan_window_spoils_its_own_row_only(fake_card: Cards) -> None:
    windows = make_windows(3)
    windows[1, 5] = NAN
    tags = run(load(fake_card("fake-chaos"), None, "cpu", "fp32"), windows)["tags"]
    assert np.isnan(tags[1]).all()
    assert np.isfinite(tags[[0, 2]]).all()


def test_without_triggers_nothing_happens(fake_card: Cards) -> None:
    windows = make_windows(1)
    windows[0, :4] = list(TRIGGERS.values())
    assert np.isfinite(run(load(fake_card("fake"), None, "cpu", "fp32"), windows)["tags"]).all()


def _child(card: Card, value: float) -> None:
    windows = make_windows(1)
    windows[0, 0] = value
    run(load(card, None, "cpu", "fp32"), windows)


@pytest.mark.parametrize(("value", "exitcode"), [(DIE, -signal.SIGKILL), (HANG, None)])
def test_dying_and_hanging_windows(fake_card: Cards, value: float, exitcode: int | None) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_child, args=(fake_card("fake-chaos"), value))
    child.start()
    child.join(timeout=20 if exitcode else 3)
    assert child.exitcode == exitcode
    child.kill()
    child.join()


def test_the_delay_is_kept(fake_card: Cards) -> None:
    runtime = load(with_options(fake_card("fake"), delay_ms=20, delay_ms_per_patch=10), None, "cpu", "fp32")
    begin = time.perf_counter()
    run(runtime, make_windows(3))
    assert time.perf_counter() - begin >= 0.05


def test_misspelt_options_are_refused(fake_card: Cards) -> None:
    with pytest.raises(ValidationError):
        load(with_options(fake_card("fake"), delay_sm=1), None, "cpu", "fp32")


def test_no_torch_is_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from sonotype.models.card import read_card;"
        "from sonotype.models.runtime import load; import sonotype.models.patches;"
        f"load(read_card(Path({str(FAKES / 'fake' / 'card.toml')!r})), None, 'cpu', 'fp32');"
        "assert not {'torch', 'openvino'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_without_its_weights_is_refused(fake_card: Cards) -> None:
    card = fake_card("fake")
    real = card.model_copy(update={"network": card.network.model_copy(update={"family": "vgg", "options": {}})})
    with pytest.raises(SonotypeError) as caught:
        load(real, None, "cpu", "fp32")
    assert caught.value.code is Code.WEIGHTS_MISSING
