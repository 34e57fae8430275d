"""One loop for both networks: budget, learning rate, weight averaging, checkpoints."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Task(Protocol):
    """What is trained: `loss` is a function of the step and the model, and of nothing else."""

    model: nn.Module

    def loss(self, step: int) -> Tensor:
        """The loss of the batch of one step."""
        ...

    def validate(self, model: nn.Module) -> float:
        """A figure of merit on data held out, lower is better."""
        ...


@dataclass(frozen=True, slots=True)
class Budget:
    """When training ends: after so many steps (the same result every time), or so many minutes."""

    steps: int | None = None
    minutes: float | None = None

    def spent(self, step: int, seconds: float) -> float:
        """The share that is used up, from 0 to 1."""
        shares = [step / self.steps] if self.steps else []
        shares += [seconds / (60.0 * self.minutes)] if self.minutes else []
        return min(1.0, max(shares, default=1.0))


@dataclass(frozen=True, slots=True)
class Settings:
    """How a network is trained.

    Attributes:
        rate: highest learning rate, reached after `warm_up` of the budget; a cosine brings it to nearly nothing.
        decay: of weights, decoupled.
        clip: largest norm of a gradient.
        average: decay of the moving average of the weights, which is what gets exported.
        betas: of Adam.
    """

    rate: float = 1e-3
    decay: float = 0.01
    warm_up: float = 0.05
    clip: float = 1.0
    average: float = 0.999
    betas: tuple[float, float] = (0.9, 0.99)
    validate_every: int = 500
    save_every_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Report:
    """Where training stands. `validation` is None but for the steps that validate."""

    step: int
    spent: float
    loss: float
    validation: float | None = None


def learning_rate(spent: float, settings: Settings) -> float:
    """One cycle (Smith & Topin 2018, arXiv:1708.07120): a linear rise, then half a cosine."""
    if spent < settings.warm_up:
        return settings.rate * (0.04 + 0.96 * spent / settings.warm_up)
    share = (spent - settings.warm_up) / (1.0 - settings.warm_up)
    return settings.rate * (0.001 + 0.999 * 0.5 * (1.0 + math.cos(math.pi * share)))


class Trainer:
    """Trains one task and keeps `<name>.pt` and `<name>.jsonl` in a folder; goes on where such a file is found.

    Args:
        task: what is trained.
        settings: how.
        folder: where checkpoints lie.
        name: of the task.
    """

    def __init__(self, task: Task, settings: Settings, folder: Path, name: str) -> None:
        self.task, self.settings = task, settings
        self.step, self.seconds = 0, 0.0
        self.average = copy.deepcopy(task.model).requires_grad_(False).eval()
        self.optimizer = torch.optim.AdamW(
            task.model.parameters(), lr=settings.rate, betas=settings.betas, weight_decay=settings.decay
        )
        self._file, self._log = folder / f"{name}.pt", folder / f"{name}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.is_file():
            self._resume()

    def train(self, budget: Budget, told: Callable[[Report], None] = lambda report: None) -> nn.Module:
        """Train until the budget is spent, and return the averaged network."""
        saved = begun = time.monotonic() - self.seconds
        while (spent := budget.spent(self.step, self.seconds)) < 1.0:
            loss = self._advance(learning_rate(spent, self.settings))
            self.seconds = time.monotonic() - begun
            due = self.step % self.settings.validate_every == 0
            report = Report(self.step, spent, loss, self.task.validate(self.average) if due else None)
            told(report)
            if due:
                self._note(report)
            if time.monotonic() - saved > self.settings.save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()
        return self.average

    def save(self) -> None:
        """Write the checkpoint; a reader never sees half of one."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "model": self.task.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self._file.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self._file)

    def _advance(self, rate: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.task.loss(self.step)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.task.model.parameters(), self.settings.clip)
        self.optimizer.step()
        self.step += 1
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        # a young average forgets faster, else it would remember the random start
        decay = min(self.settings.average, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.task.model.parameters()), 1.0 - decay)

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self._file, weights_only=True)
        self.task.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]

    def _note(self, report: Report) -> None:
        row = {"step": report.step, "seconds": round(self.seconds, 1), "loss": report.loss, "val": report.validation}
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
