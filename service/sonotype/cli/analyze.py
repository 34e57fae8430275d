"""`sonotype analyze`: files and folders in, a document per file out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sonotype.api.http.render import analysis_body
from sonotype.api.params import AnalyzeParams, parse_params
from sonotype.api.view import view
from sonotype.audio.sniff import sniff
from sonotype.cli.document import Document
from sonotype.cli.errors import reported, show_error, stderr
from sonotype.cli.files import find_audio, read_file
from sonotype.cli.local import open_plane, serving_only
from sonotype.cli.options import ApiKey, Server
from sonotype.cli.report import Format, write_report
from sonotype.cli.rest import open_rest
from sonotype.cli.wiring import Wiring, wiring
from sonotype.core.errors import SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Lane, Upload
from sonotype.models.card import TAGGER
from sonotype.telemetry.requests import request_id

AnalyzeFile = Callable[[Upload], Awaitable[Document]]
# Enough clips at once to fill batches while some are still decoding.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    path: Path
    document: Document | None
    error: SonotypeError | None


def analyze(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Audio files, or folders to search for audio files.")],
    model: Annotated[list[str] | None, typer.Option(help="Model to run, or tagger:NAME; repeat for several.")] = None,
    top_k: Annotated[int, typer.Option(min=0, help="Tags to show per model; 0 shows all.")] = 10,
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="Hide tags below this score.")] = 0.0,
    timeline: Annotated[bool, typer.Option("--timeline", help="Tags over time as well (JSON formats).")] = False,
    embedding: Annotated[
        list[str] | None, typer.Option(help="Embedding to add, e.g. penultimate; repeat for several (JSON formats).")
    ] = None,
    reasons: Annotated[
        int, typer.Option(min=0, help="Prototypes to show for and against each label, or of a tagger; 0: none.")
    ] = 5,
    offset_s: Annotated[float, typer.Option(min=0.0, help="Skip this much of each file.")] = 0.0,
    duration_s: Annotated[float | None, typer.Option(help="Analyse only this much.")] = None,
    hop_s: Annotated[float | None, typer.Option(help="Seconds between patches; default: the model's.")] = None,
    tail: Annotated[str | None, typer.Option(help="After the last whole patch: drop, repeat, pad or align.")] = None,
    quality: Annotated[str, typer.Option(help="full, balanced or fast: how much of each patch is used.")] = "full",
    patchout_time: Annotated[int, typer.Option(help="Columns (time) to leave out of each patch besides.")] = 0,
    patchout_freq: Annotated[int, typer.Option(help="Rows (frequency) to leave out of each patch besides.")] = 0,
    patchout_seed: Annotated[int | None, typer.Option(help="Leave out random ones, the same for one seed.")] = None,
    frontend: Annotated[str | None, typer.Option(help="Front end variant, e.g. essentia.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 (exact) or bf16 (faster).")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, measure, torch, openvino or onnxruntime.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Compute even what is cached.")] = False,
    server: Server = None,
    api_key: ApiKey = None,
    format: Annotated[Format, typer.Option(help="How to print the answers.")] = Format.TABLE,
) -> None:
    """Tag files: in this process, or by a running service with --server.

    Examples:
      sonotype analyze song.mp3
      sonotype analyze ~/Music --format csv > tags.csv
      sonotype analyze song.flac --model musicnn-msd --model vgg-msd --embedding penultimate --format json
      sonotype analyze song.flac --model discogs-maest-30s-pw-129e --quality fast
      sonotype analyze solo.wav --model instruments-pecmae --reasons 3
      sonotype analyze song.flac --model musicnn-msd --model tagger:moods
      sonotype analyze ~/Music --server http://localhost:8000 --format jsonl
    """
    asked: dict[str, Any] = {
        "model": model or [],
        "top_k": top_k or "all",
        "threshold": threshold,
        "timeline": timeline,
        "embeddings": embedding or [],
        "reasons_top_k": reasons,
        "offset_s": offset_s,
        "duration_s": duration_s,
        "hop_s": hop_s,
        "tail": tail,
        "quality": quality,
        "patchout_time": patchout_time,
        "patchout_freq": patchout_freq,
        "patchout_seed": patchout_seed,
        "frontend": frontend,
        "lane": Lane.INTERACTIVE if len(paths) == 1 and paths[0].is_file() else Lane.BULK,
        "cache": "bypass" if no_cache else "use",
    }
    with reported():
        files, params = find_audio(paths), parse_params(asked)
        opened = (
            _open_remote(server, api_key, params) if server else _open_local(wiring(ctx), precision, engine, params)
        )
        outcomes = [] if server else _refused(files)
        if len(outcomes) < len(files):
            outcomes += asyncio.run(_analyze_all(files[len(outcomes) :], opened))
        write_report(format, [(o.path, o.document) for o in outcomes if o.document is not None])
    _exit(outcomes)


@asynccontextmanager
async def _open_local(
    wired: Wiring, precision: str | None, engine: str | None, params: AnalyzeParams
) -> AsyncIterator[AnalyzeFile]:
    query = params.query()
    asked = {"precision": precision, "engine": engine}
    flags: dict[str, Any] = {name: value for name, value in asked.items() if value}
    by_taggers = any(name.startswith(TAGGER) for name in query.models)  # whatever they stand on is served then
    settings = Settings(**flags) if by_taggers else serving_only(Settings(**flags), query.models)
    async with open_plane(wired, settings, with_catalog=by_taggers) as plane:

        async def analyze_file(upload: Upload) -> Document:
            analysis = await plane.analyze(upload, query)
            return analysis_body(request_id(None), analysis.clip, view(plane, analysis, query), "json")

        yield analyze_file


@asynccontextmanager
async def _open_remote(server: str, api_key: str | None, params: AnalyzeParams) -> AsyncIterator[AnalyzeFile]:
    asked = params.model_dump(mode="json", exclude_defaults=True)
    headers = {"Content-Type": "application/octet-stream"}
    async with open_rest(server, api_key) as rest:

        async def analyze_file(upload: Upload) -> Document:
            return await rest.document("POST", "/v1/analyze", params=asked, content=upload.data, headers=headers)

        yield analyze_file


def _refused(files: Sequence[Path]) -> list[Outcome]:
    """The files before the first that may be audio: to say so, no model needs to be loaded."""
    found = []
    for path in files:
        try:
            sniff(read_file(path))
            break
        except SonotypeError as error:
            show_error(error, str(path))
            found.append(Outcome(path, None, error))
    return found


async def _analyze_all(files: Sequence[Path], opened: AbstractAsyncContextManager[AnalyzeFile]) -> list[Outcome]:
    """Outcomes in the order of `files`; one bad file does not stop the others."""
    turns = asyncio.Semaphore(_AT_ONCE)
    async with opened as analyze_file:
        with _progress() as progress:
            bar = progress.add_task("analysing", total=len(files))

            async def one(path: Path) -> Outcome:
                async with turns:
                    outcome = await _analyze_one(path, analyze_file)
                if outcome.error is not None:
                    show_error(outcome.error, str(path))
                progress.advance(bar)
                return outcome

            return list(await asyncio.gather(*(one(path) for path in files)))


async def _analyze_one(path: Path, analyze_file: AnalyzeFile) -> Outcome:
    try:
        data = await asyncio.to_thread(read_file, path)
        return Outcome(path, await analyze_file(Upload.of(data)), None)
    except SonotypeError as error:
        return Outcome(path, None, error)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)


def _exit(outcomes: Sequence[Outcome]) -> None:
    codes = [outcome.error.meaning.exit for outcome in outcomes if outcome.error is not None]
    if codes:
        raise typer.Exit(codes[0])
