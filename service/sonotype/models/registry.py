"""The models that there are: the cards of all model repositories (see `repository`), and where their weights lie.

Of several versions of a model the newest, by number, is current unless another is pinned.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import AnyCard, AnyHeadCard, Card, HeadCard, PrototypeCard
from sonotype.models.heads.arrays import FILE_NAME
from sonotype.models.heads.transfer import HEAD_FILE
from sonotype.models.repository import Entry, Problem, builtin_repository, read_repositories
from sonotype.models.weights.layout import find_weights, weights_name


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
        self._versions: dict[str, dict[str, Entry]] = {}
        self._gone: dict[str, Entry] = {}
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
        found, problems = read_repositories(self.repositories)
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
        self._reports = tuple(dict.fromkeys((*self._reports, Problem(name, reason))))

    def retract(self, name: str) -> None:
        """Forget what was reported of a model: it can be used after all."""
        self._reports = tuple(problem for problem in self._reports if problem.name != name)

    def _beside(self, card: AnyCard, file: str) -> Path | None:
        entry = self._entry(card.name, card.version)
        path = entry.folder / file if entry is not None else None
        return path if path is not None and path.is_file() else None

    def _entry(self, name: str, version: str) -> Entry | None:
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
            return SonotypeError(Code.MODEL_NOT_FOUND, f"There is no model named {name[:80]!r}{self._hint(name)}.")
        places = "is at version" if len(known) == 1 else "has the versions"
        detail = f"{name!r} {places} {', '.join(known)[:200]}, not {(version or '')[:80]!r}."
        return SonotypeError(Code.MODEL_NOT_FOUND, detail)

    def _hint(self, name: str) -> str:
        if name in _published():
            return f" here; the zoo has it: sonotype models pull {name}"
        near = get_close_matches(name[:80], [*self._versions, *_published()])
        return f"; similar names: {', '.join(near)}" if near else ""


@cache
def _published() -> frozenset[str]:
    """Names in the zoo of the package; read once, when the first unknown name is asked for."""
    from sonotype.models.zoo.catalogue import read_zoo  # noqa: PLC0415 - the zoo stands on this module

    return frozenset(read_zoo())


def _current(by_version: dict[str, Entry], pin: str | None) -> AnyCard:
    """The pinned version, else the newest, which is the last."""
    return by_version[pin or next(reversed(by_version))].card
