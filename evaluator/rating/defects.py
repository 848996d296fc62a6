"""What is wrong with a file somebody brought: where, what, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class InputError(Exception):
    """Input that cannot be used. `defects` lists every one of its mistakes, a line each."""

    def __init__(self, defects: Sequence[str]) -> None:
        super().__init__("\n".join(defects))
        self.defects = tuple(defects)


def likely(word: str, known: Iterable[str], listed: int = 12) -> str:
    """What would have been right in place of `word`: the nearest of `known`, or the whole list where it is short.

    >>> likely("unti", ["unit", "level"])
    "did you mean 'unit'?"
    >>> likely("zzz", ["unit", "level"])
    'known: unit, level'
    """
    names = [str(name) for name in known]
    close = get_close_matches(word, names, n=3, cutoff=0.6) or get_close_matches(word.lower(), names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(repr(name) for name in close)}?"
    if not names:
        return "none is defined"
    shown = ", ".join(names[:listed])
    return f"known: {shown}" + (f" and {len(names) - listed} more" if len(names) > listed else "")
