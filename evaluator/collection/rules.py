"""The rules that a campaign registers before it opens: when a response may be left out, and what is too little to show.

They are the shipped ones (`rules.yaml`) with what a campaign's own file adds. What raises a flag stands in the
questionnaire, and is registered with it.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from evaluator.collection.labels import Label
from evaluator.problems import FieldProblem, Problem

EPOCH = 50  # responses of a unit that are sealed together, at least: who gave which of them cannot be told
CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
LONGEST, MOST = 400, 50  # characters of a rule; rules
SHIPPED = Path(__file__).parent / "rules.yaml"


def _(message: str) -> str:
    return message


class ExclusionRule(msgspec.Struct, frozen=True):
    """When a response may be left out of the count: never for what it says."""

    code: str
    zh: str
    en: str


class Thresholds(msgspec.Struct, frozen=True):
    """Below what nothing is shown or graded; a scheme says the same of its own editions."""

    cell_min: int  # people
    min_reliability: float
    max_interval_width: float  # points of 100


class Rules(msgspec.Struct, frozen=True):
    """What a campaign registers."""

    exclusion: tuple[ExclusionRule, ...]
    thresholds: Thresholds

    @property
    def exclusions(self) -> dict[str, Label]:
        """Text of each rule by its code."""
        return {rule.code: Label(rule.zh, rule.en) for rule in self.exclusion}


LIMITS = {"cell_min": (5, 1000), "min_reliability": (0, 1), "max_interval_width": (0, 100)}


@cache
def shipped_rules() -> Rules:
    """The rules of a campaign that brings none of its own."""
    return msgspec.convert(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")), Rules)


def read_rules(text: str, file: str = "rules") -> Rules:
    """The shipped rules with what a file adds; a rule of the same code takes the place of the shipped one.

    Raises
    ------
    Problem
        422 with everything that is wrong, where it stands, and what would be right.
    """
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise _refused([FieldProblem(f"{file}{line}", "is not YAML; write `exclusion:` and under it a list")]) from None
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise _refused([FieldProblem(file, "holds no fields; write `exclusion:` and under it a list")])
    wrong: list[FieldProblem] = []
    for name in given:
        if name not in ("exclusion", "thresholds"):
            near = difflib.get_close_matches(str(name), ("exclusion", "thresholds"), 1)
            right = f"did you mean {near[0]}?" if near else "known are exclusion and thresholds"
            wrong.append(FieldProblem(f"{file} {str(name)[:40]}", f"is not known; {right}"))
    rules = {rule.code: rule for rule in shipped_rules().exclusion}
    rules |= {rule.code: rule for rule in _exclusion(given.get("exclusion"), file, wrong)}
    if len(rules) > MOST:
        wrong.append(FieldProblem(f"{file} exclusion", f"{len(rules)} rules with the shipped ones; at most {MOST}"))
    thresholds = _thresholds(given.get("thresholds"), file, wrong)
    if wrong:
        raise _refused(wrong)
    return Rules(tuple(rules.values()), thresholds)


def _refused(wrong: list[FieldProblem]) -> Problem:
    return Problem(422, _("The rules cannot be used"), _("Nothing was stored."), errors=wrong)


def _exclusion(given: Any, file: str, wrong: list[FieldProblem]) -> list[ExclusionRule]:
    if given is None:
        return []
    if not isinstance(given, list):
        wrong.append(FieldProblem(f"{file} exclusion", "is no list; begin each rule with `- code:`"))
        return []
    found: dict[str, ExclusionRule] = {}
    for number, one in enumerate(given, 1):
        place = f"{file} exclusion {number}"
        if not isinstance(one, dict) or set(one) != {"code", "zh", "en"}:
            wrong.append(FieldProblem(place, "a rule has code, zh and en, and nothing else"))
            continue
        code = str(one["code"])
        if not CODE.fullmatch(code):
            what = f"{code[:70]!r}: a code begins with a small letter and has small letters, digits and _, 64 at most"
            wrong.append(FieldProblem(f"{place} code", what))
        elif code in found:
            wrong.append(FieldProblem(f"{place} code", f"{code!r} stands above already; write each rule once"))
        for name in ("zh", "en"):
            words = one[name]
            if not isinstance(words, str) or not words.strip():
                wrong.append(FieldProblem(f"{place} {name}", "is blank; say when a response is left out"))
            elif len(words) > LONGEST:
                wrong.append(FieldProblem(f"{place} {name}", f"has {len(words)} characters; at most {LONGEST}"))
        found[code] = ExclusionRule(code, " ".join(str(one["zh"]).split()), " ".join(str(one["en"]).split()))
    return list(found.values())


def _thresholds(given: Any, file: str, wrong: list[FieldProblem]) -> Thresholds:
    before = shipped_rules().thresholds
    if given is None:
        return before
    if not isinstance(given, dict):
        wrong.append(FieldProblem(f"{file} thresholds", f"holds no fields; known are {', '.join(LIMITS)}"))
        return before
    values = msgspec.structs.asdict(before)
    for name, value in given.items():
        if name not in LIMITS:
            near = difflib.get_close_matches(str(name), LIMITS, 1)
            right = f"did you mean {near[0]}?" if near else f"known are {', '.join(LIMITS)}"
            wrong.append(FieldProblem(f"{file} thresholds {str(name)[:40]}", f"is not known; {right}"))
            continue
        least, most = LIMITS[name]
        if type(value) not in ((int,) if name == "cell_min" else (int, float)) or not least <= value <= most:
            kind = "whole number" if name == "cell_min" else "number"
            wrong.append(FieldProblem(f"{file} thresholds {name}", f"{value!r}; write a {kind} from {least} to {most}"))
            continue
        values[name] = value
    return msgspec.convert(values, Thresholds)


def stored(rules: Rules) -> str:
    """Rules as a campaign's row holds them."""
    return json.dumps(msgspec.to_builtins(rules), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@cache
def of_row(text: str) -> Rules:
    """Rules of a campaign's row; a campaign that was made before there were any has the shipped ones."""
    return msgspec.json.decode(text, type=Rules) if text else shipped_rules()
