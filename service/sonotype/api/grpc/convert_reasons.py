"""Reasons in protobuf."""

from __future__ import annotations

from dataclasses import asdict

from sonotype.api.grpc.enums import KINDS
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.neighbourhood import DecidedBy
from sonotype.api.prototypes import badge_of
from sonotype.api.reasons import Heat, LabelReasons, ReasonsView, Share
from sonotype.plane.sonification import PrototypeInfo


def reasons_of(reasons: ReasonsView) -> pb.Reasons:
    """The reasons of a result."""
    return pb.Reasons(
        out_of_distribution=reasons.out_of_distribution,
        similarity_max=reasons.similarity_max,
        ood_threshold=reasons.ood_threshold,
        labels=[_label(label) for label in reasons.labels],
        nearest=[_nearest(info, similarity) for info, similarity in reasons.nearest],
        heat=None if reasons.heat is None else _heat(reasons.heat),
    )


def decided_by_of(shown: DecidedBy) -> pb.DecidedBy:
    """What decided the answer of a tagger."""
    return pb.DecidedBy(
        far=shown.far,
        percentile=shown.percentile,
        prototypes=[pb.DecidingPrototype(**asdict(one)) for one in shown.near],
        labels=[pb.LabelShares(label=label, shares=shares) for label, shares in shown.labels],
    )


def _label(shown: LabelReasons) -> pb.LabelReasons:
    return pb.LabelReasons(
        label=shown.label,
        logit=shown.logit,
        baseline=shown.baseline,
        pro=[_share(share) for share in shown.pro],
        against=[_share(share) for share in shown.con],
        rest=shown.rest,
    )


def _share(share: Share) -> pb.Share:
    shown = _near(share.prototype, share.similarity)
    shown.evidence = share.evidence
    return shown


def _nearest(info: PrototypeInfo, similarity: float) -> pb.Share:
    shown, badge = _near(info, similarity), badge_of(info)
    if badge is not None:
        shown.badge.CopyFrom(pb.BadgeSummary(passed=badge.passed, failed=badge.failed))
    return shown


def _near(info: PrototypeInfo, similarity: float) -> pb.Share:
    kind = None if info.offered is None else KINDS[info.offered.kind]
    return pb.Share(id=info.id, label=info.label, similarity=similarity, rendering=kind)


def _heat(heat: Heat) -> pb.Heat:
    rows = zip(heat.similarity.tolist(), heat.evidence.tolist(), strict=True)
    return pb.Heat(
        label=heat.label,
        starts_s=heat.starts_s.tolist(),
        prototypes=[info.id for info in heat.prototypes],
        rows=[pb.HeatRow(similarity=similarity, evidence=evidence) for similarity, evidence in rows],
    )
