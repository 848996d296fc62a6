"""What a unit's page tells: dimensions and indicators with weights, what citizens said, what choices would do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evaluator import language, pages
from evaluator.language import gettext as _
from evaluator.publication import charts, wording
from evaluator.publication.editions import Alternative, Answer, Apart, Edition, Entry, Rating, Score, Unit
from evaluator.publication.questions import QuestionWords
from evaluator.rating.nodes import EMPTY, Branch, below, passed_on, tree
from evaluator.rating.scheme import Dimension, Group, Indicator

NAN = math.nan
CARRIES = ("ok", "imputed")  # states in which a number carries weight


@dataclass(frozen=True, slots=True)
class IndicatorLine:
    """An indicator of a unit."""

    indicator: Indicator
    score: Score | None
    entry: Entry | None
    weight: float  # share of the index that it carries, 0 to 1; NaN: none
    median: float  # of the level
    reliability: float  # of the level's differences in this indicator, NaN: cannot be told

    @property
    def state(self) -> str:
        return self.score.state if self.score else "missing"


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A node between a dimension and its indicators."""

    node: Dimension
    score: Score | None
    weight: float  # share of the index that what lies below it carries
    median: float


@dataclass(frozen=True, slots=True)
class DimensionBlock:
    """A dimension, and what lies below it in the order of the tree."""

    dimension: Dimension
    score: Score | None
    weight: float
    median: float
    tree: tuple[tuple[int, NodeLine | None, IndicatorLine | None], ...]  # depth below the dimension, and one of both

    @property
    def lines(self) -> tuple[IndicatorLine, ...]:
        """The indicators alone."""
        return tuple(line for _depth, _node, line in self.tree if line is not None)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer and how many gave it."""

    words: str
    shade: str  # of its piece of the bar: dark for the best, "none" where it is not scored
    figures: Answer
    other: Answer | None = None  # the same under the other screening, where it is published

    @property
    def withheld(self) -> bool:
        """Whether no share of it is published."""
        return math.isnan(self.figures.share) and self.other is None


@dataclass(frozen=True, slots=True)
class Said:
    """One question's answers."""

    item: str
    question: str
    answers: tuple[Told, ...]
    suppressed: bool
    flagged: str  # whether `figures` count flagged answers: yes or no
    wide: tuple[charts.Segment, ...]
    narrow: tuple[charts.Segment, ...]

    @property
    def withheld(self) -> tuple[Told, ...]:
        """The answers of which no share is published."""
        return tuple(told for told in self.answers if told.withheld)

    @property
    def drawn(self) -> bool:
        """Whether enough is published to be seen in a picture."""
        return sum(told.figures.share for told in self.answers if told.figures.share > 0) >= 0.01


def blocks(edition: Edition, unit: Unit) -> tuple[DimensionBlock, ...]:
    """The dimensions that the scheme has at the unit's level, with the weights that its index really had.

    Weights pass on as in the index: within a dimension to the indicators that have a number, across to the dimensions
    that are scored. A unit without an index has no weights.
    """
    scheme, level = edition.scheme, unit.level
    scores = {score.node: score for score in edition.scores.of(unit.code)}
    entries = {entry.indicator: entry for entry in edition.inputs.of(unit.code) if entry.screening == "main"}
    outer = scheme.weights_by_level.get(level) or {d.code: d.weight for d in scheme.dimensions}
    counted = {
        d.code: outer.get(d.code, 0.0)
        for d in scheme.dimensions
        if d.code in scores and not math.isnan(scores[d.code].score)
    }
    whole = 0.0 if math.isnan(edition.ratings[unit.code].index) else sum(counted.values())
    found = []
    for branch in tree(scheme):
        dimension = branch.node
        members = [i for i in below(branch) if i.code in scores]
        if not members:
            continue
        share = counted.get(dimension.code, NAN) / whole if whole else NAN
        carrying = {i.code for i in members if scores[i.code].state in CARRIES}
        inner = passed_on(branch, carrying, scheme.weights_by_level.get(level, EMPTY))
        lines: dict[str, IndicatorLine] = {}
        for indicator in members:
            median, reliability = edition.nodes.get((level, indicator.code), (NAN, NAN))
            lines[indicator.code] = IndicatorLine(
                indicator,
                scores[indicator.code],
                entries.get(indicator.code),
                share * inner.get(indicator.code, NAN),
                median,
                reliability,
            )
        rows = tuple(_rows(edition, level, branch, scores, lines))
        median = edition.nodes.get((level, dimension.code), (NAN, NAN))[0]
        found.append(DimensionBlock(dimension, scores.get(dimension.code), share, median, rows))
    return tuple(found)


def _rows(
    edition: Edition, level: str, branch: Branch, scores: Mapping[str, Score], lines: Mapping[str, IndicatorLine]
) -> Iterator[tuple[int, NodeLine | None, IndicatorLine | None]]:
    """What lies below a node, depth first; a node none of whose indicators the unit has is left out."""
    for member in branch.indicators:
        if member.code in lines:
            yield branch.depth, None, lines[member.code]
    for inside in branch.branches:
        mine = [lines[one.code].weight for one in below(inside) if one.code in lines]
        if mine:
            known = [weight for weight in mine if not math.isnan(weight)]
            median = edition.nodes.get((level, inside.node.code), (NAN, NAN))[0]
            weight = sum(known) if known else NAN
            yield branch.depth, NodeLine(inside.node, scores.get(inside.node.code), weight, median), None
            yield from _rows(edition, level, inside, scores, lines)


def profile(edition: Edition, shown: tuple[DimensionBlock, ...], *, narrow: bool) -> charts.Chart:
    """Dimensions as dots with intervals; a tick marks the level's median."""
    decimals = edition.scheme.publication.decimals
    rows = []
    for block in shown:
        name = language.said(block.dimension.name)
        score = block.score
        value, low, high = (score.score, score.lower, score.upper) if score else (NAN, NAN, NAN)
        text = pages.shown(value, decimals)
        title = f"{name}: {text} ({wording.interval(low, high, decimals)})"
        if not math.isnan(block.median):
            title += ", " + _("median of the level %(value)s") % {"value": pages.shown(block.median, decimals)}
        rows.append(charts.Row(name, value, low, high, text, title, reference=block.median))
    return charts.dots(rows, narrow=narrow, scale=edition.scheme.normalisation.scale)


def said_by_citizens(edition: Edition, unit: Unit, words: dict[str, QuestionWords]) -> tuple[Said, ...]:
    """The published distributions, as the scheme says without or with flagged answers."""
    by_item: dict[str, list[Answer]] = {}
    rows = edition.distributions.of(unit.code)
    kept = "yes" if any(row.with_flagged == "yes" for row in rows) else "no"  # the main screening keeps them
    others = {(row.item, row.code): row for row in rows if row.with_flagged != kept and not math.isnan(row.share)}
    for row in rows:
        if row.with_flagged == kept:
            by_item.setdefault(row.item, []).append(row)
    found = []
    for item, answers in by_item.items():
        question = words.get(item)
        known = question.answers if question else {}
        order = {code: number for number, code in enumerate(known)}
        answers.sort(key=lambda answer: order.get(answer.code, len(order)))
        told = []
        for place, answer in enumerate(answers):
            named = known.get(answer.code)
            score = 1 - place / max(len(answers) - 1, 1) if named is None and not known else named and named.score
            shade = "none" if score is None else str(round((1 - score) * (charts.SHADES - 1)))
            told.append(Told(named.text if named else answer.code, shade, answer, others.get((item, answer.code))))
        parts = [(t.words, t.figures.share, wording.percent(t.figures.share), t.shade) for t in told]
        text = question.text if question else _indicator_name(edition, item)
        hidden = all(math.isnan(answer.share) for answer in answers)
        bars = (charts.stacked(parts, width) for width in (charts.WIDE, charts.NARROW))
        found.append(Said(item, text, tuple(told), hidden, kept, *bars))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ApartGroup:
    """Respondents who are no part of the index, with the indicators of which enough can be told."""

    group: Group
    lines: tuple[tuple[Indicator, Apart], ...]


def apart(edition: Edition, unit: Unit) -> tuple[ApartGroup, ...]:
    """The scheme's groups of which anybody was invited and answered about the unit."""
    rows = edition.groups.of(unit.code)
    found = []
    for group in edition.scheme.groups:
        mine = {row.indicator: row for row in rows if row.group == group.code}
        lines = [(edition.indicators[code], row) for code, row in mine.items() if row.state == "ok"]
        if mine:
            found.append(ApartGroup(group, tuple(lines)))
    return tuple(found)


def _indicator_name(edition: Edition, item: str) -> str:
    return next((language.said(i.name) for i in edition.scheme.indicators if i.item == item), item)


def choices(edition: Edition, unit: Unit) -> tuple[tuple[str, Alternative, float], ...]:
    """What other recipes would have given: the choice, the index under it, the share of them that keeps the grade."""
    rows = edition.alternatives.of(unit.code)
    keeps = {row.choice: row.value for row in rows if row.statistic == "keeps_grade"}
    return tuple(
        (wording.choice(row.choice), row, keeps.get(row.choice, NAN)) for row in rows if row.statistic == "index"
    )


PEERS = 12  # units on a picture of a unit among its peers


@dataclass(frozen=True, slots=True)
class Peers:
    """Units to set beside a unit: those under the same parent, or else all of its level; the nearest in order."""

    rows: tuple[tuple[Unit, Rating], ...]
    within: Unit | None
    number: int


def peers(edition: Edition, unit: Unit) -> Peers:
    """The unit among those that are like it."""
    level = [code for code in edition.order.get(unit.level, ()) if not math.isnan(edition.ratings[code].index)]
    parent = edition.units.get(unit.parent)
    siblings = [code for code in level if edition.units[code].parent == unit.parent]
    chosen, within = (siblings, parent) if parent is not None and len(siblings) > 2 else (level, None)
    if unit.code not in chosen or len(chosen) < 2:
        return Peers((), within, len(chosen))
    place = chosen.index(unit.code)
    start = max(0, min(place - PEERS // 2, len(chosen) - PEERS))
    here = chosen[start : start + PEERS]
    return Peers(tuple((edition.units[code], edition.ratings[code]) for code in here), within, len(chosen))


def by_assessors(shown: tuple[DimensionBlock, ...]) -> tuple[IndicatorLine, ...]:
    """The indicators that assessors scored."""
    return tuple(line for block in shown for line in block.lines if line.indicator.source == "assessor" and line.score)
