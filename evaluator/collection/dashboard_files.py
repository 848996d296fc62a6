"""The numbers of a campaign's page as a table for spreadsheets: a row a unit, and one for each stratum it shows."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.dashboard import Overview

Value = str | int | float | None
NAMES = (
    "unit", "name_zh", "name_en", "stratum", "frame", "invited", "delivered", "target", "by_invitation", "by_sign_in",
    "by_open_link", "rr1", "rr5", "effective_n", "half_width", "half_width_at_close",
)  # fmt: skip
MARK = "SIMULATED"


def table(campaign: LiveCampaign, shown: Overview) -> tuple[list[str], list[list[Value]]]:
    """Names of columns and rows. Responses are rounded down to tens; 0 is fewer than ten."""
    mark: list[Value] = [MARK] if campaign.simulated else []
    rows: list[list[Value]] = []
    for line in shown.units:
        place: list[Value] = [line.unit.code, line.unit.name.zh, line.unit.name.en]
        numbers: list[Value] = [
            line.frame or None, line.invited, line.delivered, line.target or None, line.by_mode["invitation"],
            line.by_mode["sign_in"], line.by_mode["open"], _short(line.rr1, 4), _short(line.rr5, 4),
            _short(line.effective or math.nan, 1), _short(line.half_width, 1), _short(line.half_width_at_close, 1),
        ]  # fmt: skip
        rows.append([*place, "", *numbers, *mark])
        rows += [
            [*place, one.code, one.frame or None, one.invited, one.delivered, None, one.finished, None, None,
             _short(one.rr1, 4), None, None, None, None, *mark]
            for one in line.strata
        ]  # fmt: skip
    return [*NAMES, *["data_status"] * len(mark)], rows


def _short(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def sheet(names: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    """The same as XLSX. Texts stay texts."""
    import xlsxwriter  # slow to load, and few ask for it

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        page, bold = book.add_worksheet("counts"), book.add_format({"bold": True})
        page.freeze_panes(1, 3)
        page.set_column(0, len(names) - 1, 14)
        page.write_row(0, 0, names, bold)
        for number, row in enumerate(rows, 1):
            page.write_row(number, 0, ["" if value is None else value for value in row])
    return out.getvalue()
