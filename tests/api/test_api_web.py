"""The page as it is served; `make web-check` looks at it in a browser."""

from __future__ import annotations

import re
from itertools import chain

import httpx
import pytest

from sonotype.api.web.routes import assets
from sonotype.evaluation import thresholds

PAGES = {"/": "index.html", "/docs": "docs.html"}
SCRIPTS = sorted(name for name in assets() if name.endswith(".js"))
MODULES = sorted(set(SCRIPTS) - {"docs.js"})


def text(name: str) -> str:
    return assets()[name].content.decode()


def ids() -> set[str]:
    return set(re.findall(r'\bid="([\w-]+)"', text("index.html")))


@pytest.mark.parametrize("path", [*PAGES, *(f"/assets/{name}" for name in assets())])
async def test_every_file_is_served_with_its_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert len(answer.content) > 100
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "media-src blob:;" in policy
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
    assert re.findall(r"\b(?:src|href)=\"(?![/#])[^\"]*\"", page) == []
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for asset in re.findall(r"/assets/([\w.]+)", page):
        assert asset in assets()


@pytest.mark.parametrize("name", [name for name in assets() if name.endswith((".js", ".css"))])
def test_scripts_and_styles_reach_nowhere_else(name: str) -> None:
    assert not re.search(r"https?://|@import|innerHTML|insertAdjacentHTML|\beval\(", text(name))


@pytest.mark.parametrize("name", SCRIPTS)
def test_modules_import_what_exists(name: str) -> None:
    for names, source in re.findall(r"import \{([^}]*)\} from \"([^\"]*)\"", text(name)):
        assert source.startswith("/assets/")
        offered = re.findall(r"export (?:async )?(?:function|class|const) (\w+)", text(source.removeprefix("/assets/")))
        assert {one.strip() for one in names.split(",")} <= set(offered)


def test_every_module_is_reached_from_the_page() -> None:
    reached, ahead = set(), ["app.js"]
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead += set(re.findall(r'(?:from |addModule\()"/assets/([\w.]+)"', text(name))) - reached
    assert sorted(reached) == MODULES


def test_modules_stay_small() -> None:
    assert [name for name in MODULES if text(name).count("\n") > 160] == []


@pytest.mark.parametrize("name", MODULES)
def test_scripts_find_the_elements_they_look_for(name: str) -> None:
    listed = re.findall(r"\bpick\(([^)]*)\)", text(name)) if name != "dom.js" else []
    single = re.findall(r'byId\("([\w-]+)"\)', text(name))
    wanted = set(chain(single, *(re.findall(r'"([\w-]+)"', each) for each in listed)))
    assert wanted <= ids()


def test_labels_and_titles_point_to_what_exists() -> None:
    named = re.findall(r'\bid="([\w-]+)"', text("index.html"))
    assert len(named) == len(ids())
    assert set(re.findall(r'(?:\bfor|aria-labelledby)="([\w-]+)"', text("index.html"))) <= ids()


def test_colours_have_a_light_and_a_dark_value() -> None:
    light, dark = re.findall(r":root \{(.*?)\}", text("style.css"), re.DOTALL)
    names = [set(re.findall(r"(--[\w-]+): #", each)) for each in (light, dark)]
    assert names[0] == names[1]
    used = set(re.findall(r"var\((--[\w-]+)\)", text("style.css") + text("prototypes.css"))) - {"--row"}
    assert used | set(re.findall(r'"(--[\w-]+)"', "".join(map(text, MODULES)))) <= names[0]


def test_the_page_names_the_thresholds_of_the_gate() -> None:
    shown = re.search(r"THRESHOLDS = \{(.*?)\}", text("badge.js"))
    assert shown
    numbers = {name: float(value) for name, value in re.findall(r"(\w+): ([\d.]+)", shown[1])}
    measures = thresholds.Measures(*[0.0] * 8)
    assert numbers == {verdict.criterion: verdict.threshold for verdict in thresholds.verdicts(measures)}


async def test_the_page_asks_what_the_api_answers(client: httpx.AsyncClient) -> None:
    """The request that `listen.js` makes, and every field that is read."""
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
    assert "reasons" not in result
    assert "server-timing" in answer.headers
    [model, *_] = (await client.get("/v1/models")).json()["models"]
    assert {"kind", "name", "title", "description", "default", "served", "labels", "patch", "licence"} <= set(model)
