"""From what a form posts to a typed answer, one parser a question, made once.

A parser gives None for a blank and raises `RefusedError` for what is no answer to its question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time

from questionnaires import problems as say
from questionnaires.definition import Question
from questionnaires.evaluation import Answer, Answers
from questionnaires.mistakes import shown
from questionnaires.problems import RefusedError

Raw = Mapping[str, Sequence[str]]  # what a form posts: every value of every field
Parser = Callable[[Sequence[str]], Answer | None]

MOST_DIGITS = 15
MOST_REFERENCE = 4000
CONFIRMED = "OK"  # the answer to `acknowledge`, as in ODK
WHOLE = re.compile(r"[+-]?[0-9]+\Z")
DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\Z")
# Chinese marks of year, month and day count as well; so does a whole moment where its day is asked for
DATE = re.compile(
    r"([0-9]{4})\s*[-/.\u5e74]\s*([0-9]{1,2})\s*[-/.\u6708]\s*([0-9]{1,2})\s*\u65e5?(?:T[0-9]{2}:[0-9:.Z+-]+)?\Z|"
    r"([0-9]{4})([0-9]{2})([0-9]{2})\Z"
)
MONTH = re.compile(r"([0-9]{4})\s*[-/.\u5e74]\s*([0-9]{1,2})\s*\u6708?\Z|([0-9]{4})([0-9]{2})\Z")
YEAR = re.compile(r"([0-9]{4})\s*\u5e74?\Z")
TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?\Z")
FULL_WIDTH = str.maketrans("０１２３４５６７８９－＋−．：／", "0123456789-+-.:/")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def parser(question: Question) -> Parser:
    """What reads the answers to a question."""
    return PARSERS[question.type](question)


def as_form(answers: Answers) -> dict[str, list[str]]:
    """Typed answers as a form would post them, so that accepted answers can be shown, changed and accepted again."""
    return {code: list(answer) if isinstance(answer, tuple) else [_digits(answer)] for code, answer in answers.items()}


def _digits(answer: str | int | float) -> str:
    if isinstance(answer, float):
        return str(int(answer)) if answer == int(answer) else format(answer, ".15f").rstrip("0")
    return str(answer)


def _written(given: Sequence[str]) -> list[str]:
    """Values that are not blank, without outer blanks, each once."""
    if isinstance(given, str):
        raise TypeError("the values of a question are a list of texts, not one text")
    return list(dict.fromkeys(stripped for value in given if (stripped := value.strip())))


def _one(given: Sequence[str]) -> str | None:
    written = _written(given)
    if len(written) > 1:
        raise RefusedError(say.ONLY_ONE)
    return written[0] if written else None


def _not_offered(value: str) -> RefusedError:
    return RefusedError(say.NOT_OFFERED, {"value": shown(value)})


def _single(question: Question) -> Parser:
    codes = {choice.code: choice.code for choice in question.choices}

    def parse(given: Sequence[str]) -> Answer | None:
        if len(given) == 1:
            code = codes.get(given[0])
            if code is not None:
                return code
        written = _written(given)
        if not written:
            return None
        for value in written:
            if value not in codes:
                raise _not_offered(value)
        if len(written) > 1:
            raise RefusedError(say.ONLY_ONE)
        return codes[written[0]]

    return parse


def _multiple(question: Question) -> Parser:
    order = tuple(dict.fromkeys(choice.code for choice in question.choices))
    alone = {code: (code,) for code in order}
    exclusive = {code: question.choice(code).text for code in question.exclusive}

    def parse(given: Sequence[str]) -> Answer | None:
        if len(given) == 1:
            codes = alone.get(given[0])
            if codes is not None:
                return codes
        written = set(_written(given))
        if not written:
            return None
        chosen = tuple(code for code in order if code in written)
        if len(chosen) < len(written):
            raise _not_offered(min(value for value in written if value not in alone))
        if len(chosen) > 1:
            for code in chosen:
                if code in exclusive:
                    raise RefusedError(say.NOT_TOGETHER, {"choice": exclusive[code]})
        return chosen

    return parse


def _rank(question: Question) -> Parser:
    codes = {choice.code for choice in question.choices}

    def parse(given: Sequence[str]) -> Answer | None:
        written = _written([code for value in given for code in value.split()])
        for value in written:
            if value not in codes:
                raise _not_offered(value)
        return tuple(written) or None

    return parse


def _number(question: Question) -> Parser:
    low, high = question.range or (0, 0)
    known: dict[str, Answer] = {choice.code: choice.code for choice in question.choices}
    if question.type == "scale":
        known.update((str(number), number) for number in range(low, high + 1))
    step = None if question.step is None else int(question.step)

    def parse(given: Sequence[str]) -> Answer | None:
        if len(given) == 1:
            answer = known.get(given[0])
            if answer is not None:
                return answer
        written = _one(given)
        if written is None:
            return None
        answer = known.get(written)
        if answer is not None:
            return answer
        digits = written.translate(FULL_WIDTH)
        if not WHOLE.match(digits):
            raise RefusedError(say.NOT_WHOLE)
        if len(digits) > MOST_DIGITS + 1 or not low <= int(digits) <= high:
            raise RefusedError(say.OUT_OF_RANGE, {"low": str(low), "high": str(high)})
        number = int(digits)
        if step and (number - low) % step:
            raise RefusedError(say.NOT_A_STEP, {"low": str(low), "step": str(step)})
        return number

    return parse


def _decimal(question: Question) -> Parser:
    limits, step = question.limits, question.step

    def parse(given: Sequence[str]) -> Answer | None:
        written = _one(given)
        if written is None:
            return None
        digits = written.translate(FULL_WIDTH)
        if not DECIMAL.match(digits) or len(digits) > MOST_DIGITS + 3:
            raise RefusedError(say.NOT_DECIMAL)
        number = float(digits)
        if limits is not None and not limits[0] <= number <= limits[1]:
            raise RefusedError(say.OUT_OF_RANGE, {"low": _digits(limits[0]), "high": _digits(limits[1])})
        if limits is not None and step is not None:
            steps = (number - limits[0]) / step
            if abs(steps - round(steps)) > 1e-6:
                raise RefusedError(say.NOT_A_STEP, {"low": _digits(limits[0]), "step": _digits(step)})
        return number + 0.0  # no -0

    return parse


def _day(text: str) -> str | None:
    found = DATE.match(text)
    if found is None:
        return None
    year, month, day = (part for part in found.groups() if part is not None)
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _part_of_year(text: str, found: re.Match[str] | None) -> str | None:
    """The first day of a month or a year that was written; a whole day counts as well."""
    if found is None:
        return _day(text)
    parts = [part for part in found.groups() if part is not None]
    return _day("-".join([*parts, "01", "01"][:3]))


def _moment(text: str) -> str | None:
    found = TIME.match(text)
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0)).isoformat("seconds" if found[3] else "minutes")
    except ValueError:
        return None


def _date(question: Question) -> Parser:
    """As ODK has it, a question for a month or a year is answered by the first day of it."""
    shape, refused = (
        (MONTH, say.NOT_MONTH) if "month-year" in question.appearance
        else (YEAR, say.NOT_YEAR) if "year" in question.appearance
        else (None, say.NOT_DATE)
    )  # fmt: skip

    def parse(given: Sequence[str]) -> Answer | None:
        written = _one(given)
        if written is None:
            return None
        text = written.translate(FULL_WIDTH)
        day = _day(text) if shape is None else _part_of_year(text, shape.match(text))
        if day is None:
            raise RefusedError(refused)
        return day

    return parse


def _time(question: Question) -> Parser:
    def parse(given: Sequence[str]) -> Answer | None:
        written = _one(given)
        if written is None:
            return None
        moment = _moment(written.translate(FULL_WIDTH))
        if moment is None:
            raise RefusedError(say.NOT_TIME)
        return moment

    return parse


def _datetime(question: Question) -> Parser:
    def parse(given: Sequence[str]) -> Answer | None:
        written = _one(given)
        if written is None:
            return None
        day, _, moment = written.translate(FULL_WIDTH).replace("T", " ").rpartition(" ")
        parts = _day(day), _moment(moment.strip())
        if parts[0] is None or parts[1] is None:
            raise RefusedError(say.NOT_DATETIME)
        return f"{parts[0]}T{parts[1]}"

    return parse


def _text(question: Question) -> Parser:
    most = question.max_length or MOST_REFERENCE

    def parse(given: Sequence[str]) -> Answer | None:
        if isinstance(given, str):
            raise TypeError("the values of a question are a list of texts, not one text")
        # Before stripping: str.strip takes some control characters for blanks.
        for value in sorted(given):
            if (hidden := UNPRINTABLE.search(value)) is not None:
                raise RefusedError(say.CONTROL, {"character": f"U+{ord(hidden[0]):04X}"})
        written = _one([value.replace("\r\n", "\n").replace("\r", "\n") for value in given])
        if written is None:
            return None
        text = unicodedata.normalize("NFC", written)
        if len(text) > most:
            raise RefusedError(say.TOO_LONG, {"most": str(most), "length": str(len(text))})
        return text

    return parse


def _acknowledge(question: Question) -> Parser:
    def parse(given: Sequence[str]) -> Answer | None:
        written = _one(given)
        if written not in (None, CONFIRMED):
            raise _not_offered(str(written))
        return written

    return parse


def _nothing(question: Question) -> Parser:
    return lambda given: None


PARSERS: Mapping[str, Callable[[Question], Parser]] = {
    "single": _single,
    "multiple": _multiple,
    "rank": _rank,
    "scale": _number,
    "integer": _number,
    "decimal": _decimal,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "text": _text,
    "file": _text,
    "barcode": _text,
    "geopoint": _text,
    "geotrace": _text,
    "geoshape": _text,
    "hidden": _text,
    "calculate": _text,
    "acknowledge": _acknowledge,
    "note": _nothing,
    "metadata": _nothing,
}

# What to say when an answer is missing.
MISSING: Mapping[str, str] = {
    "single": say.CHOOSE_ONE,
    "multiple": say.CHOOSE_SOME,
    "rank": say.CHOOSE_SOME,
    "scale": say.CHOOSE_ONE,
    "integer": say.ENTER_NUMBER,
    "decimal": say.ENTER_DECIMAL,
    "date": say.ENTER_DATE,
    "time": say.ENTER_TIME,
    "datetime": say.ENTER_DATE,
    "acknowledge": say.CONFIRM,
    "file": say.ADD_FILE,
}
