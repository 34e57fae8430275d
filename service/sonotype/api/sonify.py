"""The options of a sonification and of what is listed and heard of prototypes, the same on every face."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from sonotype.api.options import Options
from sonotype.api.params import Name
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import AudioFormat, PathQuery, Rendering, RenderingKind, SonifyQuery
from sonotype.plane.starts import MAX_GUIDANCE, MAX_MIXED, MAX_POINTS, MAX_SEED, MAX_STEPS, MIN_POINTS

MAX_EMBEDDING = 4096

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Points = Annotated[int, Field(ge=MIN_POINTS, le=MAX_POINTS)]


class PrototypesParams(Options):
    """Which prototypes to list."""

    model: Name | None = Field(None, description="`name` or `name@version`; absent means every served model")
    label: Name | None = Field(None, description="only prototypes of this class")


class AudioParams(Options):
    """Which rendering of a prototype to hear."""

    format: AudioFormat = Field("wav", description="of the file")
    kind: RenderingKind | None = Field(
        None,
        description="`prototype`: decoded; `medoid`: the decoded embedding of the nearest real segment; `segment`: "
        "that segment; absent means what is offered, or `prototype` where a seed is named",
    )
    seed: Seed | None = Field(None, description="of the decoder; absent means what is offered, or 0")

    def rendering(self) -> Rendering | None:
        """The rendering that is named; None where it is left to the service."""
        if self.kind is None and self.seed is None:
            return None
        return Rendering(self.kind or "prototype", self.seed or 0)


class SonifyOptions(Options):
    """How to generate, whatever from."""

    model: str = Field(
        "", max_length=128, description="a prototype model; absent means the first that is served with a decoder"
    )
    seed: Seed = Field(0, description="decides the decoder's noise: the same seed gives the same audio")
    steps: int | None = Field(None, ge=1, le=MAX_STEPS, description="of the sampler; absent means the model's own")
    guidance: float | None = Field(
        None, ge=0, le=MAX_GUIDANCE, description="strength of the condition; absent means the model's own"
    )
    format: AudioFormat = Field("wav", description="of the audio")
    timeout_s: float | None = Field(None, gt=0, description="deadline; also as header `X-Request-Timeout`")

    def common(self) -> dict[str, Any]:
        """The arguments of `SonifyQuery` that every request has."""
        names = ("model", "seed", "steps", "guidance", "format", "timeout_s")
        return {name: getattr(self, name) for name in names}


class WeightedPrototype(Options):
    """A prototype in a mixture."""

    model_config = ConfigDict(strict=True)

    id: Name
    weight: float = Field(1.0, gt=0, le=1e6, description="all weights together are normalised to sum to one")


class CounterfactualPath(Options):
    """A counterfactual path: what would have to change for another class to win, one segment per point."""

    model_config = ConfigDict(strict=True)

    to_label: Name = Field(description="the class to go to")
    from_label: Name | None = Field(None, description="the class to start at; only without another start")
    points: Points = Field(5, description="segments, the start and the end included")


class SonifyBody(SonifyOptions):
    """A sonification of an embedding, of a mixture of prototypes, or along a path between classes.

    Exactly one start: `embedding`, `prototypes` or `path.from_label`.
    """

    model_config = ConfigDict(strict=True)

    embedding: list[float] | None = Field(
        None, min_length=1, max_length=MAX_EMBEDDING, description="in the space of the model's backbone"
    )
    prototypes: list[WeightedPrototype] | None = Field(
        None, min_length=1, max_length=MAX_MIXED, description="a mixture"
    )
    path: CounterfactualPath | None = Field(None, description="go on to another class")

    def query(self, *, has_upload: bool = False) -> SonifyQuery:
        """The request as the plane takes it. Raises `invalid_request` where it has no start, or several."""
        path = self.path
        starts = [has_upload, self.embedding, self.prototypes, path and path.from_label]
        if sum(start not in (None, False) for start in starts) != 1:
            detail = "Give exactly one start: an upload, `embedding`, `prototypes` or `path.from_label`."
            raise SonotypeError(Code.INVALID_REQUEST, detail)
        return SonifyQuery(
            **self.common(),
            embedding=None if self.embedding is None else tuple(self.embedding),
            mixture=tuple((one.id, one.weight) for one in self.prototypes or ()),
            path=None if path is None else PathQuery(path.to_label, path.from_label, path.points),
        )


class SonifyUploadParams(SonifyOptions):
    """A sonification of an upload: what the model kept of it."""

    to_label: Name | None = Field(None, description="go on to this class, one segment per point")
    points: Points = Field(5, description="segments of that path, the start and the end included")

    def query(self) -> SonifyQuery:
        """The request as the plane takes it."""
        path = None if self.to_label is None else PathQuery(self.to_label, None, self.points)
        return SonifyQuery(**self.common(), path=path)
