"""Whom to invite: a random sample in every unit of a frame, and in a later wave others, though nobody remembers whom.

Each person has a permanent random number, a keyed hash of the row under the campaign's key and a seed. A draw takes the
smallest ones of a design cell; of the people only the greatest number taken is kept, so the next wave begins above it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from evaluator.collection.frames import Contact, DesignCell, Frame
from evaluator.problems import FieldProblem, Problem, wrong_field
from evaluator.spreadsheets.cells import parse_code, parse_number
from evaluator.spreadsheets.findings import Finding, Refused, Wrong, finding
from evaluator.spreadsheets.reading import read_sheets
from evaluator.units.codes import canonical_code
from methods.inputs import Floats, Integers
from methods.survey.sampling import cluster_inclusion, draw, draw_clusters, proportional, stands_for

NONE_DRAWN = -1
NUMBERS = float(2**53)


def _(message: str) -> str:
    return message


class DrawnCell(msgspec.Struct, frozen=True):
    """What a wave takes of a design cell."""

    cell: DesignCell
    calibration_area: str
    frame_n: int  # persons it stands for
    taken: int
    drawn_to: int  # the greatest number taken, in this wave or before


class Drawn(msgspec.Struct, frozen=True):
    """A wave: rows of the frame's file, and what is kept."""

    rows: Integers  # as a spreadsheet counts
    cells: tuple[DrawnCell, ...]
    short: tuple[tuple[str, int], ...]  # units with fewer people left than were wanted, and how many they gave


class Wish(msgspec.Struct, frozen=True):
    """How many are wanted."""

    per_unit: int = 0  # divided over the strata in proportion to the frame
    least: int = 2  # of each stratum then
    clusters: int = 0  # primary sampling units of each stratum; 0: people are drawn at once
    allocation: Mapping[tuple[str, str], int] = {}  # (unit, design stratum) -> how many, instead of per_unit


class Before(msgspec.Struct, frozen=True):
    """What earlier waves took of a design cell."""

    invited: int
    drawn_to: int


class Numbers:
    """Permanent random numbers under the key of a campaign. Without the key they cannot be made or tried."""

    def __init__(self, campaign_key: bytes, seed: int) -> None:
        self._key = hmac.digest(campaign_key, b"draw" + seed.to_bytes(8, "big"), hashlib.sha256)

    def of(self, *parts: str) -> int:
        """A number from 0, below 2**64."""
        return int.from_bytes(hmac.digest(self._key, json.dumps(parts).encode(), hashlib.sha256)[:8], "big")

    def of_contact(self, contact: Contact) -> int:
        return self.of("person", *contact.identity())

    def fraction(self, *parts: str) -> float:
        """A number from 0, below 1."""
        return (self.of(*parts) >> 11) / NUMBERS


def read_allocation(content: bytes, asked: Iterable[str]) -> dict[tuple[str, str], int]:
    """How many to invite of each unit and stratum, from a file with the columns unit, design_stratum and number.

    Raises
    ------
    Refused
        With every bad row.
    """
    asked = frozenset(asked)
    header, *rows = read_sheets(content)[0].rows
    names = [str(cell).strip() for cell in header.cells]
    known = ("unit", "design_stratum", "number")
    findings: list[Finding] = []
    for name in {*names, "unit", "number"}:
        if name and (name not in known or names.count(name) != 1):
            wrong = Wrong(_("must be there once"), _("the columns are: %(known)s"), {"known": ", ".join(known)})
            findings.append(finding(header.number, name, "", wrong))
    if findings:
        raise Refused(findings)
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        cells = dict(zip(names, row.cells, strict=False))
        unit, stratum = parse_code(cells.get("unit", "")), parse_code(cells.get("design_stratum", ""))
        number = parse_number(cells.get("number", ""))
        if isinstance(unit, Wrong) or unit is None or canonical_code(unit) not in asked:
            wrong = Wrong(_("is no unit of this campaign"), _("write a unit's code"))
            findings.append(finding(row.number, "unit", cells.get("unit", ""), wrong))
        elif isinstance(stratum, Wrong):
            findings.append(finding(row.number, "design_stratum", cells.get("design_stratum", ""), stratum))
        elif number is None or isinstance(number, Wrong) or number.kind or not float(number.value).is_integer() or (
            not 0 <= number.value <= 1_000_000
        ):  # fmt: skip
            wrong = Wrong(_("is no whole number of people"), _("write a number from 0 to 1,000,000"))
            findings.append(finding(row.number, "number", cells.get("number", ""), wrong))
        elif (canonical_code(unit), stratum or "") in found:
            wrong = Wrong(_("is there twice"), _("keep one of the two"))
            findings.append(finding(row.number, "unit", unit, wrong))
        else:
            found[canonical_code(unit), stratum or ""] = int(number.value)
    if findings:
        raise Refused(findings)
    return found


def read_allocation_file(path: Path, asked: Iterable[str]) -> dict[tuple[str, str], int]:
    return read_allocation(path.read_bytes(), asked)


def draw_wave(frame: Frame, before: Mapping[DesignCell, Before], wish: Wish, numbers: Numbers) -> Drawn:
    """A stratified random sample without replacement of those who were not drawn before.

    Parameters
    ----------
    frame : Frame
        Whose rows have the same numbers as in earlier waves.
    before : mapping
        What earlier waves took, by design cell.
    wish : Wish
        How many.
    numbers : Numbers
        For the order of primary sampling units.

    Raises
    ------
    Problem
        Fewer are left than an allocation wants; the least of all strata is more than the unit's number; a first stage
        that is not that of earlier waves.
    """
    size = np.bincount(frame.cell, minlength=len(frame.cells)).astype(np.int64)
    after = np.array([before[cell].drawn_to if cell in before else NONE_DRAWN for cell in frame.cells], np.int64)
    left = np.bincount(frame.cell[frame.number > after[frame.cell]], minlength=len(frame.cells)).astype(np.int64)
    strata: dict[tuple[str, str], list[int]] = {}
    for at, cell in enumerate(frame.cells):
        strata.setdefault((cell.unit, cell.design_stratum), []).append(at)
    wrong: list[FieldProblem] = []
    represented = np.zeros(len(frame.cells), np.int64)  # persons that a cell stands for; 0: it is not in the sample
    for key, cells in strata.items():
        chosen, persons = _first_stage(frame, key, np.array(cells), size, wish.clusters, numbers)
        represented[chosen] = persons
        wrong += _other_clusters(key, {frame.cells[at].psu for at in chosen.tolist()}, before)
    left[represented == 0] = 0
    taken = np.zeros(len(frame.cells), np.int64)
    short: list[tuple[str, int]] = []
    for unit in dict.fromkeys(unit for unit, _stratum in strata):
        keys = [key for key in strata if key[0] == unit]
        wanted = _by_stratum(unit, keys, strata, size, left, wish, wrong, short)
        for key, number in zip(keys, wanted, strict=True):
            of_stratum = np.array([at for at in strata[key] if represented[at]])
            taken[of_stratum] = proportional(
                represented[of_stratum], number, min(1, number // max(len(of_stratum), 1)), left[of_stratum]
            )
    wrong += [
        wrong_field(
            "allocation",
            _("unit %(unit)s, stratum “%(stratum)s”: the frame has no row of it"),
            unit=unit,
            stratum=stratum,
        )
        for unit, stratum in wish.allocation
        if (unit, stratum) not in strata
    ]
    if not wrong and not taken.sum():
        wrong.append(wrong_field("number", _("nobody is left to invite: everybody in this frame was drawn before")))
    if wrong:
        raise Problem(422, _("The sample cannot be drawn"), _("Nothing was stored."), errors=wrong)
    rows = draw(frame.cell, taken, frame.number.astype(np.float64), after.astype(np.float64))
    reached = after.copy()
    np.maximum.at(reached, frame.cell[rows], frame.number[rows])
    return Drawn(
        frame.row[rows],
        tuple(
            DrawnCell(
                frame.cells[at], frame.areas[at], int(represented[at]), int(taken[at]), int(reached[at])
            )
            for at in np.flatnonzero(represented).tolist()
        ),
        tuple(short),
    )  # fmt: skip


def _first_stage(
    frame: Frame, key: tuple[str, str], cells: Integers, size: Integers, clusters: int, numbers: Numbers
) -> tuple[Integers, Integers]:
    """The design cells of a stratum that are in the sample, and how many persons each stands for."""
    if not clusters:
        return cells, size[cells]
    cells = np.array(sorted(cells.tolist(), key=lambda at: frame.cells[at].psu))
    of_psu: Floats = np.array([numbers.fraction("psu", *key, frame.cells[at].psu) for at in cells.tolist()])
    number = min(clusters, len(cells))
    found = draw_clusters(size[cells], number, of_psu, numbers.fraction("start", *key))
    return cells[found], stands_for(size[cells][found], cluster_inclusion(size[cells], number)[found])


def _other_clusters(key: tuple[str, str], chosen: set[str], before: Mapping[DesignCell, Before]) -> list[FieldProblem]:
    """A later wave takes people of the same primary sampling units, or its weights would mean nothing."""
    earlier = {
        cell.psu for cell, what in before.items() if (cell.unit, cell.design_stratum) == key and what.invited > 0
    }
    if not earlier or earlier == chosen:
        return []
    why = _("unit %(unit)s, stratum “%(stratum)s”: an earlier wave took its people from other primary sampling units; "
            "give the same frame and the same number of them (--psus) in every wave")  # fmt: skip
    return [wrong_field("psus", why, unit=key[0], stratum=key[1])]


def _by_stratum(
    unit: str, keys: list[tuple[str, str]], strata: Mapping[tuple[str, str], list[int]], size: Integers,
    left: Integers, wish: Wish, wrong: list[FieldProblem], short: list[tuple[str, int]],
) -> list[int]:  # fmt: skip
    """How many to take of each stratum of a unit; zeros where something is wrong."""
    there = [int(size[strata[key]].sum()) for key in keys]
    can = [int(left[strata[key]].sum()) for key in keys]
    if wish.allocation:
        wanted = [wish.allocation.get(key, 0) for key in keys]
        for key, number, most in zip(keys, wanted, can, strict=True):
            if number > most:
                message = _("unit %(unit)s, stratum “%(stratum)s”: %(wanted)s wanted, %(left)s left")
                values = {"unit": unit, "stratum": key[1], "wanted": f"{number:,}", "left": f"{most:,}"}
                wrong.append(wrong_field("allocation", message, **values))
        return wanted if all(n <= most for n, most in zip(wanted, can, strict=True)) else [0] * len(keys)
    number = min(wish.per_unit, sum(can))
    if number < wish.per_unit:
        short.append((unit, number))
    least = sum(min(wish.least, most) for most in can)
    if number < least:
        message = _("unit %(unit)s: %(each)d of each of %(strata)d strata are %(least)s, more than %(number)s; raise "
                    "--number or lower --least")  # fmt: skip
        values = {"unit": unit, "each": wish.least, "strata": len(keys), "least": f"{least:,}", "number": f"{number:,}"}
        wrong.append(wrong_field("least", message, **values))
        return [0] * len(keys)
    return [int(n) for n in proportional(there, number, wish.least, can)]
