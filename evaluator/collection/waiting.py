"""What is accepted and promised, and not sealed into its campaign's log yet."""

from __future__ import annotations

from collections.abc import Sequence

from evaluator.collection.tables import Pending


async def waiting(campaigns: Sequence[str]) -> int:
    """Responses of campaigns that are accepted and not in their logs yet: no export and no snapshot has them."""
    chosen = ", ".join(["{}"] * len(campaigns))
    rows = await Pending.raw(
        "SELECT count(*) AS n FROM pending WHERE NOT withdrawn "
        f"AND campaign IN (SELECT id FROM campaign WHERE code IN ({chosen}))",
        *campaigns,
    )
    return int(rows[0]["n"])
