"""Changing a campaign on the site: what may change, what will be logged before it is, and what stands against it."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import httpx
import pytest

from evaluator.accounts.register import create_account
from evaluator.collection.amending import Changes, amend
from evaluator.collection.tables import Campaign, CampaignUnit, Manifest
from tests.collection.test_batch_pages import HEADERS, PASSWORD, Desk, sit_down

DAY = date(2026, 3, 10)  # the clock's
PATH = "/staff/campaigns/spring/change"


@pytest.fixture
async def desk(database_url: str, app_on: Callable[..., Any], serving: Any, small_campaign: Any) -> AsyncIterator[Desk]:
    await small_campaign()
    await small_campaign("later", opens=date(2026, 3, 20), draft=True)
    app = app_on(database_url)
    async with serving(app) as client:
        yield await sit_down(client, app, (await create_account("op", PASSWORD, "operator")).id)


def fields(page: str) -> dict[str, str]:
    """What the form sends without anybody touching it."""
    found = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        given = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        ticked = given.get("type") != "checkbox" or re.search(r"\bchecked\b", tag)
        if "name" in given and given.get("type") != "file" and ticked:
            found[given["name"]] = given.get("value", "")
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?([^<]*)</textarea>', page):
        found[name] = html.unescape(value)
    return found


async def look(desk: Desk, files: Any = None, code: str = "spring", **changes: str) -> httpx.Response:
    path = PATH.replace("spring", code)
    sent = fields((await desk.client.get(path, headers=HEADERS)).text) | {
        k.replace("_", "-"): v for k, v in changes.items()
    }
    return await desk.client.post(path, data=sent, files=files or {}, headers=HEADERS)


async def confirm(desk: Desk, page: str, code: str = "spring", **changes: str) -> httpx.Response:
    return await desk.client.post(f"/staff/campaigns/{code}/change/done", data=fields(page) | changes, headers=HEADERS)


async def test_what_will_be_logged_is_shown_first_and_then_logged_as_shown(desk: Desk) -> None:
    files = {"targets": ("t.csv", b"unit,target\n3701,400\n")}
    page = await look(desk, files, closes="2026-04-15", contact="Room 5", reason="Letters were late.", target="50")
    assert page.status_code == 200, page.text
    words = html.unescape(page.text)
    for said in (
        "Last day: April 15, 2026, before: March 31, 2026", "Whom to ask: Room 5, before: office@example.org",
        "370102 (0 → 50)", "3701 (0 → 400)", "Letters were late.",
    ):  # fmt: skip
        assert said in words, said
    assert "First day" not in words
    assert await Manifest.count() == 1  # nothing happened
    [row] = await Campaign.select().where(Campaign.code == "spring")
    assert row["contact"] == "office@example.org"
    done = await confirm(desk, page.text)
    assert done.headers["location"] == "/staff/campaigns/spring?done=changed"
    [digest] = re.findall(r"\b[0-9a-f]{64}\b", re.sub(r"<input[^>]*>", "", page.text))
    latest = (await Manifest.select().order_by(Manifest.id))[-1]
    assert (latest["digest"], latest["reason"]) == (digest, "Letters were late.")
    shown = await desk.client.get("/staff/campaigns/spring?done=changed", headers=HEADERS)
    assert "The survey was changed." in shown.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "x"}, "nothing is to be changed"),
        ({"contact": "y"}, "Reason for the change: is blank; say why"),
        ({"closes": "2026-03-01", "reason": "x"}, "is over; the last day is"),
        ({"closes": "some day", "reason": "x"}, "Write a day as 2026-01-31."),
        ({"kept_months": "60", "reason": "x"}, "people were promised 24 months"),
        ({"kept_months": "-1", "reason": "x"}, "Write a whole number"),
        ({"units": "9999", "reason": "x"}, "is no unit; import it first"),
        ({"without": "3701 370102 3702", "reason": "x"}, "none would be left"),
        ({"title_zh": "", "reason": "x"}, "is blank; write a text"),
        ({"contact": "y" * 300, "reason": "x"}, "at most 200 are allowed"),
        ({"contact": "y", "reason": "x" * 401}, "at most 400 are allowed"),
    ],
)
async def test_what_stands_against_a_change_is_told_at_its_field(
    desk: Desk, changes: dict[str, str], words: str
) -> None:
    page = await look(desk, **changes)
    assert page.status_code == 422
    assert words in html.unescape(page.text)
    assert await Manifest.count() == 1
    chinese = {**HEADERS, "accept-language": "zh-CN"}
    sent = fields((await desk.client.get(PATH, headers=chinese)).text)
    sent |= {name.replace("_", "-"): value for name, value in changes.items()}
    other = await desk.client.post(PATH, data=sent, headers=chinese)
    assert words.split(": ")[-1] not in html.unescape(other.text)


async def test_bad_files_are_told_by_their_places(desk: Desk) -> None:
    page = await look(desk, {"targets": ("t.csv", b"unit,target\n3701,many\n")}, reason="x")
    assert (page.status_code, "row 2, column target: many" in page.text) == (422, True)
    later = await look(desk, {"rules": ("r.yaml", b"exclusoin: []")}, code="later")
    assert (later.status_code, "did you mean exclusion?" in later.text) == (422, True)


async def test_a_draft_changes_freely_with_units_days_and_rules(desk: Desk) -> None:
    rules = b"exclusion: [{code: sold_codes, zh: Z, en: Codes were sold.}]"
    page = await look(
        desk, {"rules": ("r.yaml", rules)}, code="later", opens="2026-03-21", units="370103", without="3702",
        open_link="", title_en="A later survey",
    )  # fmt: skip
    assert page.status_code == 200, page.text
    assert "What will be logged" not in page.text
    assert (await confirm(desk, page.text, "later")).status_code == 303
    [row] = await Campaign.select().where(Campaign.code == "later")
    assert (row["title_en"], row["open_link"], "sold_codes" in row["rules"]) == ("A later survey", False, True)
    units = await CampaignUnit.select(CampaignUnit.unit).where(CampaignUnit.campaign == row["id"])
    assert {unit["unit"] for unit in units} == {"3701", "370102", "370103"}
    assert await Manifest.count() == 1


async def test_after_the_first_day_and_after_the_close_less_can_change(desk: Desk, clock: Any) -> None:
    assert not {"opens", "rules"} & fields((await desk.client.get(PATH, headers=HEADERS)).text).keys()
    clock.now = clock.now.replace(month=5)
    page = (await desk.client.get(PATH, headers=HEADERS)).text
    assert set(fields(page)) - {"csrf"} == {"responsible-zh", "responsible-en", "contact", "reason"}
    sure = await look(desk, contact="Room 9", reason="The office moved.")
    assert sure.status_code == 200, html.unescape(re.sub(r"<[^>]*>", "", sure.text))
    assert (await confirm(desk, sure.text)).status_code == 303


async def test_what_was_not_looked_at_is_not_changed(desk: Desk) -> None:
    page = (await look(desk, contact="Room 5", reason="Moved.")).text
    await amend(desk.app.state.settings, "spring", Changes(kept_months=12), DAY, "Shorter.")
    again = await confirm(desk, page)
    assert (again.status_code, "please look again" in again.text) == (409, True)
    [row] = await Campaign.select().where(Campaign.code == "spring")
    assert row["contact"] == "office@example.org"
    assert (await confirm(desk, again.text)).status_code == 303
    forged = await confirm(desk, page, changes='{"kept_months":240}')
    assert forged.status_code == 403


async def test_operators_of_some_units_cannot_change_it_or_take_in_units_of_others(desk: Desk) -> None:
    desk.client.cookies.clear()
    local = await sit_down(desk.client, desk.app, (await create_account("l", PASSWORD, "operator", unit="3702")).id)
    assert (await desk.client.get(PATH, headers=HEADERS)).status_code == 403
    assert (await local.post("/change", contact="x")).status_code == 403
