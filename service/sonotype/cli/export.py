"""`sonotype models export`: a model for other programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from sonotype.cli.document import print_json
from sonotype.cli.errors import reported, stderr
from sonotype.cli.licences import show_terms
from sonotype.cli.model_views import size
from sonotype.cli.options import Json
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Quality
from sonotype.models.card import Card, HeadCard
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories
from sonotype.models.weights.base import write_atomic
from sonotype.plane.licensing import check_licence

if TYPE_CHECKING:
    from sonotype.models.exporting.onnx_file import Exported
    from sonotype.models.exporting.onnx_models import Wanted


class Form(StrEnum):
    """What is written."""

    ONNX = "onnx"
    AST = "ast"


class Preset(StrEnum):
    """Qualities, as the service has them."""

    FULL = "full"
    BALANCED = "balanced"
    FAST = "fast"


def export(
    name: Annotated[str, typer.Argument(help="A network or a transfer head.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write (a folder for ast); default: the model's name, here.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="onnx, or of a MAEST ast, as at Hugging Face.")] = Form.ONNX,
    frontend: Annotated[
        str | None, typer.Option(help="Front end to put inside; none: log-mel goes in.", show_default="the model's")
    ] = None,
    quality: Annotated[Preset, typer.Option(help="Patchout of a MAEST: one file has one.")] = Preset.FULL,
    embedding: Annotated[
        list[str] | None, typer.Option(help="Embeddings to give out; none: scores alone.", show_default="all")
    ] = None,
    backbone: Annotated[bool, typer.Option("--backbone", help="Of a head: put its network into the file.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a model as ONNX with its front end inside: samples in, scores and embeddings out.

    The file is computed with ONNX Runtime and held against torch before it is written. Labels, front end, licence and
    hashes stand in its properties; a licence that forbids commercial use goes with it.

    Example: [bold]sonotype models export musicnn-msd --out musicnn.onnx[/]
    """
    with reported():
        settings = Settings()
        registry = Registry(repositories(settings), settings.weights_dir)
        card = registry.find(name)
        check_licence(registry, settings, card)
        if not isinstance(card, (Card, HeadCard)):
            raise SonotypeError(Code.INVALID_REQUEST, f"{card.name} is a prototype model, which cannot be exported.")
        target = out or Path(_default(card, form, quality))
        _check_target(target, folder=form is Form.AST, replace=replace)
        with stderr.status(f"exporting {card.name}"):
            if form is Form.AST:
                written = _write_ast(registry, card, target)
            else:
                options = (frontend, quality.value, embedding)
                written = _write_onnx(registry, card, target, options, backbone=backbone)
        for licence_of in _licensed(registry, card, backbone=backbone):
            show_terms(*licence_of)
    _say(written, as_json)


def _default(card: Card | HeadCard, form: Form, quality: Preset) -> str:
    if form is Form.AST:
        return f"{card.name}-ast"
    return f"{card.name}.onnx" if quality is Preset.FULL else f"{card.name}-{quality}.onnx"


def _check_target(target: Path, *, folder: bool, replace: bool) -> None:
    """Refuse now what could not be written after a minute of work."""
    if target.exists() and not replace:
        raise SonotypeError(Code.CONFLICT, f"{target} is there already; --replace overwrites it.")
    if target.exists() and target.is_dir() != folder:
        raise SonotypeError(Code.CONFLICT, f"{target} is a {'file' if folder else 'folder'}; --out needs another name.")
    above = next(path for path in (target, *target.absolute().parents) if path.is_dir())
    if not os.access(above, os.W_OK):
        raise SonotypeError(Code.INVALID_REQUEST, f"{target} cannot be written: {above} is not yours to write to.")


def _write(target: Path, data: bytes) -> None:
    try:
        write_atomic(target, data)
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{target} cannot be written: {error.strerror}.") from None


def _write_onnx(
    registry: Registry, card: Card | HeadCard, target: Path, options: Any, *, backbone: bool
) -> dict[str, Any]:
    from sonotype.models.exporting.onnx_file import require_onnx  # noqa: PLC0415 - torch and the extra `onnx`

    require_onnx()
    exported = _onnx(registry, card, options, backbone=backbone)
    _write(target, exported.data)
    return {
        "model": card.address,
        "format": "onnx",
        "files": {str(target): len(exported.data)},
        "differences": dict(exported.differences),
        "licence": card.licence.spdx,
        "commercial": all(licence.commercial for _, licence in _licensed(registry, card, backbone=backbone)),
    }


def _onnx(registry: Registry, card: Card | HeadCard, options: Any, *, backbone: bool) -> Exported:
    from sonotype.models.exporting.onnx_models import export_head, export_network  # noqa: PLC0415 - bring torch
    from sonotype.models.heads.transfer import TransferHead  # noqa: PLC0415

    if isinstance(card, Card):
        return export_network(card, _weights(registry, card), _wanted(options))
    head = TransferHead.load(registry.folder(card), card)
    if not backbone:
        return export_head(head)
    network = _network(registry, card)
    frontend, quality, embeddings = options
    asked = (frontend or card.frontend, quality, embeddings)
    return export_network(network, _weights(registry, network), _wanted(asked), head)


def _wanted(options: Any) -> Wanted:
    from sonotype.models.exporting.onnx_models import Wanted  # noqa: PLC0415 - brings torch

    frontend, quality, embeddings = options
    names = None if embeddings is None else [name for name in embeddings if name != "none"]
    return Wanted("" if frontend is None else None if frontend == "none" else frontend, cast(Quality, quality), names)


def _network(registry: Registry, head: HeadCard) -> Card:
    network = registry.get(head.backbone.model)
    if network.weights_sha256 != head.backbone.sha256:
        detail = f"{head.name} was trained on other weights than those of {network.address}."
        raise SonotypeError(Code.CONFLICT, detail)
    return network


def _weights(registry: Registry, card: Card) -> Path:
    path = registry.weights_path(card)
    if path is None:
        detail = f"The weights of {card.address} are not here; sonotype models pull {card.name} fetches them."
        raise SonotypeError(Code.WEIGHTS_MISSING, detail)
    return path


def _write_ast(registry: Registry, card: Card | HeadCard, target: Path) -> dict[str, Any]:
    from sonotype.models.exporting.ast_folder import ast_files  # noqa: PLC0415 - only here

    if not isinstance(card, Card):
        raise SonotypeError(Code.INVALID_REQUEST, f"{card.name} is no MAEST: only those have an AST layout.")
    files: Mapping[str, bytes] = ast_files(card, _weights(registry, card))
    for name, data in files.items():
        _write(target / name, data)
    sizes = {str(target / name): len(data) for name, data in files.items()}
    commercial = card.licence.commercial
    return {
        "model": card.address,
        "format": "ast",
        "files": sizes,
        "licence": card.licence.spdx,
        "commercial": commercial,
    }


def _licensed(registry: Registry, card: Card | HeadCard, *, backbone: bool) -> list[tuple[str, LicenceSpec]]:
    """Whose weights are in the file."""
    found = [(card.name, card.licence)]
    if backbone and isinstance(card, HeadCard):
        network = registry.get(card.backbone.model)
        found.append((network.name, network.licence))
    return found


def _say(written: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(written)
        return
    for path, n_bytes in written["files"].items():
        typer.echo(f"{path}: {size(n_bytes)}")
    for output, difference in written.get("differences", {}).items():
        typer.echo(f"  {output}: {difference:.1e} from torch")
