"""The page as it is served; `make web-check` looks at it in a browser."""

from __future__ import annotations

import re

import httpx
import pytest

from sonotype.api.web.routes import assets

PAGES = {"/": "index.html", "/docs": "docs.html"}


def text(name: str) -> str:
    return assets()[name].content.decode()


@pytest.mark.parametrize("path", [*PAGES, *(f"/assets/{name}" for name in assets())])
async def test_every_file_is_served_with_its_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert len(answer.content) > 100
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    again = await client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["none.js", "..%2froutes.py", "%2e%2e%2froutes.py", "routes.py", "%2e%2e", "index.html%00.js"]
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", PAGES.values())
def test_pages_obey_their_own_policy(name: str) -> None:
    """Nothing from elsewhere, no script or style within the page, and every file they name exists."""
    page = text(name)
    assert re.findall(r"\b(?:src|href)=\"(?!/)[^\"]*\"", page) == []
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for asset in re.findall(r"/assets/([\w.]+)", page):
        assert asset in assets()


@pytest.mark.parametrize("name", [name for name in assets() if name.endswith((".js", ".css"))])
def test_scripts_and_styles_reach_nowhere_else(name: str) -> None:
    assert not re.search(r"https?://|@import|innerHTML|insertAdjacentHTML|\beval\(", text(name))


def test_scripts_find_the_elements_they_look_for() -> None:
    ids = set(re.findall(r'\bid="([\w-]+)"', text("index.html")))
    listed = re.search(r"Object\.fromEntries\(\s*\[(.*?)\]\.map", text("app.js"), re.DOTALL)
    assert listed
    wanted = set(re.findall(r'"([\w-]+)"', listed[1]))
    looped = re.search(r"for \(const name of \[(.*?)\]\) this\[name\]", text("taggram.js"))
    assert looped
    wanted |= set(re.findall(r'"([\w-]+)"', looped[1]))
    assert wanted <= ids


def test_labels_and_titles_point_to_what_exists() -> None:
    page = text("index.html")
    ids = set(re.findall(r'\bid="([\w-]+)"', page))
    assert set(re.findall(r'(?:\bfor|aria-labelledby)="([\w-]+)"', page)) <= ids


async def test_the_page_asks_what_the_api_answers(client: httpx.AsyncClient) -> None:
    """The request that `app.js` makes, and every field it reads."""
    target = "/v1/analyze?top_k=12&timeline=true&model=fake"
    headers = {"content-type": "application/octet-stream"}
    answer = await client.post(target, content=b"RIFF", headers=headers)
    body = answer.json()
    [result] = body["results"]
    assert {"duration_s", "format", "sample_rate_hz", "channels", "truncated", "clipped", "silent", "sha256"} <= set(
        body["clip"]
    )
    assert {"count", "length_s", "hop_s", "dropped_s", "filled_s", "tail", "short"} <= set(result["patches"])
    assert set(result["timeline"]) == {"starts_s", "labels", "scores"}
    assert "server-timing" in answer.headers
    [model, *_] = (await client.get("/v1/models")).json()["models"]
    assert {"name", "title", "description", "default", "served", "labels", "patch", "licence"} <= set(model)
