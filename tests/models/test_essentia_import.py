"""Imported graphs against what Essentia itself says of them (recipe in tests/golden/make_essentia.py)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from essentia_cases import embeddings, heads, mels, networks
from essentia_kit import Array, attr, const, emomusic, head, metadata, node, placeholder, random_layers, write_tfjs
from essentia_musicnn_kit import fine_tuned, musicnn, random_variables
from typer.testing import CliRunner, Result

from sonotype.cli.models import app
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card, HeadCard, read_any_card, read_card
from sonotype.models.card_parts import EmbeddingSpec
from sonotype.models.essentia.importing import Imported, import_model
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.nets.build import build, load_parameters
from sonotype.models.repository import builtin_repository
from sonotype.models.weights.convert import from_safetensors

GOLDEN = Path(__file__).parents[1] / "golden" / "essentia.npz"
SIX = ("a", "b", "c", "d", "e", "f")


@pytest.fixture(scope="module")
def said() -> dict[str, Array]:
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


def backbone(dim: int = 200) -> tuple[Card, str]:
    card = read_card(builtin_repository() / "musicnn-msd" / "card.toml")
    if dim == 200:
        return card, "hidden"
    wide = EmbeddingSpec(name="hidden", dim=dim, description="")
    return card.model_copy(update={"name": "discogs-effnet", "embeddings": (wide,)}), "hidden"


def imported(
    folder: Path, graph: bytes, facts: bytes, on: tuple[Card, str] | None = None, file: str = "model.pb"
) -> Imported:
    (folder / file).write_bytes(graph)
    (folder / "facts.json").write_bytes(facts)
    return import_model("made", folder / file, folder / "facts.json", lambda: on or backbone())


def refused(folder: Path, graph: bytes, facts: bytes, on: tuple[Card, str] | None = None, file: str = "m.pb") -> str:
    with pytest.raises(SonotypeError) as caught:
        imported(folder, graph, facts, on, file)
    assert caught.value.code in {Code.INVALID_REQUEST, Code.WEIGHTS_CORRUPT, Code.MODEL_NOT_FOUND}
    return caught.value.detail


def predictions(folder: Path, model: Imported, rows: Array) -> Array:
    assert isinstance(model.card, HeadCard)
    (folder / model.file).write_bytes(model.weights)
    return TransferHead.load(folder, model.card).predict(rows)


@pytest.mark.parametrize("name", ["tagger", "classifier"])
def test_musicnn_from_a_frozen_graph_gives_what_essentia_gives(
    name: str, said: dict[str, Array], tmp_path: Path
) -> None:
    case = networks()[name]
    model = imported(tmp_path, case.graph, metadata([f"class {i}" for i in range(9)], output=case.output))
    assert isinstance(model.card, Card)
    assert (model.card.default_frontend, model.card.patch.hop_frames) == ("essentia", 93)
    assert model.card.weights is not None
    assert model.card.weights.n_parameters == 792_079 - 41 * 201
    net = build(model.card)
    load_parameters(net, from_safetensors(model.weights))
    with torch.inference_mode():
        ours = net(torch.from_numpy(mels()))
    np.testing.assert_allclose(ours["tags"].numpy(), said[f"{name}/{case.output}"], atol=1e-5)
    np.testing.assert_allclose(ours["hidden"].numpy(), said[f"{name}/{case.further}"], atol=1e-4)


@pytest.mark.parametrize("name", sorted(heads()))
def test_heads_give_what_essentia_gives(name: str, said: dict[str, Array], tmp_path: Path) -> None:
    case = heads()[name]
    theirs = said[f"{name}/{case.output}"]
    wide = "discogs-effnet-bs64-1" if case.dim == 1280 else "msd-musicnn-1"
    facts = metadata([f"class {i}" for i in range(theirs.shape[1])], wide, case.output)
    model = imported(tmp_path, case.graph, facts, backbone(case.dim))
    ours = predictions(tmp_path, model, embeddings(case.dim))
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=2e-6)
    tasks = {"Softmax": "multiclass", "Sigmoid": "multilabel", "PartitionedCall": "multiclass"}
    assert isinstance(model.card, HeadCard)
    assert model.card.task == tasks.get(case.output.rpartition("/")[2], "regression")
    assert model.card.frontend == "essentia"


def test_a_batch_norm_before_the_only_layer_becomes_part_of_it(tmp_path: Path) -> None:
    graph, weight, bias = emomusic(7)
    model = imported(tmp_path, graph, metadata(["valence", "arousal"], output=""))
    state = from_safetensors(model.weights)
    np.testing.assert_allclose(state["layers.0.weight"], weight.T, rtol=1e-6)
    np.testing.assert_allclose(state["layers.0.bias"], bias, rtol=1e-6)


@pytest.mark.parametrize("kind", ["head", "network"])
def test_tfjs_shards_give_the_same_weights_as_the_frozen_graph(kind: str, tmp_path: Path) -> None:
    graph = head(random_layers((200, 100, 9), 1), "Softmax")
    if kind == "network":
        graph = musicnn(fine_tuned(random_variables(3), 3))
    frozen = imported(tmp_path, graph, metadata([f"class {i}" for i in range(9)]))
    path = write_tfjs(tmp_path, graph, shard_bytes=len(graph) // 20)
    assert "_Fused" in path.read_text()
    assert len(list(tmp_path.glob("group1-shard*.bin"))) > 10
    shards = import_model("made", path, tmp_path / "facts.json", backbone)
    assert shards.weights == frozen.weights
    assert shards.source_sha256 != frozen.source_sha256


def test_classes_come_from_the_metadata_in_its_order(tmp_path: Path) -> None:
    graph = head(random_layers((200, 100, 2), 1), "Softmax")

    def card(*classes: str) -> HeadCard:
        made = imported(tmp_path, graph, metadata(classes)).card
        assert isinstance(made, HeadCard)
        return made

    assert (card("happy", "non_happy").labels, card("happy", "non_happy").positive) == (
        ("happy", "non_happy"),
        "happy",
    )
    assert (card("non_sad", "sad").labels, card("non_sad", "sad").positive) == (("non_sad", "sad"), "sad")
    assert card("danceable", "not_danceable").positive == "danceable"
    assert card("not approachable", "approachable").positive == "approachable"
    for pair in (("tonal", "atonal"), ("atonal", "tonal"), ("instrumental", "voice"), ("non_sad", "happy")):
        assert (card(*pair).labels, card(*pair).positive) == (pair, None)
    assert card("b", "a").backbone.model == "musicnn-msd"
    assert (card("b", "a").hop_s, card("b", "a").licence.commercial) == (1.488, False)


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [(None, "names no classes"), ([], "names no classes"), (["a"], "names 1 classes"), (["a", "a"], "same name")],
)
def test_without_names_for_its_outputs_a_head_is_refused(
    classes: list[str] | None, complaint: str, tmp_path: Path
) -> None:
    assert complaint in refused(tmp_path, head(random_layers((200, 100, 2), 1), "Softmax"), metadata(classes))


def test_heads_for_another_backbone_are_refused(tmp_path: Path) -> None:
    narrow, wide = (head(random_layers((dim, 10, 2), 1), "Softmax") for dim in (200, 1280))
    pair, card = ["a", "b"], backbone()[0]
    assert "takes 1280 numbers, musicnn-msd@hidden has 200" in refused(tmp_path, wide, metadata(pair, ""))
    assert "'discogs-effnet', which musicnn-msd is not" in refused(
        tmp_path, wide, metadata(pair, "discogs-effnet-bs64-1")
    )
    assert "'audioset-vggish'" in refused(tmp_path, narrow, metadata(pair, "audioset-vggish-3"))
    assert "'audioset-vggish'" in refused(tmp_path, narrow, metadata(pair, ""), file="gender-audioset-vggish-1.pb")
    assert "stand on musicnn-msd@hidden" in refused(tmp_path, narrow, metadata(pair), (card, "penultimate"))
    assert "no embedding 'nothing'" in refused(tmp_path, narrow, metadata(pair), (card, "nothing"))
    other = card.model_copy(update={"name": "musicnn-mtt"})
    assert "'msd-musicnn', which musicnn-mtt is not" in refused(tmp_path, narrow, metadata(pair), (other, "hidden"))
    own = card.model_copy(
        update={"name": "mine", "source": card.source.model_copy(update={"member": "msd-musicnn-1.pb"})}
    )
    assert imported(tmp_path, narrow, metadata(pair), (own, "hidden")).card.name == "made"


def test_heads_of_yamnet_stand_on_the_yamnet_that_is_served(tmp_path: Path) -> None:
    card = read_card(builtin_repository() / "yamnet" / "card.toml")
    graph, facts = head(random_layers((1024, 100, 2), 1), "Softmax"), metadata(["a", "b"], "audioset-yamnet-1")
    made = imported(tmp_path, graph, facts, (card, "embedding")).card
    assert isinstance(made, HeadCard)
    assert (made.backbone.model, made.frontend, made.hop_s) == ("yamnet", None, None)


def test_other_graphs_are_refused_by_name_of_what_they_are(tmp_path: Path) -> None:
    facts, layers = metadata(["a", "b"]), random_layers((200, 100, 2), 1)
    lstm = placeholder("model/Placeholder", (-1, 200)) + node("model/Softmax", "BlockLSTM", ("model/Placeholder",))
    assert "'BlockLSTM'" in refused(tmp_path, lstm, facts)
    tanh = head(layers, "Tanh")
    assert "'Tanh'" in refused(tmp_path, tanh, metadata(["a", "b"], output="model/Tanh"))
    assert "softmax" in refused(tmp_path, musicnn(random_variables(1, 2), "Softmax"), facts)
    variables = random_variables(1, 2)
    variables["conv2d_3/kernel"], variables["conv2d_4/kernel"] = (variables[f"conv2d_{i}/kernel"] for i in (4, 3))
    assert "has the shape [32, 1, 1, 51] instead of [64, 1, 1, 51]" in refused(tmp_path, musicnn(variables), facts)
    loop = placeholder("model/Placeholder", (-1, 200)) + node("model/Softmax", "Softmax", ("model/a",))
    loop += node("model/a", "Relu", ("model/b",)) + node("model/b", "Relu", ("model/a",))
    assert "circles" in refused(tmp_path, loop, facts)
    ends = placeholder("x", (-1, 200)) + node("y", "Relu", ("x",)) + node("z", "Relu", ("x",))
    assert "2 ends" in refused(tmp_path, ends, metadata(["a"], output=""))
    late = head(layers, "Softmax") + const("t", np.float32(2)) + node("model/Late", "Mul", ("model/Softmax", "t"))
    assert "it has a softmax" in refused(tmp_path, late, metadata(["a", "b"], output="model/Late"))


def test_scales_between_layers_are_worked_in_and_a_bare_relu_is_not(tmp_path: Path) -> None:
    (first, one), (last, two) = random_layers((200, 4, 2), 5)
    out = placeholder("x", (-1, 200)) + const("w", first) + const("b", one) + const("v", last) + const("c", two)
    out += const("half", np.float32(0.5)) + const("up", np.arange(4, dtype=np.float32))
    out += node("1", "MatMul", ("x", "w")) + node("2", "AddV2", ("b", "1")) + node("3", "Mul", ("half", "2"))
    out += node("4", "Relu", ("3",)) + node("5", "Mul", ("4", "half")) + node("6", "AddV2", ("5", "up"))
    out += node("7", "MatMul", ("6", "v")) + node("8", "BiasAdd", ("7", "c"))
    rows = embeddings(200)
    wanted = (np.maximum((rows @ first + one) * 0.5, 0) * 0.5 + np.arange(4)) @ last + two
    ours = predictions(tmp_path, imported(tmp_path, out, metadata(["a", "b"], output="")), rows)
    np.testing.assert_allclose(ours, wanted, atol=1e-4)
    bare = placeholder("x", (-1, 200)) + node("r", "Relu", ("x",)) + const("v", random_layers((200, 2), 1)[0][0])
    bare += node("m", "MatMul", ("r", "v"))
    assert "relu" in refused(tmp_path, bare, metadata(["a", "b"], output=""))
    turned = placeholder("x", (-1, 200)) + const("v", random_layers((200, 2), 1)[0][0].T)
    turned += node("m", "MatMul", ("x", "v"), attr("transpose_b", 5, 1))
    made = imported(tmp_path, turned, metadata(["a", "b"], output=""))
    np.testing.assert_array_equal(from_safetensors(made.weights)["layers.0.weight"], random_layers((200, 2), 1)[0][0].T)


# -- as typed ----------------------------------------------------------------------------------------------------------


def run(*args: Any, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["import", "essentia", *map(str, args)])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.fixture
def happy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A head with its metadata beside it."""
    monkeypatch.setenv("SONOTYPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SONOTYPE_WEIGHTS_DIR", str(tmp_path / "weights"))
    path = tmp_path / "mood_happy-msd-musicnn-1.pb"
    path.write_bytes(head(random_layers((200, 100, 2), 1), "Softmax"))
    path.with_suffix(".json").write_bytes(metadata(["happy", "non_happy"]))
    return path


def test_a_head_is_imported_into_a_folder_that_is_read_back(happy: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine" / "mood-happy"
    result = run(happy, "--out", out)
    assert "CC-BY-NC-SA-4.0, not for commercial use" in result.stderr
    assert "happy, non_happy" in result.stdout
    card = read_any_card(out / "card.toml")
    assert isinstance(card, HeadCard)
    assert (card.address, card.positive) == ("mood-happy@1", "happy")
    assert card.source.sha256 is not None
    assert card.source.sha256 in result.stdout
    assert (out / "metadata.json").read_bytes() == happy.with_suffix(".json").read_bytes()
    assert TransferHead.load(out, card).predict(embeddings(200)).shape == (12, 2)
    assert "already" in run(happy, "--out", out, code=2).stderr
    run(happy, "--out", out, "--replace", "--license", "MIT", "--commercial")
    again = tomllib.loads((out / "card.toml").read_text())["licence"]
    assert (again["spdx"], again["commercial"]) == ("MIT", True)


def test_what_is_refused_leaves_nothing_behind(happy: Path, tmp_path: Path) -> None:
    repository = tmp_path / "mine"
    out = repository / "mood"
    run(happy, "--out", out, "--backbone", "musicnn-mtt@hidden", code=2)
    run(happy, "--out", out, "--backbone", "nobody@hidden", code=2)
    run(happy, "--out", out, "--backbone", "musicnn-msd", code=2)
    run(happy, "--out", repository / "Not a name", code=2)
    happy.write_bytes(happy.read_bytes()[:-5])
    run(happy, "--out", out, code=6)
    happy.with_suffix(".json").unlink()
    assert "--metadata" in run(happy, "--out", out, code=2).stderr
    assert not repository.exists()
