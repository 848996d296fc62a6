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
from evaluator.assessment import routes
from evaluator.assessment.rounds import give_account
from evaluator.assessment.tables import Assessment, Criterion
from evaluator.settings import Settings
from tests.assessment.small_round import AFTER, OPEN, PASSWORD, make_round
from tests.wiring import site_over

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

    async def upload(self, address: str, content: bytes, **data: str) -> httpx.Response:
        sent = {"csrf": csrf_token(self.secret, self.token), **data}
        return await self.client.post(
            address, data=sent, files={"file": ("s.csv", content)}, headers=self._headers("en"), follow_redirects=False
        )

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
    app = site_over(Settings(data_dir=tmp_path, database_url=database_url))
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


# --- the operator's rounds


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_operator_sees_how_far_each_assessor_is(site: Site, language: str) -> None:
    await site.become("assessor")
    await site.post("/staff/assessments/3701", go="on", **site.fields(site.files, "7", "seen"))
    await site.become("operator")
    page = await site.get("/staff/rounds", language)
    assert {"en": "Spring assessment", "zh-CN": "春季评估"}[language] in page.text
    page = await site.get("/staff/rounds/1", language)
    cells = [re.sub(r"<.*?>", "", c) for c in re.findall(r"<td[^>]*>(.*?)</td>", page.text)]
    rows = [tuple(cells[n : n + 6]) for n in range(0, 18, 6)]
    assert [(row[1], *row[3:]) for row in rows] == [("A1", "1", "0", "2"), ("A1", "2", "1", "4"), ("A2", "0", "0", "0")]
    assert "an assessor" not in page.text, "who is behind a pseudonym is not shown"
    listed = await site.get("/staff/rounds/1/scores.csv")
    assert listed.text.splitlines()[1] == "3701,uni,A1,files,7.0,seen"


async def test_the_operator_brings_assignments_and_scores_as_files(site: Site) -> None:
    await site.become("operator")
    assigned = await site.upload("/staff/rounds/1/assignments", b"unit,institute,assessor\n37,uni,A2\n")
    assert assigned.headers["location"] == "/staff/rounds/1?done=assignments"
    content = b"unit,institute,assessor,criterion,score\n37,uni,A2,files,5\n3702,uni,A2,rules,5\n"
    refused = await site.upload("/staff/rounds/1/scores", content, source="the university")
    assert refused.status_code == 422
    assert "is not assigned to this assessor" in refused.text
    assert await Assessment.count() == 0
    taken = await site.upload("/staff/rounds/1/scores", content, source="the university", assign="yes")
    assert taken.headers["location"] == "/staff/rounds/1?done=scores"
    assert "the university" in (await site.get("/staff/rounds/1?done=scores")).text
    assert await Assessment.count() == 2


async def test_a_file_of_scores_needs_content_and_a_source(site: Site) -> None:
    await site.become("operator")
    content = b"unit,institute,assessor,criterion,score\n3701,uni,A1,files,5\n"
    for answer, field in (
        (await site.upload("/staff/rounds/1/scores", b"", source="x"), "scores-file"),
        (await site.upload("/staff/rounds/1/assignments", b""), "assignments-file"),
        (await site.upload("/staff/rounds/1/scores", content, source=" "), "source"),
    ):
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
    assert await Assessment.count() == 0
    assert (await site.upload("/staff/rounds/1/letters", content)).status_code == 404
    assert (await site.get("/staff/rounds/99")).status_code == 404


async def test_rounds_are_the_operator_s_alone(site: Site) -> None:
    for name in ("assessor", "city", "above"):
        await site.become(name)
        for address in ("/staff/rounds", "/staff/rounds/1", "/staff/rounds/1/scores.csv"):
            assert (await site.get(address)).status_code == 403, (name, address)
        for what in ("scores", "assignments"):
            assert (await site.upload(f"/staff/rounds/1/{what}", b"x")).status_code == 403, (name, what)
