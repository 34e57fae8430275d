"""Engines are chosen by measurement, and only where their scores agree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tuning_kit import LABELS, Behaviour, Clock, Engines, tunable_card

from sonotype.cli.tune import _cells
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.card_parts import RuntimeSpec, WeightsSpec
from sonotype.models.runtime import load
from sonotype.models.tuning import candidates, choosing, measuring, memory
from sonotype.models.tuning.choosing import Chooser
from sonotype.models.tuning.probe import piece

WEIGHTS = Path("model.safetensors")


@pytest.fixture(autouse=True)
def _a_machine_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "resolve_precision", lambda precision: "bf16")
    monkeypatch.setattr(candidates, "has_onnxruntime", lambda: True)
    monkeypatch.setattr(measuring, "piece", lambda seed, samples, rate_hz: np.zeros(samples, np.float32))


def make(
    tmp_path: Path, behaviours: dict[tuple[str, str], Behaviour], card: Card | None = None
) -> tuple[Chooser, Engines]:
    clock = Clock()
    engines = Engines(card or tunable_card(), clock, behaviours)
    return Chooser(engines, "cpu", 1, tmp_path / "engines.json", clock), engines


def test_the_fastest_that_agrees_is_chosen(tmp_path: Path) -> None:
    chooser, engines = make(
        tmp_path,
        {
            ("openvino", "fp32"): Behaviour(0.5, 1e-5),
            ("openvino", "bf16"): Behaviour(0.2, 3e-3),
            ("onnxruntime", "fp32"): Behaviour(0.3),
        },
    )
    measured = chooser.tune(engines.card, WEIGHTS, "auto")
    assert (measured.engine, measured.precision) == ("openvino", "bf16")
    assert [(row.engine, row.precision) for row in measured.rows] == [
        ("torch", "fp32"),
        ("torch", "bf16"),
        ("openvino", "fp32"),
        ("openvino", "bf16"),
        ("onnxruntime", "fp32"),
    ]
    times = {(row.engine, row.precision): row.ms for row in measured.rows}
    assert times["openvino", "bf16"] == pytest.approx(200.0)
    assert times["torch", "fp32"] == pytest.approx(1000.0)
    assert chooser.tune(engines.card, WEIGHTS, "fp32").engine == "onnxruntime"


def test_fast_engines_that_are_wrong_are_refused(tmp_path: Path) -> None:
    swapped = np.zeros(len(LABELS))
    swapped[2], swapped[3] = 0.101, -0.101
    nothing = np.full(len(LABELS), np.nan)
    chooser, engines = make(
        tmp_path,
        {
            ("torch", "bf16"): Behaviour(0.1, 4e-3),
            ("openvino", "fp32"): Behaviour(0.1, 2e-4),
            ("openvino", "bf16"): Behaviour(0.1, nothing),
            ("onnxruntime", "fp32"): Behaviour(0.1, swapped),
        },
    )
    measured = chooser.tune(engines.card, WEIGHTS, "auto")
    assert (measured.engine, measured.precision) == ("torch", "fp32")
    assert [row.agrees for row in measured.rows] == [True, False, False, False, False]
    assert not measured.rows[4].top
    assert measured.rows[3].fault


def test_what_is_asked_for_by_name_is_computed_though_nothing_agrees(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {(engine, "bf16"): Behaviour(0.1, 0.2) for engine in ("torch", "openvino")}
    chooser, engines = make(tmp_path, wrong)
    measured = chooser.tune(engines.card, WEIGHTS, "bf16")
    assert (measured.engine, measured.precision) == ("openvino", "bf16")
    assert not any(row.agrees for row in measured.rows)
    assert "nothing in bf16 agrees with the reference" in caplog.text
    assert chooser.recall(engines.card, "bf16") == measured
    assert _cells(measured.rows[-1], chosen=True)[-1] == "refused, but asked for"


def test_an_engine_that_breaks_is_told_and_not_chosen(tmp_path: Path) -> None:
    broken = Behaviour(0.1, fault=RuntimeError("no such instruction\nand so on"))
    chooser, engines = make(tmp_path, {("openvino", "fp32"): broken, ("openvino", "bf16"): broken})
    measured = chooser.tune(engines.card, WEIGHTS, "auto")
    assert measured.engine in {"torch", "onnxruntime"}
    assert measured.rows[2].fault == "RuntimeError: no such instruction"


def test_without_a_reference_nothing_is_measured(tmp_path: Path) -> None:
    corrupt = SonotypeError(Code.WEIGHTS_CORRUPT, "no")
    chooser, engines = make(tmp_path, {("torch", "fp32"): Behaviour(1.0, fault=corrupt)})
    with pytest.raises(SonotypeError, match="no"):
        chooser.tune(engines.card, WEIGHTS, "auto")
    assert chooser.recall(engines.card, "auto") is None


def test_labels_that_the_reference_scores_alike_may_change_places() -> None:
    reference = np.array([[0.9, 0.5, 0.5, 0.1]], np.float32)
    assert measuring.same_top(np.array([[0.9, 0.4999, 0.5, 0.1]], np.float32), reference, 2)
    assert not measuring.same_top(np.array([[0.9, 0.1, 0.1, 0.5]], np.float32), reference, 2)


def test_a_choice_is_remembered_until_something_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chooser, engines = make(tmp_path, {("openvino", "fp32"): Behaviour(0.1)})
    assert chooser.choose(engines.card, WEIGHTS, "auto", "auto") == ("auto", "auto")
    assert engines.loaded == []  # `auto` never measures
    assert chooser.choose(engines.card, WEIGHTS, "auto", "measure") == ("openvino", "fp32")
    count = len(engines.loaded)
    assert count == 5
    assert chooser.choose(engines.card, WEIGHTS, "auto", "measure") == ("openvino", "fp32")
    assert chooser.choose(engines.card, WEIGHTS, "auto", "auto") == ("openvino", "fp32")
    assert len(engines.loaded) == count

    other = engines.card.model_copy(update={"weights": WeightsSpec(sha256="cd" * 32, n_parameters=1)})
    assert chooser.choose(other, WEIGHTS, "auto", "auto") == ("auto", "auto")
    assert chooser.choose(other, WEIGHTS, "auto", "measure") == ("openvino", "fp32")
    assert chooser.recall(engines.card, "auto") is None  # the new weights took its place
    monkeypatch.setattr(memory, "version", lambda package: "99.0")
    assert chooser.recall(other, "auto") is None
    assert chooser.choose(other, WEIGHTS, "auto", "auto") == ("auto", "auto")


def test_another_precision_is_another_choice(tmp_path: Path) -> None:
    chooser, engines = make(tmp_path, {("openvino", "bf16"): Behaviour(0.1)})
    assert chooser.choose(engines.card, WEIGHTS, "auto", "measure") == ("openvino", "bf16")
    assert chooser.choose(engines.card, WEIGHTS, "fp32", "auto") == ("auto", "fp32")
    assert chooser.choose(engines.card, WEIGHTS, "fp32", "measure")[1] == "fp32"


def test_a_damaged_file_holds_nothing(tmp_path: Path) -> None:
    chooser, engines = make(tmp_path, {})
    (tmp_path / "engines.json").write_text('{"measured": {"maest-tiny cpu auto": 3}}')
    assert chooser.recall(engines.card, "auto") is None
    chooser.tune(engines.card, WEIGHTS, "auto")
    assert chooser.recall(engines.card, "auto") is not None


def test_a_choice_that_was_written_in_does_not_get_past_the_gate(tmp_path: Path) -> None:
    chooser, engines = make(tmp_path, {("openvino", "fp32"): Behaviour(0.1), ("torch", "bf16"): Behaviour(0.05, 0.2)})
    assert chooser.tune(engines.card, WEIGHTS, "auto").engine == "openvino"
    file = tmp_path / "engines.json"
    kept = json.loads(file.read_text())
    entry = next(iter(kept["measured"].values()))
    for change in ({"engine": "torch", "precision": "bf16"}, {"rows": []}, {"engine": "none such"}):
        file.write_text(json.dumps({"version": 1, "measured": {"maest-tiny cpu auto": entry | change}}))
        assert chooser.recall(engines.card, "auto") is None
    file.write_text(json.dumps(kept))
    assert chooser.recall(engines.card, "auto") is not None


def test_measuring_needs_no_folder_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    chooser, engines = make(tmp_path / "file", {("openvino", "fp32"): Behaviour(0.1)})
    assert chooser.choose(engines.card, WEIGHTS, "auto", "measure") == ("openvino", "fp32")


def test_settings_come_before_the_card_and_the_card_before_measurements(tmp_path: Path) -> None:
    fixed = tunable_card(runtime=RuntimeSpec(engine="onnxruntime", precision="fp32"))
    chooser, engines = make(tmp_path, {("openvino", "bf16"): Behaviour(0.1)}, fixed)
    chooser.tune(fixed, WEIGHTS, "auto")
    engines.loaded.clear()
    assert chooser.choose(fixed, WEIGHTS, "auto", "auto") == ("onnxruntime", "fp32")
    assert chooser.choose(fixed, WEIGHTS, "auto", "measure") == ("onnxruntime", "fp32")
    assert chooser.choose(fixed, WEIGHTS, "bf16", "torch") == ("torch", "bf16")
    assert engines.loaded == []


def test_where_there_is_no_choice_nothing_is_measured(tmp_path: Path) -> None:
    chooser, engines = make(tmp_path, {})
    assert chooser.choose(tunable_card(weights=None), WEIGHTS, "auto", "measure") == ("auto", "auto")
    assert chooser.choose(engines.card, None, "auto", "measure") == ("auto", "auto")
    assert engines.loaded == []


def test_candidates_are_what_the_device_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {str(it) for it in candidates.candidates("cuda:0")} == {"torch fp32", "torch bf16"}
    monkeypatch.setattr(candidates, "resolve_precision", lambda precision: "fp32")
    monkeypatch.setattr(candidates, "has_onnxruntime", lambda: False)
    assert {str(it) for it in candidates.candidates("cpu")} == {"torch fp32", "openvino fp32"}


def test_the_cards_engine_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(SonotypeError, match="openvino does not compute on 'cuda'") as caught:
        load(tunable_card(runtime=RuntimeSpec(engine="openvino")), WEIGHTS, "cuda", "auto")
    assert caught.value.code is Code.INVALID_REQUEST


def test_made_audio_is_the_same_every_time_and_every_piece_another() -> None:
    pieces = [piece(seed, 16000, 16000) for seed in range(4)]
    assert all(np.array_equal(found, piece(seed, 16000, 16000)) for seed, found in enumerate(pieces))
    assert all(0.001 < np.abs(found).max() < 4.0 for found in pieces)
    assert len({float(found.std()) for found in pieces}) == 4


def test_the_clock_is_that_of_the_processor_for_one_thread() -> None:
    assert measuring.clock_for("cpu", 1) is not measuring.clock_for("cpu", 2)
    assert measuring.clock_for("cuda:0", 1) is measuring.clock_for("cpu", 2)
    assert choosing.default("cuda:0") == "torch"
