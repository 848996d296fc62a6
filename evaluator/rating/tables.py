"""Editions and schemes that the site knows: figures live in files, the database knows which there are and what became
of them."""

from __future__ import annotations

from piccolo.columns import Boolean, Date, ForeignKey, Serial, Text, Timestamptz
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

from evaluator.accounts.tables import Account
from evaluator.columns import BoundedText, OneOf, RangedInteger

STATES = ["draft", "under_reply", "published", "superseded", "withdrawn"]


class PublishedEdition(Table):
    """An edition folder under the data directory, in one of the states of its life. The folder never changes."""

    identifier = BoundedText(length=64, least=1, primary_key=True)
    title_zh = BoundedText(length=200, least=1)
    title_en = BoundedText(length=200, least=1)
    period_from = Date(default=None, null=False)
    period_to = Date(default=None, null=False)
    published_on = Date(default=None, null=False)  # until it is published: the day it was brought in
    sums_sha256 = BoundedText(length=64, least=64)  # of the folder's SHA256SUMS, so that a changed folder is not served
    supersedes = BoundedText(length=64)
    simulated = Boolean(default=False)
    state = OneOf(STATES, default="published")
    reply_days = RangedInteger(0, 365)  # as its scheme says; 0: it is published at once
    reply_until = Date(default=None, null=True)  # the last day on which units may write their replies
    why = BoundedText(length=1000)  # of a revision, as in its edition.json
    early_why = BoundedText(length=1000)  # why it was published before the units' days were over
    withdrawn_on = Date(default=None, null=True)
    withdrawn_why = BoundedText(length=1000)
    files_removed = Boolean(default=False)  # withdrawn, and its figures are not shown any more
    leaf = BoundedText(length=64)  # hash of the audit log's entry that says that it was published


class EditionReply(Table):
    """What a rated unit answers to its page of an edition, one text a unit, and what the operator says to it."""

    id = Serial(primary_key=True)
    edition = ForeignKey(PublishedEdition, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    unit = BoundedText(length=64, least=1)
    text = BoundedText(length=4000, least=1)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    written_at = Timestamptz(default=None, null=False)
    changed_at = Timestamptz(default=None, null=False)  # its text or its answer
    answer = BoundedText(length=4000)
    corrected = Boolean(default=False)  # it led to a correction
    edition_reply_once = Unique([edition, unit])


class RegisteredScheme(Table):
    """A scheme whose digest was logged, so that anybody can see that it was there before the data."""

    sha256 = BoundedText(length=64, least=64, primary_key=True)  # of the file's bytes
    code = BoundedText(length=64, least=1)
    version = BoundedText(length=64, least=1)
    title_zh = BoundedText(length=200)
    title_en = BoundedText(length=200)
    registered_on = Date(default=None, null=False)
    content = Text()  # the file as it is
    leaf = BoundedText(length=64, least=64)  # hash of the audit log's entry
