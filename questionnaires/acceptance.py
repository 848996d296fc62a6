"""The one way in: raw form values become typed answers, or problems that a person can mend.

The form, the imports and the simulated province all call `accept`. What is not relevant is left out without being
looked at; what is relevant must be an answer that the questionnaire offers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

import msgspec

from questionnaires.definition import Question, Questionnaire, Words
from questionnaires.evaluation import Answer, Answers, Condition, condition
from questionnaires.mistakes import shown

Raw = Mapping[str, Sequence[str]]  # what a form posts: every value of every field


def _(message: str) -> str:
    """Marks an English msgid; `Problem.say` puts its translation into words."""
    return message


CHOOSE_ONE = _("Choose an answer")
CHOOSE_SOME = _("Choose at least one answer")
ENTER_NUMBER = _("Enter a whole number")
ENTER_TEXT = _("Enter an answer")
ONLY_ONE = _("Choose only one answer")
NOT_OFFERED = _("“%(value)s” is not one of the answers")
NOT_TOGETHER = _("“%(choice)s” cannot be chosen together with other answers")
NOT_WHOLE = _("Enter a whole number in digits, such as 12")
OUT_OF_RANGE = _("Enter a number from %(low)s to %(high)s")
TOO_LONG = _("Enter at most %(most)s characters (you entered %(length)s)")
CONTROL = _("Remove the invisible character %(character)s")
NO_QUESTION = _("There is no question “%(question)s” in this questionnaire")

MOST_DIGITS = 15
WHOLE = re.compile(r"[+-]?[0-9]+\Z")
FULL_WIDTH = str.maketrans("０１２３４５６７８９－＋−", "0123456789-+-")
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Problem(msgspec.Struct, frozen=True):
    """Why an answer cannot be taken, and how to mend it."""

    question: str  # its code: the field that an error summary links to; as sent, when the questionnaire has none such
    message: str  # English msgid
    values: dict[str, str | Words] = {}

    def say(self, translate: Callable[[str], str], language: str, unit: str = "") -> str:
        """The message in a language, with the words of the questionnaire that it names."""
        values = {
            name: value.fill(language, unit) if isinstance(value, Words) else value
            for name, value in self.values.items()
        }
        return translate(self.message) % values


class Accepted(msgspec.Struct, frozen=True):
    """A response that counts: answers in the order of the questionnaire, without blanks and without the irrelevant."""

    questionnaire: str  # code@version
    answers: dict[str, Answer]


class Checked(msgspec.Struct, frozen=True):
    """The answers that can be taken, and the problems of the others."""

    answers: dict[str, Answer]
    problems: list[Problem]


def accept(questionnaire: Questionnaire, answers: Raw) -> Accepted | list[Problem]:
    """Accept a whole response, or say everything that is wrong with it.

    Parameters
    ----------
    questionnaire : Questionnaire
    answers : mapping of str to sequence of str
        Form values by question. An absent question, an empty list and empty texts are all blank.

    Returns
    -------
    Accepted or list of Problem
        Problems are in the order of the questionnaire and never an empty list.

    Examples
    --------
    >>> from questionnaires.loading import load_shipped
    >>> accept(load_shipped("sd-citizen"), {"contact": ["never"], "word": ["７"], "reasons": ["full"]}).answers
    {'contact': 'never', 'word': 7}
    """
    checked = check(questionnaire, answers)
    if checked.problems:
        return checked.problems
    return Accepted(questionnaire.identifier, checked.answers)


def check(
    questionnaire: Questionnaire, answers: Raw, *, draft: bool = False, only: Collection[str] | None = None
) -> Checked:
    """Read what can be read of a response that may be unfinished.

    Parameters
    ----------
    draft : bool
        Required questions may be blank.
    only : collection of str, optional
        Report the problems of these questions alone, such as those of the screen just sent.
    """
    form = _form(questionnaire)
    found: dict[str, Answer] = {}
    problems: list[Problem] = []
    if not answers.keys() <= form.codes:
        for name in answers:
            if name not in form.codes:
                problems.append(Problem(shown(name), NO_QUESTION, {"question": shown(name)}))
    for asked, steps in form.sections:
        if asked is not None and not asked(found):
            continue
        for code, relevant, parse, always, required, missing in steps:
            if relevant is not None and not relevant(found):
                continue
            given = answers.get(code)
            if given:
                try:
                    answer = parse(given)
                except _RefusedError as refused:
                    problems.append(Problem(code, refused.message, refused.values))
                    continue
                if answer is not None:
                    found[code] = answer
                    continue
            if not draft and (always or (required is not None and required(found))):
                problems.append(Problem(code, missing))
    if only is not None:
        problems = [problem for problem in problems if problem.question in only]
    return Checked(found, problems)


def as_form(answers: Answers) -> dict[str, list[str]]:
    """Typed answers as a form would post them, so that accepted answers can be shown, changed and accepted again."""
    return {code: list(answer) if isinstance(answer, tuple) else [str(answer)] for code, answer in answers.items()}


class _RefusedError(Exception):
    def __init__(self, message: str, values: dict[str, str | Words]) -> None:
        self.message = message
        self.values = values


Parser = Callable[[Sequence[str]], Answer | None]
# code, own condition, parser, always required, required when, message when it is missing
Step = tuple[str, Condition | None, Parser, bool, Condition | None, str]


class _Form(msgspec.Struct, frozen=True):
    """A questionnaire made ready for reading many responses."""

    codes: frozenset[str]
    sections: tuple[tuple[Condition | None, tuple[Step, ...]], ...]


@lru_cache(maxsize=64)
def _form(questionnaire: Questionnaire) -> _Form:
    return _Form(
        frozenset(question.code for question in questionnaire.questions),
        tuple(
            (
                None if section.relevant is None else condition(section.relevant),
                tuple(_step(question) for question in section.questions),
            )
            for section in questionnaire.sections
        ),
    )


def _step(question: Question) -> Step:
    parser, missing = {
        "single": (_single, CHOOSE_ONE),
        "multiple": (_multiple, CHOOSE_SOME),
        "scale": (_number, CHOOSE_ONE),
        "integer": (_number, ENTER_NUMBER),
        "text": (_text, ENTER_TEXT),
    }[question.type]
    return (
        question.code,
        None if question.relevant is None else condition(question.relevant),
        parser(question),
        question.required_always,
        None if question.required is None else condition(question.required),
        missing,
    )


def _written(given: Sequence[str]) -> list[str]:
    """Values that are not blank, without outer blanks, each once."""
    if isinstance(given, str):
        raise TypeError("the values of a question are a list of texts, not one text")
    return list(dict.fromkeys(stripped for value in given if (stripped := value.strip())))


def _not_offered(value: str) -> _RefusedError:
    return _RefusedError(NOT_OFFERED, {"value": shown(value)})


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
            raise _RefusedError(ONLY_ONE, {})
        return codes[written[0]]

    return parse


def _multiple(question: Question) -> Parser:
    order = tuple(choice.code for choice in question.choices)
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
                    raise _RefusedError(NOT_TOGETHER, {"choice": exclusive[code]})
        return chosen

    return parse


def _number(question: Question) -> Parser:
    low, high = question.range or (0, 0)
    known: dict[str, Answer] = {choice.code: choice.code for choice in question.choices}
    if question.type == "scale":
        known.update((str(number), number) for number in range(low, high + 1))

    def parse(given: Sequence[str]) -> Answer | None:
        if len(given) == 1:
            answer = known.get(given[0])
            if answer is not None:
                return answer
        written = _written(given)
        if not written:
            return None
        if len(written) > 1:
            raise _RefusedError(ONLY_ONE, {})
        answer = known.get(written[0])
        if answer is not None:
            return answer
        digits = written[0].translate(FULL_WIDTH)
        if not WHOLE.match(digits):
            raise _RefusedError(NOT_WHOLE, {})
        if len(digits) > MOST_DIGITS + 1 or not low <= int(digits) <= high:
            raise _RefusedError(OUT_OF_RANGE, {"low": str(low), "high": str(high)})
        return int(digits)

    return parse


def _text(question: Question) -> Parser:
    most = question.max_length or 0

    def parse(given: Sequence[str]) -> Answer | None:
        if isinstance(given, str):
            raise TypeError("the values of a question are a list of texts, not one text")
        # Before stripping: str.strip takes some control characters for blanks.
        for value in sorted(given):
            if (hidden := UNPRINTABLE.search(value)) is not None:
                raise _RefusedError(CONTROL, {"character": f"U+{ord(hidden[0]):04X}"})
        written = _written([value.replace("\r\n", "\n").replace("\r", "\n") for value in given])
        if not written:
            return None
        if len(written) > 1:
            raise _RefusedError(ONLY_ONE, {})
        text = unicodedata.normalize("NFC", written[0])
        if len(text) > most:
            raise _RefusedError(TOO_LONG, {"most": str(most), "length": str(len(text))})
        return text

    return parse
