"""What depends on what: the order in which values are worked out, and circles."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from questionnaires.definition import Questionnaire
from questionnaires.expression import Expression
from questionnaires.filters import CHOICE


class CycleError(ValueError):
    """Values that depend on each other: `path` begins and ends with the same code."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path
        super().__init__(" → ".join(path))


def dependencies(questionnaire: Questionnaire) -> dict[str, tuple[str, ...]]:
    """The items that each item's value or relevance is worked out from, in the order of the form.

    Constraints and `required` are not among them: they change no value. A repeat stands for the items in it. What
    `indexed-repeat()` takes from another round of the same repeat is not among them either.
    """
    inside: dict[str, list[str]] = {}
    for section in questionnaire.sections:
        for item in section.items:
            for group in section.around(item):
                inside.setdefault(group.code, []).append(item.code)
    known = {item.code for item in questionnaire.items}
    found: dict[str, tuple[str, ...]] = {}
    for section in questionnaire.sections:
        of_section = _names((section.relevant,))
        of_groups: dict[str, tuple[str, ...]] = {"": of_section}
        for group in section.groups:
            of_groups[group.code] = (*of_groups[group.parent], *_names((group.relevant, group.count)))
        for item in section.items:
            within = tuple(group.code for group in section.around(item) if group.kind == "repeat")
            names = [*of_groups[item.group], *_names((item.relevant, item.choice_filter, item.calculate), within)]
            own: dict[str, None] = {}
            for name in names:
                if name in known:
                    own[name] = None
                else:
                    own.update(dict.fromkeys(other for other in inside.get(name, ()) if other != item.code))
            found[item.code] = tuple(own)
    return found


def order(questionnaire: Questionnaire) -> tuple[str, ...]:
    """Every item after those that it is worked out from, otherwise in the order of the form.

    Raises
    ------
    CycleError
        When there is no such order.
    """
    needs = dependencies(questionnaire)
    position = {code: number for number, code in enumerate(needs)}
    waiting = {code: len(of) for code, of in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for code, of in needs.items():
        for name in of:
            needed_by.setdefault(name, []).append(code)
    ready = [position[code] for code, left in waiting.items() if left == 0]
    heapq.heapify(ready)
    codes = list(needs)
    found = []
    while ready:
        code = codes[heapq.heappop(ready)]
        found.append(code)
        for other in needed_by.get(code, ()):
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, position[other])
    if len(found) < len(codes):
        raise CycleError(_circle(needs, {code for code, left in waiting.items() if left}))
    return tuple(found)


def _circle(needs: dict[str, tuple[str, ...]], stuck: set[str]) -> tuple[str, ...]:
    """A circle among items that wait for each other: each of them waits for another one of them."""
    path: dict[str, None] = {}
    at = next(code for code in needs if code in stuck)
    while at not in path:
        path[at] = None
        at = next(name for name in needs[at] if name in stuck)
    walked = list(path)
    return (*walked[walked.index(at) :], at)


def _names(expressions: Iterable[Expression | None], within: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(
        code
        for expression in expressions
        if expression is not None
        for code in expression.needed(within)
        if not code.startswith(CHOICE)
    )
