"""What an operator looks at before a run is taken: what is there, stands apart, goes together, and counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evaluator.rating.doors import STATES
from evaluator.rating.nodes import shares
from evaluator.workbench.opened import Opened
from methods.index.correlations import correlation, cronbach
from methods.index.main_effects import main_effects
from methods.index.outliers import outliers
from methods.inputs import Floats, Integers

SHOWN_STATES = tuple(state for state in STATES if state != "not_applicable")
FEWEST = 5  # units of which a correlation is told
SIZES = (0.0, 0.1)  # a Spearman correlation below the first goes against its dimension, below the second hardly with it


@dataclass(frozen=True, slots=True)
class Covered:
    """How many numbers of an indicator, or of a dimension's indicators, are in which state."""

    code: str
    dimension: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def share(self, state: str) -> float:
        return self.counts[state] / self.total if self.total else float("nan")


def coverage(run: Opened, level: str) -> tuple[list[Covered], list[Covered]]:
    """Dimensions and indicators of a level, with the states of their numbers; not_applicable is not counted."""
    states = run.case.state[run.members(level)]
    applies = run.case.recipe.applies[run.case.recipe.levels.index(level)]
    indicators = [
        Covered(one.code, one.dimension, {s: int((states[:, j] == s).sum()) for s in SHOWN_STATES})
        for j, one in enumerate(run.scheme.indicators)
        if applies[j]
    ]
    dimensions = []
    for node in run.scheme.dimensions:
        own = [one for one in indicators if one.dimension == node.code]
        if own:
            sums = {state: sum(one.counts[state] for one in own) for state in SHOWN_STATES}
            dimensions.append(Covered(node.code, node.code, sums))
    return dimensions, indicators


@dataclass(frozen=True, slots=True)
class Lacking:
    """A unit and the indicators that it has no number of its own for."""

    unit: str
    state: str  # of its rating
    notes: tuple[str, ...]
    present: float  # share of the applicable weight in numbers of its own
    reliability: float
    missing: tuple[str, ...]


def lacking(run: Opened, level: str) -> list[Lacking]:
    """Units of a level that lack something or are not rated for want of evidence: the least weight present first."""
    found = []
    for u in run.members(level).tolist():
        gaps = np.isin(run.case.state[u], ("imputed", "suppressed", "missing"))
        state = str(run.ratings["state"][u])
        if gaps.any() or state != "ok":
            missing = tuple(run.scheme.indicators[j].code for j in np.flatnonzero(gaps))
            notes = tuple(str(run.ratings["notes"][u]).split())
            present, reliability = float(run.case.has.index_present[u]), float(run.ratings["reliability"][u])
            found.append(Lacking(str(run.case.codes[u]), state, notes, present, reliability, missing))
    return sorted(found, key=lambda one: (one.present, -len(one.missing), one.unit))


@dataclass(frozen=True, slots=True)
class Apart:
    """A number that stands far from those of its level."""

    unit: str
    indicator: str
    value: float  # on the indicator's own scale
    median: float
    z: float
    score: float  # what it scores


def standing_apart(run: Opened, level: str) -> list[Apart]:
    """Numbers of the level's units that the rule on outliers points at, the farthest first; imputed ones left out."""
    here = run.members(level)
    own = run.case.state[here] == "ok"
    values = np.where(own, run.case.raw[here], np.nan)
    found = outliers(values)
    places = np.argwhere(found.outside)
    rows = [
        Apart(
            str(run.case.codes[here[u]]),
            run.scheme.indicators[j].code,
            float(values[u, j]),
            float(found.centre[j]),
            float(found.z[u, j]),
            float(run.case.scores[here[u], j]),
        )
        for u, j in places.tolist()
    ]
    return sorted(rows, key=lambda one: -abs(one.z))


@dataclass(frozen=True, slots=True)
class Together:
    """How a dimension's indicators go with each other, and with what is made of them."""

    code: str
    indicators: tuple[str, ...]
    alpha: float  # Cronbach's; NaN: cannot be told
    spearman: Floats  # (indicators, indicators)
    pearson: Floats
    with_dimension: Floats  # (indicators,) Spearman with the dimension's score
    with_index: Floats
    against: tuple[tuple[str, str, float, float], ...]  # pairs below 0: codes, Spearman, Pearson


def correlations(run: Opened, level: str) -> tuple[list[Together], list[str], Floats, Floats]:
    """Dimensions of a level one by one; then their codes, and Spearman's and Pearson's correlations between them."""
    here = run.members(level)
    scores = np.where(run.case.state[here] == "ok", run.case.scores[here], np.nan)
    index = np.where(run.case.enough[here], run.case.plain[here], np.nan)
    count = len(run.scheme.dimensions)
    nodes = run.case.dimensions[here][:, :count]
    found, codes, columns = [], [], []
    for d, node in enumerate(run.scheme.dimensions):
        own = [j for j, one in enumerate(run.scheme.indicators) if one.dimension == node.code]
        own = [j for j in own if (~np.isnan(scores[:, j])).sum() >= FEWEST]
        if (~np.isnan(nodes[:, d])).sum() >= FEWEST:
            codes.append(node.code)
            columns.append(nodes[:, d])
        if not own:
            continue
        x = scores[:, own]
        beside = np.column_stack([x, nodes[:, d], index])
        ranks, plain = correlation(beside, "spearman"), correlation(beside, "pearson")
        names = tuple(run.scheme.indicators[j].code for j in own)
        pairs = tuple(
            (names[a], names[b], float(ranks[a, b]), float(plain[a, b]))
            for a, b in combinations(range(len(own)), 2)
            if ranks[a, b] < SIZES[0]
        )
        found.append(
            Together(
                node.code, names, _alpha(x), ranks[:-2, :-2], plain[:-2, :-2], ranks[:-2, -2], ranks[:-2, -1],
                tuple(sorted(pairs, key=lambda pair: pair[2])),
            )
        )  # fmt: skip
    table = np.column_stack(columns) if columns else np.zeros((here.size, 0))
    return found, codes, correlation(table, "spearman"), correlation(table, "pearson")


def _alpha(x: Floats) -> float:
    try:
        return cronbach(x).alpha
    except ValueError:
        return float("nan")


@dataclass(frozen=True, slots=True)
class Counting:
    """A weight as it is written and as it works."""

    code: str
    nominal: float
    main_effect: float
    effective: float
    ratio: float


def counting(run: Opened, level: str) -> tuple[list[Counting], list[Counting]]:
    """Dimensions and indicators of a level: their share of the weight of the whole index, and of what moves it."""
    here = run.members(level)
    index = np.where(run.case.enough[here], run.case.plain[here], np.nan)
    share = shares(run.scheme, level)
    applies = run.case.recipe.applies[run.case.recipe.levels.index(level)]
    own = np.flatnonzero(applies)
    indicators = [run.scheme.indicators[j].code for j in own]
    dimensions = [(d, node.code) for d, node in enumerate(run.scheme.dimensions) if share.get(node.code, 0) > 0]
    return (
        list(
            _effects([c for _, c in dimensions], run.case.dimensions[here][:, [d for d, _ in dimensions]], index, share)
        ),
        list(_effects(indicators, run.case.scores[np.ix_(here, own)], index, share)),
    )


def _effects(codes: list[str], values: Floats, index: Floats, share: dict[str, float]) -> Iterator[Counting]:
    nominal = np.array([share[code] for code in codes])
    if not codes or not nominal.any():
        return
    found = main_effects(values, index, nominal)
    for k, code in enumerate(codes):
        yield Counting(
            code, float(found.nominal[k]), float(found.main_effect[k]), float(found.effective[k]), float(found.ratio[k])
        )


@dataclass(frozen=True, slots=True)
class Alternative:
    """A choice of the sensitivity table, over all units."""

    choice: str
    values: dict[str, tuple[float, float, float]]  # statistic -> value, lower, upper


def alternatives(run: Opened) -> list[Alternative]:
    """The edition's table of sensitivity, a line a choice."""
    table = run.sensitivity
    rows: dict[str, dict[str, tuple[float, float, float]]] = {}
    for k in np.flatnonzero(table["unit"] == "").tolist():
        values = tuple(float(table[name][k]) for name in ("value", "lower", "upper"))
        rows.setdefault(str(table["choice"][k]), {})[str(table["statistic"][k])] = values  # type: ignore[assignment]
    return [Alternative(choice, values) for choice, values in rows.items()]


def counts(run: Opened) -> dict[str, dict[str, int]]:
    """Level -> state of the rating -> units."""
    found: dict[str, dict[str, int]] = {}
    for level in run.levels:
        states, numbers = np.unique(run.ratings["state"][run.members(level)].astype(str), return_counts=True)
        found[level] = dict(zip(states.tolist(), numbers.tolist(), strict=True))
    return found


def grades(run: Opened, members: Integers) -> dict[str, int]:
    """Grade -> units of them, best first."""
    given = run.ratings["grade"][members]
    return {grade: int((given == grade).sum()) for grade, _limit in run.scheme.grades.bands}
