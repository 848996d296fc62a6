"""An assessor's own scores: on assigned units, within the criterion's limits, justified, while the round is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from evaluator import database
from evaluator.accounts.tables import Account
from evaluator.assessment.tables import Assessment, AssessmentRound, Assessor, Assignment, Criterion
from evaluator.problems import Problem, forbidden
from evaluator.spreadsheets.cells import Number, parse_number
from evaluator.spreadsheets.findings import Wrong

LONGEST_JUSTIFICATION = 4000  # characters


def _(message: str) -> str:
    return message


class Task(msgspec.Struct, frozen=True):
    """A unit to score, and how far it is."""

    unit: str
    name_zh: str
    name_en: str
    scored: int


class Work(msgspec.Struct, frozen=True):
    """What an assessor has to do in a round."""

    assessor: int
    pseudonym: str
    round_zh: str
    round_en: str
    opens: date
    closes: date
    simulated: bool
    criteria: int
    tasks: tuple[Task, ...]

    def is_open(self, today: date) -> bool:
        return self.opens <= today <= self.closes

    def next_after(self, unit: str) -> str | None:
        """The next unit that lacks a score, after `unit` in the list and then from its beginning."""
        codes = [task.unit for task in self.tasks]
        at = codes.index(unit) + 1 if unit in codes else 0
        return next((t.unit for t in [*self.tasks[at:], *self.tasks[:at]] if t.scored < self.criteria), None)


class Line(msgspec.Struct, frozen=True):
    """A criterion on a unit's sheet, with what was saved."""

    criterion: int
    code: str
    name_zh: str
    name_en: str
    asks: str
    low: float
    high: float
    score: float | None
    justification: str


class Given(msgspec.Struct, frozen=True):
    """A score as it was typed."""

    score: str
    justification: str


async def work_of(account: Account) -> Work | None:
    """The assessor's list; None for an account that stands for no assessor."""
    assessor = await Assessor.objects().get(Assessor.account == account.id)
    if assessor is None:
        return None
    found = await AssessmentRound.objects().get(AssessmentRound.id == assessor.round)
    assert found is not None  # a foreign key
    assigned = await (
        Assignment.select(Assignment.unit, Assignment.unit.name_zh, Assignment.unit.name_en)
        .where(Assignment.assessor == assessor.id)
        .order_by(Assignment.unit)
    )
    counts: dict[str, int] = {}
    for row in await Assessment.select(Assessment.unit).where(Assessment.assessor == assessor.id):
        counts[row["unit"]] = counts.get(row["unit"], 0) + 1
    tasks = tuple(
        Task(row["unit"], row["unit.name_zh"], row["unit.name_en"], counts.get(row["unit"], 0)) for row in assigned
    )
    return Work(
        assessor.id, assessor.pseudonym, found.title_zh, found.title_en, found.opens, found.closes, found.simulated,
        await Criterion.count().where(Criterion.round == assessor.round), tasks,
    )  # fmt: skip


async def sheet(assessor: int, unit: str) -> list[Line]:
    """All criteria of the assessor's round with the own scores of a unit.

    Raises
    ------
    Problem
        403 when the unit is not assigned to the assessor, whether it exists or not.
    """
    if not await Assignment.exists().where((Assignment.assessor == assessor) & (Assignment.unit == unit)):
        raise forbidden(_("This unit is not assigned to you."))
    rows = await Assessor.select(Assessor.round).where(Assessor.id == assessor).first()
    assert rows is not None  # it has assignments
    saved = {
        row["criterion"]: row
        for row in await Assessment.select(Assessment.criterion, Assessment.score, Assessment.justification).where(
            (Assessment.assessor == assessor) & (Assessment.unit == unit)
        )
    }
    return [
        Line(
            c.id, c.code, c.name_zh, c.name_en, c.asks, c.low, c.high,
            saved[c.id]["score"] if c.id in saved else None, saved[c.id]["justification"] if c.id in saved else "",
        )
        for c in await Criterion.objects().where(Criterion.round == rows["round"]).order_by(Criterion.id)
    ]  # fmt: skip


def check_given(line: Line, given: Given) -> tuple[float | None, Wrong | None, str]:
    """The score that was typed, or what is wrong and with which field, `score` or `justification`."""
    number = parse_number(given.score)
    if isinstance(number, Wrong):
        return None, number, "score"
    if number is None:
        if given.justification:
            return None, Wrong(_("is blank, but there is a justification"), _("give the score too")), "score"
        return None, None, ""
    if not isinstance(number, Number) or number.kind or not line.low <= number.value <= line.high:
        limits = {"low": f"{line.low:g}", "high": f"{line.high:g}"}
        return None, Wrong(_("is not within the limits"), _("give a number from %(low)s to %(high)s"), limits), "score"
    if not given.justification:
        return None, Wrong(_("is missing"), _("say what the score rests on")), "justification"
    if len(given.justification) > LONGEST_JUSTIFICATION:
        most = {"most": f"{LONGEST_JUSTIFICATION:,}"}
        return None, Wrong(_("is too long"), _("use at most %(most)s characters"), most), "justification"
    return number.value, None, ""


async def save_scores(work: Work, unit: str, given: Mapping[int, Given], today: date) -> Sequence[tuple[str, Wrong]]:
    """Save a unit's sheet: all of it, or nothing and everything that is wrong as (field, why).

    A blank score takes back one that was saved.

    Parameters
    ----------
    given
        By number of the criterion; criteria that are left out stay as they are.

    Raises
    ------
    Problem
        403 when the unit is not the assessor's, 409 when the round is not open.
    """
    if not work.is_open(today):
        raise Problem(
            409, _("The round is not open"), _("Scores are taken from %(opens)s to %(closes)s."),
            opens=work.opens.isoformat(), closes=work.closes.isoformat(),
        )  # fmt: skip
    async with database.engine().transaction():
        lines = {line.criterion: line for line in await sheet(work.assessor, unit)}
        checked = {number: check_given(lines[number], one) for number, one in given.items() if number in lines}
        wrong = [(f"{field}-{number}", why) for number, (_value, why, field) in checked.items() if why is not None]
        if wrong:
            return wrong
        for number, (score, _none, _field) in checked.items():
            mine = (Assessment.assessor == work.assessor) & (Assessment.unit == unit) & (Assessment.criterion == number)
            if score is None:
                await Assessment.delete().where(mine)
            elif lines[number].score is None:
                await Assessment(
                    assessor=work.assessor, unit=unit, criterion=number, score=score,
                    justification=given[number].justification,
                ).save()  # fmt: skip
            elif (lines[number].score, lines[number].justification) != (score, given[number].justification):
                values = {Assessment.score: score, Assessment.justification: given[number].justification}
                await Assessment.update({**values, Assessment.brought_by: None}).where(mine)
    return []
