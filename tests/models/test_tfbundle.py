"""The checkpoint reader: what it reads, and that nothing hostile gets more out of it than an error."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from bundles import block, bundle, entry, field, index_of, masked, table, varint
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights.sstable import masked_crc32c
from sonotype.models.weights.tfbundle import read_bundle

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
DATA = b"\0\0\x80\x3f" * 4  # four times 1.0


def arrays_of(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def refused(index: bytes, shards: list[bytes]) -> SonotypeError:
    with pytest.raises(SonotypeError) as caught:
        read_bundle(index, shards)
    assert caught.value.code is Code.WEIGHTS_CORRUPT
    return caught.value


def read_or_refuse(index: bytes, shards: list[bytes]) -> dict[str, np.ndarray[Any, Any]] | None:
    """Whatever comes in: arrays, or our own error and no other."""
    try:
        return read_bundle(index, shards)
    except SonotypeError as error:
        return None if error.code is Code.WEIGHTS_CORRUPT else pytest.fail(error.detail)


@given(shapes=st.dictionaries(NAMES, SHAPES, max_size=12), n_shards=st.integers(1, 3), per_block=st.integers(1, 9))
def test_reads_back_what_was_written(shapes: dict[str, tuple[int, ...]], n_shards: int, per_block: int) -> None:
    arrays = arrays_of(shapes)
    read = read_bundle(*bundle(arrays, n_shards, per_block))
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert read[name].dtype == np.float32
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()


def test_the_checksum_is_the_published_one() -> None:
    crc = 0xE3069283  # crc32c of "123456789", RFC 3720
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


def test_unwanted_variables_are_not_looked_at() -> None:
    index, (shard,) = bundle({"a": np.ones(3, np.float32), "a/Adam": np.zeros(3, np.float32)})
    broken = shard[:12] + b"\xff" * 12
    assert read_bundle(index, [broken], lambda name: not name.endswith("Adam"))["a"].tolist() == [1, 1, 1]
    refused(index, [broken])


def test_every_flipped_byte_is_noticed_or_harmless() -> None:
    arrays = arrays_of({f"layer_{number}/kernel": (2, number) for number in range(6)})
    index, shards = bundle(arrays, per_block=3)
    noticed = 0
    for at in range(len(index)):
        flipped = index[:at] + bytes([index[at] ^ 0x41]) + index[at + 1 :]
        read = read_or_refuse(flipped, shards)
        noticed += read is None
        assert read is None or all(read[name].tobytes() == array.tobytes() for name, array in arrays.items())
    assert noticed >= len(index) - 60  # the metaindex block and the footer's padding are not used
    for at in range(len(shards[0])):
        refused(index, [shards[0][:at] + bytes([shards[0][at] ^ 1]) + shards[0][at + 1 :]])


def test_every_truncation_is_noticed() -> None:
    index, shards = bundle(arrays_of({"a": (3,), "b": (2, 2)}))
    for length in range(len(index)):
        refused(index[:length], shards)
    for length in range(len(shards[0])):
        refused(index, [shards[0][:length]])


@given(noise=st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    refused(noise, [noise])


@settings(max_examples=300)
@given(contents=st.binary(max_size=120), shard=st.binary(max_size=64))
def test_blocks_with_a_right_checksum_may_hold_anything(contents: bytes, shard: bytes) -> None:
    read_or_refuse(table([(b"z", contents)]), [shard])


@settings(max_examples=300)
@given(message=st.binary(max_size=60))
def test_entries_may_hold_anything(message: bytes) -> None:
    read_or_refuse(index_of({"a": message}), [DATA])


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (entry((2**40, 2**20), DATA, 0), "does not fit"),
        (entry((4,), DATA, 8), "does not fit"),
        (entry((2**62,), DATA, 0, size=2**64), "more bytes than it holds"),
        (entry((4,), DATA, 0, shard=3), "a shard that is not there"),
        (entry((4,), DATA, 0, dtype=2), "not float32"),
        (entry((4,), DATA[:-1] + b"\0", 0), "checksum"),
        (entry((4,), DATA, 0) + field(7, b""), "sliced"),
        (entry((1,) * 9, DATA[:4], 0), "malformed"),
        (field(2, 7), "malformed"),
        (field(5, b"x"), "malformed"),
        (field(2, b"abc")[:-1], "cut short"),
        (b"\x80" * 11, "does not end"),
        (b"\x0b", "cut short"),
    ],
)
def test_hostile_entries(message: bytes, complaint: str) -> None:
    assert complaint in refused(index_of({"a": message}), [DATA]).detail


def test_hostile_tables() -> None:
    header = block([(b"", field(1, 1))])
    assert "compressed" in refused(table([(b"", header)], kind=1), [b""]).detail
    assert "out of order" in refused(table([(b"b", block([(b"b", b""), (b"a", b"")]))]), [b""]).detail
    assert "header" in refused(table([(b"", block([(b"", field(1, 2))]))]), [b""]).detail
    assert "header" in refused(table([(b"", block([(b"", field(1, 1) + field(2, 1))]))]), [b""]).detail
    assert "not text" in refused(table([(b"z", block([(b"", field(1, 1)), (b"\xff", b"")]))]), [b""]).detail
    assert "restart points" in refused(table([(b"z", b"\xff" * 4)]), [b""]).detail
    assert "too short" in refused(table([(b"z", b"")]), [b""]).detail


def test_blocks_may_not_share_bytes() -> None:
    """One block named many times would be read as many."""
    good = table([(b"", block([(b"", field(1, 1))]))])
    size = len(block([(b"", field(1, 1))]))
    handles = block([(bytes([number]), varint(0) + varint(size)) for number in range(1, 9)])
    body = handles + b"\0"
    at = len(good)
    forged = good + body + masked(body).to_bytes(4, "little")
    footer = (varint(0) + varint(0) + varint(at) + varint(len(handles))).ljust(40, b"\0") + good[-8:]
    assert "overlap" in refused(forged + footer, [b""]).detail


def test_a_small_file_cannot_claim_much_memory() -> None:
    shard = np.ones(2**16, np.float32).tobytes()
    sharing = index_of({f"v{number}": entry((2**16,), shard, 0) for number in range(1000)})
    growing = b"".join(varint(number) + varint(1) + varint(0) + b"a" for number in range(20_000))
    names = table([(b"z", growing + b"\0\0\0\0" + b"\1\0\0\0")])
    huge = index_of({"a": entry((2**31, 2**31), DATA, 0, size=2**62)})
    tracemalloc.start()
    try:
        assert "more bytes" in refused(sharing, [shard]).detail
        assert "overlong" in refused(names, [shard]).detail
        refused(huge, [DATA])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20
