"""Trying an expression without a form, for authors of forms: what `evaluator questionnaire eval` prints."""

from __future__ import annotations

import json
import math
import secrets
from datetime import datetime

from questionnaires.evaluation import Context, Value, evaluate
from questionnaires.expression import ExpressionError, parse


def tried(source: str, context: Context | None = None) -> str:
    """The value of an expression as JSON, or `{"error": ...}` when it is refused.

    Parameters
    ----------
    source : str
    context : Context, optional
        Unless given: the time and zone of this computer, and a new seed.

    Examples
    --------
    >>> tried("1 + 1"), tried("1 div 0"), tried("date('1970-01-02')"), tried("3 > 2")
    ('2', '"Infinity"', '"1970-01-02"', 'true')
    >>> tried("selectd('a', 'b')")
    '{"error": "at character 1: unknown function selectd(); did you mean selected()?"}'
    """
    if context is None:
        context = Context(datetime.now().astimezone(), secrets.token_hex(16))
    try:
        return as_json(evaluate(parse(source), {}, context))
    except ExpressionError as error:
        return json.dumps({"error": str(error)}, ensure_ascii=False).encode("utf-8", "replace").decode()


def as_json(value: Value) -> str:
    """A value as JSON: whole numbers without decimals, "NaN", "Infinity" and "-Infinity" as texts."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return json.dumps("NaN" if value != value else "Infinity" if value > 0 else "-Infinity")
        return str(int(value)) if value == int(value) else repr(value)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
