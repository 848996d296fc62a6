"""Invitation codes: typed as people type, mistyped as people mistype, kept as hashes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.collection.admission import (
    ALPHABET,
    code_hash,
    find_invitation,
    is_used,
    issue_codes,
    new_code,
    read_code,
    shown_code,
)
from evaluator.collection.tables import Invitation
from evaluator.problems import Problem

SECRET = b"a secret of this test, longer than thirty-two bytes"


def test_every_single_wrong_symbol_and_every_two_that_changed_places_are_caught() -> None:
    for _ in range(40):
        code = new_code()
        assert read_code(code) == code
        for at in range(16):
            for symbol in ALPHABET.replace(code[at], ""):
                assert read_code(code[:at] + symbol + code[at + 1 :]) is None
            for other in range(at + 1, 16):
                swapped = list(code)
                swapped[at], swapped[other] = code[other], code[at]
                assert code[at] == code[other] or read_code("".join(swapped)) is None


def test_a_code_is_read_however_it_is_written() -> None:
    rng = random.Random(7)
    for _ in range(200):
        code = new_code()
        confused = "".join({"0": rng.choice("0Oo"), "1": rng.choice("1IiLl")}.get(c, c) for c in code)
        wide = "".join(chr(ord(c) + 0xFEE0) for c in code)
        for written in (shown_code(code), code.lower(), f"  {code[:5]} {code[5:]}\n", confused, wide, wide.lower()):
            assert read_code(written) == code


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_is_not(text: str) -> None:
    code = read_code(text)
    assert code is None or (len(code) == 16 and set(code) <= set(ALPHABET))


def test_a_hash_depends_on_the_site_and_shows_nothing() -> None:
    code = new_code()
    hashed = code_hash(SECRET, code)
    assert len(hashed) == 64
    assert hashed != code_hash(b"another site's secret, as long as it", code)
    assert code.lower() not in hashed


async def test_codes_are_returned_once_and_only_hashes_are_kept(database_url, small_campaign) -> None:
    await small_campaign()
    codes = await issue_codes(SECRET, "spring", "3701", 600, design_stratum="town", psu="p1")
    assert len(set(codes)) == 600
    kept = await Invitation.select()
    assert {row["code_hash"] for row in kept} == {code_hash(SECRET, code) for code in codes}
    assert {(row["unit"], row["design_stratum"], row["psu"]) for row in kept} == {("3701", "town", "p1")}
    found = await find_invitation(code_hash(SECRET, codes[0]))
    assert found is not None
    assert not await is_used(code_hash(SECRET, codes[0]))


@pytest.mark.parametrize(
    ("campaign", "unit", "number", "words"),
    [
        ("winter", "3701", 1, "There is no campaign “winter”"),
        ("spring", "9999", 1, "There is no unit “9999”"),
        ("spring", "37", 1, "does not ask about the unit “37”"),
        ("spring", "3701", 0, "ask for 1 to 1000000"),
    ],
)
async def test_codes_that_cannot_be_issued_say_why(
    sqlite_url, small_campaign, campaign: str, unit: str, number: int, words: str
) -> None:
    await small_campaign()
    with pytest.raises(Problem, match=words):
        await issue_codes(SECRET, campaign, unit, number)
    assert await Invitation.count() == 0
