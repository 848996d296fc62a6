"""Under reply: a unit sees its own page and nothing else, replies until the last day, and its words stand beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from evaluator.accounts.register import create_account
from evaluator.accounts.tables import Account
from evaluator.app import Site
from evaluator.problems import Problem
from evaluator.publication import lifecycle, replies
from evaluator.publication.publishing import publish
from evaluator.settings import Settings
from tests.publication import small_edition as small
from tests.wiring import site_over

PASSWORD = "correct horse battery staple"
ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}
OWN, OTHER = "9001", "9002"


@pytest.fixture
async def people(settings: Settings) -> Settings:
    """A site with units, an operator, a superior and representatives of two units."""
    await small.keep_units()
    await create_account("lead", PASSWORD, "operator")
    await create_account("region", PASSWORD, "superior", unit=small.REGION)
    await create_account("own", PASSWORD, "representative", unit=OWN)
    await create_account("other", PASSWORD, "representative", unit=OTHER)
    return settings


@pytest.fixture
async def edition_id(people: Settings, with_reply: Path) -> str:
    """An edition under reply from today."""
    row = await publish(people, with_reply, lambda folder: (), datetime.now(people.zone).date())
    return str(row.identifier)


@pytest.fixture
async def site(people: Settings, edition_id: str) -> AsyncIterator[AsyncTestClient[Site]]:
    async with AsyncTestClient(site_over(people), base_url="http://testserver.local") as visitor:
        yield visitor


async def as_account(site: AsyncTestClient[Site], name: str) -> None:
    site.cookies.clear()
    answer = await site.post("/sign-in", data={"name": name, "password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303


async def text_of(site: AsyncTestClient[Site], path: str, status: int = 200) -> str:
    answer = await site.get(path, headers=ENGLISH, follow_redirects=False)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.text


async def send(site: AsyncTestClient[Site], path: str, status: int = 303, **form: str) -> str:
    page = await text_of(site, "/staff/own-ratings" if "own" in path else "/staff/editions")
    del page
    token = await csrf(site, path)
    answer = await site.post(path, data={"csrf": token, **form}, headers=ENGLISH, follow_redirects=False)
    assert answer.status_code == status, (path, answer.status_code, answer.text[:400])
    return answer.text


async def csrf(site: AsyncTestClient[Site], path: str) -> str:
    """The token of a form on the page at `path`, or on the page before."""
    text = (await site.get(path, headers=ENGLISH)).text
    return text.split('name="csrf" value="', 1)[1].split('"', 1)[0]


async def test_before_the_public_a_unit_sees_its_own_page_only(
    site: AsyncTestClient[Site], edition_id: str, edition
) -> None:
    for path in (f"/editions/{edition_id}", f"/editions/{edition_id}/units/{OWN}", f"/editions/{edition_id}/downloads"):
        await text_of(site, path, 404)
    assert edition_id not in (await site.get("/editions.json")).text
    await as_account(site, "region")
    await text_of(site, f"/staff/own-ratings/{edition_id}", 403)
    await text_of(site, f"/staff/editions/{edition_id}", 403)
    await text_of(site, f"/staff/review?edition={edition_id}", 404)
    await as_account(site, "own")
    assert edition_id in await text_of(site, "/staff/own-ratings")
    page = await text_of(site, f"/staff/own-ratings/{edition_id}")
    assert "Not public yet" in page
    assert edition.units[OWN].name.en in page
    assert edition.units[OTHER].name.en not in page
    assert f'href="/editions/{edition_id}' not in page  # what is not public leads to nothing
    await text_of(site, f"/staff/editions/{edition_id}/units/{OTHER}", 403)


async def test_a_reply_is_kept_changed_answered_and_public_only_with_the_edition(
    site: AsyncTestClient[Site], people: Settings, edition_id: str
) -> None:
    await as_account(site, "own")
    own = f"/staff/own-ratings/{edition_id}"
    await send(site, own, text="Two orders came late.")
    await send(site, own, text="Three orders came late.\r\nWe <b>have</b> reported them.\x00")
    refused = await send(site, own, 422, text="x" * (replies.LONGEST + 1))
    assert "Shorten it to 2000 characters" in refused
    assert "x" * 50 in refused  # nothing that was typed is lost
    await as_account(site, "lead")
    page = await text_of(site, f"/staff/editions/{edition_id}")
    assert "Three orders came late.<br>We &lt;b&gt;have&lt;/b&gt; reported them." in page
    assert "Two orders" not in page
    token = page.split('name="csrf" value="', 1)[1].split('"', 1)[0]
    form = {"csrf": token, "answer": "Right; corrected.", "corrected": "yes"}
    answer = await site.post(f"/staff/editions/{edition_id}/units/{OWN}", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert "led to a correction" in await text_of(site, f"/staff/editions/{edition_id}/units/{OWN}")
    later = datetime.now(people.zone).date() + timedelta(days=16)
    await lifecycle.release(people, edition_id, later)
    site.cookies.clear()
    public = await text_of(site, f"/editions/{edition_id}/units/{OWN}")
    assert "Three orders came late." in public
    assert "Right; corrected." in public
    assert 'id="reply"' not in await text_of(site, f"/editions/{edition_id}/units/{OTHER}")
    await as_account(site, "own")
    await text_of(site, own, 303)  # to the public page
    assert "not taken now" in (await send_to_closed(site, own)).text


async def send_to_closed(site: AsyncTestClient[Site], path: str):
    token = (await text_of(site, "/staff/own-ratings")).partition('name="csrf" value="')[2].partition('"')[0]
    token = token or await token_of(site)
    return await site.post(path, data={"csrf": token, "text": "late"}, headers=ENGLISH, follow_redirects=False)


async def token_of(site: AsyncTestClient[Site]) -> str:
    from evaluator.accounts.sessions import COOKIE, csrf_token

    return csrf_token(site.app.state.secret, site.cookies[COOKIE])


async def test_replies_end_with_the_last_day_and_a_blank_one_takes_it_back(people: Settings, edition_id: str) -> None:
    account = await Account.objects().get(Account.name == "own")
    assert account is not None
    row = await lifecycle.edition_row(edition_id)
    last = datetime(row.reply_until.year, row.reply_until.month, row.reply_until.day, 23, 59, tzinfo=UTC)
    kept = await replies.write_reply(people, edition_id, OWN, "on the last day", account, last)
    assert kept is not None
    await replies.answer_reply(people, edition_id, OWN, "seen", True, last)
    changed = await replies.write_reply(people, edition_id, OWN, "another word", account, last)
    assert changed is not None
    assert (changed.answer, changed.corrected) == ("", False)
    with pytest.raises(Problem, match="not taken now"):
        await replies.write_reply(people, edition_id, OWN, "too late", account, last + timedelta(minutes=1))
    assert await replies.write_reply(people, edition_id, OWN, "  \n", account, last) is None
    assert await replies.replies_to(edition_id) == []
    with pytest.raises(Problem, match="There is no such reply"):
        await replies.answer_reply(people, edition_id, OWN, "seen", True, last)


async def test_the_operator_takes_each_step_on_a_second_page(site: AsyncTestClient[Site], edition_id: str) -> None:
    await as_account(site, "lead")
    here = f"/staff/editions/{edition_id}"
    assert "under reply" in await text_of(site, "/staff/editions")
    await text_of(site, f"{here}/reply", 303)  # it is open already
    asked = await text_of(site, f"{here}/publish")
    assert "Why are they cut short?" in asked
    refused = await send(site, f"{here}/publish", 409)
    assert "may reply until" in refused
    await send(site, f"{here}/publish", why="all agreed")
    assert "all agreed" in await text_of(site, here)
    assert await text_of(site, f"/editions/{edition_id}")
    await send(site, f"{here}/withdraw", 422, why="")
    await send(site, f"{here}/withdraw", why="a table was read twice")
    site.cookies.clear()
    banner = await text_of(site, f"/editions/{edition_id}/ranking/M")
    assert "It was withdrawn on" in banner
    assert "a table was read twice" in banner
    await as_account(site, "lead")
    await text_of(site, f"{here}/nothing", 404)
    await text_of(site, "/staff/editions/none", 404)
