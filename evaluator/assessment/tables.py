"""Rounds in which institutes assess units against criteria."""

from __future__ import annotations

from piccolo.columns import Boolean, Date, DoublePrecision, ForeignKey, Serial, Text
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

from evaluator.accounts.tables import Account
from evaluator.columns import BoundedText, RangedDouble, RangedInteger
from evaluator.units.tables import Unit


class Institute(Table):
    """A research institute, university or rating firm."""

    id = Serial(primary_key=True)
    code = BoundedText(length=32, least=1, unique=True)
    name_zh = BoundedText(length=160, least=1)
    name_en = BoundedText(length=200)


class AssessmentRound(Table):
    """One assessment by several institutes between two dates."""

    id = Serial(primary_key=True)
    code = BoundedText(length=32, least=1, unique=True)
    title_zh = BoundedText(length=160, least=1)
    title_en = BoundedText(length=200, least=1)
    opens = Date(default=None, null=False)
    closes = Date(default=None, null=False)
    about_from = Date(null=True, default=None)  # the time that is assessed; blank: when the round is open
    about_to = Date(null=True, default=None)
    simulated = Boolean(default=False)


class Criterion(Table):
    """What is scored; its code is the indicator's."""

    id = Serial(primary_key=True)
    round = ForeignKey(AssessmentRound, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    code = BoundedText(length=64, least=1)
    name_zh = BoundedText(length=160, least=1)
    name_en = BoundedText(length=200)
    asks = BoundedText(length=1000)
    low = DoublePrecision(default=0.0)
    high = DoublePrecision(default=10.0)
    criterion_once = Unique([round, code])


class Assessor(Table):
    """A person of an institute in a round, known outside it by a pseudonym only."""

    id = Serial(primary_key=True)
    round = ForeignKey(AssessmentRound, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    institute = ForeignKey(Institute, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    pseudonym = BoundedText(length=64, least=1)
    account = ForeignKey(
        Account, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict, unique=True
    )
    assessor_once = Unique([round, institute, pseudonym])


class Assignment(Table):
    """A unit that an assessor is to score on some criterion."""

    id = Serial(primary_key=True)
    assessor = ForeignKey(Assessor, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    assignment_once = Unique([assessor, unit])


class AssessmentImport(Table):
    """A file of scores that was taken in whole."""

    id = Serial(primary_key=True)
    round = ForeignKey(AssessmentRound, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    file_name = BoundedText(length=255, least=1)
    sha256 = BoundedText(length=64, least=64)
    imported_on = Date(default=None, null=False)
    account = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    rows = RangedInteger(low=0, high=2000000000)
    source = BoundedText(length=255)


class Assessment(Table):
    """A score of a unit on a criterion by an assessor, with its justification."""

    id = Serial(primary_key=True)
    assessor = ForeignKey(Assessor, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = ForeignKey(Unit, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    criterion = ForeignKey(Criterion, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    score = RangedDouble(low=-1000000.0, high=1000000.0)
    justification = Text(default="")
    brought_by = ForeignKey(
        AssessmentImport, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )  # blank: entered in the form
    assessment_once = Unique([assessor, unit, criterion])
