"""The questionnaires that ship with it, and the examples in the documentation of the package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from itertools import pairwise
from pathlib import Path

import pytest

import questionnaires
from questionnaires.acceptance import check
from questionnaires.definition import NEVER_SCORED, Question, ScoreAny, ScoreByChoice, ScoreLinear, Words
from questionnaires.evaluation import Context, calculation
from questionnaires.length import lengths, ways
from questionnaires.loading import is_shipped, load_shipped, loads, remarks, shipped, shipped_text
from questionnaires.quality_reading import QUALITY_KEYS
from questionnaires.question_reading import QUESTION_KEYS, TYPES
from questionnaires.questionnaire_reading import KEYS
from questionnaires.scoring import score, scoring
from questionnaires.screens import visible
from questionnaires.section_reading import MATRIX_KEYS, REPEAT_KEYS, SECTION_KEYS

# The codes that the province's scheme names as items of its citizens' indicators.
ITEMS_OF_THE_SCHEME = {"reasons", "info", "on_time", "equal", "extra", "problem", "fair", "kept", "due", "word"}


@pytest.mark.parametrize("code", shipped())
def test_a_shipped_questionnaire_has_the_code_of_its_file(code: str) -> None:
    assert load_shipped(code).code == code


def test_an_unknown_shipped_questionnaire_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match="sd-citizen"):
        shipped_text("../sd-citizen")


def test_only_an_unchanged_shipped_form_is_one() -> None:
    text = shipped_text("sd-citizen")
    assert is_shipped(load_shipped("sd-citizen"))
    assert is_shipped(loads("# a remark\n" + text))
    assert not is_shipped(loads(text.replace("score: 40", "score: 45")))
    assert not is_shipped(loads(text.replace("code: sd-citizen", "code: ours")))


def test_every_item_that_the_scheme_rates_by_has_a_score() -> None:
    scored = {item.item for item in scoring(load_shipped("sd-citizen")) if item.kind != "none"}
    assert scored == ITEMS_OF_THE_SCHEME


def test_citizens_may_leave_every_question_blank() -> None:
    assert not any(q.required_always or q.required for q in load_shipped("sd-citizen").questions)


def test_every_question_of_the_citizens_has_a_way_not_to_answer() -> None:
    for question in load_shipped("sd-citizen").questions:
        assert {choice.code for choice in question.choices} & set(NEVER_SCORED), question.code


def test_both_languages_say_everything_within_the_width_of_a_phone() -> None:
    questionnaire = load_shipped("sd-citizen")
    for question in questionnaire.questions:
        assert set(dict(question.text.texts)) == {"zh", "en"}
        assert len(question.text["zh"]) <= 60
        for choice in question.choices:
            assert len(choice.text["zh"]) <= 20
            assert len(choice.text["en"]) <= 64


def test_the_citizens_questionnaire_has_every_code_once_meaning_one_thing() -> None:
    said: dict[str, set[str]] = {}
    for question in load_shipped("sd-citizen").questions:
        for choice in question.choices:
            if choice.code in NEVER_SCORED:
                said.setdefault(choice.code, set()).add(choice.text["en"])
    assert said == {"dk": {"Don't know", "Don't remember", "Cannot compare"}, "skip": {"Prefer not to say"}}


# --- every form that ships ----------------------------------------------------------------------------------------

CHINESE = re.compile("[\u4e00-\u9fff]")
LANGUAGES = ("zh", "en")
FORMS = {code: load_shipped(code) for code in shipped()}
BY_FORM = pytest.mark.parametrize("code", FORMS)
# Scored choices that do not go down in the order of the file, and why.
NOT_DESCENDING = {
    ("sd-citizen", "on_time"): "that no time was given is told apart from the times that were",
    ("sd-citizen", "equal"): "favour is unequal too, and stands where people look for it",
}


def test_there_is_a_form_for_citizens_enterprises_a_service_and_assessors() -> None:
    assert set(FORMS) == {"sd-assessor", "sd-citizen", "sd-enterprise", "sd-service"}
    assert [form.code for form in FORMS.values() if form.audience == "assessors"] == ["sd-assessor"]


@BY_FORM
def test_a_form_loads_without_mistakes_or_remarks(code: str) -> None:
    assert remarks(shipped_text(code)) == []
    assert FORMS[code].languages == LANGUAGES
    assert FORMS[code].translating == ()


@BY_FORM
def test_every_text_of_a_form_stands_in_both_languages(code: str) -> None:
    for place, words in FORMS[code].texts():
        said = dict(words.texts)
        assert set(said) == set(LANGUAGES), place
        assert CHINESE.search(said["zh"]) or re.fullmatch(r"[\d\W]+", said["zh"]), place
        assert not words.stale(), place
        if not place.endswith(("source", "tested")):  # where a document without an English name may be named
            assert not CHINESE.search(said["en"]), place


@BY_FORM
def test_a_form_and_each_of_its_items_say_where_they_come_from_and_how_they_were_tested(code: str) -> None:
    form = FORMS[code]
    for place, thing in [("form", form), *((item.code, item) for item in form.items)]:
        for words in (thing.source, thing.tested):
            assert words is not None, place
            assert all(text.strip() for _, text in words.texts), place


@BY_FORM
def test_everything_that_is_chosen_can_be_left_open(code: str) -> None:
    for question in FORMS[code].questions:
        if question.type in ("single", "multiple", "scale") and question.code != "level":
            assert {choice.code for choice in question.choices} & set(NEVER_SCORED), question.code
    required = {q.code for q in FORMS[code].questions if q.required_always or q.required is not None}
    assert bool(required) == (FORMS[code].audience == "assessors")


@BY_FORM
def test_who_does_not_know_or_does_not_say_has_no_score(code: str) -> None:
    tried = 0
    for item, question in zip(scoring(FORMS[code]), _counted(code), strict=True):
        for choice in question.choices:
            if choice.code in NEVER_SCORED:
                answer = (choice.code,) if question.type == "multiple" else choice.code
                assert score(item, answer) is None, (question.code, choice.code)
                tried += 1
    assert tried


def _counted(code: str) -> list[Question]:
    columns = {item.item for item in scoring(FORMS[code])}
    return [question for question in FORMS[code].questions if question.code in columns]


@BY_FORM
def test_scores_go_down_in_the_order_of_the_choices(code: str) -> None:
    found = 0
    for question in FORMS[code].questions:
        found += question.score is not None
        if isinstance(question.score, ScoreByChoice):
            scores = [choice.score for choice in question.choices if choice.score is not None]
            descending = all(one > other for one, other in pairwise(scores))
            assert descending != ((code, question.code) in NOT_DESCENDING), question.code
            assert (max(scores), min(scores)) == (100, 0), question.code
        elif isinstance(question.score, ScoreAny):
            assert (question.score.hit, question.score.miss) == (0, 100), question.code
            assert "none" in question.exclusive or "no_reason" in question.exclusive, question.code
        elif isinstance(question.score, ScoreLinear):
            assert {question.score.low, question.score.high} == {0, 100}, question.code
            assert (question.score.low < question.score.high) == (question.code != "overdue_share"), question.code
    assert found


@BY_FORM
def test_nobody_is_asked_for_a_name_a_number_or_a_place(code: str) -> None:
    public = FORMS[code].audience == "public"
    for question in FORMS[code].questions:
        assert not (public and question.type in ("text", "date", "datetime", "file")), question.code
        assert not question.type.startswith("geo"), question.code
    asked = " ".join(words["en"].lower() for place, words in FORMS[code].texts() if place.endswith("/text"))
    assert not re.search("your (full )?name|telephone number|phone number|identity|address of your", asked)


@BY_FORM
def test_something_else_stands_behind_what_is_named(code: str) -> None:
    for question in FORMS[code].questions:
        codes = [choice.code for choice in question.choices]
        if "other" in codes and question.type == "multiple":
            assert not question.randomise, question.code
            assert set(codes[codes.index("other") + 1 :]) <= {*question.exclusive}, question.code


@BY_FORM
def test_no_section_is_called_like_the_place_after_the_last_screen(code: str) -> None:
    assert "review" not in {section.code for section in FORMS[code].sections}


@BY_FORM
def test_questions_and_choices_of_the_public_fit_a_phone(code: str) -> None:
    form = FORMS[code]
    if form.audience == "assessors":
        return
    for question in form.questions:
        assert len(question.text["zh"]) <= 60, question.code
        for choice in question.choices:
            assert len(choice.text["zh"]) <= 20, (question.code, choice.code)
            assert len(choice.text["en"]) <= 64, (question.code, choice.code)


# Median seconds in which a path can be read and answered: at most what the form aims at, give or take an eighth.
PATHS = {
    "sd-citizen": {10: (60, 100), 16: (100, 150)},
    "sd-service": {6: (30, 50), 7: (45, 60)},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", PATHS)
def test_a_short_form_takes_the_time_that_it_promises(code: str, language: str) -> None:
    found = ways(FORMS[code], language)
    assert found is not None
    assert {way.questions for way in found} == {(count, count) for count in PATHS[code]}
    for way in found:
        least, most = PATHS[code][way.questions[0]]
        assert least <= way.seconds[0] == way.seconds[1] <= most, way


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_firm_with_one_kind_of_dealing_is_done_in_three_minutes_and_with_all_of_them_in_five(language: str) -> None:
    found = ways(FORMS["sd-enterprise"], language)
    assert found is not None
    median = FORMS["sd-enterprise"].target_median
    assert median is not None
    inner = {way.sections[1:-3]: way.seconds[1] for way in found}  # between `firm` and what everybody is asked
    assert {(), ("promises",), ("tender",), ("fees",), ("payments",)} <= set(inner)
    assert max(seconds for sections, seconds in inner.items() if len(sections) <= 1) <= median
    assert max(inner.values()) <= 300
    assert lengths(FORMS["sd-enterprise"]) == (11, *range(13, 31))


# --- enterprises ----------------------------------------------------------------------------------------------------

ENTERPRISE = FORMS["sd-enterprise"]
ASKED_OF = {
    "supply": ["firm", "payments", "officials", "view", "about"],
    "bid": ["firm", "tender", "officials", "view", "about"],
    "invest": ["firm", "promises", "officials", "view", "about"],
    "ppp": ["firm", "payments", "ppp", "officials", "view", "about"],
    "permit": ["firm", "fees", "officials", "view", "about"],
    "none": ["firm", "view", "about"],
    "skip": ["firm", "view", "about"],
}


@pytest.mark.parametrize("dealing", ASKED_OF)
def test_a_firm_is_asked_only_of_what_it_had_dealings_in(dealing: str) -> None:
    assert [s.section.code for s in visible(ENTERPRISE, {"dealings": [dealing]})] == ASKED_OF[dealing]


def test_a_broken_promise_is_asked_after_and_one_kept_in_time_is_not() -> None:
    asked = lambda kept: [  # noqa: E731
        q.code for s in visible(ENTERPRISE, {"dealings": ["invest"], "promise_kept": [kept]}) for q in s.questions
    ]
    assert "promise_why" in asked("few")
    assert "promise_why" not in asked("all")
    assert "promise_why" not in asked("not_due")


def test_what_firms_and_citizens_are_both_asked_has_the_same_codes_and_scores() -> None:
    citizens = {item.item: item for item in scoring(FORMS["sd-citizen"])}
    for form, codes in (("sd-enterprise", ("extra", "word", "fair")), ("sd-service", ("on_time",))):
        own = {item.item: item for item in scoring(FORMS[form])}
        for code in codes:
            theirs = citizens[code]
            assert (own[code].hit, own[code].score_hit, own[code].score_missed) == (
                theirs.hit, theirs.score_hit, theirs.score_missed
            )  # fmt: skip
            assert {k: v for k, v in theirs.scores.items() if k in own[code].scores} == own[code].scores


def test_a_firm_that_says_paid_in_full_and_unpaid_is_flagged_and_kept() -> None:
    sent = {"dealings": ["supply"], "pay": ["unpaid"], "overdue_share": ["0"]}
    assert not check(ENTERPRISE, sent).problems
    (contradiction,) = ENTERPRISE.quality.contradictions
    assert contradiction.flag == "unpaid_but_nothing_open"


# --- a service ------------------------------------------------------------------------------------------------------

SERVICE = FORMS["sd-service"]


def test_the_levels_of_a_review_have_the_names_that_go_with_the_standard() -> None:
    levels = [choice.text["zh"] for choice in SERVICE.question("level").choices if choice.score is not None]
    # 非常满意 满意 基本满意 不满意 非常不满意
    satisfied = "\u6ee1\u610f"
    assert levels == [
        "\u975e\u5e38" + satisfied, satisfied, "\u57fa\u672c" + satisfied, "\u4e0d" + satisfied,
        "\u975e\u5e38\u4e0d" + satisfied,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("level", "asked"),
    [
        *(("very_satisfied", False), ("basically", False), ("dk", False)),
        *(("dissatisfied", True), ("very_dissatisfied", True)),
    ],
)
def test_reasons_are_asked_after_a_bad_review_only(level: str, asked: bool) -> None:
    shown = visible(SERVICE, {"channel": ["hall"], "level": [level]})
    assert any(item.code == "reasons" for screen in shown for item in screen.items) == asked
    assert any(item.code == "next" for screen in shown for item in screen.items) == asked


def test_the_manner_of_staff_is_no_reason_online_and_the_platform_none_at_a_counter() -> None:
    def kept(channel: str, reason: str) -> object:
        sent = {"channel": [channel], "level": ["dissatisfied"], "reasons": [reason]}
        return check(SERVICE, sent).answers.get("reasons")

    assert kept("web", "platform") == ("platform",)
    assert kept("hall", "manner") == ("manner",)
    assert not kept("web", "manner")
    assert not kept("hall", "platform")
    assert kept("machine", "slow") == kept("phone", "slow") == ("slow",)


# --- assessors ------------------------------------------------------------------------------------------------------

ASSESSOR = FORMS["sd-assessor"]
SCHEME = Path(__file__).parents[2] / "evaluator" / "rating" / "schemes" / "sd-integrity.yaml"
UNIT_OF = {"P": "37", "C": "3701", "K": "370102", "T": "370102001", "D": "3701-JY"}


def _criteria() -> dict[str, set[str]]:
    """What the scheme has assessors judge, and at which levels, read from its file: this package knows no schemes."""
    text = SCHEME.read_text(encoding="utf-8")
    found = {}
    for part in text.split("\n  - code: ")[1:]:
        if "\n    source: assessor\n" in part:
            levels = re.search(r"\n    levels: \[([A-Z, ]+)\]", part)
            assert levels
            found[part.split("\n", 1)[0]] = set(levels[1].split(", "))
    return found


def test_assessors_are_asked_what_the_scheme_takes_from_them_at_each_level() -> None:
    criteria = _criteria()
    assert len(criteria) == 8
    assert {q.code for q in ASSESSOR.questions if q.score is not None} == set(criteria)
    for level in UNIT_OF:
        shown = {q.code for s in visible(ASSESSOR, {"level": [level]}) for q in s.questions if q.score is not None}
        assert shown == {code for code, levels in criteria.items() if level in levels}, level


@pytest.mark.parametrize("level", UNIT_OF)
def test_the_level_is_guessed_from_the_code_of_the_unit(level: str) -> None:
    context = Context(unit=UNIT_OF[level])
    default = ASSESSOR.question("level").default_from
    assert default is not None
    assert calculation(default)({}, context) == level


def test_every_criterion_is_scored_from_0_to_10_beside_five_levels_of_evidence_or_not_judged() -> None:
    for code in _criteria():
        scale, evidence = ASSESSOR.question(code), ASSESSOR.question(f"{code}_evidence")
        assert scale.range == (0, 10)
        assert [number for number, _ in scale.anchors] == [0, 3, 5, 8, 10]
        assert [choice.code for choice in scale.choices] == ["dk"]
        assert scale.required_always
        assert evidence.required_always
        assert ASSESSOR.question(f"{code}_file").type == "file"


def test_a_sample_is_told_as_a_share_and_cannot_have_more_hits_than_draws() -> None:
    sent = {"level": ["T"], "law_enforcement_drawn": ["20"], "law_enforcement_met": ["13"]}
    assert check(ASSESSOR, sent, draft=True).answers["law_enforcement_share"] == "65"
    more = sent | {"law_enforcement_met": ["21"]}
    assert "law_enforcement_met" in {problem.question for problem in check(ASSESSOR, more).problems}


def test_no_name_of_a_unit_can_act_as_a_format() -> None:
    assert Words((("en", "{unit} and {unit}"),)).fill("en", "{unit} %s {0}") == "{unit} %s {0} and {unit} %s {0}"


GUIDE = (Path(__file__).parents[2] / "docs" / "questionnaires.md").read_text(encoding="utf-8")


def test_the_guide_names_every_key_and_type() -> None:
    quoted = set(re.findall(r"`([a-z_-]+)(?:: [^`]*)?`", GUIDE))
    assert {*KEYS, *SECTION_KEYS, *QUESTION_KEYS, *QUALITY_KEYS, *TYPES, *REPEAT_KEYS, *MATRIX_KEYS} - quoted == set()


def test_the_example_of_the_guide_loads() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert [question.code for question in loads(example).questions] == ["came", "kind"]


def test_the_examples_in_docstrings_hold() -> None:
    tried = 0
    for module in pkgutil.iter_modules(questionnaires.__path__, "questionnaires."):
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0, module.name
        tried += result.attempted
    assert tried >= 8
