"""The arithmetic of the MAEST benchmark: operations, ratios, agreement, cards, the picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

pytest.importorskip("maest_infer")

from bench.maest import curve, flops, music, parity, picture, speed
from bench.maest.cards import make_card

from sonotype.core.types import Patchout
from sonotype.models.grid import Grid
from sonotype.models.nets.maest import MAEST


@pytest.mark.parametrize("blocks", [(1,), (2,)])
@pytest.mark.parametrize("patchout", [None, Patchout(2, 2, 1)])
def test_the_formula_counts_what_torch_counts(blocks: tuple[int, ...], patchout: Patchout | None) -> None:
    net = MAEST(5, columns=31, width=24, depth=2, heads=3, blocks=blocks)
    mel = torch.rand(1, 200, 96)
    tokens = net.tokens(mel, patchout).shape[1]
    size = flops.Size.of(net)
    # a tapped last block needs all of its tokens
    formula = flops.as_published if blocks == (2,) else flops.executed
    assert flops.counted(net, mel, patchout) == formula(tokens, size)


def test_the_published_network_takes_391_6_gflop() -> None:
    assert flops.as_published(1685, flops.Size()) / 1e9 == pytest.approx(391.6, abs=0.1)
    assert flops.executed(1685, flops.Size()) / flops.as_published(1685, flops.Size()) == pytest.approx(0.93, abs=0.01)


def make_row(contender: str, quality: str, **values: float) -> dict[str, object]:
    return {"contender": contender, "quality": quality, "to_peer": 2.0, "to_full": 5.0, "of_rate": 0.8} | values


def test_ratios_are_medians_of_the_ratios_of_a_round() -> None:
    assert speed.ratio([4.0, 8.0, 90.0], [2.0, 4.0, 10.0]) == 2.0


def test_rows_compare_with_the_peer_and_with_full() -> None:
    outputs = {"logits": torch.zeros(1, 3), "block7": torch.ones(1, 2)}
    turns = {("maest-infer", q): [4.0, 4.0] for q in ("full", "fast")} | {
        ("ours", "full"): [2.0, 2.2],
        ("ours", "fast"): [0.5, 0.5],
    }
    answers = dict.fromkeys(turns, outputs) | {("ours", "fast"): {"logits": torch.full((1, 3), 0.5)}}
    rows = {(row["contender"], row["quality"]): row for row in speed.rows(turns, answers)}
    assert rows["ours", "fast"]["to_peer"] == 8.0
    assert rows["ours", "fast"]["to_full"] == pytest.approx(4.2)
    assert rows["ours", "fast"]["logits"] == 0.5
    assert rows["ours", "fast"]["block7"] is None
    assert rows["ours", "full"]["block7"] == 0.0


@pytest.mark.parametrize(
    ("change", "missed"),
    [({}, 0), ({"to_peer": 1.2}, 1), ({"to_full": 3.9}, 1), ({"of_rate": 0.4}, 1), ({"logits": 2e-4}, 1)],
)
def test_aims(change: dict[str, float], missed: int) -> None:
    values = {"logits": 1e-6, "block7": 1e-6} | change
    rows = [make_row("openvino fp32", quality, **values) for quality in ("full", "balanced", "fast")]
    assert sum(not met for met in speed.aims({"rows": rows}).values()) == missed


def test_parity_is_met_only_where_everything_is_equal() -> None:
    row = {"logits": 1e-6, "blocks": 1e-5, "block7_asked": None}
    assert parity.met([row])
    assert not parity.met([row, row | {"blocks": 2e-4}])
    assert not parity.met([row | {"block7_asked": 2e-4}])


def test_agreement_with_itself_is_whole() -> None:
    random = np.random.default_rng(0)
    same = curve.Seen(random.random((4, 9), np.float32), random.random((4, 6)), random.random((8, 6)), 2.0)
    row = curve.row(curve.Dial("full"), Grid(9, 31), same, same)
    assert (row["tokens"], row["ratio"], row["top5"], row["top1"], row["score_worst"]) == (281, 1.0, 1.0, 1.0, 0.0)
    assert row["cosine"] == row["centred"] == pytest.approx(1.0, abs=1e-3)


def test_agreement_counts_the_top_five_that_both_have() -> None:
    tags = np.arange(10, dtype=np.float32)[None]
    moved = tags.copy()
    moved[0, 9] = 0.0
    assert curve.top_overlap(tags, moved) == pytest.approx(0.8)


def test_dials_scale_with_the_grid_and_differ() -> None:
    assert curve.Dial("half", share=0.5).patchout(31) == Patchout(time_drop=16)
    assert curve.Dial("half", share=0.5).patchout(186) == Patchout(time_drop=93)
    assert len({dial.name for dial in curve.DIALS}) == len({dial.patchout(187) for dial in curve.DIALS})


def test_the_target_of_a_stretch_is_the_mean_over_its_frames() -> None:
    track = music.Track(np.zeros((20, 96), np.float16), np.array([[0.0], [1.0]], np.float32), 10)
    assert track.target(5, 10).tolist() == [0.5]
    assert track.target(8, 10)[0] == pytest.approx(0.8)


def test_log_mel_of_a_clip_has_the_frames_of_its_front_end() -> None:
    card = make_card("maest", ["a", "b"], {"columns": 31})
    spec = card.mel_frontends[card.default_frontend]
    mel = music.log_mel(np.random.default_rng(0).normal(size=4000).astype(np.float32), spec)
    assert mel.shape == (spec.n_frames(4000), 96)


def test_only_music_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.ogg").write_bytes(b"not audio")
    (tmp_path / "b.txt").write_bytes(b"text")
    assert music.files([tmp_path]) == [tmp_path / "a.ogg"]
    assert music.read(tmp_path / "a.ogg", 10.0) is None


def test_the_picture_is_svg_and_every_dial_is_on_a_line() -> None:
    rows = [
        {"name": dial.name, "large_ratio": 1.0 + at, "centred": 1.0 - at / 50, "top5": 1.0 - at / 40}
        for at, dial in enumerate(curve.DIALS)
    ]
    root = ElementTree.fromstring(picture.draw(rows))  # noqa: S314 - our own text
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    lines = 5
    assert len(circles) == 2 * (len(rows) - 1 + lines)  # every line starts at `full`
