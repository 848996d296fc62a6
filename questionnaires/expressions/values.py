"""The kinds of values, and what each is as a number, as a truth and as a text.

=====================  ==========================  ==============================  =======================
value                  as a number                 as a truth                      as a text
=====================  ==========================  ==============================  =======================
blank                  NaN                         false                           ''
text                   what it spells, else NaN    true                            itself
number                 itself                      false for 0 and NaN, else true  12, 0.5, NaN, Infinity
true, false            1, 0                        itself                          true, false
date, date and time    days since 1970             true                            2026-11-25, ...T09:30...
answer: single choice  as its code, a text         true                            the code
answer: several        NaN (or its code's number)  true                            codes joined by one space
=====================  ==========================  ==============================  =======================

A text spells a number when it is digits with at most one `.` or `,` and perhaps a `-` before them, within spaces; or a
date, that is as many days since 1970.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from questionnaires.expressions.moments import Moment, written

Value = str | float | bool  # what an expression gives to those who ask
Inner = Value | Moment  # what its parts give to each other

NAN = float("nan")
NEAR = 1e-12  # numbers that differ by less are equal; a number this small is false. As in JavaRosa
SPELLED_NUMBER = re.compile(r"[\x00-\x20]*(-?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+))[\x00-\x20]*\Z")
BLANKS = " \t\r\n"


def number_of(value: Inner, offset: int = 0) -> float:
    """As a number. `offset`: minutes that the local clock is ahead of UTC, for texts that spell a moment."""
    if isinstance(value, str):
        spelled = SPELLED_NUMBER.match(value)
        if spelled is not None:
            return float(spelled[1].replace(",", "."))
        if value[4:5] == "-":
            moment = written(value, offset)
            if moment is not None:
                return moment.days
        return NAN
    if isinstance(value, Moment):
        return value.days
    return float(value)


def truth_of(value: Inner) -> bool:
    """As a boolean."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value != ""
    if isinstance(value, Moment):
        return True
    return abs(value) > NEAR  # not NaN


def text_of(value: Inner) -> str:
    """As a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Moment):
        return value.text()
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if abs(value) < 1e16 and value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f")  # the shortest digits that spell it, then zeros


def equal(left: Inner, right: Inner, offset: int = 0) -> bool:
    """As truths when a side is one, else as numbers when a side is one, else as moments, else as texts."""
    if isinstance(left, bool) or isinstance(right, bool):
        return truth_of(left) == truth_of(right)
    if isinstance(left, float) or isinstance(right, float):
        one, other = number_of(left, offset), number_of(right, offset)
        return one == other or abs(one - other) < NEAR
    if isinstance(left, Moment) or isinstance(right, Moment):
        return number_of(left, offset) == number_of(right, offset)
    return left == right


def codes_of(text: str) -> list[str]:
    """The codes of a multiple choice."""
    return re.findall(r"[^ \t\r\n]+", text)
