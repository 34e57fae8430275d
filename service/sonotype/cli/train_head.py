"""`sonotype train head`: one's own classes, tags or values on the embedding of a served network."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import orjson
import typer

from sonotype.cli import train_head_views as views
from sonotype.cli.asking import run as ask
from sonotype.cli.backbone import find_backbone
from sonotype.cli.errors import reported
from sonotype.cli.rest import Rest, open_rest
from sonotype.cli.train_common import CACHE, Output, at_hop, check_packages, embed_all, named
from sonotype.cli.train_views import Bars, progress, warn
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card_parts import BackboneSpec, LicenceSpec

if TYPE_CHECKING:
    from sonotype.training.data.dataset import Example
    from sonotype.training.heads.targets import Values


class Tasks(StrEnum):
    """What is learned."""

    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"


def head(
    backbone: Annotated[str, typer.Option(help="The network to stand on, as `model` or `model@embedding`.")],
    data: Annotated[Path, typer.Option(help="A folder with one sub-folder of audio per class, or a CSV.")],
    out: Annotated[Path, typer.Option(help="The model repository that gets the folder of the model.")],
    name: Annotated[str, typer.Option(help="Name of the model; where there is one, it gets a further version.")],
    task: Annotated[Tasks, typer.Option(help="One class per file, several labels (`a|b`), or values.")] = (
        Tasks.MULTICLASS
    ),
    targets: Annotated[str, typer.Option(help="Of a regression: columns of the CSV, as `valence,arousal`.")] = "",
    positive: Annotated[str | None, typer.Option(help="Of two classes the one that the head is named after.")] = None,
    hidden: Annotated[int, typer.Option(min=0, max=4096, help="Units of the hidden layer; 0: none.")] = 100,
    dropout: Annotated[float, typer.Option(min=0, max=0.9, help="Share of hidden units left out of a step.")] = 0.3,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs at most.")] = 300,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without a better validation loss.")] = 10,
    learning_rate: Annotated[float, typer.Option(min=1e-6, max=1.0, help="Of AdamW.")] = 1e-3,
    balanced: Annotated[
        bool | None, typer.Option(help="Every class counts the same; default: yes for multiclass only.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings; the best on validation is kept.")] = 3,
    hop: Annotated[float | None, typer.Option(min=0.1, help="Seconds between patches, in service too.")] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Of the splits, where the data has none.")] = 0,
    resamples: Annotated[int, typer.Option(min=2, help="Of the bootstrap that the intervals come from.")] = 1000,
    title: Annotated[str, typer.Option(help="Of the card.")] = "",
    description: Annotated[str, typer.Option(help="Of the card.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX name of the terms of the model.")] = "NOASSERTION",
    holder: Annotated[str, typer.Option(help="Who holds the rights.")] = "",
    commercial: Annotated[bool, typer.Option(help="Whether the terms allow commercial use.")] = False,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = CACHE,
    threads: Annotated[int, typer.Option(min=1, help="Files embedded at the same time.")] = 1,
    load: Annotated[str | None, typer.Option(metavar="URL", help="A running service that is to load it.")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="SONOTYPE_API_KEY", help="Of that service.")] = None,
    output: Annotated[Output, typer.Option("--format", help="What is printed at the end.")] = Output.TABLE,
) -> None:
    """Train a head on your own classes, labels or values; the service loads the folder it writes.

    Without splits in the CSV about 60 % of the files (whole groups at a time) train, 20 % choose, 20 % test.

    Example: [bold]sonotype train head --backbone musicnn-msd --data ~/my-genres --out ~/models --name my-genres[/]
    """
    with reported():
        check_packages()
        import torch  # noqa: PLC0415 (the command line must start without it)

        from sonotype.training.heads import publish as publishing  # noqa: PLC0415
        from sonotype.training.heads.corpus import make_corpus  # noqa: PLC0415
        from sonotype.training.heads.options import HeadOptions  # noqa: PLC0415
        from sonotype.training.heads.report import as_json  # noqa: PLC0415
        from sonotype.training.heads.study import run_study  # noqa: PLC0415

        torch.set_num_threads(1)  # the networks are tiny: more threads would only wait for each other
        repository = out.expanduser()
        publishing.next_version(repository, named(name))
        options = HeadOptions(
            hidden=hidden,
            dropout=dropout,
            epochs=epochs,
            patience=patience,
            learning_rate=learning_rate,
            balanced=task is Tasks.MULTICLASS if balanced is None else balanced,
        )
        card, embedding, weights = find_backbone(backbone)
        card = at_hop(card, hop)
        examples, values, labels = _read(data.expanduser(), task, targets, split_seed)
        _check_positive(positive, labels)
        with progress() as bars:
            embedded = embed_all(examples, card, embedding, weights, cache, threads, bars)
            corpus = make_corpus(task.value, labels, embedded, values)
            study = run_study(corpus, options, seeds=seeds, resamples=resamples, progress=Bars(bars))
        words = publishing.Words(
            name=name,
            title=title or name,
            description=description or f"{task.value.capitalize()} head on {card.name}@{embedding}.",
            positive=positive,
            backbone=BackboneSpec(model=card.name, embedding=embedding, sha256=card.weights_sha256),
            frontend=card.default_frontend,
            hop_s=hop,
            licence=LicenceSpec(spdx=licence, commercial=commercial, holder=holder),
        )
        report = as_json(study, embedded, task.value)
        made, folder = publishing.publish(repository, study, words, report)
        warn(embedded)
        if output is Output.JSON:
            body = {"model": made.address, "folder": str(folder)} | report
            typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2))
        else:
            views.show(study, made, folder)
        if load is not None:
            _load(name, load, api_key)
            views.loaded(made, load)


def _read(data: Path, task: Tasks, targets: str, seed: int) -> tuple[list[Example], Values | None, tuple[str, ...]]:
    """The examples with splits, the values of a regression, and the labels."""
    from sonotype.training.examples import read_examples  # noqa: PLC0415
    from sonotype.training.heads.targets import read_targets  # noqa: PLC0415

    names = tuple(target.strip() for target in targets.split(",") if target.strip())
    if (task is Tasks.REGRESSION) != bool(names):
        raise _refused("A regression, and nothing else, needs --targets: the columns of the CSV to predict.")
    if not data.exists():
        raise _refused(f"There is nothing at {data}.")
    if names:
        if len(set(names)) < len(names):
            raise _refused("--targets names a column twice.")
        return *read_targets(data, names, seed=seed), names
    examples = read_examples(data, seed=seed, multilabel=task is Tasks.MULTILABEL, option="--task multilabel")
    return examples, None, tuple(sorted({label for example in examples for label in example.labels}))


def _check_positive(positive: str | None, labels: tuple[str, ...]) -> None:
    if positive is not None and (positive not in labels or len(labels) != 2):
        raise _refused("--positive names one of two classes.")


def _load(name: str, server: str, api_key: str | None) -> None:
    async def asked(rest: Rest) -> Any:
        return await rest.document("POST", f"/v1/models/{quote(name, safe='')}/load", json={})

    ask(open_rest(server, api_key), asked)


def _refused(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
