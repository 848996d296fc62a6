"""The scoring form, signed in, in both languages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, csrf_token, open_session
from evaluator.accounts.tables import Account
from evaluator.app import create_app
from evaluator.assessment import routes
from evaluator.assessment.rounds import give_account
from evaluator.assessment.tables import Assessment, Criterion
from evaluator.settings import Settings
from tests.assessment.small_round import AFTER, OPEN, PASSWORD, make_round

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Site:
    """A client that can be anybody."""

    def __init__(self, client: httpx.AsyncClient, secret: bytes) -> None:
        self.client, self.secret, self.token, self.files, self.rules = client, secret, "", 0, 0

    async def become(self, name: str) -> None:
        account = await Account.objects().get(Account.name == name)
        assert account is not None
        self.token = await open_session(account.id)

    def _headers(self, language: str) -> dict[str, str]:
        return {"accept": "text/html", "accept-language": language, "cookie": f"{COOKIE}={self.token}"}

    async def get(self, address: str, language: str = "en") -> httpx.Response:
        return await self.client.get(address, headers=self._headers(language), follow_redirects=False)

    async def post(self, address: str, language: str = "en", **data: str) -> httpx.Response:
        sent = {"csrf": csrf_token(self.secret, self.token), **{k.replace("_", "-"): v for k, v in data.items()}}
        return await self.client.post(address, data=sent, headers=self._headers(language), follow_redirects=False)

    def fields(self, number: int, score: str, why: str) -> dict[str, str]:
        return {f"score-{number}": score, f"justification-{number}": why}


@pytest.fixture
async def site(
    database_url: str, tmp_path: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setattr(routes, "_today", lambda request: OPEN)
    made = await make_round()
    await give_account(made.id, "uni", "A1", "assessor", PASSWORD)
    await give_account(made.id, "uni", "A2", "idle", PASSWORD)
    await create_account("loose", PASSWORD, "assessor", round_id=made.id)
    await create_account("operator", PASSWORD, "operator")
    await create_account("city", PASSWORD, "representative", unit="3701")
    await create_account("above", PASSWORD, "superior", unit="37")
    app = create_app(Settings(data_dir=tmp_path, database_url=database_url))
    async with serving(app) as client:
        found = Site(client, app.state.secret)
        numbers = {row["code"]: row["id"] for row in await Criterion.select(Criterion.code, Criterion.id)}
        found.files, found.rules = numbers["files"], numbers["rules"]
        yield found


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_list_and_the_sheet_show_what_is_to_be_done(site: Site, language: str) -> None:
    await site.become("assessor")
    listed = await site.get("/staff/assessments", language)
    assert re.findall(r'href="/staff/assessments/(\w+)"', listed.text) == ["3701", "3702"]
    page = await site.get("/staff/assessments/3701", language)
    assert page.status_code == 200
    assert {"en": "Files", "zh-CN": "案卷"}[language] in page.text
    assert "twenty files drawn at random" in page.text
    assert page.text.count('inputmode="decimal"') == 2


async def test_saving_goes_on_to_the_next_unit_and_back_to_the_list(site: Site) -> None:
    await site.become("assessor")
    both = {**site.fields(site.files, "7", "seen"), **site.fields(site.rules, "3", "read")}
    answer = await site.post("/staff/assessments/3701", go="on", **both)
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/assessments/3702?saved")
    answer = await site.post("/staff/assessments/3702", go="on", **both)
    assert answer.headers["location"] == "/staff/assessments?saved=3702"
    assert await Assessment.count() == 4
    assert "2 of 2 units" in (await site.get("/staff/assessments")).text
    answer = await site.post("/staff/assessments/3702", go="stay", **site.fields(site.files, "8", "more"))
    assert answer.headers["location"] == "/staff/assessments/3702?saved"
    assert await Assessment.count() == 3, "the second score was left blank, so it is taken back"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_mistakes_are_told_at_their_fields_and_nothing_typed_is_lost(site: Site, language: str) -> None:
    await site.become("assessor")
    wrong = {**site.fields(site.files, "70", "long words"), **site.fields(site.rules, "3", "")}
    page = await site.post("/staff/assessments/3701", language, go="on", **wrong)
    assert page.status_code == 422
    links = re.findall(r'href="#([\w-]+)"', page.text)
    assert [link for link in links if link != "main-content"] == [f"score-{site.files}", f"justification-{site.rules}"]
    assert all(f'id="{link}"' in page.text for link in links)
    assert "long words" in page.text
    assert 'value="70"' in page.text
    assert await Assessment.count() == 0


async def test_units_of_others_are_refused_to_see_and_to_score(site: Site) -> None:
    for name, unit in (("assessor", "37"), ("assessor", "none-such"), ("idle", "3701"), ("loose", "3701")):
        await site.become(name)
        assert (await site.get(f"/staff/assessments/{unit}")).status_code == 403, (name, unit)
        answer = await site.post(f"/staff/assessments/{unit}", go="on", **site.fields(site.files, "7", "x"))
        assert answer.status_code == 403, (name, unit)
    assert await Assessment.count() == 0


async def test_other_roles_are_refused(site: Site) -> None:
    for name in ("operator", "city", "above"):
        await site.become(name)
        assert (await site.get("/staff/assessments")).status_code == 403
        assert (await site.get("/staff/assessments/3701")).status_code == 403
        answer = await site.post("/staff/assessments/3701", **site.fields(site.files, "7", "x"))
        assert answer.status_code == 403
    assert await Assessment.count() == 0


async def test_a_closed_round_can_be_read_and_not_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.become("assessor")
    await site.post("/staff/assessments/3701", go="on", **site.fields(site.files, "7", "seen"))
    monkeypatch.setattr(routes, "_today", lambda request: AFTER)
    page = await site.get("/staff/assessments/3701")
    assert "Not open" in page.text
    assert "Save" not in page.text
    assert page.text.count("disabled") >= 4
    answer = await site.post("/staff/assessments/3701", go="on", **site.fields(site.files, "9", "late"))
    assert answer.status_code == 409
    assert (await Assessment.objects().get(Assessment.unit == "3701")).score == 7.0  # type: ignore[union-attr]


async def test_an_account_without_an_assessor_is_told(site: Site) -> None:
    await site.become("loose")
    assert "Ask the operator" in (await site.get("/staff/assessments")).text
    await site.become("idle")
    assert "No unit is assigned" in (await site.get("/staff/assessments")).text
