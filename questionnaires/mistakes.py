"""Mistakes of a questionnaire's file: typed, placed, and all told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import msgspec


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong in a file, where, and what would be right.

    `what` and `right` are English msgids with %(name)s placeholders for `values`, so that a page can translate them.
    """

    line: int  # from 1
    column: int  # from 1
    where: str  # path of codes, such as "sections/view/items/kept/choices/half"
    what: str
    right: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def message(self) -> str:
        """The mistake in English, without its place."""
        values = dict(self.values)
        what = self.what % values
        return f"{what}; {self.right % values}" if self.right else what


class DefinitionError(ValueError):
    """A questionnaire that cannot be used. `mistakes` has at least one entry, in the order of the file."""

    def __init__(self, file: str, mistakes: Iterable[Mistake]) -> None:
        self.file = file
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column)))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line a mistake: `FILE:LINE WHERE: what; what would be right`."""
        return [
            f"{self.file}:{mistake.line} {mistake.where + ': ' if mistake.where else ''}{mistake.message()}"
            for mistake in self.mistakes
        ]


def likely(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    known = list(known)
    folded = {name.casefold(): name for name in known}
    if word.casefold() in folded:
        return folded[word.casefold()]
    near = difflib.get_close_matches(word[:64].casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def suggest(word: str, known: Iterable[str], kind: str) -> tuple[str, Mapping[str, str]]:
    """Words for "what would be right" when `word` is not among `known`: the likely one, else the first dozen."""
    known = list(known)
    near = likely(word, known)
    if near is not None:
        return "did you mean %(near)s?", {"near": near}
    if not known:
        return "there is no %(kind)s to choose from", {"kind": kind}
    some = ", ".join(known[:12]) + (" ..." if len(known) > 12 else "")
    return "a %(kind)s is one of: %(known)s", {"kind": kind, "known": some}


def shown(text: str, most: int = 40) -> str:
    """Text from outside made fit for a message: short, on one line, without control characters."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: most + 1])
    return clean if len(clean) <= most else clean[:most] + "..."
