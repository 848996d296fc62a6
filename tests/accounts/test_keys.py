"""Keys for programs: shown once, kept as hashes, of the account's own scope, gone at once when they are revoked."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from evaluator.accounts import keys
from evaluator.accounts.cli import accounts
from evaluator.accounts.register import create_account
from evaluator.accounts.tables import Account, ApiKey
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.wiring import site_over

PASSWORD = "correct horse battery"
PAGE = {"accept": "text/html", "accept-language": "en"}
TODAY = date(2026, 11, 30)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url)


@pytest.fixture
async def superior(settings: Settings) -> Account:
    await Unit.insert(Unit(code="37", level="P", name_zh="a"))
    for code in ("3701", "3702"):
        await Unit.insert(Unit(code=code, parent="37", level="C", name_zh=code))
    await create_account("unit", PASSWORD, "representative", unit="3701")
    return await create_account("superior", PASSWORD, "superior", unit="3701")


@pytest.fixture
async def client(
    settings: Settings, superior: Account, serving: Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(site_over(settings)) as client:
        yield client


async def audit() -> list[dict[str, Any]]:
    rows = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == "audit").order_by(LogLeaf.position)
    return [json.loads(row["entry"]) for row in rows]


async def opened(client: httpx.AsyncClient, key: str, path: str = "/staff/review/3701/ratings.json") -> int:
    return (await client.get(path, headers={"authorization": f"Bearer {key}"})).status_code


async def test_a_key_opens_its_own_scope_to_read_and_nothing_else(
    client: httpx.AsyncClient, settings: Settings, superior: Account
) -> None:
    key, row = await keys.make_key(settings, superior, "figures", 30, datetime.now(UTC).date(), "test")
    assert await opened(client, key) == 404  # nothing is published yet, but the door is open
    for path in ("/staff/review/3702/ratings.json", "/staff/review/37/ratings.csv", "/staff/review/37010/ratings.csv"):
        assert await opened(client, key, path) == 403
    for path in ("/staff", "/staff/keys", "/staff/review", "/staff/review/rule", "/staff/review/3701/report"):
        assert await opened(client, key, path) == 403
    sent = await client.post("/staff/keys", headers={"authorization": f"Bearer {key}"}, data={"label": "x"})
    assert sent.status_code == 403
    [kept] = await ApiKey.objects()
    assert (kept.key_hash, kept.last_used_on) == (keys.hash_of(key), datetime.now(settings.zone).date())
    assert key not in json.dumps(await audit())
    assert [(one["what"], one["key"]) for one in await audit()] == [("key.made", row.id)]
    await keys.revoke_key(settings, row.id, TODAY, "test")
    answer = await client.get("/staff/review/3701/ratings.json", headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["what"] for one in await audit()] == ["key.made", "key.revoked"]


@pytest.mark.parametrize("shown", ["", "evk_", "evk_unknown", "Basic abc", "Bearer"])
async def test_what_is_no_key_opens_nothing(client: httpx.AsyncClient, shown: str) -> None:
    value = shown if " " in shown or shown == "Bearer" else f"Bearer {shown}"
    answer = await client.get("/staff/review/3701/ratings.json", headers={"authorization": value})
    assert answer.status_code == 401


async def test_a_key_opens_nothing_after_its_last_day_nor_for_an_account_that_is_closed(
    client: httpx.AsyncClient, settings: Settings, superior: Account
) -> None:
    today = datetime.now(settings.zone).date()
    old, _row = await keys.make_key(settings, superior, "old", 1, today - timedelta(2), "test")
    last, _row = await keys.make_key(settings, superior, "last day", 1, today - timedelta(1), "test")
    assert (await opened(client, old), await opened(client, last)) == (401, 404)
    await Account.update({Account.active: False}).where(Account.id == superior.id)
    assert await opened(client, last) == 401


async def test_keys_are_for_those_who_review(settings: Settings, superior: Account) -> None:
    other = await Account.objects().get(Account.name == "unit")
    assert other is not None
    for account, label, days in ((other, "x", 3), (superior, " ", 3), (superior, "x", 0), (superior, "x", 731)):
        with pytest.raises(Problem) as told:
            await keys.make_key(settings, account, label, days, TODAY, "test")
        assert told.value.status == 422
    assert await audit() == []


def test_a_key_that_asks_too_often_waits() -> None:
    pace = keys.Pace(a_minute=60, at_once=3)
    for _request in range(3):
        pace.take(1, now=100.0)
    with pytest.raises(keys.TooManyRequests) as told:
        pace.take(1, now=100.1)
    assert (told.value.status, told.value.headers["Retry-After"]) == (429, "1")
    pace.take(2, now=100.1)  # another key has a pace of its own
    pace.take(1, now=101.5)


async def test_a_key_is_made_shown_once_and_revoked_on_a_page(client: httpx.AsyncClient, superior: Account) -> None:
    answer = await client.post("/sign-in", data={"name": "superior", "password": PASSWORD}, headers=PAGE)
    page = await client.get("/staff/keys", headers=PAGE)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf, answer.text
    form = {"csrf": csrf[1], "label": "yearly review", "days": "90"}
    made = await client.post("/staff/keys", data=form, headers=PAGE)
    found = re.search(r'id="key">(evk_[\w-]+)<', made.text)
    assert found
    assert made.headers["cache-control"] == "private, no-store"
    client.cookies.clear()
    assert await opened(client, found[1]) == 404
    await client.post("/sign-in", data={"name": "superior", "password": PASSWORD}, headers=PAGE)
    again = await client.get("/staff/keys", headers=PAGE)
    assert found[1] not in again.text
    assert found[1][:12] in again.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', again.text)
    assert csrf
    wrong = await client.post("/staff/keys", data={"csrf": csrf[1], "label": "", "days": "x"}, headers=PAGE)
    assert wrong.status_code == 422
    [row] = await ApiKey.objects()
    await client.post(f"/staff/keys/{row.id}/revoke", data={"csrf": csrf[1]}, headers=PAGE)
    client.cookies.clear()
    assert await opened(client, found[1]) == 401


async def test_nobody_revokes_another_account_s_key(settings: Settings, superior: Account) -> None:
    other = await create_account("other", PASSWORD, "superior", unit="3702")
    _key, row = await keys.make_key(settings, other, "x", 3, TODAY, "test")
    assert await keys.revoke_key(settings, row.id, TODAY, "test", superior.id) is None
    assert await keys.revoke_key(settings, 10**12, TODAY, "test") is None


def test_keys_on_the_command_line(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EVALUATOR_DATABASE_URL", sqlite_url)
    run = CliRunner()
    assert run.invoke(accounts, ["add", "lead", "--role", "operator", "--password", PASSWORD]).exit_code == 0
    assert run.invoke(accounts, ["key", "make", "nobody", "--label", "x"]).exit_code == 2
    made = run.invoke(accounts, ["key", "make", "lead", "--label", "figures", "--days", "9"])
    assert made.stdout.startswith("evk_")
    assert made.stdout.strip() not in made.stderr
    listed = run.invoke(accounts, ["key", "list"]).stdout
    assert made.stdout[:12] in listed
    assert made.stdout.strip() not in listed
    assert "never\topens" in listed
    assert run.invoke(accounts, ["key", "revoke", "1"]).exit_code == 0
    assert run.invoke(accounts, ["key", "revoke", "77"]).exit_code == 2
    assert "revoked" in run.invoke(accounts, ["key", "list"]).stdout
