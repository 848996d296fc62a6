"""What is wrong with a file somebody brought: where, what stands there, why it can't be used, what would be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from evaluator.problems import FieldProblem, Problem

SHOWN = 80  # characters of a cell that a message repeats


class Wrong(msgspec.Struct, frozen=True):
    """Why a cell can't be used. `reason` and `right` are English message identifiers, made concrete by `values`."""

    reason: str
    right: str
    values: dict[str, str] = {}


class Finding(msgspec.Struct, frozen=True):
    """A defect and its place. Rows count as a spreadsheet shows them; row 0 stands for the file."""

    row: int
    column: str  # as the file calls it
    value: str  # as it stands there
    reason: str
    right: str
    values: dict[str, str] = {}

    def why(self, gettext: Callable[[str], str] = str) -> str:
        """The reason in words."""
        text = gettext(self.reason)
        return text % self.values if self.values else text

    def what_would_be_right(self, gettext: Callable[[str], str] = str) -> str:
        text = gettext(self.right)
        return text % self.values if self.values else text

    def place(self) -> str:
        """Row and column, as far as known."""
        row = f"row {self.row}" if self.row else ""
        return f"{row} column {self.column}".strip() if self.column else row

    def line(self, file_name: str) -> str:
        """One line in English for a terminal: ``FILE:ROW column C “V” what; what would be right``."""
        where = f"{file_name}:{self.row}" if self.row else file_name
        column = f" column {self.column}" if self.column else ""
        value = f" “{self.value}”" if self.value else ""
        return f"{where}{column}{value} {self.why()}; {self.what_would_be_right()}"


def finding(row: int, column: str, value: object, wrong: Wrong) -> Finding:
    """A finding at a place; control characters and long texts are cut from what is repeated."""
    text = "".join(c if c.isprintable() else " " for c in str("" if value is None else value)).strip()
    text = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return Finding(row, column, text, wrong.reason, wrong.right, wrong.values)


def _(message: str) -> str:
    return message


class Refused(Problem):
    """A file that was not taken, not even in part. `findings` are all of its defects, in the order of its rows."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda f: f.row))
        super().__init__(
            422, _("The file was not imported"), _("Problems found: %(count)d. Nothing was imported."),
            errors=[
                FieldProblem(f.place() or "file", f"{f.value} {f.why()}; {f.what_would_be_right()}".strip())
                for f in self.findings
            ],
            count=len(self.findings),
        )  # fmt: skip


def refuse(row: int, column: str, value: object, wrong: Wrong) -> NoReturn:
    """Refuse a file for one defect that leaves nothing else to look at."""
    raise Refused([finding(row, column, value, wrong)])
