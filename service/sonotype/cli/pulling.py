"""Pull weights: of the cards on this machine first, then of the zoo; check and remove them by where they came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sonotype.cli import model_views as views
from sonotype.cli import zoo
from sonotype.cli.errors import stderr
from sonotype.cli.licences import accepted, show_terms
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyCard, Card, read_card
from sonotype.models.registry import Registry
from sonotype.models.repository import pulled_models
from sonotype.models.weights import store
from sonotype.models.weights.base import Progress
from sonotype.models.weights.terms import Acceptance, is_accepted
from sonotype.models.zoo import installed
from sonotype.models.zoo.catalogue import Offer, read_zoo
from sonotype.plane import soundness


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one model: for programs and for people."""

    fields: dict[str, Any]
    line: str


Job = tuple[str, Callable[[Progress], Outcome]]
"""The name of a model and what pulls it."""


@dataclass(frozen=True, slots=True)
class Pulling:
    """The wishes of one `pull`.

    Attributes:
        settings: of this machine.
        registry: the cards that there are.
        flag: whether licences are accepted by the command itself.
        form: of models of the zoo, None for the preferred one.
        sha256: to expect of a model of the zoo.
    """

    settings: Settings
    registry: Registry
    flag: bool = False
    form: str | None = None
    sha256: str | None = None

    def run(self, names: Sequence[str] | None) -> list[Outcome]:
        """Pull the named models, or every one of the registry that may be; licences come before the first byte.

        Raises:
            SonotypeError: `model_not_found`, `licence_not_accepted`, `forbidden`, and what `store.pull` and `zoo.bring`
                raise.
        """
        if self.sha256 is not None and len(names or ()) != 1:
            raise SonotypeError(Code.INVALID_REQUEST, "--sha256 goes with exactly one model.")
        jobs = [self._job(name) for name in dict.fromkeys(names)] if names else self._all()
        unique = dict(jobs)
        with views.progress(stderr) as show:
            return [self._done(show.begin(name), job) for name, job in unique.items()]

    def _done(self, move: Progress, job: Callable[[Progress], Outcome]) -> Outcome:
        outcome = job(move)
        n_bytes = outcome.fields["n_bytes"]
        move("done", n_bytes, n_bytes)
        return outcome

    def _all(self) -> list[Job]:
        """Every card that names a source; without a word nobody gets weights that are not for commercial use."""
        jobs = []
        for card in self.registry.cards().values():
            if card.source.kind == "none":
                continue
            if self._may_be_pulled(card):
                jobs.append(self._of_card(card))
            else:
                show_terms(card.name, card.licence)
                stderr.print("  left out: name it to pull it", highlight=False)
        return jobs

    def _may_be_pulled(self, card: Card) -> bool:
        if card.licence.commercial or self.registry.is_pulled(card):
            return True
        agreed = self.flag or is_accepted(card.licence, self.settings.accept_license)
        return agreed and not self.settings.commercial

    def _job(self, address: str) -> Job:
        """Whoever has a card that says where its weights are; then the zoo."""
        name, _, version = address.partition("@")
        card = self.registry.cards().get(name)
        offer = read_zoo(self.settings.model_path).get(name)
        if offer is None or version not in {"", "1"} or (card is not None and not self._is_from_zoo(card)):
            return self._of_card(self.registry.get(address))
        return self._of_zoo(offer)

    def _is_from_zoo(self, card: Card) -> bool:
        """Whether a model, or a version beside the current one, came from there."""
        pulled = installed.read_receipt(pulled_models(self.settings) / card.name)
        return pulled is not None or is_from_zoo(self.registry, card)

    def _of_card(self, card: Card) -> Job:
        acceptance = None
        if not self.registry.is_pulled(card):
            acceptance = accepted(card.name, card.licence, self.settings, flag=self.flag)
        return card.name, lambda move: self._pull_card(card, acceptance, move)

    def _pull_card(self, card: Card, acceptance: Acceptance | None, move: Progress) -> Outcome:
        pulled = store.pull(card, self.registry.weights_dir, move, acceptance)
        return Outcome(views.pulled(card, pulled), _line(card.address, pulled.fresh, pulled.n_bytes))

    def _of_zoo(self, offer: Offer) -> Job:
        folder = pulled_models(self.settings) / offer.model.name
        if zoo.is_whole(folder):
            return offer.model.name, lambda move: _outcome(folder, fresh=False)
        wanted = zoo.want(offer, self.form, self.sha256)
        acceptance = accepted(offer.model.name, offer.licence, self.settings, flag=self.flag)

        def pull(move: Progress) -> Outcome:
            return _outcome(folder, fresh=zoo.bring(wanted, self.settings, move, acceptance))

        return offer.model.name, pull


def is_from_zoo(registry: Registry, card: AnyCard) -> bool:
    """Whether a model was made into a folder by `pull` or `import`."""
    return isinstance(card, Card) and installed.read_receipt(registry.folder(card)) is not None


def check_weights(registry: Registry, card: AnyCard) -> None:
    """Hash weights. Raises `weights_missing` or `weights_corrupt`."""
    if isinstance(card, Card) and is_from_zoo(registry, card):
        installed.verify(registry.folder(card))
    elif not isinstance(card, Card) or card.source.kind == "none":
        _check_beside(registry, card)
    else:
        store.verify(card, registry.weights_dir)


def _check_beside(registry: Registry, card: AnyCard) -> None:
    if card.weights is None:
        return
    if registry.weights_path(card) is None:
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The weights of {card.address} do not lie beside its card.")
    soundness.check_weights(registry, card)


def remove_weights(registry: Registry, card: Card) -> int:
    """Delete weights, of a model of the zoo with its folder; returns the bytes that became free."""
    if is_from_zoo(registry, card):
        return installed.remove(registry.folder(card))
    return store.remove(card, registry.weights_dir)


def _outcome(folder: Path, *, fresh: bool) -> Outcome:
    card = read_card(folder / "card.toml")
    weights = folder / installed.WEIGHTS
    pulled = store.Pulled(weights, weights.stat().st_size, fresh)
    return Outcome(views.pulled(card, pulled), _line(card.address, fresh, pulled.n_bytes))


def _line(address: str, fresh: bool, n_bytes: int) -> str:
    return f"{address}: {'pulled' if fresh else 'already there'}, {views.size(n_bytes)}"
