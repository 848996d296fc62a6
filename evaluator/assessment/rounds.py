"""Rounds: what is scored, by whom, on which units. Set up by the operator from one file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import msgspec
import yaml

from evaluator import bulk, database
from evaluator.accounts.register import create_account
from evaluator.accounts.tables import Account
from evaluator.assessment.tables import AssessmentRound, Assessor, Assignment, Criterion, Institute
from evaluator.ledger.audit import record
from evaluator.problems import FieldProblem, Problem
from evaluator.settings import Settings


def _(message: str) -> str:
    return message


class Label(msgspec.Struct, frozen=True):
    zh: str
    en: str = ""


class CriterionPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A criterion; its code is the indicator's."""

    code: str
    name: Label
    asks: str = ""
    low: float = 0.0
    high: float = 10.0


class InstitutePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An institute with the pseudonyms of its assessors."""

    code: str
    name: Label
    assessors: tuple[str, ...]


class About(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}, forbid_unknown_fields=True):
    """The time that is assessed."""

    first: date
    last: date


class RoundPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A round as a file describes it."""

    code: str
    title: Label
    opens: date
    closes: date
    criteria: tuple[CriterionPlan, ...]
    institutes: tuple[InstitutePlan, ...]
    about: About | None = None
    simulated: bool = False


def read_round(path: Path) -> RoundPlan:
    """A round from its YAML file.

    Raises
    ------
    Problem
        What the file lacks or says wrong.
    """
    try:
        plan = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8-sig")), RoundPlan)
    except (UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise Problem(
            422, _("The round cannot be used"), _("%(file)s: %(error)s."),
            file=path.name, error=" ".join(str(error).split()),
        ) from None  # fmt: skip
    check_round(plan)
    return plan


def check_round(plan: RoundPlan) -> None:
    """Refuse a plan that contradicts itself, naming everything."""
    errors = []
    if plan.closes < plan.opens:
        errors.append(FieldProblem("closes", f"{plan.closes} is before {plan.opens}; exchange the two"))
    if plan.about and plan.about.last < plan.about.first:
        errors.append(FieldProblem("about", f"{plan.about.last} is before {plan.about.first}; exchange the two"))
    for what, codes in (
        ("criteria", [one.code for one in plan.criteria]),
        ("institutes", [one.code for one in plan.institutes]),
        *((f"institutes {one.code}", list(one.assessors)) for one in plan.institutes),
    ):
        if not codes:
            errors.append(FieldProblem(what, "none is given; give at least one"))
        errors += [
            FieldProblem(what, f"“{c}” stands twice; keep one") for c in sorted(set(codes)) if codes.count(c) > 1
        ]
    errors += [
        FieldProblem(f"criteria {one.code}", f"low {one.low:g} is not below high {one.high:g}")
        for one in plan.criteria
        if not one.low < one.high
    ]
    if errors:
        raise Problem(
            422, _("The round cannot be used"), _("Problems found: %(count)d. Nothing was changed."),
            errors=errors, count=len(errors),
        )  # fmt: skip


async def create_round(plan: RoundPlan, settings: Settings | None = None, by: str = "") -> AssessmentRound:
    """A new round with its criteria, institutes (known ones are kept) and assessors.

    With `settings` the audit log says so in the same transaction, and `by` whom: a role and a number.

    Raises
    ------
    AlreadyExists
        There is a round with this code.
    """
    check_round(plan)
    async with database.engine().transaction():
        made = AssessmentRound(
            code=plan.code, title_zh=plan.title.zh, title_en=plan.title.en or plan.title.zh, opens=plan.opens,
            closes=plan.closes, about_from=plan.about.first if plan.about else None,
            about_to=plan.about.last if plan.about else None, simulated=plan.simulated,
        )  # fmt: skip
        await made.save()
        for one in plan.criteria:
            await Criterion(
                round=made.id, code=one.code, name_zh=one.name.zh, name_en=one.name.en, asks=one.asks,
                low=one.low, high=one.high,
            ).save()  # fmt: skip
        known = {row["code"]: row["id"] for row in await Institute.select(Institute.code, Institute.id)}
        for institute in plan.institutes:
            if institute.code not in known:
                new = Institute(code=institute.code, name_zh=institute.name.zh, name_en=institute.name.en)
                await new.save()
                known[institute.code] = new.id
            for pseudonym in institute.assessors:
                await Assessor(round=made.id, institute=known[institute.code], pseudonym=pseudonym).save()
        if settings is not None:
            await record(
                settings, "round.opened", by=by, round=plan.code, opens=plan.opens.isoformat(),
                closes=plan.closes.isoformat(), criteria=[one.code for one in plan.criteria],
                institutes=len(plan.institutes), assessors=sum(len(one.assessors) for one in plan.institutes),
            )  # fmt: skip
    return made


async def find_round(code: str) -> AssessmentRound:
    """The round of a code.

    Raises
    ------
    Problem
        404, naming those that there are.
    """
    found = await AssessmentRound.objects().get(AssessmentRound.code == code)
    if found is None:
        codes = [row["code"] for row in await AssessmentRound.select(AssessmentRound.code).order_by(AssessmentRound.id)]
        raise Problem(
            404, _("There is no such round"), _("“%(code)s” is none of: %(codes)s."),
            code=code, codes=", ".join(codes) or "–",
        )  # fmt: skip
    return found


async def assessors_of(round_id: int) -> dict[tuple[str, str], int]:
    """(institute's code, pseudonym) -> number of the assessor, for a round."""
    rows = await Assessor.select(Assessor.id, Assessor.pseudonym, Assessor.institute.code).where(
        Assessor.round == round_id
    )
    return {(row["institute.code"], row["pseudonym"]): row["id"] for row in rows}


async def assign_units(pairs: Iterable[tuple[int, str]]) -> int:
    """Give assessors units to score; what was assigned before stays. Gives how many are new.

    Parameters
    ----------
    pairs
        Number of the assessor, code of the unit.
    """
    async with database.engine().transaction():
        held = {(row["assessor"], row["unit"]) for row in await Assignment.select(Assignment.assessor, Assignment.unit)}
        new: Sequence[tuple[int, str]] = sorted(set(pairs) - held)
        await bulk.insert_rows(Assignment, ("assessor", "unit"), new)
    return len(new)


async def give_account(
    round_id: int, institute: str, pseudonym: str, name: str, password: str, settings: Settings | None = None,
    by: str = "",
) -> Account:  # fmt: skip
    """An account with which an assessor signs in. The name is known to the site only, the pseudonym to readers.

    With `settings` the audit log says so in the same transaction, but not for which of them, and `by` whom.

    Raises
    ------
    Problem
        There is no such assessor, or there is an account already.
    """
    async with database.engine().transaction():
        found = (await assessors_of(round_id)).get((institute, pseudonym))
        if found is None:
            raise Problem(
                404, _("There is no such assessor"), _("“%(pseudonym)s” of “%(institute)s” is not in this round."),
                pseudonym=pseudonym, institute=institute,
            )  # fmt: skip
        taken = await Assessor.exists().where((Assessor.id == found) & Assessor.account.is_not_null())
        if taken:
            raise Problem(
                409, _("This was done already"), _("“%(pseudonym)s” of “%(institute)s” has an account."),
                pseudonym=pseudonym, institute=institute,
            )  # fmt: skip
        account = await create_account(name, password, "assessor", round_id=round_id)
        await Assessor.update({Assessor.account: account.id}).where(Assessor.id == found)
        if settings is not None:
            await record(settings, "account.added", account=f"assessor {account.id}", by=by)
    return account
