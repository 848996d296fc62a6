"""The round of assessment in the database: institutes, criteria, assessors, assignments, scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator import bulk, database
from evaluator.assessment.tables import Assessment, AssessmentRound, Assessor, Assignment, Criterion, Institute
from evaluator.demo.assessors import Assessors, Scores
from evaluator.demo.calendar import Calendar
from evaluator.demo.province import Province, data
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import Table

LEFT_OPEN = 3  # units that the assessor who signs in still has to score


@dataclass(frozen=True, slots=True)
class Round:
    """What the database calls the round and its people."""

    number: int
    code: str
    assessor: dict[str, int]  # pseudonym -> number


async def open_round(
    scheme: Scheme, province: Province, people: Assessors, scores: Scores, calendar: Calendar
) -> Round:
    """Make the round with everybody's assignments: the units they scored, and for the first assessor some more."""
    words = data("institutes.yaml")
    async with database.engine().transaction():
        made = AssessmentRound(
            code=words["round"]["code"], title_zh=words["round"]["zh"], title_en=words["round"]["en"],
            opens=calendar.opens, closes=calendar.closes,
        )  # fmt: skip
        await made.save()
        for institute in words["institutes"]:
            await Institute(code=institute["code"], name_zh=institute["zh"], name_en=institute["en"]).save()
        institutes = {row["code"]: row["id"] for row in await Institute.select(Institute.id, Institute.code)}
        for one in scheme.indicators:
            if one.source == "assessor":
                low, high = sorted(one.goal or (0.0, 10.0))
                await Criterion(
                    round=made.id, code=one.code, name_zh=one.name.zh, name_en=one.name.en,
                    asks=(one.asks.zh or one.asks.en)[:1000], low=low, high=high,
                ).save()  # fmt: skip
        await Assessor.insert(
            *(
                Assessor(round=made.id, institute=institutes[institute], pseudonym=pseudonym)
                for institute, pseudonym in zip(people.institute, people.pseudonym, strict=True)
            )
        )
        rows = await Assessor.select(Assessor.id, Assessor.pseudonym).where(Assessor.round == made.id)
        numbers = {row["pseudonym"]: row["id"] for row in rows}
        pairs = np.unique(np.stack([scores.assessor, scores.unit], axis=1), axis=0)
        assigned = [(numbers[people.pseudonym[who]], str(province.code[unit])) for who, unit in pairs]
        first = numbers[people.pseudonym[0]]
        theirs = {unit for who, unit in assigned if who == first}
        spare = [code for code in province.code[province.of_level("K")] if code not in theirs]
        assigned += [(first, str(code)) for code in spare[:LEFT_OPEN]]
        await bulk.insert_rows(Assignment, ("assessor", "unit"), assigned)
    return Round(made.id, made.code, numbers)


async def give_account(found: Round, people: Assessors, account: int) -> None:
    """The first assessor is the one who can sign in."""
    await Assessor.update({Assessor.account: account}).where(Assessor.id == found.assessor[people.pseudonym[0]])


def scores_table(province: Province, scheme: Scheme, people: Assessors, scores: Scores) -> Table:
    """The scores as an institute's file has them."""
    codes = np.array([one.code for one in scheme.indicators], object)
    return {
        "unit": province.code[scores.unit],
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
