"""What the pages say, held against what there is: links lead somewhere, and commands and their options exist."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from sonotype.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PASSED_OVER = {".venv", ".git", "node_modules", "build", ".pytest_cache", ".hypothesis"}
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
# Options of Click itself, and what ends a command in a line of a shell.
EVERYWHERE = {"--help"}
ENDS = {"|", ">", ">>", "<", "&&", ";", "&", "2>"}
WORDS = ("sonotype ", "python -m bench ", "python -m bench.", "python -m scripts.", "make ")
# Files and folders that a sentence names; patterns, folders of users and what a build leaves behind are none.
PATH = re.compile(r"(?:tests|service|scripts|docs|bench|deploy|proto)/[\w./-]+")


def pages() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in PASSED_OVER and not name.startswith(".")]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    slugs: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = sum(1 for known in slugs if known == slug or re.fullmatch(re.escape(slug) + r"-\d+", known))
        slugs.add(slug if not number else f"{slug}-{number}")
    return slugs


def commands(page: Path) -> Iterator[str]:
    """Commands of this project in blocks of code and in code within a sentence."""
    text = page.read_text(encoding="utf-8")
    for block in FENCE.findall(text):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines()[1:-1]:
            yield from _in_line(line.removeprefix("$ "))
    for code in CODE.findall(FENCE.sub("", text)):
        yield from _in_line(code)


def _in_line(line: str) -> Iterator[str]:
    words = re.sub(r"^\s*((nice|[A-Z_]+=\S*)\s+)*", "", line)
    if words.startswith(WORDS):
        yield words


def split(command: str) -> list[str]:
    """The words of a command up to a pipe or a comment."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:  # an apostrophe in a comment or a placeholder
        words = command.split()
    end = next((at for at, word in enumerate(words) if word in ENDS or word.startswith(("#", ">", "2>"))), len(words))
    return words[:end]


def unknown_in(words: list[str]) -> list[str]:
    """Commands and options of `sonotype …` that do not exist."""
    command: Any = get_command(app)
    rest = words[1:]
    while (inside := getattr(command, "commands", None)) and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        if rest[0] not in inside:
            return [rest[0]]
        command, rest = inside[rest[0]], rest[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | EVERYWHERE
    asked = {re.split(r"[=,.…)\]]", word.strip("[]()"))[0] for word in rest if re.match(r"\[?-{1,2}[a-z]", word)}
    return sorted(word for word in asked if word.startswith("--") and word not in known) + sorted(
        word for word in asked if re.fullmatch(r"-[a-z]", word) and word not in known
    )


@cache
def bench_source(name: str) -> str:
    folder = ROOT / "bench" / name.replace("-", "_")
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))


def unknown_of_bench(words: list[str]) -> list[str]:
    """A benchmark that does not exist, or options that no line of it adds."""
    source = bench_source(words[3])
    if not source:
        return [words[3]]
    asked = {word.strip("[]").split("=")[0] for word in words[4:] if word.strip("[]").startswith("--")}
    return sorted(option for option in asked if f'"{option}"' not in source)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    text = CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_commands_and_their_options_exist(page: Path) -> None:
    verbs = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    lost = {}
    for command in commands(page):
        words = split(command)
        unknown: list[str] = []
        if words[0] == "sonotype":
            unknown = unknown_in(words)
        elif words[0] == "make":
            unknown = [word for word in words[1:2] if re.fullmatch(r"[a-z][a-z-]*", word) and word not in verbs]
        elif words[2:3] == ["bench"] and len(words) > 3:
            unknown = unknown_of_bench(words)
        elif words[2].startswith(("scripts.", "bench.")):
            unknown = [] if importlib.util.find_spec(words[2]) else [words[2]]
        if unknown:
            lost[command] = unknown
    assert not lost


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    named = [code for code in CODE.findall(text) if PATH.fullmatch(code)]
    assert not [path for path in named if not (ROOT / path).exists()]
