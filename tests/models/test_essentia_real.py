"""Published weights in published layouts on real music: our chain from file to tags against Essentia's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from essentia_kit import Array, metadata
from essentia_real import real_classifier, real_head, real_tagger, write_clip

from sonotype.models.card import Card, HeadCard, read_card
from sonotype.models.essentia.importing import Imported, import_model
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.patches import Patcher
from sonotype.models.repository import builtin_repository
from sonotype.models.runtime import Runtime, load

pytestmark = pytest.mark.weights

GOLDEN = Path(__file__).parents[1] / "golden"
CLIPS = ["electronic", "metal", "musicbox", "orchestral", "reggae", "rock"]
MSD = read_card(builtin_repository() / "musicnn-msd" / "card.toml")
GRAPHS = {"tagger": real_tagger, "classifier": real_classifier, "head": real_head}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Imported, Path]]:
    """The three graphs, imported."""
    out = {}
    for name, graph in GRAPHS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "m.pb").write_bytes(graph())
        classes = MSD.labels if name == "tagger" else [f"class {i}" for i in range(9)]
        (folder / "m.json").write_bytes(metadata(classes))
        model = import_model(name, folder / "m.pb", folder / "m.json", lambda: (MSD, "hidden"))
        (folder / model.file).write_bytes(model.weights)
        out[name] = model, folder
    return out


@pytest.fixture(scope="module")
def runtimes(made: dict[str, tuple[Imported, Path]]) -> dict[str, Runtime]:
    """What serves the two networks on a CPU."""
    out = {}
    for name in ("tagger", "classifier"):
        model, folder = made[name]
        assert isinstance(model.card, Card)
        out[name] = load(model.card, folder / model.file, "cpu", "fp32", threads=1)
    return out


def test_the_graph_that_musicnn_was_trained_with_gives_the_weights_that_are_pulled(
    made: dict[str, tuple[Imported, Path]],
) -> None:
    assert made["tagger"][0].card.weights_sha256 == MSD.weights_sha256  # type: ignore[union-attr]
    folder = made["tagger"][1]
    (folder / "asking.pb").write_bytes(real_tagger(flag=False))  # its placeholder for the training flag still open
    asking = import_model("asking", folder / "asking.pb", folder / "m.json", lambda: (MSD, "hidden"))
    assert asking.weights == made["tagger"][0].weights


@pytest.mark.parametrize("clip", CLIPS)
def test_file_to_tags_equals_essentias_chain(
    clip: str, made: dict[str, tuple[Imported, Path]], runtimes: dict[str, Runtime], tmp_path: Path
) -> None:
    with np.load(GOLDEN / "essentia.npz") as arrays:
        theirs = {name.partition("/")[2]: value for name, value in arrays.items() if name.startswith(f"{clip}/")}
    write_clip(GOLDEN / "clips" / f"{clip}.mp3", tmp_path / "clip.wav")
    samples, _ = soundfile.read(tmp_path / "clip.wav", dtype="float32")
    tagged = rows_of(runtimes["tagger"], samples)
    assert len(tagged["hidden"]) == theirs["patches"]
    head, folder = made["head"]
    assert isinstance(head.card, HeadCard)
    ours = {
        "tags": tagged["tags"],
        "hidden": tagged["hidden"],
        "classes": rows_of(runtimes["classifier"], samples)["tags"],
        "head": TransferHead.load(folder, head.card).predict(tagged["hidden"]),
    }
    for name, rows in ours.items():
        np.testing.assert_allclose(rows.mean(axis=0), theirs[name], atol=2e-3 if name == "hidden" else 1e-4)
        assert top_five(rows.mean(axis=0)) == top_five(theirs[name]), name


def rows_of(runtime: Runtime, samples: Array) -> dict[str, Array]:
    card = runtime.card
    patcher = Patcher(card.frontends["essentia"], card.patch)
    windows = np.stack([window.samples for window in patcher.feed(samples) + patcher.finish()])
    return dict(runtime.run(windows, np.full(len(windows), 187), "repeat", "essentia").arrays)


def top_five(values: Array) -> list[int]:
    return np.argsort(-values)[:5].tolist()
