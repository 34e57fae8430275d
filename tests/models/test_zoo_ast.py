"""The layout of Hugging Face: held against `transformers`' own AST, as parameters and as exported graphs."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from maest_zoo_kit import LABELS, SMALL, ast_model, fill, random_state, same_state, tensors, write_safetensors
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.nets.maest import MAEST, MEL_MEAN, MEL_STD
from sonotype.models.zoo.ast_names import BASE, canonical, from_ast, to_ast
from sonotype.models.zoo.converting import convert_maest
from sonotype.models.zoo.maest_card import LICENCE
from sonotype.models.zoo.maest_state import State
from sonotype.models.zoo.positions import TOLERANCE, join, split
from sonotype.models.zoo.tensors import read_state

SIZE = replace(SMALL, head_dist=False)
POSITIONS = f"{BASE}.embeddings.position_embeddings"


class Published(torch.nn.Module):
    """AST inside modules of somebody's own, with the outputs that Essentia's graphs have."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.model = net

    def forward(self, melspectrogram: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = self.model(melspectrogram, output_hidden_states=True)
        return out.logits, out.logits.sigmoid(), *out.hidden_states[1:]


@pytest.fixture(scope="module")
def state() -> State:
    return random_state(SIZE)


@pytest.fixture(scope="module")
def net(state: State) -> Any:
    net = ast_model(SIZE)
    fill(net, to_ast(state))
    return net


@pytest.fixture(scope="module")
def graph(net: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export as optimum makes them: names of dense kernels are lost."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter has much to say about itself
        torch.onnx.export(
            Published(net),
            (torch.rand(2, 46, 96),),
            str(path),
            input_names=["melspectrogram"],
            dynamic_axes={"melspectrogram": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
    return path


def maest(state: State) -> MAEST:
    net = MAEST(SIZE.n_labels, **SIZE.options(), blocks=(2,)).eval()
    net.load_state_dict(tensors(state))
    return net


def altered(graph: Path, to: Path, change: Callable[[Any], None]) -> Path:
    model = onnx.load(str(graph))
    change(model.graph)
    onnx.save(model, str(to))
    return to


def refused(path: Path, code: Code = Code.WEIGHTS_CORRUPT) -> str:
    with pytest.raises(SonotypeError) as caught:
        convert_maest("small", path, licence=LICENCE, labels=LABELS)
    assert caught.value.code is code, caught.value.detail
    return caught.value.detail


def test_to_ast_gives_the_network_of_transformers(state: State, net: Any) -> None:
    mel = torch.rand(2, 46, 96, generator=torch.Generator().manual_seed(0)) * 4
    with torch.inference_mode():
        ours = maest(state)(mel)
        theirs = net((mel - MEL_MEAN) / (2 * MEL_STD), output_hidden_states=True)
    torch.testing.assert_close(ours["tags"], theirs.logits.sigmoid(), atol=1e-6, rtol=0)
    tokens = theirs.hidden_states[SIZE.depth]  # after the last block, before the norm
    torch.testing.assert_close(ours["block2-cls"], tokens[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(ours["block2-mean"], tokens[:, 2:].mean(1), atol=1e-5, rtol=0)


def test_and_back(state: State, net: Any) -> None:
    """The encodings come back in another gauge: other numbers, the same sums, the same network."""
    own = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    back = from_ast(own, "a test")
    assert set(back) == set(state)
    gauge = {"freq_new_pos_embed", "time_new_pos_embed"}
    assert all(np.array_equal(back[name], state[name]) for name in set(state) - gauge)
    assert not np.allclose(back["time_new_pos_embed"], state["time_new_pos_embed"], atol=1e-3)
    np.testing.assert_allclose(join(*_parts(back)), join(*_parts(state)), atol=1e-6)
    mel = torch.rand(1, 46, 96) * 4
    with torch.inference_mode():
        torch.testing.assert_close(maest(back)(mel)["tags"], maest(state)(mel)["tags"], atol=1e-6, rtol=0)
    again = from_ast(to_ast(back), "a test")
    assert all(np.allclose(again[name], back[name], atol=1e-6) for name in back)


def test_what_transformers_saves_is_read(net: Any, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.save_pretrained(tmp_path)
    made = convert_maest("small", tmp_path / "model.safetensors", licence=LICENCE, labels=LABELS)
    assert made.card.network.options["columns"] == SIZE.columns


def test_both_generations_of_names_are_known() -> None:
    new = f"{BASE}.layers.3.attention.q_proj.weight"
    old = f"{BASE}.encoder.layer.3.attention.attention.query.weight"
    assert canonical(new) == canonical(old) == old
    assert canonical(f"{BASE}.layers.0.mlp.fc2.bias") == f"{BASE}.encoder.layer.0.output.dense.bias"
    assert canonical("classifier.dense.bias") == "classifier.dense.bias"


def test_a_table_that_is_no_sum_is_refused(state: State, tmp_path: Path) -> None:
    ast = to_ast(state)
    ast[POSITIONS] = ast[POSITIONS].copy()
    ast[POSITIONS][0, 7, 3] += 100 * TOLERANCE
    assert "no sum of rows and columns" in refused(write_safetensors(tmp_path / "a.safetensors", ast))
    assert "12 positions" in refused(
        write_safetensors(tmp_path / "b.safetensors", ast | {POSITIONS: ast[POSITIONS][:, :12]})
    )
    assert "the shape" in refused(write_safetensors(tmp_path / "c.safetensors", ast | {POSITIONS: ast[POSITIONS][0]}))


def test_the_split_is_exact_to_rounding() -> None:
    rng = np.random.default_rng(1)
    tokens, freq, time = (
        rng.standard_normal(shape, dtype=np.float32) for shape in ((1, 2, 8), (1, 8, 9, 1), (1, 8, 1, 187))
    )
    table = join(tokens, freq, time)
    assert table.shape == (1, 2 + 9 * 187, 8)
    np.testing.assert_array_equal(table[0, 2 + 3 * 187 + 5], freq[0, :, 3, 0] + time[0, :, 0, 5])  # frequency-major
    found = split(table, "a test")
    np.testing.assert_allclose(join(*found), table, atol=1e-6)
    np.testing.assert_allclose(found[1].mean(axis=2), 0, atol=1e-6)


BROKEN: dict[str, Callable[[State], State]] = {
    "no key": lambda s: {n: a for n, a in s.items() if "1.attention.attention.key" not in n},
    "no table": lambda s: {n: a for n, a in s.items() if n != POSITIONS},
    "unknown": lambda s: s | {f"{BASE}.encoder.layer.0.gate.weight": np.ones(3, np.float32)},
    "twice": lambda s: s | {f"{BASE}.layers.0.mlp.fc1.bias": np.ones(256, np.float32)},
    "shape": lambda s: s | {"classifier.dense.weight": np.ones((5, 63), np.float32)},
    "no classifier": lambda s: {n: a for n, a in s.items() if not n.startswith("classifier")},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_ast_files_that_do_not_fit(fault: str, state: State, tmp_path: Path) -> None:
    refused(write_safetensors(tmp_path / "a.safetensors", BROKEN[fault](to_ast(state))))


def test_a_graph_gives_back_every_parameter(state: State, graph: Path) -> None:
    names = {tensor.name for tensor in onnx.load(str(graph)).graph.initializer}
    assert any(name.startswith("onnx::MatMul") for name in names)
    assert not any(re.search(r"layers?\.0\.\S*(query|q_proj)\.weight", name) for name in names)
    assert same_state(read_state(graph), from_ast(to_ast(state), "a test"))


def test_a_graph_beside_its_data(graph: Path, state: State, tmp_path: Path) -> None:
    model = onnx.load(str(graph))
    onnx.save(model, str(tmp_path / "a.onnx"), save_as_external_data=True, location="a.bin", size_threshold=64)
    assert (tmp_path / "a.bin").stat().st_size > 100_000
    assert same_state(read_state(tmp_path / "a.onnx"), from_ast(to_ast(state), "a test"))
    with (tmp_path / "a.bin").open("r+b") as file:
        file.truncate(1000)
    assert "too short" in refused(tmp_path / "a.onnx")
    (tmp_path / "a.bin").unlink()
    assert "not beside it" in refused(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "link.bin", "", "sub/../../secret.bin", "C:\\x"]
)
def test_data_outside_the_folder_is_not_read(location: str, graph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(10**6))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")

    def point(graph: Any) -> None:
        tensor = next(it for it in graph.initializer if it.name.startswith("onnx::MatMul"))
        external_data_helper.set_external_data(tensor, location, offset=0, length=len(tensor.raw_data))
        tensor.ClearField("raw_data")

    assert "not beside it" in refused(altered(graph, folder / "a.onnx", point))


def _rename(graph: Any) -> None:
    """What an optimiser does: every constant gets a number."""
    names = {tensor.name: f"c{number}" for number, tensor in enumerate(graph.initializer)}
    for tensor in graph.initializer:
        tensor.name = names[tensor.name]
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = names.get(name, name)


def _lose_a_kernel(graph: Any) -> None:
    node = next(it for it in graph.node if it.op_type == "MatMul" and it.input[1].startswith("onnx::MatMul"))
    node.op_type = "MatMulInteger"


def _shorten(graph: Any) -> None:
    tensor = next(it for it in graph.initializer if it.name.startswith("onnx::MatMul"))
    tensor.raw_data = tensor.raw_data[:-4]


def _scale(graph: Any) -> None:
    node = next(it for it in graph.node if it.op_type == "Gemm")
    for attribute in node.attribute:
        if attribute.name == "alpha":
            attribute.f = 2.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_rename, "lost them"),
        (_lose_a_kernel, "query, key or value"),
        (_shorten, "does not hold what it says"),
        (_scale, "which AST does not"),
    ],
)
def test_graphs_that_cannot_be_read(change: Callable[[Any], None], says: str, graph: Path, tmp_path: Path) -> None:
    assert says in refused(altered(graph, tmp_path / "a.onnx", change))


def test_tokens_and_kernels_that_an_exporter_folded(graph: Path, state: State, tmp_path: Path) -> None:
    """Of a batch of one size: tokens repeated and nameless, kernels under a transpose, biases handed on."""

    def fold(graph: Any) -> None:
        names = {tensor.name: tensor for tensor in graph.initializer}
        joined = next(
            it for it in graph.node if it.op_type == "Concat" and len(it.input) == 3 and _is_tokens(graph, it)
        )
        for at, part in enumerate(("cls_token", "distillation_token")):
            name = next(name for name in names if name.endswith(part))
            array = np.repeat(numpy_helper.to_array(names[name]), 2, axis=0)
            graph.initializer.remove(names[name])
            graph.initializer.append(numpy_helper.from_array(array, f"expand_{at}"))
            joined.input[at] = f"expand_{at}"
        product = next(it for it in graph.node if it.op_type == "MatMul" and it.input[1].startswith("onnx::MatMul"))
        kernel = names[product.input[1]]
        graph.node.append(helper.make_node("Transpose", ["kernel"], ["turned"], perm=[1, 0]))
        value = numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(kernel).T), "value")
        graph.node.append(helper.make_node("Constant", [], ["kernel"], value=value))
        product.input[1] = "turned"
        bias = next(it for it in graph.node if it.op_type == "Add" and product.output[0] in it.input)
        at = 1 - list(bias.input).index(product.output[0])
        graph.node.append(helper.make_node("Cast", [bias.input[at]], ["handed on"], to=TensorProto.FLOAT))
        bias.input[at] = "handed on"

    assert same_state(read_state(altered(graph, tmp_path / "a.onnx", fold)), from_ast(to_ast(state), "a test"))


def _is_tokens(graph: Any, joined: Any) -> bool:
    """Whether positions are added to what a node joins."""
    return any(
        node.op_type == "Add" and joined.output[0] in node.input and any(POSITIONS in name for name in node.input)
        for node in graph.node
    )


def _parts(state: State) -> list[Any]:
    return [state[f"{part}new_pos_embed"] for part in ("", "freq_", "time_")]
