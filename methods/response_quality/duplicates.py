"""Near-duplicates: pairs of responses that agree on more items than independent people would.

Kuriakose and Robbins (2016), Don't get duped: fraud through duplication in public opinion surveys, Statistical Journal
of the IAOS 32, 283-291: a response's highest percent match with any other. Simmons, Mercer, Schwarzer and Courtney
(2016), same journal 32, 327-338, show what it does not say: with few items, few codes, agreeing people or many
responses honest pairs match as well.

**The match of two responses** is the share of items with the same answer among the items that at least one of them
answered. So items that both left out (never asked, or skipped) count neither for nor against; an answer that only one
gave counts against. Reversed items make no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from methods.inputs import Floats, Integers
from methods.response_quality.answers import checked_codes

Words = NDArray[np.uint64]

TOLERANCE = 1e-9
SAMPLE = 20_000  # responses from which the cheapest plan is estimated
MOST_KEYS = 130  # of a plan
LAGS = 24  # neighbours in a bucket that are looked at before the whole bucket is
PAIRS = 1 << 21  # compared at a time
SORT_COST, PAIR_COST = 60.0, 60.0  # nanoseconds: of a response under one key, of a pair


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Which responses have a near-duplicate."""

    flagged: NDArray[np.bool_]  # (responses,)
    partner: Integers  # (responses,) one of the responses that match, whichever was found first; -1: none
    compared: int  # pairs that were looked at


@dataclass(frozen=True, slots=True)
class _Packed:
    """Responses as lanes of bits: two of them differ in an item where the lanes differ."""

    word: Words  # (words, responses) lane 0: no answer
    there: Words  # (words, responses) lowest bit of each lane that holds an answer
    lowest: Words  # (words,) lowest bit of every lane
    lane: tuple[tuple[int, int], ...]  # for each item: word, shift
    width: int  # bits of a lane
    answered: Integers  # (responses,)

    def only(self, rows: Integers) -> _Packed:
        return _Packed(self.word[:, rows], self.there[:, rows], self.lowest, self.lane, self.width, self.answered[rows])

    def mask(self, items: list[int]) -> Words:
        """(words,) all bits of these items."""
        mask = np.zeros(len(self.lowest), np.uint64)
        for item in items:
            word, shift = self.lane[item]
            mask[word] |= np.uint64(((1 << self.width) - 1) << shift)
        return mask


def percent_match(codes: ArrayLike, group: ArrayLike | None = None, min_answered: int = 1) -> Floats:
    """Each response's highest match with any other, by comparing all pairs.

    Exact, and of the square of the number of responses: for samples. `near_duplicates` finds those above a threshold
    among millions.

    Parameters
    ----------
    codes
        (responses, items).
    group
        (responses,) whole numbers; only responses of the same group are compared.
    min_answered
        Responses with fewer answers are left out.

    Returns
    -------
    Floats
        (responses,) from 0 to 1; NaN where there is nobody to compare with.

    Examples
    --------
    >>> percent_match([[0, 1, 2, -1], [0, 1, 3, -1], [0, 1, 2, 4]]).round(3).tolist()
    [0.75, 0.667, 0.75]
    """
    answers, groups, eligible = _given(codes, group, min_answered)
    packed = _pack(answers)
    best = np.full(len(answers), np.nan)
    for rows in _groups(groups, eligible):
        if len(rows) < 2:
            continue
        part = packed.only(rows)
        step = max(1, PAIRS // len(rows))
        for begin in range(0, len(rows), step):
            here = slice(begin, min(begin + step, len(rows)))
            differ = np.zeros((here.stop - begin, len(rows)), np.int64)
            union = np.zeros_like(differ)
            for k in range(len(part.word)):
                other = _fold(part.word[k, here, None] ^ part.word[k][None, :], part.width, part.lowest[k])
                differ += np.bitwise_count(other)
                union += np.bitwise_count(part.there[k, here, None] | part.there[k][None, :])
            with np.errstate(invalid="ignore", divide="ignore"):
                share = (union - differ) / union
            share[np.arange(here.stop - begin), np.arange(begin, here.stop)] = -1.0
            best[rows[here]] = np.nanmax(share, axis=1)
    return best


def near_duplicates(
    codes: ArrayLike, share: float, group: ArrayLike | None = None, min_answered: int = 1
) -> NearDuplicates:
    """Responses that match another one on at least `share` of the items, found exactly without comparing all pairs.

    Parameters
    ----------
    codes
        (responses, items).
    share
        Registered threshold of the match, above 0.5, at most 1; Kuriakose and Robbins propose 0.85.
    group
        (responses,) whole numbers; only responses of the same group are compared (those on a unit, of a day).
    min_answered
        Responses with fewer answers are never flagged and flag nobody.

    Returns
    -------
    NearDuplicates
        Exactly the responses whose `percent_match` is at least `share`: none is missed, none is too many.

    Notes
    -----
    Two responses that differ in at most d items agree exactly on at least m - d of m blocks of items. So for each
    choice of m - d blocks the responses are sorted by their answers in them, and only those with equal ones are
    compared. Blocks carry equal shares of what tells responses apart, and m is chosen by the cost seen in a sample:
    with more responses longer keys, so that the work for one response grows more slowly than their number. Responses
    are taken by how many items they answered, since a match of `share` needs similar numbers.

    References
    ----------
    Blocks: Manku, Jain, Das Sarma (2007), Detecting near-duplicates for web crawling, WWW; Norouzi, Punjani, Fleet
    (2012), Fast search in Hamming space with multi-index hashing, CVPR.

    Examples
    --------
    >>> found = near_duplicates([[0, 1, 2, 3], [0, 1, 2, 0], [3, 2, 1, 0]], share=0.75)
    >>> found.flagged.tolist(), found.partner.tolist()
    ([True, True, False], [1, 0, -1])
    """
    if not 0.5 < share <= 1.0:
        raise ValueError(f"share is {share}; it must be above 0.5 and at most 1")
    answers, groups, eligible = _given(codes, group, min_answered)
    flagged, partner = np.zeros(len(answers), bool), np.full(len(answers), -1, np.int64)
    rows = np.flatnonzero(eligible)
    if len(rows) < 2:
        return NearDuplicates(flagged, partner, 0)
    packed = _pack(answers[rows])
    home = np.unique(groups[rows], return_inverse=True)[1].ravel().astype(np.uint64)
    first, copy_of = _distinct(packed, home)
    # copies of each other
    count = np.bincount(copy_of)
    last = np.zeros(len(first), np.int64)
    last[copy_of] = np.arange(len(rows))
    same = count[copy_of] > 1
    found = np.where(same, np.where(last[copy_of] == np.arange(len(rows)), first[copy_of], last[copy_of]), -1)
    one_of_each = _Search(packed.only(first), home[first], share, count > 1)
    compared = one_of_each.run()
    near = one_of_each.partner[copy_of]
    found = np.where((found < 0) & (near >= 0), first[near], found)
    partner[rows] = np.where(found >= 0, rows[found], -1)
    return NearDuplicates(partner >= 0, partner, compared)


class _Search:
    """The search among distinct responses; `partner` fills up as pairs are found."""

    def __init__(self, packed: _Packed, home: Words, share: float, done: NDArray[np.bool_]) -> None:
        self.packed, self.home, self.share = packed, home, share
        self.done = done.copy()
        self.partner = np.full(len(done), -1, np.int64)
        items = len(packed.lane)
        self.allowed = np.floor((1.0 - share) * np.arange(items + 1) + TOLERANCE).astype(np.int64)
        self.compared = 0

    def run(self) -> int:
        items = len(self.packed.lane)
        most = int(self.packed.answered.max(initial=0))
        while most >= 1:
            least = int(np.ceil(self.share * np.ceil(self.share * most - TOLERANCE) - TOLERANCE))
            rows = np.flatnonzero((self.packed.answered <= most) & (self.packed.answered >= least))
            union = min(items, int(np.floor(most / self.share + TOLERANCE)))
            if len(rows) > 1 and not self.done[rows].all():
                self._window(rows, int(self.allowed[union]))
            most = min(most - 1, int(np.floor(self.share * most + TOLERANCE)))
        return self.compared

    def _window(self, rows: Integers, differences: int) -> None:
        """Find pairs that differ in at most so many items."""
        part, home = self.packed.only(rows), self.home[rows]
        for items in _plan(part, home, differences):
            if self.done[rows].all():
                return
            order, same = _sorted(part, home, part.mask(items))
            self._buckets(rows[order], same)

    def _buckets(self, rows: Integers, same: NDArray[np.bool_]) -> None:
        """Compare responses beside each other with equal keys; `same`: the key is that of the row before."""
        edge = np.flatnonzero(np.concatenate([[True], ~same, [True]]))
        size = np.diff(edge)
        several = size > 1
        if not several.any():
            return
        begin, size = edge[:-1][several], size[several]
        end = np.repeat(begin + size, size)
        place = np.repeat(begin, size) + _ranges(size)
        for lag in range(1, min(int(size.max()), LAGS + 1)):
            near = place + lag < end
            place, end = place[near], end[near]
            if not len(place):
                return
            a, b = rows[place], rows[place + lag]
            open_ = ~(self.done[a] & self.done[b])
            self._compare(a[open_], b[open_])
        # what is left of large buckets: everyone without a partner against all
        large = size > LAGS
        for start, many in zip(begin[large].tolist(), size[large].tolist(), strict=True):
            members = rows[start : start + many]
            step = max(1, PAIRS // many)
            waiting = members[~self.done[members]]
            while len(waiting):
                now, waiting = waiting[:step], waiting[step:]
                a, b = np.repeat(now, many), np.tile(members, len(now))
                apart = a != b
                self._compare(a[apart], b[apart])
                waiting = waiting[~self.done[waiting]]

    def _compare(self, a: Integers, b: Integers) -> None:
        for begin in range(0, len(a), PAIRS):
            x, y = a[begin : begin + PAIRS], b[begin : begin + PAIRS]
            self.compared += len(x)
            differ = np.zeros(len(x), np.int64)
            union = np.zeros(len(x), np.int64)
            for word, there, lowest in zip(self.packed.word, self.packed.there, self.packed.lowest, strict=True):
                differ += np.bitwise_count(_fold(word[x] ^ word[y], self.packed.width, lowest))
                union += np.bitwise_count(there[x] | there[y])
            match = differ <= self.allowed[union]
            x, y = x[match], y[match]
            self.partner[x], self.partner[y] = y, x
            self.done[x] = self.done[y] = True


def _given(
    codes: ArrayLike, group: ArrayLike | None, min_answered: int
) -> tuple[np.ndarray, Integers, NDArray[np.bool_]]:
    answers = checked_codes(codes)
    if min_answered < 1:
        raise ValueError(f"min_answered is {min_answered}; it must be at least 1")
    groups = np.zeros(len(answers), np.int64) if group is None else np.asarray(group)
    if groups.shape != (len(answers),) or not np.issubdtype(groups.dtype, np.integer):
        raise ValueError(f"group must be whole numbers, one for each of the {len(answers)} responses")
    return answers, groups.astype(np.int64), (answers >= 0).sum(axis=1) >= min_answered


def _groups(groups: Integers, eligible: NDArray[np.bool_]) -> list[Integers]:
    rows = np.flatnonzero(eligible)
    order = rows[np.argsort(groups[rows], kind="stable")]
    edge = np.flatnonzero(np.diff(groups[order])) + 1
    return [part.astype(np.int64) for part in np.split(order, edge)]


def _pack(answers: np.ndarray) -> _Packed:
    """Answers as lanes of equal width; codes are first numbered without gaps, so that lanes are narrow."""
    columns, most = [], 1
    for column in answers.T:
        values, place = np.unique(column, return_inverse=True)
        dense = place.ravel() + (0 if values.size and values[0] < 0 else 1)
        columns.append(dense.astype(np.uint64))
        most = max(most, int(dense.max(initial=0)))
    width = most.bit_length()
    each = 64 // width
    words = -(-len(columns) // each)
    word, there = np.zeros((words, len(answers)), np.uint64), np.zeros((words, len(answers)), np.uint64)
    lowest = np.zeros(words, np.uint64)
    lane = []
    for item, column in enumerate(columns):
        k, shift = item // each, width * (item % each)
        word[k] |= column << np.uint64(shift)
        there[k] |= (column > 0).astype(np.uint64) << np.uint64(shift)
        lowest[k] |= np.uint64(1 << shift)
        lane.append((k, shift))
    return _Packed(word, there, lowest, tuple(lane), width, (answers >= 0).sum(axis=1).astype(np.int64))


def _fold(bits: Words, width: int, lowest: np.uint64) -> Words:
    """The lowest bit of every lane that has any bit."""
    found = bits.copy()
    for shift in range(1, width):
        found |= bits >> np.uint64(shift)
    found &= lowest
    return found


def _mix(bits: Words) -> Words:
    """A one-to-one scrambling of 64 bits (the finaliser of splitmix64)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)), np.uint64)


def _sorted(packed: _Packed, home: Words, mask: Words) -> tuple[Integers, NDArray[np.bool_]]:
    """Rows by group and key, so that a group lies together in memory; and whether a key is that of the row before.

    Group, key and row share one word, which sorts several times faster than an order of keys. The key keeps the bits
    that are left: rows of different answers that fall together cost a comparison, no more.
    """
    rows = len(home)
    row_bits, group_bits = max(rows - 1, 1).bit_length(), int(home.max(initial=0)).bit_length()
    key = _mix(np.zeros(rows, np.uint64))
    for bits, some in zip(packed.word, mask, strict=True):
        key = _mix(key + (bits & some))
    if row_bits + group_bits > 40:
        key = _mix(key + _mix(home))
        order = np.argsort(key)
        return order, key[order[1:]] == key[order[:-1]]
    word = (key >> np.uint64(group_bits + row_bits)) << np.uint64(row_bits)
    if group_bits:
        word |= home << np.uint64(64 - group_bits)
    word |= np.arange(rows, dtype=np.uint64)
    word.sort()
    order = (word & np.uint64((1 << row_bits) - 1)).astype(np.int64)
    word >>= np.uint64(row_bits)
    return order, word[1:] == word[:-1]


def _distinct(packed: _Packed, home: Words) -> tuple[Integers, Integers]:
    """First row of each distinct response of a group, and which of them every row is."""
    order, same_key = _sorted(packed, home, np.full(len(packed.lowest), np.iinfo(np.uint64).max, np.uint64))
    same = np.ones(len(order) - 1, bool)
    for column in (*packed.word, home):
        same &= column[order[1:]] == column[order[:-1]]
    if not np.array_equal(same, same_key):  # a key that two responses share by accident
        order = np.lexsort((*packed.word, home))
        same = np.ones(len(order) - 1, bool)
        for column in (*packed.word, home):
            same &= column[order[1:]] == column[order[:-1]]
    number = np.concatenate([[0], np.cumsum(~same)])
    copy_of = np.empty(len(order), np.int64)
    copy_of[order] = number
    first = np.full(int(number[-1]) + 1, len(order), np.int64)
    np.minimum.at(first, copy_of, np.arange(len(order)))
    return first, copy_of


def _plan(packed: _Packed, home: Words, differences: int) -> list[list[int]]:
    """Sets of items: two responses that differ in at most so many items agree on all items of one of the sets."""
    rows = len(home)
    groups = int(home.max()) + 1
    if rows <= SAMPLE:
        chosen, scale = np.arange(rows), 1.0
    elif groups == 1:
        chosen = np.linspace(0, rows - 1, SAMPLE).astype(np.int64)
        scale = (rows / len(chosen)) ** 2
    else:
        # whole groups, spread over all of them
        wanted = np.zeros(groups, bool)
        wanted[:: max(1, -(-rows // SAMPLE))] = True
        chosen = np.flatnonzero(wanted[home])
        if len(chosen) < 2:
            chosen = np.arange(SAMPLE)
        scale = rows / len(chosen)
    sample, sample_home = packed.only(chosen), home[chosen]
    blocks_of: dict[int, list[list[int]]] = {}
    information = _information(sample)
    best, cheapest = differences, np.inf
    for blocks in range(differences, min(len(packed.lane), differences + 6) + 1):
        keys = comb(blocks, differences)
        if keys > MOST_KEYS or rows * keys * SORT_COST >= cheapest:
            break
        blocks_of[blocks] = _balanced(information, blocks)
        pairs = sum(
            _pairs(_sorted(sample, sample_home, sample.mask(items))[1])
            for items in _sets(blocks_of[blocks], blocks - differences)
        )
        cost = rows * keys * SORT_COST + scale * pairs * PAIR_COST
        if cost < cheapest:
            best, cheapest = blocks, cost
    return _sets(blocks_of[best], best - differences)


def _sets(blocks: list[list[int]], together: int) -> list[list[int]]:
    return [sorted(item for block in some for item in block) for some in combinations(blocks, together)]


def _pairs(same: NDArray[np.bool_]) -> float:
    size = np.diff(np.flatnonzero(np.concatenate([[True], ~same, [True]])))
    return float((size * (size - 1) // 2).sum())


def _information(packed: _Packed) -> Floats:
    """(items,) bits that an item tells of two responses: minus the logarithm of the chance that they agree."""
    found = []
    for word, shift in packed.lane:
        value = (packed.word[word] >> np.uint64(shift)) & np.uint64((1 << packed.width) - 1)
        share = np.bincount(value.astype(np.int64)) / max(len(value), 1)
        found.append(-np.log2(max(float((share**2).sum()), 1e-300)))
    return np.asarray(np.maximum(np.array(found), 0.0), np.float64)


def _balanced(information: Floats, blocks: int) -> list[list[int]]:
    """Items in blocks of about equal information."""
    held: list[list[int]] = [[] for _ in range(blocks)]
    load = np.zeros(blocks)
    for item in np.argsort(-information, kind="stable").tolist() if blocks else ():
        where = int(np.lexsort((np.array([len(one) for one in held]), load))[0])
        held[where].append(item)
        load[where] += information[item]
    return held


def _ranges(sizes: Integers) -> Integers:
    """0 .. size - 1 for each size, after each other."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
