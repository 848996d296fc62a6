"""Guessing passwords is braked, and whoever guesses locks out himself, not the owner of the account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from evaluator.accounts import register
from evaluator.accounts.browsers import FOR_A_NAME, FROM_A_NETWORK, WINDOW
from evaluator.accounts.register import authenticate, create_account
from evaluator.accounts.tables import Account
from evaluator.brake import Brake
from evaluator.settings import Settings
from tests.wiring import site_over

PAGE = {"accept": "text/html", "accept-language": "en"}
PASSWORD = "correct horse battery"
OFFICE, HOME, STRANGER = "203.0.113.7", "198.51.100.9", "192.0.2.1"


class Site:
    """The site as browsers of several networks see it."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def sign_in(self, password: str, address: str, cookies: Any = None, name: str = "operator") -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", cookies=cookies) as client:
            return await client.post("/sign-in", data={"name": name, "password": password}, headers=PAGE)


@pytest.fixture
async def site(
    database_url: str, tmp_path: Path, serving: Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
) -> AsyncIterator[Site]:
    app = site_over(Settings(data_dir=tmp_path, database_url=database_url))
    await create_account("operator", PASSWORD, "operator")
    async with serving(app):
        yield Site(app)


async def test_a_stranger_who_guesses_stops_himself_and_not_the_owner(site: Site) -> None:
    for _ in range(FOR_A_NAME):
        assert (await site.sign_in("wrong password!", STRANGER)).status_code == 422
    stopped = await site.sign_in(PASSWORD, STRANGER)
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["retry-after"]) <= WINDOW
    assert "Please wait for a quarter of an hour" in stopped.text
    assert "set-cookie" not in stopped.headers
    assert (await site.sign_in(PASSWORD, OFFICE)).status_code == 303
    assert (
        await site.sign_in("wrong password!", STRANGER, name="nobody")
    ).status_code == 422  # another name may be tried


async def test_a_browser_that_signed_in_before_is_let_in_from_the_guessers_own_network(site: Site) -> None:
    first = await site.sign_in(PASSWORD, OFFICE)
    known = {name: value for name, value in first.cookies.items() if name.startswith("known-")}
    assert len(known) == 1
    for _ in range(FOR_A_NAME + 1):
        await site.sign_in("wrong password!", OFFICE)
    assert (await site.sign_in(PASSWORD, OFFICE)).status_code == 429
    assert (await site.sign_in(PASSWORD, OFFICE, known)).status_code == 303
    # its own mistakes are counted too, wherever it is, and a right password forgives them
    for _ in range(2):
        for _ in range(FOR_A_NAME - 1):
            assert (await site.sign_in("wrong password!", HOME, known)).status_code == 422
        assert (await site.sign_in(PASSWORD, HOME, known)).status_code == 303
    for _ in range(FOR_A_NAME):
        await site.sign_in("wrong password!", HOME, known)
    assert (await site.sign_in(PASSWORD, OFFICE, known)).status_code == 429
    # made up, or somebody else's: worth nothing
    await create_account("other", PASSWORD, "operator")
    [(name, value)] = known.items()
    for forged in ({name: value[:-1] + ("A" if value[-1] != "A" else "B")}, {name: "x"}):
        assert (await site.sign_in(PASSWORD, OFFICE, forged)).status_code == 429
    other = await site.sign_in(PASSWORD, OFFICE, known, name="other")
    assert [cookie for cookie in other.cookies if cookie.startswith("known-") and cookie != name]


async def test_one_network_cannot_try_one_password_on_all_names(site: Site) -> None:
    answers = [
        (await site.sign_in("wrong password!", STRANGER, name=f"name{n}")).status_code
        for n in range(FROM_A_NETWORK + 1)
    ]
    assert answers == [422] * FROM_A_NETWORK + [429]
    assert (await site.sign_in(PASSWORD, STRANGER.replace(".1", ".99"))).status_code == 429  # the same network
    assert (await site.sign_in(PASSWORD, OFFICE)).status_code == 303


async def test_guessing_from_many_networks_lets_known_browsers_in_only(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "PATIENCE", 12)
    known = dict((await site.sign_in(PASSWORD, OFFICE)).cookies)
    for n in range(12):
        assert (await site.sign_in("wrong password!", f"10.0.{n}.1")).status_code == 422
    assert (await site.sign_in(PASSWORD, HOME)).status_code == 422  # in the words of a wrong one
    assert (await site.sign_in(PASSWORD, HOME, known)).status_code == 303  # and with that it is over
    assert (await site.sign_in(PASSWORD, HOME)).status_code == 303
    for _ in range(12):
        assert await authenticate("operator", "wrong password!") is None
    assert await authenticate("operator", PASSWORD) is None
    await Account.update({Account.locked_until: datetime.now(UTC) - timedelta(seconds=1)}, force=True)
    assert await authenticate("operator", PASSWORD) is not None


def test_a_window_ends_and_no_more_is_kept_than_counts() -> None:
    at = [0.0]
    brake = Brake(WINDOW, lambda: at[0])
    name = ("name 10.0.0.0/24 li", 2)
    assert [brake.attempt(name) for _ in range(3)] == [0, 0, WINDOW]
    at[0] = WINDOW - 1
    assert brake.attempt(name) == 1
    at[0] = WINDOW
    assert brake.attempt(name) == 0
    assert "10.0.0" not in repr(vars(brake))


def test_names_that_somebody_makes_up_do_not_fill_the_memory() -> None:
    brake = Brake(WINDOW)
    for number in range(10_000):
        brake.attempt(("network 10.0.0.0/24", FROM_A_NETWORK), (f"name 10.0.0.0/24 {number}", FOR_A_NAME))
    assert len(brake) == FROM_A_NETWORK + 1
