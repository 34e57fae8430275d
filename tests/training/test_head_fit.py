"""The training of a head on data that drive numbers out of their range."""

from __future__ import annotations

import numpy as np
import pytest

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.heads.corpus import Corpus, Part
from sonotype.training.heads.fit import fit
from sonotype.training.heads.options import HeadOptions
from sonotype.training.prototypes.corpus import Normaliser

OPTIONS = HeadOptions(hidden=4, epochs=3)


def regression(size: float) -> Corpus:
    random = np.random.default_rng(0)

    def part(files: int) -> Part:
        points = random.normal(size=(files, 5)).astype(np.float32)
        return Part(points, np.arange(files), size * points[:, :1].astype(np.float64))

    normaliser = Normaliser(np.zeros(5, np.float32), np.ones(5, np.float32))
    return Corpus("regression", ("value",), normaliser, part(30), part(10), None)


def test_values_of_any_usual_size_can_be_learned() -> None:
    for size in (1e-6, 1e6):
        fitted = fit(regression(size), OPTIONS, 0)
        assert np.isfinite(fitted.loss)
        assert all(np.isfinite(layer.weight).all() for layer in fitted.layers)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_training_that_diverges_is_refused() -> None:
    with pytest.raises(SonotypeError, match="diverges") as caught:
        fit(regression(1e200), OPTIONS, 0)
    assert caught.value.code is Code.INVALID_REQUEST
