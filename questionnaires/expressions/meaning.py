"""From a tree to closures: compiled once, called with the answers and the context of each evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from questionnaires.expressions import functions, patterns
from questionnaires.expressions.functions import whole
from questionnaires.expressions.moments import DAY, Moment, written
from questionnaires.expressions.patterns import Failure
from questionnaires.expressions.tree import (
    INDEXED,
    Call,
    Chain,
    Current,
    ExpressionError,
    Name,
    Negate,
    Node,
    Number,
    Refused,
    Text,
)
from questionnaires.expressions.values import Inner, codes_of, equal, number_of, text_of, truth_of

Answer = str | int | float | tuple[str, ...]  # a code or a text; a number; the codes of a multiple choice
Answers = Mapping[str, Answer]  # by question; a blank one is left out

MOST_STEPS = 500_000
LONGEST_TEXT = 100_000
SHORT = 256  # texts as short as this are handled for nothing

EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression may know beside the answers.

    Attributes
    ----------
    now : datetime or None
        With its zone. `today()` and `now()` are refused without it. The distance of the zone from UTC at this moment
        is used for all dates, so that the page and the server agree.
    seed : str or None
        Of `random()` and `uuid()`: one secret text per response and question. The same seed gives the same values.
    current : Answer or None
        The answer that `.` stands for; None is blank.
    labels : mapping of str to mapping of str to str
        By question and code, the words that `jr:choice-name()` gives, in the language of the page.
    unit : str
        `property('unit')`, the code of the unit that is asked about.
    offset : int
        Minutes that the local clock is ahead of UTC; follows from `now`.
    """

    now: datetime | None = None
    seed: str | None = None
    current: Answer | None = None
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unit: str = ""
    offset: int = field(init=False)

    def __post_init__(self) -> None:
        away = None if self.now is None else self.now.utcoffset()
        object.__setattr__(self, "offset", 0 if away is None else round(away.total_seconds() / 60))

    def compact(self) -> dict[str, object]:
        """As JSON for `evaluator/static/expressions.js`."""
        return {
            "now": None if self.now is None else _milliseconds(self.now),
            "offset": self.offset,
            "seed": self.seed,
            "current": list(self.current) if isinstance(self.current, tuple) else self.current,
            "labels": {question: dict(labels) for question, labels in self.labels.items()},
            "unit": self.unit,
        }


NOTHING = Context()


def _milliseconds(now: datetime) -> int:
    """Since 1970 in UTC."""
    away = now.utcoffset() or timedelta()
    return (now.replace(tzinfo=None) - away - EPOCH) // timedelta(milliseconds=1)


class Run:
    """One evaluation: what it reads, and how much more it may do."""

    __slots__ = ("answers", "context", "left", "offset")

    def __init__(self, answers: Answers, context: Context) -> None:
        self.answers = answers
        self.context = context
        self.left = MOST_STEPS
        self.offset = context.offset

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise Failure("the evaluation takes too many steps", "shorten the text, or the pattern")

    def handle(self, text: str) -> str:
        """Account for a text that is read or made."""
        if len(text) > SHORT:
            if len(text) > LONGEST_TEXT:
                raise _too_long()
            self.spend(len(text))
        return text


def _too_long() -> Failure:
    return Failure("the text gets too long", "at most %(most)s characters are allowed", most=str(LONGEST_TEXT))


Evaluator = Callable[[Run], Inner]
AsNumber = Callable[[Run], float]
Truth = Callable[[Run], bool]
Words = Callable[[Run], str]


def value(tree: Node) -> Evaluator:
    """Compile a tree."""
    if isinstance(tree, Number | Text):
        constant = tree.value
        return lambda run: constant
    if isinstance(tree, Name):
        return _answer(tree.code)
    if isinstance(tree, Current):
        return lambda run: read(run.context.current)
    if isinstance(tree, Negate):
        operand = number(tree.operand)
        return lambda run: -operand(run)
    if isinstance(tree, Call):
        return _call(tree)
    if isinstance(tree, Refused):
        return _refused(tree.error)
    if tree.rest[0][0] in ("or", "and"):
        return _logic(tree)
    return _chain(tree)


def number(tree: Node) -> AsNumber:
    """Compile a tree where a number is wanted."""
    if isinstance(tree, Number):
        constant = tree.value
        return lambda run: constant
    evaluator = value(tree)

    def as_number(run: Run) -> float:
        found = evaluator(run)
        return found if type(found) is float else number_of(found, run.offset)

    return as_number


def truth(tree: Node) -> Truth:
    """Compile a tree where a boolean is wanted."""
    if isinstance(tree, Chain) and tree.rest[0][0] in ("or", "and"):
        return _logic(tree)
    evaluator = value(tree)
    return lambda run: truth_of(evaluator(run))


def words(tree: Node) -> Words:
    """Compile a tree where a text is wanted."""
    evaluator = value(tree)
    return lambda run: run.handle(text_of(evaluator(run)))


def read(given: Answer | None) -> Inner:
    """An answer as a value."""
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    if isinstance(given, tuple):
        return " ".join(given)
    if isinstance(given, bool):
        return given
    try:
        return float(given)
    except OverflowError:
        return math.inf if given > 0 else -math.inf


def _answer(code: str) -> Evaluator:
    return lambda run: read(run.answers.get(code))


def _refused(error: ExpressionError) -> Evaluator:
    def fail(run: Run) -> Inner:
        raise error

    return fail


def _logic(tree: Chain) -> Truth:
    parts = tuple(truth(part) for part in (tree.first, *(part for _, part in tree.rest)))
    either = tree.rest[0][0] == "or"
    if len(parts) == 2:  # the common case, without a generator
        one, other = parts
        if either:
            return lambda run: one(run) or other(run)
        return lambda run: one(run) and other(run)
    if either:
        return lambda run: any(part(run) for part in parts)
    return lambda run: all(part(run) for part in parts)


ARITHMETIC: dict[str, Callable[[float, float], Inner]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "div": functions.divided,
    "mod": functions.remainder,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _chain(tree: Chain) -> Evaluator:
    (operator, part), *more = tree.rest
    if operator in ("=", "!="):
        left, right = value(tree.first), value(part)
        wanted = operator == "="
        step: Evaluator = lambda run: equal(left(run), right(run), run.offset) is wanted  # noqa: E731
    else:
        apply, first, second = ARITHMETIC[operator], number(tree.first), number(part)
        step = lambda run: apply(first(run), second(run))  # noqa: E731
    if not more:
        return step
    rest = tuple((name, ARITHMETIC.get(name), value(following)) for name, following in more)

    def chain(run: Run) -> Inner:
        found = step(run)
        for name, function, following in rest:
            other = following(run)
            if function is None:
                found = equal(found, other, run.offset) is (name == "=")
            else:
                found = function(number_of(found, run.offset), number_of(other, run.offset))
        return found

    return chain


def _call(tree: Call) -> Evaluator:
    """A call, whose failure is told with its place."""
    inner, at, name = MEANINGS[tree.function](tree), tree.at, tree.function

    def call(run: Run) -> Inner:
        try:
            return inner(run)
        except Failure as failure:
            raise ExpressionError(at, failure.what, failure.right, **failure.values) from None
        except OverflowError:
            raise ExpressionError(at, "%(name)s() is given too great a number", name=name) from None

    return call


def applied(function: Callable[..., Inner], arguments: Sequence[Callable[[Run], Inner]]) -> Evaluator:
    """A function of compiled arguments; written out for the few, so that deep expressions need fewer frames."""
    if len(arguments) == 1:
        (only,) = arguments
        return lambda run: function(only(run))
    if len(arguments) == 2:
        one, two = arguments
        return lambda run: function(one(run), two(run))
    if len(arguments) == 3:
        first, second, third = arguments
        return lambda run: function(first(run), second(run), third(run))
    return lambda run: function(*[argument(run) for argument in arguments])


def _of_texts(function: Callable[..., Inner]) -> Callable[[Call], Evaluator]:
    return lambda tree: applied(function, tuple(map(words, tree.arguments or (Current(),))))


def _of_numbers(function: Callable[..., Inner]) -> Callable[[Call], Evaluator]:
    return lambda tree: applied(function, tuple(map(number, tree.arguments)))


def _selected(tree: Call) -> Truth:
    where, what = tree.arguments
    if isinstance(where, Name) and isinstance(what, Text) and codes_of(what.value) == [what.value]:
        # The common case, without joining and splitting.
        code, wanted = where.code, what.value

        def chosen(run: Run) -> bool:
            given = run.answers.get(code)
            if isinstance(given, tuple):
                return wanted in given or (wanted in " ".join(given) and functions.is_selected(" ".join(given), wanted))
            if isinstance(given, str):
                return given == wanted or (wanted in given and functions.is_selected(run.handle(given), wanted))
            return given is not None and text_of(read(given)) == wanted

        return chosen
    left, right = words(where), words(what)
    return lambda run: functions.is_selected(left(run), right(run))


def _if(tree: Call) -> Evaluator:
    asked, then, otherwise = truth(tree.arguments[0]), value(tree.arguments[1]), value(tree.arguments[2])
    return lambda run: then(run) if asked(run) else otherwise(run)


def _coalesce(tree: Call) -> Evaluator:
    first, second = value(tree.arguments[0]), value(tree.arguments[1])

    def coalesce(run: Run) -> Inner:
        found = first(run)
        return second(run) if found == "" or found != found else found

    return coalesce


def _once(tree: Call) -> Evaluator:
    fresh = value(tree.arguments[0])

    def once(run: Run) -> Inner:
        kept = read(run.context.current)
        return fresh(run) if kept == "" else kept

    return once


def _number(tree: Call) -> Evaluator:
    """number(): a moment is its day, as in ODK."""
    only = value(tree.arguments[0])

    def as_number(run: Run) -> float:
        found = only(run)
        if isinstance(found, str):
            moment = written(found, run.offset)
            found = found if moment is None else moment
        if isinstance(found, Moment):
            return float(found.milliseconds // DAY)
        return number_of(found, run.offset)

    return as_number


def _int(tree: Call) -> Evaluator:
    only = value(tree.arguments[0])
    return lambda run: functions.int_of(only(run), run.offset)


def _of_moment(function: Callable[[Inner, int], Inner]) -> Callable[[Call], Evaluator]:
    def compiled(tree: Call) -> Evaluator:
        only = value(tree.arguments[0])
        return lambda run: function(only(run), run.offset)

    return compiled


def _format(tree: Call) -> Evaluator:
    moment, form = value(tree.arguments[0]), words(tree.arguments[1])
    return lambda run: run.handle(functions.formatted(moment(run), form(run), run.offset))


def _joined(texts: tuple[Words, ...], separator: Words) -> Evaluator:
    def joined(run: Run) -> str:
        between, parts, length = separator(run), [], 0
        for text in texts:
            part = text(run)
            length += len(part) + len(between)
            if length > LONGEST_TEXT + len(between):
                raise _too_long()
            parts.append(part)
        return run.handle(between.join(parts))

    return joined


def _concat(tree: Call) -> Evaluator:
    return _joined(tuple(map(words, tree.arguments)), lambda run: "")


def _join(tree: Call) -> Evaluator:
    separator, *texts = map(words, tree.arguments)
    return _joined(tuple(texts), separator)


def _substr(tree: Call) -> Evaluator:
    cut = functions.substr if tree.function == "substr" else functions.substring
    return applied(cut, (words(tree.arguments[0]), *map(number, tree.arguments[1:])))


def _selected_at(tree: Call) -> Evaluator:
    return applied(functions.selected_at, (words(tree.arguments[0]), number(tree.arguments[1])))


def _regex(tree: Call) -> Evaluator:
    text, form = words(tree.arguments[0]), words(tree.arguments[1])
    return lambda run: patterns.matches(form(run), text(run), run.spend)


def _checklist(tree: Call) -> Evaluator:
    least, most = number(tree.arguments[0]), number(tree.arguments[1])
    factors = tuple(map(truth, tree.arguments[2:]))

    def checklist(run: Run) -> bool:
        low, high = whole(least(run)), whole(most(run))
        count = sum(factor(run) for factor in factors)
        return (low < 0 or count >= low) and (high < 0 or count <= high)

    return checklist


def _weighted_checklist(tree: Call) -> Evaluator:
    least, most = number(tree.arguments[0]), number(tree.arguments[1])
    pairs = tuple(
        (truth(factor), number(weight))
        for factor, weight in zip(tree.arguments[2::2], tree.arguments[3::2], strict=True)
    )

    def checklist(run: Run) -> bool:
        low, high, total = least(run), most(run), 0.0
        for factor, weight in pairs:
            if factor(run):
                total += weight(run)
        return (low < 0 or total >= low) and (high < 0 or total <= high)

    return checklist


def _now(run: Run) -> Moment:
    if run.context.now is None:
        raise Failure("the time is not known here")
    return Moment(_milliseconds(run.context.now) + run.offset * 60_000, run.offset)


def _today(run: Run) -> Inner:
    return functions.date_of(_now(run), run.offset, timed=False)


def _seed(run: Run) -> str:
    if run.context.seed is None:
        raise Failure("there is no seed for chance here")
    return run.context.seed


def _uuid(tree: Call) -> Evaluator:
    at = tree.at
    if not tree.arguments:
        return lambda run: functions.uuid(_seed(run), at)
    length = number(tree.arguments[0])
    return lambda run: functions.token(_seed(run), at, length(run))


def _choice_name(tree: Call) -> Evaluator:
    chosen, question = words(tree.arguments[0]), tree.arguments[1]
    code = question.code if isinstance(question, Name) else ""
    return lambda run: run.context.labels.get(code, {}).get(chosen(run), "")


def _sum(tree: Call) -> Evaluator:
    only = number(tree.arguments[0])

    def total(run: Run) -> float:
        found = only(run)
        return found if found == found else 0.0

    return total


def _count_non_empty(tree: Call) -> Evaluator:
    only = words(tree.arguments[0])
    return lambda run: float(only(run) != "")


def _indexed(tree: Call) -> Evaluator:
    """indexed-repeat(): where nothing is asked more than once, a repeat has a first round and no second one."""
    question, numbers = value(tree.arguments[0]), tuple(map(number, tree.arguments[2::2]))
    return lambda run: question(run) if all(whole(place(run)) <= 1 for place in numbers) else ""


def _constant(constant: Inner) -> Callable[[Call], Evaluator]:
    return lambda tree: lambda run: constant


MEANINGS: dict[str, Callable[[Call], Evaluator]] = {
    **{name: _of_texts(function) for name, function in functions.TEXT_FUNCTIONS.items()},
    **{name: _of_numbers(function) for name, function in functions.NUMBER_FUNCTIONS.items()},
    "area": _of_texts(functions.area),
    "atan2": _of_numbers(math.atan2),
    "boolean": lambda tree: truth(tree.arguments[0]),
    "checklist": _checklist,
    "coalesce": _coalesce,
    "concat": _concat,
    "count": _constant(1.0),
    "count-non-empty": _count_non_empty,
    "date": _of_moment(lambda given, offset: functions.date_of(given, offset, timed=False)),
    "date-time": _of_moment(lambda given, offset: functions.date_of(given, offset, timed=True)),
    "decimal-date-time": _of_moment(functions.decimal_date_time),
    "decimal-time": _of_moment(functions.decimal_time),
    "depend": lambda tree: value(tree.arguments[0]),
    "digest": _of_texts(functions.digest),
    "distance": _of_texts(lambda *places: functions.distance(list(places))),
    "enclosed-area": _of_texts(functions.area),
    "false": _constant(False),
    "format-date": _format,
    "format-date-time": _format,
    "geofence": _of_texts(functions.geofence),
    "if": _if,
    INDEXED: _indexed,
    "int": _int,
    "is-selected": _selected,
    "join": _join,
    "jr:choice-name": _choice_name,
    "max": _of_numbers(lambda *numbers: functions.extreme(list(numbers), max)),
    "min": _of_numbers(lambda *numbers: functions.extreme(list(numbers), min)),
    "not": lambda tree: _not(truth(tree.arguments[0])),
    "now": lambda tree: _now,
    "number": _number,
    "once": _once,
    "pi": _constant(math.pi),
    "position": _constant(1.0),
    "pow": _of_numbers(functions.power),
    "property": lambda tree: lambda run: run.context.unit,
    "random": lambda tree: lambda run: functions.random_number(_seed(run), tree.at),
    "regex": _regex,
    "round": _of_numbers(functions.round_to),
    "selected": _selected,
    "selected-at": _selected_at,
    "substr": _substr,
    "substring": _substr,
    "sum": _sum,
    "today": lambda tree: _today,
    "true": _constant(True),
    "uuid": _uuid,
    "weighted-checklist": _weighted_checklist,
}


def _not(asked: Truth) -> Truth:
    return lambda run: not asked(run)


def outer(found: Inner) -> str | float | bool:
    """What is given to those who ask: a moment is its text."""
    return found.text() if isinstance(found, Moment) else found
