"""Trying an expression without a form, for authors of forms: what `evaluator questionnaire eval` prints."""

from __future__ import annotations

import json
import math
import re
import secrets
from datetime import datetime

from questionnaires.evaluation import Context, Value, evaluate
from questionnaires.expression import ExpressionError, parse
from questionnaires.expressions.values import text_of


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
        return _line({"error": str(error)})


def as_json(value: Value) -> str:
    """A value as JSON: whole numbers without decimals, "NaN", "Infinity" and "-Infinity" as texts."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return json.dumps("NaN" if value != value else "Infinity" if value > 0 else "-Infinity")
        return text_of(value) if value == int(value) else repr(value)
    return _line(value)


def _line(value: object) -> str:
    """On one line, whatever its reader takes for the end of a line; half a surrogate pair becomes a question mark."""
    written = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", written)
