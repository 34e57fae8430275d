"""`sonotype models import essentia`: a model of the Essentia project, from its published files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sonotype.cli.errors import reported
from sonotype.cli.licences import show_terms
from sonotype.cli.model_views import size
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import Card, HeadCard
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories

if TYPE_CHECKING:
    from sonotype.models.essentia.importing import Imported


def essentia(
    file: Annotated[
        Path,
        typer.Argument(help="A frozen graph (.pb), an ONNX head, or a TF.js model.json.", exists=True, dir_okay=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder to be made; its name is the model's, its parent a repository.")],
    metadata: Annotated[
        Path | None,
        typer.Option(help="The JSON published beside it, with the classes; FILE.json by default.", show_default=False),
    ] = None,
    backbone: Annotated[str, typer.Option(help="What a head stands on, as model@embedding.")] = "musicnn-msd@hidden",
    license_: Annotated[
        str, typer.Option("--license", help="SPDX name of the licence of the weights.")
    ] = "CC-BY-NC-SA-4.0",
    commercial: Annotated[
        bool, typer.Option("--commercial", help="That licence allows commercial use (or its holder granted it).")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
) -> None:
    """Import MusiCNN, a classifier made of it, or a classification head; nothing in the files is run.

    Example: [bold]sonotype models import essentia danceability-msd-musicnn-1.pb --out my-models/danceability[/]
    """
    with reported():
        import tomli_w  # noqa: PLC0415 - nothing else of the command line writes TOML

        from sonotype.models.essentia.importing import import_model  # noqa: PLC0415 - this command only
        from sonotype.training.model_folder import write_folder  # noqa: PLC0415 - only imports write folders

        beside = metadata or file.with_suffix(".json")
        if beside == file or not beside.is_file():
            detail = f"The classes of {file.name} are not known: name its metadata with --metadata."
            raise SonotypeError(Code.INVALID_REQUEST, detail)
        terms = _terms(license_, commercial=commercial)
        show_terms(out.name, terms)
        imported = import_model(out.name, file, beside, lambda: _backbone(backbone), terms)
        fields = imported.card.model_dump(mode="json", exclude_none=True)
        # the card last, as a folder without one is no model
        files = {imported.file: imported.weights, "metadata.json": beside.read_bytes()}
        files["card.toml"] = tomli_w.dumps(fields, multiline_strings=True).encode()
        write_folder(out, files, replace=replace)
    _say(imported, file, out)


def _terms(spdx: str, *, commercial: bool) -> LicenceSpec:
    """The usual terms, or others; permission from the holder does not change the name of the licence."""
    from sonotype.models.essentia.describing import LICENCE  # noqa: PLC0415 - this command only

    if spdx == LICENCE.spdx:
        return LICENCE.model_copy(update={"commercial": commercial})
    return LicenceSpec(spdx=spdx, commercial=commercial, holder=LICENCE.holder)


def _backbone(address: str) -> tuple[Card, str]:
    """Card and embedding for `model@embedding`; the weights need not be there yet."""
    settings = Settings()
    model, _, embedding = address.partition("@")
    card = Registry(repositories(settings), settings.weights_dir).get(model)
    if not embedding:
        raise SonotypeError(Code.INVALID_REQUEST, f"Say which embedding, as in --backbone {card.name}@hidden.")
    return card, embedding


def _say(imported: Imported, file: Path, out: Path) -> None:
    card, console = imported.card, Console()
    console.print(f"{file.name}: sha256 {imported.source_sha256}", soft_wrap=True)
    weights = f"{size(len(imported.weights))}, sha256 {card.weights.sha256 if card.weights else ''}"
    console.print(f"{card.address}: {weights}", soft_wrap=True)
    if isinstance(card, HeadCard):
        shape = " → ".join(str(layer.units) for layer in card.layers)
        console.print(
            f"  {card.task} head on {card.backbone.model}@{card.backbone.embedding} → {shape}", soft_wrap=True
        )
    console.print(f"  {len(card.labels)} classes: {', '.join(card.labels)}", soft_wrap=True, markup=False)
    console.print(f"Serve it with: SONOTYPE_MODEL_PATH={out.parent} sonotype serve", soft_wrap=True)
