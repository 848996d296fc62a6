"""Answering with an account: there and back with a provider that speaks HTTP, and everything that may go wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from evaluator.collection import provider as providers
from evaluator.collection import sign_in
from evaluator.collection.keys import campaign_key, sign_in_hash
from evaluator.collection.tables import Admission, Draft, Pending, Response
from evaluator.settings import Settings
from tests.collection.account_provider import (
    CLIENT,
    OTHER_KEY,
    SECRET,
    LocalProvider,
    signed_with_the_public_key,
    unsigned,
)
from tests.collection.conftest import Clock, Page, Person

ADDRESS = "/account/spring/3701"
Made = Callable[..., Awaitable[None]]


@pytest.fixture
def local(clock: Clock) -> Iterator[LocalProvider]:
    found = LocalProvider(lambda: clock().timestamp())
    yield found
    found.close()


async def leave(person: Person, address: str = f"{ADDRESS}/sign-in") -> str:
    """The provider's address that the site leads to."""
    page = Page(await person.client.get(address, headers=person.headers))
    assert page.status == 303, page.words
    return page.response.headers["location"]


async def come(person: Person, back: str) -> Page:
    """Follow the provider back to the site, and on to what became of it."""
    parts = urlsplit(back)
    return await told(person, await person.open(f"{parts.path}?{parts.query}"))


async def told(person: Person, page: Page) -> Page:
    where = page.response.headers.get("location", "")
    return await person.open(where) if "?said=" in where else page


async def enter(person: Person, local: LocalProvider, login: str = "alice", address: str = ADDRESS) -> Page:
    return await come(person, local.back(await leave(person, f"{address}/sign-in"), login))


async def stored() -> list[Any]:
    """What was counted, whether it waits or not."""
    return [*await Response.select(), *await Pending.select()]


async def answer(person: Person, contact: str = "no") -> Page:
    """To the end of the form."""
    await person.press(contact=contact)
    while "send" not in person.page.buttons:
        await person.press()
    return await person.press("send")


def counted(page: Page) -> bool:
    return page.status == 200 and "Your answers were counted" in page.words


async def test_somebody_signs_in_answers_and_is_counted_once(
    database_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, tmp_path: Path
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(database_url, **local.settings())) as client:
        person = Person(client)
        page = await person.open("/rate/spring/3701")
        assert "Sign in with Province ID" in page.words
        assert "Answer without signing in" in page.words
        page = await enter(person, local)
        assert page.status == 200
        assert "Did you deal with Place 3701?" in page.words
        assert "alice" not in page.text
        assert "Of your account only a scrambled value is kept" in page.words
        assert page.buttons["next"] == ADDRESS
        page = await answer(person)
        assert counted(page)
        [row] = await stored()
        assert (row["mode"], row["unit"], row["design_stratum"], row["psu"]) == ("sign_in", "3701", "", "")
        settings = Settings(data_dir=tmp_path)
        hashed = sign_in_hash(campaign_key(settings, "spring"), local.issuer, "subject of alice", "3701")
        assert [found["code_hash"] for found in await Admission.select()] == [hashed]
        assert await Draft.count() == 0

        page = await enter(person, local)  # the same account again
        assert page.status == 409
        assert "This account was already counted" in page.words
        other = await leave(person, f"{ADDRESS}/sign-in?other=1")
        assert parse_qs(urlsplit(other).query)["prompt"] == ["login"]
        page = await come(person, local.back(other, "bob"))
        assert page.status == 200
        assert counted(await answer(person, "dk"))
        page = await enter(person, local, address="/account/spring/3702")  # the same account on another unit
        assert page.status == 200
        assert counted(await answer(person))
        assert sorted((row["mode"], row["unit"]) for row in await stored()) == [
            ("sign_in", "3701"), ("sign_in", "3701"), ("sign_in", "3702"),
        ]  # fmt: skip


async def test_two_forms_of_one_account_are_one_response(
    database_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(database_url, **local.settings())) as client:
        phone = Person(client)
        await enter(phone, local)
        page = phone.page
        client.cookies.clear()
        desk = Person(client)
        await enter(desk, local)
        assert counted(await answer(desk, "no"))
        phone.page = page
        client.cookies.clear()
        page = await answer(phone, "dk")
        assert page.status == 409
        assert "This account was already counted" in page.words
        assert len(await stored()) == 1


async def test_an_account_that_sends_twenty_forms_at_once_is_one_response(
    database_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(database_url, **local.settings())) as client:
        person = Person(client)
        await enter(person, local)
        await person.press(contact="no")
        while "send" not in person.page.buttons:
            await person.press()
        fields = [field for field in person.page.fields if field[0] != "a-remark"]
        headers = {**person.headers, "content-type": "application/x-www-form-urlencoded"}
        answers = await asyncio.gather(
            *(
                client.post(
                    person.page.buttons["send"], headers=headers,
                    content=urlencode([*fields, ("a-remark", f"remark {number}"), ("to", "send")]),
                )
                for number in range(20)
            )
        )  # fmt: skip
        assert sorted(answer.status_code for answer in answers) == [303, *[409] * 19]
        assert (len(await stored()), await Admission.count()) == (1, 1)


async def test_the_provider_is_asked_for_nothing_but_who_it_is_and_told_nothing(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client, language="zh-CN")
        response = await client.get(f"{ADDRESS}/sign-in", headers=person.headers)
        location = response.headers["location"]
        asked = dict(parse_qsl(urlsplit(location).query))
        challenge, state, nonce = (asked.pop(name) for name in ("code_challenge", "state", "nonce"))
        assert asked == {
            "tenant": "a", "response_type": "code", "client_id": CLIENT, "scope": "openid", "ui_locales": "zh-CN",
            "redirect_uri": "http://127.0.0.1:8000/account/callback", "code_challenge_method": "S256",
        }  # fmt: skip
        assert len(challenge) == 43
        assert len(state) == len(nonce) == 43
        cookie = response.headers["set-cookie"]
        value = cookie.split("=", 1)[1].split(";")[0]
        plain = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        assert not any(secret.encode() in plain for secret in (state, nonce, "spring", "3701"))
        assert cookie.endswith("; Path=/account/callback; Max-Age=600; HttpOnly; SameSite=Lax")
        assert response.headers["cache-control"] == "no-store"
        again = dict(parse_qsl(urlsplit(await leave(person)).query))
        assert challenge != again["code_challenge"]
        assert state != again["state"]
        assert nonce != again["nonce"]


async def test_nothing_of_an_account_is_written_anywhere(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    await small_campaign(sign_in=True)
    given: list[str] = []
    local.token = lambda header, claims: given.append(jwt.encode(header, claims, local.keys[0])) or given[-1]
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client)
        await enter(person, local)
        await person.press(contact="no")
        everything = on_disk(tmp_path)
        assert b"spring" in everything  # the search can find something
        await answer(person)
        everything += on_disk(tmp_path)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("evaluator", "httpx")))
    for secret in ("alice", local.issuer, given[0], given[0].split(".")[1], "subject of"):
        assert secret.encode() not in everything
        assert secret not in ours


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_going_on_later_on_the_same_device_leads_to_where_it_was_left(
    database_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, clock: Clock
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(database_url, **local.settings())) as client:
        person = Person(client)
        await enter(person, local)
        await person.press(contact="yes")
        await person.press(days="7")
        clock.now += timedelta(hours=3)
        page = await person.open(ADDRESS)  # the address that the browser kept
        assert "Go on with your answers?" in page.words
        page = await enter(person, local)  # or the sign-in again
        assert "How often does Place 3701 keep its word?" in page.words
        page = await person.press("back")
        assert 'value="7"' in page.text
        page = await enter(person, local, "bob")  # somebody else at the same device sees nothing of it
        assert "Did you deal with Place 3701?" in page.words
        assert 'value="7"' not in page.text
        assert await Draft.count() == 1
        page = await person.post(f"{ADDRESS}/forget", [])
        assert (page.status, page.response.headers["location"]) == (303, ADDRESS)
        assert await Draft.count() == 0


Alter = Callable[[LocalProvider], object]


def _claim(**claims: Any) -> Alter:
    return lambda local: local.claims.update(claims)


def _set(**changes: Any) -> Alter:
    return lambda local: [setattr(local, name, value) for name, value in changes.items()]


def _signed_by_another(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jwt.encode(header, claims, RSAKey.generate_key(2048, {"kid": "one"}), algorithms=["RS256"])


ATTACKS: dict[str, Alter] = {
    "wrong nonce": _claim(nonce="another"),
    "no nonce": _claim(nonce=None),
    "wrong audience": _claim(aud="another"),
    "more audiences": _claim(aud=[CLIENT, "another"], azp=CLIENT),
    "issued to another": _claim(azp="another"),
    "wrong issuer": _claim(iss="http://127.0.0.1:1"),
    "expired": _claim(exp=1_700_000_000),
    "another access token": _claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no subject": _claim(sub=None),
    "alg none": _set(token=unsigned),
    "HS256 with the public key": _set(token=signed_with_the_public_key),
    "signed by another": _set(token=_signed_by_another),
    "answer of another provider": _set(answer={"iss": "http://127.0.0.1:1"}),
    "answer of nobody": _set(answer={"iss": None}),
    "no code": _set(answer={"code": None}),
    "code that nobody gave": _set(answer={"code": "guessed"}),
}


async def test_every_lie_of_a_provider_is_refused_on_a_readable_page_and_nothing_is_stored(
    database_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, clock: Clock
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(database_url, **local.settings())) as client:
        for name, lie in ATTACKS.items():
            liar = LocalProvider(lambda: clock().timestamp())
            local.claims, local.token, local.answer = liar.claims, liar.token, liar.answer
            liar.close()
            lie(local)
            person = Person(client)
            page = await enter(person, local)
            assert page.status == 400, name
            assert "The sign-in could not be verified" in page.words, name
            assert "Nothing was recorded" in page.words, name
            assert "Sign in with Province ID" in page.words, name
            assert not client.cookies, name
            assert (await Draft.count(), await Admission.count(), len(await stored())) == (0, 0, 0), name
        local.claims, local.answer = {}, {}
        local.token = lambda header, claims: jwt.encode(header, claims, local.keys[0], algorithms=["RS256"])
        assert (await enter(Person(client), local)).status == 200  # without a lie it is believed


async def test_an_answer_counts_only_in_the_browser_that_left_and_only_once(
    database_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, clock: Clock
) -> None:
    await small_campaign(sign_in=True)

    def lost(page: Page) -> bool:
        return page.status == 400 and "This sign-in did not begin here" in page.words

    async with serving(app_on(database_url, **local.settings())) as client:
        person = Person(client)
        back = local.back(await leave(person))
        kept = dict(client.cookies)
        person = Person(client)  # another browser
        assert lost(await come(person, back))
        put_back(person, kept)
        stolen = local.back(await leave(Person(client)), "mallory")  # a flow that the attacker began
        client.cookies.clear()
        put_back(person, kept)
        assert lost(await come(person, stolen))  # swapped state
        for other in (
            back.replace("state=", "state=x"), back.split("?")[0], f"{back}&state=x", f"{back}&code=x",
            back + "&iss=" + "a" * 3000, back.replace("state=", "state=%00"), back.replace("state=", "state=%0d%0aa:b"),
        ):  # fmt: skip
            assert lost(await come(person, other)), other
        for name, value in kept.items():  # another cookie under its name
            for changed in ("", "AAAA", value[:-2], ("B" if value[0] == "A" else "A") + value[1:]):
                client.cookies.clear()
                put_back(person, {name: changed})
                assert lost(await come(person, back)), changed
        client.cookies.clear()
        put_back(person, kept)
        clock.now += timedelta(seconds=sign_in.LASTS + 1)
        assert lost(await come(person, back))  # too late
        clock.now -= timedelta(seconds=sign_in.LASTS + 1)
        assert local.tokens_given == 0  # until here the provider was not even asked
        assert (await come(person, back)).status == 200
        assert cookie_is_gone(person)
        assert lost(await come(person, back))  # replayed by the same browser
        put_back(person, kept)
        page = await come(person, back)  # replayed with a cookie that was kept: the provider takes no code twice
        assert page.status == 400
        assert "The sign-in could not be verified" in page.words
        assert local.tokens_given == 1


def put_back(person: Person, cookies: dict[str, str]) -> None:
    for name, value in cookies.items():
        person.client.cookies.set(name, value, "testserver.local", sign_in.CALLBACK)


def cookie_is_gone(person: Person) -> bool:
    return not any(name.startswith(sign_in.COOKIE) for name in person.client.cookies)


async def test_a_code_of_another_flow_is_refused_by_pkce_and_without_it_by_the_nonce(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        for pkce in (True, False):
            local.checks_pkce = pkce
            mallory = parse_qs(urlsplit(local.back(await leave(Person(client)), "mallory")).query)["code"][0]
            person = Person(client)
            local.answer = {"code": mallory}
            page = await enter(person, local)
            local.answer = {}
            assert page.status == 400
            assert "The sign-in could not be verified" in page.words
        assert local.tokens_given == 1
        assert await Draft.count() == 0


async def test_the_verifier_is_the_one_of_the_challenge_and_a_code_without_it_is_worth_nothing(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await small_campaign(sign_in=True)
    sent: list[dict[str, str]] = []
    exchange = local.exchange

    def watched(given: dict[str, str], authorization: str) -> Any:
        sent.append(dict(given))
        return exchange(given, authorization)

    local.exchange = watched  # type: ignore[method-assign]
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client)
        there = await leave(person)
        await come(person, local.back(there))
        digest = hashlib.sha256(sent[0]["code_verifier"].encode()).digest()
        challenge = parse_qs(urlsplit(there).query)["code_challenge"][0]
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
        honest = {**sent[0], "client_id": CLIENT}
        assert exchange({**honest, "code": _code(local, there)}, "")[0] == 200
        stolen = {name: value for name, value in honest.items() if name != "code_verifier"}
        assert exchange({**stolen, "code": _code(local, there)}, "") == (400, {"error": "invalid_grant"})


def _code(local: LocalProvider, there: str) -> str:
    return parse_qs(urlsplit(local.back(there)).query)["code"][0]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        ("access_denied", 200, "You did not sign in"),
        ("login_required", 200, "You did not sign in"),
        ("temporarily_unavailable", 503, "does not answer as it should"),
        ("unauthorized_client", 503, "have to mend it"),
        ("<b>\n", 503, "have to mend it"),
    ],
)
async def test_what_the_provider_says_went_wrong_is_told_on_a_readable_page(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, error: str, status: int,
    said: str, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await small_campaign(sign_in=True)
    local.answer = {"code": None, "error": error, "error_description": "<script>alert(1)</script>"}
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        page = await enter(Person(client), local)
        assert page.status == status
        assert said in page.words
        assert "alert" not in page.text
        assert "Answer without signing in" in page.words
        assert not client.cookies
    assert "\n" not in "".join(record.getMessage() for record in caplog.records if record.name == "evaluator")


async def test_new_keys_of_the_provider_are_fetched_once(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        assert (await enter(Person(client), local)).status == 200
        local.keys = [OTHER_KEY]
        local.header = {"alg": "RS256", "kid": "two"}
        local.token = lambda header, claims: jwt.encode(header, claims, OTHER_KEY)
        assert (await enter(Person(client), local, "bob")).status == 200
        assert (await enter(Person(client), local, "carol")).status == 200
        assert local.asked.count("/jwks") == 2
        local.header = {"alg": "RS256", "kid": "three"}
        assert (await enter(Person(client), local, "dora")).status == 400
        assert local.asked.count("/jwks") == 3
        assert local.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "calls itself"),
        ({"token_endpoint": "http://example.org/token"}, "must begin with https"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "must begin with https"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"jwks_uri": None}, "jwks_uri"),
        ({"authorization_endpoint": "x" * providers.MOST_BYTES}, "too long"),
    ],
)
async def test_a_provider_that_describes_itself_wrongly_is_not_used(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, metadata: dict[str, Any],
    said: str, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await small_campaign(sign_in=True)
    local.metadata = metadata
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client)
        page = await told(person, await person.open(f"{ADDRESS}/sign-in"))
        assert page.status == 503
        assert "Signing in does not work right now" in page.words
        assert not client.cookies
    assert said in caplog.text


async def test_a_provider_that_is_away_is_told_apart_and_not_asked_again_at_once(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await small_campaign(sign_in=True)
    described = local.described
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        local.described = lambda: {"issuer": 1}  # type: ignore[method-assign,dict-item]
        for _ in range(3):
            person = Person(client)
            assert (await told(person, await person.open(f"{ADDRESS}/sign-in"))).status == 503
        assert len(local.asked) == 1
        assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1  # and said once
        local.described = described  # type: ignore[method-assign]
        monkeypatch.setattr(providers.time, "monotonic", lambda: 1e9)
        assert (await enter(Person(client), local)).status == 200
        person = Person(client)
        back = local.back(await leave(person))
        local.status = 401
        page = await come(person, back)
        assert page.status == 503
        local.close()
        person = Person(client)
        back = local.back(await leave(person))
        page = await come(person, back)
        assert page.status == 503
        assert "does not answer as it should" in page.words


@pytest.mark.parametrize("methods", [None, ["client_secret_basic", "client_secret_post"], ["client_secret_post"]])
@pytest.mark.parametrize("secret", [SECRET, ""])
async def test_the_site_says_who_it_is_as_the_provider_wants_it(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, methods: Any, secret: str
) -> None:
    await small_campaign(sign_in=True)
    local.metadata = {"token_endpoint_auth_methods_supported": methods}
    seen: list[tuple[bool, bool]] = []
    exchange = local.exchange

    def watched(given: dict[str, str], authorization: str) -> Any:
        seen.append((bool(authorization), "client_secret" in given))
        return exchange(given, authorization)

    local.exchange = watched  # type: ignore[method-assign]
    async with serving(app_on(sqlite_url, **local.settings(oidc_client_secret=secret))) as client:
        assert (await enter(Person(client), local)).status == 200
    basic = methods is None or "client_secret_basic" in methods
    assert seen == [(bool(secret) and basic, bool(secret) and not basic)]


async def test_a_campaign_without_sign_in_or_a_site_without_a_provider_has_no_door(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True, open_link=False)
    await small_campaign("autumn")
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client)
        assert "Contact" in (await person.open("/rate/autumn/3701")).words
        assert (await person.open("/account/autumn/3701")).status == 403
        assert (await person.open("/account/autumn/3701/sign-in")).status == 403
        assert (await person.open("/account/spring/370103")).status == 404
        assert "Spring survey" in (await person.open("/rate?campaign=spring")).words
        page = await person.open("/rate/spring/3701")
        assert "Sign in with Province ID" in page.words
        assert "Answer without signing in" not in page.words
        assert "Sign in with Province ID" in (await person.open("/rate/spring/3701?step=1")).words
    async with serving(app_on(sqlite_url)) as client:
        person = Person(client)
        assert (await person.open("/rate?campaign=spring")).status == 403
        assert (await person.open("/rate/spring/3701")).status == 403
        assert (await person.open("/account/spring/3701")).status == 403
        assert (await person.open("/account/callback?state=a&code=b")).status == 404


async def test_a_form_of_one_mode_is_not_taken_at_the_address_of_another(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client)
        await enter(person, local)
        await person.press(contact="no")
        while "send" not in person.page.buttons:
            await person.press()
        fields = [*person.page.fields, ("to", "send")]
        for path in (
            "/rate/spring/3701/send", "/rate/spring/3701", "/code/send", "/code/form", "/account/spring/3702/send",
        ):  # fmt: skip
            assert (await person.post(path, fields)).status == 400, path
        await person.open("/rate/spring/3702?step=1")
        fields = [*person.page.fields, ("a-contact", "no"), ("to", "next")]
        assert (await person.post("/account/spring/3702", fields)).status == 400
        assert await stored() == []


async def test_nobody_signs_in_before_the_first_day_or_after_the_last(
    sqlite_url: str, small_campaign: Made, app_on: Any, serving: Any, local: LocalProvider, clock: Clock
) -> None:
    await small_campaign(sign_in=True)
    async with serving(app_on(sqlite_url, **local.settings())) as client:
        person = Person(client)
        noon = clock.now
        clock.now = noon - timedelta(days=30)
        assert (await person.open(f"{ADDRESS}/sign-in")).status == 403
        clock.now = noon + timedelta(days=30)
        assert (await person.open(f"{ADDRESS}/sign-in")).status == 410
        clock.now = noon.replace(day=31, hour=15, minute=55)  # five minutes before midnight in Shanghai
        back = local.back(await leave(person))
        clock.now += timedelta(minutes=6)
        page = await come(person, back)
        assert page.status == 410
        assert cookie_is_gone(person)
        assert local.tokens_given == 0
