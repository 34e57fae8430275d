"""What is asked of taggers: the same names, limits and defaults on every face."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from sonotype.api.filter_params import FilterBody
from sonotype.api.options import Options
from sonotype.api.track_params import TrackId, UploadOptions, float32
from sonotype.models.multilabel.methods import Method
from sonotype.plane.catalog import limits
from sonotype.plane.catalog import tagger_limits as bounds
from sonotype.plane.catalog.tagger_values import Feedback, NewTagger, TagQuery

Label = Annotated[str, Field(min_length=1, max_length=bounds.MAX_LABEL)]
TOP_K = Annotated[int | None, Field(ge=0, le=bounds.MAX_LABELS, description="labels to show; absent means all")]


class TaggerBody(Options):
    """A tagger to fit: to tracks of the catalogue and their tags, or to a table that is sent beside this."""

    model_config = ConfigDict(strict=True, title="Tagger", populate_by_name=True)

    name: str = Field(max_length=bounds.MAX_NAME, description="small letters, digits, _ and -", examples=["moods"])
    source: FilterBody = Field(FilterBody(), alias="from", description="which tracks; their own tags are the labels")
    labels: list[Label] = Field([], max_length=bounds.MAX_LABELS, description="only these; none means all there are")
    method: Method = Field("entropy", description="how the tracks are cut into parts")
    budget: float = Field(
        bounds.DEFAULT_BUDGET,
        gt=0,
        le=bounds.MAX_BUDGET,
        description="prototypes: a share below 1 (but 8 at least), or a number",
    )
    k: int | None = Field(None, ge=1, le=bounds.MAX_K, description="prototypes to ask; absent lets their number decide")

    def new(self, csv: bytes | None = None) -> NewTagger:
        """The tagger as the plane takes it."""
        labels = tuple(dict.fromkeys(" ".join(label.lower().split()) for label in self.labels))
        return NewTagger(self.name, self.source.where(), csv, labels, self.method, self.budget, self.k)


class ShownParams(Options):
    """Which labels an answer shows."""

    top_k: TOP_K = 10
    threshold: float = Field(0.0, ge=0, le=1, description="labels with a lower score are not shown")


class TagParams(ShownParams, UploadOptions):
    """How an upload is tagged."""

    def query(self, name: str, client: str | None) -> TagQuery:
        """The question as the plane takes it."""
        return TagQuery(name, lane=self.lane, timeout_s=self.timeout_s, client=client)


class TagBody(ShownParams):
    """What to tag: tracks of the catalogue, or an embedding of the tagger's generation."""

    model_config = ConfigDict(strict=True)

    tracks: list[TrackId] = Field([], max_length=bounds.MAX_TAGGED, description="ids")
    embedding: list[float] | None = Field(None, min_length=1, max_length=limits.MAX_DIM, description="of any length")

    def query(self, name: str, client: str | None) -> TagQuery:
        """The question as the plane takes it."""
        embedding = None if self.embedding is None else float32(self.embedding)
        return TagQuery(name, tuple(self.tracks), embedding, client=client)


class FeedbackBody(Options):
    """Somebody says that a track is, or is not, what a label says."""

    model_config = ConfigDict(strict=True, populate_by_name=True)

    track: TrackId
    label: Label
    positive: bool = Field(alias="is", description="it is, or is not")
    event: str | None = Field(
        None, max_length=bounds.MAX_EVENT, description="your own id of this: sent again it changes nothing"
    )

    def said(self, client: str | None) -> Feedback:
        """The correction as the plane takes it."""
        label = " ".join(self.label.lower().split())
        return Feedback(self.track, label, self.positive, self.event, client)


class UndoBody(Options):
    """Which correction to take back."""

    model_config = ConfigDict(strict=True)

    version: int | None = Field(
        None, ge=2, description="that it made, so that a repeated call takes back no other; absent means the last one"
    )


class RollbackBody(Options):
    """Where to go back to."""

    model_config = ConfigDict(strict=True)

    version: int = Field(ge=1, description="1 is the tagger as it was fitted")


class VersionsParams(Options):
    """How much history."""

    limit: int = Field(50, ge=1, le=bounds.MAX_VERSIONS, description="the newest changes")


class ReportParams(Options):
    """How much of a report."""

    limit: int = Field(100, ge=1, le=bounds.MAX_DOUBTS, description="the most doubtful labels")
