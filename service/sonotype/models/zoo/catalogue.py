"""What can be pulled: `zoo.toml` of the model repository."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.repository import builtin_repository

FILE_NAME = "zoo.toml"
_SHA256 = r"^[0-9a-f]{64}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ZooSource(_Strict):
    """One published form of a model.

    Attributes:
        format: name of the form, `checkpoint`, `safetensors` or `onnx`; how it is read is found in its content.
        urls: addresses of the same file, tried in order.
        sha256: its hash; None where nobody has told it us yet: whoever pulls it must say what they expect.
        n_bytes: its size, where it is known; a server that sends more is cut off.
    """

    format: str = Field(pattern=r"^[a-z0-9-]{1,24}$")
    urls: tuple[str, ...] = Field(min_length=1)
    sha256: str | None = Field(None, pattern=_SHA256)
    n_bytes: int | None = Field(None, gt=0)


class ZooModel(_Strict):
    """One published model.

    Attributes:
        name: of the model and of the folder that it becomes.
        family: who knows how to convert it, see `converting`.
        labels: name of a label list, or the labels.
        sources: its forms, the preferred one first.
        licence: name of one of the catalogue's licences.
        options: what the family needs to know besides.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    family: str
    title: str
    description: str = ""
    labels: str | tuple[str, ...] = ()
    licence: str
    sources: tuple[ZooSource, ...] = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)

    def source(self, form: str | None) -> ZooSource:
        """The form of that name, or the preferred one.

        Raises:
            SonotypeError: `invalid_request` for a form that it is not published in.
        """
        for source in self.sources:
            if form in {None, source.format}:
                return source
        known = ", ".join(source.format for source in self.sources)
        raise SonotypeError(Code.INVALID_REQUEST, f"{self.name} is published as {known}, not {form!r}.")


class _File(_Strict):
    """One `zoo.toml`: licences by a short name, and models under them."""

    zoo_schema: Literal[1]
    licences: dict[str, LicenceSpec]
    model: tuple[ZooModel, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [model.name for model in self.model]
        if len(set(names)) != len(names):
            raise ValueError("two models of the zoo have the same name")
        if missing := {model.licence for model in self.model} - self.licences.keys():
            raise ValueError(f"no such licence in the zoo: {', '.join(sorted(missing))}")
        return self


@dataclass(frozen=True, slots=True)
class Offer:
    """A published model and the terms of its weights."""

    model: ZooModel
    licence: LicenceSpec


def read_zoo(repositories: Sequence[Path] = ()) -> dict[str, Offer]:
    """Everything that can be pulled, by name: of the package's catalogue and of those in further repositories.

    A further repository may name its own source of a model that the package knows: that is how a mirror is made.

    Raises:
        SonotypeError: `invalid_request` for a catalogue that cannot be read.
    """
    paths = [builtin_repository() / FILE_NAME, *(path / FILE_NAME for path in repositories)]
    found: dict[str, Offer] = {}
    for path in paths:
        if path.is_file():
            found |= _read(path)
    return found


def _read(path: Path) -> dict[str, Offer]:
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SonotypeError(Code.INVALID_REQUEST, f"{path}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} cannot be read: {error}") from error
    return {model.name: Offer(model, file.licences[model.licence]) for model in file.model}
