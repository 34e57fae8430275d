"""The models that there are: cards of the built-in repository and of further ones, and where their weights lie.

A model repository is a folder of `<name>/card.toml`; adding a model is adding a folder. Weights that this project
trained itself may stand beside their card as `model.safetensors` (or as a graph, `model.onnx`); all others are pulled (see `weights.store`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

import sonotype
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, AnyHeadCard, Card, HeadCard, PrototypeCard, read_any_card
from sonotype.models.heads.arrays import FILE_NAME
from sonotype.models.heads.transfer import HEAD_FILE
from sonotype.models.weights.layout import find_weights, weights_name


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


def repositories(settings: Settings) -> list[Path]:
    """The further repositories of a deployment: those of its settings, and the folder that pulled models go to."""
    pulled = pulled_models(settings)
    return [*settings.model_path, *([pulled] if pulled.is_dir() else [])]


def pulled_models(settings: Settings) -> Path:
    """Where models of the zoo are made into folders, whether there are any yet or not."""
    return settings.data_dir / "models"


class Registry:
    """Every model that can be named.

    Args:
        paths: further repositories, after the built-in one.
        weights_dir: where pulled weights lie.
        builtin: whether the built-in repository is read at all.

    Attributes:
        weights_dir: where pulled weights lie.
        problems: models that cannot be used, or not wholly.

    Raises:
        SonotypeError: `invalid_request` where two repositories hold a model of the same name: neither may shadow the
            other in silence.
    """

    def __init__(self, paths: Sequence[Path], weights_dir: Path, *, builtin: bool = True) -> None:
        self.weights_dir = weights_dir
        self.problems: tuple[Problem, ...] = ()
        self._cards: dict[str, AnyCard] = {}
        self._folders: dict[str, Path] = {}
        repositories = [builtin_repository(), *paths] if builtin else paths
        for repository in dict.fromkeys(path.resolve() for path in repositories):
            self._read_repository(repository)

    def cards(self) -> dict[str, Card]:
        """Every usable card of a network by its name, sorted."""
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
        return self._folders[card.name]

    def find(self, address: str) -> AnyCard:
        """The card for `name` or `name@version`, of whatever kind.

        Raises:
            SonotypeError: `model_not_found`.
        """
        name, _, version = address.partition("@")
        card = self._cards.get(name)
        if card is None:
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"There is no model named {name[:80]!r}.")
        if version and version != card.version:
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"{name!r} is at version {card.version}, not {version[:80]!r}.")
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
        self.problems = (*self.problems, Problem(name, reason))

    def _beside(self, card: AnyCard, file: str) -> Path | None:
        path = self._folders[card.name] / file if card.name in self._folders else None
        return path if path is not None and path.is_file() else None

    def _read_repository(self, repository: Path) -> None:
        if not repository.is_dir():
            self.report(str(repository), "no such model repository")
        for path in sorted(repository.glob("*/card.toml")):
            card = self._read(path)
            if card is not None:
                self._add(card, path.parent)

    def _read(self, path: Path) -> AnyCard | None:
        try:
            card = read_any_card(path)
        except ValidationError as error:
            first = error.errors()[0]
            self.report(path.parent.name, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        except (ValueError, OSError) as error:
            self.report(path.parent.name, f"card.toml cannot be read: {error}")
        else:
            fault = _fault(card, path.parent.name)
            if fault is None:
                return card
            self.report(path.parent.name, fault)
        return None

    def _add(self, card: AnyCard, folder: Path) -> None:
        if card.name in self._cards:
            raise SonotypeError(Code.INVALID_REQUEST, f"Two model repositories hold a model named {card.name!r}.")
        self._cards[card.name] = card
        self._folders[card.name] = folder


def _fault(card: AnyCard, folder: str) -> str | None:
    """What the schema cannot say about a card."""
    if card.name != folder:
        return f"the card is named {card.name!r}, its folder {folder!r}"
    if isinstance(card, Card) and card.source.kind != "none" and (card.weights is None or card.source.sha256 is None):
        return "weights that are fetched need the hash of the file (source.sha256) and of the result (weights.sha256)"
    if len(set(card.labels)) != len(card.labels):
        return "two labels are the same"
    return None
