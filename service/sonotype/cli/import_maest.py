"""`sonotype models import maest`: a MAEST that is already here, in any form that it is published in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sonotype.cli.errors import reported, stderr
from sonotype.cli.licences import show_terms
from sonotype.cli.model_views import size
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.weights.base import sha256_of
from sonotype.models.zoo import installed
from sonotype.models.zoo.catalogue import Offer, read_zoo


def maest(
    file: Annotated[Path, typer.Argument(help="A .ckpt, .safetensors or .onnx file.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder to be made; its name is the model's, its parent a repository.")],
    arch: Annotated[
        str | None, typer.Option(help="Model of the zoo that it must be; see `models zoo`.", show_default=False)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Text file of one label per output; Discogs' 400 or 519 where there is none.")
    ] = None,
    heads: Annotated[int | None, typer.Option(help="Attention heads; one for every 64 numbers of a token.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Another length than it was trained with, by interpolation.")
    ] = None,
    spdx: Annotated[
        str | None, typer.Option("--license", help="SPDX name of its licence, for weights of your own.")
    ] = None,
    commercial: Annotated[bool, typer.Option("--commercial", help="That licence allows commercial use.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
) -> None:
    """Convert a MAEST, checking every tensor; nothing in the file is run.

    Example: [bold]sonotype models import maest discogs-maest-30s-pw-129e-swa.ckpt --out my-models/maest-30s[/]
    """
    with reported():
        from sonotype.models.zoo.converting import convert_maest, geometry, labels_of  # noqa: PLC0415 - only this command converts
        from sonotype.models.zoo.labels import read_labels  # noqa: PLC0415
        from sonotype.training.model_folder import write_folder  # noqa: PLC0415

        with stderr.status("reading"):
            sha256 = sha256_of(file)
            offers = read_zoo(Settings().model_path)
            offer = _named(offers, arch) or _same_file(offers, sha256)
            made = convert_maest(
                out.name,
                file,
                licence=_licence(offer, sha256, spdx, commercial),
                labels=read_labels(labels) if labels else labels_of(offer.model) if offer else None,
                heads=heads,
                seconds=seconds,
                title=offer.model.title if offer and seconds is None else "",
                description=offer.model.description if offer and seconds is None else "",
                expected=geometry(offer.model) if offer else None,
            )
            write_folder(out, installed.files_of(made, form="file", source_sha256=sha256), replace=replace)
    card, console = made.card, Console()
    show_terms(card.name, card.licence)
    console.print(f"{card.address}: {size(len(made.weights))}, sha256 {card.weights_sha256}", soft_wrap=True)
    console.print(f"Serve it with: SONOTYPE_MODEL_PATH={out.parent} sonotype serve", soft_wrap=True)


def _named(offers: dict[str, Offer], arch: str | None) -> Offer | None:
    if arch is None:
        return None
    if arch not in offers or offers[arch].model.family != "maest":
        raise SonotypeError(Code.INVALID_REQUEST, f"There is no MAEST named {arch[:80]!r} in the zoo.")
    return offers[arch]


def _same_file(offers: dict[str, Offer], sha256: str) -> Offer | None:
    """The published model that a file is, whatever it is called here."""
    for offer in offers.values():
        if any(source.sha256 == sha256 for source in offer.model.sources):
            return offer
    return None


def _licence(offer: Offer | None, sha256: str, spdx: str | None, commercial: bool) -> LicenceSpec:
    """The published terms, unless these are weights of somebody's own."""
    from sonotype.models.zoo.maest_card import LICENCE  # noqa: PLC0415

    if spdx is None:
        return offer.licence if offer else LICENCE
    if offer is not None and any(source.sha256 == sha256 for source in offer.model.sources):
        raise SonotypeError(Code.INVALID_REQUEST, f"This is {offer.model.name}: its licence is {offer.licence.spdx}.")
    return LicenceSpec(spdx=spdx, commercial=commercial, holder="given on import")
