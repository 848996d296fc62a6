"""What is shown: one section a screen, never a question beside the one it depends on; the order of choices."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.loading import load_shipped, loads
from questionnaires.ordering import drawn, orders
from questionnaires.screens import screens, visible

CITIZEN = load_shipped("sd-citizen")
CHAIN = loads("""\
code: chain
version: "1"
languages: [en]
sections:
  - code: one
    title: {en: "One"}
    items:
      - {code: a, type: integer, text: {en: "A"}}
      - {code: b, type: integer, text: {en: "B"}}
      - {code: c, type: integer, relevant: "${b} > 1", text: {en: "C"}}
      - {code: d, type: integer, relevant: "${a} > 1", text: {en: "D"}}
      - {code: e, type: integer, required: "${d} > 1", text: {en: "E"}}
  - code: two
    title: {en: "Two"}
    relevant: "${a} > 5"
    items:
      - {code: f, type: integer, text: {en: "F"}}
""")


def shown(answers: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [(screen.code, [question.code for question in screen.questions]) for screen in visible(CHAIN, answers)]


def test_a_section_is_divided_where_a_question_depends_on_another_one_of_it() -> None:
    divided = [(screen.code, [question.code for question in screen.questions]) for screen in screens(CHAIN)]
    assert divided == [("one", ["a", "b"]), ("one:2", ["c", "d"]), ("one:3", ["e"]), ("two", ["f"])]


def test_what_is_shown_follows_the_answers_so_far() -> None:
    assert shown({}) == [("one", ["a", "b"]), ("one:3", ["e"])]
    assert shown({"a": ["2"]}) == [("one", ["a", "b"]), ("one:2", ["d"]), ("one:3", ["e"])]
    assert shown({"a": ["6"], "b": ["3"]}) == [
        ("one", ["a", "b"]),
        ("one:2", ["c", "d"]),
        ("one:3", ["e"]),
        ("two", ["f"]),
    ]


def test_answers_that_cannot_be_read_and_unknown_fields_show_nothing_more() -> None:
    assert shown({"a": ["six"], "zzz": ["1"]}) == shown({})


def test_the_citizens_see_four_screens_after_contact_and_three_without() -> None:
    assert [screen.code for screen in visible(CITIZEN, {"contact": ["once"]})] == [
        "contact",
        "experience",
        "view",
        "about",
    ]
    for answer in ("never", "dk", ""):
        assert [screen.code for screen in visible(CITIZEN, {"contact": [answer]})] == ["contact", "view", "about"]


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([question.code for question in CITIZEN.questions]))
def test_every_order_shows_every_choice_once_and_leaves_what_stands_apart_in_place(seed: int, code: str) -> None:
    question = CITIZEN.question(code)
    order = drawn(question, seed)
    assert sorted(choice.code for choice in order) == sorted(choice.code for choice in question.choices)
    for place, choice in enumerate(question.choices):
        if choice.code in ("dk", "skip", *question.exclusive):
            assert order[place] == choice
    assert order == drawn(question, seed)
    if not question.randomise and not (question.reverse_half and seed % 2):
        assert order == question.choices
    recorded = orders(CITIZEN, seed).get(code, " ".join(choice.code for choice in question.choices))
    assert recorded == " ".join(choice.code for choice in order)
    assert orders(CITIZEN, seed, {code}) == {c: o for c, o in orders(CITIZEN, seed).items() if c == code}


def test_reversing_turns_the_scored_choices_only() -> None:
    codes = [choice.code for choice in drawn(CITIZEN.question("info"), 1)]
    assert codes == ["not_looked", "not_found", "part", "found", "dk"]
    codes = [choice.code for choice in drawn(CITIZEN.question("kept"), 1)]
    assert codes == ["nearly_none", "few", "half", "most", "nearly_all", "unheard", "dk"]


def test_shuffling_reaches_every_order_of_the_substantive_choices() -> None:
    question = CITIZEN.question("extra")
    seen = Counter(tuple(choice.code for choice in drawn(question, seed)) for seed in range(24_000))
    assert len(seen) == 24  # four choices move
    assert {order[4:] for order in seen} == {("none", "dk", "skip")}
    # each of them as often: chi-squared with 23 degrees of freedom is above 58.6 once in 16,000 times
    assert sum((number - 1000) ** 2 / 1000 for number in seen.values()) < 58.6


def test_many_choices_are_shuffled_as_well() -> None:
    choices = "".join(f"          - {{code: c{at}, text: {{en: C{at}}}}}\n" for at in range(300))
    text = (
        'code: long\nversion: "1"\nlanguages: [en]\nsections:\n  - code: one\n    title: {en: T}\n    items:\n'
        "      - code: a\n        type: single\n        text: {en: A}\n        randomise: true\n        choices:\n"
        + choices
    )
    question = loads(text).question("a")
    orders_seen = [[choice.code for choice in drawn(question, seed)] for seed in range(200)]
    assert all(sorted(order) == sorted(choice.code for choice in question.choices) for order in orders_seen)
    means = [sum(order.index(f"c{at}") for order in orders_seen) / 200 for at in range(0, 300, 50)]
    assert all(abs(mean - 149.5) < 25 for mean in means), means  # standard deviation 6.1


def test_a_section_may_be_called_like_a_part_of_another() -> None:
    text = (
        'code: twins\nversion: "1"\nlanguages: [en]\nsections:\n'
        "  - code: one\n    title: {en: T}\n    items:\n"
        "      - {code: a, type: integer, range: [0, 9], text: {en: A}}\n"
        '      - {code: b, type: integer, range: [0, 9], text: {en: B}, relevant: "${a} > 1"}\n'
        "  - code: one-2\n    title: {en: T}\n    items:\n"
        "      - {code: c, type: integer, range: [0, 9], text: {en: C}}\n"
        "  - code: review\n    title: {en: T}\n    items:\n"
        "      - {code: d, type: integer, range: [0, 9], text: {en: D}}\n"
    )
    assert [screen.code for screen in screens(loads(text))] == ["one", "one:2", "one-2", "review"]
