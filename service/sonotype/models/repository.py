"""Model repositories: where they are, and what their folders hold.

A model repository is a folder of `<name>/card.toml`; adding a model is adding a folder. Weights that this project
trained itself may stand beside their card as `model.safetensors` (or as a graph, `model.onnx`); all others are pulled
(see `weights.store`).

A model may have several versions, each in a folder of its own, `<name>/<version>/card.toml`, instead of or beside the
card in `<name>` itself. The card is written last: a folder without one is not a version yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

import sonotype
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, Card, read_any_card

_LONGEST_VERSION = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """A model that cannot be used, or not wholly, and why; the others are not affected."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a model and the folder that it was read from."""

    card: AnyCard
    folder: Path


def builtin_repository() -> Path:
    """The repository that comes with the package, or, in a source tree, the one at its top."""
    package = Path(sonotype.__file__).resolve().parent
    packaged = package / "_models"
    return packaged if packaged.is_dir() else package.parents[1] / "models"


def repositories(settings: Settings) -> list[Path]:
    """The further repositories of a deployment: those of its settings, and the folder that pulled models go to."""
    pulled = pulled_models(settings)
    return [*settings.model_path, *([pulled] if pulled.is_dir() else [])]


def pulled_models(settings: Settings) -> Path:
    """Where models of the zoo are made into folders, whether there are any yet or not."""
    return settings.data_dir / "models"


def make_room_for_models(settings: Settings) -> None:
    """Make the folder of pulled models, so that a running service sees what is pulled later; where that is possible."""
    with suppress(OSError):
        pulled_models(settings).mkdir(parents=True, exist_ok=True)


def read_repositories(paths: Iterable[Path]) -> tuple[dict[str, dict[str, Entry]], tuple[Problem, ...]]:
    """Every usable version by name, oldest first, and what is amiss. Raises as `Registry`."""
    found: dict[str, dict[str, Entry]] = {}
    problems: list[Problem] = []
    for repository in paths:
        if not repository.is_dir():
            problems.append(Problem(str(repository), "no such model repository"))
        here = _read_repository(repository, problems)
        for name in here:
            if name in found:
                raise SonotypeError(Code.INVALID_REQUEST, f"Two model repositories hold a model named {name!r}.")
        found.update(here)
    return found, tuple(problems)


def _read_repository(repository: Path, problems: list[Problem]) -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = {}
    for path in card_files(repository):
        name, *version = path.parent.relative_to(repository).parts
        if name.startswith("."):  # a folder that is being written or deleted
            continue
        where = "/".join((name, *version))
        card = _read(path, name, version[0] if version else None)
        if isinstance(card, str):
            problems.append(Problem(where, card))
        elif card.version in found.get(name, {}):
            problems.append(Problem(where, f"version {card.version} is there twice"))
        else:
            found.setdefault(name, {})[card.version] = Entry(card, path.parent)
    return {name: dict(sorted(entries.items(), key=lambda pair: _order(pair[0]))) for name, entries in found.items()}


def card_files(repository: Path) -> list[Path]:
    """The cards of a repository; folders whose name begins with a dot are none of it: somebody is writing there."""
    found = [*sorted(repository.glob("*/card.toml")), *sorted(repository.glob("*/*/card.toml"))]
    return [path for path in found if not any(part[0] == "." for part in path.relative_to(repository).parts)]


def _order(version: str) -> tuple[int, ...]:
    """Versions are ordered as numbers: 10 is newer than 9."""
    return tuple(map(int, version.split(".")))


def _read(path: Path, name: str, version: str | None) -> AnyCard | str:
    """A card, or why it cannot be used."""
    try:
        card = read_any_card(path)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, OSError, RecursionError) as error:
        return f"card.toml cannot be read: {error}"
    if version is not None and card.version != version:
        return f"the card is of version {card.version!r}, its folder is {version!r}"
    return _fault(card, name) or card


def _fault(card: AnyCard, folder: str) -> str | None:
    """What the schema cannot say about a card."""
    if len(card.version) > _LONGEST_VERSION:
        return f"a version has at most {_LONGEST_VERSION} characters"
    if card.name != folder:
        return f"the card is named {card.name!r}, its folder {folder!r}"
    if isinstance(card, Card) and card.source.kind != "none" and (card.weights is None or card.source.sha256 is None):
        return "weights that are fetched need the hash of the file (source.sha256) and of the result (weights.sha256)"
    if len(set(card.labels)) != len(card.labels):
        return "two labels are the same"
    return None
