"""Loading: a right file loads; each mistake is refused with its line and a remedy; nothing else comes out."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.definition import Questionnaire, ScoreAny, ScoreByChoice, ScoreLinear
from questionnaires.document import MOST_BYTES, MOST_NODES
from questionnaires.loading import check_file, load, loads, shipped_text
from questionnaires.mistakes import DefinitionError

RIGHT = """\
code: visit
version: "1"
languages: [zh, en]
title: {zh: "来访", en: "A visit"}
routes: {came: 6, away: 2}
scale: 0-100
target_seconds: {median: 60, floor: 25}
sections:
  - code: first
    title: {zh: "一", en: "One"}
    items:
      - code: came
        type: single
        required: true
        text: {zh: "您去过{unit}吗？", en: "Did you visit {unit}?"}
        choices:
          - {code: yes, text: {zh: "是", en: "Yes"}}
          - {code: no, text: {zh: "否", en: "No"}}
  - code: second
    title: {zh: "二", en: "Two"}
    note: {zh: "说明", en: "A note"}
    relevant: "${came} = 'yes'"
    items:
      - code: wait
        type: integer
        range: [0, 600]
        score: {rule: linear, low: 100, high: 0}
        text: {zh: "几分钟？", en: "How many minutes?"}
      - code: seen
        type: multiple
        exclusive: [none, dk]
        hint: {zh: "可多选", en: "Choose all that apply"}
        text: {zh: "看到什么？", en: "What did you see?"}
        choices:
          - {code: queue, text: {zh: "队", en: "A queue"}}
          - {code: desk, text: {zh: "台", en: "A desk"}}
          - {code: none, text: {zh: "无", en: "Nothing"}}
          - {code: dk, text: {zh: "不清楚", en: "Don't know"}}
        score: {rule: any, of: [queue], hit: 0, miss: 100, missing: [dk]}
      - code: kind
        type: single
        text: {zh: "态度？", en: "How kind?"}
        choices:
          - {code: good, score: 100, text: {zh: "好", en: "Good"}}
          - {code: poor, score: 12.5, text: {zh: "差", en: "Poor"}}
          - {code: dk, score: null, text: {zh: "不清楚", en: "Don't know"}}
      - code: again
        type: scale
        range: [0, 10]
        labels: {"0": {zh: "不", en: "No"}, dk: {zh: "不清楚", en: "Don't know"}}
        score: {rule: linear, low: 0, high: 100}
        text: {zh: "再来？", en: "Again?"}
  - code: third
    title: {zh: "三", en: "Three"}
    items:
      - code: remark
        type: text
        max_length: 20
        required: "${kind} = 'poor'"
        text: {zh: "还有吗？", en: "Anything else?"}
quality:
  too_fast: {class: under_25_seconds}
  prompted: {if: "selected(${seen}, 'desk')"}
"""
RIGHT = RIGHT.replace(
    "score: {rule: linear, low: 0, high: 100}", "score: {rule: linear, low: 0, high: 100, missing: [dk]}"
)


def mistakes_of(text: str | bytes) -> list[str]:
    with pytest.raises(DefinitionError) as refused:
        loads(text, "a.yaml")
    assert refused.value.mistakes
    assert str(refused.value) == "\n".join(refused.value.lines())
    return refused.value.lines()


def test_a_right_file_loads_into_typed_values() -> None:
    questionnaire = loads(RIGHT)
    assert questionnaire.identifier == "visit@1"
    assert questionnaire.languages == ("zh", "en")
    assert [question.type for question in questionnaire.questions] == [
        "single", "integer", "multiple", "single", "scale", "text",
    ]  # fmt: skip
    assert [choice.code for choice in questionnaire.question("came").choices] == ["yes", "no"]
    assert questionnaire.question("came").required_always
    assert questionnaire.question("kind").score == ScoreByChoice()
    assert questionnaire.question("kind").choice("poor").score == 12.5
    assert questionnaire.question("seen").score == ScoreAny(("queue",), 0, 100, ("dk",))
    assert questionnaire.question("again").score == ScoreLinear(0, 100, ("dk",))
    assert questionnaire.question("again").choices[0].text["en"] == "Don't know"
    assert questionnaire.question("again").anchors[0][1]["en"] == "No"
    assert questionnaire.target_floor == 25


def test_the_same_text_gives_an_equal_and_hashable_questionnaire() -> None:
    assert loads(RIGHT) == loads(RIGHT.encode())
    assert hash(loads(RIGHT)) == hash(loads(RIGHT))


@pytest.mark.parametrize(
    ("old", "new", "below", "said"),
    [
        # keys
        ("version:", "verison:", 0, "did you mean version?"),
        ("version:", "verison:", -1, "version is missing"),
        ("exclusive:", "exclusiv:", 0, "did you mean exclusive?"),
        ("type: single\n        required", "typ: single\n        required", 0, "did you mean type?"),
        ("code: visit", "code: visit\ncode: twice", 1, "stands twice"),
        ("code: visit", "code:", 0, "code is missing"),
        ("code: visit", "code: Visit 1", 0, "small letters"),
        ('version: "1"', 'version: "../1"', 0, "2026.1"),
        ("scale: 0-100", "scale: 0-10", 0, "0-100"),
        ("languages: [zh, en]", "languages: [zh, en, zh]", 0, "stands twice"),
        ("languages: [zh, en]", "languages: [zh, english]", 0, "zh, en or pt-BR"),
        ("code: third", "code: second", 0, "two sections have the code second"),
        ("code: remark", "code: kind", 0, "two questions have the code kind"),
        ("code: remark", "code: Kind", 0, "differ in capital letters only"),
        ("code: remark", "code: 1st", 0, "starts with a letter"),
        ("type: text", "type: txet", 0, "did you mean text?"),
        ("type: text", "type: matrrix", 0, "one of: single, multiple"),
        # texts
        ('en: "A note"', 'en: ""', 0, "nothing where a text belongs"),
        ('zh: "说明", ', "", 0, "zh is missing"),
        ('en: "A note"', 'eng: "A note"', 0, "did you mean en?"),
        ('{zh: "说明", en: "A note"}', '"A note"', 0, "without its language"),
        ("您去过{unit}吗", "您去过{unti}吗", 0, "the only ones are {unit}"),
        ("您去过{unit}吗", "您去过吗", 0, "en names the unit and zh does not"),
        ("Did you visit {unit}", "Did you visit {unit.__class__}", 0, "is no placeholder"),
        ("Did you visit {unit}", "Did you visit ｛unit｝", 0, "is no placeholder"),
        ("Did you visit {unit}", "Did you visit {{unit}}", 0, "is no placeholder"),
        ('"A note"', '"A \\u202enote"', 0, "U+202E"),
        ('"A note"', '"A \\x07note"', 0, "U+0007"),
        ('"A note"', '"' + "x" * 5001 + '"', 0, "at most 5000"),
        ('en: "A note"', "en: [a]", 0, "a list where a text belongs"),
        # choices
        ("          - {code: no,", "          - {code: yes,", 0, "two choices have the code yes"),
        ("{code: no,", '{code: "n o",', 0, "letters, digits"),
        ("exclusive: [none, dk]", "exclusive: [nome, dk]", 0, "did you mean none?"),
        ("exclusive: [none, dk]", "exclusive: [none]", 0, "add it to exclusive"),
        ("exclusive: [none, dk]", "exclusive: [none, dk, none]", 0, "stands twice"),
        # scores
        ("score: 100,", "score: 101,", 0, "from 0 to 100"),
        ("score: 100,", "score: -1,", 0, "from 0 to 100"),
        ("score: 100,", "score: good,", 0, "from 0 to 100"),
        ("score: 100,", "score: .nan,", 0, "from 0 to 100"),
        ("score: 12.5,", "score: 12.3456,", 0, "3 decimals"),
        ("score: 12.5,", "", -1, "write score: null"),
        ("score: null,", "score: 0,", 0, "dk is never scored"),
        ("of: [queue]", "of: [queu]", 0, "did you mean queue?"),
        ("of: [queue]", "of: []", 0, "write at least one"),
        ("of: [queue]", "of: [queue, dk]", 0, "both in of and in missing"),
        (", missing: [dk]}\n      - code: kind", "}\n      - code: kind", 0, "add it to missing"),
        ("rule: any", "rule: linear", 0, "one of: any"),
        ("hit: 0, miss: 100", "hit: 0, miss: 0", 0, "make them differ"),
        ("hit: 0, ", "", 0, "hit is missing"),
        ("- {code: desk,", "- {code: desk, score: 5,", 0, "write a rule"),
        # ranges
        ("range: [0, 10]", "sensitive: true", -2, "add range: [0, 10]"),
        ("range: [0, 10]", "range: [10, 0]", 0, "the lower number first"),
        ("range: [0, 10]", "range: [0, 100]", 0, "use type integer"),
        ("range: [0, 10]", "range: [0]", 0, "two numbers"),
        ("range: [0, 10]", "range: [0, 10.5]", 0, "whole number"),
        ('"0": {zh', '"11": {zh', 0, "outside the range"),
        ("max_length: 20", "max_length: 0", 0, "from 1 to"),
        # keys and roles that do not fit the type
        ("max_length: 20", "exclusive: [a]", 0, "it goes with type multiple"),
        ("max_length: 20", "role: stratum", 0, "needs type single"),
        ("max_length: 20", "role: strata", 0, "did you mean stratum?"),
        ("max_length: 20", "randomise: maybe", 0, "it goes with type single or multiple"),
        ("required: true", "sensitive: maybe", 0, "true or false"),
        ("required: true", "score: {rule: any}", 0, "stand at its choices"),
        ("required: true", "randomise: true\n        reverse_half: true", -2, "keep the one"),
        (
            'text: {zh: "态度？", en: "How kind?"}',
            'role: manipulation\n        text: {zh: "态度", en: "Kind"}',
            0,
            "never scored",
        ),
        # conditions
        ("${came} = 'yes'", "${come} = 'yes'", 0, "did you mean came?"),
        ("${came} = 'yes'", "${kind} = 'good'", 0, "kind comes later"),
        ("${came} = 'yes'", "${came} = 'yse'", 0, "did you mean 'yes'?"),
        ("${came} = 'yes'", "selected(${came}, 'maybe')", 0, "has no choice 'maybe'"),
        ("${came} = 'yes'", "${came} == 'yes'", 0, "one ="),
        ("${came} = 'yes'", "came = 'yes'", 0, "${came}"),
        ("required: \"${kind} = 'poor'\"", "relevant: \"${remark} = 'x'\"", 0, "depends on itself"),
        ("required: \"${kind} = 'poor'\"", "required: \"${seen} = 'queue'\"", 0, "selected(${seen}, 'queue')"),
        ("selected(${seen}, 'desk')", "selected(${saw}, 'desk')", 0, "unknown question saw"),
        ("required: true", "required: ${came}", 0, "depends on itself"),
        # the whole
        ("routes: {came: 6, away: 2}", "routes: {came: 7, away: 2}", 0, "the sections give 2, 6"),
        ("floor: 25", "floor: 30", 0, "make the two agree"),
        ("floor: 25", "floor: 90", 0, "not below the median"),
        ("under_25_seconds", "under_20_seconds", 0, "did you mean under_"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_would_be_right(old: str, new: str, below: int, said: str) -> None:
    line = RIGHT[: RIGHT.index(old)].count("\n") + 1 + below  # where the change is, or so many lines further down
    lines = mistakes_of(RIGHT.replace(old, new, 1))
    assert any(found.startswith(f"a.yaml:{line} ") and said in found for found in lines), lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("just words", "a text where a mapping belongs"),
        ("- a\n- b", "a list where a mapping belongs"),
        ("a: [1", "not YAML"),
        ("a: &x 1\nb: *x", "anchor"),
        ("a: !!python/object:os.system x", "a tag"),
        ("a: 1\n---\nb: 2", "second document"),
        ("a: \x00", "control character"),
        (b"a: \xff", "UTF-8"),
        ("a: \ud800", "UTF-8"),
        ("[" * 100_000, "nest"),
        ("{" * 100_000, "nest"),
        ("[" * 50 + "]" * 50, "nests too deep"),
        ("- " * 500 + "a", "nests too deep"),
        ("- a\n" * (MOST_NODES + 1), "too many values"),
        ("#" + "x" * MOST_BYTES, f"at most {MOST_BYTES}"),
        ("? [a]\n: b", "a key belongs"),
        ("code: {unit} x", "not YAML"),
    ],
)
def test_what_is_no_plain_bounded_yaml_is_refused_quickly(text: str | bytes, said: str) -> None:
    before = time.process_time()
    lines = mistakes_of(text)
    assert len(lines) == 1
    assert said in lines[0]
    assert time.process_time() - before < 2


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = RIGHT.replace("score: 100,", "score: 101,").replace("type: text", "type: txet").replace("unit}吗", "uint}吗")
    with pytest.raises(DefinitionError) as refused:
        loads(text)
    lines = [mistake.line for mistake in refused.value.mistakes]
    assert lines == sorted(lines)
    assert lines == [15, 15, 44, 57]


def test_unreadable_languages_are_one_mistake_and_not_one_at_every_text() -> None:
    (line,) = mistakes_of(RIGHT.replace("languages: [zh, en]", "languages: []"))
    assert "languages: the list of languages is empty" in line


def test_a_question_with_a_mistake_is_still_known_to_later_conditions() -> None:
    (line,) = mistakes_of(RIGHT.replace("code: came\n        type: single", "code: came\n        type: sinlge"))
    assert "did you mean single?" in line
    (line,) = mistakes_of(RIGHT.replace('text: {zh: "您去过{unit}吗？", en: "Did you visit {unit}?"}', "text: {zh: x}"))
    assert "en is missing" in line


def test_a_file_full_of_mistakes_is_given_up_on_soon() -> None:
    choices = ", ".join(f"{{code: k{n}, text: {{zh: x, en: x}}}}" for n in range(3000))
    unknown = ", ".join(f"z{n}z" for n in range(4000))
    item = f"{{code: a, type: multiple, text: {{zh: x, en: x}}, choices: [{choices}], exclusive: [{unknown}]}}"
    before = time.process_time()
    lines = mistakes_of(RIGHT.replace("items:\n      - code: came", f"items:\n      - {item}\n      - code: came"))
    assert time.process_time() - before < 10  # about 1.5 s; looking at all of them took 25 s
    assert len(lines) == 201
    assert lines[-1].endswith("there may be more mistakes after 200; mend these first")


def test_a_mistake_names_its_place_by_codes() -> None:
    lines = mistakes_of(RIGHT.replace("score: 12.5,", "score: 120,"))
    where = "sections/second/items/kind/choices/poor/score"
    what = "120 is not a number from 0 to 100 with at most 3 decimals; write such a number"
    assert lines == [f"a.yaml:45 {where}: {what}"]


def test_yes_and_no_are_words_and_not_booleans() -> None:
    assert [choice.code for choice in loads(RIGHT).question("came").choices] == ["yes", "no"]
    assert loads(RIGHT.replace('version: "1"', "version: 2026.10")).version == "2026.10"


def test_markup_in_words_is_kept_as_text() -> None:
    hostile = "<script>alert(1)</script> &amp; %(name)s %s"
    questionnaire = loads(RIGHT.replace("A note", hostile))
    note = questionnaire.sections[1].note
    assert note is not None
    assert note["en"] == hostile
    assert note.fill("en", "A {unit}") == hostile


def test_words_fall_back_from_a_region_to_its_language_and_then_to_the_first() -> None:
    text = loads(RIGHT).question("came").text
    assert text.fill("en-GB", "<Town>") == "Did you visit <Town>?"
    assert text.fill("zh-CN", "X") == text.fill("zh", "X") == text.fill("fr", "X")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert check_file(tmp_path / "none.yaml") == [
        f"{tmp_path / 'none.yaml'}:1 cannot be read: No such file or directory; name a file that exists"
    ]
    path = tmp_path / "right.yaml"
    path.write_text(RIGHT, encoding="utf-8")
    assert check_file(path) == []
    assert load(path) == loads(RIGHT)


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake() -> None:
    assert loads(b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode()) == loads(RIGHT)


SEEDS = [RIGHT, shipped_text("sd-citizen")]
PIECES = [
    *("{", "}", "[", "]", ":", "- ", "\n", "'", '"', "null", "~", "&a", "*a", "!!str", "#", "\t", "{unit}", "|", ">"),
    *("${x}", "0", "-1", "1e9", "yes", "code", "text", "\u202e", "\0", "%", "%(x)s", "\\", "\ud800", "<<", "? "),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.integers(0, 2**32), st.integers(1, 6))
def test_a_mutated_file_loads_or_is_refused_with_typed_mistakes(text: str, seed: int, changes: int) -> None:
    draw = random.Random(seed)
    for _ in range(changes):
        lines = text.split("\n")
        at, what = draw.randrange(len(lines)), draw.randrange(7)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, lines[draw.randrange(len(lines))])
        elif what == 2:
            lines[at] = " " * draw.randrange(12) + lines[at].lstrip()
        elif what == 3 and lines[at]:
            place = draw.randrange(len(lines[at]))
            lines[at] = lines[at][:place] + draw.choice(PIECES) + lines[at][place:]
        elif what == 4 and lines[at]:
            place = draw.randrange(len(lines[at]))
            lines[at] = lines[at][:place] + lines[at][place + draw.randrange(1, 6) :]
        elif what == 5:
            words = lines[at].split(" ")
            other = lines[draw.randrange(len(lines))].split(" ")
            words[draw.randrange(len(words))] = draw.choice(other)
            lines[at] = " ".join(words)
        else:
            lines[at], lines[-at - 1] = lines[-at - 1], lines[at]
        text = "\n".join(lines) or "\n"
    try:
        questionnaire = loads(text, "a.yaml")
    except DefinitionError as error:
        refused = error
    else:
        assert isinstance(questionnaire, Questionnaire)
        return
    assert all(mistake.line >= 1 and mistake.message() for mistake in refused.mistakes)
    assert all(line.startswith("a.yaml:") and "\n" not in line for line in refused.lines())


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
def test_any_text_loads_or_is_refused_with_typed_mistakes(text: str | bytes) -> None:
    with pytest.raises(DefinitionError):
        loads(text)
