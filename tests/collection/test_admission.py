"""Invitation codes: typed as people type, mistyped as people mistype, kept as hashes."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.collection.admission import (
    ALPHABET,
    find_invitation,
    is_used,
    issue_codes,
    new_code,
    read_code,
    shown_code,
)
from evaluator.collection.keys import (
    campaign_key,
    destroy,
    destroyed,
    invitation_hash,
    kept_keys,
    sign_in_hash,
    withdrawal_token,
)
from evaluator.collection.tables import Campaign, Invitation
from evaluator.problems import Problem


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


def test_a_hash_depends_on_the_campaign_and_shows_nothing() -> None:
    code, key, other = new_code(), bytes(32), bytes([1]) * 32
    hashed = invitation_hash(key, code)
    assert len(hashed) == 64
    assert hashed != invitation_hash(other, code)
    assert code.lower() not in hashed
    people = {sign_in_hash(key, *who) for who in (("a", "b", "c"), ("a", "bc", ""), ("ab", "c", ""), ("a", "b", "d"))}
    assert len(people) == 4  # the parts are told apart, and a person is another one for another unit


def test_a_withdrawal_token_belongs_to_one_leaf_of_one_campaign() -> None:
    leaf = "5a" * 32
    token = withdrawal_token(bytes(32), leaf)
    assert len(token) == 24
    assert set(token) <= set(ALPHABET)
    assert token == withdrawal_token(bytes(32), leaf)  # the same when the promise is fetched again
    assert len({token, withdrawal_token(bytes(32), "5b" * 32), withdrawal_token(bytes([1]) * 32, leaf)}) == 3


def test_a_key_is_made_once_however_many_ask_at_once(settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: campaign_key(settings, "spring"), range(40)))
    assert len(found) == 1
    [path] = (settings.data_dir / "keys").iterdir()  # no candidate is left behind
    assert path.name == "campaign-spring"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(kept_keys(settings)) == list(found)
    assert campaign_key(settings, "autumn") not in found


def test_a_destroyed_key_never_comes_back(settings) -> None:
    key = campaign_key(settings, "spring")
    campaign_key(settings, "autumn")
    assert not destroyed(settings, "spring")
    destroy(settings, "spring")
    assert destroyed(settings, "spring")
    with pytest.raises(Problem) as refused:
        campaign_key(settings, "spring")
    assert refused.value.status == 410
    assert list(kept_keys(settings)) == [campaign_key(settings, "autumn")]
    assert key not in (settings.data_dir / "keys" / "campaign-spring").read_bytes()
    destroy(settings, "summer")  # a campaign whose key was never needed
    assert destroyed(settings, "summer")


def test_a_key_cannot_be_asked_for_outside_its_folder(settings) -> None:
    with pytest.raises(ValueError, match="no code of a campaign"):
        campaign_key(settings, "../../evaluator.sqlite")


async def test_codes_are_returned_once_and_only_hashes_are_kept(database_url, settings, small_campaign) -> None:
    await small_campaign()
    assert await find_invitation(settings, new_code()) is None  # no campaign has a key yet
    codes = await issue_codes(settings, "spring", "3701", 600, design_stratum="town", psu="p1")
    assert len(set(codes)) == 600
    kept = await Invitation.select()
    key = campaign_key(settings, "spring")
    assert {row["code_hash"] for row in kept} == {invitation_hash(key, code) for code in codes}
    assert {(row["unit"], row["design_stratum"], row["psu"]) for row in kept} == {("3701", "town", "p1")}
    found = await find_invitation(settings, codes[0])
    assert found is not None
    assert found.code_hash == invitation_hash(key, codes[0])
    assert not await is_used(found.code_hash)
    assert await find_invitation(settings, new_code()) is None


async def test_a_code_finds_its_campaign_among_many_and_none_after_its_key_is_gone(
    database_url, settings, small_campaign
) -> None:
    codes = {}
    for name in ("spring", "summer", "autumn"):
        await small_campaign(name)
        [codes[name]] = await issue_codes(settings, name, "3701", 1)
    campaigns = {row["code"]: row["id"] for row in await Campaign.select()}
    for name, code in codes.items():
        found = await find_invitation(settings, code)
        assert found is not None
        assert found.campaign == campaigns[name]
    destroy(settings, "summer")
    assert await find_invitation(settings, codes["summer"]) is None
    with pytest.raises(Problem, match="appeals"):
        await issue_codes(settings, "summer", "3701", 1)


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
    sqlite_url, settings, small_campaign, campaign: str, unit: str, number: int, words: str
) -> None:
    await small_campaign()
    with pytest.raises(Problem, match=words):
        await issue_codes(settings, campaign, unit, number)
    assert await Invitation.count() == 0
