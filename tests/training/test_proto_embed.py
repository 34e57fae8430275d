"""Files to embeddings: what the service would compute, cached, and never stopped by one bad file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import prototype_models as maker
from sonotype.core.errors import SonotypeError
from sonotype.evaluation.embedding import Embedder
from sonotype.training.data.dataset import Example
from sonotype.training.embed import Embedded, embed
from sonotype.training.prototypes.corpus import check_classes, check_finite


def embedder() -> Embedder:
    return Embedder(maker.fake_backbone(), None, "vector", precision="fp32")


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[Example]]:
    def write(*seconds: float) -> list[Example]:
        examples = []
        for index, length in enumerate(seconds):
            path = tmp_path / f"{index}.wav"
            path.write_bytes(maker.class_wav(index % 3, length, index))
            examples.append(Example(path, (maker.LABELS[index % 3],)))
        return examples

    return write


def test_segments_know_their_file_and_place(files: Callable[..., list[Example]]) -> None:
    embedded = embed(files(3.0, 1.0, 2.5), embedder, threads=2)
    assert embedded.vectors.shape == (6, 16)
    np.testing.assert_array_equal(embedded.example, [0, 0, 0, 1, 2, 2])
    np.testing.assert_array_equal(embedded.offset_s, [0, 1, 2, 0, 0, 1])
    np.testing.assert_allclose(embedded.vectors[3:4], embedder().patches(maker.class_audio(1, 1.0, 1)), atol=1e-5)


def test_a_last_segment_that_is_moved_back_is_where_it_was_cut(
    files: Callable[..., list[Example]], tmp_path: Path
) -> None:
    card = maker.fake_backbone()
    aligned = card.model_copy(update={"patch": card.patch.model_copy(update={"tail": "align"})})

    def whole() -> Embedder:
        return Embedder(aligned, None, "vector", precision="fp32")

    examples = files(2.5, 1.0)  # of 251 and 101 frames, which are patches of 100
    for _ in range(2):  # computed, and out of the cache
        embedded = embed(examples, whole, cache=tmp_path / "cache")
        np.testing.assert_array_equal(embedded.example, [0, 0, 0, 1, 1])
        np.testing.assert_allclose(embedded.offset_s, [0, 1, 1.51, 0, 0.01], rtol=1e-6)
    cut = maker.class_audio(0, 2.5, 0)[round(1.51 * embedder().sample_rate_hz) :]
    np.testing.assert_allclose(embedded.vectors[2], embedder().patches(cut)[0], atol=0.02)


def test_bad_files_are_listed_and_passed_over(files: Callable[..., list[Example]], tmp_path: Path) -> None:
    good = files(1.0)
    for name, content in (("empty.wav", b""), ("noise.mp3", b"nonsense" * 99)):
        (tmp_path / name).write_bytes(content)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "short.wav", np.ones(100) * 0.1, 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    names = ("empty.wav", "noise.mp3", "silent.wav", "short.wav", "nan.wav", "missing.wav")
    bad = [Example(tmp_path / name, ("flute",)) for name in names]
    embedded = embed([*bad[:3], *good, *bad[3:]], embedder)
    assert embedded.examples == tuple(good)
    assert tuple(skipped.path.name for skipped in embedded.skipped) == names
    reasons = dict(zip(names, (skipped.reason for skipped in embedded.skipped), strict=True))
    assert "silent" in reasons["silent.wav"]
    assert "not finite" in reasons["nan.wav"]
    with pytest.raises(SonotypeError, match="None of the 2 files can be used"):
        embed(bad[:2], embedder)


def test_cache_spares_the_network(files: Callable[..., list[Example]], tmp_path: Path) -> None:
    examples = files(2.0, 1.0)
    first = embed(examples, embedder, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2

    class Broken(Embedder):
        def located(self, samples: object) -> tuple[np.ndarray, np.ndarray]:
            raise AssertionError("the network was asked")

    again = embed(
        examples, lambda: Broken(maker.fake_backbone(), None, "vector", precision="fp32"), cache=tmp_path / "cache"
    )
    np.testing.assert_array_equal(first.vectors, again.vectors)
    np.testing.assert_array_equal(first.offset_s, again.offset_s)
    other = embed(examples, lambda: Embedder(maker.fake_backbone(), None, "small"), cache=tmp_path / "cache")
    assert other.vectors.shape == (3, 4)


def test_parts_renumber_their_files(files: Callable[..., list[Example]]) -> None:
    embedded = embed(files(2.0, 1.0, 3.0), embedder)
    part = embedded.part(lambda example: example.labels != ("tenor saxophone",))
    assert [example.path.name for example in part.examples] == ["0.wav", "2.wav"]
    np.testing.assert_array_equal(part.example, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(part.vectors, embedded.vectors[[0, 1, 3, 4, 5]])


def test_numbers_that_are_not_finite_are_refused(files: Callable[..., list[Example]]) -> None:
    embedded = embed(files(1.0, 1.0), embedder)
    embedded.vectors[1, 3] = np.inf
    with pytest.raises(SonotypeError, match=r"The embedding of 1\.wav"):
        check_finite(embedded)


def test_a_class_without_usable_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "harp").mkdir()
    (tmp_path / "harp" / "x.wav").write_bytes(b"")
    lost = embed_one_good_and(Example(tmp_path / "harp" / "x.wav", ("harp",)), tmp_path)
    with pytest.raises(SonotypeError, match=r"'harp' has no usable train example.*x\.wav: The upload is empty"):
        check_classes(lost, ["flute", "harp"])


def embed_one_good_and(bad: Example, folder: Path) -> Embedded:
    (folder / "good.wav").write_bytes(maker.class_wav(0, 1.0))
    return embed([Example(folder / "good.wav", ("flute",)), bad], embedder)
