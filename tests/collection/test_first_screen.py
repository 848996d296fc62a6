"""The first screen of an open form is rendered once for many: each gets what would have been rendered for them."""

from __future__ import annotations

import re

import pytest

from evaluator.collection import drafts, first_screen, form
from evaluator.collection.campaigns import LiveCampaign, load_campaign
from evaluator.collection.first_screen import FirstScreens
from evaluator.collection.tables import Campaign
from questionnaires.loading import load_shipped, shipped
from tests.collection.conftest import QUESTIONNAIRE

ADDRESS = "/rate/spring/3701?step=1"
TURNED = QUESTIONNAIRE.replace(
    '        text: {zh: "C-zh {unit}"', '        randomise: true\n        text: {zh: "C-zh {unit}"'
)
VISIT = re.compile(r'name="visit" value="([^"]+)"')


async def opened(client, address: str = ADDRESS, tongue: str = "en") -> str:
    """The page as a browser gets it that holds no cookie."""
    client.cookies.clear()
    found = await client.get(address, headers={"accept": "text/html", "accept-language": tongue})
    assert found.status_code == 200
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["set-cookie"].startswith("draft=")
    return str(found.text)


async def test_everybody_gets_the_same_page_with_a_visit_of_their_own(
    sqlite_url, app_on, serving, small_campaign, clock
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        pages = [await opened(client) for _ in range(3)]
        assert len(app.state.first_screens) == 1
        visits = [VISIT.findall(page) for page in pages]
        assert [len(found) for found in visits] == [1, 1, 1]
        assert len({found[0] for found in visits}) == 3
        assert len({page.replace(found[0], "") for page, found in zip(pages, visits, strict=True)}) == 1
        secret = app.state.secret
        seeds = {form.read_visit(secret, found[0]).seed for found in visits}
        assert len(seeds) == 3
        app.state.first_screens = FirstScreens()
        fresh = await opened(client)
        assert fresh.replace(VISIT.findall(fresh)[0], "") == pages[2].replace(visits[2][0], "")


async def test_languages_units_and_holders_of_cookies_have_pages_of_their_own(
    sqlite_url, app_on, serving, small_campaign, clock
) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        assert "Did you deal with Place 3701?" in await opened(client)
        assert "C-zh zh3701" in await opened(client, tongue="zh-CN")
        assert "Did you deal with Place 3702?" in await opened(client, ADDRESS.replace("3701", "3702"))
        assert "Did you deal with Place 3701?" in await opened(client)
        client.cookies.set("draft", drafts.new_key())
        again = await client.get(ADDRESS, headers={"accept": "text/html", "accept-language": "en"})
        assert "set-cookie" not in again.headers
        assert len(app.state.first_screens) == 4
        assert "Did you deal with Place 3701?" in await opened(client, f"{ADDRESS}&made=up")
        assert len(app.state.first_screens) == 4


async def test_a_changed_campaign_shows_its_change(sqlite_url, app_on, serving, small_campaign, clock) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        first = await opened(client)
        campaigns = app.state.campaigns
        await campaigns.anew(await campaigns.get("spring"))  # read again: nothing has changed
        assert VISIT.sub("", await opened(client)) == VISIT.sub("", first)
        assert len(app.state.first_screens) == 1
        await Campaign.update({Campaign.simulated: True}).where(Campaign.code == "spring")
        await campaigns.anew(await campaigns.get("spring"))
        changed = await opened(client)
        assert VISIT.sub("", changed) != VISIT.sub("", first)


async def test_choices_stand_in_the_order_that_is_recorded(sqlite_url, app_on, serving, small_campaign, clock) -> None:
    await small_campaign(questionnaire=TURNED)
    app = app_on(sqlite_url)
    async with serving(app) as client:
        seen = set()
        for _ in range(40):
            page = await opened(client)
            visit = form.read_visit(app.state.secret, VISIT.findall(page)[0])
            campaign: LiveCampaign = await app.state.campaigns.get("spring")
            drawn = [choice.code for choice in form.choices(campaign.questionnaire.question("contact"), visit)]
            assert re.findall(r'name="a-contact" [^>]*value="([^"]+)"', page) == drawn
            seen.add(tuple(drawn))
        assert len(seen) == len(app.state.first_screens) == 2


@pytest.mark.parametrize(
    "more",
    [
        '      - {code: day, type: date, constraint: ". <= today()", text: {zh: "X", en: "When?"}}\n',
        '      - {code: lot, type: calculate, calculate: "random()"}\n',
        "      - {code: begun, type: metadata, kind: start}\n",
    ],
)  # fmt: skip
async def test_what_reads_the_clock_or_chance_is_never_kept(
    sqlite_url, app_on, serving, small_campaign, clock, more
) -> None:
    head, contact, rest = QUESTIONNAIRE.partition("    items:\n")
    await small_campaign(questionnaire=head + contact + more + rest)
    app = app_on(sqlite_url)
    async with serving(app) as client:
        await opened(client)
        assert len(app.state.first_screens) == 0


def test_the_shipped_forms_for_the_public_are_kept() -> None:
    kept = [code for code in shipped() if first_screen._items(load_shipped(code)) is not None]
    assert {"sd-citizen", "sd-enterprise", "sd-service"} <= set(kept)


async def test_the_memory_is_bounded(sqlite_url, app_on, small_campaign) -> None:
    app_on(sqlite_url)
    await small_campaign()
    campaign = await load_campaign("spring")
    assert campaign is not None
    screens = FirstScreens(most=2)
    for unit in "abc":
        screens.keep((unit,), campaign, "signed", f"<{unit} signed>")
    assert len(screens) == 2
    assert screens.find(("a",), campaign, "other") is None
    assert screens.find(("c",), campaign, "other") == "<c other>"
    screens.keep(("d",), campaign, "signed", "signed twice: signed")
    assert screens.find(("d",), campaign, "x") is None
