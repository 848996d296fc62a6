"""Units: the bodies that are rated, as a tree."""

from __future__ import annotations

from piccolo.columns import BigInt, Date, ForeignKey
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.reference import LazyTableReference
from piccolo.table import Table

from evaluator.columns import BoundedText, OneOf

KINDS = ["area", "zone", "department"]


class Unit(Table):
    """A province, city, county, development zone, township, street, or a department of one."""

    code = BoundedText(length=32, least=1, primary_key=True)
    parent = ForeignKey(
        LazyTableReference("Unit", module_path="evaluator.units.tables"),
        null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict, index=True,
    )  # fmt: skip
    level = BoundedText(length=16, least=1)
    kind = OneOf(KINDS, default="area")
    name_zh = BoundedText(length=120, least=1)
    name_en = BoundedText(length=160)
    population = BigInt(null=True, default=None)
    credit_code = BoundedText(length=18, least=18, null=True, default=None, unique=True)
    valid_from = Date(null=True, default=None)
    valid_to = Date(null=True, default=None)
    successor = ForeignKey(
        LazyTableReference("Unit", module_path="evaluator.units.tables"),
        null=True, default=None, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict,
    )  # fmt: skip
