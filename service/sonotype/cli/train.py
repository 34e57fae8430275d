"""`sonotype train`: one's own classes, in minutes on a CPU."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from sonotype.cli import train_decoder, train_head
from sonotype.cli import train_views as views
from sonotype.cli.backbone import find_backbone
from sonotype.cli.errors import reported
from sonotype.cli.train_common import CACHE, Output, at_hop, check_packages, embed_all, named
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card_parts import LicenceSpec

if TYPE_CHECKING:
    from sonotype.training.prototypes.options import PrototypeOptions
    from sonotype.training.prototypes.publish import Backbone

app = typer.Typer(
    help="Train heads, prototypes, and decoders that make them audible.", no_args_is_help=True, rich_markup_mode="rich"
)
app.command("decoder")(train_decoder.decoder)
app.command("head")(train_head.head)

_CITATION = (
    "Alonso-Jiménez, Pepino, Batlle-Roca, Zinemanas, Bogdanov, Serra, Rocamora: Leveraging pre-trained autoencoders "
    "for interpretable prototype learning of music audio. ICASSP workshops 2024, arXiv:2402.09318."
)


class Presets(StrEnum):
    """Sets of options."""

    SONOTYPE = "sonotype"
    PECMAE = "pecmae"


@app.command()
def prototypes(
    data: Annotated[Path, typer.Option(help="A folder with one sub-folder of audio per class, or a manifest (CSV).")],
    out: Annotated[Path, typer.Option(help="The model repository that gets the folder of the model.")],
    name: Annotated[str, typer.Option(help="Name of the model: lower-case letters, digits, hyphens.")],
    embedding: Annotated[str, typer.Option(help="What to stand on, as `model@embedding`.")] = "musicnn-msd@penultimate",
    sizes: Annotated[
        list[int] | None,
        typer.Option("-k", "--per-class", min=1, help="Prototypes of each class; several times to compare. Default 5."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each size; the best on validation is kept.")] = 3,
    multilabel: Annotated[bool, typer.Option(help="Files may have several labels, separated by `|`.")] = False,
    preset: Annotated[
        Presets, typer.Option(help="`pecmae`: kernel, loss and learning rate as published.")
    ] = Presets.SONOTYPE,
    push: Annotated[
        bool | None, typer.Option(help="Put prototypes onto real segments if that costs less than half a point.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each training.")] = None,
    adaptor: Annotated[str | None, typer.Option(help="`none` or `mlp`.")] = None,
    initialise: Annotated[str | None, typer.Option(help="`kmeans`, `kmeans-samples` or `random`.")] = None,
    gamma: Annotated[str | None, typer.Option(help="Kernel widths: `learned` or `fixed`.")] = None,
    closeness: Annotated[
        float | None, typer.Option(min=0, max=0.99, help="Weight of the distance to the data: 0.5, published 0.75.")
    ] = None,
    repulsion: Annotated[float | None, typer.Option(min=0, help="Keeps prototypes of a class apart.")] = None,
    hop: Annotated[float | None, typer.Option(min=0.1, help="Seconds between segments; the card's by default.")] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Of the splits, where the data has none.")] = 0,
    compare: Annotated[bool, typer.Option(help="Train the baselines too.")] = True,
    resamples: Annotated[int, typer.Option(min=2, help="Of the bootstrap that the intervals come from.")] = 2000,
    keep_segments: Annotated[
        bool, typer.Option(help="Put each prototype's nearest real segment into the folder; mind its licence.")
    ] = False,
    title: Annotated[str, typer.Option(help="Of the card.")] = "",
    description: Annotated[str, typer.Option(help="Of the card.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX name of the terms of the model.")] = "NOASSERTION",
    holder: Annotated[str, typer.Option(help="Who holds the rights.")] = "",
    commercial: Annotated[bool, typer.Option(help="Whether the terms allow commercial use.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = CACHE,
    threads: Annotated[int, typer.Option(min=1, help="Files embedded at the same time.")] = 1,
    replace: Annotated[bool, typer.Option(help="Replace a model of that name.")] = False,
    output: Annotated[Output, typer.Option("--format", help="What is printed at the end.")] = Output.TABLE,
) -> None:
    """Train a prototype classifier on your own classes; the service loads the folder it writes.

    Without splits in the manifest about 60 % of the files (whole groups at a time) train, 20 % choose, 20 % test.

    Example: [bold]sonotype train prototypes --data ~/my-sounds --out ~/models --name my-sounds[/]
    """
    with reported():
        check_packages()
        import torch  # noqa: PLC0415 (the command line must start without it)

        from sonotype.training.examples import read_examples  # noqa: PLC0415
        from sonotype.training.prototypes import publish as publishing  # noqa: PLC0415
        from sonotype.training.prototypes.parts import Plan, split_up  # noqa: PLC0415
        from sonotype.training.prototypes.report import as_json  # noqa: PLC0415
        from sonotype.training.prototypes.study import run  # noqa: PLC0415

        torch.set_num_threads(1)  # the networks are tiny: more threads would only wait for each other
        changes: dict[str, Any] = {
            "push": push,
            "steps": steps,
            "adaptor": adaptor,
            "initialise": initialise,
            "gamma": gamma,
        }
        changes["classification_share"] = None if closeness is None else 1.0 - closeness
        options = _options(preset, changes | {"repulsion": repulsion})
        words = publishing.Words(
            name=_free_name(name, out, replace=replace),
            title=title or name,
            description=description or f"Prototypes on {embedding}.",
            licence=LicenceSpec(spdx=licence, commercial=commercial, holder=holder),
            citation=_CITATION,
        )
        backbone, weights = _backbone(embedding, hop)
        examples = read_examples(data.expanduser(), seed=split_seed, multilabel=multilabel)
        labels = sorted({label for example in examples for label in example.labels})
        with views.progress() as bars:
            embedded = embed_all(examples, backbone.card, backbone.embedding, weights, cache, threads, bars)
            split = split_up(embedded, options, labels)
            counts = sorted(set(sizes or [5]))
            plan = Plan(options, counts, seeds, multilabel, compare, resamples)
            study = run(split, plan, views.Bars(bars))
        card = publishing.publish(
            out.expanduser() / name,
            study,
            embedded,
            backbone,
            words,
            multilabel=multilabel,
            keep_segments=keep_segments,
            notice=_notice(data.expanduser()),
            replace=replace,
        )
        views.warn(embedded)
        if output is Output.JSON:
            typer.echo(orjson.dumps({"model": card.address} | as_json(study, embedded), option=orjson.OPT_INDENT_2))
        else:
            views.show(study, out.expanduser() / name)


def _options(preset: Presets, changes: dict[str, Any]) -> PrototypeOptions:
    from sonotype.training.prototypes.options import preset_options  # noqa: PLC0415

    return preset_options(preset.value, **changes)


def _backbone(address: str, hop_s: float | None) -> tuple[Backbone, Path | None]:
    """The network to stand on, with the hop between segments that was asked for, and its weights."""
    from sonotype.training.prototypes.publish import Backbone  # noqa: PLC0415

    card, embedding, weights = find_backbone(address)
    frontend = card.frontends[card.default_frontend]
    patch_s = card.patch.frames * frontend.hop_length / frontend.sample_rate_hz
    return Backbone(at_hop(card, hop_s), embedding, patch_s), weights


def _free_name(name: str, out: Path, *, replace: bool) -> str:
    """Refuse a name that cannot be, or is taken, before an hour of work rather than after it."""
    if (out.expanduser() / named(name)).exists() and not replace:
        raise SonotypeError(Code.INVALID_REQUEST, f"There is a model {name!r} already; --replace overwrites it.")
    return name


def _notice(data: Path) -> bytes | None:
    """The file of terms and attributions that a data set may bring along."""
    from sonotype.training.prototypes.publish import NOTICE_NAME  # noqa: PLC0415

    place = (data if data.is_dir() else data.parent) / NOTICE_NAME
    return place.read_bytes() if place.is_file() else None
