"""Counts that give answers their weight: the frame of the invited sample, and the population, from CSV or XLSX.

A file is taken whole and replaces what its campaign had, or not at all, with every bad row named.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from evaluator.collection.campaigns import MOST_WANTED, LiveCampaign, right_now, today
from evaluator.collection.manifest import changing
from evaluator.collection.tables import Batch, PopulationCell, SampleCell
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.spreadsheets.cells import parse_code, parse_number
from evaluator.spreadsheets.findings import Finding, Refused, Wrong, finding
from evaluator.spreadsheets.reading import Cell, Row, read_sheets
from evaluator.units.codes import canonical_code
from evaluator.units.tables import Unit

FRAME = ("unit", "design_stratum", "psu", "frame_n", "invited", "calibration_area")
FRAME_NEEDED = ("unit", "frame_n", "invited")
TARGETS = ("unit", "target")
GREATEST = 10_000_000_000  # people
STEP = 500

Cells = Mapping[str, Cell]


def _(message: str) -> str:
    return message


NO_HEADER = Wrong(_("is missing"), _("the columns are: %(known)s"))
BLANK = Wrong(_("is blank"), _("write a value"))
NOT_WHOLE = Wrong(_("is no whole number of people"), _("write a number from 0 to 10,000,000,000"))
TOO_MANY = Wrong(_("is more than anybody can want"), _("write at most 1,000,000 responses"))
TWICE = Wrong(_("is the same cell as row %(row)s"), _("keep one row, with the sum"))
MORE_INVITED = Wrong(_("is more than the frame has"), _("at most %(frame)s can have been invited"))


FRAME_IMPORTED = _("The design of the invited sample was imported.")
POPULATION_IMPORTED = _("Counts of the population were imported.")


class FrameRow(msgspec.Struct, frozen=True):
    """A design cell of the invited sample."""

    unit: str
    design_stratum: str
    psu: str
    frame_n: int
    invited: int
    calibration_area: str


class PopulationRow(msgspec.Struct, frozen=True):
    """A cell of the population: an area, codes of strata, how many people."""

    unit: str
    strata: dict[str, str]  # "s_age" -> "a16"; what is left out is summed over
    count: int


class _Reading:
    """Rows by the name of their columns, and what is wrong with them."""

    def __init__(self, content: bytes, known: Sequence[str], needed: Sequence[str]) -> None:
        self.findings: list[Finding] = []
        header, *rows = read_sheets(content)[0].rows
        self.columns = [str(cell).strip() for cell in header.cells]
        for name in self.columns:
            if name and name not in known:
                near = difflib.get_close_matches(name, known, 1)
                right = _("did you mean %(near)s?") if near else _("the columns are: %(known)s")
                values = {"near": "".join(near), "known": ", ".join(known)}
                wrong = Wrong(_("is no column of this file"), right, values)
                self.findings.append(finding(header.number, name, "", wrong))
        for name in needed:
            if name not in self.columns:
                wrong = Wrong(NO_HEADER.reason, NO_HEADER.right, {"known": ", ".join(known)})
                self.findings.append(finding(header.number, name, "", wrong))
        if self.findings:
            raise Refused(self.findings)
        self.rows: list[Row] = rows

    def cells(self, row: Row) -> Cells:
        return dict(zip(self.columns, row.cells, strict=False))

    def wrong(self, row: Row, column: str, value: Cell, why: Wrong) -> None:
        self.findings.append(finding(row.number, column, value, why))

    def code(self, row: Row, cells: Cells, column: str, check: Callable[[str], Wrong | None]) -> str:
        """A code, "" when it is blank."""
        cell = cells.get(column, "")
        code = parse_code(cell)
        if isinstance(code, Wrong):
            self.wrong(row, column, cell, code)
            return ""
        if code and (why := check(code)):
            self.wrong(row, column, cell, why)
        return code or ""

    def people(self, row: Row, cells: Cells, column: str) -> int:
        """A whole number of people; it is needed."""
        cell = cells.get(column, "")
        number = parse_number(cell)
        if number is None:
            self.wrong(row, column, cell, BLANK)
        elif isinstance(number, Wrong):
            self.wrong(row, column, cell, number)
        elif number.kind or number.value != int(number.value) or not 0 <= number.value <= GREATEST:
            self.wrong(row, column, cell, NOT_WHOLE)
        else:
            return int(number.value)
        return 0


def _among(known: Iterable[str], reason: str) -> Callable[[str], Wrong | None]:
    known = set(known)

    def check(code: str) -> Wrong | None:
        if code in known:
            return None
        near = difflib.get_close_matches(code, known, 3, cutoff=0.5)
        return Wrong(
            reason, _("did you mean %(near)s?") if near else _("use one that was imported"), {"near": ", ".join(near)}
        )

    return check


def _short(code: str) -> Wrong | None:
    return None if len(code) <= 64 else Wrong(_("is longer than 64 characters"), _("write a short code"))


def _unit(reading: _Reading, row: Row, cells: Cells, column: str, check: Callable[[str], Wrong | None]) -> str:
    """A unit's code in its canonical form."""
    return canonical_code(reading.code(row, cells, column, lambda code: check(canonical_code(code))))


def read_frame(content: bytes, asked: Iterable[str], units: Iterable[str]) -> list[FrameRow]:
    """The design cells in a file.

    Parameters
    ----------
    content : bytes
        CSV or XLSX with the columns unit, frame_n, invited and, where there are any, design_stratum, psu and
        calibration_area (the unit whose population the cell is calibrated to; blank: the unit itself).
    asked, units : iterable of str
        Units of the campaign; all units.

    Raises
    ------
    Refused
        With every bad row.
    """
    reading = _Reading(content, FRAME, FRAME_NEEDED)
    in_campaign = _among(asked, _("is no unit of this campaign"))
    is_unit = _among(units, _("is no unit"))
    found: list[FrameRow] = []
    seen: dict[tuple[str, str, str], int] = {}
    for row in reading.rows:
        cells, before = reading.cells(row), len(reading.findings)
        unit = _unit(reading, row, cells, "unit", in_campaign)
        if not unit and len(reading.findings) == before:
            reading.wrong(row, "unit", "", BLANK)
        stratum, psu = (reading.code(row, cells, column, _short) for column in ("design_stratum", "psu"))
        area = _unit(reading, row, cells, "calibration_area", is_unit)
        frame, invited = (reading.people(row, cells, column) for column in ("frame_n", "invited"))
        if len(reading.findings) > before:
            continue
        if invited > frame:
            wrong = Wrong(MORE_INVITED.reason, MORE_INVITED.right, {"frame": str(frame)})
            reading.wrong(row, "invited", cells["invited"], wrong)
        if (unit, stratum, psu) in seen:
            wrong = Wrong(TWICE.reason, TWICE.right, {"row": str(seen[unit, stratum, psu])})
            reading.wrong(row, "unit", unit, wrong)
        seen.setdefault((unit, stratum, psu), row.number)
        found.append(FrameRow(unit, stratum, psu, frame, invited, area))
    if reading.findings:
        raise Refused(reading.findings)
    return found


def read_population(content: bytes, strata: Mapping[str, Sequence[str]], units: Iterable[str]) -> list[PopulationRow]:
    """The population cells in a file.

    Parameters
    ----------
    content : bytes
        CSV or XLSX with the columns unit, count and one s_CODE for each question of the role stratum that divides it.
    strata : mapping of str to sequence of str
        Column -> the codes it may hold.
    units : iterable of str
        All units.

    Raises
    ------
    Refused
        With every bad row.
    """
    reading = _Reading(content, ("unit", *strata, "count"), ("unit", "count"))
    is_unit = _among(units, _("is no unit"))
    checks = {column: _among(codes, _("is no answer to this question")) for column, codes in strata.items()}
    found: list[PopulationRow] = []
    seen: dict[tuple[str, ...], int] = {}
    for row in reading.rows:
        cells, before = reading.cells(row), len(reading.findings)
        unit = _unit(reading, row, cells, "unit", is_unit)
        if not unit and len(reading.findings) == before:
            reading.wrong(row, "unit", "", BLANK)
        given = {column: reading.code(row, cells, column, check) for column, check in checks.items()}
        count = reading.people(row, cells, "count")
        if len(reading.findings) > before:
            continue
        key = (unit, *given.values())
        if key in seen:
            reading.wrong(row, "unit", unit, Wrong(TWICE.reason, TWICE.right, {"row": str(seen[key])}))
        seen.setdefault(key, row.number)
        found.append(PopulationRow(unit, {column: code for column, code in given.items() if code}, count))
    if reading.findings:
        raise Refused(reading.findings)
    return found


def read_targets(content: bytes, asked: Iterable[str]) -> dict[str, int]:
    """How many responses are wanted from each unit in a file: CSV or XLSX with the columns unit and target.

    Raises
    ------
    Refused
        With every bad row.
    """
    reading = _Reading(content, TARGETS, TARGETS)
    in_campaign = _among(asked, _("is no unit of this campaign"))
    found: dict[str, int] = {}
    seen: dict[str, int] = {}
    for row in reading.rows:
        cells, before = reading.cells(row), len(reading.findings)
        unit = _unit(reading, row, cells, "unit", in_campaign)
        if not unit and len(reading.findings) == before:
            reading.wrong(row, "unit", "", BLANK)
        target = reading.people(row, cells, "target")
        if len(reading.findings) > before:
            continue
        if target > MOST_WANTED:
            reading.wrong(row, "target", cells["target"], TOO_MANY)
        if unit in seen:
            reading.wrong(row, "unit", unit, Wrong(TWICE.reason, TWICE.right, {"row": str(seen[unit])}))
        seen.setdefault(unit, row.number)
        found[unit] = target
    if reading.findings:
        raise Refused(reading.findings)
    return found


def strata_of(campaign: LiveCampaign) -> dict[str, list[str]]:
    """The columns of strata of a campaign's questionnaire and the codes they hold."""
    return {
        f"s_{question.code}": [choice.code for choice in question.choices]
        for question in campaign.questionnaire.questions
        if question.role == "stratum"
    }


async def keep_frame(settings: Settings, campaign: LiveCampaign, rows: Sequence[FrameRow]) -> None:
    """Replace a campaign's design cells."""
    async with changing(settings, campaign.id, today(right_now(), settings.zone), FRAME_IMPORTED):
        if await Batch.exists().where(Batch.campaign == campaign.id):
            raise Problem(
                409, _("The sample was drawn here"),
                _("Its counts are kept by “campaign invite”; a file in their place would let people be drawn twice."),
            )  # fmt: skip
        await SampleCell.delete().where(SampleCell.campaign == campaign.id)
        for at in range(0, len(rows), STEP):
            await SampleCell.insert(
                *(SampleCell(campaign=campaign.id, **msgspec.structs.asdict(row)) for row in rows[at : at + STEP])
            )


async def keep_population(settings: Settings, campaign: LiveCampaign, rows: Sequence[PopulationRow]) -> None:
    """Replace a campaign's population cells."""
    async with changing(settings, campaign.id, today(right_now(), settings.zone), POPULATION_IMPORTED):
        await PopulationCell.delete().where(PopulationCell.campaign == campaign.id)
        for at in range(0, len(rows), STEP):
            await PopulationCell.insert(
                *(
                    PopulationCell(
                        campaign=campaign.id,
                        unit=row.unit,
                        strata=msgspec.json.encode(row.strata, order="sorted").decode(),
                        count=row.count,
                    )
                    for row in rows[at : at + STEP]
                )
            )


async def import_frame(settings: Settings, campaign: LiveCampaign, content: bytes) -> int:
    """Take a file of design cells; how many there were. Raises Refused."""
    units = [row["code"] for row in await Unit.select(Unit.code)]
    rows = read_frame(content, campaign.units, units)
    await keep_frame(settings, campaign, rows)
    return len(rows)


async def import_population(settings: Settings, campaign: LiveCampaign, content: bytes) -> int:
    """Take a file of population cells; how many there were. Raises Refused."""
    units = [row["code"] for row in await Unit.select(Unit.code)]
    rows = read_population(content, strata_of(campaign), units)
    await keep_population(settings, campaign, rows)
    return len(rows)
