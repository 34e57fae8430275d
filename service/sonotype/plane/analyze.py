"""Analyse an upload: plan, look up, join a running computation or start one, remember, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from time import monotonic

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Analysis, ModelResult, Upload
from sonotype.models.card import TAGGER, Card
from sonotype.plane.answer import Answer, clip_of, to_result
from sonotype.plane.catalog.tagger_models import TaggerModel, TaggerModels
from sonotype.plane.compute import Computer, Work, plan_id
from sonotype.plane.deployment import Model
from sonotype.plane.heads import Head
from sonotype.plane.lineup import Lineup
from sonotype.plane.lineups import Lineups
from sonotype.plane.memory import AnswerMemory
from sonotype.plane.plan import Plan, make_plan
from sonotype.plane.query import AnalyzeQuery
from sonotype.serving.cache.singleflight import SingleFlight

_LOADING_S = 5.0
_JOB_DEADLINE_S = 3600.0  # longer than the longest file takes behind a busy day's requests


def no_taggers() -> TaggerModels:
    """For a plane that has none. Raises `unavailable`."""
    raise SonotypeError(Code.UNAVAILABLE, "This process was started without its catalogue, and so without taggers.")


@dataclass(frozen=True, slots=True)
class _Part:
    """One model of a query: the plan of a network and, where a head or tagger is asked, what reads its answer."""

    plan: Plan
    head: Head | TaggerModel | None = None


class Analyzer:
    """The analyse use case.

    Args:
        lineups: what is served.
        memory: answers that are remembered.
        flights: lets all who want the same wait for one.
        computer: makes answers.
        deadline_s: default and largest deadline.
        taggers: gives the taggers of now; raises `unavailable` where there are none, or none yet.
    """

    def __init__(
        self,
        lineups: Lineups,
        memory: AnswerMemory,
        flights: SingleFlight,
        computer: Computer,
        *,
        deadline_s: float,
        taggers: Callable[[], TaggerModels] = no_taggers,
    ) -> None:
        self._lineups = lineups
        self._memory = memory
        self._flights = flights
        self._computer = computer
        self._deadline_s = deadline_s
        self._taggers = taggers

    async def analyze(self, upload: Upload, query: AnalyzeQuery) -> Analysis:
        """Answer one query. Cancelling the call abandons its work unless others wait for the same.

        Raises:
            SonotypeError: any code of the table.
        """
        with self._lineups.lease() as lineup:
            return await self._analyze(lineup, upload, query)

    async def _analyze(self, lineup: Lineup, upload: Upload, query: AnalyzeQuery) -> Analysis:
        began = monotonic()
        parts = self._parts(lineup, query)
        work = self._work(lineup, upload, _networks(parts), query)
        known = await self._look_up(work, query)
        timings = {"cache": monotonic() - began}
        missing = tuple(plan for plan in work.plans if plan_id(plan) not in known)
        fresh: Mapping[str, Answer] = {}
        if missing:
            fresh = await self._compute(lineup, replace(work, plans=missing), query, timings)
        results = await self._results(parts, known, fresh, query)
        timings["total"] = monotonic() - began
        return Analysis(clip_of({**known, **fresh}[plan_id(parts[0].plan)]), results, timings)

    def _parts(self, lineup: Lineup, query: AnalyzeQuery) -> list[_Part]:
        found = [self._find(lineup, name) for name in query.models or (lineup.default_model,)]
        by_address = {model.address if isinstance(model, Card) else model.card.address: model for model in found}
        return [_part(lineup, model, query) for model in by_address.values()]

    def _find(self, lineup: Lineup, address: str) -> Model | TaggerModel:
        if address.startswith(TAGGER):
            return self._taggers().find(address, lineup.deployment)
        return lineup.find(address)

    def _work(self, lineup: Lineup, upload: Upload, plans: tuple[Plan, ...], query: AnalyzeQuery) -> Work:
        longest_s = _JOB_DEADLINE_S if query.is_job else self._deadline_s
        timeout_s = longest_s if query.timeout_s is None else min(query.timeout_s, longest_s)
        if timeout_s <= 0:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the work began.")
        deadline = asyncio.get_running_loop().time() + timeout_s
        return Work(lineup.batcher, upload, plans, query.crop, query.lane, deadline, query.client)

    async def _look_up(self, work: Work, query: AnalyzeQuery) -> dict[str, Answer]:
        if not query.use_cache:
            return {}
        keys = [self._key(work, plan) for plan in work.plans]
        found = await asyncio.gather(*(self._memory.get(key) for key in keys))
        return {plan_id(plan): answer for plan, answer in zip(work.plans, found, strict=True) if answer is not None}

    async def _compute(
        self, lineup: Lineup, work: Work, query: AnalyzeQuery, timings: dict[str, float]
    ) -> Mapping[str, Answer]:
        """One computation per key: callers with equal keys share it, here and across processes."""
        # versions of a model may share their weights, and so the cache, but not their name in an answer
        keys = [f"{plan.card.address} {self._key(work, plan)}" for plan in work.plans]

        async def lead() -> Mapping[str, Answer]:
            with lineup.crew.hold():  # it may outlive the caller who began it
                outcome = await self._computer.run(work)
            for plan in work.plans:
                await self._memory.put(work.upload, plan, work.crop, outcome.answers[plan_id(plan)])
            timings.update(outcome.timings_s)
            return outcome.answers

        async def look_up() -> Mapping[str, Answer] | None:
            found = await self._look_up(work, query)
            return found if len(found) == len(work.plans) else None

        if not query.use_cache:
            return await lead()
        return await self._within_deadline(work, self._flights.run("|".join(keys), lead, look_up))

    async def _within_deadline(self, work: Work, answers: Awaitable[Mapping[str, Answer]]) -> Mapping[str, Answer]:
        """A waiter keeps its own deadline, whoever leads."""
        try:
            async with asyncio.timeout_at(work.deadline):
                return await answers
        except TimeoutError:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the answer was ready.") from None

    def _key(self, work: Work, plan: Plan) -> str:
        return self._memory.key(work.upload, plan, work.crop)

    async def _results(
        self, parts: list[_Part], known: Mapping[str, Answer], fresh: Mapping[str, Answer], query: AnalyzeQuery
    ) -> tuple[ModelResult, ...]:
        if not any(part.head for part in parts):
            return tuple(_result(part, known, fresh, query) for part in parts)
        # hours of patches times hundreds of prototypes take long enough to hold up other requests
        return await asyncio.to_thread(lambda: tuple(_result(part, known, fresh, query) for part in parts))


def _part(lineup: Lineup, model: Model | TaggerModel, query: AnalyzeQuery) -> _Part:
    if isinstance(model, TaggerModel):  # it reads the clip, as the catalogue does
        return _Part(make_plan(model.backbone, query, _precision(lineup, model.backbone)), model)
    if isinstance(model, Head):
        asked = model.fitted(query)
        return _Part(make_plan(model.backbone, asked, _precision(lineup, model.backbone), "patches"), model)
    return _Part(make_plan(model, query, _precision(lineup, model)))


def _precision(lineup: Lineup, card: Card) -> str:
    """Known once a worker has loaded the model; a remembered answer is not looked for before."""
    precision = lineup.precision(card)
    if precision is None:
        raise SonotypeError(Code.UNAVAILABLE, "The models are still being loaded.", retry_after_s=_LOADING_S)
    return precision


def _networks(parts: Iterable[_Part]) -> tuple[Plan, ...]:
    """What is to be computed: every network once, with the embeddings of its patches if anybody needs them."""
    plans: dict[str, Plan] = {}
    for part in parts:
        known = plans.get(plan_id(part.plan))
        plans[plan_id(part.plan)] = part.plan if known is None or part.plan.scope == "patches" else known
    return tuple(plans.values())


def _result(part: _Part, known: Mapping[str, Answer], fresh: Mapping[str, Answer], query: AnalyzeQuery) -> ModelResult:
    name = plan_id(part.plan)
    result = to_result(part.plan, known.get(name) or fresh[name], cached=name in known)
    if part.head is not None:
        result = part.head.explain(result)
    return result if query.embedding_scope == "patches" else replace(result, patch_embeddings={})
