"""Trying an expression without a form, for authors of forms: what `evaluator questionnaire eval` prints."""

from __future__ import annotations

import json
import math
import re
import secrets
from datetime import datetime

from questionnaires.evaluation import Context, Value, evaluate
from questionnaires.expression import Expression, ExpressionError, parse
from questionnaires.expressions.values import text_of


def tried(source: str, context: Context | None = None) -> str:
    """The value of an expression as JSON, or `{"error": ...}` when it is refused.

    What is not reached is not looked at: a form refuses `true() or unknown()`, but here it is true, as in ODK.

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
        return as_json(evaluate(_parsed(source), {}, context))
    except ExpressionError as error:
        return _line({"error": str(error)})


def _parsed(source: str) -> Expression:
    try:
        return parse(source, strict=False)
    except ExpressionError:
        return parse(source)  # which tells the first mistake, not the first that is in the way of trying


def tried_line(line: bytes, context: Context | None = None) -> str:
    r"""The same of a line of a file, which must be UTF-8; a mark at its beginning is passed over.

    >>> tried_line("\N{BYTE ORDER MARK}'h\xf4tel'\r\n".encode()), tried_line("'h\xf4tel'".encode("latin-1"))
    ('"hôtel"', '{"error": "at character 3: no UTF-8; save the file as UTF-8"}')
    """
    line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    try:
        return tried(line.decode(), context)
    except UnicodeDecodeError as error:
        place = len(line[: error.start].decode())
        return _line({"error": str(ExpressionError(place, "no UTF-8", "save the file as UTF-8"))})


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
