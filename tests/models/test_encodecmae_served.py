"""From published files to a model folder, and from there to embeddings and sound."""

from __future__ import annotations

import hashlib
import io
import shutil
import tomllib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
import torch
from encodecmae_kit import DIM, Files, ae_config, write_files
from safetensors.numpy import load as read_safetensors
from typer.testing import CliRunner, Result

from harness import MODELS, serve
from prototype_models import make_card, make_provenance, random_arrays
from sonotype.cli.models import app
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import Card, PrototypeCard, read_any_card, read_card
from sonotype.models.card_parts import DecoderSpec, PatchSpec, WaveformSpec
from sonotype.models.encodecmae.checkpoints import load_encodec
from sonotype.models.encodecmae.diffusion import guided, sample
from sonotype.models.encodecmae.encodec import Encodec
from sonotype.models.encodecmae.importing import Sources, import_model
from sonotype.models.encodecmae.sonifier import EncodecMaeSonifier, load_spec
from sonotype.models.encodecmae.summary import SummaryAutoencoder
from sonotype.models.heads.arrays import FILE_NAME
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry
from sonotype.models.runtime import Runtime, load
from sonotype.models.sonify import base as sonify_base
from sonotype.training.model_folder import card_text

Chain = tuple[SummaryAutoencoder, Encodec]
RATE = 24_000
NAME = "encodecmae-1s"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_files(tmp_path_factory.mktemp("published"), seconds=1)


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["import", "encodecmae", *map(str, arguments)])


@pytest.fixture(scope="module")
def repository(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository with one imported model, made by the command."""
    folder = tmp_path_factory.mktemp("models")
    result = run(
        "--encodec", files.encodec, "--model", files.v1, "--config", files.config,
        "--summary", files.weights, "--summary-config", files.summary_config, "--out", folder / NAME,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def card(repository: Path) -> Card:
    return read_card(repository / NAME / "card.toml")


@pytest.fixture(scope="module")
def runtime(repository: Path, card: Card) -> Runtime:
    return load(card, repository / NAME / "model.safetensors", "cpu", "auto")


@pytest.fixture(scope="module")
def chain(files: Files) -> Chain:
    """The published networks themselves, as their authors would load them."""
    net = SummaryAutoencoder(ae_config(1)).eval()
    net.load_state_dict(torch.load(files.weights, weights_only=True)["state_dict"])
    codec = Encodec(load_encodec(files.encodec).config).eval()
    codec.load_state_dict(torch.load(files.encodec, weights_only=True))
    return net, codec


@pytest.fixture(scope="module")
def sonifier(repository: Path) -> EncodecMaeSonifier:
    return load_spec(repository / NAME / "decoder.safetensors", decoder_spec(repository))


def decoder_spec(repository: Path) -> DecoderSpec:
    table = tomllib.loads((repository / NAME / "decoder.toml").read_text())
    return DecoderSpec.model_validate(table["decoder"])


def noise(samples: int, seed: int = 0) -> Floats:
    return (np.random.default_rng(seed).normal(size=samples) * 0.2).astype(np.float32)


@torch.inference_mode()
def z_of(chain: Chain, samples: Floats) -> Floats:
    return np.asarray(chain[0].encoder.embed(torch.from_numpy(samples)[None])[0].numpy())


# the folder


def test_the_card_says_what_it_is(card: Card, files: Files) -> None:
    assert (card.name, card.labels, card.source.kind) == (NAME, (), "none")
    assert card.frontends == {"waveform": WaveformSpec(kind="waveform", sample_rate_hz=RATE)}
    assert card.patch == PatchSpec(frames=RATE, hop_frames=RATE, tail="pad", short="pad")
    assert [(e.name, e.dim, e.pool) for e in card.embeddings] == [("summary", DIM, "mean"), ("mean", DIM, "mean")]
    assert not card.licence.commercial
    assert "alonso2024pecmae" in card.citation
    assert card.network.options["embedder"]["encoder"]["heads"] == 12
    assert card.network.options["summary"]["heads"] == 8


def test_weights_hold_each_tensor_once_and_nothing_of_the_training(repository: Path, card: Card) -> None:
    data = (repository / NAME / "model.safetensors").read_bytes()
    assert card.weights is not None
    assert hashlib.sha256(data).hexdigest() == card.weights.sha256
    arrays = read_safetensors(data)
    assert sum(array.size for array in arrays.values()) == card.weights.n_parameters
    shared = {name.split(".encoder_layers.")[0] + name[-9:] for name in arrays if "ff_layer" in name}
    assert len([name for name in arrays if "ff_layer" in name]) == len(shared) == 2 * 4
    assert not any("head" in name or "target" in name or ".decoder" in name for name in arrays)


def test_an_import_is_reproducible(files: Files, card: Card) -> None:
    again = import_model(NAME, Sources(summary=files.lightning, seconds=1))
    assert again.card.weights == card.weights
    assert again.decoder is None


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_embedding_alone_needs_one_model(files: Files, chain: Chain, tmp_path: Path, version: str) -> None:
    sources = Sources(model=files.v1, config=files.config) if version == "v1" else Sources(model=files.v2)
    alone = import_model("encodecmae-base", sources)
    assert [embedding.name for embedding in alone.card.embeddings] == ["mean"]
    assert alone.card.patch.frames == 4 * RATE
    assert alone.decoder is None
    (tmp_path / "model.safetensors").write_bytes(alone.weights)
    window = noise(4 * RATE)[None]
    rows = load(alone.card, tmp_path / "model.safetensors", "cpu", "auto").run(
        window, np.array([4 * RATE]), "pad", "waveform"
    )
    with torch.inference_mode():
        frames = chain[0].encoder.encodecmae_model(torch.from_numpy(window))[0]
    np.testing.assert_allclose(rows.arrays["mean"][0], frames.mean(0).numpy(), atol=1e-5)


def test_the_registry_takes_the_folder_as_pulled(repository: Path, tmp_path: Path) -> None:
    registry = Registry([repository], tmp_path, builtin=False)
    assert registry.problems == ()
    card = registry.get(NAME)
    assert isinstance(card, Card)
    assert registry.is_pulled(card)


def test_files_that_do_not_belong_together_are_refused(files: Files, tmp_path: Path) -> None:
    codec = torch.load(files.encodec, weights_only=True)
    codec["encoder.model.0.conv.conv.bias"] += 0.5
    torch.save(codec, tmp_path / "other.th")
    result = run("--encodec", tmp_path / "other.th", "--model", files.v2, "--out", tmp_path / "model")
    assert (result.exit_code, (tmp_path / "model").exists()) == (6, False)
    assert "not made for each other" in result.output


def test_wrong_usage_of_the_command(files: Files, repository: Path, tmp_path: Path) -> None:
    assert run("--out", tmp_path / "model").exit_code == 2
    assert run("--model", tmp_path / "missing.pt", "--out", tmp_path / "model").exit_code == 2
    assert run("--model", files.v2, "--out", tmp_path / "No Name").exit_code == 2
    again = ("--model", files.v2, "--out", repository / NAME)
    assert "already" in run(*again).output
    (tmp_path / "text.pt").write_text("hello")
    assert run("--model", tmp_path / "text.pt", "--config", files.config, "--out", tmp_path / "m").exit_code == 6


# embeddings


def test_embeddings_equal_the_published_networks(runtime: Runtime, chain: Chain) -> None:
    windows = np.stack([noise(RATE, seed) for seed in range(3)])
    output = runtime.run(windows, np.full(3, RATE), "pad", "waveform").arrays
    assert output["tags"].shape == (3, 0)
    for row, window in enumerate(windows):
        np.testing.assert_allclose(output["summary"][row], z_of(chain, window), atol=1e-5)
        with torch.inference_mode():
            frames = chain[0].encoder.encodecmae_model(torch.from_numpy(window)[None])[0]
        np.testing.assert_allclose(output["mean"][row], frames.mean(0).numpy(), atol=1e-5)


def test_a_last_piece_is_embedded_at_its_own_length(runtime: Runtime, chain: Chain) -> None:
    windows = np.zeros((3, RATE), np.float32)
    valid = np.array([RATE, 12_345, 1])
    for row, length in enumerate(valid):
        windows[row, :length] = noise(length, row)
    rows = runtime.run(windows, valid, "pad", "waveform").arrays["summary"]
    for row, length in enumerate(valid):
        np.testing.assert_allclose(rows[row], z_of(chain, windows[row, :length]), atol=1e-5)
    assert np.abs(rows[1] - z_of(chain, windows[1])).max() > 1e-2  # zeros behind it would be heard


def test_a_repeated_piece_is_tiled(runtime: Runtime, chain: Chain) -> None:
    window = np.zeros((1, RATE), np.float32)
    window[0, :7000] = noise(7000)
    rows = runtime.run(window, np.array([7000]), "repeat", "waveform").arrays["summary"]
    np.testing.assert_allclose(rows[0], z_of(chain, np.resize(noise(7000), RATE)), atol=1e-5)


@pytest.mark.parametrize(
    ("seconds", "patches", "last"), [(30.013, 8, 2.013), (2.97, 1, 2.97), (4.0, 1, 4.0), (8.0, 2, 4.0)]
)
def test_clips_are_cut_as_the_authors_cut_them(seconds: float, patches: int, last: float) -> None:
    """Windows of 4 s side by side; the last one is kept at the length it has."""
    spec = PatchSpec(frames=4 * RATE, hop_frames=4 * RATE, tail="pad", short="pad")
    clip = noise(round(seconds * RATE))
    patcher = Patcher(WaveformSpec(kind="waveform", sample_rate_hz=RATE), spec)
    windows = [w for start in range(0, len(clip), 7001) for w in patcher.feed(clip[start : start + 7001])]
    windows += patcher.finish()
    assert len(windows) == patches
    joined = np.concatenate([window.samples[: window.valid_frames] for window in windows])
    np.testing.assert_array_equal(joined, clip)
    assert windows[-1].valid_frames == round(last * RATE)
    report = patcher.report()
    assert (report.length_s, report.dropped_s) == (4.0, 0.0)
    assert report.filled_s == pytest.approx(4.0 - last)
    assert patcher.held_samples <= 2 * 4 * RATE + 7001


# sound


def test_the_sonifier_equals_the_published_chain(sonifier: EncodecMaeSonifier, chain: Chain) -> None:
    z = z_of(chain, noise(RATE))
    blocks = list(sonifier.stream(z, seed=3, steps=5, guidance=1.0))
    audio = np.concatenate(blocks)
    assert len(blocks) > 1
    assert all(block.dtype == np.float32 for block in blocks)
    net, codec = chain
    with torch.inference_mode():
        start = torch.randn(1, 75, 8, generator=torch.Generator().manual_seed(3))
        velocity = guided(net, net.encoder.pos_encoder, torch.from_numpy(z)[None], 1.0)
        expected = codec.decoder(sample(velocity, start, 5).transpose(1, 2)).flatten().numpy()
    np.testing.assert_allclose(audio, expected, atol=1e-5)
    assert audio.shape == (RATE,)
    assert audio.std() > 1e-4


def test_a_seed_decides_the_sound(sonifier: EncodecMaeSonifier) -> None:
    z = noise(DIM)
    one, again, other = (np.concatenate(list(sonifier.stream(z, seed=s, steps=3))) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-5


def test_defaults_are_those_of_pecmae(repository: Path) -> None:
    spec = decoder_spec(repository)
    assert (spec.steps, spec.guidance) == (40, 1.0)
    assert (spec.dim, spec.sample_rate_hz, spec.segment_samples) == (DIM, RATE, RATE)


@pytest.mark.parametrize("vector", [np.zeros(DIM + 1), np.full(DIM, np.nan), np.zeros((1, DIM))])
def test_a_vector_that_is_no_embedding_is_refused(sonifier: EncodecMaeSonifier, vector: Floats) -> None:
    with pytest.raises(SonotypeError) as raised:
        next(sonifier.stream(vector.astype(np.float32), seed=0))
    assert raised.value.code is Code.INVALID_REQUEST


def test_a_decoder_that_is_not_its_cards_is_refused(repository: Path, tmp_path: Path) -> None:
    spec = decoder_spec(repository)
    with pytest.raises(SonotypeError) as missing:
        load_spec(tmp_path / "decoder.safetensors", spec)
    assert missing.value.code is Code.WEIGHTS_MISSING
    data = (repository / NAME / "decoder.safetensors").read_bytes()
    (tmp_path / "decoder.safetensors").write_bytes(data[:-4] + b"\0\0\0\1")
    wrong = spec.model_copy(update={"dim": DIM + 1})
    narrow = {**spec.options, "denoiser": {**spec.options["denoiser"], "feedforward": 63}}
    for path, card in (
        (tmp_path / "decoder.safetensors", spec),
        (repository / NAME / "decoder.safetensors", wrong),
        (repository / NAME / "decoder.safetensors", spec.model_copy(update={"options": {}})),
        (repository / NAME / "decoder.safetensors", spec.model_copy(update={"options": narrow})),
    ):
        with pytest.raises(SonotypeError) as raised:
            load_spec(path, card)
        assert raised.value.code is Code.WEIGHTS_CORRUPT


# the service


def wav(clip: Floats) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, clip, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()  # it holds the time of day, so two of one clip differ


def ask(client: httpx.Client, audio: bytes, **params: object) -> list[dict[str, Any]]:
    headers = {"content-type": "application/octet-stream"}
    answer = client.post("/v1/analyze", params=params, content=audio, headers=headers)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


@pytest.fixture(scope="module")
def prototypes(repository: Path, card: Card) -> PrototypeCard:
    """A prototype model on the summary, given the published decoder as docs/encodecmae.md says."""
    arrays = random_arrays(2, 1, DIM)
    made = make_card(arrays, ("a", "b"), name="mine", decoder=False, backbone=card)
    backbone = made.backbone.model_copy(update={"embedding": "summary"})
    made = made.model_copy(update={"backbone": backbone, "seeds": (0,)})
    folder = repository / "mine"
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(arrays.to_bytes())
    (folder / "provenance.json").write_text(make_provenance(made, arrays).model_dump_json())
    shutil.copy(repository / NAME / "decoder.safetensors", folder)
    (folder / "card.toml").write_text(card_text(made) + "\n" + (repository / NAME / "decoder.toml").read_text())
    found = read_any_card(folder / "card.toml")
    assert isinstance(found, PrototypeCard)
    return found


def test_the_decoder_belongs_to_a_prototype_model(repository: Path, prototypes: PrototypeCard) -> None:
    sonifier = sonify_base.load(repository / "mine", prototypes)
    assert (sonifier.dim, sonifier.sample_rate_hz, sonifier.segment_samples) == (DIM, RATE, RATE)


@pytest.mark.timeout(600)  # of which a quiet machine needs ten
def test_the_service_answers_with_embedding_prototypes_and_sound(
    repository: Path, tmp_path: Path, chain: Chain, prototypes: PrototypeCard
) -> None:
    clip = noise(RATE + 9000)
    z = np.stack([z_of(chain, clip[:RATE]), z_of(chain, clip[RATE:])])
    settings = {"model_path": f"{repository},{MODELS}", "devices": "cpu:1", "deadline_s": 240}
    with serve(tmp_path, models=f"{NAME},mine,fake", **settings) as served:
        served.wait_ready(240)
        audio, client = wav(clip), served.client()
        patches = {"embeddings": ["summary", "mean"], "embedding_scope": "patches", "timeline": True}
        first, second = (ask(client, audio, model=NAME, **patches)[0] for _ in "12")
        several = ask(client, audio, model=[NAME, "fake", "mine"], embeddings="default")
        model = client.get(f"/v1/models/{NAME}").json()
        body = {"model": "mine", "embedding": z[0].tolist(), "seed": 5, "steps": 4}
        # decoders run at the lowest priority: on a busy machine the first one takes minutes to load
        sound = httpx.post(f"{served.url}/v1/sonify", json=body, timeout=250)
        assert served.stop() == 0
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["tags"] == []
    assert first["patches"] | {"count": 2, "length_s": 1.0, "tail": "pad"} == first["patches"]
    assert [(e["name"], e["dim"]) for e in first["embeddings"]] == [("summary", DIM), ("mean", DIM)]
    np.testing.assert_allclose(first["embeddings"][0]["values"], z, atol=2e-4)
    assert second["embeddings"] == first["embeddings"]
    assert (model["sample_rate_hz"], model["labels"], model["frontends"]) == (RATE, [], ["waveform"])
    # three models, two sample rates, one request
    assert [result["model"] for result in several] == [f"{NAME}@1", "fake@1", "mine@1"]
    assert {tag["label"] for tag in several[2]["tags"]} == {"a", "b"}
    # the published chain, heard through the service
    assert sound.status_code == 200, sound.text
    heard, rate = soundfile.read(io.BytesIO(sound.content), dtype="float32")
    expected = np.concatenate(list(sonify_base.load(repository / "mine", prototypes).stream(z[0], seed=5, steps=4)))
    assert rate == RATE
    np.testing.assert_allclose(heard, np.clip(expected, -1, 1), atol=1e-3)
