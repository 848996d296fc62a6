"""Subordinates' ratings for a superior's performance review: which differences are real, and which are not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluator import language
from evaluator.language import gettext as _
from evaluator.language import ngettext
from evaluator.publication import wording
from evaluator.publication.editions import Edition, Rating, Unit

NAMED = 4  # so many units are named on a page, more are counted
LISTED = 60  # with more peers than this a file has their number only


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit among its peers under the same superior, by ranks that hold for all comparisons at once."""

    unit: Unit
    rating: Rating
    ahead_of: tuple[str, ...]  # codes of peers that are really worse
    behind: tuple[str, ...]  # codes of peers that are really better
    alike: tuple[str, ...]  # codes of peers that the data do not tell apart from it


def by_tiers(edition: Edition, codes: Sequence[str]) -> bool:
    """Whether differences are judged by tiers, because a level is too large for ranks that hold for all at once."""
    ranked = [edition.ratings[code] for code in codes if edition.ratings[code].ranked]
    return any(math.isnan(rating.simultaneous_lower) for rating in ranked)


def standings(edition: Edition, codes: Sequence[str], peers: Sequence[str]) -> tuple[Standing, ...]:
    """Each of `codes` against the `peers` of its level.

    Two units differ for sure when their simultaneous rank intervals do not meet; where the level is too large for
    these, when their tiers differ (of pairs in different tiers at most the scheme's share is expected misordered).
    """
    ranked = [edition.ratings[code] for code in peers if edition.ratings[code].ranked]
    tiers = by_tiers(edition, peers)
    names = np.array([rating.unit for rating in ranked], dtype=object)
    best = np.array([rating.tier if tiers else rating.simultaneous_lower for rating in ranked])
    worst = np.array([rating.tier if tiers else rating.simultaneous_upper for rating in ranked])
    found = []
    for code in codes:
        mine = edition.ratings[code]
        ahead = behind = alike = ()
        if mine.ranked:
            low, high = (mine.tier, mine.tier) if tiers else (mine.simultaneous_lower, mine.simultaneous_upper)
            worse, better = best > high, worst < low
            ahead, behind = tuple(names[worse].tolist()), tuple(names[better].tolist())
            alike = tuple(names[~worse & ~better & (names != code)].tolist())
        found.append(Standing(edition.units[code], mine, ahead, behind, alike))
    return tuple(found)


def listed(edition: Edition, codes: Sequence[str]) -> str:
    """Names of a few units, or how many there are."""
    if not codes:
        return "–"
    if len(codes) > NAMED:
        return ngettext("%(num)d unit", "%(num)d units", len(codes)) % {"num": len(codes)}
    return _(", ").join(language.said(edition.units[code].name) for code in codes)


COMPARED = ("better_than", "worse_than", "not_told_apart_from")


def columns(base: Mapping[str, str]) -> dict[str, str]:
    """Columns of the review's downloads and their kinds: those of the ratings, then the comparison."""
    counts = dict.fromkeys(COMPARED, "whole")
    return {**base, **counts, **{f"{name}_units": "codes" for name in COMPARED}, "rank_in_words": "text"}


def extra(edition: Edition, standing: Standing) -> list[object]:
    """The comparison of a unit: how many peers, and which where these are few enough to list."""
    parts = (standing.ahead_of, standing.behind, standing.alike)
    few = sum(map(len, parts)) <= LISTED
    return [
        *(float(len(part)) if standing.rating.ranked else math.nan for part in parts),
        *(" ".join(part) if few else "" for part in parts),
        wording.rank(edition, standing.rating),
    ]
