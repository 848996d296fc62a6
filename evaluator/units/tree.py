"""The tree of units: who stands under whom."""

from __future__ import annotations

from evaluator.units.tables import Unit

BELOW = """
WITH RECURSIVE below(code) AS (
  SELECT code FROM unit WHERE code = {}
  UNION SELECT unit.code FROM unit JOIN below ON unit.parent = below.code
) SELECT code FROM below ORDER BY code
"""
ABOVE = """
WITH RECURSIVE above(code, parent) AS (
  SELECT code, parent FROM unit WHERE code = {}
  UNION SELECT unit.code, unit.parent FROM unit JOIN above ON unit.code = above.parent
) SELECT code FROM above
"""


async def subtree(code: str) -> list[str]:
    """The unit and all under it, in order of code; empty when there is no such unit."""
    return [row["code"] for row in await Unit.raw(BELOW, code)]


async def is_within(code: str, root: str) -> bool:
    """Whether the unit is `root` or stands under it."""
    return root in {row["code"] for row in await Unit.raw(ABOVE, code)}
