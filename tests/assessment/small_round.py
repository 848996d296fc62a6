"""A round of two institutes over three units."""

from __future__ import annotations

from datetime import date

from evaluator.assessment.rounds import (
    CriterionPlan,
    InstitutePlan,
    Label,
    RoundPlan,
    assessors_of,
    assign_units,
    create_round,
)
from evaluator.assessment.tables import AssessmentRound
from evaluator.units.tables import Unit

PASSWORD = "correct horse battery"
OPEN, BEFORE, AFTER = date(2026, 3, 15), date(2026, 2, 28), date(2026, 4, 1)
PLAN = RoundPlan(
    code="spring",
    title=Label("春季评估", "Spring assessment"),
    opens=date(2026, 3, 1),
    closes=date(2026, 3, 31),
    criteria=(
        CriterionPlan("files", Label("案卷", "Files"), "twenty files drawn at random"),
        CriterionPlan("rules", Label("规则", "Rules"), "", 1.0, 5.0),
    ),
    institutes=(
        InstitutePlan("uni", Label("大学", "University"), ("A1", "A2")),
        InstitutePlan("firm", Label("公司"), ("A1",)),
    ),
)


async def make_round(plan: RoundPlan = PLAN) -> AssessmentRound:
    """Units 37, 3701, 3702; A1 of the university has the two cities, A1 of the firm has 3701."""
    if not await Unit.exists().where(Unit.code == "37"):
        await Unit.insert(Unit(code="37", level="P", name_zh="甲省"))
        for code, name in (("3701", "乙市"), ("3702", "丙市")):
            await Unit.insert(Unit(code=code, parent="37", level="C", name_zh=name))
    made = await create_round(plan)
    numbers = await assessors_of(made.id)
    uni, firm = numbers["uni", "A1"], numbers["firm", "A1"]
    await assign_units([(uni, "3701"), (uni, "3702"), (firm, "3701")])
    return made
