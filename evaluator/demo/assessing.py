"""The round of assessment in the database: institutes, criteria, assessors, assignments, scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator import bulk, database
from evaluator.assessment.tables import Assessment, AssessmentRound, Assessor, Assignment, Criterion, Institute
from evaluator.demo.province import data
from evaluator.demo.simulation import Simulation
from evaluator.rating.tabular import Table

LEFT_OPEN = 3  # units that the assessor who signs in still has to score


@dataclass(frozen=True, slots=True)
class Round:
    """What the database calls the round and its people."""

    number: int
    code: str
    assessor: dict[str, int]  # pseudonym -> number


async def open_round(made: Simulation) -> Round:
    """Make the round with everybody's assignments: the units they scored, and for the first assessor some more."""
    words, calendar, people = data("institutes.yaml"), made.calendar, made.assessors
    async with database.engine().transaction():
        opened = AssessmentRound(
            code=words["round"]["code"], title_zh=words["round"]["zh"], title_en=words["round"]["en"],
            opens=calendar.opens, closes=calendar.closes, about_from=calendar.begins, about_to=calendar.ends,
        )  # fmt: skip
        await opened.save()
        for institute in words["institutes"]:
            await Institute(code=institute["code"], name_zh=institute["zh"], name_en=institute["en"]).save()
        institutes = {row["code"]: row["id"] for row in await Institute.select(Institute.id, Institute.code)}
        for one in made.scheme.indicators:
            if one.source == "assessor":
                low, high = sorted(one.goal or (0.0, 10.0))
                await Criterion(
                    round=opened.id, code=one.code, name_zh=one.name.zh, name_en=one.name.en,
                    asks=(one.asks.zh or one.asks.en)[:1000], low=low, high=high,
                ).save()  # fmt: skip
        await Assessor.insert(
            *(
                Assessor(round=opened.id, institute=institutes[institute], pseudonym=pseudonym)
                for institute, pseudonym in zip(people.institute, people.pseudonym, strict=True)
            )
        )
        rows = await Assessor.select(Assessor.id, Assessor.pseudonym).where(Assessor.round == opened.id)
        numbers = {row["pseudonym"]: row["id"] for row in rows}
        await bulk.insert_rows(Assignment, ("assessor", "unit"), _assignments(made, numbers))
    return Round(opened.id, opened.code, numbers)


def _assignments(made: Simulation, numbers: dict[str, int]) -> list[tuple[int, str]]:
    people, code = made.assessors, made.province.code
    pairs = np.unique(np.stack([made.scores.assessor, made.scores.unit], axis=1), axis=0)
    assigned = [(numbers[people.pseudonym[who]], str(code[unit])) for who, unit in pairs]
    first = numbers[people.pseudonym[0]]
    theirs = {unit for who, unit in assigned if who == first}
    spare = [str(unit) for unit in code[made.province.of_level("K")] if unit not in theirs]
    return assigned + [(first, unit) for unit in spare[:LEFT_OPEN]]


async def give_account(found: Round, made: Simulation, account: int) -> None:
    """The first assessor is the one who can sign in."""
    await Assessor.update({Assessor.account: account}).where(Assessor.id == found.assessor[made.assessors.pseudonym[0]])


def scores_table(made: Simulation) -> Table:
    """The scores as an institute's file has them."""
    scores, people = made.scores, made.assessors
    codes = np.array([one.code for one in made.scheme.indicators], object)
    return {
        "unit": made.province.code[scores.unit],
        "institute": people.institute[scores.assessor],
        "assessor": people.pseudonym[scores.assessor],
        "criterion": codes[scores.indicator],
        "score": scores.score,
    }


async def store_scores(table: Table, found: Round) -> None:
    """Put the scores into the round, each with its justification."""
    words = data("demo.yaml")["justification"]
    criteria = {
        row["code"]: row["id"]
        for row in await Criterion.select(Criterion.id, Criterion.code).where(Criterion.round == found.number)
    }
    rows = [
        (found.assessor[assessor], str(unit), criteria[criterion], float(score), words["zh"])
        for unit, assessor, criterion, score in zip(
            table["unit"], table["assessor"], table["criterion"], table["score"], strict=True
        )
    ]
    async with database.engine().transaction():
        await bulk.insert_rows(Assessment, ("assessor", "unit", "criterion", "score", "justification"), rows)
