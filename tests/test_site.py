"""What stands around every answer: headers, languages, problem details."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from evaluator import database, language, pages
from evaluator.app import create_app
from evaluator.settings import Settings
from tests.wiring import site_over

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
async def client(sqlite_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(site_over(Settings(data_dir=tmp_path, database_url=sqlite_url))) as c:
        yield c


async def test_every_answer_has_the_strict_headers(client: httpx.AsyncClient) -> None:
    for address in ("/sign-in", "/nowhere", "/static/evaluator.css", "/health"):
        headers = (await client.get(address)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


async def test_errors_are_problem_details_for_programs_and_pages_for_browsers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers={"accept-language": "en"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404
    assert answer.json()["title"] == "Page not found"
    page = await client.get("/nowhere", headers={"accept": "text/html", "accept-language": "en"})
    assert page.status_code == 404
    assert "Page not found" in page.text
    assert "/static/evaluator.css" in page.text


async def test_chinese_is_the_default_and_the_cookie_wins(client: httpx.AsyncClient) -> None:
    assert 'lang="zh-CN"' in (await client.get("/sign-in", headers={"accept": "text/html"})).text
    chosen = await client.get("/language?to=en&back=/sign-in", follow_redirects=False)
    assert chosen.headers["location"] == "/sign-in"
    english = {"accept": "text/html", "accept-language": "zh-CN", "cookie": "language=en"}
    assert 'lang="en"' in (await client.get("/sign-in", headers=english)).text
    assert (await client.get("/language?to=xx")).status_code == 404


@pytest.mark.parametrize(
    "address", ["/static/%00", "/static/" + "a" * 900, "/static/" + "a/" * 2000, "/%00", "/units/%E4%BD" * 9]
)
async def test_an_address_that_names_nothing_is_not_found(client: httpx.AsyncClient, address: str) -> None:
    assert (await client.get(address)).status_code == 404


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/sign-in")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_fault_of_ours_reveals_nothing(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("password is 123")

    monkeypatch.setattr("evaluator.accounts.routes.pages.local_path", fail)
    answer = await client.get("/sign-in", headers={"accept-language": "en"})
    assert answer.status_code == 500
    assert "123" not in answer.text


@given(
    path=st.text(max_size=40),
    query=st.text(max_size=40),
    accept=st.sampled_from(["text/html", "*/*", "application/json"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_address_gives_a_500(shared: TestClient, path: str, query: str, accept: str) -> None:
    from urllib.parse import quote

    answer = shared.get("/" + quote(path) + "?back=" + quote(query) + "&q=" + quote(query), headers={"accept": accept})
    assert answer.status_code < 500


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory):
    import asyncio

    home = tmp_path_factory.mktemp("site")
    app = create_app(Settings(data_dir=home))
    asyncio.run(database.upgrade())
    with TestClient(app, raise_server_exceptions=False) as c:
        yield c


def test_numbers_are_rounded_half_up_from_their_six_decimals() -> None:
    assert pages.shown(0.05) == "0.1"
    assert pages.shown(2.5, 0) == "3"
    assert pages.shown(1234.25) == "1,234.3"
    assert pages.shown(float("nan")) == "–"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx"])
def test_csv_cells_are_never_formulas(text: str) -> None:
    assert str(pages.csv_cell(text)).startswith("'")


@given(st.text(max_size=60))
def test_negotiation_always_ends_in_one_of_our_languages(header: str) -> None:
    assert language.negotiated(None, header) in language.LANGUAGES
