"""How long a questionnaire takes, by path, in words."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from evaluator.language import ngettext
from questionnaires.definition import Questionnaire, Section
from questionnaires.length import ways


class Path(msgspec.Struct, frozen=True):
    """A way through, named after the sections that not everybody meets."""

    sections: tuple[str, ...]
    questions: str
    time: str
    seconds: tuple[float, float]


def paths(questionnaire: Questionnaire, language: str, title: Callable[[Section], str]) -> tuple[Path, ...]:
    """The ways through, the quickest first; none when they cannot be enumerated.

    Parameters
    ----------
    language : str
        The language that is read.
    title : callable
        Gives the title of a section in it.
    """
    found = ways(questionnaire, language)
    if found is None:
        return ()
    common = set.intersection(*(set(way.sections) for way in found))
    titles = {section.code: title(section) for section in questionnaire.sections}
    return tuple(
        Path(
            tuple(titles[code] for code in way.sections if code not in common),
            _span(*way.questions),
            lasting(way.seconds),
            way.seconds,
        )
        for way in found
    )


def lasting(seconds: tuple[float, float]) -> str:
    """A time as people say it: in steps of 5 seconds to a minute and a half, then in half minutes."""
    least, most = seconds
    if most < 90:
        low, high = (max(5, round(seconds / 5) * 5) for seconds in (least, most))
        return ngettext("%(num)s second", "%(num)s seconds", high) % {"num": _span(low, high)}
    low_minutes, high_minutes = (max(0.5, round(seconds / 30) / 2) for seconds in (least, most))
    return ngettext("%(num)s minute", "%(num)s minutes", 1 if high_minutes <= 1 else 2) % {
        "num": _span(low_minutes, high_minutes)
    }


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def between(found: tuple[Path, ...]) -> str:
    """What the quickest and the longest way take; blank when the ways are not known."""
    if not found:
        return ""
    return lasting((min(path.seconds[0] for path in found), max(path.seconds[1] for path in found)))
