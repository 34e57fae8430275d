"""Training: it learns, it resumes to the bit, and every step is a function of the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from sonify_parts import SMALL, tone_corpus, tones

from sonotype.core.errors import SonotypeError
from sonotype.models.card import read_card
from sonotype.models.runtime import load
from sonotype.models.sonify.codec import PatchCodec
from sonotype.training.data.dataset import Example
from sonotype.training.decoder.batches import CropSampler, SegmentSampler, all_blocks, random_of
from sonotype.training.decoder.corpus import Backbone, Corpus, prepare
from sonotype.training.decoder.loop import Budget, Settings, Trainer, learning_rate
from sonotype.training.decoder.losses import SpectralLoss
from sonotype.training.decoder.tasks import FlowTask, VocoderTask, statistics

QUICK = Settings(rate=2e-3, average=0.9, validate_every=10, save_every_s=0.0)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return tone_corpus()


@pytest.fixture(scope="module")
def codec(corpus: Corpus) -> PatchCodec:
    fitted = PatchCodec(SMALL.token_frames, SMALL.mel.n_mels, SMALL.latent_dim)
    fitted.fit(all_blocks(corpus, SMALL, 300, random_of(0, 0)))
    return fitted


def flow(corpus: Corpus, codec: PatchCodec) -> FlowTask:
    return FlowTask(corpus, corpus, codec, SMALL, seed=1, batch=8)


def test_the_flow_learns(corpus: Corpus, codec: PatchCodec, tmp_path: Path) -> None:
    task = flow(corpus, codec)
    before = task.validate(task.model)
    trainer = Trainer(task, QUICK, tmp_path, "flow")
    average = trainer.train(Budget(steps=60))
    assert task.validate(average) < 0.8 * before
    assert len((tmp_path / "flow.jsonl").read_text().splitlines()) == 6


def test_the_vocoder_learns(corpus: Corpus, codec: PatchCodec, tmp_path: Path) -> None:
    longer = tone_corpus(frames=72)
    task = VocoderTask(longer, longer, codec, SMALL, seed=1, batch=2)
    before = np.mean([task.loss(step).item() for step in range(4)])
    Trainer(task, QUICK, tmp_path, "vocoder").train(Budget(steps=20))
    assert np.mean([task.loss(step).item() for step in range(4)]) < 0.96 * before


def test_an_interrupted_run_ends_with_the_same_weights(corpus: Corpus, codec: PatchCodec, tmp_path: Path) -> None:
    steady = Trainer(flow(corpus, codec), QUICK, tmp_path / "a", "flow").train(Budget(steps=12))

    class Interrupted(Exception):  # noqa: N818
        pass

    def interrupt(report: object) -> None:
        if getattr(report, "step", 0) == 7:
            raise Interrupted

    broken = Trainer(flow(corpus, codec), QUICK, tmp_path / "b", "flow")
    with pytest.raises(Interrupted):
        broken.train(Budget(steps=12), interrupt)
    again = Trainer(flow(corpus, codec), QUICK, tmp_path / "b", "flow")
    assert 0 < again.step < 12
    resumed = again.train(Budget(steps=12))
    for name, value in steady.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_batches_depend_on_seed_and_step_alone(corpus: Corpus) -> None:
    sampler = SegmentSampler(corpus, SMALL)
    first, same, other = (sampler.draw(random_of(0, step), 4) for step in (5, 5, 6))
    assert torch.equal(first.mel, same.mel)
    assert not torch.equal(first.embedding, other.embedding)


def test_a_segment_contains_the_window_of_its_embedding(corpus: Corpus) -> None:
    sampler = SegmentSampler(corpus, SMALL)
    windows = np.arange(len(corpus.embeddings))
    for step in range(20):
        starts = sampler._starts(random_of(0, step), windows)
        assert (starts <= corpus.window_frame).all()
        assert (starts + SMALL.frames >= corpus.window_frame + corpus.window_frames).all()
        clips = corpus.window_clip
        assert (starts >= corpus.first[clips]).all()
        assert (starts + SMALL.frames <= corpus.first[clips] + corpus.count[clips]).all()


def test_labels_are_drawn_equally_often_however_many_clips_they_have() -> None:
    uneven = tone_corpus(clips=9)
    object.__setattr__(uneven, "label", np.array([0] * 8 + [1]))
    object.__setattr__(uneven, "embeddings", uneven.label[uneven.window_clip][:, None].astype(np.float32))
    drawn = SegmentSampler(uneven, SMALL).draw(random_of(0, 0), 400).embedding
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.1)


def test_crops_are_aligned_with_their_frames(corpus: Corpus) -> None:
    from sonotype.models.frontend.logmel import LogMel  # noqa: PLC0415
    from sonotype.models.sonify.mel import segment_mel  # noqa: PLC0415

    mel, samples = CropSampler(corpus, 24, 256).draw(random_of(0, 0), 3)
    assert torch.allclose(segment_mel(LogMel(SMALL.mel), samples)[:, 2:-2], mel[:, 2:-2], atol=0.05)


def test_the_learning_rate_rises_and_falls() -> None:
    settings = Settings(rate=1.0, warm_up=0.1)
    rates = [learning_rate(share, settings) for share in (0.0, 0.05, 0.1, 0.5, 0.99)]
    assert rates[0] < rates[1] < rates[2] == pytest.approx(1.0)
    assert rates[2] > rates[3] > rates[4] > 0.0


def test_budgets() -> None:
    assert Budget(steps=10).spent(5, 1e9) == 0.5
    assert Budget(minutes=2.0).spent(10**9, 60.0) == 0.5
    assert Budget(steps=10, minutes=1.0).spent(1, 60.0) == 1.0
    assert Budget().spent(0, 0.0) == 1.0


def test_the_spectral_loss_is_least_for_equal_samples() -> None:
    loss, real = SpectralLoss(SMALL), torch.from_numpy(np.stack(tones(2, 32)))
    near, far = real + 0.01 * torch.randn_like(real), real.flip(0)
    assert float(loss(real, real)) < 1e-6 < float(loss(near, real)) < float(loss(far, real))


def test_dead_dimensions_get_a_floor(corpus: Corpus) -> None:
    object.__setattr__(dead := tone_corpus(), "embeddings", np.pad(corpus.embeddings, ((0, 0), (0, 1))))
    mean, scale = statistics(dead)
    assert float(mean[-1]) == 0.0
    assert float(scale.min()) > 0.01


def fake_backbone(hop: int) -> Backbone:
    """A network that needs no weights, with a frame every `hop` samples."""
    card = read_card(Path(__file__).parents[1] / "data" / "models" / "fake" / "card.toml")
    frontends = {name: spec.model_copy(update={"hop_length": hop}) for name, spec in card.frontends.items()}
    patch = card.patch.model_copy(update={"frames": 24})
    runtime = load(card.model_copy(update={"frontends": frontends, "patch": patch}), None, "cpu", "fp32")
    return Backbone(runtime, card.embeddings[0].name)


def test_a_corpus_leaves_out_what_cannot_be_used(tmp_path: Path) -> None:
    wave = tones(1, 512)[0]
    soundfile.write(tmp_path / "good.wav", wave, 16000)
    soundfile.write(tmp_path / "silent.wav", 0 * wave, 16000)
    soundfile.write(tmp_path / "short.wav", wave[:4000], 16000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF nothing")
    names = ("broken", "good", "short", "silent", "missing")
    examples = [Example(tmp_path / f"{name}.wav", ("a",)) for name in names]
    seen: list[int] = []
    rest = (fake_backbone(256), SMALL, tmp_path / "work")
    made = prepare(examples, *rest, lambda done, total: seen.append(done))
    assert list(made.example) == [1]
    assert list(made.count) == [len(wave) // 256]
    assert len(made.mel) * 256 == len(made.samples)
    assert (made.window_frame + made.window_frames <= made.count[0] + 1).all()
    assert seen == [0, 1, 2, 3, 4]
    prepare(examples, *rest, lambda done, total: pytest.fail("the corpus was made again"))
    with pytest.raises(SonotypeError, match="None of the files"):
        prepare(examples[2:], *rest, lambda done, total: None)


def test_a_backbone_with_other_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SonotypeError, match="a frame every 256 samples at 16000 Hz; fake differs"):
        prepare([], fake_backbone(160), SMALL, tmp_path, lambda done, total: None)
