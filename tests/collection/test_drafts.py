"""Answers that are not sent yet: kept for the one browser that holds the key, readable to nobody else."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from evaluator.collection import drafts
from evaluator.collection.admission import issue_codes
from evaluator.collection.keeping import forget
from evaluator.collection.tables import Draft, Pending
from tests.collection.conftest import Page, Person

FORM = "/rate/spring/3701"


async def _begun(client, **answers: str | list[str]) -> tuple[Person, Page]:
    citizen = Person(client)
    await citizen.open(FORM)
    return citizen, await citizen.press(**(answers or {"contact": "yes"}))


async def test_who_comes_back_goes_on_with_the_same_answers(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(database_url)) as client:
        citizen, page = await _begun(client)
        place = dict(page.fields)["at"]
        page = await citizen.open(FORM)
        assert "Go on with your answers?" in page.words
        assert "a-contact" not in page.text
        page = await citizen.open(f"{FORM}?step=2")
        assert dict(page.fields)["at"] == place
        assert ("a-contact", "yes") in page.fields


async def test_the_browser_s_back_button_leads_to_the_screen_before(
    sqlite_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen, page = await _begun(client)
        assert page.response.request.method == "GET"  # nothing that a browser would want to send again
        page = await citizen.open(f"{FORM}?step=1")
        assert dict(page.fields)["at"] == "contact"
        assert ("a-contact", "yes") in page.fields
        page = await citizen.press(contact="no")
        assert ("a-contact", "no") in page.fields


async def test_what_is_wrong_is_told_on_the_kept_page_and_only_there(
    sqlite_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = Person(client)
        await citizen.open(FORM)
        page = await citizen.press()
        assert page.response.request.method == "GET"
        assert "Choose an answer" in page.words
        page = await citizen.open(f"{FORM}?step=1")
        assert "Choose an answer" not in page.words


async def test_the_database_holds_a_sealed_text_and_nothing_else(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(database_url)) as client:
        await _begun(client)
        [row] = await Draft.select()
        assert set(row) == {"name", "campaign", "sealed"}
        sealed = bytes(row["sealed"])
        assert b"contact" not in sealed
        assert b"yes" not in sealed
        assert client.cookies["draft"] not in row["name"]


async def test_another_key_opens_nothing(sqlite_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        await _begun(client)
        [row] = await Draft.select()
        key = drafts.read_key({"draft": client.cookies["draft"]})
        assert key is not None
        assert await drafts.find(key) is not None
        assert await drafts.find(secrets.token_bytes(32)) is None
        # moved under another campaign or changed by a bit it does not open
        assert drafts._open(key, row["campaign"] + 1, bytes(row["sealed"])) is None
        *others, last = bytes(row["sealed"])
        assert drafts._open(key, row["campaign"], bytes([*others, last ^ 1])) is None


@pytest.mark.parametrize("cookie", ["", "x", "é" * 43, "=" * 43, "A" * 42 + "!", "A" * 400, "A" * 43])
async def test_a_cookie_that_is_none_of_ours_does_no_harm(
    sqlite_url, app_on, serving, small_campaign, cookie: str
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        headers = {"cookie": b"draft=" + cookie.encode(), "accept": "text/html"}
        for path in (FORM, f"{FORM}?step=1", f"{FORM}?step=99999", f"{FORM}?step=%D9%A1", "/code", "/code/form?step=1"):
            assert (await client.get(path, headers=headers)).status_code in (200, 303)


async def test_sending_deletes_the_draft_and_takes_the_key(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(database_url)) as client:
        citizen, page = await _begun(client, contact="no")
        while ("at", ":review") not in page.fields:
            page = await citizen.press()
        assert "Thank you" in (await citizen.press("send")).words
        assert await Pending.count() == 1
        assert await Draft.count() == 0
        assert "draft" not in client.cookies
        page = await citizen.open(f"{FORM}?step=3")  # Back, after sending: a new form, without the answers
        assert ("a-contact", "no") not in page.fields


async def test_starting_over_deletes_what_was_kept(sqlite_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen, _ = await _begun(client)
        page = await citizen.post(f"{FORM}/forget", [])
        assert page.status == 303
        assert await Draft.count() == 0
        page = await citizen.open(FORM)
        assert dict(page.fields)["at"] == "contact"


async def test_a_code_that_is_entered_again_goes_on_and_once_sent_shows_nothing(
    database_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        [code] = await issue_codes(app.state.settings, "spring", "3701", 1)
        citizen = Person(client)
        await citizen.open("/code")
        await citizen.enter(code)
        page = await citizen.press(contact="no")
        place = dict(page.fields)["at"]
        page = await citizen.enter(code)
        assert dict(page.fields)["at"] == place
        assert ("a-contact", "no") in page.fields
        while ("at", ":review") not in page.fields:
            page = await citizen.press()
        cookies = dict(client.cookies)
        assert "Thank you" in (await citizen.press("send")).words
        assert (await citizen.open("/code/form?step=2")).response.headers["location"] == "/code"
        client.cookies.update(cookies)  # a browser that kept the key all the same
        assert (await citizen.open("/code/form?step=2")).response.headers["location"] == "/code"


async def test_the_next_person_s_code_does_not_open_what_another_began(
    sqlite_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        one, other = await issue_codes(app.state.settings, "spring", "3701", 2)
        citizen = Person(client)
        await citizen.open("/code")
        await citizen.enter(one)
        await citizen.press(contact="no")
        page = await citizen.enter(other)
        assert dict(page.fields)["at"] == "contact"
        assert ("a-contact", "no") not in page.fields
        assert await Draft.count() == 1  # the other person's, with nothing in it yet


async def test_back_from_the_second_screen_shows_the_first_and_asks_nobody_to_send_again(
    database_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        [code] = await issue_codes(app.state.settings, "spring", "3701", 1)
        for way in ("open link", "code"):
            citizen = Person(client)
            page = await citizen.open(FORM if way == "open link" else "/code")
            if way == "code":
                page = await citizen.enter(code)
            first = page.response.request
            assert first.method == "GET", way
            await citizen.press(contact="no")
            page = await citizen.open(str(first.url))
            assert dict(page.fields)["at"] == "contact", way
            assert ("a-contact", "no") in page.fields, way


async def test_drafts_go_after_the_close(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    zone = ZoneInfo("Asia/Shanghai")
    async with serving(app_on(database_url)) as client:
        await _begun(client)
        await forget(datetime(2026, 3, 31, 20, tzinfo=UTC), zone)
        assert await Draft.count() == 1
        await forget(datetime(2026, 4, 2, 1, tzinfo=UTC), zone)
        assert await Draft.count() == 0


async def test_a_draft_too_large_to_keep_travels_with_the_form(
    sqlite_url, app_on, serving, small_campaign, monkeypatch
) -> None:
    await small_campaign()
    monkeypatch.setattr(drafts, "MOST_BYTES", 10)
    async with serving(app_on(sqlite_url)) as client:
        _, page = await _begun(client)
        assert page.response.request.method == "POST"
        assert ("a-contact", "yes") in page.fields
        assert await Draft.count() == 0
