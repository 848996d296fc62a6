"""Signals of steering: seen where somebody steers, not seen where nobody does."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest

from evaluator.collection import steering
from evaluator.collection.tables import Campaign, CampaignSignals, Response, SampleCell
from questionnaires.loading import shipped_text
from tests.collection.test_quality import identifier, keep


def person(rng: random.Random, kept: str, told: str = "no", capacity: str = "resident") -> dict[str, object]:
    return {
        "contact": "never", "kept": kept, "told": told, "capacity": capacity,
        "age": rng.choice(["a16", "a30", "a45", "a60"]), "gender": rng.choice("fm"),
    }  # fmt: skip


def made(rng: random.Random, best: str, worst: str, steered: bool) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for n in range(400):
        mode = "invitation" if n < 250 else "open"
        chance = 0.95 if steered and mode == "open" else 0.5
        told = "yes" if steered and mode == "open" and n % 3 == 0 else "no"
        rows.append(
            {"identifier": identifier(n), "mode": mode, "unit": "3701" if n % 2 else "3702",
             "answers": person(rng, best if rng.random() < chance else worst, told),
             "flags": "prompted" if told == "yes" else ""}
        )  # fmt: skip
    rows += [
        {"identifier": identifier(900 + n), "mode": "open", "answers": person(rng, best, capacity="staff")}
        for n in range(25)
    ]
    return rows


async def prepared(rows: list[dict[str, object]], frame: int = 5000) -> int:
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    await keep(rows)
    for unit in ("3701", "3702"):
        await SampleCell.insert(SampleCell(campaign=campaign.id, unit=unit, frame_n=frame, invited=1000))
    return int(campaign.id)


@pytest.mark.parametrize("steered", [True, False])
async def test_open_answers_that_somebody_steers_differ_and_others_do_not(
    small_campaign: Callable[..., Awaitable[None]], database_url: str, steered: bool
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    campaign = await prepared(made(random.Random(4), "nearly_all", "nearly_none", steered))
    found = await steering.refresh(campaign)
    assert found is not None
    assert found == await steering.signals(campaign)
    assert found.against is not None
    assert (found.against.lower > 0) is steered
    assert found.against.n_open == 150  # staff are apart
    told = {share.mode: share for share in found.prompted}
    assert (told["open"].some, told["open"].of) == ((50, 170) if steered else (0, 170))
    assert told["invitation"].some == 0
    assert {share.mode: share.some for share in found.staff} == {"invitation": 0, "open": 20}
    assert found.flags == ({"prompted": 50} if steered else {})


async def test_signals_stay_as_they_are_until_fifty_more_are_sealed(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    rng = random.Random(6)
    campaign = await prepared(made(rng, "nearly_all", "nearly_none", False))
    first = await steering.refresh(campaign)
    await keep([{"identifier": identifier(2000 + n), "answers": person(rng, "nearly_all")} for n in range(49)])
    assert await steering.refresh(campaign) == first
    await keep([{"identifier": identifier(2049), "answers": person(rng, "nearly_all")}])
    assert await steering.refresh(campaign) != first
    assert await CampaignSignals.count() == 1


async def test_means_do_not_move_with_a_few_by_either_way_not_even_at_the_close(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    rng = random.Random(6)
    campaign = await prepared(made(rng, "nearly_all", "nearly_none", False))
    first = await steering.refresh(campaign)
    assert first is not None
    assert first.against is not None
    # sixty invited, but three by the open link: their mean would tell what the three said
    more: list[dict[str, object]] = [
        {"identifier": identifier(3000 + n), "mode": "open" if n < 3 else "invitation", "flags": "prompted",
         "answers": person(rng, "nearly_all", "yes")}
        for n in range(63)
    ]  # fmt: skip
    await keep(more)
    for closed in (False, True):
        found = await steering.refresh(campaign, closed=closed)
        assert found is not None
        assert found.against == first.against
        assert found.flags == {"prompted": 60}
    await keep(
        [{"identifier": identifier(4000 + n), "mode": "open", "answers": person(rng, "nearly_all")} for n in range(47)]
    )
    found = await steering.refresh(campaign, closed=True)
    assert found is not None
    assert found.against != first.against


async def test_excluded_responses_are_no_part_and_without_a_frame_nothing_is_compared(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    campaign = await prepared(made(random.Random(4), "nearly_all", "nearly_none", True), frame=0)
    await Response.update({Response.excluded: "machine"}).where(Response.mode == "open")
    found = await steering.refresh(campaign)
    assert found is not None
    assert found.against is None
    assert {share.mode for share in found.prompted} == {"invitation"}


async def test_a_campaign_without_sealed_responses_has_no_signals(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign()
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    assert await steering.refresh(campaign.id, closed=True) is None


async def test_a_total_does_not_narrow_down_the_rounded_numbers_of_its_units(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    rng = random.Random(8)
    await keep(
        [
            {"identifier": identifier(n), "unit": "3701" if n < 19 else "3702", "answers": person(rng, "half")}
            for n in range(38)
        ]
    )
    campaign = await Campaign.objects().get(Campaign.code == "spring")
    assert campaign is not None
    found = await steering.refresh(campaign.id, closed=True)
    assert found is not None
    # each is seen as 10, so from 10 to 19; 30 in all would say that each is at least 11
    assert [(share.mode, share.of) for share in found.prompted] == [("invitation", 20)]
