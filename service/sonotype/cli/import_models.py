"""`sonotype models import`: make a served model from files that others have published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from sonotype.cli import import_maest
from sonotype.cli.errors import reported, stderr
from sonotype.cli.import_essentia import essentia
from sonotype.cli.model_views import size

if TYPE_CHECKING:
    from sonotype.models.encodecmae.importing import Imported

app = typer.Typer(help="Make a model from files that others have published.", no_args_is_help=True)
app.command()(essentia)
app.command()(import_maest.maest)


def _file(text: str) -> Any:
    """An option that names a file."""
    return typer.Option(help=text, exists=True, dir_okay=False, show_default=False)


@app.callback()
def _group() -> None:
    """Make a model from files that others have published."""


@app.command()
def encodecmae(
    out: Annotated[Path, typer.Option(help="Folder to be made; its name is the model's, its parent a repository.")],
    encodec: Annotated[Path | None, _file("EnCodec's weights, encodec_24khz-….th; for the decoder.")] = None,
    model: Annotated[Path | None, _file("An EnCodecMAE: model.pt of v1, or a v2 file.")] = None,
    config: Annotated[Path | None, _file("The config.gin beside a v1 model.")] = None,
    summary: Annotated[Path | None, _file("A summary autoencoder, weights.pt or .ckpt; holds its model.")] = None,
    summary_config: Annotated[Path | None, _file("The config.gin beside it.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Length of a segment, where no config says it.", min=0.1)
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
) -> None:
    """Convert EnCodecMAE and PECMAE's summary autoencoder, checking every tensor; nothing in the files is run.

    Example: [bold]sonotype models import encodecmae --encodec encodec_24khz-d7cc33bc.th --summary weights.pt
    --summary-config config.gin --out my-models/encodecmae-4s[/]
    """
    with reported():
        from sonotype.models.encodecmae.importing import Sources, import_model  # noqa: PLC0415 - brings torch
        from sonotype.training.model_folder import write_folder  # noqa: PLC0415 - only this command writes folders

        sources = Sources(encodec, model, config, summary, summary_config, seconds)
        with stderr.status("reading") as status:
            imported = import_model(out.name, sources, status.update)
            write_folder(out, _files(imported), replace=replace)
    _say(imported, out)


def _files(imported: Imported) -> dict[str, bytes]:
    """Content by name; the card last, as a folder without one is no model."""
    import tomli_w  # noqa: PLC0415 - nothing else of the command line writes TOML

    files = {"model.safetensors": imported.weights}
    if imported.decoder is not None and imported.decoder_weights is not None:
        files["decoder.safetensors"] = imported.decoder_weights
        table = {"decoder": imported.decoder.model_dump(mode="json", exclude_none=True)}
        files["decoder.toml"] = tomli_w.dumps(table).encode()
    fields = imported.card.model_dump(mode="json", exclude_none=True)
    return files | {"card.toml": tomli_w.dumps(fields, multiline_strings=True).encode()}


def _say(imported: Imported, out: Path) -> None:
    card, console = imported.card, Console()
    console.print(f"{card.address}: {size(len(imported.weights))}, sha256 {card.weights_sha256}", soft_wrap=True)
    for spec in card.embeddings:
        console.print(f"  embedding {spec.name}: {spec.dim} numbers, {spec.description}", soft_wrap=True)
    if imported.decoder is None:
        console.print("  no decoder: that takes both --encodec and --summary")
    console.print(f"Serve it with: SONOTYPE_MODEL_PATH={out.parent} sonotype serve", soft_wrap=True)
