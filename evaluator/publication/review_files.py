"""The review as data: CSV, JSON and Parquet for programs, a workbook for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from evaluator import language
from evaluator.publication import exports, review, review_rule, review_workbook
from evaluator.publication.review import Standing
from evaluator.publication.review_lines import EXTRA, Review, extra, look_first, reasons


def columns(made: Review) -> dict[str, str]:
    """Columns of the review's rows and their kinds: the rating and its dimensions, then what the review adds."""
    return {**exports.rating_columns(made.edition), **EXTRA}


def rows(made: Review, codes: Sequence[str], compared: Mapping[str, Standing]) -> list[list[object]]:
    """A row a unit."""
    ratings = exports.rating_rows(made.edition, codes)
    return [
        [*rating, *review.extra(made.edition, compared[code]), *extra(made.lines[code])]
        for code, rating in zip(codes, ratings, strict=True)
    ]


def document(made: Review, codes: Sequence[str], compared: Mapping[str, Standing]) -> dict[str, Any]:
    """The review as JSON, without the rows."""
    rule = made.in_force
    return {
        **exports.about(made.edition),
        "day": made.today.isoformat(),
        "compared_with": made.since.before if made.since else None,
        "rule": {
            **msgspec.to_builtins(rule.rule),
            "version": rule.version,
            "scope": rule.scope or None,
            "sha256": rule.sha256,
            "in_words": list(review_rule.said(rule.rule, made.edition)),
        },
        "look_first": [{"unit": one.unit.code, "why": list(reasons(one))} for one in look_first(made, codes)],
    }


def waiting(made: Review, codes: Sequence[str]) -> list[dict[str, Any]]:
    """Records of these units that wait for rectification."""
    days = made.in_force.rule.overdue_days
    return [
        {
            "unit": held.unit,
            "record": held.record,
            "class": held.record_class,
            "document_date": held.document_date.isoformat(),
            "state": held.state,
            "state_date": held.state_date.isoformat(),
            "overdue": held.overdue(made.today, days),
        }
        for line in made.of(codes)
        for held in line.waiting
    ]


def workbook(made: Review, codes: Sequence[str], compared: Mapping[str, Standing], root: str) -> bytes:
    """The workbook, in both languages."""
    unit = made.edition.units.get(root)
    under = {}
    for name in language.LANGUAGES:
        with review_workbook.spoken(name):
            under[name] = language.said(unit.name) if unit else language.said(made.edition.note.title)
    return review_workbook.workbook(made, codes, compared, under)
