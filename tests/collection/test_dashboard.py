"""The operator's pages: right numbers, and an attacker who looks after every single answer."""

from __future__ import annotations

import difflib
import io
import json
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Any

import httpx
import openpyxl
import pytest

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, open_session
from evaluator.app import Site
from evaluator.collection import dashboard_routes, steering
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.dashboard import Counted, drop_off, overview
from evaluator.collection.responses import response_row
from evaluator.collection.screen_counts import BEGIN, ScreenCounts, visits
from evaluator.collection.sealing import seal
from evaluator.collection.tables import CampaignSignals, CampaignUnit, Response, SampleCell
from evaluator.units.tables import Unit
from methods.survey.response_rates import response_rates
from questionnaires.acceptance import Accepted, accept
from questionnaires.loading import shipped_text
from tests.collection.conftest import Clock

Serving = Callable[[Site], AbstractAsyncContextManager[httpx.AsyncClient]]
DAY = date(2026, 3, 10)
PATHS = (
    "/staff/campaigns", "/staff/campaigns/spring?unit=3701", "/staff/campaigns/spring",
    "/staff/campaigns/spring/counts.csv", "/staff/campaigns/spring/counts.xlsx",
)  # fmt: skip


@pytest.fixture
def many_units(small_campaign: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[list[str]]]:
    """The campaign `spring` about so many townships, in two strata."""

    async def make(number: int, *, invited: int = 400, frame: int = 4000) -> list[str]:
        codes = [f"370102{n:03}" for n in range(1, number + 1)]
        await small_campaign(questionnaire=shipped_text("sd-citizen"))
        for code in codes:
            await Unit.insert(Unit(code=code, parent="370102", level="T", name_zh=f"zh{code}", name_en=f"Town {code}"))
        found = await load_campaign("spring")
        assert found is not None
        await CampaignUnit.delete().where(CampaignUnit.campaign == found.id)
        for code in codes:
            await CampaignUnit.insert(CampaignUnit(campaign=found.id, unit=code, target=60))
            for stratum in ("town", "village"):
                await SampleCell.insert(
                    SampleCell(campaign=found.id, unit=code, design_stratum=stratum, frame_n=frame, invited=invited)
                )
        return codes

    return make


async def answer(site: Site, unit: str, mode: str, stratum: str, rng: random.Random) -> None:
    """One more response, stored and promised."""
    campaign = await load_campaign("spring")
    assert campaign is not None
    given = {"contact": ["never"], "kept": [rng.choice(["nearly_all", "half"])], "told": [rng.choice(["no", "yes"])]}
    accepted = accept(campaign.questionnaire, given)
    assert isinstance(accepted, Accepted)
    row = response_row(
        campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
        campaign_code="spring", unit=unit, mode=mode, day=DAY, design_stratum=stratum,
        code_hash=secrets.token_hex(32) if mode != "open" else None,
    )  # fmt: skip
    assert (await site.state.intake.submit(row)).kind == "stored"


def content(response: httpx.Response) -> Any:
    """What can be read in an answer; an XLSX file holds the second at which it was made, and nothing else is passed."""
    assert response.status_code == 200, response.text
    if "spreadsheetml" not in response.headers["content-type"]:
        return response.text
    return list(openpyxl.load_workbook(io.BytesIO(response.content))["counts"].values)


def _told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Lines by which two looks at all pages and files differ."""
    return [
        f"{path}: {line}"
        for path in PATHS
        for line in difflib.ndiff(str(before[path]).splitlines(), str(after[path]).splitlines())
        if line[0] in "+-"
    ]


async def test_nobody_who_looks_after_every_answer_sees_a_small_number_or_a_small_difference(
    many_units: Callable[..., Awaitable[list[str]]], app_on: Callable[..., Site], serving: Serving,
    database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(dashboard_routes, "right_now", clock)
    await _looked_at_after_every_answer(await many_units(3), app_on(database_url), serving)


async def test_nor_of_many_units(
    many_units: Callable[..., Awaitable[list[str]]], app_on: Callable[..., Site], serving: Serving,
    sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(dashboard_routes, "right_now", clock)
    await _looked_at_after_every_answer(await many_units(24), app_on(sqlite_url), serving)


async def _looked_at_after_every_answer(units: list[str], site: Site, serving: Serving) -> None:
    """Answers come one by one. As long as no count passes a ten, every page and file stays as it was to the byte.

    So all that can ever be told from any sequence of views is which tens were passed.
    """
    number, rng = len(units), random.Random(len(units))
    operator = await create_account("op", "long enough password", "operator")
    async with serving(site) as client:
        site.state.counted = Counted(keep_for=0.0)
        client.cookies.set(COOKIE, await open_session(operator.id))
        campaign = await load_campaign("spring")
        assert campaign is not None
        counts: Counter[tuple[str, ...]] = Counter()
        sealed, before, seen = 0, None, {path: set() for path in PATHS}
        weights = [10.0 * number, *[1.0] * (number - 1)]
        for step in range(60):
            unit = rng.choices(units, weights)[0]
            mode = rng.choices(["invitation", "sign_in", "open"], [6, 1, 2])[0]
            stratum = rng.choice(["town", "village"]) if mode == "invitation" else ""
            await answer(site, unit, mode, stratum, rng)
            site.state.screen_counts.add(campaign.id, BEGIN, "contact")
            await site.state.screen_counts.store()
            passed = False
            cells = [(unit, mode, stratum), ("began",)]
            if number == 24:  # strata of the whole campaign, in hundreds, and units without theirs
                cells = [(unit, mode), ("began",), *[("stratum", stratum)] * (mode == "invitation")]
            for cell in cells:
                counts[cell] += 1
                passed |= counts[cell] % (100 if cell[0] == "stratum" else 10) == 0
            if step % 7 == 0:
                await seal(site.state.settings, "spring", everything=False)
                await steering.refresh(campaign.id)
            row = await CampaignSignals.select(CampaignSignals.responses).first()
            if row and row["responses"] != sealed:  # worked out anew: of at least fifty more
                assert row["responses"] >= sealed + 50
                sealed, passed = row["responses"], True
            shown = {path: content(await client.get(path, headers={"accept": "text/html"})) for path in PATHS}
            if before is not None and not passed:
                assert _told(before, shown) == []
            before = shown
            for path in PATHS:
                seen[path].add(json.dumps(shown[path]))
        assert len(seen["/staff/campaigns/spring/counts.csv"]) >= 3  # the attacker does see the campaign go on
        lines = [line.split(",") for line in before["/staff/campaigns/spring/counts.csv"].splitlines()[1:]]
        assert {int(n) % 10 for line in lines for n in line[8:11] if n} == {0}
        assert max(int(n) for line in lines for n in line[8:9] if n) >= 10


async def test_numbers_of_a_campaign_are_its_counts_rounded_down(
    many_units: Callable[..., Awaitable[list[str]]], database_url: str, app_on: Callable[..., Site], serving: Serving
) -> None:
    [one, two] = await many_units(2)
    site, rng = app_on(database_url), random.Random(2)
    async with serving(site):
        for unit, mode, stratum, n in (
            (one, "invitation", "town", 37), (one, "invitation", "village", 21), (two, "invitation", "town", 9),
            (two, "open", "", 14),
        ):  # fmt: skip
            for _ in range(n):
                await answer(site, unit, mode, stratum, rng)
        await SampleCell.update({SampleCell.undelivered: 25}).where(SampleCell.unit == one)
        campaign = await load_campaign("spring")
        assert campaign is not None
        found = await overview(Counted(), campaign, date(2026, 3, 10))
        await seal(site.state.settings, "spring", everything=True)
        assert await overview(Counted(), campaign, date(2026, 3, 10)) == found  # sealed or waiting is the same
        await Response.update({Response.excluded: "machine"}).where(Response.mode == "open")
        without = await overview(Counted(), campaign, date(2026, 3, 10))
    assert without.by_mode["open"] == 0
    lines = {line.unit.code: line for line in found.units}
    assert list(lines) == [two, one]  # two lacks all of its 60, one has 50 of them
    assert [(s.code, s.finished) for s in lines[one].strata] == [("town", 30), ("village", 20)]
    assert lines[one].finished == 50
    assert (lines[one].invited, lines[one].delivered) == (800, 760)
    aapor = response_rates(50, noncontact=760 - 50, unknown=800 - 760)
    assert (lines[one].rr1, lines[one].rr5) == (aapor.rr1[0], aapor.rr5[0]) == (50 / 800, 50 / 760)
    assert lines[two].by_mode == {"invitation": 0, "sign_in": 0, "open": 10}
    assert found.by_mode == {"invitation": 50, "sign_in": 0, "open": 10}
    assert found.effective == pytest.approx(50.0)  # strata are invited alike: nothing is lost
    assert found.half_width == pytest.approx(100 * 1.959964 * (0.25 / 50) ** 0.5)
    assert found.half_width_at_close == pytest.approx(100 * 1.959964 * (0.25 / (50 * 31 / 10)) ** 0.5)
    assert [(s.code, s.finished) for s in found.strata] == [("town", 30), ("village", 20)]
    assert 0 < found.r_indicator <= 1
    assert (found.reached, found.with_target) == (0, 2)


async def test_unequal_chances_of_being_invited_cost_effective_responses(
    many_units: Callable[..., Awaitable[list[str]]], database_url: str, app_on: Callable[..., Site], serving: Serving
) -> None:
    [unit] = await many_units(1)
    await SampleCell.update({SampleCell.frame_n: 36000}).where(SampleCell.design_stratum == "town")
    site = app_on(database_url)
    async with serving(site):
        for _ in range(20):
            await answer(site, unit, "invitation", "town", random.Random(1))
        campaign = await load_campaign("spring")
        assert campaign is not None
        found = await overview(Counted(), campaign, date(2026, 3, 31))
    # weights 90 and 10 for halves of the invited: 1 + (40/50)^2 = 1.64 (Kish 1965)
    assert found.effective == pytest.approx(20 / 1.64)


async def test_screens_are_counted_in_memory_and_added_together_from_all_processes(
    small_campaign: Callable[..., Awaitable[None]], database_url: str
) -> None:
    await small_campaign()
    campaign = await load_campaign("spring")
    assert campaign is not None
    here, there = ScreenCounts(), ScreenCounts()
    for _ in range(25):
        here.add(campaign.id, BEGIN)
    for _ in range(12):
        there.add(campaign.id, BEGIN, "contact")
    assert await visits(campaign.id) == {}
    await here.store()
    await there.close()
    await there.store()
    assert await visits(campaign.id) == {BEGIN: 37, "contact": 12}
    shown = drop_off({"contact": "Contact", "view": "View"}, await visits(campaign.id))
    assert [(s.code, s.visits) for s in shown] == [(BEGIN, 30), ("contact", 10), ("view", 0)]
    assert drop_off({}, {BEGIN: 9}) == ()


async def test_the_form_counts_each_screen_of_a_visit_once(
    small_campaign: Callable[..., Awaitable[None]], database_url: str, app_on: Callable[..., Site], serving: Serving,
    person: Callable[..., Any],
) -> None:  # fmt: skip
    await small_campaign()
    site = app_on(database_url)
    campaign = await load_campaign("spring")
    assert campaign is not None
    async with serving(site) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        await citizen.press(contact="no")
        await citizen.press("back")
        await citizen.press(contact="no")
        await citizen.press()
        await citizen.press()
        await citizen.press("send")
        await site.state.screen_counts.store()
        assert await visits(campaign.id) == {BEGIN: 1, "contact": 1, "view": 1, "about": 1}


async def test_an_operator_of_a_county_sees_its_units_alone_and_no_sums_of_the_whole(
    small_campaign: Callable[..., Awaitable[None]], database_url: str, app_on: Callable[..., Site], serving: Serving,
    monkeypatch: pytest.MonkeyPatch, clock: Clock,
) -> None:  # fmt: skip
    monkeypatch.setattr(dashboard_routes, "right_now", clock)
    await small_campaign()
    local = await create_account("local", "long enough password", "operator", unit="3702")
    async with serving(app_on(database_url)) as client:
        client.cookies.set(COOKIE, await open_session(local.id))
        headers = {"accept": "text/html", "accept-language": "en"}
        page = await client.get("/staff/campaigns/spring", headers=headers)
        assert "Place 3702" in page.text
        assert "Does anybody steer" not in page.text
        assert (await client.get("/staff/campaigns/spring?unit=3701", headers=headers)).status_code == 404
        lines = (await client.get("/staff/campaigns/spring/counts.csv?unit=3702")).text.splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["3702"]
