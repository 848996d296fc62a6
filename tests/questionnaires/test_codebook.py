"""Which columns an export for analysis has, what they are called, and what a codebook says of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.codebook import LONGEST, Codebook, _safe, cells, codebook
from questionnaires.columns import columns
from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.support import unsupported_in_campaign
from tests.questionnaires.test_versions import BASE, changed

FIRST = changed()
SECOND = loads(
    BASE.replace('version: "1"', 'version: "2"')
    .replace('en: "Rude"', 'en: "Rude people"')
    .replace(
        "          - {code: other, text",
        '          - {code: lost, text: {zh: "l", en: "Lost"}}\n          - {code: other, text',
    )
    .replace("quality:\n", '      - {code: extra, type: date, text: {zh: "e-zh", en: "When?"}}\nquality:\n')
)
ANSWERS = {
    "came": "yes", "county": "c1", "town": "t1", "what": ("slow", "other"), "kind": 7, "good": "half", "days": 3,
    "share": 0.5, "remark": "=cmd()", "double": "6",
}  # fmt: skip


def names(book: Codebook) -> list[str]:
    return [column.name for column in book.columns]


def test_a_choice_of_several_is_a_column_of_its_own_and_texts_stay_away() -> None:
    book = codebook([FIRST])
    assert names(book) == [
        "q_came", "s_county", "q_town", "q_what_slow", "q_what_rude", "q_what_other", "q_what_none", "o_what",
        "q_kind", "n_kind", "q_good", "o_good", "q_days", "q_share", "q_double",
    ]  # fmt: skip
    assert [question for question, _ in book.left_out] == ["remark", "start"]
    assert "q_remark" in names(codebook([FIRST], texts=True))


def test_a_row_has_what_was_answered_and_blanks_for_the_rest() -> None:
    book = codebook([FIRST], texts=True)
    row = dict(zip(names(book), cells(book, FIRST)(ANSWERS, {"what": "rude slow other none"}), strict=True))
    assert row == {
        "q_came": "yes", "s_county": "c1", "q_town": "t1", "q_what_slow": 1, "q_what_rude": 0, "q_what_other": 1,
        "q_what_none": 0, "o_what": "rude slow other none", "q_kind": "7", "n_kind": 7, "q_good": "half",
        "o_good": None, "q_days": 3, "q_share": 0.5, "q_remark": "=cmd()", "q_start": None, "q_double": "6",
    }  # fmt: skip
    apart = cells(book, FIRST)({"kind": "dk"}, {})
    row = dict(zip(names(book), apart, strict=True))
    assert (row["q_kind"], row["n_kind"], row["q_what_slow"]) == ("dk", None, None)


def test_versions_are_lined_up_and_what_was_not_offered_is_blank() -> None:
    book = codebook([FIRST, SECOND])
    line = dict(zip(names(book), cells(book, FIRST)(ANSWERS, {}), strict=True))
    assert (line["q_what_slow"], line["q_what_lost"], line["q_extra"]) == (1, None, None)
    line = dict(zip(names(book), cells(book, SECOND)({**ANSWERS, "extra": "2026-01-02"}, {}), strict=True))
    assert (line["q_what_slow"], line["q_what_lost"], line["q_extra"]) == (1, 0, "2026-01-02")
    [lost] = [entry for entry in book.entries if entry.column == "q_what_lost"]
    assert lost.versions == "form@2"
    [rude] = [entry for entry in book.entries if entry.column == "q_what_rude"]
    assert (rude.versions, rude.other_words, rude.choice["en"]) == ("form@1 form@2", "form@1", "Rude people")


def test_the_codebook_says_words_scores_and_conditions() -> None:
    book = codebook([FIRST])
    good = [entry for entry in book.entries if entry.column == "q_good"]
    assert [(entry.code, entry.score) for entry in good] == [("", ""), ("all", "100"), ("half", "50"), ("dk", "")]
    assert good[0].words == {"zh": "good-zh", "en": "How good?"}
    assert good[1].choice == {"zh": "all-zh", "en": "All"}
    kind = [entry for entry in book.entries if entry.column == "q_kind"]
    assert kind[0].condition == "(${came} = 'yes') and (not(selected(${what}, 'rude')))"
    assert kind[0].score == "0: 0 ... 10: 100"
    assert [entry.code for entry in kind] == ["", "0", "10", "dk"]
    [slow] = [entry for entry in book.entries if entry.column == "q_what_slow"]
    assert (slow.code, slow.choice["en"], slow.words["en"]) == ("slow", "Slow", "What went wrong?")


def test_every_entry_explains_a_column_and_every_column_is_explained() -> None:
    for code in shipped():
        book = codebook([load_shipped(code)], texts=True)
        assert {entry.column for entry in book.entries} == set(names(book))


@pytest.mark.parametrize("code", shipped())
def test_names_are_those_of_a_snapshot_where_it_has_them(code: str) -> None:
    questionnaire = load_shipped(code)
    several = {f"q_{item.code}" for item in questionnaire.questions if item.type == "multiple"}
    assert set(columns(questionnaire)) - several <= set(names(codebook([questionnaire])))


CLOCK = """
      - {code: begun, type: metadata, kind: start}
      - {code: at, type: calculate, calculate: "string(now())"}
      - {code: since, type: calculate, calculate: "concat('a', ${begun})"}
      - {code: after, type: calculate, calculate: "concat(${at}, 'b')"}
      - {code: key, type: calculate, calculate: "once(uuid())"}
      - {code: shout, type: calculate, calculate: "concat(${remark}, '!')"}
      - {code: louder, type: calculate, calculate: "concat(${shout}, '!')"}
      - {code: long, type: calculate, calculate: "${days} + 1"}
quality:
"""


def test_what_the_clock_says_never_leaves_and_words_of_people_only_when_asked() -> None:
    form = loads(BASE.replace("quality:\n", CLOCK.lstrip("\n")))
    book = codebook([form])
    assert "q_long" in names(book)
    assert dict(book.left_out).keys() == {"remark", "start", "at", "since", "after", "key", "shout", "louder"}
    everything = codebook([form], texts=True)
    assert dict(everything.left_out).keys() == {"at", "since", "after", "key"}
    assert "q_louder" in names(everything)


def test_an_answer_that_is_the_time_at_first_is_refused_by_name() -> None:
    late = BASE.replace("quality:\n", CLOCK.lstrip("\n")).replace('default: "a"', 'default_from: "concat(now(), 1)"')
    form = loads(late)
    assert [mistake.where for mistake in unsupported_in_campaign(form)] == ["start"]
    assert unsupported_in_campaign(loads(BASE)) == ()


CODES = st.text(st.characters(categories=["Lu", "Ll", "Nd", "Lo"], include_characters="_-."), min_size=1, max_size=64)


@settings(deadline=None)
@given(st.lists(CODES, min_size=1, max_size=30))
def test_names_fit_every_program_and_differ(codes: list[str]) -> None:
    taken: set[str] = set()
    for code in codes:
        name = _safe(f"q_{code}", taken)
        assert re.fullmatch(r"[a-z][A-Za-z0-9_]*[A-Za-z0-9]", name)
        assert len(name) <= LONGEST
        assert name.casefold() not in taken
        taken.add(name.casefold())


def test_a_new_choice_does_not_rename_the_columns_of_before() -> None:
    """`a.b` and `a_b` want one name: the older version's has it, wherever the newer one puts its own."""
    words = '{zh: "x", en: "x"}'
    head = "languages: [zh, en]\nsections:\n  - code: s\n    title: {zh: s, en: s}\n    items:\n"
    head += f"      - code: m\n        type: multiple\n        text: {words}\n        choices:\n"
    dotted, plain = (f"          - {{code: {code}, text: {words}}}\n" for code in ("a.b", "a_b"))
    old = loads(f'code: f\nversion: "1"\n{head}{plain}')
    new = loads(f'code: f\nversion: "2"\n{head}{dotted}{plain}')
    found = {column.choice: column.name for column in codebook([old, new]).columns}
    assert found == {"a.b": "q_m_a_b_2", "a_b": "q_m_a_b"}
