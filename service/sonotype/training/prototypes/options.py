"""What can be chosen when prototypes are trained."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["sonotype", "pecmae"]

# what the paper's code does, where it differs from our defaults (arXiv:2402.09318, section 3)
_PECMAE: dict[str, Any] = {
    "distance": "mean",
    "gamma": "fixed",
    "normaliser": "two-sigma",
    "free_weights": True,
    "repulsion": 0.0,
    "classification_share": 0.25,
    "peak_rate": 1e-3,
    "calibrate": False,
}


class PrototypeOptions(BaseModel):
    """Options of the prototype network and of its training.

    Attributes:
        per_class: prototypes of each class (K).
        distance: `sum` of squared differences in units of the median distance from a segment to its nearest
            prototype, or `mean` over dimensions, as published.
        gamma: whether the kernels' widths are learned.
        normaliser: `zscore` by dimension, or `two-sigma`: two scalars for all dimensions, as published.
        initialise: `kmeans` centres of each class, `kmeans-samples`, the segments nearest to them, or `random`.
        adaptor: `mlp` moves the prototypes by a residual network that they share; `none` learns them directly.
        free_weights: whether a prototype may count against its own class, as published.
        temperature: logits are divided by it in the loss.
        classification_share: weight of the classification loss (lambda); the rest is the prototypes' distance to the
            data.
        repulsion: weight of the term that keeps prototypes of a class apart.
        steps: of Adam.
        batch: segments of a batch, the same number of each class on average.
        peak_rate: largest learning rate of the one-cycle schedule.
        weight_decay: of Adam.
        validate_every: steps between two looks at the validation files.
        push: put prototypes onto their nearest real segments if that costs less than half a point on validation.
        calibrate: fit the temperature of the probabilities on validation, rather than keeping `temperature`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_class: int = Field(5, ge=1, le=200)
    distance: Literal["sum", "mean"] = "sum"
    gamma: Literal["learned", "fixed"] = "learned"
    normaliser: Literal["zscore", "two-sigma"] = "zscore"
    initialise: Literal["kmeans", "kmeans-samples", "random"] = "kmeans"
    adaptor: Literal["none", "mlp"] = "none"
    free_weights: bool = False
    temperature: float = Field(0.1, gt=0)
    classification_share: float = Field(0.5, gt=0, le=1)
    repulsion: float = Field(0.02, ge=0)
    steps: int = Field(3000, ge=1)
    batch: int = Field(256, ge=2)
    peak_rate: float = Field(3e-3, gt=0)
    weight_decay: float = Field(1e-5, ge=0)
    validate_every: int = Field(100, ge=1)
    push: bool = False
    calibrate: bool = True


def preset_options(preset: Preset, **changes: Any) -> PrototypeOptions:
    """The options of a preset; `changes` that are None are passed over.

    Raises:
        pydantic.ValidationError: a value is out of range.
    """
    base = _PECMAE if preset == "pecmae" else {}
    return PrototypeOptions(**(base | {name: value for name, value in changes.items() if value is not None}))
