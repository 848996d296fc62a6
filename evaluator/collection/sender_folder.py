"""The folder for whoever sends invitations: the only place where a person and a code stand side by side.

Nobody but its owner may read it, nothing of it is in the database, and it is deleted when all is sent.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

import click
import msgspec

from evaluator.collection.admission import read_code, shown_code
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.frames import LANGUAGES, Carrier, Contact
from evaluator.collection.letters import Invited, letter_files
from evaluator.collection.messages import mail_rows, sms_rows
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.spreadsheets.cells import plain
from evaluator.spreadsheets.findings import Finding, Refused, Wrong, finding
from evaluator.spreadsheets.streaming import stream_rows

CONTACTS, ABOUT, README = "contacts.csv", "batch.json", "README.txt"
COLUMNS = ("code", "unit", "design_stratum", "psu", "name", "address", "phone", "email", "language")
SHORT = {language: short for short, language in LANGUAGES.items() if short != "zh-cn"}


def _(message: str) -> str:
    return message


class About(msgspec.Struct, frozen=True):
    """What a folder is. Written last, so that a folder without it is not whole."""

    campaign: str
    batch: str
    carrier: Carrier
    invited: int
    reminder: int = 0  # which one; 0: the invitations
    mark: str = ""  # kept with the batch in the transaction that made the codes valid, or the reminder count


class Files(Protocol):
    """Where files for a sender are written to, by names with / between their parts."""

    def text(self, name: str, text: str) -> None: ...

    def rows(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None: ...


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A new folder, gone again when what fills it fails."""
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        raise click.UsageError(f"--out {path}: {error.strerror}; name a new folder in one that exists") from None
    try:
        yield path
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _inside(path: Path, name: str) -> Path:
    found = path / name
    for folder in reversed(found.relative_to(path).parents[:-1]):
        (path / folder).mkdir(mode=0o700, exist_ok=True)
    return found


def write_text(path: Path, name: str, text: str) -> None:
    descriptor = os.open(_inside(path, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A CSV that spreadsheet programs read as UTF-8. A frame's cells never begin like a formula."""
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(rows)


class FolderFiles:
    """Files in a folder, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self, name: str, text: str) -> None:
        write_text(self.path, name, text)

    def rows(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        descriptor = os.open(_inside(self.path, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            write_csv(file, columns, rows)


def fill(
    files: Files, settings: Settings, campaign: LiveCampaign, invited: Sequence[Invited], about: About, readme: str
) -> None:
    """Everything, `batch.json` last."""
    carrier, reminder = about.carrier, bool(about.reminder)
    files.text(README, readme)
    files.rows(
        CONTACTS, COLUMNS,
        (
            (
                shown_code(one.code), c.unit, c.design_stratum, c.psu, c.name, c.address, c.phone, c.email,
                SHORT[c.language],
            )
            for one in invited for c in (one.contact,)
        ),
    )  # fmt: skip
    if carrier == "letter":
        for name, content in letter_files(settings, campaign, invited, reminder=reminder):
            files.text(name, content)
    elif carrier == "sms":
        rows = sms_rows(settings, campaign, invited, reminder=reminder)
        files.rows("sms.csv", ("unit", "phone", "text", "parts"), rows)
    else:
        mails = mail_rows(settings, campaign, invited, reminder=reminder)
        files.rows("mail.csv", ("unit", "email", "name", "subject", "text"), mails)
    files.text(ABOUT, msgspec.json.format(msgspec.json.encode(about), indent=1).decode() + "\n")


def read_about(path: Path, campaign: str) -> About:
    """What a folder says of itself. Raises Problem when it is none, not valid, or of another campaign."""
    try:
        found = msgspec.json.decode((path / ABOUT).read_bytes(), type=About)
    except (OSError, msgspec.MsgspecError):
        raise Problem(
            422, _("This is no sender's folder"),
            _("%(path)s has no readable batch.json: its codes may never have become valid."), path=str(path),
        ) from None  # fmt: skip
    if found.campaign != campaign:
        raise Problem(
            422, _("Another campaign"), _("The folder belongs to “%(other)s”, not to “%(code)s”."),
            other=found.campaign[:64], code=campaign,
        )  # fmt: skip
    return found


def read_invited(path: Path, units: Collection[str]) -> list[Invited]:
    """The people in the contacts of a sender's folder and their codes. Raises Refused with every bad row."""
    rows = stream_rows(path)
    names = [plain(cell) for cell in next(rows).cells]
    findings: list[Finding] = []
    found: list[Invited] = []
    seen: set[str] = set()
    if not {"code", "unit"} <= set(names):
        raise Refused([finding(1, "code", "", Wrong(_("is missing"), _("give the file as it was written")))])
    for row in rows:
        cells = {name: plain(cell) for name, cell in zip(names, row.cells, strict=False)}
        code = read_code(cells.get("code", ""))
        if code is None or code in seen:
            wrong = Wrong(_("is no code, or is there twice"), _("give the file as it was written"))
            findings.append(finding(row.number, "code", "", wrong))
        elif cells.get("unit", "") not in units:
            wrong = Wrong(_("is no unit of this campaign"), _("give the file as it was written"))
            findings.append(finding(row.number, "unit", cells.get("unit", ""), wrong))
        else:
            seen.add(code)
            given = {column: cells.get(column, "") for column in COLUMNS[1:-1]}
            language = LANGUAGES.get(cells.get("language", "").lower(), "")
            found.append(Invited(Contact(row.number, language=language, **given), code))
    if findings:
        raise Refused(findings)
    return found


def read_codes(path: Path, most_wrong: int = 1000) -> list[str]:
    """Codes in a file with a column `code`; other columns are passed over. Raises Refused with every bad row."""
    rows = stream_rows(path)
    names = [plain(cell).lower() for cell in next(rows).cells]
    if "code" not in names:
        wrong = Wrong(_("is missing"), _("name the column with the codes “code”"))
        raise Refused([finding(1, "code", "", wrong)])
    at, found, findings = names.index("code"), dict[str, int](), list[Finding]()
    for row in rows:
        text = plain(row.cells[at]) if at < len(row.cells) else ""
        code = read_code(text)
        if code is None:
            findings.append(finding(row.number, "code", text, Wrong(_("is mistyped"), _("compare it with the letter"))))
        elif code in found:
            wrong = Wrong(_("is the same code as row %(row)s"), _("keep one of the two"), {"row": str(found[code])})
            findings.append(finding(row.number, "code", text, wrong))
        else:
            found[code] = row.number
        if len(findings) >= most_wrong:
            break
    if findings:
        raise Refused(findings)
    return list(found)
