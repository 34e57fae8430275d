"""Which tracks may come and what a list must keep to: the same names, limits and defaults on every face."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field

from sonotype.api.options import Options
from sonotype.api.track_params import Collection, Text, TrackId
from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.ranking.values import Constraints
from sonotype.plane.catalog import limits

N = TypeVar("N")
Few = Annotated[list[N], Field(max_length=limits.MAX_FILTER_VALUES)]


def _at_least(what: str, bound: float) -> Any:
    return Field(None, ge=bound, description=f"{what} from this on; tracks of unknown {what} are left out")


def _at_most(what: str, bound: float) -> Any:
    return Field(None, ge=bound, description=f"{what} up to this; tracks of unknown {what} are left out")


class FilterParams(Options):
    """Which tracks may come: every given condition must hold."""

    collection: Few[Collection] = Field([], description="one of these, repeatable")
    artist: Few[Text] = Field([], description="one of these, repeatable; compared without case")
    album: Few[Text] = Field([], description="one of these, repeatable; compared without case")
    tag: Few[Text] = Field([], description="all of these are among the tags, repeatable")
    any_tag: Few[Text] = Field([], description="at least one of these is among the tags, repeatable")
    label: Few[Text] = Field([], description="all of these are among the strongest labels of the models, repeatable")
    year_min: int | None = _at_least("year", 0)
    year_max: int | None = _at_most("year", 0)
    duration_min_s: float | None = _at_least("duration", 0)
    duration_max_s: float | None = _at_most("duration", 0)
    tempo_min_bpm: float | None = _at_least("tempo", 0)
    tempo_max_bpm: float | None = _at_most("tempo", 0)

    def where(self) -> TrackFilter:
        """The filter as the plane takes it."""
        return TrackFilter(
            collections=tuple(self.collection),
            artists=tuple(self.artist),
            albums=tuple(self.album),
            tags=tuple(self.tag),
            any_tags=tuple(self.any_tag),
            labels=tuple(self.label),
            year=_range(self.year_min, self.year_max),
            duration_s=_range(self.duration_min_s, self.duration_max_s),
            tempo_bpm=_range(self.tempo_min_bpm, self.tempo_max_bpm),
        )


class ConstraintParams(Options):
    """What a list must keep to, beside the filter."""

    max_per_artist: int | None = Field(None, ge=1, le=limits.MAX_K, description="absent means any number")
    max_per_album: int | None = Field(None, ge=1, le=limits.MAX_K, description="absent means any number")
    hide_duplicates: bool = Field(False, description="show a recording once; nothing is merged or deleted")
    exclude: list[TrackId] = Field([], max_length=limits.MAX_EXCLUDED, description="ids that must not come, repeatable")
    tempo_within: float | None = Field(
        None, ge=0, le=limits.MAX_RELATIVE, description="largest relative difference to the tempo of the seed"
    )
    duration_within: float | None = Field(
        None, ge=0, le=limits.MAX_RELATIVE, description="largest relative difference to the duration of the seed"
    )

    def keeping(self) -> Constraints:
        """The constraints as the plane takes them."""
        values = {name: getattr(self, name) for name in ConstraintParams.model_fields}
        return Constraints(**values | {"exclude": tuple(self.exclude)})


class FilterBody(FilterParams):
    """Which tracks may come: every given condition must hold."""

    model_config = ConfigDict(strict=True)


class ConstraintsBody(ConstraintParams):
    """What a list must keep to, beside the filter."""

    model_config = ConfigDict(strict=True)


def _range(low: float | None, high: float | None) -> Range | None:
    return None if low is None and high is None else Range(low, high)
