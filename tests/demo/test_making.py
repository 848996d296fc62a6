"""The whole way on a small province: collected, rated, verified, published, and judged against the truth."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from pathlib import Path

import pytest
from rich.console import Console

from evaluator import database
from evaluator.collection.tables import Admission, Campaign, Response
from evaluator.demo import place
from evaluator.demo.calendar import calendar_of
from evaluator.demo.coverage import coverage
from evaluator.demo.making import Made, Plan, make_demo
from evaluator.demo.steps import Steps
from evaluator.publication.registered import BEFORE, of_note
from evaluator.rating.edition import read_note
from evaluator.rating.tables import PublishedEdition
from evaluator.rating.verify import verify
from evaluator.settings import Settings
from tests.days import local_day

ONLINE = 24


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("demo") / "var")


@pytest.fixture(scope="module")
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(scope="module")
def made(settings: Settings, said: io.StringIO) -> Made:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plan = Plan(3, 2000, calendar_of(local_day()), port, online=ONLINE, cities=9, townships=1, draws=256)
    return make_demo(settings, plan, Steps(Console(file=said)))


@pytest.fixture(autouse=True)
def connected(settings: Settings, made: Made) -> None:
    database.connect(settings.database)


def test_the_edition_is_published_and_verifies(settings: Settings, made: Made) -> None:
    row = asyncio.run(_only(PublishedEdition))
    assert row.identifier == made.edition
    assert row.simulated
    assert verify(settings.data_dir / "editions" / made.edition, None).differences == ()


def test_its_scheme_was_registered_before_the_first_answer_as_its_logs_show(settings: Settings, made: Made) -> None:
    told = asyncio.run(of_note(read_note(settings.data_dir / "editions" / made.edition)))
    assert (told.status, told.proved) == (BEFORE, True)


async def _only(table):  # type: ignore[no-untyped-def]
    (row,) = await table.objects()
    return row


def test_every_answer_was_stored_and_some_came_over_http_with_codes(made: Made) -> None:
    async def counted() -> tuple[int, int, int, set[str]]:
        invited = await Response.count().where(Response.mode == "invitation")
        unmeasured = await Response.count().where(Response.duration == "unknown")
        assert unmeasured == 0
        days = await Response.select(Response.day)
        return await Response.count(), invited, await Admission.count(), {str(row["day"]) for row in days}

    number, invited, admitted, days = asyncio.run(counted())
    assert number == made.counts["responses"] == 2000
    assert admitted == invited  # one response a code
    assert len(days) > 20


def test_it_is_marked_as_simulated_everywhere(settings: Settings, made: Made) -> None:
    assert asyncio.run(_only(Campaign)).simulated
    assert json.loads((settings.data_dir / "snapshots" / "demo" / "snapshot.json").read_text())["simulated"] is True
    assert json.loads((settings.data_dir / "editions" / made.edition / "edition.json").read_text())["simulated"] is True


def test_rating_never_saw_the_truth_and_its_intervals_hold_most_of_it(settings: Settings, made: Made) -> None:
    truth = settings.data_dir / "demo" / "truth.csv"
    for folder in ("snapshots/demo", f"editions/{made.edition}"):
        assert not list((settings.data_dir / folder).rglob("truth*"))
    lines = {(line.group, line.level): line for line in coverage(settings.data_dir / "editions" / made.edition, truth)}
    # so few answers and units make this a test that truth and edition speak of the same things, not of 95 %
    for group in ("indicator: share", "indicator: assessor", "indicator: citizen"):
        assert lines[group, "all"].covered > 0.88, group


def test_it_says_what_it_does_with_the_seconds_of_each_step(said: io.StringIO, made: Made) -> None:
    text = said.getvalue()
    assert text.count(" s  ") >= 10
    assert "...\n" in text


def test_its_mark_says_that_it_is_finished(settings: Settings, made: Made) -> None:
    mark = place.read_mark(settings)
    assert mark is not None
    assert (mark.edition, mark.seed, mark.responses) == (made.edition, 3, 2000)


def test_what_is_there_is_known_and_nothing_else_lies_about(settings: Settings, made: Made) -> None:
    assert {path.name for path in Path(settings.data_dir).iterdir()} <= set(place.OURS)
