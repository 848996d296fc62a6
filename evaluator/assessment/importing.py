"""A file of scores, or of assignments, comes in whole, or not at all with every defect named."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from evaluator import bulk, database
from evaluator.assessment.rounds import assessors_of
from evaluator.assessment.tables import Assessment, AssessmentImport, AssessmentRound, Assignment, Criterion
from evaluator.ledger.audit import record
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.spreadsheets.cells import Number, parse_code, parse_number, plain
from evaluator.spreadsheets.findings import Finding, Refused, Wrong
from evaluator.spreadsheets.reading import read_sheets
from evaluator.spreadsheets.suggesting import Suggester
from evaluator.spreadsheets.table import Headings, Layout, Line, Table, find_table, read_headings
from evaluator.units.lookup import UnitIndex, unit_index

SCORES = Layout(
    ("unit", "unit_name", "institute", "assessor", "criterion", "score", "justification"),
    (("unit", "unit_name"), ("institute",), ("assessor",), ("criterion",), ("score",)),
    frozenset({"unit", "unit_name", "institute", "assessor", "criterion"}),
)
ASSIGNMENTS = Layout(
    ("unit", "unit_name", "institute", "assessor"),
    (("unit", "unit_name"), ("institute",), ("assessor",)),
    frozenset({"unit", "unit_name", "institute", "assessor"}),
)


def _(message: str) -> str:
    return message


BLANK = Wrong(_("is blank"), _("give a value in every row"))


class Limits(msgspec.Struct, frozen=True):
    """A criterion, as a file needs it."""

    number: int
    low: float
    high: float


class Known(msgspec.Struct, frozen=True):
    """What a file may speak of in a round."""

    round: int
    units: UnitIndex
    assessors: dict[tuple[str, str], int]
    criteria: dict[str, Limits]
    assigned: frozenset[tuple[int, str]]
    scored: frozenset[tuple[int, str, int]]


class ScoreRow(msgspec.Struct, frozen=True):
    """A good row."""

    line: int
    assessor: int
    unit: str
    criterion: int
    score: float
    justification: str


@cache
def headings() -> Headings:
    """What columns may be called."""
    return read_headings(Path(__file__).parent / "columns.yaml")


async def known_in(found: AssessmentRound) -> Known:
    """Everything of a round that a file is checked against."""
    assessors = await assessors_of(found.id)
    criteria = await Criterion.objects().where(Criterion.round == found.id)
    assigned = await Assignment.select(Assignment.assessor, Assignment.unit).where(
        Assignment.assessor.round == found.id
    )
    scored = await Assessment.select(Assessment.assessor, Assessment.unit, Assessment.criterion).where(
        Assessment.criterion.round == found.id
    )
    return Known(
        found.id, await unit_index(), assessors, {c.code: Limits(c.id, c.low, c.high) for c in criteria},
        frozenset((row["assessor"], row["unit"]) for row in assigned),
        frozenset((row["assessor"], row["unit"], row["criterion"]) for row in scored),
    )  # fmt: skip


class _Reader:
    """Reads line after line; a method gives None after noting what is wrong."""

    def __init__(self, table: Table, known: Known) -> None:
        self.table, self.known = table, known
        self.findings: list[Finding] = list(table.findings)
        self._suggester = Suggester()

    def wrong(self, line: Line, column: str, wrong: Wrong) -> None:
        self.findings.append(self.table.finding(line, column, wrong))

    def unit(self, line: Line) -> str | None:
        column = "unit" if "unit" in self.table.headings else "unit_name"
        found = self.known.units.find(line.cells[column])
        if isinstance(found, Wrong):
            self.wrong(line, column, found)
            return None
        return found

    def code(self, line: Line, column: str) -> str | None:
        code = parse_code(line.cells[column])
        if code is None or isinstance(code, Wrong):
            self.wrong(line, column, code or BLANK)
            return None
        return code

    def likely(self, word: str, words: Iterable[str], reason: str) -> Wrong:
        """Why a word is not known, with those that it may have been."""
        words = list(words)
        if near := self._suggester.near(word, words):
            return Wrong(reason, _("did you mean %(likely)s?"), {"likely": ", ".join(near)})
        listed = ", ".join(words[:12]) + (" …" if len(words) > 12 else "")
        return Wrong(reason, _("known: %(known)s"), {"known": listed or "–"})

    def assessor(self, line: Line) -> int | None:
        institute, pseudonym = self.code(line, "institute"), self.code(line, "assessor")
        if institute is None or pseudonym is None:
            return None
        found = self.known.assessors.get((institute, pseudonym))
        if found is None:
            institutes = dict.fromkeys(one for one, _pseudonym in self.known.assessors)
            if institute not in institutes:
                self.wrong(line, "institute", self.likely(institute, institutes, _("is no institute of this round")))
            else:
                theirs = [name for one, name in self.known.assessors if one == institute]
                self.wrong(line, "assessor", self.likely(pseudonym, theirs, _("is no assessor of this institute")))
        return found

    def score(self, line: Line, *, assign: bool) -> ScoreRow | None:
        unit, assessor, code = self.unit(line), self.assessor(line), self.code(line, "criterion")
        limits = self.known.criteria.get(code or "")
        if code is not None and limits is None:
            self.wrong(line, "criterion", self.likely(code, self.known.criteria, _("is no criterion of this round")))
        heading = self.table.headings["score"]
        number = parse_number(line.cells["score"], heading.scale)
        if not isinstance(number, Number):
            self.wrong(line, "score", number or BLANK)
        elif limits and (number.kind or not limits.low <= number.value <= limits.high):
            within = {"low": f"{limits.low:g}", "high": f"{limits.high:g}"}
            right = _("give a number from %(low)s to %(high)s")
            self.wrong(line, "score", Wrong(_("is not within the limits"), right, within))
            return None
        if unit is None or assessor is None or limits is None or not isinstance(number, Number):
            return None
        if not assign and (assessor, unit) not in self.known.assigned:
            self.wrong(line, "unit" if "unit" in self.table.headings else "unit_name", Wrong(
                _("is not assigned to this assessor"), _("assign it first, or leave the row out")
            ))  # fmt: skip
            return None
        if (assessor, unit, limits.number) in self.known.scored:
            self.wrong(line, "score", Wrong(
                _("is held already: this assessor's score of this unit on this criterion"), _("leave the row out")
            ))  # fmt: skip
            return None
        justification = plain(line.cells["justification"]) if "justification" in self.table.headings else ""
        return ScoreRow(line.number, assessor, unit, limits.number, number.value, justification[:4000])


def read_scores(content: bytes, known: Known, *, assign: bool = False) -> tuple[list[ScoreRow], list[Finding]]:
    """Every good row and every defect of a file of scores.

    Raises
    ------
    Refused
        The file has no such table.
    """
    table = find_table(read_sheets(content), SCORES, headings())
    reader = _Reader(table, known)
    rows, first = [], {}
    for line in table.lines:
        row = reader.score(line, assign=assign)
        if row is None:
            continue
        earlier = first.setdefault((row.assessor, row.unit, row.criterion), line.number)
        if earlier != line.number:
            reader.wrong(line, "criterion", Wrong(
                _("was scored by this assessor for this unit in row %(row)s already"), _("keep one of the two rows"),
                {"row": str(earlier)},
            ))  # fmt: skip
        rows.append(row)
    return rows, reader.findings


class ScoresOffer(msgspec.Struct, frozen=True):
    """A file of scores that somebody brings."""

    file_name: str
    content: bytes
    source: str
    brought_on: date
    account: int | None = None
    assign: bool = False  # also assign the units that the file scores


async def import_scores(
    found: AssessmentRound, offer: ScoresOffer, settings: Settings | None = None, by: str = ""
) -> int:  # fmt: skip
    """Take a file of scores whole. Gives the number of rows.

    With `settings` the audit log says so in the same transaction, and `by` whom: a role and a number.

    Raises
    ------
    Refused
        Every defect; nothing was imported.
    Problem
        The source is not said.
    """
    if not offer.source.strip():
        raise Problem(422, _("The source is missing"), _("Say who provided the file, so that numbers can be traced."))
    known = await known_in(found)
    rows, findings = await asyncio.to_thread(read_scores, offer.content, known, assign=offer.assign)
    if findings:
        raise Refused(findings)
    async with database.engine().transaction():  # what came in since then is refused by the rules of uniqueness
        brought = AssessmentImport(
            round=found.id, file_name=offer.file_name[-255:] or "–", sha256=hashlib.sha256(offer.content).hexdigest(),
            imported_on=offer.brought_on, account=offer.account, rows=len(rows), source=offer.source.strip()[:255],
        )  # fmt: skip
        await brought.save()
        new = sorted({(row.assessor, row.unit) for row in rows} - known.assigned)
        await bulk.insert_rows(Assignment, ("assessor", "unit"), new)
        await bulk.insert_rows(
            Assessment,
            ("assessor", "unit", "criterion", "score", "justification", "brought_by"),
            [(r.assessor, r.unit, r.criterion, r.score, r.justification, brought.id) for r in rows],
        )
        if settings is not None:
            await record(
                settings, "round.scores_imported", by=by, round=found.code, rows=len(rows), assigned=len(new),
                sha256=brought.sha256,
            )  # fmt: skip
    return len(rows)


async def import_assignments(
    found: AssessmentRound, content: bytes, settings: Settings | None = None, by: str = ""
) -> int:  # fmt: skip
    """Assign units to assessors from a file; what was assigned before stays. Gives how many are new.

    With `settings` the audit log says so in the same transaction, and `by` whom: a role and a number.

    Raises
    ------
    Refused
        Every defect; nothing was assigned.
    """
    async with database.engine().transaction():
        known = await known_in(found)
        table = find_table(read_sheets(content), ASSIGNMENTS, headings())
        reader = _Reader(table, known)
        pairs: Mapping[tuple[int, str], int] = {
            (assessor, unit): line.number
            for line in table.lines
            for unit, assessor in [(reader.unit(line), reader.assessor(line))]
            if unit is not None and assessor is not None
        }
        if reader.findings:
            raise Refused(reader.findings)
        new = sorted(set(pairs) - known.assigned)
        await bulk.insert_rows(Assignment, ("assessor", "unit"), new)
        if settings is not None:
            await record(settings, "round.assigned", by=by, round=found.code, assigned=len(new))
    return len(new)
