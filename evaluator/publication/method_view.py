"""The method page, made from the edition's own scheme: nothing here names an indicator, a level, a class or a grade."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluator import language
from evaluator.language import gettext as _
from evaluator.publication import wording
from evaluator.publication.editions import Alternative, Edition
from evaluator.rating.nodes import EMPTY, Branch, below, passed_on, tree
from evaluator.rating.scheme import Dimension, Indicator, Label, Scheme


@dataclass(frozen=True, slots=True)
class Chapter:
    """A dimension and what lies below it in the order of the tree, with the weights within it, by level."""

    dimension: Dimension
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An indicator, or a node between it and the dimension."""

    depth: int  # 1: right below the dimension
    node: Dimension | None
    indicator: Indicator | None
    weights: tuple[str, ...]  # at each level


@dataclass(frozen=True, slots=True)
class RecordLine:
    name: Label
    use: str
    months: str  # how long such a record is published


def chapters(scheme: Scheme) -> tuple[Chapter, ...]:
    """Dimensions, what lies below them, and what each of it weighs within its dimension at each level."""
    found = []
    applying = {level: {i.code for i in scheme.indicators if level in i.levels} for level in scheme.levels}
    for branch in tree(scheme):
        shares = [passed_on(branch, applying[lv], scheme.weights_by_level.get(lv, EMPTY)) for lv in scheme.levels]
        found.append(Chapter(branch.node, tuple(_lines(branch, shares))))
    return tuple(found)


def _lines(branch: Branch, shares: Sequence[Mapping[str, float]]) -> Iterator[Line]:
    """What lies below a node, depth first. A node weighs what its indicators weigh together."""

    def together(members: Sequence[Indicator]) -> tuple[str, ...]:
        codes = {one.code for one in members}
        return tuple(
            wording.percent(sum(share[code] for code in codes & share.keys())) if codes & share.keys() else "–"
            for share in shares
        )

    for member in branch.indicators:
        yield Line(branch.depth, None, member, together([member]))
    for inside in branch.branches:
        yield Line(branch.depth, inside.node, None, together(below(inside)))
        yield from _lines(inside, shares)


def dimension_weights(scheme: Scheme) -> tuple[tuple[Dimension, tuple[str, ...]], ...]:
    """What each dimension weighs at each level, where one of its indicators applies."""
    shares: dict[str, dict[str, float]] = {}
    for level in scheme.levels:
        given = scheme.weights_by_level.get(level) or {d.code: d.weight for d in scheme.dimensions}
        there = {i.dimension for i in scheme.indicators if level in i.levels}
        kept = {code: weight for code, weight in given.items() if code in there}
        total = sum(kept.values())
        shares[level] = {code: weight / total for code, weight in kept.items()} if total else {}
    return tuple(
        (d, tuple(wording.percent(shares[level].get(d.code, math.nan)) for level in scheme.levels))
        for d in scheme.dimensions
    )


def tasks(scheme: Scheme) -> tuple[tuple[str, Label, tuple[Indicator, ...]], ...]:
    """Each task with the indicators that answer for it."""
    return tuple(
        (code, name, tuple(i for i in scheme.indicators if code in i.tasks)) for code, name in scheme.tasks.items()
    )


def records(scheme: Scheme, source: Mapping[str, Any]) -> tuple[RecordLine, ...]:
    """What becomes of each class of records."""
    explained = (source.get("records") or {}).get("classes") or {}
    named = {indicator.code: indicator.name for indicator in scheme.indicators}
    vetoes = {veto.code: veto.name for veto in scheme.vetoes}
    found = []
    for record in scheme.records.classes:
        if record.use == "deduction":
            use = _("a deduction of %(points)s points before saturation") % {"points": f"{record.points:g}"}
        elif record.use == "veto":
            use = _("a veto: %(veto)s") % {"veto": language.said(vetoes.get(record.veto or "", record.name))}
        elif record.use == "indicator":
            use = _("counted in: %(indicator)s") % {
                "indicator": language.said(named.get(record.indicator or "", record.name))
            }
        else:
            use = _("not in the rating")
        found.append(RecordLine(record.name, use, _months(explained.get(record.code) or {})))
    return tuple(found)


def _months(given: Mapping[str, Any]) -> str:
    least = given.get("published_min_months")
    most = given.get("published_max_months", given.get("term_months"))
    if least is not None and most is not None:
        return _("%(least)s to %(most)s months") % {"least": least, "most": most}
    return _("up to %(most)s months") % {"most": most} if most is not None else "–"


def deduction_rule(scheme: Scheme) -> str:
    """How points become a deduction, in a sentence; blank when the scheme has none."""
    if not any(record.use == "deduction" for record in scheme.records.classes):
        return ""
    return _(
        "Points are weighted by the state of the record and by size, so that large units are not punished for being "
        "large; then they saturate: no more than %(most)s points can be taken off."
    ) % {"most": f"{scheme.records.saturating:g}"}


CHANGES = ("mean_absolute_change", "largest_change", "share_keeping_grade", "mean_rank_change", "largest_rank_change")
SOBOL = ("sobol_first", "sobol_total")
LEFT_OUT = ("without indicator ", "without dimension ")

Lines = tuple[tuple[str, tuple[str, ...]], ...]


def overall(edition: Edition) -> tuple[tuple[str, tuple[str, ...], Lines], ...]:
    """What registered alternatives would change over all units: title, head and lines of each table."""
    rows = edition.alternatives.of("")
    without = [row for row in rows if row.choice.startswith(LEFT_OUT)]
    others = [row for row in rows if not row.choice.startswith(LEFT_OUT)]
    tables = (
        (_("What other choices would change, over all units"), _("Choice"), CHANGES, others),
        (_("How much of the variance each choice makes"), _("Choice"), SOBOL, others),
        (_("What leaving one out would change, over all units"), _("Left out"), CHANGES, without),
    )
    said = _left_out(edition.scheme)
    found = []
    for title, head, statistics, group in tables:
        cells = {(row.choice, row.statistic): _figure(row) for row in group}
        there = [s for s in statistics if any(row.statistic == s for row in group)]
        names = dict.fromkeys(row.choice for row in group if row.statistic in there)
        lines = tuple((said.get(n) or wording.choice(n), tuple(cells.get((n, s), "–") for s in there)) for n in names)
        if lines:
            found.append((title, (head, *map(wording.statistic, there)), lines))
    return tuple(found)


def _left_out(scheme: Scheme) -> dict[str, str]:
    """Names of what the alternatives that leave something out leave out."""
    indicators = {LEFT_OUT[0] + one.code: language.said(one.name) for one in scheme.indicators}
    return indicators | {LEFT_OUT[1] + one.code: language.said(one.name) for one in scheme.dimensions}


def _figure(row: Alternative) -> str:
    value = wording.statistic_value(row.statistic, row.value)
    if math.isnan(row.lower):
        return value
    return f"{value} ({'–'.join(wording.statistic_value(row.statistic, x) for x in (row.lower, row.upper))})"


def summary(edition: Edition) -> tuple[str, ...]:
    """The same in sentences: how many units keep their grade, and which choice matters most."""
    rows = edition.alternatives.of("")
    found = []
    kept = [row for row in rows if row.statistic == "share_keeping_grade" and not row.choice.startswith(LEFT_OUT)]
    for row in kept:
        found.append(
            _("%(choice)s: %(share)s of the units keep their grade.")
            % {
                "choice": wording.choice(row.choice)[:1].upper() + wording.choice(row.choice)[1:],
                "share": wording.percent(row.value),
            }
        )
    totals = [row for row in rows if row.statistic == "sobol_total" and not math.isnan(row.value)]
    if len(totals) > 1:
        most = max(totals, key=lambda row: row.value)
        found.append(
            _("Of all that a scheme can choose, this moves the index most: %(choice)s (%(share)s of the variance).")
            % {"choice": wording.choice(most.choice), "share": wording.percent(min(most.value, 1.0))}
        )
    return tuple(found)
