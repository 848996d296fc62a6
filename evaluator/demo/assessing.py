"""The round of assessment: made, assigned and scored through the room's own files and functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluator.assessment.importing import ScoresOffer, import_assignments, import_scores
from evaluator.assessment.rounds import About, CriterionPlan, InstitutePlan, Label, RoundPlan, create_round
from evaluator.assessment.tables import AssessmentRound, Assessor
from evaluator.demo import files
from evaluator.demo.province import data
from evaluator.demo.simulation import Simulation
from evaluator.rating.tabular import Table

LEFT_OPEN = 3  # units that the assessor who signs in still has to score


async def open_round(made: Simulation, folder: Path) -> AssessmentRound:
    """Make the round with everybody's assignments: the units they score, and for the first assessor some more."""
    words, calendar, people = data("institutes.yaml"), made.calendar, made.assessors
    opened = await create_round(
        RoundPlan(
            code=words["round"]["code"], title=Label(words["round"]["zh"], words["round"]["en"]),
            opens=calendar.opens, closes=calendar.closes, about=About(calendar.begins, calendar.ends),
            criteria=tuple(_criteria(made)),
            institutes=tuple(
                InstitutePlan(
                    one["code"], Label(one["zh"], one["en"]),
                    tuple(people.pseudonym[people.institute == one["code"]].tolist()),
                )
                for one in words["institutes"]
            ),
            simulated=True,
        )
    )  # fmt: skip
    path = files.write_csv(folder / "assignments.csv", _assignments(made))
    await import_assignments(opened, path.read_bytes())
    return opened


def _criteria(made: Simulation) -> Iterator[CriterionPlan]:
    for one in made.scheme.indicators:
        if one.source == "assessor":
            low, high = sorted(one.goal or (0.0, 10.0))
            name, asks = Label(one.name.zh, one.name.en), one.asks.zh or one.asks.en
            yield CriterionPlan(code=one.code, name=name, asks=asks[:1000], low=low, high=high)


def _assignments(made: Simulation) -> Table:
    people, province = made.assessors, made.province
    who, unit = np.unique(np.stack([made.scores.assessor, made.scores.unit], axis=1), axis=0).T
    spare = np.setdiff1d(province.of_level("K"), unit[who == 0])[:LEFT_OPEN]
    who, unit = np.concatenate([who, np.zeros(len(spare), np.int64)]), np.concatenate([unit, spare])
    return {"unit": province.code[unit], "institute": people.institute[who], "assessor": people.pseudonym[who]}


async def give_account(opened: AssessmentRound, made: Simulation, account: int) -> None:
    """The first assessor is the one who can sign in."""
    await Assessor.update({Assessor.account: account}).where(
        (Assessor.round == opened.id) & (Assessor.pseudonym == made.assessors.pseudonym[0])
    )


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


async def bring_scores(opened: AssessmentRound, made: Simulation, folder: Path) -> None:
    """Every institute brings a workbook."""
    table = scores_table(made)
    table["justification"] = np.full(len(table["unit"]), data("demo.yaml")["justification"]["zh"], object)
    for institute in data("institutes.yaml")["institutes"]:
        mine = table["institute"] == institute["code"]
        path = folder / f"scores-{institute['code']}.xlsx"
        files.write_xlsx(path, {name: column[mine] for name, column in table.items()}, "scores")
        offer = ScoresOffer(path.name, path.read_bytes(), institute["zh"], made.calendar.today)
        await import_scores(opened, offer)
