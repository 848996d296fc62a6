"""The script of the form against the server: what follows from the same answers, on generated pages."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest

from evaluator import language
from evaluator.collection import live, live_words
from evaluator.pages import STATIC
from questionnaires import problems
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Context
from questionnaires.filters import offered
from questionnaires.recompute import State, initial, labels, recompute, said
from questionnaires.screens import later_parts, screens
from tests.browser.conftest import with_script_alone
from tests.browser.live_questionnaires import given, read

BUILT, SOURCES = STATIC / "form.js", [STATIC / "source" / name for name in ("form.js", "expressions.js")]
QUESTIONNAIRES, ROUNDS = 150, 4
NOW = datetime(2026, 3, 9, 23, 30, 0, 5000, timezone(timedelta(hours=8)))
TONGUE, UNIT = "en", "the ${i1} {unit} office"  # a name acts as no placeholder
SILENT = {problems.NOT_OFFERED, problems.NOT_TOGETHER, problems.NO_QUESTION}  # a page lets nobody do these
ONE_VALUE = ("single", "scale", "acknowledge")

RUN = """async text => {
  const {work, problem, filled} = await import('/form.js');
  return JSON.stringify(JSON.parse(text).map(({data, fields}) => {
    const state = work(data, code => fields[code] || []);
    return {
      answers: state.answers,
      relevant: [...state.relevant],
      offered: [...state.offered].map(([code, passing]) => [code, [...passing]]),
      problems: data.items.map(item => [item.code, problem(data, item, state, true)]).filter(([, said]) => said),
      texts: data.texts.map(({parts}) => filled(data, state.answers, parts)),
    };
  }));
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A page that may run the site's scripts and nothing else."""
    with with_script_alone(browser, "form.js") as page:
        yield page


def filled_in(questionnaire: Questionnaire, codes: set[str], random: Random) -> dict[str, list[str]]:
    """Values of the fields of some questions."""
    return {q.code: given(q, random) for q in questionnaire.questions if q.code in codes}


def run_of(questionnaire: Questionnaire, random: Random) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A page drawn for some answers, then changed: what the script gets, and what the server makes of it."""
    context = Context(NOW, str(random.random()), labels=labels(questionnaire, TONGUE, UNIT), unit="3701")
    everything = {question.code for question in questionnaire.questions}
    for screen in screens(questionnaire):
        before = initial(questionnaire, context) | filled_in(questionnaire, everything, random)
        drawn = recompute(questionnaire, before, context, draft=True)
        shown = [item for item in screen.items if item.code in drawn.relevant]
        if not shown:
            continue
        here = [item.code for item in (*shown, *later_parts(questionnaire, screen, drawn))]
        data = live.of_items(questionnaire, here, before, context, TONGUE, UNIT)
        after = before | filled_in(questionnaire, set(here), random)
        for item in data["items"]:  # nobody can choose what is not drawn
            question = questionnaire.question(item["code"])
            if "filter" not in item and question.choice_filter is not None and question.code in here:
                codes = {choice.code for choice in offered(question, drawn.answers, context)}
                after[question.code] = [code for code in after[question.code] if code in codes]
        yield (
            {"data": json.loads(str(live.block(data))), "fields": after},
            expected(questionnaire, data, here, drawn, recompute(questionnaire, after, context), context),
        )


def expected(
    questionnaire: Questionnaire, data: dict[str, Any], here: list[str], drawn: State, state: State, context: Context
) -> dict[str, Any]:
    told = [item["code"] for item in data["items"]]
    spoken = said(questionnaire, state.answers, TONGUE, UNIT)
    for code in set(here) - set(told):  # nothing on the page changes what the script is told nothing of
        assert (code in drawn.relevant) == (code in state.relevant), code
    wrong: dict[str, str] = {}
    for found in state.problems:
        if found.question in here and found.message not in SILENT:
            wrong.setdefault(found.question, found.say(language.gettext, TONGUE, UNIT, spoken))
    silent = {code for code in wrong if questionnaire.question(code).type in ONE_VALUE and code not in told}
    assert not silent, "what can be wrong on a page is told to the script"
    words = {}
    for section in questionnaire.sections:
        for item in section.items:
            if item.code in here:
                words.update(
                    (tuple(place), text.fill(TONGUE, UNIT, spoken))
                    for place, text in live_words.words_of(item, section)
                )
    return {
        "answers": {
            code: list(answer) if isinstance(answer, tuple) else answer
            for code, answer in state.answers.items()
            if code in told or code in data["known"]
        },
        "relevant": [code for code in told if code in state.relevant],
        "problems": [[code, wrong[code]] for code in told if code in wrong],
        "texts": [words[tuple(text["at"])] for text in data["texts"]],
    }


def apart(here: Any, there: Any) -> tuple[Any, Any]:
    """What only one of two has."""
    one, other = ([*value.items()] if isinstance(value, dict) else value for value in (here, there))
    return [each for each in one if each not in other], [each for each in other if each not in one]


def test_a_page_and_the_server_make_the_same_of_the_same_answers(page: Any) -> None:
    token = language.current.set("en")
    runs, wanted, seeds = [], [], []
    for seed in range(QUESTIONNAIRES):
        questionnaire, random = read(seed), Random(seed)
        for _ in range(ROUNDS):
            for run, result in run_of(questionnaire, random):
                runs.append(run)
                wanted.append(result)
                seeds.append(seed)
    language.current.reset(token)
    found = json.loads(page.evaluate(RUN, json.dumps(runs)))
    differences = []
    for seed, result, one in zip(seeds, wanted, found, strict=True):
        for part, value in result.items():
            if one[part] != value:
                differences.append((seed, part, *apart(value, one[part])))
    assert differences[:3] == []
    assert len(runs) > 1000
    counted = {
        part: sum(len(result[part]) for result in wanted) for part in ("relevant", "answers", "problems", "texts")
    }
    assert min(counted.values()) > 200, counted


def test_the_script_is_small_and_built_from_its_sources() -> None:
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()[:16]
    assert BUILT.read_text(encoding="utf-8").startswith(f"/* source/form.js and expressions.js {digest}, by make js */")
    assert len(gzip.compress(BUILT.read_bytes(), 9)) < 14_000


def test_the_script_makes_neither_code_nor_markup_of_words() -> None:
    built = BUILT.read_text(encoding="utf-8")
    for name in (
        "eval(",
        "Function(",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "localStorage",
    ):
        assert name not in built, name
