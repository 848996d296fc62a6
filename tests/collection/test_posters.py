"""Posters: a file for each unit that an operator may see, with its address and nothing from outside."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, open_session
from evaluator.app import Site
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.posters import PAPERS, posters_page
from evaluator.collection.tables import Invitation
from evaluator.problems import Problem
from evaluator.settings import Settings

Make = Callable[..., Awaitable[None]]
Serving = Callable[[Site], AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_an_operator_gets_the_posters_of_the_units_below(
    small_campaign: Make, app_on: Callable[..., Site], serving: Serving, database_url: str
) -> None:
    await small_campaign()
    whole = await create_account("op", "long enough password", "operator")
    local = await create_account("local", "long enough password", "operator", unit="3702")
    other = await create_account("super", "long enough password", "superior", unit="37")
    headers = {"accept": "text/html", "accept-language": "en"}
    async with serving(app_on(database_url, base_url="https://rate.example.org")) as client:
        for account, status, units in (
            (whole, 200, ["3701", "370102", "3702"]),
            (local, 200, ["3702"]),
            (other, 403, []),
        ):
            client.cookies.clear()
            client.cookies.set(COOKIE, await open_session(account.id))
            page = await client.get("/staff/campaigns/spring/posters", headers=headers)
            assert page.status_code == status
            assert sorted(set(re.findall(r"/posters/a4/(\d+)", page.text))) == units
            packed = await client.get("/staff/campaigns/spring/posters/a5.zip", headers=headers)
            assert packed.status_code == status
            if units:
                with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
                    assert archive.namelist() == [f"poster-spring-{unit}-a5.html" for unit in units]
            one = await client.get("/staff/campaigns/spring/posters/a4/3701", headers=headers)
            assert one.status_code == (200 if "3701" in units else 403)
            if "3701" in units:
                assert 'filename="poster-spring-3701-a4.html"' in one.headers["content-disposition"]
                assert "https://rate.example.org/rate/spring/3701" in one.text
                assert "How do you find Place 3701?" in one.text
        client.cookies.set(COOKIE, await open_session(whole.id))
        for missing in ("a3.zip", "a3/3701", "a4/3799", "a4.zip?page=2"):
            answer = await client.get(f"/staff/campaigns/spring/posters/{missing}", headers=headers)
            assert answer.status_code == 404
        assert "/staff/campaigns/spring/posters" in (await client.get("/staff/campaigns/spring", headers=headers)).text


@pytest.mark.parametrize("paper", PAPERS)
async def test_a_poster_needs_nothing_from_the_network_and_says_when_it_is_simulated(
    small_campaign: Make, settings: Settings, sqlite_url: str, paper: str
) -> None:
    await small_campaign(simulated=True)
    campaign = await load_campaign("spring")
    assert campaign is not None
    text = posters_page(settings, campaign, list(campaign.units), paper)  # type: ignore[arg-type]
    assert text.count('class="poster"') == text.count("SIMULATED") == 3
    assert not re.findall(r"""(?:src|href|url)\s*[=(]""", text)


async def test_without_an_open_link_there_is_no_poster(
    small_campaign: Make, settings: Settings, sqlite_url: str
) -> None:
    await small_campaign(open_link=False)
    campaign = await load_campaign("spring")
    assert campaign is not None
    with pytest.raises(Problem, match="No open link"):
        posters_page(settings, campaign, ["3701"], "a4")
    assert not await Invitation.count()
