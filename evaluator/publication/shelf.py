"""Which editions are published, and opening one: only those that the database lists, only as they were published."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from litestar import Request

from evaluator.problems import Problem, not_found
from evaluator.publication.editions import Edition, EditionDamaged, open_edition
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

log = logging.getLogger("evaluator")


def _(message: str) -> str:
    return message


def folder_of(settings: Settings, identifier: str) -> Path:
    """Where a published edition lies."""
    return settings.data_dir / "editions" / identifier


async def published() -> list[PublishedEdition]:
    """All published editions, the latest first."""
    rows = await PublishedEdition.objects()
    return sorted(rows, key=lambda row: (row.period_to, row.published_on, row.identifier), reverse=True)


def current(rows: list[PublishedEdition]) -> list[PublishedEdition]:
    """Those that no other one replaces."""
    replaced = {row.supersedes for row in rows if row.supersedes}
    return [row for row in rows if row.identifier not in replaced]


async def successor_of(identifier: str) -> PublishedEdition | None:
    """The edition that replaces this one, if any."""
    return await PublishedEdition.objects().get(PublishedEdition.supersedes == identifier)


async def opened(request: Request[Any, Any, Any], identifier: str) -> Edition:
    """A published edition, read.

    Raises
    ------
    Problem
        404 when it is not published; 503 with the reason when its folder is not what was published.
    """
    row = await PublishedEdition.objects().get(PublishedEdition.identifier == identifier)
    if row is None:
        raise not_found(identifier[:80])
    folder = folder_of(request.app.state.settings, identifier)
    try:
        return await asyncio.to_thread(open_edition, folder, row.sums_sha256)
    except EditionDamaged as error:
        log.error("edition %s is not served: %s", identifier, error)
        raise Problem(
            503,
            _("This edition is not shown right now"),
            _(
                "Its files are not those that were published, so nothing of it is shown until they are restored: "
                "%(reason)s."
            ),
            reason=str(error),
        ) from None
