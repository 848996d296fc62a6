"""A published version becomes a campaign, and a live campaign moves to the next version."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import msgspec

from evaluator.accounts.tables import Account
from evaluator.collection.tables import Campaign, CampaignUnit
from evaluator.ledger.tables import LogLeaf
from evaluator.units.tables import Unit
from tests.days import local_day
from tests.editing.conftest import HOME, SMALL, Site

ADDRESS = f"{HOME}/small/1/campaign"
TODAY = local_day()
FORM = {
    "code": "c-2026", "title-zh": "T-zh", "title-en": "Our survey", "responsible-zh": "R-zh",
    "responsible-en": "The office", "contact": "office@example.org", "units": "37", "below": "yes",
    "opens": (TODAY - timedelta(1)).isoformat(), "closes": (TODAY + timedelta(9)).isoformat(), "kept-months": "12",
    "open-link": "yes", "when": "now",
}  # fmt: skip


async def publish(site: Site, version: str = "1", text: str = SMALL) -> None:
    await site.bring(text.replace('version: "1"', f'version: "{version}"'))
    page = (await site.get(f"{HOME}/small/{version}/publish")).text
    digest = re.findall(r'name="digest" value="(\w+)"', page)[0]
    assert (await site.post(f"{HOME}/small/{version}/publish", {"digest": digest})).status_code == 303


async def test_a_published_version_becomes_a_campaign_that_the_public_can_answer(site: Site) -> None:
    await publish(site)
    page = await site.get(ADDRESS)
    assert "1 unit, such as Province" in page.text
    made = await site.post(ADDRESS, FORM)
    assert (made.status_code, made.headers["location"]) == (303, "/staff/campaigns/c-2026?done=made")
    assert "small@1" in (await site.get("/staff/campaigns/c-2026")).text
    assert "Did you come to City?" in (await site.get("/rate/c-2026/3701?step=1")).text
    (campaign,) = await Campaign.objects()
    assert (campaign.kept_months, campaign.open_link, campaign.simulated) == (12, True, False)
    assert "Our survey" in (await site.get(f"{HOME}/small/1")).text
    assert "Our survey" in (await site.get(HOME)).text


async def test_accounts_can_be_offered_where_the_site_has_a_provider_of_them(light_site: Site) -> None:
    site = light_site
    await publish(site)
    assert 'name="sign-in"' not in (await site.get(ADDRESS)).text
    await site.post(ADDRESS, {**FORM, "sign-in": "yes"})
    state = site.client._transport.app.state  # type: ignore[attr-defined]
    provider = {
        "oidc_issuer": "https://id.example.org",
        "oidc_client_id": "a",
        "oidc_name_zh": "b",
        "oidc_name_en": "c",
    }
    state.settings = msgspec.structs.replace(state.settings, **provider)
    assert 'name="sign-in"' in (await site.get(ADDRESS)).text
    for code, fields in (("with", {"sign-in": "yes"}), ("without", {})):
        assert (await site.post(ADDRESS, {**FORM, **fields, "code": code})).status_code == 303
    offered = {campaign.code: campaign.sign_in for campaign in await Campaign.objects()}
    assert offered == {"c-2026": False, "with": True, "without": False}


async def test_a_campaign_is_a_draft_until_it_is_opened_on_its_page(site: Site) -> None:
    await publish(site)
    fields = {**FORM, "when": "draft", "target": "400", "targets": "370100\uff0c90\n\n"}
    assert (await site.post(ADDRESS, fields)).status_code == 303
    assert (await site.get("/rate/c-2026/3701?step=1")).status_code == 404
    assert (await site.get("/notice/c-2026")).status_code == 404
    rows = await CampaignUnit.select(CampaignUnit.unit, CampaignUnit.target)
    assert {row["unit"]: row["target"] for row in rows} == {"37": 400, "3701": 90}
    page = (await site.get("/staff/campaigns/c-2026?done=made")).text
    assert "The survey was made." in page
    assert 'href="/staff/campaigns/c-2026/open"' in page
    assert 'href="/staff/campaigns/c-2026/pause"' not in page
    page = (await site.get("/staff/campaigns/c-2026/open")).text
    assert "490 responses wanted from 2 of them, 90 to 400 each" in page
    digest = re.findall(r'name="digest" value="(\w+)"', page)[0]
    await CampaignUnit.update({CampaignUnit.target: 91}).where(CampaignUnit.unit == "3701")
    again = await site.post("/staff/campaigns/c-2026/open", {"digest": digest})
    assert (again.status_code, "changed while you looked at it" in again.text) == (409, True)
    digest = re.findall(r'name="digest" value="(\w+)"', again.text)[0]
    assert (await site.post("/staff/campaigns/c-2026/open", {"digest": digest})).status_code == 303
    assert "Did you come to City?" in (await site.get("/rate/c-2026/3701?step=1")).text
    audit = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == "audit").order_by(LogLeaf.position)
    account = await Account.objects().first()
    assert account is not None
    said = [(one["what"], one["by"]) for one in (json.loads(row["entry"]) for row in audit)]
    assert ("campaign.opened", f"operator {account.id}") in said


async def test_units_are_chosen_by_code_with_those_below_and_by_level(site: Site) -> None:
    await publish(site)
    for number, (fields, units) in enumerate(
        [
            ({"units": "37", "below": ""}, ["37"]),
            ({"units": "370000", "below": "yes"}, ["37", "3701"]),
            ({"units": "37", "below": "yes", "level": "C"}, ["3701"]),
            ({"units": "37,3701 37", "below": "yes"}, ["37", "3701"]),
        ]
    ):
        assert (await site.post(ADDRESS, {**FORM, **fields, "code": f"c-{number}"})).status_code == 303, fields
        campaign = await Campaign.objects().get(Campaign.code == f"c-{number}")
        assert campaign is not None
        rows = await CampaignUnit.select(CampaignUnit.unit).where(CampaignUnit.campaign == campaign.id)
        assert sorted(row["unit"] for row in rows) == units


async def test_a_form_with_mistakes_tells_each_at_its_field_and_makes_nothing(site: Site) -> None:
    await publish(site)
    page = await site.post(ADDRESS, {"code": "Nice Code", "opens": "1/2/2025", "units": "", "kept-months": "999"})
    assert page.status_code == 422
    told = re.findall(r'<a href="#([\w-]+)">', page.text)
    assert told == [
        "code", "title-zh", "title-en", "opens", "closes", "units", "responsible-zh", "responsible-en", "contact",
        "kept-months",
    ]  # fmt: skip
    assert 'value="Nice Code"' in page.text
    for fields, pointer, said in (
        ({"closes": "2020-01-01"}, "closes", "The last day is before the first."),
        ({"units": "99"}, "units", "There is no unit with the code 99."),
        ({"level": "D"}, "units", "None of these units is of the levels that are ticked."),
        ({"title-en": "x" * 500}, "title-en", "At most 160 characters."),
        ({"target": "many"}, "target", "Write a whole number, 0 to 1,000,000."),
        ({"target": "1000001"}, "target", "Write a whole number, 0 to 1,000,000."),
        ({"targets": "37 5\n3701"}, "targets", "Line 2: write a unit&#39;s code and a number"),
        ({"targets": "3702 5"}, "targets", "Line 1: 3702 is no unit of this campaign."),
        ({"units": "\U0001f600"}, "units", "There is no unit with the code"),
    ):
        page = await site.post(ADDRESS, {**FORM, **fields})
        assert page.status_code == 422, fields
        assert f'href="#{pointer}"' in page.text
        assert said in page.text
    assert await Campaign.count() == 0
    await site.post(ADDRESS, FORM)
    again = await site.post(ADDRESS, FORM)
    assert again.status_code == 422
    assert "There is a campaign “c-2026”; choose another code." in html.unescape(again.text)


async def test_an_account_that_is_bound_to_a_unit_asks_about_its_own_only(site: Site) -> None:
    await publish(site)
    await Unit(code="38", kind="area", level="P", name_zh="X-zh", name_en="Other").save()
    await site.become("bound")
    assert ">3701</textarea>" in (await site.get(ADDRESS)).text.replace("\n", "")
    refused = await site.post(ADDRESS, {**FORM, "units": "38"})
    assert refused.status_code == 422
    assert "outside what your account may see" in refused.text
    assert (await site.post(ADDRESS, {**FORM, "units": "3701"})).status_code == 303


async def test_a_draft_makes_no_campaign(site: Site) -> None:
    await site.bring(SMALL)
    assert (await site.get(ADDRESS)).status_code == 409
    assert (await site.post(ADDRESS, FORM)).status_code == 409
    assert await Campaign.count() == 0


async def test_a_live_campaign_moves_to_a_compatible_version_after_its_report(site: Site) -> None:
    await publish(site)
    await site.post(ADDRESS, FORM)
    await site.get("/rate/c-2026/3701?step=1")
    await publish(site, "2", SMALL.replace("Did you come", "Have you been"))
    assert f"{HOME}/small/2/move/c-2026" in (await site.get(f"{HOME}/small/2")).text
    question = await site.get(f"{HOME}/small/2/move/c-2026")
    assert "It shows small@1 now" in question.text
    assert "Nothing breaks comparison" in question.text
    assert "Have you been" in question.text
    moved = await site.post(f"{HOME}/small/2/move/c-2026")
    assert moved.status_code == 303
    page = await site.get(moved.headers["location"])
    assert "The campaign shows this version from now on." in page.text
    assert "Have you been to City?" in (await site.get("/rate/c-2026/3701?step=1")).text
    assert "(until it moved on)" in (await site.get(f"{HOME}/small/1")).text
    assert (await site.post(f"{HOME}/small/2/move/c-2026")).status_code == 409
    assert "it shows this version already" in (await site.get(f"{HOME}/small/2/move/c-2026")).text


async def test_what_breaks_comparison_is_shown_and_not_moved(site: Site) -> None:
    await publish(site)
    await site.post(ADDRESS, FORM)
    await publish(site, "2", SMALL.replace("range: [0, 999]", "range: [0, 99]"))
    question = await site.get(f"{HOME}/small/2/move/c-2026")
    assert "break" in question.text
    assert "Move the campaign</button>" not in question.text
    refused = await site.post(f"{HOME}/small/2/move/c-2026")
    assert refused.status_code == 409
    assert "Did you come to City?" in (await site.get("/rate/c-2026/3701?step=1")).text
    await site.bring(SMALL.replace('version: "1"', 'version: "3"'))
    assert (await site.get(f"{HOME}/small/3/move/c-2026")).status_code == 409
    assert (await site.get(f"{HOME}/small/2/move/none")).status_code == 404


async def test_campaigns_are_the_operator_s_and_need_the_token(site: Site) -> None:
    await publish(site)
    assert (await site.post(ADDRESS, FORM, csrf=False)).status_code == 403
    await site.become("superior")
    for address in (ADDRESS, f"{HOME}/small/1/move/x"):
        assert (await site.get(address)).status_code == 403
        assert (await site.post(address, FORM)).status_code == 403
    assert await Campaign.count() == 0
