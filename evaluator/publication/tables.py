"""What the publication keeps beside the editions' files: by which rule a superior gives points."""

from __future__ import annotations

from piccolo.columns import Date, ForeignKey, Serial
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

from evaluator.accounts.tables import Account
from evaluator.columns import BoundedText, RangedInteger


class ReviewRule(Table):
    """A version of a rule of points: of a superior's unit, or of the platform where `scope` is blank."""

    id = Serial(primary_key=True)
    scope = BoundedText(length=64)  # code of the unit whose superior made it; no foreign key: "" is the platform's
    version = RangedInteger(low=1, high=1_000_000, default=1)
    rule = BoundedText(length=4000, least=2)  # JSON
    sha256 = BoundedText(length=64, least=64)  # of that JSON, as the audit log names it
    why = BoundedText(length=500, least=1)
    made_on = Date(default=None, null=False)
    made_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    review_rule_once = Unique([scope, version])
