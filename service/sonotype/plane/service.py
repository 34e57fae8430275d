"""The plane: every use case behind one object, which is all that a face gets to see."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from dataclasses import replace

from sonotype.core.errors import Code, SonotypeError, draining
from sonotype.core.types import Analysis, Upload
from sonotype.models.card import TAGGER
from sonotype.plane.analyze import Analyzer
from sonotype.plane.budget import ByteLedger, UploadBytes
from sonotype.plane.catalog.opening import CatalogDoor
from sonotype.plane.catalog.port import CatalogPlane
from sonotype.plane.control import ModelControl
from sonotype.plane.deployment import card_of
from sonotype.plane.heads import Head, PrototypeModel
from sonotype.plane.keys import KeyRing
from sonotype.plane.lineup import Lineup
from sonotype.plane.lineups import Lineups
from sonotype.plane.live.port import LiveSession
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.live.sessions import Live
from sonotype.plane.model_watch import ModelWatch
from sonotype.plane.port import ModelChange, ModelInfo, Readiness
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.renderings import Renderings
from sonotype.plane.sonification import AudioFile, AudioFormat, PrototypeInfo, Rendering, Sonified, SonifyQuery
from sonotype.plane.sonify import Sonification
from sonotype.serving.admission import Admission
from sonotype.serving.cache.store import CacheStore
from sonotype.serving.sonify.lane import SonifyLane

_log = logging.getLogger(__name__)
_LONGEST_START_S = 300.0


class Service:
    """Implements `plane.port.Plane` on the adapters it is given."""

    def __init__(
        self,
        *,
        lineups: Lineups,
        control: ModelControl,
        watch: ModelWatch,
        analyzer: Analyzer,
        renderings: Renderings,
        sonification: Sonification,
        lane: SonifyLane,
        admission: Admission,
        store: CacheStore,
        keys: KeyRing,
        upload_bytes: ByteLedger,
        catalog: CatalogDoor,
        live: Live,
    ) -> None:
        self._lineups = lineups
        self._control = control
        self._watch = watch
        self._analyzer = analyzer
        self._renderings = renderings
        self._sonification = sonification
        self._lane = lane
        self._admission = admission
        self._store = store
        self._keys = keys
        self._upload_bytes = upload_bytes
        self._catalog = catalog
        self._live = live
        self._draining = False

    @property
    def catalog(self) -> CatalogPlane:
        """The use cases of the catalogue. Raises `unavailable` where there is none, or none yet."""
        return self._catalog.plane

    async def analyze(self, upload: Upload, query: AnalyzeQuery) -> Analysis:
        """Analyse one upload. Raises `SonotypeError`."""
        return await self._analyzer.analyze(upload, query)

    def models(self) -> list[ModelInfo]:
        """Every model of the repositories and every tagger, sorted by name."""
        lineup = self._lineups.current
        names = {*lineup.registry.cards(), *lineup.registry.head_cards(), *lineup.deployment.models}
        infos = [_info(lineup, name) for name in names]
        return sorted([*infos, *self._tagger_infos(lineup)], key=lambda info: info.card.name)

    def model(self, name: str) -> ModelInfo:
        """One model by `name` or `name@version`. Raises `model_not_found`; for a tagger `unavailable`."""
        if name.startswith(TAGGER):
            return self._tagger_info(self._lineups.current, name)
        lineup = self._lineups.knowing(name)
        info = _info(lineup, name)
        if lineup is self._lineups.current:
            return info
        return replace(info, is_default=False, served=False, precision=None)

    def prototypes(self, model: str | None = None, label: str | None = None) -> list[PrototypeInfo]:
        """Prototypes of the served models, of one model or label where named. Raises `model_not_found`."""
        if model is None:
            return self._lineups.current.prototypes.infos(None, label)
        lineup = self._lineups.knowing(model)
        found = lineup.find(model)
        return lineup.prototypes.infos(found.card.address, label) if isinstance(found, PrototypeModel) else []

    def prototype(self, prototype_id: str) -> PrototypeInfo:
        """One prototype. Raises `not_found`."""
        return self._lineups.current.prototypes.get(prototype_id).info

    async def prototype_audio(
        self, prototype_id: str, rendering: Rendering | None, audio_format: AudioFormat
    ) -> AudioFile:
        """One rendering of a prototype. Raises `SonotypeError`."""
        prototype = self._lineups.current.prototypes.get(prototype_id)
        return await self._renderings.audio(prototype, rendering, audio_format)

    def sonify(self, query: SonifyQuery, upload: Upload | None = None) -> AbstractAsyncContextManager[Sonified]:
        """Generate audio. Entering and iterating raise `SonotypeError`."""
        return self._sonification.open(query, upload)

    def listen(self, query: ListenQuery) -> AbstractAsyncContextManager[LiveSession]:
        """Open a live session. Entering raises `SonotypeError`."""
        return self._live.open(query)

    async def load_model(self, name: str, version: str | None = None) -> ModelChange:
        """Serve a version of a model from now on. Raises `SonotypeError`; what was served is served then."""
        return await self._changed(name, lambda: self._control.load(name, version))

    async def rollback_model(self, name: str) -> ModelChange:
        """Serve the version of a model that was served before. Raises `SonotypeError`."""
        return await self._changed(name, lambda: self._control.rollback(name))

    async def unload_model(self, name: str) -> ModelChange:
        """Serve a model no longer. Raises `SonotypeError`."""
        return await self._changed(name, lambda: self._control.unload(name))

    async def watch_models(self) -> None:
        """Serve what changes in the model repositories, until the task is cancelled."""
        await self._watch.run()

    def _tagger_infos(self, lineup: Lineup) -> Iterator[ModelInfo]:
        """Those there are now; one that is deleted meanwhile is left out."""
        for name in self._catalog.taggers().names() if self._catalog.has_taggers else ():
            with suppress(SonotypeError):
                yield self._tagger_info(lineup, name)

    def _tagger_info(self, lineup: Lineup, address: str) -> ModelInfo:
        card, network = self._catalog.taggers().card(address, lineup.deployment, lineup.registry)
        precision = None if network is None else lineup.precision(network)
        return ModelInfo(card, is_default=False, pulled=True, served=network is not None, precision=precision)

    async def _changed(self, name: str, change: Callable[[], Awaitable[str | None]]) -> ModelChange:
        if self._admission.draining:
            raise draining()
        previous = await change()
        return ModelChange(self.model(name), previous)

    async def tidy_up(self) -> None:
        """Remove renderings of models that are no longer served."""
        await self._renderings.tidy(self._lineups.current.deployment.prototype_models)

    async def warm_up(self) -> None:
        """Load decoders and render prototypes, once workers are up and whenever nobody else wants to sonify."""
        try:
            await self.wait_ready()
        except SonotypeError:
            return  # who cannot analyse says so elsewhere
        lineup = self._lineups.current
        for head in lineup.deployment.prototype_models:
            if not head.can_sonify:
                continue
            try:
                await self._renderings.warm(head, lineup.prototypes.of(head))
            except SonotypeError as error:
                _log.warning("%s is not rendered ahead: %s", head.card.name, error.detail)
                if error.code is Code.DRAINING:
                    return
                self._lineups.current.registry.report(head.card.name, error.detail)

    async def readiness(self) -> Readiness:
        """Ready while at least one worker is up and nobody asked us to stop."""
        lineup = self._lineups.current
        up, wanted = lineup.batcher.workers_up, lineup.batcher.workers_wanted
        problems = [f"{problem.name}: {problem.reason}" for problem in lineup.registry.problems]
        problems += [f"catalogue: {problem}" for problem in self._catalog.problems]
        cache = "ok" if await self._store.ping() else "away"
        ready = up > 0 and not self._draining
        return Readiness(ready, up, wanted, self._draining, cache, tuple(problems), self._catalog.state)

    def announce_drain(self) -> None:
        """Say that we are about to stop: not ready any more, but still answering."""
        self._draining = True

    def refuse_work(self) -> None:
        """From now on requests that need computing are refused; what was admitted is finished."""
        self._draining = True
        self._admission.draining = True
        self._lane.draining = True
        self._live.drain()

    async def wait_ready(self) -> None:
        """Wait until a worker is up. Raises `unavailable` when none can start."""
        await self._lineups.current.batcher.wait_ready(_LONGEST_START_S)

    async def wait_catalog(self) -> None:
        """Wait until the catalogue is open, where there is to be one. Raises the error of the first attempt."""
        await self._catalog.wait()

    def authenticate(self, key: str | None) -> str | None:
        """Client id of an API key. Raises `unauthenticated`."""
        return self._keys.client(key)

    def reserve_bytes(self) -> AbstractContextManager[UploadBytes]:
        """A counter for the bytes of one upload."""
        return self._upload_bytes.reserve()


def _info(lineup: Lineup, address: str) -> ModelInfo:
    """A model by `name`, of which the served version counts, or by `name@version`. Raises `model_not_found`."""
    name, _, version = address.partition("@")
    model = lineup.deployment.served(name)
    if model is not None and version not in ("", card_of(model).version):
        model = None
    card = lineup.registry.find(address) if model is None else card_of(model)
    network = model.backbone if isinstance(model, Head) else model
    return ModelInfo(
        card=card,
        is_default=model is not None and name == lineup.default_model,
        pulled=lineup.registry.is_pulled(card),
        served=model is not None,
        precision=lineup.precision(network) if network is not None else None,
    )
