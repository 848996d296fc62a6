"""How far a round is, for the operator: pseudonyms and counts, never who is behind them."""

from __future__ import annotations

from datetime import date

import msgspec

from evaluator.assessment.tables import Assessment, AssessmentImport, AssessmentRound, Assessor, Assignment, Criterion

CSV_COLUMNS = ("unit", "institute", "assessor", "criterion", "score", "justification")


class RoundLine(msgspec.Struct, frozen=True):
    """A round in the list."""

    number: int
    code: str
    title_zh: str
    title_en: str
    opens: date
    closes: date
    simulated: bool
    scores: int
    due: int  # assigned units x criteria


class AssessorLine(msgspec.Struct, frozen=True):
    """An assessor's progress."""

    institute_zh: str
    institute_en: str
    pseudonym: str
    signs_in: bool
    units: int
    scores: int
    due: int


async def list_rounds() -> list[RoundLine]:
    """All rounds, the latest first."""
    lines = []
    for one in await AssessmentRound.objects().order_by(AssessmentRound.opens, ascending=False):
        criteria = await Criterion.count().where(Criterion.round == one.id)
        assigned = await Assignment.count().where(Assignment.assessor.round == one.id)
        scores = await Assessment.count().where(Assessment.criterion.round == one.id)
        lines.append(
            RoundLine(
                one.id, one.code, one.title_zh, one.title_en, one.opens, one.closes, one.simulated,
                scores, assigned * criteria,
            )
        )  # fmt: skip
    return lines


async def progress_of(round_id: int) -> list[AssessorLine]:
    """The assessors of a round and how far each is."""
    criteria = await Criterion.count().where(Criterion.round == round_id)
    units = await _counts(Assignment, round_id)
    scores = await _counts(Assessment, round_id)
    rows = await Assessor.select(
        Assessor.id, Assessor.pseudonym, Assessor.account, Assessor.institute.name_zh, Assessor.institute.name_en
    ).where(Assessor.round == round_id)
    lines = [
        AssessorLine(
            row["institute.name_zh"], row["institute.name_en"], row["pseudonym"], row["account"] is not None,
            units.get(row["id"], 0), scores.get(row["id"], 0), units.get(row["id"], 0) * criteria,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (line.institute_zh, line.pseudonym))


async def _counts(table: type[Assignment] | type[Assessment], round_id: int) -> dict[int, int]:
    name = table._meta.tablename
    sql = (
        f"SELECT assessor, count(*) AS held FROM {name} "
        "WHERE assessor IN (SELECT id FROM assessor WHERE round = {}) GROUP BY assessor"
    )
    return {row["assessor"]: row["held"] for row in await table.raw(sql, round_id)}


async def imports_of(round_id: int) -> list[AssessmentImport]:
    """Files of scores that came in, the latest first."""
    return await (
        AssessmentImport.objects()
        .where(AssessmentImport.round == round_id)
        .order_by(AssessmentImport.id, ascending=False)
    )


async def score_rows(round_id: int) -> list[tuple[object, ...]]:
    """Every score of a round with its justification, for `CSV_COLUMNS`: the form in which a file brings them."""
    rows = await (
        Assessment.select(
            Assessment.unit, Assessment.assessor.institute.code, Assessment.assessor.pseudonym,
            Assessment.criterion.code, Assessment.score, Assessment.justification,
        )
        .where(Assessment.criterion.round == round_id)
        .order_by(Assessment.unit)
        .order_by(Assessment.id)
    )  # fmt: skip
    names = ("unit", "assessor.institute.code", "assessor.pseudonym", "criterion.code", "score", "justification")
    return [tuple(row[name] for name in names) for row in rows]
