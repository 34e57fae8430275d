"""Our networks against the original TensorFlow ones, on real clips (recipe and arrays in tests/golden)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.nets.build import build_with_weights
from sonotype.models.patches import Patcher
from sonotype.models.runtime import load

pytestmark = pytest.mark.weights

GOLDEN = Path(__file__).parents[1] / "golden"
PUBLISHED = ["musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"]
CLIPS = ["electronic", "metal", "musicbox", "orchestral", "reggae", "rock"]

Published = Callable[[str], tuple[Card, Path]]
Golden = dict[str, Floats]


def read_golden(clip: str) -> Golden:
    with np.load(GOLDEN / f"{clip}.npz") as arrays:
        return dict(arrays)


def read_clip(clip: str) -> Floats:
    """Decode, mean to mono, resample: what librosa does."""
    samples, rate = soundfile.read(GOLDEN / "clips" / f"{clip}.mp3", dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, 16000, quality="HQ")


def run_network(card: Card, weights: Path, mel: Floats) -> Golden:
    net = build_with_weights(card, weights)
    with torch.inference_mode():
        return {name: rows.numpy() for name, rows in net(torch.from_numpy(mel)).items()}


def taggram(published: tuple[Card, Path], spec: FrontendSpec, samples: Floats) -> Floats:
    card, weights = published
    patcher = Patcher(spec, card.patch)
    windows = np.stack([window.samples for window in patcher.feed(samples) + patcher.finish()])
    return run_network(card, weights, LogMel(spec)(torch.from_numpy(windows)).numpy())["tags"]


def top_ten(tags: Floats) -> list[int]:
    return np.argsort(-tags.mean(axis=0))[:10].tolist()


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_identical_mel_gives_the_original_outputs(clip: str, name: str, published: Published) -> None:
    golden = read_golden(clip)
    mel = np.log10(10000 * golden["mel_power"].astype(np.float32) + 1)
    ours = run_network(*published(name), mel)
    np.testing.assert_allclose(ours["tags"], golden[f"{name}/taggram"][golden["patches"]], atol=1e-5)
    if name.startswith("vgg"):
        np.testing.assert_allclose(ours["flatten"], golden[f"{name}/flatten"], atol=1e-4)
        return
    pooled = golden[f"{name}/pooled"]
    np.testing.assert_allclose(ours["penultimate"], golden[f"{name}/penultimate"], atol=1e-4)
    np.testing.assert_allclose(ours["mean"], pooled[:, 1::2], atol=1e-4)
    # peaks reach 130 behind norms of tiny variance: there the original's own float32 lies up to 7e-4 from the same
    # network in float64 (ours 2e-4), so peaks are held against the size of their row
    largest = np.abs(pooled[:, 0::2]).max(axis=1, keepdims=True)
    np.testing.assert_allclose(ours["max"] / largest, pooled[:, 0::2] / largest, atol=2e-5)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_mp3_to_tags_equals_the_original_with_the_padding_it_was_trained_with(
    clip: str, name: str, published: Published
) -> None:
    model = published(name)
    ours = taggram(model, model[0].frontends["musicnn"], read_clip(clip))
    theirs = read_golden(clip)[f"{name}/taggram"]
    # what remains is the original's rounding of the mel power to float16
    np.testing.assert_allclose(ours, theirs, atol=5e-4)
    np.testing.assert_allclose(ours.mean(axis=0), theirs.mean(axis=0), atol=1e-4)
    assert top_ten(ours) == top_ten(theirs)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_mp3_to_tags_equals_the_unmodified_package_of_today(clip: str, name: str, published: Published) -> None:
    model = published(name)
    # librosa pads with zeros since 0.10; this changes the first frame of a clip and so its first patch
    spec = model[0].frontends["musicnn"].model_copy(update={"padding": "zero"})
    ours = taggram(model, spec, read_clip(clip))
    theirs = read_golden(clip)[f"{name}/taggram_today"]
    np.testing.assert_allclose(ours, theirs, atol=5e-4)
    assert top_ten(ours) == top_ten(theirs)
    # and the default front end stays within the tolerance that the service promises for tags
    default = taggram(model, model[0].frontends["musicnn"], read_clip(clip))
    np.testing.assert_allclose(default.mean(axis=0), theirs.mean(axis=0), atol=5e-3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_runtime_that_serves_on_cpu_gives_the_original_tags(name: str, published: Published) -> None:
    card, weights = published(name)
    runtime = load(card, weights, "cpu", "fp32")
    for clip in CLIPS:
        patcher = Patcher(card.frontends["musicnn"], card.patch)
        windows = np.stack([window.samples for window in patcher.feed(read_clip(clip)) + patcher.finish()])
        ours = runtime.run(windows, np.full(len(windows), 187), "repeat", "musicnn").arrays["tags"]
        theirs = read_golden(clip)[f"{name}/taggram"]
        np.testing.assert_allclose(ours, theirs, atol=5e-4)
        assert top_ten(ours) == top_ten(theirs), clip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_row_is_the_same_alone_and_in_any_batch(name: str, published: Published) -> None:
    clips = [np.log10(10000 * read_golden(clip)["mel_power"].astype(np.float32) + 1) for clip in CLIPS]
    mel = np.concatenate(clips)
    net = build_with_weights(*published(name))
    with torch.inference_mode():
        alone = [net(torch.from_numpy(mel[i : i + 1])) for i in range(3)]
        for size in (2, 3, 7, 12):
            together = net(torch.from_numpy(mel[:size]))
            for row in range(min(3, size)):
                for key, expected in alone[row].items():
                    torch.testing.assert_close(together[key][row], expected[0], atol=1e-5, rtol=1e-5)


def test_the_reference_takes_bf16_only_when_asked(published: Published) -> None:
    model = published("musicnn-msd")
    exact, rounded = (load(*model, "cpu", precision, engine="torch") for precision in ("auto", "bf16"))
    assert (exact.precision, rounded.precision) == ("fp32", "bf16")
    windows = np.random.default_rng(0).normal(0.0, 0.1, (2, 186 * 256 + 512)).astype(np.float32)
    one, other = (run.run(windows, np.full(2, 187), "pad", "musicnn").arrays["tags"] for run in (exact, rounded))
    assert 0.0 < np.abs(one - other).max() < 0.1
