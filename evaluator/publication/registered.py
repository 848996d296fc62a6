"""Whether an edition's scheme was registered before its data came: what logs and campaigns' days say, no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from evaluator.collection.tables import Campaign
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.leaves import RESPONSE, read_entry
from evaluator.ledger.tables import LogLeaf
from evaluator.publication import shelf
from evaluator.rating.beforehand import audit_head
from evaluator.rating.edition import NOTE, Note, read_note
from evaluator.rating.registering import Registration, registrations
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

NONE = "not_registered"
BEFORE = "before_the_first_answer"  # of every campaign counted
DURING = "before_the_last_answer"  # a campaign had opened, and none of them was over
AFTER = "after_the_last_answer"
BEFORE_PERIOD = "before_the_period"  # no campaign of this site was counted
UNTOLD = "order_not_known"
STATUSES = (NONE, BEFORE, DURING, AFTER, BEFORE_PERIOD, UNTOLD)
COUNTED = re.compile(r"\S+/log/campaign/([a-z0-9][a-z0-9-]{0,63}) ([0-9]+) [0-9a-f]{64}")
NEAR = 1000  # entries behind the head that a snapshot names in which its own entry is looked for


@dataclass(frozen=True, slots=True)
class Survey:
    """A campaign whose answers an edition counts."""

    code: str
    opens: date
    closes: date
    audit_size: int  # of the audit log when the campaign's log began, as its first entry says; 0: it does not


@dataclass(frozen=True, slots=True)
class Standing:
    """What can be said of a scheme and the data of an edition."""

    status: str
    found: Registration | None = None
    opens: date | None = None  # the first day on which a counted campaign took answers, the last one
    closes: date | None = None
    proved: bool = False  # the logs' own order shows it, not only days by this site's clock

    def about(self) -> dict[str, Any]:
        """The same for programs."""
        row = self.found.row if self.found else None
        return {
            "status": self.status,
            "registered_on": row.registered_on if row else None,
            "log_position": self.found.position if self.found else None,
            "survey_opened": self.opens,
            "survey_closed": self.closes,
            "shown_by_the_order_of_the_logs": self.proved,
        }


def standing(
    found: Registration | None, surveys: Sequence[Survey] | None, period: tuple[date, date] | None
) -> Standing:
    """Compare a registration with the campaigns that were counted; without them, with the period.

    Parameters
    ----------
    surveys
        None: answers were counted whose logs this site does not have.
    """
    if found is None:
        return Standing(NONE)
    day = found.row.registered_on
    if not surveys:
        early = surveys is not None and period is not None and day < period[0]
        return Standing(BEFORE_PERIOD if early else UNTOLD, found)
    opens, closes = min(one.opens for one in surveys), max(one.closes for one in surveys)
    shown = [one.audit_size > found.position for one in surveys]
    proved = all(shown)
    if all(by_log or day < one.opens for by_log, one in zip(shown, surveys, strict=True)):
        return Standing(BEFORE, found, opens, closes, proved)
    return Standing(DURING if day <= closes else AFTER, found, opens, closes)


async def of_note(note: Note) -> Standing:
    """How an edition's scheme stands, by the bytes that the edition was rated by."""
    found = await registrations(note.scheme.sha256)
    if not found:
        return Standing(NONE)
    return standing(found[0], await _surveys(note), note.period)


async def standings(settings: Settings, rows: Iterable[PublishedEdition]) -> dict[str, Standing]:
    """How the scheme of each edition stands, where its files are still there."""
    found = {}
    for row in rows:
        folder = shelf.folder_of(settings, row.identifier)
        if (folder / NOTE).is_file():
            found[row.identifier] = await of_note(read_note(folder))
    return found


async def _surveys(note: Note) -> list[Survey] | None:
    """The campaigns counted; None where one is not of this site, or does not say that it was counted here."""
    surveys = []
    for head in (note.log_head or "").split("; ") if note.log_head else ():
        named = COUNTED.fullmatch(head)
        survey = await _survey(named[1], int(named[2]), note.snapshot.sha256) if named else None
        if survey is None:
            return None
        surveys.append(survey)
    return surveys


async def _survey(code: str, size: int, snapshot: str) -> Survey | None:
    row = await Campaign.select(Campaign.opens, Campaign.closes).where(Campaign.code == code).first()
    if row is None:
        return None
    log = LogLeaf.log == campaign_log(code)
    leaves = await LogLeaf.select(LogLeaf.entry).where(
        log & (((LogLeaf.position >= size) & (LogLeaf.position < size + NEAR)) | (LogLeaf.position == 0))
    ).order_by(LogLeaf.position)  # fmt: skip
    entries = [read_entry(leaf["entry"]) for leaf in leaves if not RESPONSE.fullmatch(leaf["entry"])]
    if not any(one["kind"] == "snapshot" and one.get("snapshot") == snapshot for one in entries):
        return None  # a campaign of the same name elsewhere, or another log
    first: Mapping[str, Any] = entries[0] if entries[0].get("at") == 0 else {}
    begun = audit_head(first)[0] if first.get("kind") == "manifest" else 0
    return Survey(code, row["opens"], row["closes"], begun)
