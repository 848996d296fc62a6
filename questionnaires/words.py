"""Words (labels, hints, titles): plain text in the languages of a questionnaire, never markup, never a format string.

`fill` replaces the placeholder of the unit and those of answers in one pass, so that no name and no answer can act as a
placeholder itself; templates escape the result.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping

import msgspec

PLACEHOLDER = "{unit}"  # replaced by the name of the rated unit
ANSWER = re.compile(r"\$\{([^\W\d][\w.-]*)\}")  # replaced by the answer to a question
BOTH = re.compile(r"\$\{([^\W\d][\w.-]*)\}|\{unit\}")


class Words(msgspec.Struct, frozen=True, cache_hash=True):
    """One text in the languages of its questionnaire, the questionnaire's first language first."""

    texts: tuple[tuple[str, str], ...]  # (language, text)
    translated_from: tuple[tuple[str, str], ...] = ()  # (language, mark of the first text that it was translated from)

    def __getitem__(self, language: str) -> str:
        for code, text in self.texts:
            if code == language:
                return text
        raise KeyError(language)

    def chosen(self, language: str) -> str:
        """The text in a language as it was written: for `zh-CN` that is `zh-CN`, else `zh`, else the first one."""
        if not self.texts:
            return ""
        texts = dict(self.texts)
        return texts.get(language) or texts.get(language.partition("-")[0]) or self.texts[0][1]

    def fill(self, language: str, unit: str, said: Mapping[str, str] | None = None) -> str:
        """The text in a language, with the unit's name and answers in their places.

        Parameters
        ----------
        said : mapping of str to str, optional
            Answers in words, by question, for `${code}`; a blank one leaves nothing.
        """
        text = self.chosen(language)
        if "{" not in text:
            return text
        return BOTH.sub(lambda found: unit if found[1] is None else (said or {}).get(found[1], ""), text)

    def names(self) -> tuple[str, ...]:
        """The questions whose answers it repeats, each once."""
        return tuple(dict.fromkeys(name for _, text in self.texts if "${" in text for name in ANSWER.findall(text)))

    def stale(self) -> tuple[str, ...]:
        """The languages whose translation was made from another text than the first one is now."""
        if not self.translated_from:
            return ()
        now = mark(self.texts[0][1])
        return tuple(language for language, then in self.translated_from if then != now)


def mark(text: str) -> str:
    """Eight characters that change with a text, recorded beside its translations.

    >>> mark("Did you visit {unit}?") == mark("Did you visit  {unit}? ")
    True
    """
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:8]
