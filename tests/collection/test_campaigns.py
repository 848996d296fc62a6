"""Campaigns: made whole or not at all, remembered for seconds, forgotten after their months."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import Campaigns, Label, load_campaign
from evaluator.collection.keeping import forget, months_later
from evaluator.collection.responses import response_row
from evaluator.collection.tables import Admission, Campaign, CampaignUnit, Invitation, QuestionnaireVersion, Response
from evaluator.problems import Problem
from questionnaires.acceptance import accept
from questionnaires.evaluation import Context
from questionnaires.loading import load_shipped, loads

ZONE = ZoneInfo("Asia/Shanghai")


async def test_a_campaign_is_loaded_with_its_units_and_questionnaire(database_url, small_campaign) -> None:
    await small_campaign()
    found = await load_campaign("spring")
    assert found is not None
    assert sorted(found.units) == ["3701", "370102", "3702"]
    assert found.questionnaire.identifier == "small@1"
    assert (found.opens, found.closes) == (date(2026, 3, 1), date(2026, 3, 31))
    assert found.title == Label("S-zh", "Spring survey")
    assert await load_campaign("../etc/passwd") is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"opens": date(2026, 4, 2), "closes": date(2026, 4, 1)}, "closes"),
        ({"units": []}, "units"),
        ({"units": ["3701", "9999"]}, "units"),
        ({"title": Label(" ", "x")}, "title-zh"),
        ({"title": Label("x", "x" * 201)}, "title-en"),
        ({"contact": ""}, "contact"),
        ({"kept_months": 0}, "kept-months"),
        ({"code": "Spring 26"}, "code"),
    ],
)
async def test_what_is_wrong_with_a_campaign_is_told_by_field(sqlite_url, small_campaign, changes, field) -> None:
    with pytest.raises(Problem) as refused:
        await small_campaign(**changes)
    assert [error.pointer for error in refused.value.errors] == [field]
    assert (await Campaign.count(), await CampaignUnit.count(), await QuestionnaireVersion.count()) == (0, 0, 0)


async def test_all_that_is_wrong_is_told_at_once(sqlite_url, small_campaign) -> None:
    with pytest.raises(Problem) as refused:
        await small_campaign("NO", contact="", units=[], kept_months=999)
    assert {error.pointer for error in refused.value.errors} == {"code", "contact", "units", "kept-months"}


async def test_a_campaign_exists_once(database_url, small_campaign) -> None:
    await small_campaign()
    with pytest.raises(Problem, match="choose another code"):
        await small_campaign()


async def test_a_version_of_a_questionnaire_never_changes(database_url, small_campaign) -> None:
    await small_campaign()
    [version] = await QuestionnaireVersion.select()
    await small_campaign("again", questionnaire=version["definition"])
    assert await QuestionnaireVersion.count() == 1
    with pytest.raises(Problem, match="raise its number"):
        await small_campaign("third", questionnaire=version["definition"] + "# other words\n")
    assert await Campaign.count() == 2


async def test_a_questionnaire_with_mistakes_is_refused_with_their_lines(sqlite_url, small_campaign) -> None:
    with pytest.raises(Problem) as refused:
        await small_campaign(questionnaire="code: x\nversion: 1\nlanguages: [zh]\nsections: []\n", file="mine.yaml")
    assert refused.value.errors[0].pointer.startswith("mine.yaml:")


async def test_pages_remember_a_campaign_and_learn_of_a_change(sqlite_url, small_campaign) -> None:
    await small_campaign()
    memory = Campaigns(keep_for=0.2)
    first = await memory.get("spring")
    await Campaign.update({Campaign.contact: "new@example.org"}).where(Campaign.code == "spring")
    assert (await memory.get("spring")) is first
    await asyncio.sleep(0.25)
    await memory.get("spring")  # still the old one perhaps, but it is being fetched
    await asyncio.sleep(0.1)
    assert (await memory.get("spring")).contact == "new@example.org"
    assert (await memory.by_number(first.id)).code == "spring"
    assert await memory.by_number(999) is None


async def test_many_who_ask_at_once_are_answered_by_one_query(sqlite_url, small_campaign, monkeypatch) -> None:
    await small_campaign()
    asked = []

    async def counting(code: str):
        asked.append(code)
        return await load_campaign(code)

    monkeypatch.setattr("evaluator.collection.campaigns.load_campaign", counting)
    memory = Campaigns()
    found = await asyncio.gather(*(memory.get("spring") for _ in range(50)))
    assert len({id(campaign) for campaign in found}) == 1
    assert asked == ["spring"]


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 3, 31), 24, date(2028, 3, 31)),
        (date(2027, 12, 30), 2, date(2028, 2, 29)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_end_where_months_end(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


async def test_answers_and_codes_are_deleted_when_their_months_are_over(database_url, settings, small_campaign) -> None:
    await small_campaign(kept_months=1)
    await small_campaign("longer", kept_months=12)
    for number, code in enumerate(("spring", "longer")):
        campaign = await load_campaign(code)
        assert campaign is not None
        accepted = accept(campaign.questionnaire, {"contact": ["no"]})
        rows = [
            response_row(
                campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
                campaign_code=campaign.code, unit="3701", mode="invitation", day=date(2026, 3, 10),
                code_hash=f"{number * 100 + k:064x}",
            )
            for k in range(5)
        ]  # fmt: skip
        await store_in_bulk(settings, rows)
    assert await forget(datetime(2026, 4, 30, 15, 59, tzinfo=UTC), ZONE) == 0  # the last day in Shanghai
    assert await forget(datetime(2026, 4, 30, 16, 0, tzinfo=UTC), ZONE) == 5
    assert (await Response.count(), await Admission.count(), await Invitation.count()) == (5, 5, 5)
    assert {row["campaign"] for row in await Response.select(Response.campaign)} == {campaign.id}


def test_a_response_by_invitation_or_account_needs_its_hash() -> None:
    questionnaire = load_shipped("sd-citizen")
    accepted = accept(questionnaire, {"contact": ["never"]})
    place = {
        "questionnaire_version": 1,
        "campaign": 1,
        "campaign_code": "spring",
        "unit": "37",
        "day": date(2026, 1, 1),
    }
    for mode in ("invitation", "sign_in"):
        with pytest.raises(ValueError, match="has the hash of what admitted it"):
            response_row(questionnaire, accepted, mode=mode, **place)
    assert response_row(questionnaire, accepted, mode="open", **place).code_hash is None


async def test_a_campaign_that_the_form_cannot_ask_is_refused_by_name(sqlite_url, small_campaign) -> None:
    head = 'code: bare\nversion: "1"\nlanguages: [zh, en]\nsections:\n'
    place = "  - code: one\n    title: {zh: a, en: a}\n    items:\n"
    place += "      - {code: where, type: geopoint, text: {zh: b, en: b}}\n"
    with pytest.raises(Problem) as refused:
        await small_campaign(questionnaire=head + place)
    [error] = refused.value.errors
    assert "where asks for a place" in str(error)
    assert await Campaign.count() == 0


def test_what_is_calculated_from_the_clock_is_not_kept() -> None:
    words = "{zh: a, en: a}"
    items = f"      - {{code: days, type: integer, text: {words}}}\n"
    items += '      - {code: at, type: calculate, calculate: "string(now())"}\n'
    items += "      - {code: said, type: calculate, calculate: \"concat('at ', ${at})\"}\n"
    items += '      - {code: twice, type: calculate, calculate: "${days} * 2"}\n'
    head = f'code: q\nversion: "1"\nlanguages: [zh, en]\nsections:\n  - code: s\n    title: {words}\n    items:\n'
    questionnaire = loads(head + items)
    context = Context(now=datetime(2026, 3, 10, 9, 8, 7, tzinfo=UTC))
    accepted = accept(questionnaire, {"days": ["3"]}, context)
    assert "09:08:07" in accepted.answers["said"]
    row = response_row(
        questionnaire, accepted, questionnaire_version=1, campaign=1, campaign_code="spring", unit="37", mode="open",
        day=date(2026, 3, 10),
    )  # fmt: skip
    assert row.answers == '{"days":3,"twice":"6"}'
