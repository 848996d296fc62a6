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
from evaluator.publication.comparison import pairwise
from evaluator.publication.editions import Edition, Rating, Unit

COMPARED_AT_ONCE = 300  # more peers than this are compared by tiers
NAMED = 3  # so many units are named on a page, more are counted
LISTED = 60  # with more peers than this a file has their number only


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit among its peers under the same superior."""

    unit: Unit
    rating: Rating
    ahead_of: tuple[str, ...]  # codes of peers that are really worse
    behind: tuple[str, ...]  # codes of peers that are really better
    alike: tuple[str, ...]  # codes of peers that the data do not tell apart from it


def by_tiers(edition: Edition, peers: Sequence[str]) -> bool:
    """Whether there are too many peers to compare each with each, so that tiers say who differs."""
    return sum(edition.ratings[code].ranked for code in peers) > COMPARED_AT_ONCE


def standings(edition: Edition, codes: Sequence[str], peers: Sequence[str]) -> tuple[Standing, ...]:
    """Each of `codes` against the `peers` of its level.

    One is really better where the probability of it, given the scheme, is at least that of the scheme's intervals;
    among very many peers, where the tiers differ (of such pairs at most the scheme's share is expected misordered).
    """
    ranked = [code for code in peers if edition.ratings[code].ranked]
    names = np.array(ranked, dtype=object)
    if by_tiers(edition, peers):
        tier = np.array([edition.ratings[code].tier for code in ranked])
        better = tier[:, None] < tier[None, :]
    elif ranked:
        better = pairwise(edition, ranked) >= edition.scheme.uncertainty.interval
    else:
        better = np.zeros((0, 0), bool)
    place = {code: number for number, code in enumerate(ranked)}
    found = []
    for code in codes:
        ahead: tuple[str, ...] = ()
        behind: tuple[str, ...] = ()
        alike: tuple[str, ...] = ()
        if code in place:
            over, under = better[place[code]], better[:, place[code]]
            ahead, behind = tuple(names[over].tolist()), tuple(names[under].tolist())
            alike = tuple(names[~over & ~under & (names != code)].tolist())
        found.append(Standing(edition.units[code], edition.ratings[code], ahead, behind, alike))
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
