"""The JSON file that Essentia publishes beside each of its models.

Only what is needed is looked at, and nothing is believed that the graph itself says better: shapes are wrong in some
of them (heads once declared 1200 inputs instead of 1280), links are stale, and there is neither hash nor licence.
Names of classes come from here and from nowhere else, in the order of the file: the order differs from head to head,
and for one task even from backbone to backbone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sonotype.core.errors import Code, SonotypeError

MAX_BYTES = 2**20
_NOT = re.compile(r"(?:not|non)[_\- ](.+)")
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}")


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Output(_Tolerant):
    """One output of the graph."""

    name: str = ""
    output_purpose: str = ""


class Schema(_Tolerant):
    """What goes in and comes out."""

    outputs: tuple[Output, ...] = ()


class EmbeddingModel(_Tolerant):
    """The model that a head stands on."""

    algorithm: str = ""
    model_name: str = ""
    link: str = ""


class Inference(_Tolerant):
    """How the model is meant to be used."""

    sample_rate: float | None = None
    algorithm: str = ""
    embedding_model: EmbeddingModel | None = None


class Metadata(_Tolerant):
    """One metadata file."""

    name: str = ""
    version: str = "1"
    description: str = ""
    author: str = ""
    link: str = ""
    citation: str = ""
    classes: tuple[str, ...] = ()
    graph: Schema = Field(default_factory=Schema, alias="schema")
    inference: Inference = Field(default_factory=Inference)

    @field_validator("name", "version", "description", "author", "link", "citation", mode="before")
    @classmethod
    def _text(cls, value: Any) -> str:
        return value if isinstance(value, str) else "" if value is None else str(value)

    @field_validator("graph", "inference", mode="before")
    @classmethod
    def _table(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("classes", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return () if value is None else value

    @property
    def plain_version(self) -> str:
        """Version as a card takes it; `1` where the file says something else."""
        return self.version if _VERSION.fullmatch(self.version) else "1"

    @property
    def backbone(self) -> str:
        """Name of the model that a head stands on, such as `msd-musicnn-1`; empty where the file does not say."""
        model = self.inference.embedding_model
        return "" if model is None else model.model_name or Path(model.link).stem

    @property
    def predictions(self) -> str:
        """Name of the output that holds the predictions; empty where the file does not say."""
        return next((one.name for one in self.graph.outputs if one.output_purpose == "predictions"), "")


def read_metadata(data: bytes) -> Metadata:
    """Read a metadata file.

    Raises:
        SonotypeError: `invalid_request`: it is not JSON, or what is needed of it has the wrong type.
    """
    if len(data) > MAX_BYTES:
        raise _invalid("The metadata file is too large to be one.")
    try:
        return Metadata.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        raise _invalid(f"The metadata cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    except (ValueError, RecursionError):
        raise _invalid("The metadata file is not JSON.") from None


def checked_classes(metadata: Metadata, count: int) -> tuple[str, ...]:
    """The names of the classes, in the order of the file.

    Raises:
        SonotypeError: `invalid_request`: there are none, not as many as outputs, or two are the same.
    """
    classes = metadata.classes
    if not classes:
        raise _invalid("The metadata names no classes; without their names a model is not imported.")
    if len(classes) != count:
        raise _invalid(f"The metadata names {len(classes)} classes, but the graph has {count} outputs.")
    if len(set(classes)) != count or not all(name.strip() for name in classes):
        raise _invalid("Two classes of the metadata have the same name, or one has none.")
    return classes


def positive_class(classes: tuple[str, ...]) -> str | None:
    """Of two classes the one that the other denies by its name (`happy` of `happy` and `non_happy`)."""
    if len(classes) == 2:
        for one, other in (classes, classes[::-1]):
            match = _NOT.fullmatch(other)
            if match is not None and _close(match[1], one):
                return one
    return None


def _close(first: str, second: str) -> bool:
    """Whether two names are the same but for spelling (`danceable` and `danceability` are not)."""
    return re.sub(r"[_\- ]", "", first).lower() == re.sub(r"[_\- ]", "", second).lower()


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
