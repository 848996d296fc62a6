"""A unit over all published editions of one scheme, and whether its last change is more than noise."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path

from evaluator import pages
from evaluator.language import gettext as _
from evaluator.publication import charts, review_changes, shelf, wording
from evaluator.publication.editions import Edition, EditionDamaged, Rating, listed, open_edition, read_table
from evaluator.publication.review_changes import Change
from evaluator.rating import tabular
from evaluator.rating.defects import InputError
from evaluator.rating.edition import NOTE, SUMS, read_note
from evaluator.rating.folders import sha256_of
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings


@dataclass(frozen=True, slots=True)
class Point:
    """A unit in one edition."""

    row: PublishedEdition
    rating: Rating


@dataclass(frozen=True, slots=True)
class History:
    """The editions of the scheme that have the unit, the earliest first, and its change since the one before."""

    points: tuple[Point, ...]
    change: Change | None
    before: PublishedEdition | None
    rate: float = 0.05  # share of the changes called real that are expected not to be


async def history(settings: Settings, edition: Edition, code: str) -> History:
    """What every edition that counts, of the same scheme and version, says of a unit."""
    rows = [row for row in await shelf.published() if row.state == "published" or row.identifier == edition.identifier]
    points = []
    for row in sorted(rows, key=lambda row: (row.period_to, row.published_on)):
        if row.identifier == edition.identifier:
            points.append(Point(row, edition.ratings[code]))
            continue
        folder, scheme = shelf.folder_of(settings, row.identifier), edition.note.scheme.sha256
        rating = await asyncio.to_thread(rating_in, folder, row.sums_sha256, scheme, code)
        if rating is not None:
            points.append(Point(row, rating))
    before = review_changes.earlier(edition, [row for row in rows if row.identifier != edition.identifier])
    earlier = await _opened(settings, before) if before is not None else None
    if before is None or earlier is None:
        return History(tuple(points), None, None)
    since = await asyncio.to_thread(review_changes.since, settings.data_dir / "changes", earlier, edition)
    if since is None:
        return History(tuple(points), None, None)
    return History(tuple(points), since.change(code), before, since.rate)


def rating_in(folder: Path, sums: str, scheme: str, code: str) -> Rating | None:
    """A unit's rating in another edition by the scheme of this digest, without reading the rest of it.

    None: it has none, another scheme made it, or what would be read is not what was published.
    """
    try:
        names = listed(folder)
        wanted = [name for name in (NOTE, "ratings.parquet", "ratings.csv") if name in names][:2]
        if sha256_of(folder / SUMS) != sums or any(sha256_of(folder / name) != names[name] for name in wanted):
            return None
        if read_note(folder).scheme.sha256 != scheme:
            return None
        with tabular.connect() as connection:
            table = read_table(connection, folder, "ratings", units=[code])
    except (EditionDamaged, InputError, OSError):
        return None
    rows = [Rating(*row) for row in zip(*(table[name].tolist() for name in Rating.__struct_fields__), strict=True)]
    return rows[0] if rows else None


async def _opened(settings: Settings, row: PublishedEdition) -> Edition | None:
    """Another edition, if its files are as they were published: a damaged one says nothing here."""
    try:
        return await asyncio.to_thread(open_edition, shelf.folder_of(settings, row.identifier), row.sums_sha256)
    except EditionDamaged:
        return None


def picture(edition: Edition, found: History, *, narrow: bool) -> charts.Chart:
    """The index and its interval, edition by edition."""
    decimals = edition.scheme.publication.decimals
    rows = []
    for point in found.points:
        name = f"{pages.shown_date(point.row.period_from)} – {pages.shown_date(point.row.period_to)}"
        text = pages.shown(point.rating.index, wording.decimals(point.rating, edition.scheme))
        limits = wording.interval(point.rating.lower, point.rating.upper, decimals)
        title = f"{name}: {text} ({limits})" if not math.isnan(point.rating.index) else f"{name}: {_('no index')}"
        rows.append(charts.Row(name, point.rating.index, point.rating.lower, point.rating.upper, text, title))
    return charts.dots(rows, narrow=narrow, scale=edition.scheme.normalisation.scale)
