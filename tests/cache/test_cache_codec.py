"""Case 34: a harmed value is a miss, never a wrong vector and never an exception."""

from __future__ import annotations

import json
import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from sonotype.serving.cache import decode, encode
from sonotype.serving.cache.codec import SCHEMA

META = {"model": "musicnn-msd@1", "labels": ["rock", "jazz"], "starts": [0.0, 1.5], "deep": {"a": None}}
ARRAYS = {
    "tags": np.linspace(0, 1, 50, dtype=np.float32),
    "patches": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "none": np.zeros((0, 753), np.float32),
    "scalar": np.float32(3.5) * np.ones((), np.float32),
}
KEY = "v1:analyze:x"
finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def forged(head: Any, data: bytes = b"", *, schema: int = SCHEMA, length: int | None = None) -> bytes:
    """A value with a right checksum, whatever it claims."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<4sHHI", b"SNTC", schema, 0, len(text) if length is None else length) + text + data
    return body + struct.pack("<I", zlib.crc32(body, zlib.crc32(KEY.encode())))


def corrupt_count() -> float:
    return REGISTRY.get_sample_value("sonotype_cache_corrupt_total") or 0.0


@given(
    st.dictionaries(st.text(), json_values, max_size=4),
    st.dictionaries(st.text(), st.lists(finite, max_size=20).map(lambda v: np.array(v, np.float32)), max_size=4),
    st.text(),
)
def test_what_goes_in_comes_out(meta: dict[str, Any], arrays: dict[str, Any], key: str) -> None:
    value = decode(encode(meta, arrays, key=key), key=key)
    assert value is not None
    assert value[0] == meta
    assert list(value[1]) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(value[1][name], array)


def test_shapes_and_types_survive_and_views_are_read_only() -> None:
    value = decode(encode(META, ARRAYS))
    assert value is not None
    for name, array in ARRAYS.items():
        assert value[1][name].shape == array.shape
        assert value[1][name].dtype == np.float32
        assert not value[1][name].flags.writeable


def test_two_hundred_flipped_positions_are_two_hundred_misses() -> None:
    good, before = encode(META, ARRAYS, key=KEY), corrupt_count()
    rng = random.Random(34)
    for position in rng.sample(range(len(good)), 200):
        bad = bytearray(good)
        bad[position] ^= rng.randrange(1, 256)
        assert decode(bytes(bad), key=KEY) is None, position
    # a flip in the schema number reads as another schema, which is old rather than corrupt
    assert corrupt_count() - before >= 198


def test_every_truncation_and_any_extra_byte_is_a_miss() -> None:
    good = encode(META, ARRAYS)
    assert all(decode(good[:n]) is None for n in range(len(good)))
    assert decode(good + b"\0") is None


@given(st.binary(max_size=400))
def test_random_bytes_are_a_miss(data: bytes) -> None:
    assert decode(data) is None
    assert decode(b"SNTC" + data) is None


def test_a_value_under_another_key_is_a_miss() -> None:
    good = encode(META, ARRAYS, key="one")
    assert decode(good, key="one") is not None
    assert decode(good, key="two") is None


def test_another_schema_is_old_not_corrupt() -> None:
    before = corrupt_count()
    assert decode(forged({"meta": {}, "arrays": []}, schema=SCHEMA + 1), key=KEY) is None
    assert corrupt_count() == before


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"[" * 100_000,
        b"{",
        [],
        {},
        {"meta": {}},
        {"meta": [], "arrays": []},
        {"meta": {}, "arrays": {}},
        {"meta": {}, "arrays": [["a"]]},
        {"meta": {}, "arrays": [["a", 4]]},
        {"meta": {}, "arrays": [[1, [4]]]},
        {"meta": {}, "arrays": [["a", [-4]]]},
        {"meta": {}, "arrays": [["a", [True]]]},
        {"meta": {}, "arrays": [["a", [1.0]]]},
        {"meta": {}, "arrays": [["a", [1] * 9]]},
        {"meta": {}, "arrays": [["a", [2**31 - 1, 2**31 - 1, 2**31 - 1]]]},
        {"meta": {}, "arrays": [["a", [2**62]]]},
        {"meta": {}, "arrays": [["a", [1]], ["a", [0]]]},
        {"meta": {}, "arrays": [["a", [2]]]},
        {"meta": {}, "arrays": []},
    ],
)
def test_headers_that_lie_under_a_right_checksum_are_a_miss(head: Any) -> None:
    assert decode(forged(head, b"\0\0\0\0"), key=KEY) is None


@pytest.mark.parametrize("length", [2, 4_000_000_000, 2**32 - 1])
def test_a_length_beyond_the_data_is_a_miss(length: int) -> None:
    assert decode(forged({"meta": {}, "arrays": []}, length=length), key=KEY) is None


def test_a_forged_value_that_fits_is_read_but_not_a_number_is_not() -> None:
    head = {"meta": {}, "arrays": [["a", [1]]]}
    assert decode(forged(head, struct.pack("<f", 1.5)), key=KEY) is not None
    assert decode(forged(head, struct.pack("<f", np.nan)), key=KEY) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_never_cached(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        encode({}, {"tags": np.array([0.0, bad], np.float32)})
    with pytest.raises(ValueError, match="JSON compliant"):
        encode({"score": float(bad)}, {})


def test_only_float32_is_stored() -> None:
    with pytest.raises(TypeError, match="float32"):
        encode({}, {"tags": np.zeros(3)})  # type: ignore[dict-item]
