"""How a campaign goes, for its operator: invited, delivered, finished, by unit and stratum, and what it will be worth.

Every number of responses is rounded down to a multiple of ten before anything is made of it, so that no two views
differ by fewer than ten responses and no count below ten is seen. Sums are sums of rounded numbers: see
docs/decisions/0019.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
import numpy as np

from evaluator.collection.campaigns import LiveCampaign, Place
from evaluator.collection.screen_counts import BEGIN
from evaluator.collection.tables import Campaign
from evaluator.ledger.tables import Log
from evaluator.units.tree import subtree
from methods.disclosure.margins import margins_tell_nothing
from methods.survey.representativeness import r_indicator

PAGE = 100
SMALLEST = 10
MARGIN = 100  # what margins over many units are rounded down to
FEW_UNITS = 20  # with fewer, strata of each unit are shown; with as many, strata of the whole campaign
LARGE_STRATUM = 100  # people invited: strata of a unit are shown where each of its strata has so many
KEEP_FOR = 30.0  # seconds that a process keeps counts of what waits to be sealed
Z95 = 1.959964

SEALED = """
SELECT unit, mode, design_stratum, count(*) AS n FROM response WHERE campaign = {} AND excluded = ''
GROUP BY unit, mode, design_stratum
"""
WAITING = """
SELECT unit, mode, design_stratum, count(*) AS n FROM pending WHERE campaign = {} AND NOT withdrawn
GROUP BY unit, mode, design_stratum
"""
ISSUED = """
SELECT unit, design_stratum, count(*) AS invited FROM invitation WHERE campaign = {} GROUP BY unit, design_stratum
"""
PLANNED = "SELECT unit, design_stratum, frame_n, invited, undelivered FROM sample_cell WHERE campaign = {}"
Counts = dict[tuple[str, str, str], int]  # unit, mode, design stratum -> responses


class Cell(msgspec.Struct, frozen=True):
    """A design cell: numbers of people, known before anybody answered."""

    frame: int  # 0: not known
    invited: int
    undelivered: int


Design = dict[str, dict[str, Cell]]  # unit -> design stratum -> people


class StratumLine(msgspec.Struct, frozen=True):
    """A stratum of a unit, or of the whole campaign."""

    code: str
    frame: int
    invited: int
    delivered: int
    finished: int  # by invitation
    rr1: float


class UnitLine(msgspec.Struct, frozen=True):
    """A unit: what was planned, and how far it is."""

    unit: Place
    target: int  # 0: none
    frame: int
    invited: int
    delivered: int
    by_mode: Mapping[str, int]
    strata: tuple[StratumLine, ...]
    rr1: float  # AAPOR RR1: finished of all invited
    rr5: float  # AAPOR RR5: finished of those whose invitation arrived
    effective: float  # n of a simple random sample that would tell as much
    half_width: float  # of the 95 % interval of a share near one half, in points
    half_width_at_close: float
    lacking: float  # share of the target that is missing; 0 without one

    @property
    def finished(self) -> int:
        return self.by_mode.get("invitation", 0)


class Screen(msgspec.Struct, frozen=True):
    """A screen of the form; BEGIN stands for those who began."""

    code: str
    name: str
    visits: int
    share: float  # of the visits that began


class Overview(msgspec.Struct, frozen=True):
    """The whole campaign, or the part of it that the viewer may see."""

    units: Sequence[UnitLine]
    by_mode: Mapping[str, int]
    target: int
    frame: int
    invited: int
    delivered: int
    rr1: float
    rr5: float
    effective: float
    half_width: float
    half_width_at_close: float
    r_indicator: float
    r_error: float
    strata: tuple[StratumLine, ...]  # of the whole campaign
    divided: bool  # strata stand under their units
    reached: int  # units whose target is reached
    with_target: int

    @property
    def finished(self) -> int:
        return self.by_mode.get("invitation", 0)


class Page(msgspec.Struct, frozen=True):
    number: int
    of: int
    rows: Sequence[UnitLine]


class Counted:
    """What a process keeps of counting: the sealed until the log grows, the waiting for seconds."""

    def __init__(self, keep_for: float = KEEP_FOR) -> None:
        self._keep_for = keep_for
        self._sealed: dict[int, tuple[int, Counts]] = {}
        self._waiting: dict[int, tuple[float, Counts, Design]] = {}

    async def of(self, campaign: int, code: str) -> tuple[Counts, Design]:
        """Responses that count, and the design. Every change of the sealed is a leaf of the log."""
        head = await Log.select(Log.size).where(Log.name == f"campaign/{code}").first()
        size = head["size"] if head else 0
        known = self._sealed.get(campaign)
        if known is None or known[0] != size or not size:
            known = self._sealed[campaign] = (size, await _counts(SEALED, campaign))
        waiting = self._waiting.get(campaign)
        if waiting is None or time.monotonic() > waiting[0]:
            waiting = (time.monotonic() + self._keep_for, await _counts(WAITING, campaign), await design(campaign))
            self._waiting[campaign] = waiting
        total = dict(known[1])
        for key, n in waiting[1].items():
            total[key] = total.get(key, 0) + n
        return total, waiting[2]


async def _counts(statement: str, campaign: int) -> Counts:
    return {
        (row["unit"], row["mode"], row["design_stratum"]): row["n"] for row in await Campaign.raw(statement, campaign)
    }


async def design(campaign: int) -> Design:
    """Without a frame the invited are counted from the codes."""
    found: dict[str, dict[str, list[int]]] = {}
    for row in await Campaign.raw(PLANNED, campaign):
        cell = found.setdefault(row["unit"], {}).setdefault(row["design_stratum"], [0, 0, 0])
        for place, name in enumerate(("frame_n", "invited", "undelivered")):
            cell[place] += row[name]
    if not found:
        for row in await Campaign.raw(ISSUED, campaign):
            found.setdefault(row["unit"], {})[row["design_stratum"]] = [0, row["invited"], 0]
    return {unit: {code: Cell(*cell) for code, cell in strata.items()} for unit, strata in found.items()}


async def overview(counted: Counted, campaign: LiveCampaign, today: date, within: str | None = None) -> Overview:
    """Everything of a campaign, or of the units under `within`."""
    allowed = set(campaign.units) if within is None else set(await subtree(within)) & set(campaign.units)
    counts, cells = await counted.of(campaign.id, campaign.code)
    days = (campaign.closes - campaign.opens).days + 1
    gone = min(max((today - campaign.opens).days + 1, 0), days)
    growth = days / gone if gone else 1.0
    divided = len(campaign.units) < FEW_UNITS
    responses: dict[str, Counts] = {}
    for key, n in counts.items():
        responses.setdefault(key[0], {})[key] = n
    lines = [
        _unit_line(place, campaign.targets.get(code, 0), cells.get(code, {}), responses.get(code, {}), growth, divided)
        for code, place in campaign.units.items()
        if code in allowed
    ]
    lines.sort(key=lambda line: (-line.lacking, -line.half_width_at_close, line.unit.code))
    if divided:
        strata = _of_units(lines)
    elif len(allowed) == len(campaign.units):
        strata = _of_campaign(lines, cells, counts)
    else:
        strata = ()  # margins of a part beside those of the whole would tell of the rest
    by_mode = {mode: sum(line.by_mode[mode] for line in lines) for mode in ("invitation", "sign_in", "open")}
    by_mode["invitation"] = max(by_mode["invitation"], sum(line.finished for line in strata))
    mine = [cell for line in lines for cell in cells.get(line.unit.code, {}).values()]
    invited, delivered = sum(line.invited for line in lines), sum(line.delivered for line in lines)
    rr1, rr5 = _rates(by_mode["invitation"], invited, delivered)
    effective = by_mode["invitation"] / _design_effect(mine)
    representative = _representative(strata)
    return Overview(
        units=lines, by_mode=by_mode, target=sum(line.target for line in lines), frame=sum(c.frame for c in mine),
        invited=invited, delivered=delivered, rr1=rr1, rr5=rr5, effective=effective, half_width=half_width(effective),
        half_width_at_close=half_width(_at_close(by_mode["invitation"], delivered, growth) / _design_effect(mine)),
        r_indicator=representative[0], r_error=representative[1], strata=strata, divided=divided,
        reached=sum(line.target > 0 and line.finished >= line.target for line in lines),
        with_target=sum(line.target > 0 for line in lines),
    )  # fmt: skip


def page_of(lines: Sequence[UnitLine], number: int) -> Page | None:
    """A hundred units a page; None when there is no such page."""
    of = max(1, -(-len(lines) // PAGE))
    return Page(number, of, lines[(number - 1) * PAGE : number * PAGE]) if 1 <= number <= of else None


def half_width(effective: float) -> float:
    """Half the width of the 95 % interval of a share near one half, in points of 100: 1.96 sqrt(1/4 / n)."""
    return 100.0 * Z95 * math.sqrt(0.25 / effective) if effective > 0 else math.nan


def _unit_line(
    place: Place, target: int, cells: Mapping[str, Cell], counts: Mapping[tuple[str, str, str], int], growth: float,
    divided: bool,
) -> UnitLine:  # fmt: skip
    by_mode = {
        mode: _down(sum(n for (_unit, how, _stratum), n in counts.items() if how == mode))
        for mode in ("invitation", "sign_in", "open")
    }
    strata: tuple[StratumLine, ...] = ()
    if divided and len(cells) > 1 and all(cell.invited >= LARGE_STRATUM for cell in cells.values()):
        strata = tuple(
            _stratum_line(code, cell, _down(counts.get((place.code, "invitation", code), 0)))
            for code, cell in sorted(cells.items())
        )
        by_mode["invitation"] = sum(line.finished for line in strata)
    invited = sum(cell.invited for cell in cells.values())
    delivered = invited - _down(sum(cell.undelivered for cell in cells.values()))
    if strata:
        delivered = sum(line.delivered for line in strata)
    finished, effect = by_mode["invitation"], _design_effect(list(cells.values()))
    rr1, rr5 = _rates(finished, invited, delivered)
    return UnitLine(
        unit=place, target=target, frame=sum(cell.frame for cell in cells.values()), invited=invited,
        delivered=delivered, by_mode=by_mode, strata=strata, rr1=rr1, rr5=rr5, effective=finished / effect,
        half_width=half_width(finished / effect),
        half_width_at_close=half_width(_at_close(finished, delivered, growth) / effect),
        lacking=max(target - finished, 0) / target if target else 0.0,
    )  # fmt: skip


def _stratum_line(code: str, cell: Cell, finished: int) -> StratumLine:
    delivered = cell.invited - _down(cell.undelivered)
    return StratumLine(
        code, cell.frame, cell.invited, delivered, finished, _rates(finished, cell.invited, delivered)[0]
    )


def _of_units(lines: Sequence[UnitLine]) -> tuple[StratumLine, ...]:
    """Strata over all units that show theirs: sums of what is shown."""
    together: dict[str, list[StratumLine]] = {}
    for line in lines:
        for stratum in line.strata:
            together.setdefault(stratum.code, []).append(stratum)
    return tuple(
        StratumLine(
            code, sum(s.frame for s in some), sum(s.invited for s in some), sum(s.delivered for s in some),
            sum(s.finished for s in some),
            _rates(sum(s.finished for s in some), sum(s.invited for s in some), sum(s.delivered for s in some))[0],
        )
        for code, some in sorted(together.items())
    )  # fmt: skip


def _of_campaign(
    lines: Sequence[UnitLine], cells: Mapping[str, Mapping[str, Cell]], counts: Counts
) -> tuple[StratumLine, ...]:
    """Strata of a campaign of many units, rounded to hundreds, where they narrow down no unit; else none."""
    design: dict[str, list[Cell]] = {}
    for strata in cells.values():
        for code, cell in strata.items():
            design.setdefault(code, []).append(cell)
    came: dict[str, int] = dict.fromkeys(design, 0)
    for (_unit, mode, stratum), n in counts.items():
        if mode == "invitation":
            came[stratum] = came.get(stratum, 0) + n
    if len(came) < 2 or set(came) != set(design):
        return ()
    shown = {code: _down(n, MARGIN) for code, n in came.items()}
    if not margins_tell_nothing([line.finished for line in lines], list(shown.values()), SMALLEST, MARGIN):
        return ()
    return tuple(
        _stratum_line(
            code,
            Cell(*(sum(getattr(cell, name) for cell in some) for name in Cell.__struct_fields__)),
            shown[code],
        )
        for code, some in sorted(design.items())
    )


def _down(n: int, base: int = SMALLEST) -> int:
    """`methods.disclosure.releases.rounded_down` of one number, without an array: it is asked thousands of times."""
    return n // base * base


def _rates(finished: int, invited: int, delivered: int) -> tuple[float, float]:
    """AAPOR's RR1 and RR5, as in `methods.survey.response_rates`: what did not arrive is of unknown eligibility."""
    if not 0 < finished <= invited:
        return (0.0, 0.0) if invited else (math.nan, math.nan)
    return finished / invited, finished / max(delivered, finished)


def _at_close(finished: int, delivered: int, growth: float) -> float:
    """Responses at the close if they go on coming as until now."""
    return min(finished * growth, float(max(delivered, finished))) if delivered else finished * growth


def _design_effect(cells: Sequence[Cell]) -> float:
    """What unequal chances of being invited cost (Kish), were all strata to answer equally often; 1 without a frame."""
    known = [cell for cell in cells if cell.invited and cell.frame]
    if not known:
        return 1.0
    invited, frame = sum(cell.invited for cell in known), sum(cell.frame for cell in known)
    return invited * sum(cell.frame**2 / cell.invited for cell in known) / frame**2


def _representative(strata: Sequence[StratumLine]) -> tuple[float, float]:
    """R-indicator by strata and its standard error, of what is shown; NaN where there is nothing to compare."""
    some = [line for line in strata if line.invited]
    if len(some) < 2:
        return math.nan, math.nan
    weight = [line.frame / line.invited for line in some] if all(line.frame for line in some) else 1.0
    try:
        found = r_indicator(
            [line.invited for line in some], [line.finished for line in some], np.eye(len(some))[:, 1:], weight
        )
    except (ValueError, np.linalg.LinAlgError):  # nobody of a stratum is seen yet
        return math.nan, math.nan
    return found.r, found.standard_error


def drop_off(names: Mapping[str, str], visits: Mapping[str, int]) -> tuple[Screen, ...]:
    """Visits that got through each screen, in the order of the form, rounded down; nothing before ten began.

    Whoever sent the form is not among them: their number is that of the responses, and would narrow the units down.
    """
    began = _down(visits.get(BEGIN, 0))
    if not began:
        return ()
    through = [(code, name, _down(visits.get(code, 0))) for code, name in ((BEGIN, ""), *names.items())]
    return tuple(Screen(code, name, n, min(n / began, 1.0)) for code, name, n in through)
