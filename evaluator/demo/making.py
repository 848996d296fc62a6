"""Making the demo: every step of the way from an empty folder to a published edition, each through the real rooms."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator import database
from evaluator.assessment.tables import AssessmentRound
from evaluator.collection.admission import issue_codes, shown_code
from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import Label, create_campaign, load_campaign
from evaluator.collection.counts import import_frame, import_population
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.sealing import seal
from evaluator.collection.tables import Campaign
from evaluator.demo import accounts, assessing, citizens, files, online, outlines, place
from evaluator.demo.calendar import Calendar
from evaluator.demo.province import data, generator
from evaluator.demo.simulation import Simulation, simulate
from evaluator.demo.steps import Steps
from evaluator.language import gettext as _
from evaluator.publication.publishing import publish
from evaluator.rating.registering import register
from evaluator.rating.run import rate
from evaluator.rating.snapshot_make import make_snapshot
from evaluator.rating.verify import verify
from evaluator.records.importing import Offer, import_file
from evaluator.records.vocabulary import read_vocabulary
from evaluator.settings import Settings
from evaluator.units.importing import import_units, read_units
from questionnaires.acceptance import Accepted, accept

PER_UNIT = 40  # people of one unit who answer over HTTP, at most
SPARE_CODES = 3  # unused codes for the visitor


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made."""

    seed: int
    responses: int
    calendar: Calendar
    port: int
    online: int = 1000  # answers over HTTP, at most a tenth of the invited ones
    cities: int | None = None  # for tests: a part of the province
    townships: int | None = None
    draws: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it."""

    edition: str
    counts: dict[str, int]  # rows of the snapshot by table


def make_demo(settings: Settings, plan: Plan, steps: Steps) -> Made:
    """Simulate, collect, assess, import, snapshot, rate, verify and publish, in the demo's own folder.

    A killed demo leaves its mark without an edition; the next one starts over.
    """
    home = place.folder(settings)
    place.write_mark(settings, place.Mark(plan.seed, plan.responses, plan.calendar.today))
    with steps.step(_("Invent a province: its units, their true standing, its outlines, its people's answers")):
        made = simulate(plan.seed, plan.responses, plan.calendar, plan.cities, plan.townships)
        made.write_truth(home / "truth.csv")
        drawn = outlines.make_outlines(plan.seed, made.province)
        outlines.write_outlines(settings.data_dir / "outlines.geojson", made.province, drawn)
    with steps.step(_("Create the database and import the units")):
        database.connect(settings.database)
        asyncio.run(_found(files.units_file(home / "files", made.province)))
    asyncio.run(_register(settings, made))
    campaign, opened, logins = _open(settings, home, made, steps)
    _collect(settings, plan, made, campaign, opened, steps)
    accounts.write_logins(home / accounts.FILE, logins, asyncio.run(_spare_codes(settings, made)))
    snapshot, edition = settings.data_dir / "snapshots" / plan.calendar.campaign, home / "edition"
    with steps.step(_("Make a snapshot from the database")) as advance:
        period = (plan.calendar.begins, plan.calendar.ends)
        counts = asyncio.run(
            make_snapshot(
                settings,
                snapshot,
                [plan.calendar.campaign],
                period,
                plan.calendar.today,
                lambda _step, share: advance(share),
            )
        )
    with steps.step(_("Rate: estimate, draw, rank, grade, write the edition")) as advance:
        rated = rate(
            made.scheme_file, snapshot, edition, seed=plan.seed, draws=plan.draws,
            progress=lambda _step, share: advance(share),
        )  # fmt: skip
    for step, seconds in rated.seconds.items():
        steps.part(step, seconds)
    with steps.step(_("Recompute every figure, and publish")) as advance:

        def differences(folder: Path) -> tuple[str, ...]:
            return tuple(verify(folder, None, lambda _step, share: advance(share)).differences)

        row = asyncio.run(publish(settings, edition, differences, plan.calendar.today))
    place.write_mark(settings, place.Mark(plan.seed, plan.responses, plan.calendar.today, row.identifier))
    return Made(row.identifier, counts)


def _open(
    settings: Settings, home: Path, made: Simulation, steps: Steps
) -> tuple[Campaign, AssessmentRound, list[accounts.Login]]:
    """The campaign, the round, and who can sign in."""
    with steps.step(_("Open a campaign with its frame and population, and a round of assessment")) as advance:
        campaign = asyncio.run(_open_campaign(settings, made))
        advance(0.3)
        frame = files.frame_file(home / "files", made.province, made.sample)
        population = files.population_file(home / "files", made.province, made.truth)
        asyncio.run(_counts(settings, frame, population, made.calendar))
        advance(0.7)
        opened = asyncio.run(assessing.open_round(made, home / "files"))
        logins = asyncio.run(accounts.make_accounts(made.province, opened.id, opened.code))
        assessor = next(one.number for one in logins if one.role == "assessor")
        asyncio.run(assessing.give_account(opened, made, assessor))
    return campaign, opened, logins


def _collect(
    settings: Settings, plan: Plan, made: Simulation, campaign: Campaign, opened: AssessmentRound, steps: Steps
) -> None:
    """Answers, records and scores. Forms are opened first and sent last, as people take their time."""
    home, people = place.folder(settings), made.people
    chosen = _online(plan, people)
    number = {"number": len(chosen)}
    with ExitStack() as running:
        visits: list[str] = []
        if len(chosen):
            with steps.step(_("Start the server and open %(number)d forms with invitation codes") % number) as advance:
                running.enter_context(online.server(settings, plan.port, home / "server.log"))
                codes = asyncio.run(_issue(settings, made, chosen))
                visits = online.open_forms(plan.port, codes, lambda done: advance(done / len(chosen)))
        others = len(people) - len(chosen)
        with steps.step(_("Accept and store %(number)d responses") % {"number": others}) as advance:
            rows = _rows(made, campaign, set(chosen.tolist()))
            asyncio.run(store_in_bulk(settings, rows, lambda done: advance(done / others)))
        with steps.step(_("Import shares, rates, metrics and events from files")) as advance:
            vocabulary = read_vocabulary(made.scheme_file)
            offers = list(_offers(home / "files", made))
            for done, offer in enumerate(offers, 1):
                asyncio.run(import_file(offer, vocabulary))
                advance(done / len(offers))
        with steps.step(_("Import %(number)d scores of assessors") % {"number": len(made.scores.score)}):
            asyncio.run(assessing.bring_scores(opened, made, home / "files"))
        if len(chosen):
            with steps.step(_("Send the %(number)d forms over HTTP") % number) as advance:
                answers = [people.raw(int(person)) for person in chosen]
                online.send_forms(plan.port, visits, answers, lambda done: advance(done / len(chosen)))
                asyncio.run(seal(settings, made.calendar.campaign, everything=True))


async def _found(units: Path) -> None:
    await database.upgrade()
    await import_units(read_units(await asyncio.to_thread(units.read_bytes)))


async def _register(settings: Settings, made: Simulation) -> None:
    """The scheme, before the campaign begins."""
    why, day = data("demo.yaml")["scheme"], made.calendar.opens - timedelta(1)
    content = await asyncio.to_thread(made.scheme_file.read_bytes)
    await register(settings, content, made.scheme_file.name, f"{why['zh']} {why['en']}", day, "demo")


async def _open_campaign(settings: Settings, made: Simulation) -> Campaign:
    words, calendar = data("demo.yaml")["campaign"], made.calendar
    return await create_campaign(
        settings, calendar.campaign, questionnaire=made.definition, units=[str(code) for code in made.province.code],
        opens=calendar.opens, closes=calendar.closes, title=Label(words["title"]["zh"], words["title"]["en"]),
        responsible=Label(words["responsible"]["zh"], words["responsible"]["en"]), contact=words["contact"],
        simulated=True,
    )  # fmt: skip


async def _counts(settings: Settings, frame: Path, population: Path, calendar: Calendar) -> None:
    campaign = await load_campaign(calendar.campaign)
    assert campaign is not None  # made a moment ago
    await import_frame(settings, campaign, await asyncio.to_thread(frame.read_bytes))
    await import_population(settings, campaign, await asyncio.to_thread(population.read_bytes))


def _online(plan: Plan, people: citizens.Simulated) -> NDArray[np.int64]:
    """The invited people who answer over HTTP: up to forty of a unit, unit by unit."""
    invited = np.flatnonzero(people.mode == citizens.MODES.index("invitation"))
    wanted = min(plan.online, len(invited) // 10)
    chosen: list[int] = []
    for unit in generator(plan.seed, "online").permutation(np.unique(people.unit[invited])):
        if len(chosen) >= wanted:
            break
        chosen += invited[people.unit[invited] == unit][: min(PER_UNIT, wanted - len(chosen))].tolist()
    return np.array(chosen, np.int64)


async def _issue(settings: Settings, made: Simulation, chosen: NDArray[np.int64]) -> list[str]:
    """A code for everybody chosen, in their order."""
    unit_of = made.people.unit[chosen]
    units, counts = np.unique(unit_of, return_counts=True)
    waiting = {
        unit: await issue_codes(settings, made.calendar.campaign, str(made.province.code[unit]), number)
        for unit, number in zip(units.tolist(), counts.tolist(), strict=True)
    }
    return [waiting[unit].pop() for unit in unit_of.tolist()]


async def _spare_codes(settings: Settings, made: Simulation) -> list[str]:
    county = str(made.province.code[made.province.of_level("K")[0]])
    codes = await issue_codes(settings, made.calendar.campaign, county, SPARE_CODES)
    return [shown_code(code) for code in codes]


def _rows(made: Simulation, campaign: Campaign, but: set[int]) -> Iterator[ResponseRow]:
    """Answers through the form's own acceptance, of everybody but those who answer over HTTP.

    Codes of the invited are thrown away as they are used: what the database keeps of one looks like this.
    """
    people = made.people
    for person in range(len(people)):
        if person in but:
            continue
        accepted = accept(made.questionnaire, people.raw(person))
        if not isinstance(accepted, Accepted):
            raise RuntimeError(f"the questionnaire refuses a simulated answer: {accepted[0]}")
        mode = citizens.MODES[people.mode[person]]
        yield response_row(
            made.questionnaire, accepted, questionnaire_version=campaign.questionnaire, campaign=campaign.id,
            campaign_code=campaign.code, unit=str(made.province.code[people.unit[person]]), mode=mode,
            day=made.calendar.opens + timedelta(int(people.day[person])),
            duration=citizens.DURATIONS[people.duration[person]],
            code_hash=secrets.token_hex(32) if mode == "invitation" else None,
        )  # fmt: skip


def _offers(folder: Path, made: Simulation) -> Iterator[Offer]:
    """The files of outside systems, written and then offered as an operator would."""
    words, holdings, calendar = data("demo.yaml")["sources"], made.holdings, made.calendar
    dimensions = {one.code: one.dimension for one in made.scheme.indicators}
    found = [("records", path) for path in files.records_files(folder, holdings.records, dimensions)]
    found.append(("indicators", files.write_csv(folder / "indicators.csv", holdings.indicators)))
    found.append(("events", files.write_csv(folder / "events.csv", holdings.events)))
    for kind, path in found:
        yield Offer(
            kind=kind, file_name=path.name, content=path.read_bytes(), source=words[kind]["zh"],  # type: ignore[arg-type]
            period=(calendar.begins, calendar.ends), brought_on=calendar.today, simulated=True,
        )  # fmt: skip
