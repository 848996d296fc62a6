"""Texts carried through pyxform unharmed.

pyxform makes curly quotes straight, runs of blanks one blank, and writes `-` for a translation that is missing. In
expressions that mends slips; in words for people it spoils them. So these characters travel in disguise.
"""

from __future__ import annotations

import re

DISGUISES = {
    "\u201c": "\U000f0001", "\u201d": "\U000f0002", "\u2018": "\U000f0003", "\u2019": "\U000f0004",
}  # fmt: skip
BLANK, DASH = "\U000f0005", "\U000f0006"
SHIELD = str.maketrans(DISGUISES)
UNSHIELD = str.maketrans({**{new: old for old, new in DISGUISES.items()}, BLANK: " ", DASH: "-"})
RUN = re.compile(r"(?<= ) ")


def shield(text: str) -> str:
    """Words for people, disguised."""
    return DASH if text == "-" else quotes(RUN.sub(BLANK, text))


def quotes(text: str) -> str:
    """A text whose curly quotes are meant, disguised."""
    return text.translate(SHIELD)


def unshield(text: str) -> str:
    """A text as it was.

    >>> unshield(shield("“a”  b")) == "“a”  b"
    True
    """
    return text.translate(UNSHIELD)
