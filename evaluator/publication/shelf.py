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


NOT_PUBLIC = ("draft", "under_reply")  # states in which an edition is not shown to the public


def folder_of(settings: Settings, identifier: str) -> Path:
    """Where a published edition lies."""
    return settings.data_dir / "editions" / identifier


async def published() -> list[PublishedEdition]:
    """All editions that the public may see, the latest first: superseded and withdrawn ones too."""
    rows = await PublishedEdition.objects().where(PublishedEdition.state.not_in(list(NOT_PUBLIC)))
    return sorted(rows, key=lambda row: (row.period_to, row.published_on, row.identifier), reverse=True)


def current(rows: list[PublishedEdition]) -> list[PublishedEdition]:
    """Those that count: neither replaced nor withdrawn."""
    return [row for row in rows if row.state == "published"]


async def successor_of(identifier: str) -> PublishedEdition | None:
    """The edition that replaces this one, if any."""
    rows = await PublishedEdition.objects().where(
        (PublishedEdition.supersedes == identifier) & PublishedEdition.state.not_in(list(NOT_PUBLIC))
    )
    return next((row for row in rows if row.state != "withdrawn"), None)


async def opened(request: Request[Any, Any, Any], identifier: str) -> Edition:
    """A published edition, read; its row is kept in `request.state.edition_row` for the page's banner.

    Raises
    ------
    Problem
        404 when it is not published; 410 when its files were removed; 503 with the reason when its folder is not what
        was published.
    """
    row = await PublishedEdition.objects().get(PublishedEdition.identifier == identifier)
    if row is None or row.state in NOT_PUBLIC:
        raise not_found(identifier[:80])
    if row.files_removed:
        raise Problem(
            410, _("This edition was withdrawn, and its files were removed"),
            _("On %(day)s, because: %(why)s. That it was published, and with which SHA-256, stays in the audit log."),
            day=row.withdrawn_on.isoformat(), why=row.withdrawn_why.rstrip("."),
        )  # fmt: skip
    request.state.edition_row = row
    if row.state == "superseded":
        request.state.edition_successor = await successor_of(identifier)
    return await opened_row(request.app.state.settings, row)


async def opened_row(settings: Settings, row: PublishedEdition) -> Edition:
    """An edition in whatever state, read; Problem 503 when its folder is not what was brought in."""
    identifier = row.identifier
    folder = folder_of(settings, identifier)
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
