"""What was chosen while the service ran: versions, models loaded and unloaded. It outlives the process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sonotype.core.errors import SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.registry import Registry
from sonotype.models.weights.base import write_atomic

_log = logging.getLogger(__name__)
_MOST_PAST = 16


class Choice(BaseModel):
    """What was chosen for one model.

    Attributes:
        version: the version that is pinned; None for the newest.
        stopgap: it is pinned only because what is newer could not be loaded.
        served: whether it is served although the settings say otherwise; None leaves it to them.
        past: versions served before, the last one last: where a rollback leads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str | None = None
    stopgap: bool = False
    served: bool | None = None
    past: tuple[str, ...] = ()

    @property
    def pin(self) -> str | None:
        """The version that somebody wants."""
        return None if self.stopgap else self.version

    def after(self, version: str | None) -> tuple[str, ...]:
        """The past once another version has taken over from this one."""
        return self.past if version is None else (*self.past, version)[-_MOST_PAST:]

    def before(self, version: str) -> tuple[str, ...]:
        """The past of a version that is rolled back to."""
        return self.past[: len(self.past) - 1 - self.past[::-1].index(version)] if version in self.past else self.past


class Choices(BaseModel):
    """The choices of a deployment, by the name of the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices_schema: Literal[1] = 1
    models: Mapping[str, Choice] = Field(default_factory=dict)

    def of(self, name: str) -> Choice:
        """What was chosen for a model."""
        return self.models.get(name, Choice())

    def having(self, name: str, **changes: object) -> Choices:
        """The same with another choice for one model."""
        choice = self.of(name).model_copy(update=changes)
        kept = {key: value for key, value in self.models.items() if key != name}
        return Choices(models=kept if choice == Choice() else kept | {name: choice})

    @property
    def loaded(self) -> list[str]:
        """Models that were loaded by name."""
        return [name for name, choice in self.models.items() if choice.served]

    @property
    def unloaded(self) -> set[str]:
        """Models that were unloaded."""
        return {name for name, choice in self.models.items() if choice.served is False}


def choices_file(settings: Settings) -> Path:
    """Where the choices of a deployment are kept."""
    return settings.data_dir / "lineup.json"


def read_choices(path: Path) -> Choices:
    """The choices at `path`; none where there is no such file, or, with a warning, where it cannot be read."""
    try:
        return Choices.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Choices()
    except (OSError, ValidationError) as error:
        _log.warning("%s cannot be read (%s): the newest versions are served", path.name, type(error).__name__)
        return Choices()


def write_choices(path: Path, choices: Choices) -> None:
    """Keep choices for the next start; a failure to write is logged: what is served is served."""
    try:
        write_atomic(path, choices.model_dump_json(indent=1).encode() + b"\n")
    except OSError as error:
        _log.error("the choice of models cannot be kept for the next start: %s", error)


def pin_chosen(registry: Registry, settings: Settings, choices: Choices) -> None:
    """Make the chosen versions current, those that the settings name above all.

    A choice that vanished is reported to the registry and ignored.

    Raises:
        SonotypeError: `model_not_found` for a version that the settings name.
    """
    for name, choice in choices.models.items():
        if choice.version is None:
            continue
        try:
            registry.pin(name, choice.version)
        except SonotypeError:
            registry.report(name, f"version {choice.version} was chosen and is not here any more: the newest is served")
    for address in settings.models:
        name, _, version = address.partition("@")
        if version:
            registry.pin(name, version)
