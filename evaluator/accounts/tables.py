"""Accounts of staff and their sessions. Citizens have none."""

from __future__ import annotations

from piccolo.columns import Boolean, Date, ForeignKey, Integer, Serial, Timestamptz
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


class ApiKey(Table):
    """What a program of an account shows instead of signing in: only its hash is kept, and what to tell keys apart by.

    It opens what the account may see of the reviews, to read, until it expires or is revoked.
    """

    id = Serial(primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.cascade, on_update=OnUpdate.restrict, index=True)
    label = BoundedText(length=64, least=1)  # what the account calls it
    prefix = BoundedText(length=12, least=4)  # its first characters, shown in lists
    key_hash = BoundedText(length=64, least=64, unique=True)
    made_on = Date(default=None, null=False)
    expires_on = Date(default=None, null=False)  # the last day on which it opens anything
    last_used_on = Date(null=True, default=None)  # a day, never a second
    revoked_on = Date(null=True, default=None)
