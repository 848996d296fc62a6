"""Two editions that count some of the same answers: whoever has both may subtract them."""

from __future__ import annotations

from evaluator.problems import Problem
from evaluator.publication.shelf import folder_of
from evaluator.rating.edition import NOTE, read_edition
from evaluator.rating.holding import may_subtract
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings


def _(message: str) -> str:
    return message


async def refuse_to_be_subtracted(settings: Settings, row: PublishedEdition) -> None:
    """Refuse an edition that was not held against one with some of the same answers which others have seen.

    Superseded and withdrawn editions were seen as well; drafts were not. Simulated answers are nobody's.

    Raises
    ------
    Problem
        409, with the SHA-256 of the snapshot that it must be rated against.
    """
    folder = folder_of(settings, row.identifier)
    if row.simulated or not (folder / NOTE).is_file():
        return
    edition = read_edition(folder)
    for other in await PublishedEdition.objects().where(
        (PublishedEdition.identifier != row.identifier) & (PublishedEdition.state != "draft")
    ):
        files = folder_of(settings, other.identifier)
        if (files / NOTE).is_file() and may_subtract(edition, shown := read_edition(files)):
            raise Problem(
                409,
                _("This edition and one that was shown count some of the same answers"),
                _(
                    "Whoever subtracts it from %(other)s would learn what a few people said. "
                    "Rate it again with --against and the snapshot that %(other)s was computed from (%(sha256)s)."
                ),
                other=other.identifier,
                sha256=shown.note.snapshot.sha256,
            )
