"""What changed between two versions of a questionnaire, and what a change means for answers that are there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from questionnaires.expression import Expression, render
from questionnaires.mistakes import shown
from questionnaires.words import Words

Effect = Literal["compatible", "remark", "breaking"]
EFFECTS: tuple[Effect, ...] = ("compatible", "remark", "breaking")


def _(message: str) -> str:
    """Marks an English msgid; pages translate it before they put the values in."""
    return message


WORDS = _("other words: “%(new)s” instead of “%(old)s”")
TRANSLATION = _("another translation (%(language)s): “%(new)s” instead of “%(old)s”")
TRANSLATED = _("is now translated (%(language)s): “%(new)s”")
UNTRANSLATED = _("has no translation any more (%(language)s); it was “%(old)s”")
BEHIND = _("the translation (%(language)s) was not changed with its source: “%(new)s”; check that both say the same")


NOTHING, YES, NO = _("nothing"), _("yes"), _("no")


class Word(str):
    """A value of a message that is an English msgid itself."""


def word(message: str) -> Word:
    """A value that pages translate."""
    return Word(message)


class Change(msgspec.Struct, frozen=True):
    """One change: where, of which kind, and whether answers before and after can still be put side by side.

    `what` is an English msgid with %(name)s placeholders for `values`; those named in `words` are msgids too.
    """

    place: str  # path of codes such as "view/kept/half"; empty: the questionnaire itself
    kind: str  # what was changed, in one word, such as "choice_added"
    effect: Effect
    what: str
    values: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()

    def message(self, translate: Callable[[str], str] = str) -> str:
        """The change in words, without its place: in English, or in the language of `translate`."""
        return translate(self.what) % {
            name: translate(value) if name in self.words else value for name, value in self.values
        }


class Changes:
    """Collects changes in the order in which they are found."""

    def __init__(self) -> None:
        self.found: list[Change] = []

    def add(self, place: str, kind: str, effect: Effect, what: str, **values: object) -> None:
        """Tell a change. Values are made fit for one line."""
        told = {name: said(value) for name, value in values.items()}
        made = tuple((name, shown(value, 200)) for name, value in told.items())
        words = tuple(name for name, value in told.items() if isinstance(value, Word))
        self.found.append(Change(place, kind, effect, what, made, words))

    def words(self, place: str, name: str, old: Words | None, new: Words | None) -> None:
        """What changed in one text: its words in the first language, its translations, and those left behind.

        Parameters
        ----------
        name : str
            The key that the text stands under, such as ``"hint"``.
        """
        was, now = dict(old.texts) if old else {}, dict(new.texts) if new else {}
        if was == now:
            return
        kind = f"words_{name}"
        if not was or not now:
            what = _("has now a text, %(key)s: “%(new)s”") if now else _("has no text any more, %(key)s: “%(old)s”")
            self.add(place, kind, "compatible", what, key=name, new=_first(now), old=_first(was))
            return
        first = next(iter(now))
        reworded = was.get(first) != now[first] and first in was
        if reworded:
            self.add(place, kind, "compatible", WORDS, new=now[first], old=was[first])
        for language in dict.fromkeys([*now, *was]):
            if language == first:
                continue
            if language not in now:
                self.add(place, kind, "compatible", UNTRANSLATED, language=language, old=was[language])
            elif language not in was:
                self.add(place, kind, "compatible", TRANSLATED, language=language, new=now[language])
            elif was[language] != now[language]:
                self.add(
                    place, kind, "compatible", TRANSLATION, language=language, new=now[language], old=was[language]
                )
            elif reworded:
                self.add(place, "translation_behind", "remark", BEHIND, language=language, new=now[language])


def said(value: object) -> str:
    """A value of a definition in a message.

    >>> said(("a", "b")), said(None), said(2.0)
    ('a, b', 'nothing', '2')
    """
    if isinstance(value, str):
        return value
    if value is None or value == ():
        return Word(NOTHING)
    if isinstance(value, Expression):
        return value.source
    if isinstance(value, bool):
        return Word(YES if value else NO)
    if isinstance(value, tuple | list):
        return ", ".join(map(said, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def meaning(expression: Expression | None) -> str:
    """The same for expressions that mean the same, however they are spaced or bracketed; "" for none."""
    return "" if expression is None else render(expression.tree)


def _first(texts: dict[str, str]) -> str:
    return next(iter(texts.values()), "")
