"""The judge: its probe in closed form, its data set handling, and YAMNet against the original interpreter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Floats
from sonotype.evaluation import judging
from sonotype.evaluation.judge import Judge, Probe, fit_probe
from sonotype.evaluation.judging import make_judge
from sonotype.evaluation.recordings import at_rate, choose, fitted, read_samples, short_names
from sonotype.evaluation.yamnet import HOP_SAMPLES, WINDOW_SAMPLES, YamNet, fetch_yamnet
from sonotype.training.data.dataset import Example

RATE_HZ = 16000
GOLDEN = Path(__file__).parent / "yamnet_golden.json"


class Bands:
    """Ears of arithmetic: energies of eight bands."""

    dim = 8

    def windows(self, samples: Floats) -> Floats:
        power = np.abs(np.fft.rfft(samples, 1024)) ** 2
        return np.stack([np.log10([band.sum() + 1e-6 for band in np.array_split(power, self.dim)])]).astype(np.float32)


def tone(hertz: float) -> Floats:
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * np.arange(8000) / RATE_HZ), dtype=np.float32)


@pytest.fixture
def data(tmp_path: Path) -> list[Example]:
    """Low and high tones of two sources each, with a broken file among them."""
    examples = []
    for label, base in (("low", 300.0), ("high", 5000.0)):
        for split in ("train", "validation", "test"):
            for i in range(6):
                path = tmp_path / f"{label}-{split}-{i}.wav"
                soundfile.write(path, tone(base * (1 + 0.02 * i)), RATE_HZ)
                examples.append(Example(path, (label,), split, f"source{i % 2}"))  # type: ignore[arg-type]
    (tmp_path / "broken.wav").write_bytes(b"RIFF0000WAVE")
    return [*examples, Example(tmp_path / "broken.wav", ("low",), "train", "source0")]


def test_the_judge_learns_and_reports(data: list[Example], tmp_path: Path) -> None:
    judge, report = make_judge(Bands(), data, ("low", "high"), cache=tmp_path / "cache")
    assert judge.probabilities(tone(320.0), RATE_HZ, ("low", "high")).argmax() == 0
    assert report.items == {"train": 12, "validation": 12, "test": 12}
    assert report.test is not None
    assert (report.test.value, report.test.low, report.validation) == (1.0, 1.0, 1.0)
    assert report.recalls == {"high": 1.0, "low": 1.0}


def test_embeddings_are_kept_until_a_file_changes(data: list[Example], tmp_path: Path) -> None:
    steps: list[int] = []
    for _ in range(2):
        make_judge(Bands(), data, ("low", "high"), cache=tmp_path / "c", progress=lambda *at: steps.append(at[1]))
    assert len(steps) == len(data)
    soundfile.write(data[0].path, tone(250.0), 8000)
    make_judge(Bands(), data, ("low", "high"), cache=tmp_path / "c", progress=lambda *at: steps.append(at[1]))
    assert len(steps) == len(data) + sum(example.split == "train" for example in data)


def test_a_label_that_was_never_learned_is_improbable(data: list[Example]) -> None:
    judge, _ = make_judge(Bands(), data, ("low", "high", "organ"))
    found = judge.probabilities(tone(300.0), RATE_HZ, ("organ", "low", "high"))
    assert found[0] == 0.0
    assert found.sum() == pytest.approx(1.0, abs=1e-6)


def test_one_class_is_refused(data: list[Example]) -> None:
    with pytest.raises(SonotypeError) as caught:
        make_judge(Bands(), data, ("low",))
    assert caught.value.code is Code.INVALID_REQUEST


def test_only_training_recordings_are_learned_from(data: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    original = judging.fit_probe
    monkeypatch.setattr(
        judging, "fit_probe", lambda train, val: (seen.extend([len(train[1]), len(val[1])]), original(train, val))[1]
    )
    make_judge(Bands(), data, ("low", "high"))
    assert seen == [12, 12]


def test_two_classes_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3)).astype(np.float32)
    y = ["a" if row[0] + 0.3 * row[1] > 0 else "b" for row in x]
    probe, _ = fit_probe((x, y))
    z = (x - probe.mean) / probe.scale
    difference = z @ (probe.weight[1] - probe.weight[0]) + probe.bias[1] - probe.bias[0]
    assert probe.probabilities(x)[:, 1] == pytest.approx(1 / (1 + np.exp(-difference)))
    assert probe.recall(x, y) > 0.9


def test_a_choice_is_balanced_and_repeatable() -> None:
    examples = [
        Example(Path(f"{label}{source}{i}"), (label,), "train", source)
        for label in "xy"
        for source, count in (("much", 50), ("little", 3))
        for i in range(count)
    ]
    first = choose(examples, "train", ("x", "y"), 8)
    assert first == choose(reversed(examples), "train", ("x", "y"), 8)
    for label in ("x", "y"):
        sources = [example.source for example in first if example.labels == (label,)]
        assert (sources.count("much"), sources.count("little")) == (5, 3)
    assert choose(examples, "test", ("x",), 8) == []


def test_short_names_tell_files_apart() -> None:
    paths = [Path(name) for name in ("/d/flute/1.wav", "/d/organ/1.wav", "/e/organ/1.wav", "/d/organ/2.wav")]
    assert [short_names(paths)[path] for path in paths] == ["flute/1.wav", "d/organ/1.wav", "e/organ/1.wav", "2.wav"]
    assert short_names([*paths, paths[0]])[paths[0]] == "flute/1.wav"


def test_reading_a_part_of_a_file(tmp_path: Path) -> None:
    ramp = np.linspace(-0.5, 0.5, 32000, dtype=np.float32)
    soundfile.write(tmp_path / "ramp.wav", ramp, RATE_HZ, subtype="FLOAT")
    part = read_samples(tmp_path / "ramp.wav", RATE_HZ, 0.5, 0.25)
    assert part == pytest.approx(ramp[8000:12000])
    with pytest.raises(SonotypeError) as caught:
        read_samples(tmp_path / "nothing.wav", RATE_HZ)
    assert caught.value.code is Code.INVALID_REQUEST


def test_lengths_and_rates() -> None:
    assert fitted(np.ones(3, np.float32), 5).tolist() == [1, 1, 1, 0, 0]
    assert fitted(np.ones(9, np.float32), 5).tolist() == [1] * 5
    samples = tone(300.0)
    assert at_rate(samples, RATE_HZ, RATE_HZ) is samples
    assert len(at_rate(samples, RATE_HZ, 24000)) == 12000


def clip() -> Floats:
    """A sound that anybody can make again: a gliding tone with overtones over steady noise."""
    at = np.arange(2 * RATE_HZ) / RATE_HZ
    phase = 2 * np.pi * (220 * at + 60 * at**2)
    noise = 0.02 * np.random.default_rng(0).normal(size=len(at))
    return np.asarray(sum(0.3 / k * np.sin(k * phase) for k in range(1, 6)) + noise, dtype=np.float32)


@pytest.mark.weights
def test_yamnet_is_that_of_the_tflite_interpreter() -> None:
    golden = json.loads(GOLDEN.read_text())
    found = YamNet(fetch_yamnet(Settings().weights_dir)).windows(clip())
    expected = np.array(golden["embedding"])
    assert found.shape == (golden["windows"], 1024)
    shown = found[0][golden["places"]]
    assert float(shown @ expected / np.linalg.norm(shown) / np.linalg.norm(expected)) > 0.99
    assert np.linalg.norm(found[0]) == pytest.approx(golden["norm"], rel=0.03)


@pytest.mark.weights
def test_yamnet_windows() -> None:
    network = YamNet(fetch_yamnet(Settings().weights_dir))
    samples = clip()
    assert len(network.windows(samples[:100])) == len(network.windows(samples[:WINDOW_SAMPLES])) == 1
    assert len(network.windows(samples[: WINDOW_SAMPLES + HOP_SAMPLES])) == 2
    with pytest.raises(SonotypeError) as caught:
        network.windows(samples[:0])
    assert caught.value.code is Code.AUDIO_TOO_SHORT
    judge = Judge(network, Probe(("a", "b"), np.zeros(1024), np.ones(1024), np.zeros((2, 1024)), np.array([0.0, 1.0])))
    assert judge.probabilities(samples, RATE_HZ, ("a", "b")) == pytest.approx([0.26894, 0.73106], abs=1e-4)
