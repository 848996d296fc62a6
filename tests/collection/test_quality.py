"""Flags at the close, over all responses of a campaign."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from evaluator.collection.export import sources, write_responses
from evaluator.collection.quality import flag_campaign
from evaluator.collection.quality_rules import registered, rules_of
from evaluator.collection.tables import Campaign, QualityFlag, Response
from evaluator.settings import Settings
from questionnaires.loading import loads, shipped_text
from tests.collection.conftest import OPENS

CITIZEN = loads(shipped_text("sd-citizen").encode(), "sd-citizen")
SETTINGS = Settings()


def answers(rng: random.Random) -> dict[str, object]:
    """Somebody who answers every question at random."""
    found: dict[str, object] = {}
    for question in CITIZEN.questions:
        if question.type == "scale" and question.range:
            found[question.code] = rng.randint(*question.range)
        elif question.type == "single":
            found[question.code] = rng.choice(question.choices).code
    return found


async def keep(rows: list[dict[str, object]]) -> None:
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    for at in range(0, len(rows), 200):
        await Response.insert(
            *(
                Response(
                    campaign=campaign.id, questionnaire=campaign.questionnaire, day=row.get("day", OPENS),
                    unit=row.get("unit", "3701"), mode=row.get("mode", "invitation"), identifier=row["identifier"],
                    answers=json.dumps(row["answers"]), flags=row.get("flags", ""),
                    duration=row.get("duration", "longer"),
                )
                for row in rows[at : at + 200]
            )
        )  # fmt: skip


def identifier(number: int) -> str:
    return f"{random.Random(number).getrandbits(128):032x}"


@pytest.mark.parametrize("shuffled", [False, True])
async def test_what_the_close_finds_is_the_same_in_any_order_and_again(
    small_campaign: Callable[..., Awaitable[None]], database_url: str, shuffled: bool, tmp_path: Path
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    rng = random.Random(5)
    rows: list[dict[str, object]] = [
        {"identifier": identifier(n), "day": OPENS + timedelta(days=rng.randrange(30)), "answers": answers(rng)}
        for n in range(300)
    ]
    copy = answers(rng)
    day = OPENS + timedelta(days=3)
    rows += [{"identifier": identifier(1000 + n), "day": day, "answers": copy} for n in range(2)]
    rows[0]["flags"] = "prompted"
    # sixty by the open link, fifty-nine of them on one day
    rows += [
        {"identifier": identifier(2000 + n), "mode": "open", "day": day, "answers": answers(rng)} for n in range(59)
    ]
    rows.append({"identifier": identifier(3000), "mode": "open", "day": OPENS, "answers": answers(rng)})
    # and somewhere else every day, so that this day is no day on which everybody answers
    rows += [
        {"identifier": identifier(4000 + n), "mode": "open", "unit": "3702", "day": OPENS + timedelta(days=n % 30),
         "answers": answers(rng)}
        for n in range(300)
    ]  # fmt: skip
    if shuffled:
        random.Random(9).shuffle(rows)
    await keep(rows)
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    before = await Response.select().order_by(Response.identifier)

    counts = await flag_campaign(SETTINGS, campaign.id)
    found = {(row["response"], row["rule"]) for row in await QualityFlag.select()}
    assert {who for who, rule in found if rule == "near_duplicate"} == {identifier(1000), identifier(1001)}
    assert {who for who, rule in found if rule == "burst"} == {identifier(2000 + n) for n in range(59)}
    assert counts["near_duplicate"] == 2
    assert counts["burst"] == 59
    assert set(counts) == set(rules_of(CITIZEN).rules.registered)

    assert await flag_campaign(SETTINGS, campaign.id) == counts
    assert {(row["response"], row["rule"]) for row in await QualityFlag.select()} == found
    assert await Response.select().order_by(Response.identifier) == before  # nothing is deleted or changed

    source = await sources(["spring"])
    assert await write_responses(source, tmp_path / "responses.csv") == len(rows)
    flags = [line.rsplit(",", 1)[1] for line in (tmp_path / "responses.csv").read_text().splitlines()[1:]]
    assert flags.count("burst") == 59
    assert flags.count("near_duplicate") == 2
    assert flags.count("prompted") == 1


async def test_a_response_with_flags_of_both_times_leaves_with_all_of_them(
    small_campaign: Callable[..., Awaitable[None]], database_url: str, tmp_path: Path
) -> None:
    await small_campaign()
    await keep([{"identifier": identifier(1), "answers": {"contact": "yes"}, "flags": "too_fast prompted"}])
    await QualityFlag.insert(
        QualityFlag(response=identifier(1), rule="longstring"), QualityFlag(response=identifier(1), rule="burst")
    )
    await write_responses(await sources(["spring"]), tmp_path / "responses.csv")
    assert (tmp_path / "responses.csv").read_text().splitlines()[1].endswith(",too_fast prompted burst longstring")


async def test_a_campaign_in_which_all_answer_alike_is_flagged_without_failing(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    same = answers(random.Random(1))
    await keep([{"identifier": identifier(n), "answers": same} for n in range(30)])
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    counts = await flag_campaign(SETTINGS, campaign.id)
    assert counts["near_duplicate"] == 30
    assert counts["mahalanobis"] == 0


async def test_an_empty_campaign_has_no_flags(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    assert set((await flag_campaign(SETTINGS, campaign.id)).values()) == {0}


def test_the_rules_of_a_questionnaire_can_be_registered_as_they_are() -> None:
    found = registered(CITIZEN)
    assert json.loads(json.dumps(found)) == found
    assert found["near_duplicate"]["share"] == 1.0
    assert "word" in found["mahalanobis"]["items"]
    assert found["burst"] == {"p_below": 1e-6, "pattern": "others"}
