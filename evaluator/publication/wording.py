"""What figures mean, in the language of the request: ranks, grades, states, certainty."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from evaluator import language, pages
from evaluator.language import gettext as _
from evaluator.publication.editions import Edition, Entry, Rating, Unit
from evaluator.rating.scheme import Indicator, Label, Mean, Scheme

HIGH, FAIR = 0.8, 0.5  # shares of the differences between units that are no noise


def ordinal(number: float) -> str:
    """A rank as people write it: 1st, 2nd, 11th in English, the bare number in Chinese (the sentence has the words)."""
    n = int(number)
    if language.current.get() != "en":
        return str(n)
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def percent(share: float, decimals: int = 0) -> str:
    """A share in per cent, rounded half up; never 0 or 100 for something that is neither."""
    if math.isnan(share):
        return "–"
    least = Decimal(1).scaleb(-decimals)
    value = (Decimal(f"{share:.6f}") * 100).quantize(least, ROUND_HALF_UP)
    if value >= 100 and share < 1:
        return f"> {100 - least}%"
    if value <= 0 and share > 0:
        return f"< {least}%"
    return f"{value}%"


def decimals(rating: Rating, scheme: Scheme) -> int:
    """How many decimals of an index are shown: more where rounding would carry it over a grade's limit.

    An index of 69.96 beside a C is no 70.0 where B begins at 70.
    """
    usual, most = scheme.publication.decimals, 6
    if math.isnan(rating.index):
        return usual
    exact = Decimal(f"{rating.index:.{most}f}")
    for number in range(usual, most):
        rounded = exact.quantize(Decimal(1).scaleb(-number), ROUND_HALF_UP)
        if all((exact >= limit) == (rounded >= limit) for _grade, limit in scheme.grades.bands):
            return number
    return most


def probability(share: float) -> str:
    """A probability worked out from draws: that none went the other way makes nothing certain."""
    if share >= 1:
        return "> 99%"
    return "< 1%" if share <= 0 else percent(share)


def rank(edition: Edition, rating: Rating) -> str:
    """Where a unit stands among those of its level, in a phrase."""
    if not rating.ranked:
        return _("not ranked")
    of = edition.ranked_at(rating.level)
    low, high = ordinal(rating.rank_lower), ordinal(rating.rank_upper)
    if rating.rank_lower == rating.rank_upper:
        return _("%(rank)s of %(of)d") % {"rank": low, "of": of}
    return _("between %(low)s and %(high)s of %(of)d") % {"low": low, "high": high, "of": of}


def rank_certainty(edition: Edition, rating: Rating) -> str:
    """How sure the rank is, as the end of a sentence."""
    coverage = percent(edition.scheme.ranks.coverage)
    if "credible_ranks" in rating.notes.split():
        return _("with %(percent)s probability") % {"percent": coverage}
    return _("with %(percent)s confidence") % {"percent": coverage}


def rank_range(rating: Rating) -> str:
    """The ranks a unit may have, for a table."""
    if not rating.ranked:
        return "–"
    low, high = int(rating.rank_lower), int(rating.rank_upper)
    return str(low) if low == high else f"{low}–{high}"


def interval(low: float, high: float, decimals: int) -> str:
    """Two limits; a dash when there are none."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    return f"{pages.shown(low, decimals)}–{pages.shown(high, decimals)}"


def state(code: str) -> str:
    """The state of a rating."""
    return {
        "ok": _("rated"),
        "insufficient_evidence": _("insufficient evidence"),
        "too_few_units": _("too few units at this level to rank or grade"),
    }.get(code, code)


def entry_state(code: str) -> str:
    """The state of an indicator or a dimension."""
    return {
        "ok": _("measured"),
        "imputed": _("no number of its own; the level's mean stands in, with its uncertainty"),
        "not_applicable": _("does not apply here"),
        "suppressed": _("too few answers to publish"),
        "missing": _("no number"),
    }.get(code, code)


def entry_state_short(code: str) -> str:
    """The same where there is little room and the long words stand nearby."""
    return _("the level's mean stands in") if code == "imputed" else entry_state(code)


def record_state(code: str) -> str:
    """The state of a record, for the public."""
    return {
        "final": _("final, not yet rectified"),
        "contested": _("under objection, not final"),
        "rectified": _("rectified"),
    }.get(code, code)


def forged(band: str) -> str:
    """How many forged answers it would take, in the bands that are published."""
    return {
        "under_10": _("fewer than 10"),
        "10_to_50": _("10 to 49"),
        "50_to_200": _("50 to 199"),
        "more": _("200 or more"),
        "impossible": _("no number is enough"),
    }.get(band, band)


def note(code: str) -> str:
    """What a reader should know of a rating."""
    return {
        "too_few_indicators": _("Too few indicators have a number of their own."),
        "too_little_weight": _("Too little of the weight rests on numbers of its own."),
        "low_reliability": _("The differences to other units are mostly noise, so no grade is given."),
        "imputed_indicators": _("Some indicators have no number of their own; the level's mean stands in for them."),
        "missing_dimensions": _("A dimension could not be scored; its weight passes to the others."),
        "too_many_for_tiers": _("The level has too many units to be put into tiers."),
        "credible_ranks": _("Ranks are credible intervals, because the level has many units."),
        "grade_held": _("The last grade stands: the move was not sure enough."),
        "grade_capped": _("A veto caps the grade."),
    }.get(code, code)


def source(code: str) -> str:
    """Where an indicator's numbers come from."""
    return {
        "citizen": _("invited citizens' answers"),
        "assessor": _("assessors of research institutes"),
        "share": _("records: a share"),
        "rate": _("records: a rate"),
        "metric": _("a reported figure"),
        "ready": _("a ready figure with its error"),
    }.get(code, code)


def reliability(share: float) -> str:
    """How much of the differences between units is real, in a word."""
    if math.isnan(share):
        return _("cannot be told")
    if share >= HIGH:
        return _("high")
    return _("fair") if share >= FAIR else _("low")


def behind(indicator: Indicator, entry: Entry | None) -> str:
    """How many people or cases stand behind an indicator's number."""
    if entry is None or math.isnan(entry.n):
        return _("withheld or none")
    number = pages.shown(entry.n, 0)
    return {
        "citizen": _("%(number)s answers"),
        "assessor": _("%(number)s scores"),
        "share": _("%(number)s cases due"),
        "rate": _("exposure %(number)s"),
    }.get(indicator.source, "%(number)s") % {"number": number}


def raw(indicator: Indicator, value: float) -> str:
    """A value on the indicator's own scale."""
    if math.isnan(value):
        return "–"
    if indicator.source == "share":
        return percent(value, 1)
    return pages.shown(value, 2)


def goal(indicator: Indicator) -> str:
    """The goalposts: what scores the least and what the most."""
    if indicator.goal is None:
        return "–"
    return " → ".join(percent(value, 0) if indicator.source == "share" else f"{value:g}" for value in indicator.goal)


def vetoes(scheme: Scheme, rating: Rating) -> tuple[tuple[Label, Label], ...]:
    """Name and condition of each veto in force."""
    found = {veto.code: veto for veto in scheme.vetoes}
    return tuple(
        (found[code].name, found[code].when) if code in found else (Label(code, code), Label("", ""))
        for code in rating.vetoes.split()
    )


def unit_name(unit: Unit) -> str:
    return language.said(unit.name)


def grade(rating: Rating, blank: str = "–") -> str:
    """The grade with its probability, before any cap."""
    if not rating.grade:
        return blank
    return f"{rating.grade} ({probability(rating.grade_probability)})"


def choice(code: str) -> str:
    """An alternative recipe of the sensitivity table."""
    kind, _space, value = code.partition(" ")
    if kind == "aggregation" and value:
        means = {"1": _("arithmetic mean across dimensions"), "0": _("geometric mean across dimensions")}
        return means.get(value, _("power mean of exponent %(power)s across dimensions") % {"power": value})
    if kind == "goalposts" and value:
        try:
            return _("goalposts widened by %(percent)s") % {"percent": percent(float(value.split()[-1]))}
        except ValueError:
            return code
    if kind == "screening" and value:
        return {
            "half": _("flagged answers at half weight"),
            "without": _("flagged answers left out"),
            "main": _("flagged answers as the scheme says"),
        }.get(value, code)
    return {
        "weights": _("other weights, drawn around the scheme's"),
        "aggregation": _("kind of mean"),
        "goalposts": _("goalposts"),
        "screening": _("screening of flagged answers"),
    }.get(code, code)


def statistic(code: str) -> str:
    """What the sensitivity table compares."""
    return {
        "mean_absolute_change": _("mean change of the index, points"),
        "largest_change": _("largest change of the index, points"),
        "share_keeping_grade": _("units that keep their grade"),
        "mean_rank_change": _("mean change of the rank"),
        "largest_rank_change": _("largest change of the rank"),
        "sobol_first": _("share of the variance, alone"),
        "sobol_total": _("share of the variance, with interactions"),
        "index": _("index"),
        "keeps_grade": _("keeps its grade"),
    }.get(code, code)


SHARES = frozenset({"share_keeping_grade", "sobol_first", "sobol_total", "keeps_grade"})


def statistic_value(code: str, value: float) -> str:
    return percent(min(max(value, 0.0), 1.0)) if code in SHARES and not math.isnan(value) else pages.shown(value, 2)


def mean_kind(exponent: Mean) -> str:
    """A power mean by its exponent, or the median."""
    if isinstance(exponent, str):
        return _("weighted median")
    known = {1.0: _("arithmetic mean"), 0.0: _("geometric mean"), -1.0: _("harmonic mean")}
    return known.get(exponent, _("power mean of exponent %(power)s") % {"power": f"{exponent:g}"})


def normalisation(method: str) -> str:
    """How values become scores where the scheme has no fixed goalposts."""
    return {
        "min_max": _("where a value lies between the lowest and the highest of its level in this edition"),
        "z_score": _("how many standard deviations a value lies from the mean of its level in this edition"),
        "rank": _("the place of a value among those of its level in this edition"),
        "percentile": _("the share of its level in this edition that a value is above"),
        "target": _("how far a value has come from the lowest of its level to the target"),
        "share_of_best": _("a value as a share of the best of its level in this edition"),
        "none": _("the values as they were reported, which are scores already"),
    }.get(method, method)


def size(count: int) -> str:
    """A file's size."""
    for name, unit in (("MB", 1_000_000), ("kB", 1000)):
        if count >= unit:
            return f"{pages.shown(count / unit, 1)} {name}"
    return f"{count} B"


def class_words(scheme: Scheme, code: str) -> str:
    """What a class of records, or a veto, is called."""
    named = {one.code: one.name for one in (*scheme.vetoes, *scheme.records.classes)}
    return (language.said(named[code]) if code in named else "") or code
