"""Runs that an operator asked for, and the schemes they use. The figures live in files under the data directory."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Date, DoublePrecision, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.table import Table

from evaluator.accounts.tables import Account
from evaluator.columns import BoundedText, OneOf

KINDS = ["rating", "snapshot", "publication"]
STATES = ["waiting", "running", "done", "failed", "cancelled"]


class WorkbenchScheme(Table):
    """A scheme's file, byte for byte, by its SHA-256: brought by somebody, or shipped and used in a run."""

    sha256 = BoundedText(length=64, least=64, primary_key=True)
    code = BoundedText(length=80, least=1)
    version = BoundedText(length=80, least=1)
    title_zh = BoundedText(length=300)
    title_en = BoundedText(length=300)
    content = Text()
    file_name = BoundedText(length=80)
    shipped = Boolean(default=False)
    brought_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    brought_at = Timestamptz(default=None, null=False)


class WorkbenchRun(Table):
    """Something long that the worker does: a rating, a snapshot, or handing a rating to publishing."""

    id = BoundedText(length=20, least=8, primary_key=True)
    kind = OneOf(KINDS, default="rating")
    state = OneOf(STATES, default="waiting")
    asked_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    asked_at = Timestamptz(default=None, null=False)
    started_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    note = BoundedText(length=500)
    # what a rating is made of
    scheme = ForeignKey(
        WorkbenchScheme, null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict
    )
    snapshot = BoundedText(length=64)  # a folder's name; of a snapshot: the one to be made
    draws = Integer(default=0)  # 0: as the scheme says
    seed = BigInt(default=1)
    previous = BoundedText(length=64)  # published edition of the last period
    supersedes = BoundedText(length=64)  # published edition that this one corrects
    why = Text()
    # what a snapshot is made of
    campaigns = Text()  # codes joined by one space
    period_from = Date(null=True, default=None)
    period_to = Date(null=True, default=None)
    # what is handed to publishing
    source = BoundedText(length=20)  # the run whose edition it is
    decision = Text()
    # how far it is
    step = BoundedText(length=80)
    share = DoublePrecision(default=0.0)
    worker = BoundedText(length=40)  # who does it; only this one may say how it went
    heartbeat = Timestamptz(null=True, default=None)
    attempts = Integer(default=0)
    cancel = Boolean(default=False)
    # what came of it
    failure = Text()  # a line a defect
    edition = BoundedText(length=64)  # identifier
    digest = BoundedText(length=64)  # SHA-256 of the edition's SHA256SUMS, or of the snapshot
    seconds = DoublePrecision(default=0.0)
    processor = DoublePrecision(default=0.0)
    memory = BigInt(default=0)  # most bytes at once
