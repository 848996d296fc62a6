"""ID tokens: everything that must hold, broken one at a time. No network, real keys and signatures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from evaluator.collection.id_tokens import LEEWAY, Refused, UnknownKey, subject
from tests.collection.account_provider import (
    CLIENT,
    EC_KEY,
    KEY,
    OTHER_KEY,
    encoded,
    half_hash,
    signed,
    signed_by_hand,
    signed_with_the_public_key,
    unsigned,
)

ISSUER, NOW = "https://id.example.org", 1_780_000_000
HEADER = {"alg": "RS256", "kid": "one"}
CLAIMS = {
    "iss": ISSUER, "sub": "somebody", "aud": CLIENT, "nonce": "n", "iat": NOW, "exp": NOW + 300,
    "at_hash": half_hash("access"),
}  # fmt: skip
ANY = ("RS256", "PS256", "ES256", "HS256", "none")


def published(*keys: Any, **changes: Any) -> list[dict[str, Any]]:
    return [{**key.as_dict(private=False), **changes} for key in keys]


def read(token: str, **changes: Any) -> str:
    given: dict[str, Any] = {
        "keys": published(KEY), "algorithms": ANY, "issuer": ISSUER, "client": CLIENT, "nonce": "n",
        "access_token": "access", "now": NOW, **changes,
    }  # fmt: skip
    return subject(token, **given)


def test_a_token_of_which_everything_holds_gives_its_subject() -> None:
    assert read(signed(HEADER, CLAIMS)) == "somebody"
    assert read(signed(HEADER, {**CLAIMS, "aud": [CLIENT], "azp": CLIENT})) == "somebody"
    assert read(signed({"alg": "RS256"}, CLAIMS)) == "somebody"  # one key only: it needs no name
    without = {name: value for name, value in CLAIMS.items() if name != "at_hash"}
    assert read(signed(HEADER, without)) == "somebody"


@pytest.mark.parametrize(("key", "algorithm"), [(EC_KEY, "ES256"), (KEY, "PS256")])
def test_other_asymmetric_algorithms_are_taken(key: Any, algorithm: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != "at_hash"}
    token = jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])
    assert read(token, keys=published(OTHER_KEY, key)) == "somebody"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"aud": [CLIENT, "another"], "azp": CLIENT}, "meant for others"),
        ({"aud": {CLIENT: 1}}, "aud"),
        ({"azp": "another"}, "azp"),
        ({"iss": "https://id.example.org/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"exp": NOW - LEEWAY}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"iat": NOW + LEEWAY + 1}, "in the future"),
        ({"iat": None}, "iat"),
        ({"nbf": NOW + LEEWAY + 1}, "not yet valid"),
        ({"at_hash": half_hash("another")}, "at_hash"),
        ({"at_hash": 1}, "at_hash"),
        ({"sub": ""}, "subject is blank"),
        ({"sub": "x" * 256}, "too long"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "sub"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused_by_name(claims: dict[str, Any], said: str) -> None:
    changed = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    with pytest.raises(Refused, match=said) as refused:
        read(signed(HEADER, changed))
    assert not isinstance(refused.value, UnknownKey)


@pytest.mark.parametrize("forge", [unsigned, signed_with_the_public_key])
def test_a_token_that_anybody_can_make_is_refused_even_where_the_provider_says_it_does_so(forge: Any) -> None:
    with pytest.raises(Refused, match="not accepted"):
        read(forge(HEADER, CLAIMS))


def test_only_algorithms_that_the_provider_names_are_taken() -> None:
    with pytest.raises(Refused, match="not accepted"):
        read(signed(HEADER, CLAIMS), algorithms=("ES256",))


def test_a_key_that_is_not_published_is_told_apart_so_that_new_ones_can_be_fetched() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    for key, header in ((OTHER_KEY, {"alg": "RS256", "kid": "two"}), (stranger, HEADER)):
        with pytest.raises(UnknownKey):
            read(jwt.encode(header, CLAIMS, key, algorithms=["RS256"]))


def test_a_key_that_the_token_brings_along_is_never_asked() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    header = {"alg": "RS256", "kid": "one", "jwk": stranger.as_dict(private=False)}
    with pytest.raises(Refused):
        read(jwt.encode(header, CLAIMS, stranger, algorithms=["RS256"]))


@pytest.mark.parametrize("changes", [{"use": "enc"}, {"alg": "PS256"}, {"kty": "oct", "k": "c2VjcmV0"}])
def test_a_key_that_is_for_something_else_does_not_count(changes: dict[str, str]) -> None:
    with pytest.raises(UnknownKey):
        read(signed(HEADER, CLAIMS), keys=published(KEY, **changes))


def test_of_several_keys_the_token_has_to_name_one() -> None:
    with pytest.raises(Refused, match="several keys"):
        read(signed({"alg": "RS256"}, CLAIMS), keys=published(KEY, OTHER_KEY))


def test_an_elliptic_key_under_the_name_of_another_kind_is_not_used() -> None:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    token = jwt.encode({"alg": "ES256", "kid": "one"}, CLAIMS, key, algorithms=["ES256"])
    with pytest.raises(UnknownKey):
        read(token)


def test_what_is_no_token_is_refused() -> None:
    header, payload, mark = signed(HEADER, CLAIMS).split(".")
    changed = encoded(json.dumps({**CLAIMS, "sub": "else"}).encode())
    assert read(signed_by_hand(HEADER, CLAIMS)) == "somebody"
    for text in (
        "", "a", "a.b", "a.b.c", "\u00e9.b.c", f"{header}.{payload}", f"{header}.{payload}.",
        f"{header}.{changed}.{mark}", f"{header}.{payload}.{mark}.{mark}.{mark}", "a" * 20_000,
        signed_by_hand(HEADER, []), signed_by_hand({**HEADER, "crit": ["exp"], "exp": 1}, CLAIMS),
        signed_by_hand({"kid": "one"}, CLAIMS), signed_by_hand({"alg": ["RS256"]}, CLAIMS),
    ):  # fmt: skip
        with pytest.raises(Refused):
            read(text)
