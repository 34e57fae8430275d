"""What the page asks concerning taggers, and the fields that it reads."""

from __future__ import annotations

import re
from typing import Any

import httpx

from sonotype.api.http.schemas_taggers import (
    NearPrototype,
    TaggedBody,
    TaggerAnswer,
    TaggerDoubt,
    TaggerInfoBody,
    TaggerReportBody,
    TaggersBody,
    TaggerSize,
)
from sonotype.api.web.routes import assets


def text(name: str) -> str:
    return assets()[name].content.decode()


def fields(body: Any) -> set[str]:
    return {field.alias or name for name, field in body.model_fields.items()}


async def test_the_page_has_a_view_of_taggers(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert 'href="#taggers"' in page
    ids = set(re.findall(r'id="([^"]+)"', page))
    wanted = {name for script in ("taggers.js", "tagger.js") for name in re.findall(r'"(tagger[a-z]+)"', text(script))}
    assert wanted <= ids
    for name in ("taggers.js", "tagger.js", "pareto.js", "near.js"):
        assert (await client.get(f"/assets/{name}")).status_code == 200
        assert "innerHTML" not in text(name)


def test_the_fields_that_it_reads_are_answered() -> None:
    assert {"taggers", "fitting"} <= fields(TaggersBody)
    says = {"name", "labels", "tracks", "prototypes", "budget", "version", "corrections", "stale", "method"}
    assert says <= fields(TaggerInfoBody)
    assert "answers" in fields(TaggedBody)
    assert {"track", "tags", "prototypes", "far"} <= fields(TaggerAnswer)
    assert {"distance", "members", "examples"} <= fields(NearPrototype)
    assert {"sizes", "tracks", "artists", "doubts", "doubted"} <= fields(TaggerReportBody)
    assert {"share", "prototypes", "mean_average_precision"} <= fields(TaggerSize)
    assert {"track", "label", "is", "agreement"} <= fields(TaggerDoubt)


def test_taggers_are_not_offered_to_listen_live() -> None:
    assert 'kind !== "tagger"' in text("live.js")
