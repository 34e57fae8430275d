"""One step through the machine: admitted, batched, smoothed."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Mapping

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Lane, Window
from sonotype.plane.live.cutting import Step
from sonotype.plane.live.parts import Part
from sonotype.plane.live.port import Lineup, LiveScores
from sonotype.plane.plan import Plan
from sonotype.serving.admission import Admission, Permit
from sonotype.serving.batcher import ItemSpec

# Audio that comes steadily is better kept waiting a moment than sent away.
_RETRY_S = 0.25

Heard = tuple[tuple[Part, Floats], ...]


class Tagger:
    """Computes the steps of one session, several at once.

    Args:
        lineup: what is served.
        admission: of the service.
        plans: by id.
        parts: the models that read them.
        deadline_s: longest that a step may take.
        client: whose quota it is.
    """

    def __init__(
        self,
        lineup: Lineup,
        admission: Admission,
        plans: Mapping[str, Plan],
        parts: Mapping[str, list[Part]],
        *,
        deadline_s: float,
        client: str | None,
    ) -> None:
        self._lineup = lineup
        self._admission = admission
        self._plans = plans
        self._parts = parts
        self._deadline_s = deadline_s
        self._client = client

    async def run(self, step: Step) -> Heard:
        """The scores of every model whose patch ends with this step.

        Raises:
            SonotypeError: any code of admission or batcher.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        cost_s = sum(self._cost_s(name, window) for name, window in step.windows.items())
        with await self._admitted(cost_s, deadline):
            found = await asyncio.gather(
                *(self._heard(name, window, deadline) for name, window in step.windows.items())
            )
        return tuple(pair for heard in found for pair in heard)

    def _cost_s(self, name: str, window: Window) -> float:
        plan = self._plans[name]
        return window.valid_frames * plan.spec.hop_length / plan.spec.sample_rate_hz * plan.cost_share

    async def _admitted(self, cost_s: float, deadline: float) -> Permit:
        while True:
            try:
                return self._admission.admit(cost_s, Lane.INTERACTIVE, deadline, self._client)
            except SonotypeError as error:
                if error.code is not Code.OVERLOADED:
                    raise
                if asyncio.get_running_loop().time() + _RETRY_S >= deadline:
                    raise
            await asyncio.sleep(_RETRY_S)

    async def _heard(self, name: str, window: Window, deadline: float) -> Heard:
        plan = self._plans[name]
        sha256 = hashlib.sha256(window.samples.data).hexdigest()
        spec = ItemSpec(
            item_id=f"live/{sha256[:16]}/{name}",
            model=plan.card.address,
            frontend=plan.frontend,
            sha256=sha256,
            lane=Lane.INTERACTIVE,
            deadline=deadline,
            fill=window.fill,
            patchout=plan.patchout,
            cost_share=plan.cost_share,
        )
        async with self._lineup.open(spec) as item:
            await item.put(window)
            rows = await item.result(1)
        return tuple((part, part.scores(rows)) for part in self._parts[name])


class Smoother:
    """The exponential mean over the answers of each model.

    Args:
        time_constant_s: after so long a change has come through by 63 %; 0 smooths nothing.
    """

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._means: dict[str, Floats] = {}

    def add(self, part: Part, raw: Floats) -> LiveScores:
        """The next scores of a model, shape [n_labels]; calls come in the order of time."""
        name = part.model.model
        mean = self._means.get(name)
        if self._time_constant_s > 0 and mean is not None:
            mean = mean + (1 - math.exp(-part.model.hop_s / self._time_constant_s)) * (raw - mean)
        else:
            mean = raw
        self._means[name] = mean.astype(raw.dtype, copy=False)
        return LiveScores(part.model, self._means[name], raw)
