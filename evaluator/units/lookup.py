"""Which unit a cell means: by code in any form, by name alone or after the units above it; else the likely ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import msgspec

from evaluator.spreadsheets.cells import SHORTENED_CODE, Cell, is_total, parse_code, scientific_pattern
from evaluator.spreadsheets.findings import Wrong
from evaluator.spreadsheets.suggesting import NAMED, Suggester
from evaluator.units.codes import canonical_code
from evaluator.units.tables import Unit


def _(message: str) -> str:
    return message


class KnownUnit(msgspec.Struct, frozen=True):
    """What a file can say of a unit."""

    code: str
    parent: str | None
    level: str
    name_zh: str
    name_en: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    successor: str | None = None


BLANK = Wrong(
    _("is blank, so the row has no unit"),
    _("write the unit's code in every row; where cells were merged, undo the merging and fill down"),
)


class UnitIndex:
    """Units by everything they are called."""

    def __init__(self, units: Iterable[KnownUnit]) -> None:
        self.units = {unit.code: unit for unit in units}
        self._names: dict[str, list[str]] = defaultdict(list)
        for unit in self.units.values():
            for name in {*self._full_names(unit), unit.name_en.casefold()} - {""}:
                self._names[name].append(unit.code)
        self._seen: dict[str | float, str | Wrong] = {}
        self._suggester = Suggester()

    def _full_names(self, unit: KnownUnit) -> list[str]:
        """The name alone, after its parent's, after its grandparent's and parent's, and so on."""
        names, path, above = [unit.name_zh], unit.name_zh, unit.parent
        visited = {unit.code}
        while above is not None and above in self.units and above not in visited:
            visited.add(above)
            path = self.units[above].name_zh + path
            names.append(path)
            above = self.units[above].parent
        return names

    def called(self, code: str) -> str:
        """A unit in words: its name with the one above it, and its code."""
        unit = self.units[code]
        above = self.units.get(unit.parent or "")
        return f"{above.name_zh if above else ''}{unit.name_zh} ({code})"

    def find(self, cell: Cell) -> str | Wrong:
        """The code of the unit that a cell names, or why none is named.

        A code may have 6 or 12 digits with trailing zeros; a name counts where only one unit has it.
        """
        if isinstance(cell, date):
            return Wrong(_("is a date, not a unit"), _("write the unit's code as text"))
        known = self._seen.get(cell)
        if known is None:
            known = self._seen[cell] = self._find(cell)
        return known

    def _find(self, cell: Cell) -> str | Wrong:
        code = parse_code(cell)
        if code is None:
            return BLANK
        if isinstance(code, Wrong):
            return self._shortened(cell) if code is SHORTENED_CODE else code
        for candidate in (code, canonical_code(code)):
            if candidate in self.units:
                return candidate
        named = self._names.get("".join(code.split())) or self._names.get(code.casefold(), [])
        if len(named) == 1:
            return named[0]
        if named:
            units = ", ".join(self.called(c) for c in named[:6]) + (" …" if len(named) > 6 else "")
            return Wrong(_("is the name of several units: %(units)s"), _("write the code"), {"units": units})
        if is_total(cell):
            return Wrong(_("adds up other rows and is no unit"), _("take the row out"))
        return self._likely(code)

    def _shortened(self, cell: Cell) -> str | Wrong:
        """A code that was shortened to 3.70E+11: the unit, if the digits that are left can be those of no other."""
        pattern = scientific_pattern(cell)
        assert pattern is not None
        digits, length = pattern
        # nine digits name a township; the village's last three are zeros for every unit
        if length == 12 and len(digits) >= 9 and canonical_code(digits.ljust(12, "0")) in self.units:
            return canonical_code(digits.ljust(12, "0"))
        shown, step = int(digits.ljust(length, "0")), 10 ** max(length - len(digits), 0)
        candidates = [
            code for code in self.units
            if code.isascii() and code.isdigit() and len(code) <= length
            and 2 * abs(int(code.ljust(length, "0")) - shown) <= step
        ][: NAMED + 1]  # fmt: skip
        units = ", ".join(self.called(code) for code in candidates[:NAMED])
        if not units:
            return SHORTENED_CODE
        return Wrong(
            _("is a code that the spreadsheet program shortened: it may be %(units)s"),
            _("format the column as text and enter the codes again"),
            {"units": units + (" …" if len(candidates) > NAMED else "")},
        )

    def _near_codes(self, code: str) -> list[str]:
        """Codes that a slip of the hand turns into `code`; for others the most similar ones."""
        if code.isascii() and code.isdigit():
            self._suggester.left -= 1
            ranked = sorted((_mistyped(code, other), other) for other in self.units if len(other) == len(code))
            if near := [other for slips, other in ranked if slips <= 2][:NAMED]:
                return near
        return self._suggester.near(code, self.units)

    def _likely(self, text: str) -> Wrong:
        unknown = _("is no unit here")
        if self._suggester.left <= 0:
            return Wrong(unknown, _("use the codes of the list of units"))
        squeezed = "".join(text.split())
        near: list[str] = []
        if not squeezed.isascii():
            names = self._suggester.near(squeezed, self._names)
            near = [code for name in names for code in self._names[name]]
        near += self._near_codes(canonical_code(squeezed))
        if not near:
            return Wrong(unknown, _("use the codes of the list of units, and add the unit there first if it is new"))
        likely = ", ".join(self.called(code) for code in list(dict.fromkeys(near))[:NAMED])
        return Wrong(unknown, _("did you mean %(likely)s?"), {"likely": likely})


def _mistyped(code: str, other: str) -> int:
    """In how many places two codes of one length differ; two neighbours exchanged count once."""
    places = [n for n, (a, b) in enumerate(zip(code, other, strict=True)) if a != b]
    exchanged = len(places) == 2 and places[1] == places[0] + 1 and sorted(code) == sorted(other)
    return 1 if exchanged else len(places)


async def unit_index() -> UnitIndex:
    """All units of the database, ready to be looked up."""
    columns = [getattr(Unit, name) for name in KnownUnit.__struct_fields__]
    return UnitIndex(msgspec.convert(await Unit.select(*columns), list[KnownUnit]))
