"""Making the demo: every step of the way from an empty folder to a published edition, each through the real rooms."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np

from evaluator import database
from evaluator.collection.admission import issue_codes, shown_code
from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import Label, create_campaign, load_campaign
from evaluator.collection.counts import import_frame, import_population
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.demo import accounts, assessing, assessors, citizens, direct, online, outlines, place, records, truth
from evaluator.demo import files as written
from evaluator.demo.calendar import Calendar
from evaluator.demo.province import Province, data, generator, make_province
from evaluator.demo.steps import Steps
from evaluator.language import gettext as _
from evaluator.publication.publishing import publish
from evaluator.rating.run import rate
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot_make import make_snapshot
from evaluator.rating.verify import verify
from evaluator.records.importing import Offer, import_file
from evaluator.records.vocabulary import read_vocabulary
from evaluator.settings import Settings
from evaluator.units.importing import import_units, read_units
from questionnaires.acceptance import Accepted, accept
from questionnaires.loading import loads, shipped_text

SCHEME = "sd-integrity.yaml"
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
    logins: list[accounts.Login] = field(repr=False)
    codes: list[str] = field(repr=False)
    counts: dict[str, int]


def make_demo(settings: Settings, plan: Plan, steps: Steps) -> Made:
    """Simulate, collect, assess, import, snapshot, rate, verify and publish, in the demo's own folder.

    A killed demo leaves its mark and no edition; the next one starts over.
    """
    home = place.folder(settings)
    place.write_mark(settings, place.Mark(plan.seed, plan.responses, plan.calendar.today))
    scheme_path = Path(str(files("evaluator.rating") / "schemes" / SCHEME))
    scheme = load_scheme(scheme_path)
    text = shipped_text(data("citizens.yaml")["questionnaire"])
    questionnaire = loads(text)

    with steps.step(_("Invent a province: its units, their true standing, its outlines")):
        province = make_province(plan.seed, plan.cities, plan.townships)
        true = truth.make_truth(plan.seed, province, scheme)
        sample = citizens.draw_sample(plan.seed, province, true.strata, plan.responses)
        people = citizens.simulate(plan.seed, province, true, questionnaire, sample, plan.calendar.days_open)
        span = (plan.calendar.begins, plan.calendar.today)
        holdings = records.make_holdings(plan.seed, province, true, scheme, span)
        truth.write_truth(home / "truth.csv", province, true, np.array(records.HELD, object)[holdings.held])
        drawn = outlines.make_outlines(plan.seed, province)
        outlines.write_outlines(settings.data_dir / "outlines.geojson", province, drawn)

    with steps.step(_("Create the database and import the units")):
        database.connect(settings.database)
        asyncio.run(_found(written.units_file(home / "files", province)))

    with steps.step(_("Open a campaign with its frame and population, and a round of assessment")) as advance:
        who = assessors.make_assessors()
        scores = assessors.score(plan.seed, province, true, who)
        campaign = asyncio.run(_open_campaign(text, province, plan.calendar))
        advance(0.3)
        frame = written.frame_file(home / "files", province, sample)
        population = written.population_file(home / "files", province, true)
        asyncio.run(_counts(frame, population, plan.calendar))
        advance(0.7)
        found = asyncio.run(assessing.open_round(scheme, province, who, scores, plan.calendar))
        logins = asyncio.run(accounts.make_accounts(province, found.number, found.code))
        asyncio.run(assessing.give_account(found, who, next(one.number for one in logins if one.role == "assessor")))

    chosen = _online(plan, people)
    with contextlib.ExitStack() as running:
        visits: list[str] = []
        if len(chosen):
            with steps.step(
                _("Start the server and open %(number)d forms with invitation codes") % {"number": len(chosen)}
            ) as advance:
                running.enter_context(online.server(settings, plan.port, home / "server.log"))
                codes = asyncio.run(_issue(settings, plan.calendar, province, people, chosen))
                visits = online.open_forms(plan.port, codes, lambda done: advance(done / len(chosen)))
        with steps.step(_("Accept and store %(number)d responses") % {"number": len(people) - len(chosen)}) as advance:
            rows = _rows(questionnaire, province, people, plan.calendar, campaign, set(chosen.tolist()))
            asyncio.run(store_in_bulk(rows, lambda done: advance(done / len(people))))
        with steps.step(
            _("Import shares, rates, metrics and events from %(number)d files") % {"number": _file_count(holdings)}
        ) as advance:
            vocabulary = read_vocabulary(scheme_path)
            offers = list(_offers(home / "files", holdings, plan.calendar))
            for number, offer in enumerate(offers, 1):
                asyncio.run(import_file(offer, vocabulary))
                advance(number / len(offers))
        with steps.step(_("Import %(number)d scores of assessors") % {"number": len(scores.score)}) as advance:
            asyncio.run(assessing.store_scores(assessing.scores_table(province, scheme, who, scores), found))
        if len(chosen):
            with steps.step(_("Send the %(number)d forms over HTTP") % {"number": len(chosen)}) as advance:
                answers = [people.raw(int(person)) for person in chosen]
                online.send_forms(plan.port, visits, answers, lambda done: advance(done / len(chosen)))

    spare = asyncio.run(_spare_codes(settings, plan.calendar, province))
    accounts.write_logins(home / accounts.FILE, logins, spare)
    snapshot, edition = settings.data_dir / "snapshots" / plan.calendar.campaign, home / "edition"
    period = (plan.calendar.begins, plan.calendar.ends)
    with steps.step(_("Make a snapshot from the database")) as advance:
        counts = asyncio.run(make_snapshot(
            snapshot, [plan.calendar.campaign], period, plan.calendar.today, lambda _step, share: advance(share)
        ))  # fmt: skip
    with steps.step(_("Rate: estimate, draw, rank, grade, write the edition")) as advance:
        rated = rate(
            scheme_path, snapshot, edition, seed=plan.seed, draws=plan.draws, progress=lambda _s, p: advance(p)
        )
    with steps.step(_("Recompute every figure, and publish")) as advance:
        row = asyncio.run(
            publish(settings, edition, lambda folder: verify(folder, None, lambda _s, p: advance(p)).differences,
                    plan.calendar.today)
        )  # fmt: skip
    for step, seconds in rated.seconds.items():
        steps.seconds[f"rate: {step}"] = seconds
    place.write_mark(settings, place.Mark(plan.seed, plan.responses, plan.calendar.today, row.identifier))
    return Made(row.identifier, logins, spare, counts)


async def _found(units: Path) -> None:
    await database.upgrade()
    await import_units(read_units(await asyncio.to_thread(units.read_bytes)))


async def _open_campaign(text: str, province: Province, calendar: Calendar) -> int:
    words = data("demo.yaml")["campaign"]
    made = await create_campaign(
        calendar.campaign, questionnaire=text, units=[str(code) for code in province.code], opens=calendar.opens,
        closes=calendar.closes, title=Label(words["title"]["zh"], words["title"]["en"]),
        responsible=Label(words["responsible"]["zh"], words["responsible"]["en"]), contact=words["contact"],
        simulated=True,
    )  # fmt: skip
    return int(made.id)


async def _counts(frame: Path, population: Path, calendar: Calendar) -> None:
    campaign = await load_campaign(calendar.campaign)
    assert campaign is not None  # made a moment ago
    await import_frame(campaign, await asyncio.to_thread(frame.read_bytes))
    await import_population(campaign, await asyncio.to_thread(population.read_bytes))


def _online(plan: Plan, people: citizens.Simulated) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The invited people who answer over HTTP: all of a few units, some of more."""
    invited = np.flatnonzero(people.mode == citizens.MODES.index("invitation"))
    wanted = min(plan.online, len(invited) // 10)
    chosen: list[int] = []
    for unit in generator(plan.seed, "online").permutation(np.unique(people.unit[invited])):
        if len(chosen) >= wanted:
            break
        chosen += invited[people.unit[invited] == unit][: min(PER_UNIT, wanted - len(chosen))].tolist()
    return np.array(chosen, np.int64)


async def _issue(
    settings: Settings, calendar: Calendar, province: Province, people: citizens.Simulated, chosen: Sequence[int]
) -> list[str]:
    """A code for everybody chosen, in their order."""
    codes: list[str] = []
    units, counts = np.unique(people.unit[chosen], return_counts=True)
    waiting = {
        unit: await issue_codes(settings.secret(), calendar.campaign, str(province.code[unit]), int(number))
        for unit, number in zip(units.tolist(), counts.tolist(), strict=True)
    }
    for person in chosen:
        codes.append(waiting[int(people.unit[person])].pop())
    return codes


async def _spare_codes(settings: Settings, calendar: Calendar, province: Province) -> list[str]:
    county = str(province.code[province.of_level("K")[0]])
    codes = await issue_codes(settings.secret(), calendar.campaign, county, SPARE_CODES)
    return [shown_code(code) for code in codes]


def _rows(
    questionnaire: direct.Questionnaire, province: Province, people: citizens.Simulated, calendar: Calendar,
    campaign: int, but: set[int],
) -> Iterator[ResponseRow]:  # fmt: skip
    """Everybody's answers through the form's own acceptance, but those who answer over HTTP.

    Codes of the invited are thrown away as they are used: what the database keeps of one looks like this.
    """
    for person in range(len(people)):
        if person in but:
            continue
        accepted = accept(questionnaire, people.raw(person))
        if not isinstance(accepted, Accepted):
            raise RuntimeError(f"the questionnaire refuses a simulated answer: {accepted[0]}")
        mode = citizens.MODES[people.mode[person]]
        yield response_row(
            questionnaire, accepted, campaign=campaign, unit=str(province.code[people.unit[person]]), mode=mode,
            day=calendar.opens + timedelta(int(people.day[person])),
            duration=citizens.DURATIONS[people.duration[person]],
            code_hash=secrets.token_hex(32) if mode == "invitation" else None,
        )  # fmt: skip


def _file_count(holdings: records.Holdings) -> int:
    return len(set(holdings.records["indicator"])) + 2


def _offers(folder: Path, holdings: records.Holdings, calendar: Calendar) -> Iterator[Offer]:
    """The files of outside systems, written and then offered as an operator would."""
    words = data("demo.yaml")["sources"]
    found = [("records", path) for path in written.records_files(folder, holdings.records)]
    found.append(("indicators", written.write_csv(folder / "indicators.csv", holdings.indicators)))
    found.append(("events", written.write_csv(folder / "events.csv", holdings.events)))
    for kind, path in found:
        yield Offer(
            kind=kind, file_name=path.name, content=path.read_bytes(), source=words[kind]["zh"],  # type: ignore[arg-type]
            period=(calendar.begins, calendar.ends), brought_on=calendar.today,
        )  # fmt: skip
