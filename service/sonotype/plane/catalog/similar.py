"""Which tracks are similar, and why."""

from __future__ import annotations

from dataclasses import replace

from sonotype.catalog.ranking.constraints import within
from sonotype.catalog.ranking.why import why
from sonotype.catalog.track import Track
from sonotype.core.types import Upload
from sonotype.plane.catalog.aim import Aim
from sonotype.plane.catalog.check_query import check_similar, checked_filter
from sonotype.plane.catalog.searching import Picked, Searching, Wish
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.values import Match, Matches, SimilarQuery
from sonotype.plane.query import AnalyzeQuery


class Similar:
    """The use case of similarity.

    Args:
        seeds: from seeds to a vector.
        searching: from a vector to tracks.
    """

    def __init__(self, seeds: Seeds, searching: Searching) -> None:
        self._seeds = seeds
        self._searching = searching

    async def find(self, query: SimilarQuery, upload: Upload | None) -> Matches:
        """Tracks similar to the seeds. Raises `SonotypeError`."""
        check_similar(query, has_upload=upload is not None)
        where = checked_filter(query.where)
        analysis = AnalyzeQuery(lane=query.lane, timeout_s=query.timeout_s, client=query.client)
        aim = await self._seeds.aim(query.seeds, upload, analysis)
        wish = Wish(
            k=query.k,
            where=within(where, query.constraints, aim.metadata),
            constraints=query.constraints,
            diversity=query.diversity,
            hubness=query.hubness,
            exact=query.exact,
        )
        picked = await self._searching.pick(aim, wish)
        documents = await self._searching.documents(picked.ids)
        rows = [int(row) for row in picked.ranked.rows if picked.candidates.ids[row] in documents]
        matches = tuple(match_at(picked, row, documents[picked.candidates.ids[row]]) for row in rows)
        if query.why:
            matches = tuple(_with_why(match, row, aim, picked) for match, row in zip(matches, rows, strict=True))
        return matches_of(picked, matches)


def match_at(picked: Picked, row: int, track: Track) -> Match:
    """One candidate as a match."""
    return Match(track, float(picked.candidates.similarity[row]), float(picked.ranked.scores.value[row]))


def matches_of(picked: Picked, matches: tuple[Match, ...]) -> Matches:
    """The answer that a search gives."""
    return Matches(
        matches=matches,
        generation=picked.found.generation,
        exact=picked.found.exact,
        degraded=picked.found.degraded,
        hubness=picked.ranked.scores.hubness,
        short_because=picked.short_because,
    )


def _with_why(match: Match, row: int, aim: Aim, picked: Picked) -> Match:
    """Against the first positive seed that is a track, with the cosine to it and not to the whole query."""
    if not aim.wanted:
        return match
    seed = aim.wanted[0]
    cosine = float(picked.candidates.vectors[row] @ seed.vector)
    return replace(match, why=why(seed.track, match.track, cosine))
