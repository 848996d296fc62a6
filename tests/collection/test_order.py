"""Nothing on disk says who came first, and nothing leads from a code to its response once its epoch is sealed.

Two hundred people answer one after the other at a real server. Then everything that it left on disk is read: tables
row by row as the engine finds them, and every file byte by byte.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import numpy as np
import pytest
from scipy.stats import spearmanr

from evaluator import database
from evaluator.collection import mixing
from evaluator.collection.admission import issue_codes
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.tables import Admission, Pending
from tests.collection.conftest import Page, Person
from tests.days import local_day

PEOPLE = 200
CHANCE = 4.5  # standard deviations: one false alarm in 150,000 orders; what keeps the order is at 14
PAGE = 4096  # of SQLite; PostgreSQL has two in one of its own
NEAR = 2000  # bytes around a code in which its response would be "beside" it


@dataclass
class Trace:
    """What is known of one person by whoever plays them all."""

    code_hash: str
    identifier: str = ""
    leaf_hash: str = ""
    salt: str = ""
    commitment: str = ""

    @property
    def of_response(self) -> list[bytes]:
        """Everything that names the response, in each spelling."""
        names = [name.encode() for name in (self.identifier, self.leaf_hash, self.salt, self.commitment)]
        leaf = bytes.fromhex(self.leaf_hash)
        return [*names, leaf, base64.b64encode(leaf), bytes.fromhex(self.commitment), self.leaf_hash[:16].encode()]


@asynccontextmanager
async def _server(url: str, home: Path) -> AsyncIterator[str]:
    """`evaluator serve` in a process of its own; what it says goes to a file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _started(url, home, port)
    try:
        for _ in range(1200):
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                assert process.poll() is None, (home / "server.log").read_text()
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)


def _started(url: str, home: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from evaluator.cli import main; main()", "serve", "--port", str(port)]
    with (home / "server.log").open("wb") as said:
        return subprocess.Popen(command, env=_environment(url, home), stdout=said, stderr=subprocess.STDOUT)


def _environment(url: str, home: Path) -> dict[str, str]:
    return os.environ | {"EVALUATOR_DATABASE_URL": url, "EVALUATOR_DATA_DIR": str(home)}


async def _answer(client: httpx.AsyncClient, code: str, number: int) -> None:
    """Somebody with a code: the code, the form, the answer. Every third has a browser that keeps cookies."""
    person = Person(client, cookies=number % 3 == 0)
    if person.cookies:
        await person.open("/code")
    page: Page = await person.enter(code)
    assert page.status == 200
    visit = dict(page.fields)["visit"]
    said = [("a-contact", "yes"), ("a-days", str(number)), ("a-word", str(random.randrange(11)))]
    page = await person.post("/code/send", [("visit", visit), ("at", ":review"), ("to", "send"), *said])
    assert page.status in (200, 303), page.words


async def _played(url: str, home: Path, codes: list[str], hashes: list[str]) -> list[Trace]:
    """Everybody in their order, then the epoch is sealed by the command line while the server runs."""
    people = [Trace(hashed) for hashed in hashes]
    async with _server(url, home) as address:
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            for number, code in enumerate(codes):
                await _answer(client, code, number)
        for row in await Pending.select():  # what only the transaction that seals may know
            of = people[hashes.index(row["code_hash"])]
            of.identifier, of.leaf_hash = row["identifier"], row["leaf_hash"]
            of.salt, of.commitment = row["salt"], row["commitment"]
        command = [sys.executable, "-c", "from evaluator.cli import main; main()", "campaign", "seal", "spring"]
        done = await asyncio.to_thread(
            subprocess.run, command, env=_environment(url, home), capture_output=True, text=True, check=False
        )
        assert f"{PEOPLE} responses sealed" in done.stdout, done.stderr
    return people


def _files(home: Path) -> dict[str, bytes]:
    """All but the keys, which are elsewhere than the database and its backups."""
    paths = [path for path in home.rglob("*") if path.is_file() and "keys" not in path.parts]
    return {str(path.relative_to(home)): path.read_bytes() for path in paths}


# PostgreSQL's own statistics hold some values of each column, sorted: what stands beside another there says nothing
STATISTICS = {"postgres/pg_statistic", "postgres/pg_toast_2619"}


async def _everything(url: str, home: Path) -> dict[str, bytes]:
    """Name -> bytes of all that is on disk."""
    found = _files(home)
    if url.startswith("postgresql"):
        connection = await asyncpg.connect(url)
        await connection.execute("CHECKPOINT")
        files = "SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't', 'S')"
        for name, path in await connection.fetch(files):
            if path is not None:
                found[f"postgres/{name}"] = await connection.fetchval("SELECT pg_read_binary_file($1)", path)
        await connection.close()
    return found


async def _tables(url: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Every table's rows as texts, in each order in which an engine finds them by itself."""
    if url.startswith("postgresql"):
        connection = await asyncpg.connect(url)
        for (table,) in await connection.fetch("SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = "
                                               "'public'::regnamespace"):  # fmt: skip
            for order in ("ctid", "xmin::text::bigint, cmin::text::bigint, ctid"):
                rows = await connection.fetch(f'SELECT t::text FROM "{table}" AS t ORDER BY {order}')
                yield f"{table} by {order}", [row[0] for row in rows]
        await connection.close()
        return
    with sqlite3.connect(database.engine().path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            yield table, [str(row) for row in connection.execute(f'SELECT * FROM "{table}"')]


def _deviations(places: Mapping[int, int]) -> float:
    """How far the rank correlation of order of arrival and place is from chance, in standard deviations."""
    who = sorted(places)
    rho = spearmanr(who, [places[k] for k in who]).statistic
    return abs(float(rho)) * float(np.sqrt(len(who) - 1))


def _within_pages(places: Mapping[int, int]) -> float:
    """The same for the order within pages alone, over all pages."""
    pages: dict[int, list[int]] = {}
    for who, place in places.items():
        pages.setdefault(place // PAGE, []).append(who)
    total, weight = 0.0, 0.0
    for among in pages.values():
        if len(among) > 3:
            rho = float(spearmanr(sorted(among), [places[k] for k in sorted(among)]).statistic)
            total, weight = total + rho * (len(among) - 1), weight + (len(among) - 1)
    return abs(total) / float(np.sqrt(weight)) if weight else 0.0


def _layout(path: Path, keys: Iterable[str]) -> list[list[str]]:
    """Of each page of a file, the keys in it as they lie there."""
    content, pages = path.read_bytes(), {}
    for key in keys:
        at = content.find(key.encode())
        while at >= 0:
            pages.setdefault(at // PAGE, []).append((at, key))
            at = content.find(key.encode(), at + 1)
    return sorted([key for _, key in sorted(page)] for page in pages.values())


def _orders(people: list[Trace], found: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Mapping[int, int]]]:
    """Every order in which people can be found in something: by the first and by the last place of each name."""
    for name, content in found:
        kinds: dict[str, dict[int, int]] = {}
        for number, person in enumerate(people):
            names = [person.code_hash.encode(), bytes.fromhex(person.code_hash), *person.of_response]
            for kind, needle in enumerate(names):
                for way, place in (("first", content.find(needle)), ("last", content.rfind(needle))):
                    if place >= 0:
                        kinds.setdefault(f"{name}, name {kind}, {way}", {})[number] = place
        yield from ((what, places) for what, places in kinds.items() if len(places) >= 50)


@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")
async def test_nothing_on_disk_keeps_the_order_or_leads_from_a_code_to_its_response(
    database_url, settings, small_campaign, tmp_path
) -> None:
    home = tmp_path
    await small_campaign(opens=local_day() - timedelta(2), closes=local_day() + timedelta(9), open_link=False)
    codes = await issue_codes(settings, "spring", "3701", PEOPLE)
    random.shuffle(codes)
    key = campaign_key(settings, "spring")
    people = await _played(database_url, home, codes, [invitation_hash(key, code) for code in codes])
    assert (await Pending.count(), await Admission.count()) == (0, PEOPLE)

    disk = await _everything(database_url, home)
    tables = [(name, "\n".join(rows).encode()) async for name, rows in _tables(database_url)]
    orders = list(_orders(people, [*disk.items(), *tables]))
    places = {what.split(",")[0] for what, _ in orders}
    wanted = {"admission", "response", "log_leaf"} if database_url.startswith("sqlite") else {
        "postgres/admission", "postgres/response", "admission by ctid", "response by ctid"}  # fmt: skip
    assert places >= wanted  # there was something to look at
    assert any(place.startswith("log/campaign/spring") for place in places)
    leaking = {what: _deviations(found) for what, found in orders if _deviations(found) > CHANCE}
    leaking |= {f"{what}, in pages": _within_pages(found) for what, found in orders if _within_pages(found) > CHANCE}
    assert leaking == {}

    for name, content in disk.items():
        if name in STATISTICS:
            continue
        for person in people:
            at = content.find(person.code_hash.encode())
            while at >= 0:
                around = content[max(at - NEAR, 0) : at + NEAR]
                assert not any(needle in around for needle in person.of_response), name
                at = content.find(person.code_hash.encode(), at + 1)

    # no address of a page that somebody saw, no code and no token is in what the server said
    said = disk["server.log"].decode()
    assert not any(code in said for code in codes)
    assert "/code" not in said


async def test_where_codes_lie_in_a_file_does_not_depend_on_when_they_came(sqlite_template, tmp_path) -> None:
    """Within a page of SQLite the last few that came lie in front, too few for a rank correlation to see."""
    keys = [secrets.token_hex(32) for _ in range(500)]
    before, after = [], []
    for number, order in enumerate((sorted(keys), sorted(keys, reverse=True), random.sample(keys, len(keys)))):
        path = tmp_path / f"{number}.sqlite"
        shutil.copy(sqlite_template, path)
        with sqlite3.connect(path, isolation_level=None) as connection:
            for key in order:
                connection.execute("INSERT INTO admission (code_hash) VALUES (?)", [key])
        connection.close()
        before.append(_layout(path, keys))
        await mixing.tidy(database.make_engine(f"sqlite:///{path}"))
        after.append(_layout(path, keys))
    assert before[0] != before[1] != before[2]
    assert after[0] == after[1] == after[2]


def test_the_measure_sees_an_order_that_is_kept() -> None:
    """Rows that were appended as they came, and rows that lie in pages by a random key, each page as they came."""
    assert _deviations({k: 70 * k for k in range(PEOPLE)}) > CHANCE * 2
    pages = {k: random.randrange(4) * PAGE + 10 * k for k in range(PEOPLE)}
    assert _within_pages(pages) > CHANCE * 2
    mixed = random.sample(range(PEOPLE), PEOPLE)
    assert _deviations({k: 70 * place for k, place in enumerate(mixed)}) < CHANCE
