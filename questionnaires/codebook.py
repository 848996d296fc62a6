"""The columns of an export for analysis, over all versions of a questionnaire, and the words that explain them.

A column has the name that a snapshot gives it (`questionnaires.columns`) wherever both have it; names fit R, Stata and
SPSS. Of a multiple choice each choice has a column of 0 and 1. Free text is taken only when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from questionnaires.clock import derived, told_by_clock
from questionnaires.columns import column as snapshot_column
from questionnaires.definition import Choice, Question, Questionnaire, ScoreAny, ScoreLinear, Section
from questionnaires.evaluation import Answer
from questionnaires.expression import Expression

Kind = Literal["code", "chosen", "whole", "decimal", "date", "text", "order"]
Cell = str | int | float | None
Cells = Callable[[Mapping[str, Answer], Mapping[str, str]], list[Cell]]

LONGEST = 32  # of a name, in Stata
FREE = ("text", "barcode", "file", "geopoint", "geotrace", "geoshape")  # what people write or point at
NOT_KEPT = ("note", "metadata")


class Column(msgspec.Struct, frozen=True):
    """One column: of a question, or of one choice of it."""

    name: str
    kind: Kind
    question: str
    choice: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One row of the codebook: a column, or one code that may stand in it (then with the words of the choice)."""

    column: str
    question: str
    code: str
    kind: str  # of the column
    type: str  # of the question
    role: str
    section: str
    versions: str  # CODE@VERSION of those in which it exists, joined by one space
    other_words: str  # versions in which it has other words than these
    condition: str  # when it is asked, XPath
    score: str
    words: dict[str, str]  # of the question, by language
    choice: dict[str, str]  # of the choice, by language


class Codebook(msgspec.Struct, frozen=True):
    """What an export of all versions holds."""

    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    languages: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]  # question, and why


def codebook(versions: Sequence[Questionnaire], *, texts: bool = False) -> Codebook:
    """The columns for all versions of one questionnaire.

    Parameters
    ----------
    versions : sequence of Questionnaire
        The oldest first; words are those of the newest that has them.
    texts : bool
        Take free text, and what is worked out from it. It can name people.
    """
    found = _questions(versions)
    free = _free(versions)
    clocks = {code for version in versions for code in told_by_clock(version)}
    left = {code: "is worked out from the clock, and never kept" for code in found if code in clocks}
    columns: list[Column] = []
    for code, item in found.items():
        if code in left:
            continue
        if code in free and not texts:
            left[code] = "free text can name people: --texts takes it"
            continue
        columns += _columns(item, versions, free=code in free)
    named = _named(columns, versions)
    languages = tuple(dict.fromkeys(language for version in reversed(versions) for language in version.languages))
    entries = tuple(entry for column in named for entry in _entries(column, versions))
    return Codebook(named, entries, languages, tuple(left.items()))


def cells(book: Codebook, version: Questionnaire) -> Cells:
    """A function that gives the cells of a response that was accepted under `version`, in the order of the columns.

    What the version does not have is blank: nobody could answer it.
    """
    there = {item.code: item for item in version.items}
    plan = [
        (place, column)
        for place, column in enumerate(book.columns)
        if column.question in there
        and (not column.choice or any(choice.code == column.choice for choice in there[column.question].choices))
    ]
    width = len(book.columns)

    def row(answers: Mapping[str, Answer], orders: Mapping[str, str]) -> list[Cell]:
        line: list[Cell] = [None] * width
        for place, column in plan:
            if column.kind == "order":
                line[place] = orders.get(column.question)
                continue
            answer = answers.get(column.question)
            if answer is not None:
                line[place] = _cell(column, answer)
        return line

    return row


def _cell(column: Column, answer: Answer) -> Cell:
    if column.kind == "chosen":
        return int(column.choice in answer) if isinstance(answer, tuple) else int(column.choice == answer)
    if column.kind in ("whole", "decimal"):
        return answer if isinstance(answer, int | float) else None  # a code that stands beside the numbers
    if isinstance(answer, tuple):
        return " ".join(answer)
    return answer if isinstance(answer, str) else f"{answer:.15g}"


def _questions(versions: Sequence[Questionnaire]) -> dict[str, Question]:
    """What is kept of a response, as the newest version that has it says, in the order of the newest."""
    found: dict[str, Question] = {}
    for version in reversed(versions):
        for item in version.items:
            if item.type not in NOT_KEPT:
                found.setdefault(item.code, item)
    return found


def _columns(item: Question, versions: Sequence[Questionnaire], *, free: bool) -> Iterator[Column]:
    code = item.code
    if free:
        yield Column("q_" + code, "text", code)
    elif item.type == "multiple":
        for choice in _choices(code, versions):
            yield Column(f"q_{code}_{choice}", "chosen", code, choice)
    elif item.type in ("scale", "integer", "decimal"):
        kind: Kind = "decimal" if item.type == "decimal" else "whole"
        if _choices(code, versions):
            yield Column(snapshot_column(item), "code", code)
            yield Column("n_" + code, kind, code)
        else:
            yield Column(snapshot_column(item), kind, code)
    else:
        yield Column(snapshot_column(item), "date" if item.type == "date" and not item.appearance else "code", code)
    if any(_moves(version, code) for version in versions):
        yield Column("o_" + code, "order", code)


def _choices(code: str, versions: Sequence[Questionnaire]) -> dict[str, Choice]:
    """Every choice that a version offers, the newest's words, in the order of the newest."""
    found: dict[str, Choice] = {}
    for version in reversed(versions):
        for item in version.items:
            if item.code == code:
                for choice in item.choices:
                    found.setdefault(choice.code, choice)
    return found


def _moves(version: Questionnaire, code: str) -> bool:
    return any(item.code == code and (item.randomise or item.reverse_half) for item in version.items)


def _free(versions: Sequence[Questionnaire]) -> set[str]:
    """Free text, and whatever text is worked out from it, through any number of calculations."""
    free = {item.code for version in versions for item in version.items if item.type in FREE}
    return derived(versions, free, lambda item: item.type in ("calculate", *FREE))


def _named(columns: Sequence[Column], versions: Sequence[Questionnaire]) -> tuple[Column, ...]:
    """Names that are safe and differ. Those of older versions are given first, so that a new choice changes none."""
    old = [item.code for item in _questions(versions[:1]).values()]
    choices = {code: list(_choices(code, versions[:1])) for code in old}

    def turn(place: int) -> tuple[bool, bool, int]:
        column = columns[place]
        new = column.question not in choices or (bool(column.choice) and column.choice not in choices[column.question])
        return bool(column.choice), new, place  # what a snapshot has first

    names: dict[int, str] = {}
    taken: set[str] = set()
    for place in sorted(range(len(columns)), key=turn):
        names[place] = _safe(columns[place].name, taken)
        taken.add(names[place].casefold())
    return tuple(msgspec.structs.replace(column, name=names[place]) for place, column in enumerate(columns))


def _safe(wanted: str, taken: set[str]) -> str:
    """A name of ASCII letters, digits and `_`, short enough for Stata and not ending in `_`, which SPSS refuses.

    >>> _safe("q_matter.of-fact", set()), _safe("q_a-b", {"q_a_b"})
    ('q_matter_of_fact', 'q_a_b_2')
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", wanted)
    if not plain[2:].strip("_"):  # a code of other letters: the codebook says which
        plain = f"{plain[:2]}item"
    name, number = plain[:LONGEST].rstrip("_"), 1
    while name.casefold() in taken:
        number += 1
        end = f"_{number}"
        name = plain[: LONGEST - len(end)].rstrip("_") + end
    return name


def _entries(column: Column, versions: Sequence[Questionnaire]) -> Iterator[Entry]:
    placed = [(version, section, item) for version in versions for section, item in _find(version, column.question)]
    _newest, section, item = placed[-1]
    choices = _choices(column.question, versions)
    base = Entry(
        column=column.name, question=column.question, code=column.choice, kind=column.kind, type=item.type,
        role=item.role or "", section=section.code, versions=_joined(version for version, _, _ in placed),
        other_words=_joined(version for version, _, one in placed if one.text.texts != item.text.texts),
        condition=condition(section, item), score=_score(item), words=dict(item.text.texts), choice={},
    )  # fmt: skip
    if column.choice:
        yield _of_choice(base, choices[column.choice], item, placed)
        return
    yield base
    if column.kind == "code":
        for number, words in item.anchors:
            yield msgspec.structs.replace(base, code=str(number), choice=dict(words.texts), score="", other_words="")
        for choice in choices.values():
            yield _of_choice(base, choice, item, placed)


def _of_choice(
    base: Entry, choice: Choice, item: Question, placed: Sequence[tuple[Questionnaire, Section, Question]]
) -> Entry:
    offered = [(version, found) for version, _, one in placed for found in one.choices if found.code == choice.code]
    return msgspec.structs.replace(
        base, code=choice.code, versions=_joined(version for version, _ in offered),
        other_words=_joined(version for version, found in offered if found.text.texts != choice.text.texts),
        score=_choice_score(item, choice), choice=dict(choice.text.texts),
    )  # fmt: skip


def _find(version: Questionnaire, code: str) -> Iterator[tuple[Section, Question]]:
    for section in version.sections:
        for item in section.items:
            if item.code == code:
                yield section, item


def condition(section: Section, item: Question) -> str:
    """When an item is asked, as one XPath: its own condition and those of its groups and its section; "" always."""
    found: list[Expression | None] = [section.relevant, *(g.relevant for g in reversed(section.around(item)))]
    sources = [one.source for one in (*found, item.relevant) if one is not None]
    return sources[0] if len(sources) == 1 else " and ".join(f"({source})" for source in sources)


def _score(item: Question) -> str:
    if isinstance(item.score, ScoreLinear) and item.range is not None:
        return f"{item.range[0]}: {item.score.low:g} ... {item.range[1]}: {item.score.high:g}"
    if isinstance(item.score, ScoreAny):
        return f"{item.score.hit:g} with any of {' '.join(item.score.of)}, else {item.score.miss:g}"
    return ""


def _choice_score(item: Question, choice: Choice) -> str:
    return "" if item.type != "single" or choice.score is None else f"{choice.score:g}"


def _joined(versions: Iterator[Questionnaire]) -> str:
    return " ".join(dict.fromkeys(version.identifier for version in versions))
