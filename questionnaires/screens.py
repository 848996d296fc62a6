"""What to show: one section or one question a screen, divided where an answer decides what comes next.

So that the form needs no script, nothing on a screen depends on an answer that is given on the same screen. A browser
with a script can show the later parts of a section with the first one: `later_parts` says which items these are.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from questionnaires.answers import Raw
from questionnaires.definition import Question, Questionnaire, Section
from questionnaires.evaluation import Context
from questionnaires.recompute import NOTHING, State, plan, recompute

UNSEEN = ("calculate", "hidden", "metadata")
MOST_LATER = 40  # items of later parts that a page may hold beside its own
MOST_LATER_CHOICES = 300  # and their choices together: a page stays small


class Screen(msgspec.Struct, frozen=True):
    """Items that are shown together. None of them depends on an answer to another one."""

    code: str  # the section's code; "view:2" for the second part of a divided section
    section: Section
    items: tuple[Question, ...]  # questions and notes

    @property
    def questions(self) -> tuple[Question, ...]:
        """The items that somebody answers."""
        return tuple(item for item in self.items if item.asked)


def visible(questionnaire: Questionnaire, answers: Raw, context: Context = NOTHING) -> tuple[Screen, ...]:
    """The screens to show, in order, each with the questions to show, given the answers so far.

    A screen without anything to show is left out. Answers may be unfinished or wrong: what cannot be read counts as
    blank. Going forward and back is going along this tuple; it is worked out anew after every screen.
    """
    known = {code: answers[code] for code in plan(questionnaire).fields & answers.keys()}
    return visible_in(questionnaire, recompute(questionnaire, known, context, draft=True, only=()))


def visible_in(questionnaire: Questionnaire, state: State) -> tuple[Screen, ...]:
    """The screens to show in a state that was worked out already."""
    shown = []
    for screen in screens(questionnaire):
        items = tuple(item for item in screen.items if item.code in state.relevant)
        if items:
            shown.append(Screen(screen.code, screen.section, items))
    return tuple(shown)


def later_parts(questionnaire: Questionnaire, screen: Screen, state: State) -> tuple[Question, ...]:
    """The items of the later parts of a section that an answer on this screen may bring up, those shown now among them.

    An empty tuple where the section ends, where each question has a screen of its own, and where there are too many.
    """
    if screen.section.show != "together":
        return ()
    reached = {item.code for item in screen.items}
    found: list[Question] = []
    behind = False
    for part in screens(questionnaire):
        if part.section.code != screen.section.code:
            continue
        if behind:
            for item in part.items:
                if item.code in state.relevant or not reached.isdisjoint(_needs(questionnaire)[item.code]):
                    found.append(item)
                    reached.add(item.code)
        behind = behind or part.code == screen.code
    switched = any(item.readonly is not None for item in found)  # a field becomes a text: that takes a new page
    choices = sum(len(item.choices) for item in found)
    return () if switched or len(found) > MOST_LATER or choices > MOST_LATER_CHOICES else tuple(found)


@lru_cache(maxsize=64)
def screens(questionnaire: Questionnaire) -> tuple[Screen, ...]:
    """All screens: a section is one, or as many as its inner dependencies need, or one a question."""
    needs = _needs(questionnaire)
    found = []
    for section in questionnaire.sections:
        parts: list[list[Question]] = []
        last: str | None = None
        for item in section.items:
            if item.type in UNSEEN:
                continue
            unit = _unit(section, item)
            if not parts or unit != last or any(other.code in needs[item.code] for other in parts[-1]):
                parts.append([])
            parts[-1].append(item)
            last = unit
        for number, part in enumerate(parts, 1):
            code = section.code if number == 1 else f"{section.code}:{number}"  # no code of a section has a colon
            found.append(Screen(code, section, tuple(part)))
    return tuple(found)


def _unit(section: Section, item: Question) -> str:
    """What an item shares a screen with: its section, its group that is shown together, or nothing but itself."""
    if section.show == "together":
        return ""
    together = [group.code for group in section.around(item) if group.together]
    return f"group {together[-1]}" if together else f"item {item.code}"


@lru_cache(maxsize=64)
def _needs(questionnaire: Questionnaire) -> dict[str, set[str]]:
    """The questions that each item needs the answers of before it can be shown, through calculated values too."""
    direct: dict[str, set[str]] = {}
    for section in questionnaire.sections:
        for item in section.items:
            expressions = [item.relevant, item.required, item.choice_filter, item.calculate, item.readonly]
            expressions += [group.relevant for group in section.around(item)]
            names = {name.code for e in expressions if e is not None for name in e.names()}
            texts = [item.text, item.hint, item.guidance, *(choice.text for choice in item.choices)]
            names.update(name for words in texts if words is not None for name in words.names())
            direct[item.code] = names - {item.code}
    worked_out = {item.code for item in questionnaire.items if item.type in UNSEEN}
    found: dict[str, set[str]] = {}
    for code, names in direct.items():
        waiting, seen = list(names), set(names)
        while waiting:
            name = waiting.pop()
            more = direct.get(name, set()) - seen if name in worked_out else set()
            seen |= more
            waiting += more
        found[code] = seen
    return found
