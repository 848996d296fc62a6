"""The words that the page's script needs: texts that repeat answers, and what is said of an answer that is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from evaluator import language
from questionnaires import problems
from questionnaires.answers import MISSING, MOST_REFERENCE
from questionnaires.definition import Question, Questionnaire, Section, Words
from questionnaires.words import BOTH

Parts = str | list[str | list[str]]  # a text, or texts with the questions whose answers stand between them
OF_A_DATE = {"month-year": "month", "year": "year"}  # of a date that is asked for, by appearance


def words_of(item: Question, section: Section) -> Iterable[tuple[list[str], Words]]:
    """The texts that a page shows of an item, and of what it stands in, each with its place."""
    for place, words in (("title", section.title), ("note", section.note)):
        if words is not None:
            yield ["", place], words
    for group in section.around(item):
        for place, words in (("title", group.title), ("hint", group.hint)):
            if words is not None:
                yield [group.code, place], words
    for place, words in (("text", item.text), ("hint", item.hint), ("guidance", item.guidance)):
        if words is not None:
            yield [item.code, place], words
    for choice in item.choices:
        yield [item.code, "choice", choice.code], choice.text


def named(item: Question, section: Section) -> set[str]:
    """The questions whose answers its texts and messages repeat."""
    texts = [words for _place, words in words_of(item, section)]
    texts += [words for words in (item.constraint_message, item.required_message) if words is not None]
    return {name for words in texts for name in words.names()}


def texts(
    questionnaire: Questionnaire,
    here: Collection[str],
    moving: frozenset[str],
    spoken: Mapping[str, str],
    tongue: str,
    unit: str,
) -> list[dict[str, object]]:
    """The texts that repeat answers of the page: where, the words as the page shows them, and the parts to join.

    A part is a text, or a list with the question whose answer stands there.
    """
    found: dict[tuple[str, ...], dict[str, object]] = {}
    for section in questionnaire.sections:
        for item in section.items:
            for place, words in words_of(item, section) if item.code in here else ():
                if not moving.isdisjoint(words.names()):
                    found[tuple(place)] = {
                        "at": place,
                        "was": words.fill(tongue, unit, spoken),
                        "parts": parts(words, moving, spoken, tongue, unit),
                    }
    return list(found.values())


def says(item: Question, moving: frozenset[str], spoken: Mapping[str, str], tongue: str, unit: str) -> dict[str, Parts]:
    """What is said of an answer that cannot be taken, by the reason."""

    def say(message: str, **values: str) -> str:
        return problems.Problem(item.code, message, {**values}).say(language.gettext, tongue, unit)

    def own(words: Words | None, otherwise: str) -> Parts:
        if words is None:
            return say(otherwise)
        found = parts(words, moving, spoken, tongue, unit)
        return "".join(map(str, found)) if all(isinstance(part, str) for part in found) else found

    found: dict[str, Parts] = {}
    if item.required_always or item.required is not None:
        found["missing"] = own(item.required_message, MISSING.get(item.type, problems.ENTER_TEXT))
    if item.constraint is not None:
        found["constraint"] = own(item.constraint_message, problems.NOT_POSSIBLE)
    limits = item.range if item.limits is None else item.limits
    if item.type in ("integer", "decimal"):
        found["form"] = say(problems.NOT_WHOLE if item.type == "integer" else problems.NOT_DECIMAL)
        found["one"] = say(problems.ONLY_ONE)
        if limits is not None:
            low, high = (f"{limit:.15g}" for limit in limits)
            found["range"] = say(problems.OUT_OF_RANGE, low=low, high=high)
            if item.step is not None:
                found["step"] = say(problems.NOT_A_STEP, low=low, step=f"{item.step:.15g}")
    elif item.type == "date":
        refused = {"month": problems.NOT_MONTH, "year": problems.NOT_YEAR, "": problems.NOT_DATE}
        found["form"] = say(refused[part_of_date(item)])
    elif item.type in ("time", "datetime"):
        found["form"] = say(problems.NOT_TIME if item.type == "time" else problems.NOT_DATETIME)
    elif item.type == "text":
        found["long"] = say(problems.TOO_LONG, most=str(item.max_length or MOST_REFERENCE), length="%(length)s")
        found["control"] = say(problems.CONTROL, character="%(character)s")
    return found


def part_of_date(item: Question) -> str:
    """Which part of a date is asked for: month, year, or blank for all of it."""
    if item.type != "date":
        return ""
    return next((part for word, part in OF_A_DATE.items() if word in item.appearance), "")


def parts(
    words: Words, moving: frozenset[str], spoken: Mapping[str, str], tongue: str, unit: str
) -> list[str | list[str]]:
    """A text with the unit's name and all other answers in their places, divided where an answer of the page stands."""
    made: list[str | list[str]] = []
    text, before, at = words.chosen(tongue), "", 0
    for found in BOTH.finditer(text):
        before, at = before + text[at : found.start()], found.end()
        name = found[1]
        if name in moving:
            made += [before, [name]]
            before = ""
        else:
            before += unit if name is None else spoken.get(name, "")
    return [part for part in (*made, before + text[at:]) if part]
