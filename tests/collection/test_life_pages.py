"""Pages of a campaign's life: who may decide, what a manifest's file holds, what the notice tells of its history."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date

import pytest
from markupsafe import escape

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, csrf_token, open_session
from evaluator.collection import stages
from evaluator.collection.amending import Changes, amend
from evaluator.collection.labels import Label
from evaluator.collection.tables import Campaign
from evaluator.ledger.files import read_published
from tests.days import local_day

DAY = date(2026, 3, 10)  # the clock's
HEADERS = {"accept": "text/html", "accept-language": "en"}
PASSWORD = "long enough password"
HOME = "/staff/campaigns/spring"


async def signed_in(client, app, account) -> str:
    """Sign a client in; the token that its forms carry."""
    token = await open_session(account.id)
    client.cookies.set(COOKIE, token)
    return csrf_token(app.state.secret, token)


async def test_every_manifest_can_be_fetched_byte_for_byte(
    database_url, app_on, serving, settings, small_campaign
) -> None:
    await small_campaign()
    await amend(settings, "spring", Changes(contact="Office, room 5"), DAY, "The office moved.")
    async with serving(app_on(database_url)) as client:
        newest = await client.get("/notice/spring/manifest.json")
        assert newest.headers["content-type"].startswith("application/json")
        assert newest.json()["contact"] == "Office, room 5"
        page = (await client.get("/notice/spring", headers=HEADERS)).text
        digests = re.findall(r"/notice/spring/manifests/(\w{64})\.json", page)
        assert hashlib.sha256(newest.content).hexdigest() == digests[0]
        assert len(digests) == 2
        first = await client.get(f"/notice/spring/manifests/{digests[1]}.json")
        assert hashlib.sha256(first.content).hexdigest() == digests[1]
        assert first.json()["contact"] == "office@example.org"
        assert (await client.get(f"/notice/spring/manifests/{'0' * 64}.json")).status_code == 404
        for told in (
            "The office moved.", "Whom to ask: Office, room 5, before: office@example.org", "1 change since",
            "The first manifest, logged before anybody could answer.", "Takes less than 25 seconds",
            "at least 50 responses at a time", "there is written evidence",
        ):  # fmt: skip
            assert told in page, told
        assert "/log/campaign/spring/checkpoint" in page
        other = (await client.get("/notice/spring", headers={**HEADERS, "accept-language": "zh-CN"})).text
        assert "office moved" in other
        assert "Takes less than" not in other


async def test_only_operators_of_all_its_units_decide(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    operator = await create_account("op", PASSWORD, "operator")
    superior = await create_account("sup", PASSWORD, "superior", unit="37")
    local = await create_account("local", PASSWORD, "operator", unit="3702")
    above = await create_account("above", PASSWORD, "operator", unit="37")
    app = app_on(database_url)
    async with serving(app) as client:
        assert (await client.post(f"{HOME}/pause", data={}, headers=HEADERS)).status_code in (303, 401)
        for account in (superior, local):
            csrf = await signed_in(client, app, account)
            assert (await client.get(f"{HOME}/pause", headers=HEADERS)).status_code == 403
            assert (await client.post(f"{HOME}/pause", data={"csrf": csrf}, headers=HEADERS)).status_code == 403
        for account in (operator, above):
            csrf = await signed_in(client, app, account)
            assert (await client.post(f"{HOME}/pause", data={"csrf": "x"}, headers=HEADERS)).status_code == 403
            assert [row["stage"] for row in await Campaign.select()] == ["ready"]
            done = await client.post(f"{HOME}/pause", data={"csrf": csrf}, headers=HEADERS)
            assert (done.status_code, done.headers["location"]) == (303, f"{HOME}?done=pause")
            again = await client.post(f"{HOME}/pause", data={"csrf": csrf}, headers=HEADERS)
            assert (again.status_code, "is paused already" in again.text) == (409, True)
            assert (await client.post(f"{HOME}/resume", data={"csrf": csrf}, headers=HEADERS)).status_code == 303


async def test_a_page_says_what_a_decision_does(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    operator = await create_account("op", PASSWORD, "operator")
    app = app_on(database_url)
    async with serving(app) as client:
        csrf = await signed_in(client, app, operator)
        page = (await client.get(f"{HOME}/close", headers=HEADERS)).text
        assert "Today, March 10, 2026, becomes its last day instead of March 31, 2026." in page
        assert (await client.get(f"{HOME}/resume", headers=HEADERS)).status_code == 409
        assert (await client.get(f"{HOME}/seal", headers=HEADERS)).status_code == 404
        assert (await client.post(f"{HOME}/close", data={"csrf": csrf}, headers=HEADERS)).status_code == 303
        page = (await client.get(f"{HOME}?done=close", headers=HEADERS)).text
        assert "The survey was closed, and its new last day is logged." in page
        assert f'href="{HOME}/close"' not in page
        assert (await client.get("/rate/spring/3701", headers=HEADERS)).status_code == 410
    assert read_published(app.state.settings, "campaign/spring").splitlines()[1] == "2"


async def test_an_operator_sees_that_the_database_was_changed_behind_the_log(
    database_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    operator = await create_account("op", PASSWORD, "operator")
    app = app_on(database_url)
    async with serving(app) as client:
        await signed_in(client, app, operator)
        assert "the database says the same" in (await client.get(f"{HOME}/manifest", headers=HEADERS)).text
        await Campaign.update({Campaign.kept_months: 200}, force=True)
        page = (await client.get(f"{HOME}/manifest", headers=HEADERS)).text
        assert "says something else than the manifest of 2026-03-10 about: kept_months" in page.replace(
            local_day().isoformat(), "2026-03-10"
        )


@pytest.mark.parametrize("hostile", ['"><script>alert(1)</script>', "%(x)s %s {{ 7*7 }}", "\u202eevil", "a\nb"])
async def test_no_text_of_a_campaign_breaks_its_pages(
    sqlite_url, app_on, serving, settings, small_campaign, hostile
) -> None:
    await small_campaign(title=Label(hostile, hostile), contact=hostile, responsible=Label(hostile, hostile))
    await amend(settings, "spring", Changes(title=Label("x", "y"), contact="z"), DAY, hostile)
    await stages.do(settings, "spring", "pause", DAY)
    async with serving(app_on(sqlite_url)) as client:
        page = await client.get("/notice/spring", headers=HEADERS)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert str(escape(hostile)) in page.text  # the reason, as it was written
        file = await client.get("/notice/spring/manifest.json")
        assert json.loads(file.content)["title"] == {"zh": "x", "en": "y"}
