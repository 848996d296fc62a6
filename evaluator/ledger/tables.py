"""Logs and their leaves. Nothing is ever changed or taken out; files that anybody may read are made from here."""

from __future__ import annotations

from piccolo.columns import BigInt, ForeignKey, Text
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.constraints import Unique
from piccolo.table import Table

from evaluator.columns import BoundedText


class Log(Table):
    """A log and its newest head. Who appends changes `size` from the one that was read; of two writers one wins."""

    name = BoundedText(length=80, least=1, primary_key=True)  # "campaign/CODE" or "audit"
    size = BigInt(default=0)
    root = BoundedText(length=64, least=64)
    frontier = Text()  # roots of the complete subtrees, largest first, in hexadecimal: all that appending needs
    checkpoint = Text()  # the signed note over both


class LogLeaf(Table):
    """An entry of a log, by its RFC 6962 leaf hash."""

    leaf_hash = BoundedText(length=64, least=64, primary_key=True)
    log = ForeignKey(Log, null=False, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    position = BigInt(default=0)  # from 0
    entry = Text()  # JSON, exactly the bytes that were hashed
    log_leaf_once = Unique([log, position])
