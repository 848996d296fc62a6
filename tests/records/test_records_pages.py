"""The operator's imports and what is held on a unit, through the pages."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from python_calamine import CalamineWorkbook

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, csrf_token, open_session
from evaluator.accounts.tables import Account
from evaluator.records.importing import import_file
from evaluator.records.tables import Import, Record, Refusal
from evaluator.records.vocabulary import read_vocabulary
from evaluator.settings import Settings
from tests.days import local_day
from tests.records.tiny_country import SCHEME, offer, store_units
from tests.wiring import site_over

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
PASSWORD = "correct horse battery"
GOOD = "单位,指标,分子,分母\n3701,paid,8,10\n370102,suits_lost,,5\n3704,paid,0,0\n"
EVENTS = "unit,record,class,document_date,state,state_date\n3701,A-1,general,2025-03-01,final,2025-04-02\n"


class Site:
    """A client that can be anybody."""

    def __init__(self, client: httpx.AsyncClient, secret: bytes, data_dir: Path) -> None:
        self.client, self.secret, self.data_dir, self.token = client, secret, data_dir, ""

    async def become(self, name: str) -> None:
        account = await Account.objects().get(Account.name == name)
        assert account is not None
        self.token = await open_session(account.id)

    def _headers(self, language: str) -> dict[str, str]:
        return {"accept": "text/html", "accept-language": language, "cookie": f"{COOKIE}={self.token}"}

    async def get(self, address: str, language: str = "en") -> httpx.Response:
        return await self.client.get(address, headers=self._headers(language), follow_redirects=False)

    async def post(self, address: str, data: dict[str, str], file: bytes | None = None) -> httpx.Response:
        sent = {"csrf": csrf_token(self.secret, self.token), **data}
        files = {"file": ("C:\\up\\数据.csv", file)} if file is not None else {"file": ("", b"")}
        return await self.client.post(
            address, data=sent, files=files, headers=self._headers("en"), follow_redirects=False
        )


@pytest.fixture
async def site(database_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[Site]:
    (tmp_path / "schemes").mkdir()
    (tmp_path / "schemes" / "tiny.yaml").write_text(SCHEME, encoding="utf-8")
    app = site_over(Settings(data_dir=tmp_path, database_url=database_url))
    await store_units()
    await create_account("operator", PASSWORD, "operator")
    await create_account("city", PASSWORD, "representative", unit="3701")
    await create_account("above", PASSWORD, "superior", unit="37")
    async with serving(app) as client:
        yield Site(client, app.state.secret, tmp_path)


FORM = {"kind": "records", "scheme": "tiny", "first": "2025-01-01", "last": "2025年12月31日", "source": "财政局"}


async def test_a_good_file_comes_in_through_the_form(site: Site) -> None:
    await site.become("operator")
    assert 'value="tiny"' in (await site.get("/staff/records/import")).text
    answer = await site.post("/staff/records/import", FORM, GOOD.encode("gb18030"))
    assert answer.status_code == 303
    page = await site.get(answer.headers["location"])
    assert "3 rows were imported." in page.text
    assert "1 row has a denominator of 0" in page.text
    assert "1 row has no numerator" in page.text
    (brought,) = await Import.objects()
    assert (brought.file_name, brought.source, brought.scheme) == ("数据.csv", "财政局", "tiny 3")
    assert brought.account == (await Account.objects().get(Account.name == "operator")).id  # type: ignore[union-attr]
    assert brought.sha256[:12] in (await site.get("/staff/records")).text
    assert brought.sha256 in (await site.get("/staff/records.csv")).text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_bad_file_is_told_row_by_row_and_can_be_taken_along(site: Site, language: str) -> None:
    await site.become("operator")
    answer = await site.post("/staff/records/import", FORM, (GOOD + "99999,paid,85%,=1\n").encode())
    assert answer.status_code == 303
    assert "/refusals/" in answer.headers["location"]
    page = await site.get(answer.headers["location"], language)
    cells = [re.sub(r"<.*?>", "", c) for c in re.findall(r"<td[^>]*>(.*?)</td>", page.text)]
    assert [cells[n] for n in (0, 1, 2)] == ["5", "单位", "99999"]
    assert "分母" in cells
    listed = await site.get(answer.headers["location"] + "/problems.csv", language)
    assert listed.content.startswith(b"\xef\xbb\xbf")
    assert "'=1" in listed.text, "no formula goes into a spreadsheet"
    assert await Record.count() == await Import.count() == 0
    assert "数据.csv" in (await site.get("/staff/records", language)).text


async def test_a_form_without_what_it_needs_says_so_at_each_field(site: Site) -> None:
    await site.become("operator")
    wrong = {"kind": "letters", "scheme": "none", "first": "1/2/2025", "last": "", "source": " "}
    page = await site.post("/staff/records/import", wrong)
    assert page.status_code == 422
    assert re.findall(r'href="#(\w+)"', page.text) == ["file", "kind", "scheme", "first", "last", "source"]
    assert "could be several dates" in page.text
    later = await site.post("/staff/records/import", {**FORM, "first": "2026-01-01"}, b"x")
    assert "ends before it begins" in later.text
    assert await Refusal.count() == 0


async def test_an_import_is_withdrawn_with_a_reason(site: Site) -> None:
    await site.become("operator")
    taken = await import_file(offer("records", GOOD.encode()), read_vocabulary(site.data_dir / "schemes" / "tiny.yaml"))
    address = f"/staff/records/imports/{taken.number}"
    refused = await site.post(f"{address}/withdraw", {"why": ""})
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert (await site.post(f"{address}/withdraw", {"why": "wrong year"})).status_code == 303
    assert "wrong year" in (await site.get(address)).text
    assert await Record.count() == 0
    assert (await site.post(f"{address}/withdraw", {"why": "again"})).status_code == 404


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_representative_sees_what_is_held_on_the_own_unit_and_where_it_comes_from(
    site: Site, language: str
) -> None:
    vocabulary = read_vocabulary(site.data_dir / "schemes" / "tiny.yaml")
    await import_file(offer("records", GOOD.encode(), simulated=True), vocabulary)
    await import_file(offer("events", EVENTS.encode()), vocabulary)
    await import_file(offer("indicators", b"unit,indicator,value\n3701,debt,1.25\n"), vocabulary)
    await site.become("city")
    page = await site.get("/staff/own", language)
    assert page.status_code == 200
    for shown in (
        "A-1",
        "the finance office",
        "1.25",
        "SIMULATED",
        {"en": "Paid in time", "zh-CN": "按期支付率"}[language],
    ):
        assert shown in page.text
    assert "suits_lost" not in page.text, "that is another unit's"
    rows = (await site.get("/staff/held/3701/records.csv")).text.splitlines()
    assert len(rows) == 4
    assert all(row.startswith("SIMULATED") for row in rows[1:])


async def test_each_sees_the_own_subtree_only(site: Site) -> None:
    for name, seen, hidden in (("city", "370102", "3704"), ("above", "3704", "38"), ("operator", "3704", None)):
        await site.become(name)
        assert (await site.get(f"/staff/held/{seen}")).status_code == 200
        if hidden:
            assert (await site.get(f"/staff/held/{hidden}")).status_code == 403
            assert (await site.get(f"/staff/held/{hidden}/records.csv")).status_code == 403
    assert (await site.get("/staff/held/none-such")).status_code == 404


OPERATORS_ONLY = [
    "/staff/records", "/staff/records.csv", "/staff/records/import", "/staff/records/imports/1",
    "/staff/records/refusals/1", "/staff/records/refusals/1/problems.csv", "/staff/records/blank/records.xlsx",
]  # fmt: skip


async def test_imports_are_the_operator_s_alone(site: Site) -> None:
    for name in ("city", "above"):
        await site.become(name)
        for address in OPERATORS_ONLY:
            assert (await site.get(address)).status_code == 403, (name, address)
        for address in ("/staff/records/import", "/staff/records/imports/1/withdraw"):
            assert (await site.post(address, FORM, GOOD.encode())).status_code == 403, (name, address)
    await site.become("operator")
    assert (await site.get("/staff/own")).status_code == 403, "an operator has no unit"
    assert await Import.count() == 0


async def test_what_does_not_exist_is_not_found(site: Site) -> None:
    await site.become("operator")
    for address in ("imports/99", "imports/99999999999999999999", "refusals/99", "blank/letters.xlsx"):
        assert (await site.get(f"/staff/records/{address}")).status_code == 404, address


@pytest.mark.parametrize("kind", ["records", "indicators", "events"])
async def test_a_sheet_to_fill_in_has_the_columns_of_its_kind(site: Site, kind: str) -> None:
    await site.become("operator")
    answer = await site.get(f"/staff/records/blank/{kind}.xlsx")
    (header,) = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert header[:2] == ["unit", "unit_name"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_empty_lists_say_so(site: Site, language: str) -> None:
    await site.become("operator")
    for address in ("/staff/records", "/staff/held/3701", "/staff/records/import"):
        page = await site.get(address, language)
        assert page.status_code == 200
        assert page.text.count("<h1") == 1
    assert local_day().year - 1 == int(re.findall(r'value="(\d{4})-01-01"', page.text)[0])
