"""Analyse an upload: plan, look up, join a running computation or start one, remember, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Analysis, ModelResult, Upload
from sonotype.models.card import Card
from sonotype.plane.answer import Answer, clip_of, to_result
from sonotype.plane.compute import Computer, Work, plan_id
from sonotype.plane.memory import AnswerMemory
from sonotype.plane.plan import Plan, make_plan
from sonotype.plane.query import AnalyzeQuery
from sonotype.serving.cache.singleflight import SingleFlight

_LOADING_S = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """What the analyzer needs to know of the deployment."""

    find: Callable[[str], Card]
    precision: Callable[[Card], str | None]
    default_model: str
    deadline_s: float


class Analyzer:
    """The analyse use case."""

    def __init__(self, served: Served, memory: AnswerMemory, flights: SingleFlight, computer: Computer) -> None:
        self._served = served
        self._memory = memory
        self._flights = flights
        self._computer = computer

    async def analyze(self, upload: Upload, query: AnalyzeQuery) -> Analysis:
        """Answer one query. Cancelling the call abandons its work unless others wait for the same.

        Raises:
            SonotypeError: any code of the table.
        """
        began = monotonic()
        plans = self._plans(query)
        work = self._work(upload, plans, query)
        known = await self._look_up(work, query)
        timings = {"cache": monotonic() - began}
        missing = tuple(plan for plan in plans if plan_id(plan) not in known)
        fresh: Mapping[str, Answer] = {}
        if missing:
            fresh = await self._compute(replace(work, plans=missing), query, timings)
        results = [_result(plan, known, fresh, query) for plan in plans]
        timings["total"] = monotonic() - began
        return Analysis(clip_of({**known, **fresh}[plan_id(plans[0])]), tuple(results), timings)

    def _plans(self, query: AnalyzeQuery) -> tuple[Plan, ...]:
        names = query.models or (self._served.default_model,)
        cards = [self._served.find(name) for name in dict.fromkeys(names)]
        return tuple(make_plan(card, query, self._precision(card)) for card in cards)

    def _precision(self, card: Card) -> str:
        """Known once a worker has loaded the model; a remembered answer is not looked for before."""
        precision = self._served.precision(card)
        if precision is None:
            raise SonotypeError(Code.UNAVAILABLE, "The models are still being loaded.", retry_after_s=_LOADING_S)
        return precision

    def _work(self, upload: Upload, plans: tuple[Plan, ...], query: AnalyzeQuery) -> Work:
        longest_s = self._served.deadline_s
        timeout_s = longest_s if query.timeout_s is None else min(query.timeout_s, longest_s)
        if timeout_s <= 0:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the work began.")
        deadline = asyncio.get_running_loop().time() + timeout_s
        return Work(upload, plans, query.crop, query.lane, deadline, query.client)

    async def _look_up(self, work: Work, query: AnalyzeQuery) -> dict[str, Answer]:
        if not query.use_cache:
            return {}
        keys = [self._key(work, plan, query) for plan in work.plans]
        found = await asyncio.gather(*(self._memory.get(key) for key in keys))
        return {plan_id(plan): answer for plan, answer in zip(work.plans, found, strict=True) if answer is not None}

    async def _compute(self, work: Work, query: AnalyzeQuery, timings: dict[str, float]) -> Mapping[str, Answer]:
        """One computation per key: callers with equal keys share it, here and across processes."""
        keys = [self._key(work, plan, query) for plan in work.plans]

        async def lead() -> Mapping[str, Answer]:
            outcome = await self._computer.run(work)
            for plan in work.plans:
                await self._memory.put(
                    work.upload, plan, work.crop, outcome.answers[plan_id(plan)], query.embedding_scope
                )
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

    def _key(self, work: Work, plan: Plan, query: AnalyzeQuery) -> str:
        return self._memory.key(work.upload, plan, work.crop, query.embedding_scope)


def _result(plan: Plan, known: Mapping[str, Answer], fresh: Mapping[str, Answer], query: AnalyzeQuery) -> ModelResult:
    name = plan_id(plan)
    result = to_result(plan, known.get(name) or fresh[name], cached=name in known)
    return result if query.embedding_scope == "patches" else replace(result, patch_embeddings={})
