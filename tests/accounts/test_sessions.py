"""Signing in: rotated sessions, forms bound to them, locks, and scopes in one place for every staff route."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from litestar.routes import HTTPRoute

from evaluator import database
from evaluator.accounts.register import create_account
from evaluator.accounts.tables import Account, StaffSession
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.wiring import site_over

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
PAGE = {"accept": "text/html", "accept-language": "en"}
PASSWORD = "correct horse battery"


@pytest.fixture
async def client(database_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[httpx.AsyncClient]:
    app = site_over(Settings(data_dir=tmp_path, database_url=database_url))
    await Unit.insert(Unit(code="37", level="P", name_zh="a"))
    for code in ("3701", "3702"):
        await Unit.insert(Unit(code=code, parent="37", level="C", name_zh=code))
    await create_account("operator", PASSWORD, "operator")
    await create_account("superior", PASSWORD, "superior", unit="3701")
    await create_account("unit", PASSWORD, "representative", unit="3701")
    async with serving(app) as client:
        client.app = app  # type: ignore[attr-defined]
        yield client


async def sign_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> str:
    """The session's cookie value, or nothing."""
    answer = await client.post(
        "/sign-in", data={"name": name, "password": password}, headers=PAGE, follow_redirects=False
    )
    found = re.search(r"staff=([^;]+)", answer.headers.get("set-cookie", ""))
    client.cookies.clear()
    return found[1] if found else ""


def staff_routes(client: httpx.AsyncClient) -> list[tuple[str, str, dict[str, object]]]:
    """Every staff route: its address with a foreign unit filled in, its method, its options."""
    found = []
    for route in client.app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith("/staff"):
            address = re.sub(r"\{unit(:\w+)?\}", "3702", route.path_format)
            address = re.sub(r"\{(round|campaign|import|target|edition|id|identifier|\w+)(:\w+)?\}", "999", address)
            for handler in route.route_handlers:
                found += [(address, m, dict(handler.opt)) for m in handler.http_methods if m in ("GET", "POST")]
    return found


async def test_signing_in_gives_a_new_session_and_ignores_a_chosen_one(client: httpx.AsyncClient) -> None:
    client.cookies.set("staff", "chosen-by-an-attacker")
    first, second = await sign_in(client, "operator"), await sign_in(client, "operator")
    assert first
    assert second
    assert len({first, second, "chosen-by-an-attacker"}) == 3
    kept = await StaffSession.select(StaffSession.token_hash)
    assert not {first, second} & {row["token_hash"] for row in kept}, "only hashes are kept"


async def test_signing_out_ends_the_session_on_the_server(client: httpx.AsyncClient) -> None:
    token = await sign_in(client, "operator")
    await client.post("/sign-out", headers={"cookie": f"staff={token}"})
    answer = await client.get("/staff", headers={**PAGE, "cookie": f"staff={token}"}, follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?back=/staff"


async def test_a_session_runs_out(client: httpx.AsyncClient) -> None:
    token = await sign_in(client, "operator")
    await StaffSession.update({StaffSession.expires_at: datetime.now(UTC) - timedelta(seconds=1)}, force=True)
    answer = await client.get("/staff", headers={"cookie": f"staff={token}"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_citizens_pages_set_no_cookie(client: httpx.AsyncClient) -> None:
    for address in ("/sign-in", "/rate", "/", "/nowhere"):
        assert "set-cookie" not in (await client.get(address, headers=PAGE)).headers


async def test_every_staff_route_needs_a_session(client: httpx.AsyncClient) -> None:
    routes = staff_routes(client)
    assert len(routes) >= 4
    for address, method, _ in routes:
        answer = await client.request(method, address)
        assert answer.status_code == 401, (method, address)


async def test_every_staff_form_needs_the_session_s_token(client: httpx.AsyncClient) -> None:
    token = await sign_in(client, "operator")
    posts = [(a, m, o) for a, m, o in staff_routes(client) if m == "POST"]
    assert posts
    for address, method, _ in posts:
        answer = await client.request(method, address, data={"csrf": "guessed"}, headers={"cookie": f"staff={token}"})
        assert answer.status_code == 403, (method, address)


async def test_another_role_s_routes_are_refused(client: httpx.AsyncClient) -> None:
    for name in ("operator", "superior"):
        token = await sign_in(client, name)
        for address, method, opt in staff_routes(client):
            roles = opt.get("roles")
            if roles is not None and name not in roles:  # type: ignore[operator]
                answer = await client.request(method, address, headers={"cookie": f"staff={token}"})
                assert answer.status_code == 403, (name, method, address)


async def test_another_s_subtree_is_refused_on_every_route_with_a_unit(client: httpx.AsyncClient) -> None:
    with_unit = [r for r in staff_routes(client) if "3702" in r[0]]
    for name in ("superior", "unit"):
        token = await sign_in(client, name)
        for address, method, _ in with_unit:
            answer = await client.request(method, address, headers={"cookie": f"staff={token}"})
            assert answer.status_code == 403, (name, method, address)


async def test_a_form_sent_from_another_site_is_refused(client: httpx.AsyncClient) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = await client.post("/sign-in", data={"name": "operator", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_the_way_back_never_leaves_the_site(client: httpx.AsyncClient) -> None:
    for back in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = await client.post(
            "/sign-in",
            data={"name": "operator", "password": PASSWORD, "back": back},
            headers=PAGE,
            follow_redirects=False,
        )
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("role", "scope"),
    [("superior", {}), ("representative", {}), ("assessor", {}), ("king", {}), ("operator", {"password": "short"})],
)
async def test_accounts_without_what_their_role_needs_are_refused(
    database_url: str, role: str, scope: dict[str, str]
) -> None:
    with pytest.raises(Problem):
        await create_account("x", scope.get("password", PASSWORD), role)
    assert await Account.count() == 0


async def test_a_name_is_taken_once(database_url: str) -> None:
    await create_account("x", PASSWORD, "operator")
    with pytest.raises(database.AlreadyExists):
        await create_account("x", PASSWORD, "operator")
