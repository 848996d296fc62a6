"""Accounts of staff and their sessions. Citizens have none."""

from __future__ import annotations

from piccolo.columns import Boolean, ForeignKey, Integer, Serial, Timestamptz
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.reference import LazyTableReference
from piccolo.table import Table

from evaluator.columns import BoundedText, OneOf
from evaluator.units.tables import Unit

ROLES = ["operator", "assessor", "representative", "superior"]


class Account(Table):
    """Somebody who signs in, scoped to a subtree of units or, an assessor, to a round."""

    id = Serial(primary_key=True)
    name = BoundedText(length=64, least=1, unique=True)
    password_hash = BoundedText(length=255, least=1)
    role = OneOf(ROLES, default="operator")
    unit = ForeignKey(Unit, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    round = ForeignKey(
        LazyTableReference("AssessmentRound", module_path="evaluator.assessment.tables"),
        null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict,
    )  # fmt: skip
    active = Boolean(default=True)
    failures = Integer(default=0)  # sign-ins refused in a row
    locked_until = Timestamptz(null=True, default=None)


class StaffSession(Table):
    """A signed-in browser: only the hash of its cookie is kept."""

    token_hash = BoundedText(length=64, least=64, primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.cascade, on_update=OnUpdate.restrict, index=True)
    expires_at = Timestamptz(default=None, null=False)
