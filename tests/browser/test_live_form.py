"""Whole forms in a real browser, with and without scripts: the same questions are asked, and the same is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from questionnaires.acceptance import Accepted, accept
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Context
from questionnaires.recompute import recompute
from questionnaires.screens import later_parts, visible_in
from tests.browser.conftest import GENERATED, Place
from tests.browser.paths import Answers, fitting, paths, runs
from tests.browser.walking import Walk, stored, together

CONTEXT = Context(datetime.now(UTC), "1", unit="3700")


def both_ways(place: Place, campaign: str, some: Sequence[Walk]) -> list[tuple[Walk, Walk]]:
    """Each walk with a script and without one."""
    pairs = [
        (replace(walk, address=place.form(campaign)), replace(walk, address=place.form(campaign), script=False))
        for walk in some
    ]
    for one, other in pairs:
        one.pages, other.pages = [], []
    together([walk for pair in pairs for walk in pair])
    return pairs


def by_chance(questionnaire: Questionnaire) -> set[str]:
    """What differs between two visits, each of which has a seed of its own."""
    found: set[str] = set()
    for item in questionnaire.items:
        if item.calculate is not None:
            names = {name.code for name in item.calculate.names()}
            if "random" in item.calculate.source or "now()" in item.calculate.source or names & found:
                found.add(item.code)
    return found


def expected(questionnaire: Questionnaire, given: Answers) -> dict[str, Any]:
    accepted = accept(questionnaire, given, CONTEXT)
    assert isinstance(accepted, Accepted), accepted
    return {code: list(a) if isinstance(a, tuple) else a for code, a in accepted.answers.items()}


def compare(place: Place, questionnaire: Questionnaire, pairs: list[tuple[Walk, Walk]]) -> None:
    """What was stored with a script, without one, and what the answers come to without any page."""
    found, chance = stored(place.home), by_chance(questionnaire)
    for one, other in pairs:
        # what a change brings up on a screen that was seen stands at the review as not answered
        final = {code: values for code, values in one.answers.items() if code in one.seen or not one.changes}
        final |= dict(one.changes)
        wanted = expected(questionnaire, {code: list(values) for code, values in final.items()})
        here, there, wanted = (
            {code: answer for code, answer in answers.items() if code not in chance}
            for answers in (found[one.unit], found[other.unit], wanted)
        )
        assert here == there == wanted, (one.answers, one.changes)
        assert one.seen == other.seen, "the same questions are asked, in the same order"


def held_together(questionnaire: Questionnaire, given: Answers) -> bool:
    """Whether several screens of a section are one page in a browser with scripts."""
    state = recompute(questionnaire, given, CONTEXT, draft=True)
    shown = visible_in(questionnaire, state)
    parts = Counter(screen.section.code for screen in shown)
    return any(parts[screen.section.code] > 1 and later_parts(questionnaire, screen, state) for screen in shown)


@pytest.mark.parametrize("campaign", ["sd-citizen", "every-type"])
def test_every_path_stores_the_same_with_and_without_a_script(place: Place, campaign: str) -> None:
    questionnaire = place.questionnaires[campaign]
    walks = [
        Walk("", given, language=("en", "zh-CN")[number % 2])
        for number, given in enumerate(runs(questionnaire, CONTEXT))
    ]
    pairs = both_ways(place, campaign, walks)
    compare(place, questionnaire, pairs)
    asked = {code for walk, _ in pairs for code in walk.seen}
    assert {question.code for question in questionnaire.questions if question.calculate is None} <= asked
    for one, other in pairs:
        fewer = len(one.pages) < len(other.pages)
        assert fewer == held_together(questionnaire, one.answers), (one.answers, one.pages, other.pages)


@pytest.mark.parametrize("campaign", ["sd-citizen", "every-type"])
def test_a_change_of_mind_at_the_review_leads_every_path_to_every_other(place: Place, campaign: str) -> None:
    questionnaire = place.questionnaires[campaign]
    code = {"sd-citizen": "contact", "every-type": "visited"}[campaign]
    whole = next(given for given in runs(questionnaire, CONTEXT) if given[code] in (["once"], ["yes"]))
    answers = sorted({tuple(path[code]) for path in paths(questionnaire, CONTEXT)} - {()})
    walks = [
        Walk("", {**whole, code: list(before)}, changes=[(code, list(after))])
        for before in answers
        for after in answers
        if before < after or campaign == "every-type"
    ]
    compare(place, questionnaire, both_ways(place, campaign, walks))


def test_generated_questionnaires_store_the_same_with_and_without_a_script(place: Place) -> None:
    pairs: list[tuple[Walk, Walk]] = []
    for seed in GENERATED:
        questionnaire = place.questionnaires[f"made-{seed}"]
        given = fitting(questionnaire, CONTEXT, Random(seed))
        one, other = (Walk(place.form(questionnaire.code), given, script) for script in (True, False))
        pairs.append((one, other))
    together([walk for pair in pairs for walk in pair])
    for seed, pair in zip(GENERATED, pairs, strict=True):
        compare(place, place.questionnaires[f"made-{seed}"], [pair])
    assert any(len(one.pages) < len(other.pages) for one, other in pairs)
