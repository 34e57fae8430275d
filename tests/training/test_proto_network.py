"""The parts of the training: where prototypes begin, the losses, and what is saved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pydantic import ValidationError

import prototype_models as maker
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.training.prototypes import losses
from sonotype.training.prototypes.calibrate import fit_temperature
from sonotype.training.prototypes.corpus import Corpus, fit_normaliser
from sonotype.training.prototypes.finish import head_arrays, health
from sonotype.training.prototypes.fit import Fitted, Task, fit, scores
from sonotype.training.prototypes.init import initial_prototypes, owners_of
from sonotype.training.prototypes.metrics import difference, interval, macro_precision, macro_recall, recalls
from sonotype.training.prototypes.network import PrototypeNetwork
from sonotype.training.prototypes.options import PrototypeOptions, preset_options
from sonotype.training.prototypes.push import nearest_own


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of such small sums only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


MODES = np.random.default_rng(5).normal(scale=3.0, size=(3, 2, 12))


def blobs(files: int, seed: int, *, multilabel: bool = False) -> Corpus:
    """Three classes of two modes each in 12 dimensions, two segments to a file."""
    random = np.random.default_rng(seed)
    owner = np.arange(files) % 3
    centre = MODES[owner, random.integers(0, 2, files)]
    points = np.repeat(centre, 2, axis=0) + random.normal(size=(2 * files, 12))
    truth = owner[:, None] == np.arange(3)
    if multilabel:
        truth |= (owner[:, None] == 2) & (np.arange(3) == 0)
    return Corpus(points.astype(np.float32), np.repeat(np.arange(files), 2), truth)


def quick(**changes: object) -> PrototypeOptions:
    fast = {"steps": 100, "per_class": 2, "validate_every": 50, "batch": 64}
    return preset_options("sonotype", **(fast | changes))


@pytest.mark.parametrize("initialise", ["kmeans", "kmeans-samples"])
def test_first_prototypes_lie_in_the_order_of_the_classes(initialise: str) -> None:
    """The published code scrambles them; see the module `init`."""
    corpus = blobs(120, 1)
    first = initial_prototypes(corpus, quick(initialise=initialise), 0)
    owners = owners_of(3, 2)
    np.testing.assert_array_equal(owners, [0, 0, 1, 1, 2, 2])
    nearest = ((corpus.points[:, None] - first[None]) ** 2).sum(-1).argmin(axis=0)
    assert corpus.segment_truth[nearest, owners].all()
    for c in range(3):
        distances = ((MODES[c][:, None] - first[owners == c][None]) ** 2).sum(-1)
        assert set(distances.argmin(axis=1)) == {0, 1}, "each mode has its prototype"
    if initialise == "kmeans-samples":
        assert all((corpus.points == prototype).all(axis=1).any() for prototype in first)


def test_more_prototypes_than_segments() -> None:
    corpus = Corpus(np.eye(4, dtype=np.float32), np.arange(4), np.eye(2, dtype=bool)[[0, 0, 1, 1]])
    first = initial_prototypes(corpus, quick(per_class=5), 0)
    assert first.shape == (10, 4)
    assert len(np.unique(first, axis=0)) == 10
    assert np.isfinite(first).all()


def test_network_is_the_head() -> None:
    """What torch computes in training is what NumPy computes in the service."""
    corpus = blobs(60, 2)
    raw = corpus.points * 3.0 + 1.0
    normaliser = fit_normaliser(raw, "zscore")
    train = Corpus(normaliser.apply(raw), corpus.file, corpus.truth)
    fitted = fit(Task(train, train), quick(adaptor="mlp"))
    arrays, rows = head_arrays(fitted.network, train, normaliser)
    head = PrototypeHead(maker.make_card(arrays), arrays)
    np.testing.assert_allclose(train.pool(head.logits(raw)), scores(fitted.network, train), atol=1e-4)
    np.testing.assert_allclose(head.medoids, raw[rows], rtol=1e-4, atol=1e-4)
    assert train.segment_truth[rows, head.owners].all()
    largest = head.similarities(raw).max(axis=1)
    assert np.mean(largest < head.arrays.ood_threshold[0]) == pytest.approx(0.01, abs=0.02)


def test_pecmae_preset_is_the_published_kernel() -> None:
    corpus = blobs(60, 3)
    options = preset_options("pecmae", steps=20, per_class=2)
    assert (options.temperature, options.classification_share, options.repulsion) == (0.1, 0.25, 0.0)
    network = fit(Task(corpus, corpus), options).network
    np.testing.assert_allclose(network.gamma().detach().numpy(), 1 / 12, rtol=1e-6)
    normaliser = fit_normaliser(corpus.points, "two-sigma")
    assert len(np.unique(normaliser.mean)) == len(np.unique(normaliser.scale)) == 1
    assert normaliser.scale[0] == pytest.approx(2 * corpus.points.std(axis=1).mean(), rel=1e-5)
    with pytest.raises(ValidationError):
        preset_options("sonotype", per_class=0)


def test_losses_by_hand() -> None:
    distances = torch.tensor([[1.0, 5.0, 2.0], [3.0, 4.0, 9.0]])
    truth = torch.tensor([[True, False], [True, False]])
    owners = torch.tensor([0, 0, 1])
    # prototypes of class 0: min over both rows; class 1 does not occur
    assert float(losses.closeness(distances, truth, owners)) == pytest.approx((1.0 + 4.0) / 2)
    placed = torch.tensor([[0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    assert float(losses.crowding(placed, torch.tensor([[0, 1]]), 0.5)) == pytest.approx(np.exp(-0.5 * 0.5 * 4.0))
    logits = torch.tensor([[0.2, 0.1]])
    expected = -np.log(np.exp(2.0) / (np.exp(2.0) + np.exp(1.0)))
    found = losses.classification(logits, torch.tensor([[True, False]]), 0.1, multilabel=False)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    both = losses.classification(logits, torch.tensor([[True, False]]), 0.1, multilabel=True)
    assert float(both) == pytest.approx((np.log1p(np.exp(-2.0)) + np.log1p(np.exp(1.0))) / 2, rel=1e-5)


def test_a_batch_without_a_class_has_a_gradient() -> None:
    network = PrototypeNetwork(np.ones((2, 3), np.float32), torch.tensor([0, 1]), 2, 1.0, quick())
    judged = network(torch.zeros(4, 3))
    loss = losses.closeness(judged.distances, torch.zeros(4, 2, dtype=torch.bool), network.owners)
    loss.backward()
    assert float(loss.detach()) == 0.0


def test_training_learns_and_repeats() -> None:
    train, validation = blobs(90, 6), blobs(45, 7)
    first = fit(Task(train, validation, seed=3), quick())
    again = fit(Task(train, validation, seed=3), quick())
    assert first.validation > 0.9
    assert torch.equal(first.network.prototypes, again.network.prototypes)
    state = health(first.network, train, validation, None, 0.01)
    assert state.purity > 0.9
    assert 1.0 <= state.effective_rank <= 6.0
    assert state.ood_test is None


def test_push_puts_prototypes_onto_different_real_segments() -> None:
    train, validation = blobs(90, 8), blobs(45, 9)
    fitted: Fitted = fit(Task(train, validation), quick(push=True))
    assert fitted.pushed
    rows = nearest_own(fitted.network, train)
    np.testing.assert_array_equal(fitted.network.placed().detach().numpy(), train.points[rows])
    assert len(set(rows.tolist())) == 6


def test_several_labels() -> None:
    train, validation = blobs(90, 10, multilabel=True), blobs(45, 11, multilabel=True)
    fitted = fit(Task(train, validation, multilabel=True), quick(steps=150))
    assert fitted.validation > 0.9
    assert macro_precision(validation.truth, scores(fitted.network, validation)) == fitted.validation


def test_repulsion_keeps_prototypes_apart() -> None:
    train, validation = blobs(90, 12), blobs(45, 13)

    def spread(repulsion: float) -> float:
        placed = fit(Task(train, validation), quick(per_class=4, repulsion=repulsion, steps=150)).network.placed()
        pairs = torch.pdist(placed[:4].detach())
        return float(pairs.min())

    assert spread(1.0) > spread(0.0)


def test_macro_recall_counts_classes_alike() -> None:
    truth = np.eye(3, dtype=bool)[[0] * 8 + [1] * 2]
    scores_ = np.eye(3)[[0] * 8 + [0, 1]]
    assert macro_recall(truth, scores_) == pytest.approx((1.0 + 0.5) / 2)
    assert recalls(truth, scores_) == [1.0, 0.5, None]


def test_intervals_hold_the_value_and_shrink() -> None:
    random = np.random.default_rng(0)

    def case(files: int) -> tuple[np.ndarray, np.ndarray]:
        truth = np.eye(2, dtype=bool)[random.integers(0, 2, files)]
        return truth, np.where(random.random((files, 1)) < 0.8, truth, ~truth).astype(float)

    small, large = case(50), case(2000)
    wide, narrow = (interval(truth, [s], macro_recall, 300) for truth, s in (small, large))
    assert wide.low <= wide.value <= wide.high
    assert narrow.high - narrow.low < 0.4 * (wide.high - wide.low)
    same = difference(large[0], [large[1]], [large[1]], macro_recall, 50)
    assert same.value == same.low == same.high == 0.0


def test_temperature_is_found_again() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(scale=2.0, size=(4000, 4))
    noise = random.gumbel(size=logits.shape)
    truth = np.eye(4, dtype=bool)[(logits / 0.7 + noise).argmax(axis=1)]
    assert fit_temperature(logits, truth, multilabel=False) == pytest.approx(0.7, rel=0.1)
    present = random.random(logits.shape) < 1 / (1 + np.exp(-logits / 0.4))
    assert fit_temperature(logits, present, multilabel=True) == pytest.approx(0.4, rel=0.1)
    perfect = fit_temperature(np.eye(3)[[0, 1, 2]], np.eye(3, dtype=bool), multilabel=False)
    assert perfect > 0.05, "no mistake among three files is no certainty"


def test_prototypes_never_count_against_their_class() -> None:
    train, validation = blobs(90, 14), blobs(45, 15)
    network = fit(Task(train, validation), quick(per_class=4, push=True)).network
    own = network.linear.weight.detach()[network.owners, torch.arange(12)]
    assert float(own.min()) >= 0.0
    judged = network(network.placed()).logits.argmax(1)
    assert torch.equal(judged, network.owners), "each is counted to its own class"
