"""What somebody probably meant, within bounds: a search takes milliseconds, and a file may hold 200,000 wrong words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SEARCHES = 100  # distinct words of a file for which likely ones are sought
LONGEST_WORD = 100  # longer ones are no slip of the hand
NAMED = 3  # likely words in a message


class Suggester:
    """Finds likely words until its searches are used up; after that it finds none."""

    def __init__(self, searches: int = SEARCHES) -> None:
        self.left = searches

    def near(self, word: str, words: Iterable[str]) -> list[str]:
        """The words most like `word`, the likeliest first.

        Examples
        --------
        >>> Suggester().near("unti", ["level", "unit"]), Suggester(0).near("unti", ["unit"])
        (['unit'], [])
        """
        if self.left <= 0 or len(word) > LONGEST_WORD:
            return []
        self.left -= 1
        return difflib.get_close_matches(word, list(words), NAMED, 0.6)
