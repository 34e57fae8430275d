"""`sonotype listen`: tags of a file or of standard input while it plays, as a moving bar chart."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from sonotype.api.listen_params import ListenParams
from sonotype.api.options import parse_options
from sonotype.cli.document import Document
from sonotype.cli.errors import reported, stderr
from sonotype.cli.listen_calls import Conversation, local, remote
from sonotype.cli.listen_source import Pace, chunks_of, open_input
from sonotype.cli.listen_view import Chart
from sonotype.cli.options import ApiKey, Server
from sonotype.cli.wiring import wiring
from sonotype.core.errors import SonotypeError

_FORMATS = {"s16le": "pcm_s16le", "f32le": "pcm_f32le"}


def listen(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="An audio file, or - for standard input.")],
    model: Annotated[list[str] | None, typer.Option(help="Model to ask; repeat for several.")] = None,
    hop_s: Annotated[float | None, typer.Option(help="Seconds between answers; default 0.5.")] = None,
    smoothing_s: Annotated[float, typer.Option(min=0.0, help="Time constant of the mean over answers; 0: none.")] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Tags to show per model; 0 shows all.")] = 10,
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="Hide tags below this score.")] = 0.0,
    quality: Annotated[str, typer.Option(help="full, balanced or fast, where the model has them.")] = "full",
    sample_format: Annotated[
        str | None, typer.Option(help="Raw samples instead of a coded stream: s16le or f32le.")
    ] = None,
    rate: Annotated[int | None, typer.Option(help="Sample rate of raw samples.")] = None,
    channels: Annotated[int | None, typer.Option(help="Channels of raw samples; default 1.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="As fast as it goes instead of in real time.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per answer.")] = False,
    server: Server = None,
    api_key: ApiKey = None,
) -> None:
    """Tag audio while it plays: in this process, or by a running service with --server. Ctrl-C ends it.

    Examples:
      sonotype listen song.mp3
      sonotype listen song.flac --fast --json > tags.jsonl
      arecord -q -t raw -f S16_LE -r 16000 -c 1 | sonotype listen - --sample-format s16le --rate 16000
      ffmpeg -loglevel quiet -i http://radio.example/stream -f ogg - | sonotype listen -
    """
    raw = {"format": _FORMATS.get(sample_format, sample_format)} if sample_format else {}
    given = {"hop_s": hop_s, "sample_rate_hz": rate, "channels": channels, **raw}
    asked: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    asked |= {"models": model or [], "smoothing_s": smoothing_s, "top_k": top_k or "all", "threshold": threshold}
    with reported():
        params = parse_options(ListenParams, {**asked, "quality": quality})
        opened = remote(server, api_key, params) if server else local(wiring(ctx), params)
        pace = Pace(params, enabled=source != "-" and not fast)
        asyncio.run(_listen(opened, source, pace, as_json or not sys.stdout.isatty()))


async def _listen(opened: AbstractAsyncContextManager[Conversation], source: str, pace: Pace, as_json: bool) -> None:
    stop = asyncio.Event()
    with open_input(source) as file:
        async with opened as conversation:
            # the first Ctrl-C ends the audio, and with it the session; what is on its way is still shown
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
            feeding = asyncio.create_task(_feed(conversation, file, pace, stop))
            try:
                lags = await _show(conversation, pace, Path(source).name, as_json)
            except SonotypeError:
                if not stop.is_set():
                    raise
                lags = []
            finally:
                feeding.cancel()
                with suppress(asyncio.CancelledError):
                    await feeding
    if lags:
        end_s = pace.heard_s
        stderr.print(f"heard {end_s:.1f} s, {len(lags)} answers, median lag {1000 * median(lags):.0f} ms")
    else:
        stderr.print("no answers: less than one patch of audio")


async def _feed(conversation: Conversation, file: Any, pace: Pace, stop: asyncio.Event) -> None:
    async for chunk in chunks_of(file, stop):
        await conversation.feed(chunk)
        await pace.wait(len(chunk), stop)
    await conversation.end()


async def _show(conversation: Conversation, pace: Pace, name: str, as_json: bool) -> list[float]:
    """Print every answer; returns their lags."""
    lags = []
    with suppress(BrokenPipeError), Chart(name, enabled=not as_json) as chart:
        async for message in conversation.messages():
            if "time_s" not in message:
                continue
            lags.append(message["lag_s"])
            pace.heard(message["time_s"])
            if as_json:
                _print_line(message)
            else:
                chart.show(message)
    return lags


def _print_line(message: Document) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()
