"""A campaign's life: what may follow on what, what the public sees of it, and that a pause loses no answer."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evaluator.collection import stages
from evaluator.collection.admission import issue_codes
from evaluator.collection.campaigns import LiveCampaign, load_campaign, state
from evaluator.collection.tables import Campaign, Pending
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from tests.collection.conftest import CLOSES, NOON, OPENS

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 10)
HEADERS = {"accept": "text/html", "accept-language": "en"}
FORM = "/rate/spring/3701"


async def standing(now: datetime = NOON) -> str:
    found = await load_campaign("spring")
    assert found is not None
    return state(found, now, ZONE)


async def turned(app, deed: stages.Deed, day: date = DAY) -> LiveCampaign:
    """Decide, in the database and in the memory of this process."""
    await stages.do(app.state.settings, "spring", deed, day)
    return await app.state.campaigns.anew(await app.state.campaigns.get("spring"))


async def test_a_campaign_goes_through_its_stages(database_url, settings, small_campaign) -> None:
    await small_campaign(draft=True)
    assert await standing() == "draft"
    for deed, then in (("open", "open"), ("pause", "paused"), ("resume", "open"), ("close", "closed")):
        await stages.do(settings, "spring", deed, DAY)
        assert await standing() == then
    assert (await load_campaign("spring")).closes == DAY
    rows = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == "audit").order_by(LogLeaf.position)
    audit = [json.loads(row["entry"]) for row in rows]
    assert [(one["what"], one["code"], one["by"]) for one in audit] == [
        (what, "spring", "command line")
        for what in (
            "campaign.created", "campaign.opened", "campaign.paused", "campaign.resumed", "campaign.closed_early",
        )
    ]  # fmt: skip


async def test_dates_say_the_rest(database_url, small_campaign) -> None:
    await small_campaign()
    opens = datetime(2026, 2, 28, 16, tzinfo=UTC)  # midnight in Shanghai
    assert await standing(opens - timedelta(seconds=1)) == "not_yet"
    assert await standing(opens) == "open"
    assert await standing(datetime(2026, 3, 31, 16, tzinfo=UTC)) == "closed"
    await Campaign.update({Campaign.stage: "paused"}, force=True)
    assert await standing(datetime(2026, 3, 31, 16, tzinfo=UTC)) == "closed"
    await Campaign.update({Campaign.stage: "sealed"}, force=True)
    assert await standing() == "sealed"


@pytest.mark.parametrize(
    ("before", "deed", "day", "words"),
    [
        ([], "open", DAY, "no draft"),
        ([], "resume", DAY, "nothing to resume"),
        ([], "close", date(2026, 2, 20), "begins on 2026-03-01"),
        (["pause"], "pause", DAY, "paused already"),
        (["close"], "close", DAY, "closed on 2026-03-10"),
        (["close"], "resume", DAY, "closed on 2026-03-10"),
        ([], "pause", date(2026, 4, 1), "closed on 2026-03-31"),
    ],
)
async def test_what_does_not_follow_is_refused_with_what_would_be_right(
    database_url, settings, small_campaign, before, deed, day, words
) -> None:
    await small_campaign()
    for one in before:
        await stages.do(settings, "spring", one, DAY)
    rows = await Campaign.select()
    leaves = await LogLeaf.count()
    with pytest.raises(Problem, match=words):
        await stages.do(settings, "spring", deed, day)
    assert (await Campaign.select(), await LogLeaf.count()) == (rows, leaves)


@pytest.mark.parametrize("deed", ["pause", "resume", "close"])
async def test_a_draft_can_only_be_opened_and_in_time(database_url, settings, small_campaign, deed) -> None:
    await small_campaign(draft=True)
    with pytest.raises(Problem, match="never opened"):
        await stages.do(settings, "spring", deed, DAY)
    with pytest.raises(Problem, match="Change its dates first"):
        await stages.do(settings, "spring", "open", CLOSES + timedelta(1))


async def test_a_pause_on_the_last_day_leaves_nothing_open_when_it_is_closed(
    database_url, settings, small_campaign
) -> None:
    await small_campaign()
    await stages.do(settings, "spring", "pause", DAY)
    await stages.do(settings, "spring", "close", DAY)
    assert await standing() == "closed"


async def test_a_draft_does_not_exist_for_the_public(database_url, app_on, serving, settings, small_campaign) -> None:
    await small_campaign(draft=True)
    [code] = await issue_codes(settings, "spring", "3701", 1)
    async with serving(app_on(database_url)) as client:
        for path in (FORM, f"{FORM}?step=1", f"{FORM}/thanks", "/notice/spring", "/rate?campaign=spring"):
            assert (await client.get(path, headers=HEADERS)).status_code == 404, path
        entered = await client.post("/code", data={"code": code}, headers=HEADERS)
        assert (entered.status_code, "There is no such survey" in entered.text) == (404, True)
        for path in ("/rate", "/notice", "/receipt"):
            answer = await client.get(path, headers=HEADERS)
            assert "Spring survey" not in answer.text, path


async def test_a_pause_is_told_and_loses_nothing(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = person(client)
        await citizen.open(FORM)
        await citizen.press(contact="no")
        page = await citizen.press(word="7", remark="Slow")
        await turned(app, "pause")
        held = await citizen.press("next", age="old")  # in the middle of a screen
        assert (held.status, "This survey is paused" in held.words) == (403, True)
        assert ("a-age", "old") in held.fields
        other = await citizen.press("language:zh-CN", age="old")
        assert 'lang="zh-CN"' in other.text
        assert ("a-age", "old") in other.fields
        await citizen.press("language:en", age="old")
        newcomer = await client.get(FORM if citizen.cookies else f"{FORM}?step=1", headers=HEADERS)
        assert newcomer.status_code == 403
        assert "please come back later" in newcomer.text
        await turned(app, "resume")
        page = await citizen.press("next", age="old")
        assert "Check your answers" in page.words
        await turned(app, "pause")
        held = await citizen.press("send")
        assert (held.status, "Nothing of what you answered is lost" in held.words) == (403, True)
        assert await Pending.count() == 0
        await turned(app, "resume")
        sent = await citizen.press("send")
        assert sent.status in (200, 303)
        [row] = await Pending.select()
        assert json.loads(row["answers"]) == {"contact": "no", "word": 7, "remark": "Slow", "age": "old"}
        assert page.status == 200


async def test_a_script_keeps_answers_while_it_is_paused(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = person(client)
        page = await citizen.open(FORM)
        await turned(app, "pause")
        fields = [(name, value) for name, value in page.fields if name != "a-contact"]
        saved = await citizen.post(FORM, [*fields, ("a-contact", "no"), ("to", "save")])
        assert saved.status == 204
        await turned(app, "resume")
        if citizen.cookies:
            page = await citizen.open(f"{FORM}?step=1")
            assert ("a-contact", "no") in page.fields


async def test_who_had_begun_when_it_was_closed_early_has_half_an_hour(
    database_url, app_on, serving, small_campaign, person, clock
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = person(client)
        await citizen.open(FORM)
        page = await citizen.press(contact="no")
        await turned(app, "close")
        assert (await client.get("/rate/spring/3702", headers=HEADERS)).status_code == 410
        clock.now = NOON + timedelta(minutes=29)
        page = await citizen.press()
        assert page.status == 200  # also where a browser with cookies is led to the next step
        clock.now = NOON + timedelta(minutes=30)
        page = await citizen.press()
        assert page.status == 410


async def test_a_campaign_of_before_there_were_stages_counts_as_opened(database_url, small_campaign) -> None:
    await small_campaign()
    assert [(row["stage"], row["closed_early"]) for row in await Campaign.select()] == [("ready", False)]
    assert (OPENS, await standing()) == (date(2026, 3, 1), "open")
