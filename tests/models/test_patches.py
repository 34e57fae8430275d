"""The patcher gives the windows that one would cut from the whole padded clip, however the clip arrives."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Window
from sonotype.models.card_parts import FrontendSpec, PatchSpec
from sonotype.models.patches import Patcher
from sonotype.models.pooling import patch_weights, pooled

RATE = 16000


def make_frontend(n_fft: int = 8, hop_length: int = 4, padding: str = "reflect", frames: str = "floor") -> FrontendSpec:
    return FrontendSpec.model_validate(
        {
            "sample_rate_hz": RATE,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "n_mels": 4,
            "fmin_hz": 0.0,
            "fmax_hz": RATE / 2,
            "window": "periodic",
            "padding": padding,
            "frames": frames,
            "log_scale": 10000.0,
        }
    )


def make_patch(
    frames: int = 5, hop_frames: int = 5, tail: str = "drop", short: str = "repeat", min_frames: int = 1
) -> PatchSpec:
    fields = {"frames": frames, "hop_frames": hop_frames, "tail": tail, "short": short, "min_frames": min_frames}
    return PatchSpec.model_validate(fields)


@dataclass
class Cut:
    windows: list[Window]
    patcher: Patcher


def cut(frontend: FrontendSpec, patch: PatchSpec, chunks: list[Floats]) -> Cut:
    patcher = Patcher(frontend, patch)
    windows = [window for chunk in chunks for window in patcher.feed(chunk)]
    return Cut(windows + patcher.finish(), patcher)


def reference(frontend: FrontendSpec, patch: PatchSpec, clip: Floats) -> list[tuple[Floats, int]]:
    """Pad the whole clip with numpy, then cut; windows as (samples, valid_frames)."""
    hop, n_fft, half = frontend.hop_length, frontend.n_fft, frontend.n_fft // 2
    total = 1 + (clip.size // hop if frontend.frames == "floor" else -(-clip.size // hop))
    after = max(0, (total - 1) * hop + n_fft - half - clip.size)
    mode = "reflect" if frontend.padding == "reflect" else "constant"
    padded = np.pad(clip, (half, after), mode=mode)
    starts = [s for s in range(0, total, patch.hop_frames) if s + patch.frames <= total]
    following = starts[-1] + patch.hop_frames if starts else 0
    policy = patch.tail if starts else patch.short
    if policy == "align":
        if starts[-1] + patch.frames < total:
            starts.append(total - patch.frames)
    elif policy != "drop" and following < total:
        starts.append(following)
    windows = []
    for start in starts:
        valid = min(patch.frames, total - start)
        used = padded[start * hop : (start + valid - 1) * hop + n_fft]
        length = (patch.frames - 1) * hop + n_fft
        windows.append((np.pad(used, (0, length - used.size)).astype(np.float32), valid))
    return windows


def make_clip(n: int) -> Floats:
    """Samples that name their own place, so that a wrong one is seen."""
    return (1.0 + np.arange(n)).astype(np.float32)


frontends = st.builds(
    make_frontend,
    n_fft=st.sampled_from([2, 4, 8, 12]),
    hop_length=st.integers(1, 12),
    padding=st.sampled_from(["reflect", "zero"]),
    frames=st.sampled_from(["floor", "ceil"]),
)
patches = st.builds(
    make_patch,
    frames=st.integers(1, 7),
    hop_frames=st.integers(1, 9),
    tail=st.sampled_from(["drop", "repeat", "pad", "align"]),
    short=st.sampled_from(["repeat", "pad", "native"]),
)


@given(
    frontend=frontends,
    patch=patches,
    n=st.integers(1, 200),
    borders=st.lists(st.integers(0, 200), max_size=12),
)
def test_any_chunking_gives_the_windows_of_the_whole_padded_clip(
    frontend: FrontendSpec, patch: PatchSpec, n: int, borders: list[int]
) -> None:
    clip = make_clip(n)
    edges = sorted([0, n, *(min(border, n) for border in borders)])
    result = cut(frontend, patch, [clip[a:b] for a, b in pairwise(edges)])
    expected = reference(frontend, patch, clip)
    assert [window.valid_frames for window in result.windows] == [valid for _, valid in expected]
    assert [window.index for window in result.windows] == list(range(len(expected)))
    for window, (samples, _) in zip(result.windows, expected, strict=True):
        np.testing.assert_array_equal(window.samples, samples)
        assert window.samples.dtype == np.float32


@given(frontend=frontends, patch=patches, n=st.integers(1, 200))
def test_the_report_accounts_for_every_second(frontend: FrontendSpec, patch: PatchSpec, n: int) -> None:
    result = cut(frontend, patch, [make_clip(n)])
    report = result.patcher.report()
    valid = [window.valid_frames for window in result.windows]
    seconds = frontend.hop_length / RATE
    assert report.count == len(valid) == result.patcher.starts_s().size
    is_native = valid[-1] < patch.frames and result.windows[-1].fill == "native"
    assert report.filled_s == pytest.approx(0.0 if is_native else (patch.frames - valid[-1]) * seconds)
    assert report.length_s == pytest.approx((valid[-1] if is_native else patch.frames) * seconds)
    last_end = float(result.patcher.starts_s()[-1]) + report.length_s
    assert report.dropped_s == pytest.approx(max(0.0, n / RATE - last_end), abs=1e-6)
    if patch.tail != "drop" and patch.hop_frames <= patch.frames:
        assert report.dropped_s == 0.0
    if patch.tail == "align":
        assert report.dropped_s == 0.0
    assert_overlap(result, patch, seconds)
    assert (report.tail, report.short) == (patch.tail, patch.short)
    assert report.hop_s == pytest.approx(patch.hop_frames * seconds)


def assert_overlap(result: Cut, patch: PatchSpec, seconds: float) -> None:
    """Only a last window that does not start where the next one would have shares more than the hop says."""
    starts, report = result.patcher.starts_s(), result.patcher.report()
    regular = (report.count - 1) * patch.hop_frames * seconds
    moved = report.count > 1 and starts[-1] < regular - seconds / 2
    shared = starts[-2] + report.length_s - starts[-1] if moved else 0.0
    assert report.overlap_s == pytest.approx(max(0.0, shared), abs=1e-6)
    assert moved <= (patch.tail == "align")
    weights = patch_weights(report)
    assert weights.shape == (report.count,)
    assert (weights[:-1] == 1).all()
    if moved:
        added = min(starts[-1] - starts[-2], report.length_s)  # what no window before has covered
        assert weights[-1] == pytest.approx(added / min(report.hop_s, report.length_s), abs=1e-4)
    else:
        assert weights[-1] == 1


@pytest.mark.parametrize(("tail", "short"), [*product(["drop", "repeat", "pad"], ["repeat", "pad"])])
@pytest.mark.parametrize("frames", ["floor", "ceil"])
@pytest.mark.parametrize("padding", ["reflect", "zero"])
def test_counts_by_hand(tail: str, short: str, frames: str, padding: str) -> None:
    frontend = make_frontend(padding=padding, frames=frames)
    patch = make_patch(tail=tail, short=short)
    # 50 samples at a hop of 4: 13 frames (floor) or 14 (ceil); patches of 5 without overlap
    long = cut(frontend, patch, [make_clip(50)])
    left = 3 if frames == "floor" else 4
    assert [window.valid_frames for window in long.windows] == ([5, 5] if tail == "drop" else [5, 5, left])
    report = long.patcher.report()
    assert report.dropped_s == pytest.approx((50 - 40) / RATE if tail == "drop" else 0.0)
    assert report.filled_s == pytest.approx(0.0 if tail == "drop" else (5 - left) * 4 / RATE)
    assert long.windows[-1].fill == ("repeat" if tail == "drop" else tail)
    # 9 samples: 3 frames or 4, less than a patch
    brief = cut(frontend, patch, [make_clip(9)])
    assert [(w.valid_frames, w.fill) for w in brief.windows] == [(left, short)]
    assert brief.patcher.report().dropped_s == 0.0


def test_repeat_starts_at_the_next_hop_position_as_essentia_does() -> None:
    # 6 frames, patches of 5 with a hop of 2: the next position is frame 2 and leaves 4 frames, heard before or not
    patch = make_patch(frames=5, hop_frames=2, tail="repeat")
    result = cut(make_frontend(), patch, [make_clip(21)])
    assert [window.valid_frames for window in result.windows] == [5, 4]
    np.testing.assert_allclose(result.patcher.starts_s(), [0.0, 2 * 4 / RATE])


def test_an_aligned_patch_ends_with_the_clip() -> None:
    # 13 frames in patches of 5: the third starts at frame 8 instead of 10 and shares 2 frames with the second
    result = cut(make_frontend(), make_patch(tail="align"), [make_clip(50)])
    assert [(window.valid_frames, window.fill) for window in result.windows] == [(5, "repeat")] * 3
    np.testing.assert_allclose(result.patcher.starts_s(), np.array([0, 5, 8]) * 4 / RATE)
    report = result.patcher.report()
    assert (report.dropped_s, report.filled_s) == (0.0, 0.0)
    assert report.overlap_s == pytest.approx(2 * 4 / RATE)
    np.testing.assert_allclose(patch_weights(report), [1, 1, 3 / 5])


def test_an_aligned_patch_among_overlapping_ones_counts_by_what_it_adds() -> None:
    # 12 frames in patches of 5 every 4: the last starts at frame 7 after 4 and adds 3 frames where others add 4
    report = cut(make_frontend(), make_patch(hop_frames=4, tail="align"), [make_clip(46)]).patcher.report()
    assert report.overlap_s == pytest.approx(2 * 4 / RATE)
    np.testing.assert_allclose(patch_weights(report), [1, 1, 3 / 4])


def test_the_mean_counts_no_audio_twice_and_the_maximum_knows_no_weights() -> None:
    report = cut(make_frontend(), make_patch(tail="align"), [make_clip(50)]).patcher.report()
    rows = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 6.0]], dtype=np.float32)
    np.testing.assert_allclose(pooled(rows, report), [(2 + 0.6 * 4) / 2.6, (2 + 0.6 * 6) / 2.6], rtol=1e-6)
    np.testing.assert_array_equal(pooled(rows, report, "max"), [4.0, 6.0])
    plain = cut(make_frontend(), make_patch(hop_frames=1), [make_clip(28)]).patcher.report()
    np.testing.assert_array_equal(pooled(rows, plain), rows.mean(axis=0))


@pytest.mark.parametrize("n", [39, 19])
def test_a_clip_of_whole_patches_needs_no_aligned_one(n: int) -> None:
    result = cut(make_frontend(), make_patch(tail="align"), [make_clip(n)])
    assert len(result.windows) == (n + 1) // 20
    assert result.patcher.report().overlap_s == 0.0


def test_a_short_clip_is_taken_as_it_is() -> None:
    result = cut(make_frontend(), make_patch(short="native", tail="align"), [make_clip(9)])
    assert [(window.valid_frames, window.fill) for window in result.windows] == [(3, "native")]
    report = result.patcher.report()
    assert report.length_s == pytest.approx(3 * 4 / RATE)
    assert (report.count, report.dropped_s, report.filled_s, report.overlap_s) == (1, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("n", "enough"), [(11, False), (12, True)])
def test_a_clip_shorter_than_the_network_can_take_is_refused(n: int, enough: bool) -> None:
    patcher = Patcher(make_frontend(), make_patch(short="native", min_frames=4))
    patcher.feed(make_clip(n))
    if enough:
        assert [window.valid_frames for window in patcher.finish()] == [4]
        return
    with pytest.raises(SonotypeError, match="at least") as caught:
        patcher.finish()
    assert caught.value.code is Code.AUDIO_TOO_SHORT


def test_nothing_is_added_when_the_last_patch_ends_the_clip() -> None:
    result = cut(make_frontend(), make_patch(tail="repeat"), [make_clip(39)])
    assert [window.valid_frames for window in result.windows] == [5, 5]
    assert result.patcher.report().filled_s == 0.0


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
def test_a_clip_shorter_than_half_a_window_is_mirrored_as_numpy_does(n: int) -> None:
    frontend = make_frontend(n_fft=12)
    clip = make_clip(n)
    window = cut(frontend, make_patch(), [clip]).windows[0]
    used = (window.valid_frames - 1) * 4 + 12
    np.testing.assert_array_equal(window.samples[:used], np.pad(clip, (6, 6), mode="reflect")[:used])
    assert not window.samples[used:].any()


def test_refuses_a_short_clip_when_asked_to() -> None:
    patcher = Patcher(make_frontend(), make_patch(short="refuse"))
    patcher.feed(make_clip(15))
    with pytest.raises(SonotypeError) as caught:
        patcher.finish()
    assert caught.value.code is Code.AUDIO_TOO_SHORT


def test_refuses_a_clip_without_samples() -> None:
    patcher = Patcher(make_frontend(), make_patch(short="pad"))
    assert patcher.feed(make_clip(0)) == []
    with pytest.raises(SonotypeError) as caught:
        patcher.finish()
    assert caught.value.code is Code.AUDIO_TOO_SHORT


def test_whole_windows_come_while_the_clip_still_arrives() -> None:
    patcher = Patcher(make_frontend(), make_patch())
    clip = make_clip(100)
    # the first window ends with sample -4 + 24 - 1 = 19
    assert patcher.feed(clip[:19]) == []
    assert [window.index for window in patcher.feed(clip[19:20])] == [0]


@pytest.mark.parametrize("chunk", [1000, 16000, 128000])
@pytest.mark.parametrize("hop_frames", [93, 187, 400])
@pytest.mark.parametrize("tail", ["drop", "align"])
def test_memory_does_not_grow_with_the_clip(chunk: int, hop_frames: int, tail: str) -> None:
    frontend = make_frontend(n_fft=512, hop_length=256)
    patcher = Patcher(frontend, make_patch(frames=187, hop_frames=hop_frames, tail=tail))
    samples = np.zeros(chunk, dtype=np.float32)
    held = []
    for _ in range(5_000_000 // chunk):
        patcher.feed(samples)
        held.append(patcher.held_samples)
    assert max(held) <= patcher.window_samples + chunk + 1024


def test_the_callers_memory_may_be_reused() -> None:
    patcher = Patcher(make_frontend(), make_patch())
    memory = make_clip(10)
    windows = []
    for start in (0, 10, 20, 30):
        memory[:] = start + 1.0 + np.arange(10)
        windows += patcher.feed(memory)
    np.testing.assert_array_equal(windows[0].samples[4:], make_clip(20))


def test_calls_out_of_order_are_bugs() -> None:
    patcher = Patcher(make_frontend(), make_patch())
    with pytest.raises(RuntimeError, match="before finish"):
        patcher.report()
    patcher.feed(make_clip(30))
    patcher.finish()
    with pytest.raises(RuntimeError, match="twice"):
        patcher.finish()
    with pytest.raises(RuntimeError, match="after finish"):
        patcher.feed(make_clip(1))
    with pytest.raises(ValueError, match="at least one frame"):
        Patcher(make_frontend(), make_patch(hop_frames=0))
    with pytest.raises(ValueError, match="mono"):
        Patcher(make_frontend(), make_patch()).feed(np.zeros((2, 3), dtype=np.float32))
