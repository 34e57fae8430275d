"""Every published format loads; nothing else does, and nothing in a file is ever run."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from encodecmae_kit import CODEC, DIM, MODEL, V1_GIN, V2_GIN, Files, ae_config, ae_gin, v2_names, write_files
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.encodecmae import gin
from sonotype.models.encodecmae.checkpoints import load_autoencoder, load_encodec, load_model
from sonotype.models.encodecmae.config import SIZES, EmbedderConfig
from sonotype.models.encodecmae.encodecmae import EncodecMae
from sonotype.models.encodecmae.fitting import skeleton
from sonotype.models.encodecmae.names import v1_names
from sonotype.models.encodecmae.reading import read, state_of

State = dict[str, Any]
RAN: list[str] = []


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_files(tmp_path_factory.mktemp("published"))


def state(path: Path) -> State:
    return state_of(read(path), path.name)


def refused(load: Callable[[], object], code: Code = Code.WEIGHTS_CORRUPT) -> str:
    with pytest.raises(SonotypeError) as raised:
        load()
    assert raised.value.code is code
    assert raised.value.detail.endswith((".", "…"))
    return raised.value.detail


# every format


def test_encodec(files: Files) -> None:
    codec = load_encodec(files.encodec)
    assert codec.config == CODEC
    assert codec.state.keys() == state(files.encodec).keys()


def test_v1_and_v2_give_the_same(files: Files) -> None:
    first = load_model(files.v1, V1_GIN)
    second = load_model(files.v2)
    assert (
        first.config
        == second.config
        == EmbedderConfig(
            encodec=CODEC.model_copy(update={"codebooks": 32, "codebook_size": 1024}), encoder=MODEL.encoder
        )
    )
    assert first.whole
    assert not second.whole
    assert first.state.keys() == second.state.keys()
    assert all(torch.equal(tensor, second.state[name]) for name, tensor in first.state.items())


def test_shared_tensors_are_kept_once(files: Files) -> None:
    kept = [name for name in load_model(files.v1, V1_GIN).state if "ff_layer" in name]
    assert kept == [
        f"visible_encoder.encoder_layers.0.ff_layer.{part}" for part in ("0.weight", "0.bias", "2.weight", "2.bias")
    ]


def test_both_forms_of_the_autoencoder(files: Files) -> None:
    published = load_autoencoder(files.weights, ae_gin(1))
    older = load_autoencoder(files.lightning, seconds=1)
    assert published.config == older.config == ae_config(1)
    assert published.state.keys() == older.state.keys()
    assert not any("optimizer" in name for name in older.state)
    model = load_model(files.v1, V1_GIN)
    assert published.embedder.config == model.config
    assert published.embedder.state.keys() == model.state.keys()


def test_a_self_trained_variant_loads_without_its_heads(files: Files, tmp_path: Path) -> None:
    content = state(files.v1)
    content["head.extra.layer.weight"] = torch.zeros(16, DIM)
    torch.save({"state_dict": content}, tmp_path / "st.pt")
    nine = V1_GIN.replace("TARGETS = 8", "TARGETS = 9")
    model = load_model(tmp_path / "st.pt", nine)
    assert not model.whole
    assert model.state.keys() == load_model(files.v1, V1_GIN).state.keys()
    assert "unknown" in refused(lambda: load_model(tmp_path / "st.pt", V1_GIN))


def test_half_precision_becomes_float32(files: Files, tmp_path: Path) -> None:
    torch.save({name: tensor.half() for name, tensor in state(files.encodec).items()}, tmp_path / "half.th")
    assert {tensor.dtype for tensor in load_encodec(tmp_path / "half.th").state.values()} == {torch.float32}


def test_a_file_is_as_large_as_its_unique_numbers(files: Files) -> None:
    """Shared tensors share their storage in a file as well; that is how the published sizes come about."""
    content = state(files.v1)
    unique = {tensor.untyped_storage().data_ptr(): tensor.numel() for tensor in content.values()}
    assert sum(unique.values()) == sum(t.numel() for n, t in content.items() if n not in _further(content))


def _further(content: State) -> set[str]:
    return {name for name in content if "ff_layer" in name and ".encoder_layers.0." not in name}


# names


def test_the_four_renames_between_the_layouts() -> None:
    v1 = {name: torch.zeros(1) for name in skeleton(lambda: EncodecMae(SIZES["base"])).state_dict()}
    v2 = v2_names(v1)
    assert len(v2) == len(v1) + 1
    assert {
        "wav_encoder.encoder.model.model.0.conv.conv.weight_g",
        "wav_encoder.post_net.weight",
        "visible_encoder.post_net.bias",
        "visible_encoder.encoder_layers.9.norm2.bias",
        "masker.positional_encoder.scale",
        "decoder.positional_encoder.scale",
        "decoder.encoder_layers.1.norm1.weight",
        "target_encoder.model.vq.layers.31._codebook.embed",
        "head.layer.weight",
    } <= v2.keys()
    assert not {"positional_encoder.scale", "feat_projector.weight", "decoder_projector.weight"} & v2.keys()
    back, was_v2 = v1_names(v2)
    assert was_v2
    assert back.keys() == v1.keys()
    assert v1_names(v1) == (v1, False)


def test_mel_models_and_torn_scales_are_refused() -> None:
    mel = {"wav_encoder.post_net.weight": torch.zeros(768, 256)}
    assert "mel" in refused(lambda: v1_names(mel))
    torn = {"wav_encoder.encoder.model.x": torch.zeros(1), "masker.positional_encoder.scale": torch.tensor(1.0)}
    assert "scales" in refused(lambda: v1_names(torn | {"decoder.positional_encoder.scale": torch.tensor(2.0)}))
    assert "scales" in refused(lambda: v1_names({"wav_encoder.encoder.model.x": torch.zeros(1)}))


# configurations


def test_macros_of_a_gin_file() -> None:
    text = "A_B = 1 # one\nC='x'\nD = @some.where.Thing()\nE=[1, 2]\nlower = 3\nF.g = 4\n#H = 5\nI = 1.5\n"
    text += "J = __import__('os')\n"
    assert gin.macros(text) == {
        "A_B": 1, "C": "x", "D": "some.where.Thing", "E": [1, 2], "I": 1.5, "J": "__import__('os')",
    }  # fmt: skip
    assert gin.sampler(gin.macros("META_MODEL = @a.b.ChunkDiffusionSampler")) == "ChunkDiffusionSampler"
    assert gin.seconds(gin.macros("MAX_AUDIO_DURATION = 10")) == 10.0


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    values: dict[str, object] = {}
    with contextlib.suppress(SonotypeError):
        values = gin.macros(text)
        gin.seconds(values)
    assert all(name == name.upper() for name in values)


@pytest.mark.parametrize(
    "change",
    [
        ("MODEL_DIM = 48", "MODEL_DIM = 768"),
        ("NUM_ENCODER_LAYERS = 3", "NUM_ENCODER_LAYERS = 4"),
        ("NUM_ENCODER_HEADS=12", "NUM_ENCODER_HEADS='12'"),
        ("NUM_ENCODER_HEADS=12", "OTHER=12"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(files: Files, change: tuple[str, str]) -> None:
    refused(lambda: load_model(files.v1, V1_GIN.replace(*change)), Code.INVALID_REQUEST)


def test_heads_that_do_not_fit_are_refused(files: Files) -> None:
    wrong = V1_GIN.replace("NUM_ENCODER_HEADS=12", "NUM_ENCODER_HEADS=7")
    assert "att_layer" in refused(lambda: load_model(files.v1, wrong))
    refused(lambda: load_model(files.v1, wrong.replace("HEADS=7", "HEADS=4000")))


def test_what_a_file_does_not_say_must_be_given(files: Files) -> None:
    refused(lambda: load_model(files.v1), Code.INVALID_REQUEST)
    refused(lambda: load_autoencoder(files.weights), Code.INVALID_REQUEST)
    refused(lambda: load_autoencoder(files.weights, ae_gin(1, "@ChunkSampler()")), Code.INVALID_REQUEST)
    refused(lambda: load_autoencoder(files.weights, ae_gin(1000)), Code.INVALID_REQUEST)
    refused(lambda: load_encodec(Path("no/such/file.th")), Code.NOT_FOUND)


# damaged and hostile files


def _drop(content: State) -> None:
    del content["visible_encoder.final_norm.weight"]


def _add(content: State) -> None:
    content["backdoor.weight"] = torch.zeros(2)


def _reshape(content: State) -> None:
    content["feat_projector.bias"] = torch.zeros(DIM + 1)


def _untie(content: State) -> None:
    content["visible_encoder.encoder_layers.1.ff_layer.0.weight"] = torch.zeros(64, DIM)


def _poison(content: State) -> None:
    content["feat_projector.bias"][3] = float("nan")


def _claim(content: State) -> None:
    """A terabyte out of one number."""
    content["visible_encoder.encoder_layers.0.ff_layer.0.weight"] = torch.zeros(1).expand(1 << 19, 1 << 19)


def _empty(content: State) -> None:
    content["feat_projector.bias"] = torch.zeros(0)


def _nested(content: State) -> None:
    content["feat_projector.bias"] = [torch.zeros(DIM)]


def _sparse(content: State) -> None:
    content["feat_projector.bias"] = torch.zeros(DIM).to_sparse()


def _complex(content: State) -> None:
    content["feat_projector.bias"] = torch.zeros(DIM, dtype=torch.complex64)


@pytest.mark.parametrize("harm", [_drop, _add, _reshape, _untie, _poison, _claim, _empty, _nested, _sparse, _complex])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_model_with_wrong_tensors_is_refused(
    files: Files, tmp_path: Path, harm: Callable[[State], None], version: str
) -> None:
    content = state(files.v1)
    harm(content)
    plain = all(isinstance(value, torch.Tensor) for value in content.values())
    names = v2_names(content) if version == "v2" and plain else content
    torch.save({"state_dict": names, "config": V2_GIN}, tmp_path / "model.pt")
    refused(lambda: load_model(tmp_path / "model.pt", V1_GIN))


class Bomb:
    """Pickled as a call, which an unpickler that obeys would make."""

    def __reduce__(self) -> tuple[object, ...]:
        return (RAN.append, ("boom",))


def test_a_file_that_needs_code_is_refused_and_the_code_does_not_run(files: Files, tmp_path: Path) -> None:
    torch.save({"state_dict": state(files.v1), "hyper_parameters": Bomb()}, tmp_path / "bomb.pt")
    detail = refused(lambda: load_model(tmp_path / "bomb.pt", V1_GIN))
    assert "code" in detail
    assert RAN == []


@pytest.mark.parametrize(
    "content", [[torch.zeros(2)], {}, {"state_dict": 3}, {"state_dict": {}}, {3: torch.zeros(1)}, "x"]
)
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "other.pt")
    refused(lambda: load_encodec(tmp_path / "other.pt"))


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"not a checkpoint", b"\x80\x02.", b"\x80\x04]\x94.", bytes(5000)]
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "other.th").write_bytes(data)
    refused(lambda: load_encodec(tmp_path / "other.th"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """A whole file of few bytes, and a place to write harmed copies to."""
    file = io.BytesIO()
    torch.save({"state_dict": {"a.weight": torch.ones(4), "b": torch.zeros(2, 3)}}, file)
    return file.getvalue(), tmp_path_factory.mktemp("harmed") / "file.pt"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_harmed_bytes_never_raise_anything_else(small: tuple[bytes, Path], data: st.DataObject) -> None:
    whole, path = small
    harmed = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, max(0, len(harmed) - 1)), max_size=6)):
        if harmed:
            harmed[place] = data.draw(st.integers(0, 255))
    path.write_bytes(harmed)
    with contextlib.suppress(SonotypeError):
        state_of(read(path), path.name)
