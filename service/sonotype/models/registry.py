"""The models that there are: cards of the built-in repository and of further ones, and where their weights lie.

A model repository is a folder of `<name>/card.toml`; adding a model is adding a folder. Weights that this project
trained itself may stand beside their card as `model.safetensors` (or as a graph, `model.onnx`); all others are pulled
(see `weights.store`).

A model may have several versions, each in a folder of its own, `<name>/<version>/card.toml`, instead of or beside the
card in `<name>` itself. The newest, by number, is current unless another is pinned. The card is written last: a folder
without one is not a version yet.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

import sonotype
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, AnyHeadCard, Card, HeadCard, PrototypeCard, read_any_card
from sonotype.models.heads.arrays import FILE_NAME
from sonotype.models.heads.transfer import HEAD_FILE
from sonotype.models.weights.layout import find_weights, weights_name

_LONGEST_VERSION = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """A model that cannot be used, or not wholly, and why; the others are not affected."""

    name: str
    reason: str


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


@dataclass(frozen=True, slots=True)
class _Entry:
    """One version of a model and the folder that it was read from."""

    card: AnyCard
    folder: Path


class Registry:
    """Every model that can be named.

    Args:
        paths: further repositories, after the built-in one.
        weights_dir: where pulled weights lie.
        builtin: whether the built-in repository is read at all.

    Attributes:
        weights_dir: where pulled weights lie.
        repositories: the folders that are read.

    Raises:
        SonotypeError: `invalid_request` where two repositories hold a model of the same name: neither may shadow the
            other in silence.
    """

    def __init__(self, paths: Sequence[Path], weights_dir: Path, *, builtin: bool = True) -> None:
        self.weights_dir = weights_dir
        self._faults: tuple[Problem, ...] = ()
        self._reports: tuple[Problem, ...] = ()
        wanted = [builtin_repository(), *paths] if builtin else paths
        self.repositories = tuple(dict.fromkeys(path.resolve() for path in wanted))
        self._pins: dict[str, str] = {}
        self._versions: dict[str, dict[str, _Entry]] = {}
        self._gone: dict[str, _Entry] = {}
        self._cards: dict[str, AnyCard] = {}
        self.refresh()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Models that cannot be used, or not wholly."""
        return self._faults + self._reports

    def refresh(self) -> None:
        """Read the folders again. What is no longer there is still found by `name@version`, and is not current.

        Raises:
            SonotypeError: as the constructor; then nothing has changed.
        """
        found, problems = _read_repositories(self.repositories)
        old = {entry.card.address: entry for by_version in self._versions.values() for entry in by_version.values()}
        new = {entry.card.address for by_version in found.values() for entry in by_version.values()}
        self._gone = {address: entry for address, entry in {**self._gone, **old}.items() if address not in new}
        self._versions, self._faults = found, problems
        self._choose()

    def copy(self) -> Registry:
        """Another registry of the same models, to be changed without touching this one."""
        other = copy.copy(self)
        other._pins = dict(self._pins)
        return other

    def pin(self, name: str, version: str | None) -> None:
        """Say which version of a model is current; None means the newest again.

        Raises:
            SonotypeError: `model_not_found` where there is no such version; then nothing has changed.
        """
        if version is None:
            self._pins.pop(name, None)
        elif version in self._versions.get(name, {}):
            self._pins[name] = version
        else:
            raise self._unknown(name, version)
        self._choose()

    def versions(self, name: str) -> dict[str, AnyCard]:
        """The versions of a model that are there, oldest first; none for a name that there is not."""
        return {version: entry.card for version, entry in self._versions.get(name, {}).items()}

    def cards(self) -> dict[str, Card]:
        """Every usable card of a network by its name, sorted; of several versions the current one."""
        return {name: card for name, card in sorted(self._cards.items()) if isinstance(card, Card)}

    def prototype_cards(self) -> dict[str, PrototypeCard]:
        """Every usable card of a prototype model by its name, sorted."""
        return {name: card for name, card in sorted(self._cards.items()) if isinstance(card, PrototypeCard)}

    def head_cards(self) -> dict[str, AnyHeadCard]:
        """Every usable card of a model that stands on a network, by its name, sorted."""
        return {name: card for name, card in sorted(self._cards.items()) if not isinstance(card, Card)}

    def get(self, address: str) -> Card:
        """The card of a network for `name` or `name@version`.

        Raises:
            SonotypeError: `model_not_found`.
        """
        card = self.find(address)
        if not isinstance(card, Card):
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"{card.name!r} is a head, not a network.")
        return card

    def folder(self, card: AnyCard) -> Path:
        """The folder that `card` was read from."""
        entry = self._entry(card.name, card.version)
        assert entry is not None, "a card that was never read. This is a bug."  # noqa: S101
        return entry.folder

    def find(self, address: str) -> AnyCard:
        """The card for `name`, which is the current version, or for `name@version`, of whatever kind.

        Raises:
            SonotypeError: `model_not_found`.
        """
        name, _, version = address.partition("@")
        card = self._cards.get(name)
        if version and (card is None or version != card.version):
            entry = self._entry(name, version)
            card = entry.card if entry is not None else None
        if card is None:
            raise self._unknown(name, version)
        return card

    def weights_path(self, card: AnyCard) -> Path | None:
        """The weights of `card`: beside it, or pulled; None where there are none (yet)."""
        if isinstance(card, PrototypeCard):
            return self._beside(card, FILE_NAME)
        if isinstance(card, HeadCard):
            return self._beside(card, HEAD_FILE)
        if card.source.kind != "none":
            return find_weights(card, self.weights_dir)
        return self._beside(card, weights_name(card)) if card.weights is not None else None

    def is_pulled(self, card: AnyCard) -> bool:
        """Whether the weights of `card` are there; those of a model without weights always are."""
        return card.weights is None or self.weights_path(card) is not None

    def report(self, name: str, reason: str) -> None:
        """Note that a model cannot be used, or not wholly."""
        self._reports = (*self._reports, Problem(name, reason))

    def retract(self, name: str) -> None:
        """Forget what was reported of a model: it can be used after all."""
        self._reports = tuple(problem for problem in self._reports if problem.name != name)

    def _beside(self, card: AnyCard, file: str) -> Path | None:
        entry = self._entry(card.name, card.version)
        path = entry.folder / file if entry is not None else None
        return path if path is not None and path.is_file() else None

    def _entry(self, name: str, version: str) -> _Entry | None:
        return self._versions.get(name, {}).get(version) or self._gone.get(f"{name}@{version}")

    def _choose(self) -> None:
        """Find out the current card of every name: the pinned version, else the newest."""
        for name, by_version in self._versions.items():
            if name in self._pins and self._pins[name] not in by_version:
                self.report(name, f"the version {self._pins[name]} that was chosen is not here any more")
                del self._pins[name]
        self._cards = {name: _current(entries, self._pins.get(name)) for name, entries in self._versions.items()}

    def _unknown(self, name: str, version: str | None) -> SonotypeError:
        known = self._versions.get(name)
        if known is None:
            hint = f" here; the zoo has it: sonotype models pull {name}" if name in _published() else ""
            return SonotypeError(Code.MODEL_NOT_FOUND, f"There is no model named {name[:80]!r}{hint}.")
        places = "is at version" if len(known) == 1 else "has the versions"
        detail = f"{name!r} {places} {', '.join(known)[:200]}, not {(version or '')[:80]!r}."
        return SonotypeError(Code.MODEL_NOT_FOUND, detail)


@cache
def _published() -> frozenset[str]:
    """Names in the zoo of the package; read once, when the first unknown name is asked for."""
    from sonotype.models.zoo.catalogue import read_zoo  # noqa: PLC0415 - the zoo stands on this module

    return frozenset(read_zoo())


def _current(by_version: dict[str, _Entry], pin: str | None) -> AnyCard:
    """The pinned version, else the newest, which is the last."""
    return by_version[pin or next(reversed(by_version))].card


def _read_repositories(paths: Iterable[Path]) -> tuple[dict[str, dict[str, _Entry]], tuple[Problem, ...]]:
    """Every usable version by name, oldest first, and what is amiss. Raises as `Registry`."""
    found: dict[str, dict[str, _Entry]] = {}
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


def _read_repository(repository: Path, problems: list[Problem]) -> dict[str, dict[str, _Entry]]:
    found: dict[str, dict[str, _Entry]] = {}
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
            found.setdefault(name, {})[card.version] = _Entry(card, path.parent)
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
