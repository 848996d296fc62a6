"""What is looked for in all responses of a campaign at its close: the rules, worked out from its questionnaire alone.

They are registered with it before the campaign opens. What the questionnaire says itself goes first; the rest are these
defaults, strict enough that hardly any honest response is flagged. Whatever a single response tells by itself (too
fast, prompted, a contradiction) was flagged when it was accepted and is not looked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from methods.response_quality.rules import (
    Burst,
    EvenOdd,
    Longstring,
    Mahalanobis,
    NearDuplicate,
    Rules,
    Speed,
    Variability,
)
from questionnaires.definition import Question, Questionnaire

LEAST_ITEMS = 5  # fewer ordered items tell nothing of a pattern
BURST_BELOW = 1e-6  # with 2,000 units and 60 days, 0.1 unit-days are flagged by chance
FAR_BELOW = 1e-6  # chance of a greater distance: codes are no normal variables, so it is far out
SAME_SHARE, SAME_LEAST = 1.0, 10  # near-duplicates: every answer the same, of so many
STEADY = 0.0  # standard deviation of codes
INCONSISTENT = -0.5  # even-odd consistency


class Item(NamedTuple):
    """A column of the matrix of codes."""

    question: str
    codes: tuple[str, ...]  # in the order of the questionnaire; what is not among them counts as no answer


class Looked(NamedTuple):
    """What is looked for, and in which items."""

    items: tuple[Item, ...]
    rules: Rules


def rules_of(questionnaire: Questionnaire) -> Looked:
    """The rules of a questionnaire's campaigns."""
    scored = [one for one in map(_ordered, questionnaire.questions) if one is not None]
    every = [_any(q) for q in questionnaire.questions if q.type in ("single", "scale")]
    items = (*scored, *every)
    at = {item.question: place for place, item in enumerate(scored)}
    alike = _alike(scored)
    scales = tuple(
        places
        for section in questionnaire.sections
        if len(places := tuple(at[q.code] for q in section.items if at.get(q.code, -1) in alike)) > 1
    )
    quality, all_of = questionnaire.quality, tuple(range(len(scored), len(items)))
    near = quality.near_duplicate
    return Looked(
        items,
        Rules(
            speed=Speed(0) if quality.too_fast is None else None,
            longstring=Longstring(alike, len(alike)) if len(alike) >= LEAST_ITEMS else None,
            variability=Variability(alike, STEADY, LEAST_ITEMS) if len(alike) >= LEAST_ITEMS else None,
            even_odd=EvenOdd(scales, INCONSISTENT) if len(scales) >= 3 else None,
            mahalanobis=Mahalanobis(tuple(range(len(scored))), FAR_BELOW) if len(scored) >= LEAST_ITEMS else None,
            near_duplicate=None
            if not all_of
            else NearDuplicate(all_of, near.percent_match_at_least, near.min_answered, _within(near.within))
            if near is not None
            else NearDuplicate(all_of, SAME_SHARE, SAME_LEAST, ("unit", "day"))
            if len(all_of) >= SAME_LEAST
            else None,
            burst=Burst(BURST_BELOW if quality.burst is None else quality.burst.poisson_p_below, "others"),
        ),
    )


def registered(questionnaire: Questionnaire) -> dict[str, Any]:
    """The rules as a manifest holds them: thresholds by rule, items by the codes of their questions."""
    looked = rules_of(questionnaire)
    found: dict[str, Any] = {}
    for name in looked.rules.registered:
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(getattr(looked.rules, name)).items()}
        for key in ("items", "scales"):
            if key in values:
                values[key] = _named(values[key], looked.items)
        found[name] = {
            key: value for key, value in values.items() if value not in ([], 0) or key in ("slowest", "at_most")
        }
    return found


def _named(places: Sequence[Any], items: Sequence[Item]) -> list[Any]:
    return [_named(place, items) if isinstance(place, tuple) else items[place].question for place in places]


def _ordered(question: Question) -> Item | None:
    """A question whose answers have an order: its scored codes from the worst to the best."""
    if question.type == "scale" and question.range is not None and question.score is not None:
        low, high = question.range
        return Item(question.code, tuple(str(number) for number in range(low, high + 1)))
    if question.type != "single":
        return None
    scores = {choice.code: choice.score for choice in question.choices if choice.score is not None}
    if len(set(scores.values())) < 2:
        return None
    return Item(question.code, tuple(sorted(scores, key=lambda code: scores[code] or 0.0)))


def _any(question: Question) -> Item:
    low, high = question.range or (0, -1)
    numbers = [str(number) for number in range(low, high + 1)] if question.type == "scale" else []
    return Item(question.code, (*numbers, *(choice.code for choice in question.choices)))


def _alike(scored: Sequence[Item]) -> tuple[int, ...]:
    """The largest set of ordered items with equally many answers: only these have positions that can be compared."""
    by_size: dict[int, list[int]] = {}
    for place, item in enumerate(scored):
        by_size.setdefault(len(item.codes), []).append(place)
    return tuple(max(by_size.values(), key=lambda places: len(places))) if by_size else ()


def _within(names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(name for name in ("unit", "day") if name in names)
