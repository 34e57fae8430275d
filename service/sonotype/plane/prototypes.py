"""The prototypes of the served models: what each is, where it comes from and what of it can be heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.heads.provenance import PrototypeRecord
from sonotype.plane.heads import PrototypeModel
from sonotype.plane.sonification import PrototypeInfo, Rendering

SEGMENT = Rendering("segment")


@dataclass(frozen=True, slots=True)
class Prototype:
    """One prototype of a served model.

    Attributes:
        head: its model.
        index: its place there.
        info: what is told of it.
    """

    head: PrototypeModel
    index: int
    info: PrototypeInfo

    @property
    def segment(self) -> Path:
        """Where its real segment lies, if there is one."""
        return segment_path(self.head, self.info.id)


class Prototypes:
    """All prototypes, by id.

    Args:
        heads: the served prototype models.
    """

    def __init__(self, heads: Iterable[PrototypeModel]) -> None:
        found = [_prototype(head, index) for head in heads for index in range(len(head.classifier.ids))]
        self._by_id = {prototype.info.id: prototype for prototype in found}

    def infos(self, model: str | None, label: str | None) -> list[PrototypeInfo]:
        """Those of a model (by address) and of a label, where named."""
        every = (prototype.info for prototype in self._by_id.values())
        return [info for info in every if model in (None, info.model) and label in (None, info.label)]

    def find(self, prototype_id: str) -> Prototype | None:
        """One prototype, if there is one of that id."""
        return self._by_id.get(prototype_id)

    def get(self, prototype_id: str) -> Prototype:
        """One prototype. Raises `not_found`."""
        found = self.find(prototype_id)
        if found is None:
            raise SonotypeError(Code.NOT_FOUND, f"There is no prototype {prototype_id[:200]!r}.")
        return found

    def of(self, head: PrototypeModel) -> list[Prototype]:
        """Those of one model, in its order."""
        return [self._by_id[prototype_id] for prototype_id in head.classifier.ids]


def segment_path(head: PrototypeModel, prototype_id: str) -> Path:
    """Where the real segment of a prototype lies, if there is one."""
    return head.folder / "medoids" / f"{prototype_id}.ogg"


def _prototype(head: PrototypeModel, index: int) -> Prototype:
    prototype_id = head.classifier.ids[index]
    record = head.records.get(prototype_id)
    decoded = tuple(Rendering("prototype", seed) for seed in head.card.seeds) if head.can_sonify else ()
    medoids = tuple(Rendering("medoid", seed) for seed in head.card.seeds) if head.can_sonify else ()
    segment = (SEGMENT,) if segment_path(head, prototype_id).is_file() else ()
    info = PrototypeInfo(
        id=prototype_id,
        model=head.card.address,
        label=head.card.labels[int(head.classifier.owners[index])],
        renderings=(*decoded, *medoids, *segment),
        offered=_offered(decoded[0] if decoded else None, SEGMENT if segment else None, record),
        record=record,
    )
    return Prototype(head, index, info)


def _offered(decoded: Rendering | None, segment: Rendering | None, record: PrototypeRecord | None) -> Rendering | None:
    """The decoded prototype, unless it failed the gate and there is something real to play instead."""
    failed = record is not None and record.prototype is not None and not record.prototype.passed
    return segment or decoded if failed or decoded is None else decoded
