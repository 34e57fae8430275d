"""MRHC: k-means seeded by the labels of a part, again and again until every part shares a label.

Ougiaroglou, Filippakis, Evangelidis: Prototype generation for multi-label nearest neighbours classification,
HAIS 2021.
"""

from __future__ import annotations

import numpy as np

from sonotype.models.multilabel.lloyd import assign
from sonotype.models.multilabel.middles import median
from sonotype.models.multilabel.parts import Growing, Tree
from sonotype.models.multilabel.samples import Bools, Doubles, Ints, Matrix, Samples
from sonotype.models.multilabel.splitting import is_homogeneous

_SHIFT = 0.001


def by_labels(samples: Samples, *, compat: bool = False) -> Tree:
    """The parts that MRHC makes.

    Args:
        samples: the corpus.
        compat: as published: samples without any label count as alike to nobody, so that a part of them is broken
            into single samples; the data, but not the seeds, are shifted by 0.001 before every k-means;
            scikit-learn's k-means, which moves empty clusters to far samples. Otherwise samples without labels are
            alike, and seed a cluster of their own.
    """
    tree = Growing(np.arange(samples.n))
    work = [0]
    while work:
        node = work.pop()
        members = tree.nodes[node]
        if is_homogeneous(samples, members, compat=compat):
            continue
        clusters = _clusters(samples, members, compat=compat)
        if len(clusters) == 1:  # equal samples with different labels: k-means cannot tell them apart
            tree.split(node, _by_labelset(samples, members))
        else:
            work += tree.split(node, clusters)
    return Tree(tree.nodes, tree.splits, has_budgets=False, last_first=True)


def _clusters(samples: Samples, members: Ints, *, compat: bool) -> list[Ints]:
    x, labels = samples.x[members], samples.y[members]
    if compat:
        n_seeds = int(labels.any(axis=0).sum())
        if not len(members) > n_seeds > 1:
            return list(members[:, None])
        assigned = _published(x, _seeds(x, labels))
    else:
        unlabelled: Bools = np.logical_not(labels.any(axis=1))
        groups = np.hstack([labels, unlabelled[:, None]])
        assigned = assign(x, np.unique(_seeds(x, groups), axis=0))
    return [members[assigned == number] for number in np.unique(assigned)]


def _seeds(x: Matrix, groups: Bools) -> Doubles:
    return np.stack([median(x[groups[:, number]]) for number in np.flatnonzero(groups.any(axis=0))])


def _published(x: Matrix, seeds: Doubles) -> Ints:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - an extra; slow to import

    data: Doubles = (x if isinstance(x, np.ndarray) else x.toarray()) + _SHIFT
    if not np.ptp(data, axis=0).any():
        return np.zeros(len(data), dtype=np.int64)
    return np.asarray(KMeans(len(seeds), init=seeds, n_init=1).fit(data).labels_)


def _by_labelset(samples: Samples, members: Ints) -> list[Ints]:
    ids = samples.labelset[members]
    return [members[ids == number] for number in dict.fromkeys(ids.tolist())]
