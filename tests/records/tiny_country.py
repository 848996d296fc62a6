"""A small country with names of its own, and a scheme with codes of its own."""

from __future__ import annotations

from datetime import date

from evaluator import database
from evaluator.records.importing import Offer
from evaluator.records.kinds import Kind
from evaluator.units.lookup import KnownUnit
from evaluator.units.tables import Unit

PERIOD = (date(2025, 1, 1), date(2025, 12, 31))
TODAY = date(2026, 1, 15)
UNITS = [
    KnownUnit("37", None, "P", "甲省", "Alpha"),
    KnownUnit("3701", "37", "C", "乙市", "Beta"),
    KnownUnit("3704", "37", "C", "丙市", "Gamma"),
    KnownUnit("370102", "3701", "K", "历下区"),
    KnownUnit("370103", "3701", "K", "市中区"),
    KnownUnit("370402", "3704", "K", "市中区"),
    KnownUnit("370102001", "370102", "T", "解放路街道"),
    KnownUnit("3701-FGW", "3701", "D", "发展改革委"),
    KnownUnit("370199", "3701", "K", "旧区", valid_to=date(2020, 12, 31), successor="370102"),
]
SCHEME = """
code: tiny
version: 3
indicators:
  - {code: suits_lost, source: share, name: {zh: 败诉率, en: Suits lost}, levels: [P, C, K]}
  - {code: paid, source: share, name: {zh: 按期支付率, en: Paid in time}}
  - {code: complaints, source: rate, name: {zh: 投诉率, en: Complaints}}
  - {code: finds, source: rate, name: {zh: 失信记录率, en: Findings}}
  - {code: debt, source: metric, name: {zh: 债务率, en: Debt}}
  - {code: asked, source: citizen, name: {zh: 满意度, en: Asked}}
  - {code: sheet, source: assessor, name: {zh: 评审, en: Sheet}}
records: {classes: {general: {in_rating: finds}, serious: {in_rating: deduction}}}
vetoes: {defaulter: {cap: C}}
"""


async def store_units() -> None:
    async with database.engine().transaction():
        for unit in UNITS:
            row = {name: getattr(unit, name) for name in unit.__struct_fields__}
            await Unit.insert(Unit(**row))


def offer(kind: Kind, content: bytes, **more: object) -> Offer:
    """A file that was brought in the middle of January."""
    given = {"file_name": "file.csv", "source": "the finance office", "period": PERIOD, "brought_on": TODAY, **more}
    return Offer(kind=kind, content=content, **given)  # type: ignore[arg-type]
