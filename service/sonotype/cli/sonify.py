"""`sonotype sonify`: sound from a file, an embedding, prototypes or a path between classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from sonotype.api.options import parse_options
from sonotype.api.sonify import SonifyBody
from sonotype.cli.asking import run
from sonotype.cli.document import Document
from sonotype.cli.errors import reported
from sonotype.cli.files import read_file
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.prototype_calls import Calls
from sonotype.cli.prototypes import Output, open_calls, print_facts
from sonotype.cli.sound_file import format_of, write_sound
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload

_START = "Where to start: exactly one"
_HOW = "How to generate"


def sonify(
    ctx: typer.Context,
    output: Output,
    file: Annotated[
        Path | None, typer.Argument(help="An audio file: hear what the model kept of it.", show_default=False)
    ] = None,
    prototype: Annotated[
        list[str] | None, typer.Option(metavar="ID=WEIGHT", help="Mix prototypes; repeatable.", rich_help_panel=_START)
    ] = None,
    embedding: Annotated[
        Path | None, typer.Option(help="A NumPy file with one embedding.", rich_help_panel=_START)
    ] = None,
    from_label: Annotated[
        str | None, typer.Option("--from", help="The prototypes of a class; with --to.", rich_help_panel=_START)
    ] = None,
    to_label: Annotated[
        str | None, typer.Option("--to", help="Go on to where this class wins, a segment per point.")
    ] = None,
    points: Annotated[int, typer.Option(help="Segments of that path.")] = 5,
    model: Annotated[str, typer.Option(help="A prototype model; default: the first with a decoder.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same sound.", rich_help_panel=_HOW)] = 0,
    steps: Annotated[int | None, typer.Option(help="Of the sampler.", rich_help_panel=_HOW)] = None,
    guidance: Annotated[float | None, typer.Option(help="Strength of the condition.", rich_help_panel=_HOW)] = None,
    format: Annotated[
        str | None, typer.Option(help="wav, flac, ogg or mp3; default: the suffix.", rich_help_panel=_HOW)
    ] = None,
    timeout_s: Annotated[
        float | None, typer.Option(help="Give up after so many seconds.", rich_help_panel=_HOW)
    ] = None,
    server: Server = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Generate sound and write it as it comes.

    Examples:
      sonotype sonify solo.mp3 -o kept.wav
      sonotype sonify solo.mp3 --to cello -o path.wav
      sonotype sonify --from flute --to cello --points 7 -o path.ogg
      sonotype sonify --prototype instruments-pecmae.cello.0=2 --prototype instruments-pecmae.flute.1=1 -o mix.wav
      sonotype sonify --embedding vector.npy --seed 3 -o - | ffplay -
    """
    with reported():
        values: dict[str, Any] = {
            "model": model,
            "seed": seed,
            "steps": steps,
            "guidance": guidance,
            "format": format_of(output, format),
            "timeout_s": timeout_s,
            "embedding": None if embedding is None else _read_embedding(embedding),
            "prototypes": [_weighted(text) for text in prototype] if prototype else None,
            "path": _path(from_label, to_label, points),
        }
        body = parse_options(SonifyBody, values)
        upload = None if file is None else _read_upload(file)
        body.query(has_upload=upload is not None)  # refuses two starts before anything is opened

        async def generate(calls: Calls) -> Document:
            async with calls.sonify(body, upload) as sound:
                return sound.facts | {"n_bytes": await write_sound(sound, output)}

        facts = run(open_calls(ctx, server, api_key), generate)
        print_facts(facts, output, as_json)


def _path(from_label: str | None, to_label: str | None, points: int) -> dict[str, Any] | None:
    if to_label is None and from_label is None:
        return None
    if to_label is None:
        raise SonotypeError(Code.INVALID_REQUEST, "--from needs --to: the class to go to.")
    return {"to_label": to_label, "from_label": from_label, "points": points}


def _weighted(text: str) -> dict[str, Any]:
    prototype_id, equals, weight = text.partition("=")
    try:
        return {"id": prototype_id, "weight": float(weight) if equals else 1.0}
    except ValueError:
        raise SonotypeError(Code.INVALID_REQUEST, f"--prototype: {weight!r} is not a number.") from None


def _read_embedding(path: Path) -> list[float]:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} cannot be read as a NumPy file.") from None
    if (
        not isinstance(values, np.ndarray)
        or values.dtype.kind not in "fiu"
        or values.size != max(values.shape, default=0)
    ):
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} must hold one vector of numbers.")
    numbers: list[float] = values.astype(np.float64).ravel().tolist()
    return numbers


def _read_upload(path: Path) -> Upload:
    try:
        return Upload.of(read_file(path))
    except SonotypeError as error:
        raise SonotypeError(error.code, f"{path} {error.detail}") from None
