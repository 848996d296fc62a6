"""The shared cases of expressions: expression_cases.json, run here and in Chromium."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from questionnaires.evaluation import Answers, Context

FILE = Path(__file__).with_name("expression_cases.json")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    source: str
    expected: Any  # a JSON value; {"number": "NaN"}; {"error": message}
    answers: Answers
    context: Context


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in the order of the file."""
    file: Json = json.loads(FILE.read_text(encoding="utf-8"))
    answers, context = file["answers"], file["context"]
    found = [
        Case(source, expected, _answers(answers), _context(context))
        for group in file["cases"].values()
        for source, expected in group
    ]
    for source, expected, own_answers, own_context in file["more"]:
        found.append(Case(source, expected, _answers(own_answers), _context({**context, **own_context})))
    return tuple(found)


def _answers(answers: Json) -> Answers:
    return {name: tuple(given) if isinstance(given, list) else given for name, given in answers.items()}


def _context(context: Json) -> Context:
    now, current = context["now"], context["current"]
    return Context(
        now=None if now is None else datetime.fromisoformat(now),
        seed=context["seed"],
        current=tuple(current) if isinstance(current, list) else current,
        labels=context["labels"],
        unit=context["unit"],
    )


def agrees(expected: Any, found: Any) -> bool:
    """Whether a value is the expected one; numbers may differ by what machines differ in their last digit."""
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and expected.keys() == found.keys()
            and expected.get("number") == found.get("number")
        )
    if isinstance(expected, bool) or isinstance(found, bool) or isinstance(expected, str):
        return type(expected) is type(found) and bool(expected == found)
    return isinstance(found, int | float) and abs(expected - found) <= 1e-12 * max(1.0, abs(expected))


def as_case(value: Any) -> Any:
    """A value as the file writes it."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"number": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    return value
