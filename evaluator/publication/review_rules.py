"""Keeping rules of points: every version stays, the audit log names it, and each review prints the one it used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec

from evaluator import database
from evaluator.accounts.tables import Account
from evaluator.ledger.audit import record
from evaluator.publication.review_rule import SHIPPED, Rule, canonical, digest
from evaluator.publication.tables import ReviewRule
from evaluator.settings import Settings

PLATFORM = ""  # the scope of an operator's rule, which holds where a superior has none


@dataclass(frozen=True, slots=True)
class InForce:
    """The rule that a review is made by."""

    rule: Rule
    scope: str  # the unit whose superior made it; blank: the platform's
    version: int  # 0: as shipped
    sha256: str
    made_on: date | None
    why: str


AS_SHIPPED = InForce(SHIPPED, PLATFORM, 0, digest(SHIPPED), None, "")


def scope_of(account: Account) -> str:
    """Whose rule an account edits: its unit's, or, an operator's without one, the platform's."""
    return str(account.unit or PLATFORM)


def _in_force(row: ReviewRule) -> InForce:
    rule = msgspec.json.decode(row.rule, type=Rule)
    return InForce(rule, row.scope, row.version, row.sha256, row.made_on, row.why)


async def versions(scope: str) -> tuple[InForce, ...]:
    """All versions that one scope had, the latest first."""
    rows = await ReviewRule.objects().where(ReviewRule.scope == scope).order_by(ReviewRule.version, ascending=False)
    return tuple(map(_in_force, rows))


async def in_force(account: Account) -> InForce:
    """The rule of an account's reviews: its own, else the platform's, else the shipped one."""
    for scope in dict.fromkeys((scope_of(account), PLATFORM)):
        row = await (
            ReviewRule.objects().where(ReviewRule.scope == scope).order_by(ReviewRule.version, ascending=False).first()
        )
        if row is not None:
            return _in_force(row)
    return AS_SHIPPED


async def keep_rule(settings: Settings, account: Account, rule: Rule, why: str, today: date) -> InForce:
    """A new version of the account's rule; the same rule again changes nothing.

    Raises
    ------
    AlreadyExists
        Somebody else kept a version at the same moment.
    """
    scope = scope_of(account)
    async with database.engine().transaction():
        before = next(iter(await versions(scope)), None)
        if before is not None and before.rule == rule:
            return before
        row = ReviewRule(
            scope=scope, version=(before.version if before else 0) + 1, rule=canonical(rule), sha256=digest(rule),
            why=why, made_on=today, made_by=account.id,
        )  # fmt: skip
        await row.save()
        await record(
            settings, "review.rule_kept", scope=scope or None, version=row.version, sha256=row.sha256,
            by=f"{account.role} {account.id}",
        )  # fmt: skip
    return _in_force(row)
