"""Where a Milvus is, and how it is to be used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from sonotype.core.errors import Code, SonotypeError

Consistency = Literal["Strong", "Session"]
_CONSISTENCIES: dict[str, Consistency] = {"strong": "Strong", "session": "Session"}
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed `SONOTYPE_CATALOG_URL`.

    Attributes:
        uri: what the client connects to: `http://host:19530`, perhaps with `/database`, or a path that ends in `.db`.
        embedded: milvus-lite inside this process, one process at a time.
        consistency: `Strong` finds what any gateway acknowledged before a search, at the price of waiting for the
            engine's clock (up to 0.2 s); `Session` finds what this gateway acknowledged, and the rest a moment later.
        prefix: of the names of all collections, so that several catalogues can share an engine.
    """

    uri: str
    embedded: bool
    consistency: Consistency = "Strong"
    prefix: str = "sonotype"

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `http://host:19530[/database][?consistency=session][&prefix=name]` or `folder/name.db[?…]`.

        Raises:
            SonotypeError: `invalid_request`; the address may hold credentials and is not repeated.
        """
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return cls(urlunsplit(parts._replace(query="", fragment="")), False, *_options(parts.query))
        if parts.path.endswith(".db") and not parts.scheme:
            return cls(str(Path(parts.path).expanduser().absolute()), True, *_options(parts.query))
        raise SonotypeError(
            Code.INVALID_REQUEST, "The address of a Milvus is http://host:19530, or a path that ends in .db."
        )


def _options(query: str) -> tuple[Consistency, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    consistency, prefix = options.pop("consistency", "strong"), options.pop("prefix", "sonotype")
    if options or consistency not in _CONSISTENCIES or not _PREFIX.fullmatch(prefix):
        known = "consistency=strong|session and prefix=<letters, digits, _>"
        raise SonotypeError(Code.INVALID_REQUEST, f"The address of a Milvus takes the options {known}.")
    return _CONSISTENCIES[consistency], prefix
