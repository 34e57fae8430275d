"""How `sonotype models` lists taggers, and the models of a running service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sonotype.catalog.taggers.peek import peek
from sonotype.catalog.taggers.store import FOLDER
from sonotype.cli.asking import run
from sonotype.cli.document import Document, print_document
from sonotype.cli.errors import reported
from sonotype.cli.model_views import table
from sonotype.cli.rest import Rest, open_rest
from sonotype.core.settings import Settings
from sonotype.models.card import TAGGER
from sonotype.models.registry import Registry
from sonotype.plane.catalog.tagger_models import backbone_of


def summaries(registry: Registry, settings: Settings) -> Iterator[dict[str, Any]]:
    """A row for each tagger in the data folder, by its files."""
    for one in peek(settings.data_dir / FOLDER):
        backbone = backbone_of(one.about.generation)
        card = registry.cards().get(backbone.model)
        yield {
            "name": TAGGER + one.about.name,
            "kind": "tagger",
            "version": str(one.version),
            "title": _title(backbone.model, backbone.embedding),
            "pulled": True,
            "n_bytes": one.n_bytes,
            "n_labels": len(one.about.labels),
            "backbone": backbone.model,
            "embedding": backbone.embedding,
            "licence": "" if card is None else card.licence.spdx,
            "commercial": card is not None and card.licence.commercial,
        }


def list_remote(server: str, api_key: str | None, as_json: bool) -> None:
    """Print the models of a running service."""

    async def asked(rest: Rest) -> Document:
        return await rest.document("GET", "/v1/models")

    with reported():
        found = run(open_rest(server, api_key), asked)
    print_document(found, table([_row_of(body) for body in found["models"]]), as_json)


def _row_of(body: Document) -> dict[str, Any]:
    """A row from what a running service says of a model; how large its files are it does not say."""
    facts = body.get("tagger")
    title = _title(facts["backbone"], facts["embedding"]) if facts else body["title"]
    licence = body["licence"]["spdx"]
    return {"name": body["name"], "title": title, "pulled": body["pulled"], "n_bytes": None, "licence": licence}


def _title(model: str, embedding: str) -> str:
    return f"Tagger on {model}, {embedding}"
