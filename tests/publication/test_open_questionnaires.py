"""The page of what can be answered now, on both databases: who is told what, and how soon a change is seen."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from evaluator.app import Site
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.publication.publishing import publish
from evaluator.settings import Settings
from questionnaires.loading import shipped_text
from tests.days import local_day
from tests.publication import small_edition as small
from tests.wiring import site_over

Serving = Callable[[Site], AbstractAsyncContextManager[httpx.AsyncClient]]
ENGLISH = {"Accept": "text/html", "Accept-Language": "en"}
QUESTIONS = """
code: words
version: "3"
languages: [zh, en]
sections:
  - code: s
    title: {zh: "S-zh", en: "Promises"}
    items:
      - {code: kept, type: scale, range: [0, 10], score: {rule: linear, low: 0, high: 100},
         text: {zh: "K-zh {unit}", en: "How often does {unit} keep its word?"}}
"""


@dataclass(slots=True)
class Visitor:
    """A visitor of a site, and its settings."""

    client: httpx.AsyncClient
    settings: Settings


@pytest.fixture
async def visitor(database_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[Visitor]:
    settings = Settings(data_dir=tmp_path / "data", database_url=database_url)
    await small.keep_units()
    async with serving(site_over(settings)) as client:
        yield Visitor(client, settings)


async def opened(visitor: Visitor, code: str, *, begins: int = -3, ends: int = 20, **given: Any) -> None:
    """A campaign about three wards, or other `units`, that begins and ends so many days from today."""
    today = local_day()
    usual = {
        "questionnaire": QUESTIONS, "units": ["9001", "9002", "9003"], "opens": today + timedelta(begins),
        "closes": today + timedelta(ends), "title": Label(f"{code}-zh", f"Survey {code}"),
        "responsible": Label("Office-zh", f"Office of {code}"), "contact": "office@example.org",
    }  # fmt: skip
    await create_campaign(visitor.settings, code, **{**usual, **given})


async def text_of(visitor: Visitor, path: str, status: int = 200) -> str:
    answer = await visitor.client.get(path, headers=ENGLISH)
    assert answer.status_code == status, answer.text[:400]
    return answer.text


async def test_each_survey_says_who_asks_about_whom_until_when_and_how_one_takes_part(visitor: Visitor) -> None:
    assert "Nothing can be answered at the moment." in await text_of(visitor, "/questionnaires")
    await opened(visitor, "later", ends=30)
    await opened(visitor, "sooner", ends=5, units=["9001"])
    await opened(visitor, "invited", open_link=False)
    await opened(visitor, "coming", begins=4)
    await opened(visitor, "over", begins=-30, ends=-2)
    text = await text_of(visitor, "/questionnaires")  # seen at once, although the page was kept
    titles = re.findall(r"<h[23] class=\"govuk-heading-m\">Survey (\w+)</h", text)
    assert titles == ["sooner", "invited", "later", "coming"]  # the first to close first; what is over is not there
    sooner, invited, later, coming = text.split('<section class="door')[1:]
    assert "Qinglan" in sooner
    assert "3 governments and departments" in later
    for part, name in ((sooner, "sooner"), (invited, "invited"), (later, "later"), (coming, "coming")):
        assert f"Office of {name}" in part
        assert f'href="/questionnaires/{name}"' in part
        assert f'href="/notice/{name}"' in part
    assert 'href="/rate?campaign=later"' in later
    assert "everybody, without an account" in later
    assert "everybody" not in invited
    assert 'href="/code"' in invited
    assert "/rate?campaign" not in invited + coming
    home = await text_of(visitor, "/")
    assert 'href="/questionnaires"' in home


async def test_all_questions_are_shown_beforehand_but_not_those_of_a_draft(visitor: Visitor) -> None:
    await opened(visitor, "asked", open_link=False)
    await opened(visitor, "full", questionnaire=shipped_text("sd-citizen"))
    text = await text_of(visitor, "/questionnaires/asked")
    assert "How often does this office keep its word?" in text
    assert "words@3" in text
    assert "Survey asked" in text
    assert "XLSForm" not in text  # files are of those that ship
    assert (await text_of(visitor, "/questionnaires/full")).count("<article") > 10
    await text_of(visitor, "/questionnaires/none", 404)
    await opened(visitor, "draft", draft=True)
    await text_of(visitor, "/questionnaires/draft", 404)
    assert "Survey draft" not in await text_of(visitor, "/questionnaires")


async def test_what_is_decided_about_a_survey_is_seen_by_the_next_visitor(visitor: Visitor) -> None:
    """A page is kept until something changes; what the process remembered of campaigns must not outlive that."""
    await opened(visitor, "first")
    assert "Survey first" in await text_of(visitor, "/")
    await opened(visitor, "second")
    for path in ("/", "/questionnaires"):
        text = await text_of(visitor, path)
        assert "Survey first" in text
        assert "Survey second" in text


async def test_a_units_page_leads_to_rating_it_where_that_can_be_done(visitor: Visitor, small_folder: Path) -> None:
    row = await publish(visitor.settings, small_folder, lambda folder: (), date(2027, 1, 15))
    address = f"/editions/{row.identifier}/units"
    assert "/rate/" not in (await text_of(visitor, f"{address}/9001")).replace('href="/rate"', "")
    await opened(visitor, "now")
    await opened(visitor, "invited", open_link=False)
    assert 'href="/rate/now/9001"' in await text_of(visitor, f"{address}/9001")
    assert "/rate/invited" not in await text_of(visitor, f"{address}/9001")
    assert "/rate/now" not in await text_of(visitor, f"{address}/9007")  # nobody is asked about it
    assert (await visitor.client.get("/rate/now/9001", headers=ENGLISH, follow_redirects=True)).status_code == 200
