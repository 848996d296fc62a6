"""Records: facts about units from outside sources, each traceable to the file that brought it."""

from __future__ import annotations

from piccolo.columns import Boolean, Bytea, Date, ForeignKey, Serial
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

from evaluator.accounts.tables import Account
from evaluator.columns import BoundedText, OneOf, RangedDouble, RangedInteger
from evaluator.units.tables import Unit

KINDS = ["records", "indicators", "events"]
STATES = ["alleged", "contested", "final", "rectified", "repaired", "expired"]
LARGEST = 1e15


class Import(Table):
    """A file that was taken in whole."""

    id = Serial(primary_key=True)
    kind = OneOf(KINDS, default="records")
    file_name = BoundedText(length=255, least=1)
    sha256 = BoundedText(length=64, least=64)
    imported_on = Date(default=None, null=False)
    account = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    rows = RangedInteger(low=0, high=2000000000)
    source = BoundedText(length=255)
    scheme = BoundedText(length=128)  # code and version of the scheme whose words it was checked against
    period_from = Date(null=True, default=None)
    period_to = Date(null=True, default=None)
    simulated = Boolean(default=False)
    withdrawn_on = Date(null=True, default=None)  # its rows were taken out again
    withdrawn_why = BoundedText(length=500)


class Refusal(Table):
    """A file that was not taken, with everything that is wrong with it; kept for a month."""

    id = Serial(primary_key=True)
    kind = OneOf(KINDS, default="records")
    file_name = BoundedText(length=255, least=1)
    sha256 = BoundedText(length=64, least=64)
    refused_on = Date(default=None, null=False)
    account = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    problems = RangedInteger(low=0, high=2000000000)
    findings = Bytea()  # JSON, compressed


class Record(Table):
    """A raw number: numerator and denominator (exposure for rates) of an indicator for a unit in a period."""

    id = Serial(primary_key=True)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    indicator = BoundedText(length=64, least=1)
    period_from = Date(default=None, null=False)
    period_to = Date(default=None, null=False)
    numerator = RangedDouble(low=0.0, high=LARGEST, null=True, default=None)  # blank: due but not reported
    denominator = RangedDouble(low=0.0, high=LARGEST)
    brought_by = ForeignKey(Import, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    record_once = Unique([unit, indicator, period_from, period_to])


class IndicatorValue(Table):
    """A ready number of an indicator for a unit in a period."""

    id = Serial(primary_key=True)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    indicator = BoundedText(length=64, least=1)
    period_from = Date(default=None, null=False)
    period_to = Date(default=None, null=False)
    value = RangedDouble(low=-LARGEST, high=LARGEST)
    standard_error = RangedDouble(low=0.0, high=LARGEST, null=True, default=None)
    brought_by = ForeignKey(Import, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    indicator_value_once = Unique([unit, indicator, period_from, period_to])


class Event(Table):
    """A dishonesty record, or a fact that vetoes, with its state."""

    id = Serial(primary_key=True)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    record = BoundedText(length=64, least=1, unique=True)
    record_class = BoundedText(length=64, least=1)
    document_date = Date(default=None, null=False)
    state = OneOf(STATES, default="alleged")
    state_date = Date(default=None, null=False)
    brought_by = ForeignKey(Import, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
