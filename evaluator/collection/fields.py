"""A question as it is drawn: which kind of field, with which words, choices and value."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from evaluator.collection import form
from evaluator.collection.said import answer_of, in_words, of_questionnaire
from questionnaires.answers import as_form
from questionnaires.definition import Question, Words
from questionnaires.evaluation import condition
from questionnaires.filters import offered

CHOSEN = ("radios", "select", "checkboxes")  # kinds with a list of choices
MOST_RADIOS = 15  # more choices than that are a list to open
MOST_LINE = 250  # characters of a text that stands on one line
SEVERAL_COLUMNS = re.compile(r"columns(-[0-9]+|-pack)?\Z")
IN_A_ROW = frozenset(("horizontal", "horizontal-compact", "likert", "quick", "quickcompact"))
# How browsers write a day, a time and both: with any other text in it their own field would show nothing.
WRITTEN = {
    "date": ("date", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")),
    "time": ("time", re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?\Z")),
    "datetime": ("datetime-local", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?\Z")),
}


class Option(msgspec.Struct, frozen=True):
    value: str
    text: str
    chosen: bool
    place: int  # among the question's choices: with a filter a code may stand twice


class Field(msgspec.Struct, frozen=True):
    """A question, a note, or an answer that cannot be changed."""

    code: str
    type: str
    kind: str  # radios, select, checkboxes, scale, confirm, number, line, lines, moment, worked, fixed, note
    text: str
    hint: str
    guidance: str
    required: bool
    value: str  # of what is typed, as it was typed; of what is fixed, in words
    options: tuple[Option, ...]  # choices; of a scale or number those beside its numbers
    numbers: tuple[Option, ...]  # of a scale
    anchors: tuple[tuple[int, str], ...]
    sensitive: bool
    most: int | None
    error: str
    input: str = "text"  # type of an input
    mode: str = ""  # which keys a phone shows
    layout: str = ""  # row, columns
    wide: int = 10  # of an input, in characters
    seconds: bool = False
    part: str = ""  # of a date: month, year
    in_matrix: bool = False

    @property
    def id(self) -> str:
        return form.ANSWER + self.code

    @property
    def extra(self) -> str:
        """What hints of our own say: personal, several, length, month, year; the author's words come first."""
        found = ["personal"] if self.sensitive and not self.required else []
        own = {"checkboxes": "several", "lines": "length", "moment": self.part}.get(self.kind, "")
        if own and not self.hint and not (own == "several" and self.in_matrix):
            found.append(own)
        return " ".join(found)

    @property
    def described(self) -> str:
        """The ids of what a screen reader says of the field beside its name."""
        parts = (
            ("hint", self.hint), ("extra", self.extra), ("ends", self.anchors), ("error", self.error),
        )  # fmt: skip
        return " ".join(f"{self.id}-{name}" for name, there in parts if there)


def is_fixed(item: Question, shown: form.Shown) -> bool:
    """Whether nobody can change it now: worked out, or readonly."""
    if item.calculate is not None or item.readonly_always:
        return True
    return item.readonly is not None and condition(item.readonly)(shown.state.answers, shown.context)


def is_drawn(item: Question, shown: form.Shown) -> bool:
    """Whether the page has a field with the answer in it: also of what is worked out, so that a script can follow."""
    return item.asked and (is_worked(item) or not is_fixed(item, shown))


def is_worked(item: Question) -> bool:
    """Whether it is worked out, into a field that nobody can change."""
    return item.calculate is not None and item.type not in ("single", "multiple", "acknowledge")


def given(item: Question, shown: form.Shown) -> list[str]:
    """The answer as a form posts it; of what cannot be changed, what it is."""
    if item.calculate is not None or (item.readonly_always and item.default_from is None):
        if item.code in shown.state.answers:
            return as_form({item.code: shown.state.answers[item.code]})[item.code]
        return [] if item.default is None or item.calculate is not None else [item.default]
    return shown.answers.get(item.code, [])


def field(
    item: Question,
    visit: form.Visit,
    shown: form.Shown,
    unit: str,
    spoken: Mapping[str, str],
    *,
    error: str = "",
    all_choices: bool = False,
    imported: bool = False,
    in_matrix: bool = False,
) -> Field:
    """How an item is drawn.

    Parameters
    ----------
    spoken : mapping of str to str
        Answers in words, for texts that repeat them.
    all_choices : bool
        Also those that a filter leaves out now: a script chooses among them.
    imported : bool
        A text is one line unless it says `multiline`, as in XLSForm.
    """

    def say(words: Words | None) -> str:
        return "" if words is None else words.fill(of_questionnaire(), unit, spoken)

    written = given(item, shown)
    there = {choice.code for choice in item.choices}
    if item.choice_filter is not None and not all_choices:
        allowed = {id(choice) for choice in offered(item, shown.state.answers, shown.context)}
    else:
        allowed = {id(choice) for choice in item.choices}
    place = {id(choice): number for number, choice in enumerate(item.choices)}
    options = tuple(
        Option(choice.code, say(choice.text), choice.code in written, place[id(choice)])
        for choice in form.choices(item, visit)
        if id(choice) in allowed
    )
    numbers: tuple[Option, ...] = ()
    if item.type == "scale" and item.range is not None:
        low, high = item.range
        numbers = tuple(Option(str(n), str(n), str(n) in written, n - low) for n in range(low, high + 1))
    kind = kind_of(item, imported=imported)
    if item.asked and is_fixed(item, shown):
        kind = "worked" if is_worked(item) else "fixed"
    value = next((text for text in written if text.strip() and text not in there), "")
    how: dict[str, object] = {}
    if kind == "fixed":
        value = in_words(item, written, unit)
    elif kind == "moment":
        value, how = _moment(item, value)
    elif kind == "number":
        how = {"mode": _keys(item)}
    elif kind == "line":
        how = _line(item)
    elif kind in ("radios", "checkboxes"):
        how = {"layout": _layout(item)}
    required = item.required_always or (
        item.required is not None and condition(item.required)(shown.state.answers, shown.context)
    )
    return Field(
        code=item.code,
        type=item.type,
        kind=kind,
        text=say(item.text),
        hint=say(item.hint),
        guidance=say(item.guidance),
        required=required,
        value=value,
        options=options,
        numbers=numbers,
        anchors=tuple((number, say(words)) for number, words in item.anchors),
        sensitive=item.sensitive,
        most=item.max_length,
        error=error,
        in_matrix=in_matrix,
        **how,  # type: ignore[arg-type]
    )


def kind_of(item: Question, *, imported: bool = False) -> str:
    """Which kind of field a question has when it can be answered."""
    if item.type == "single":
        return "select" if "minimal" in item.appearance or len(item.choices) > MOST_RADIOS else "radios"
    if item.type == "text":
        long = "multiline" in item.appearance or (not imported and (item.max_length or 0) > MOST_LINE)
        return "lines" if long and "numbers" not in item.appearance else "line"
    return {
        "multiple": "checkboxes", "scale": "scale", "integer": "number", "decimal": "number", "date": "moment",
        "time": "moment", "datetime": "moment", "acknowledge": "confirm", "note": "note",
    }.get(item.type, "line")  # fmt: skip


def _keys(item: Question) -> str:
    """The keys for numbers, unless a minus may be needed: those of some phones have none."""
    least = (item.range or item.limits or (-1,))[0]
    if least < 0:
        return ""
    return "decimal" if item.type == "decimal" else "numeric"


def _layout(item: Question) -> str:
    if len(item.choices) > MOST_RADIOS or any(SEVERAL_COLUMNS.match(word) for word in item.appearance):
        return "columns"
    return "row" if IN_A_ROW.intersection(item.appearance) else ""


def _line(item: Question) -> dict[str, object]:
    most = item.max_length or MOST_LINE
    wide = next((width for width in (5, 10, 20) if most <= width), 0)
    mode = "numeric" if "numbers" in item.appearance else "url" if "url" in item.appearance else ""
    return {"wide": wide, "mode": mode}


def _moment(item: Question, value: str) -> tuple[str, dict[str, object]]:
    """The value of a field for a day or a time, and which field shows it: browsers' own show only what is right."""
    if "month-year" in item.appearance or "year" in item.appearance:
        year_only = "month-year" not in item.appearance
        answer = answer_of(item, [value])
        if isinstance(answer, str):
            value = answer[:4] if year_only else answer[:7]
        if year_only:
            return value, {"mode": "numeric", "wide": 5, "part": "year"}
        return value, {"wide": 10, "part": "month"}
    answer = answer_of(item, [value])
    value = answer if isinstance(answer, str) else value
    kind, pattern = WRITTEN[item.type]
    if value and not pattern.match(value):
        return value, {"wide": 20}
    return value, {"input": kind, "wide": 20, "seconds": value.count(":") > 1}
