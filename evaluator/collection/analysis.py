"""Answers of one campaign for analysis: a row a response, lined up across versions, and a codebook beside them.

No identifier leaves, and nothing that tells who came first: rows stand in the order of their random identifiers. What
leaves is still confidential: a day, a unit and a row of answers can point to one person who is known to have answered.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import msgspec

from evaluator.collection import analysis_files as files
from evaluator.collection.analysis_files import Field, Form, Value
from evaluator.collection.export import Source, decode_answers, sources, stored
from evaluator.collection.tables import Campaign
from evaluator.collection.waiting import waiting
from evaluator.language import translations
from evaluator.problems import Problem
from questionnaires.codebook import Codebook, Entry, cells, codebook

TAKEN = ("questionnaire", "day", "mode", "unit", "design_stratum", "psu", "duration", "flags", "answers", "orders")
MARK = "SIMULATED"
ABOUT = (
    "column",
    "question",
    "code",
    "kind",
    "type",
    "role",
    "section",
    "versions",
    "other_words",
    "condition",
    "score",
)


def _(message: str) -> str:
    return message


FIXED: tuple[tuple[Field, str], ...] = (
    (Field("version", "code"), _("questionnaire and version under which the response was accepted")),
    (Field("day", "date"), _("day on which it was given; the time of day is not kept")),
    (Field("mode", "code"), _("how the person came to it: invitation, sign_in or open")),
    (Field("unit", "code"), _("code of the unit that was rated")),
    (Field("design_stratum", "code"), _("stratum of the sampling design")),
    (Field("psu", "code"), _("primary sampling unit")),
    (Field("duration", "code"), _("class of how long it took: under_25_seconds, under_60_seconds, longer or unknown")),
    (Field("flags", "code"), _("flags of its quality, joined by one space; a flag deletes nothing")),
)
KINDS = {
    "order": _("order in which the choices were shown; blank: as in the questionnaire"),
    "number": _("the number alone; blank where another answer was chosen"),
}
SIMULATED = (Field("data_status", "code"), _("mark of data that do not come from the real world"))


class Exported(msgspec.Struct, frozen=True):
    """What was written."""

    responses: int
    versions: tuple[str, ...]  # code@version, the oldest first
    left_out: tuple[tuple[str, str], ...]  # question, and why
    written: tuple[str, ...]  # names of files
    waiting: int = 0  # responses that were accepted and are not sealed yet: they are not among them


async def export_campaign(
    code: str, out: Path, form: Form, *, texts: bool = False, progress: Callable[[int, int], None] | None = None
) -> Exported:
    """Write the answers of a campaign and their codebook into a new folder that nobody else can read.

    Parameters
    ----------
    form : {"csv", "xlsx", "parquet"}
    texts : bool
        Take what people wrote in their own words as well. It can name people.
    progress : callable, optional
        Called with how many responses are written and how many there are.

    Raises
    ------
    Problem
        404 when there is no such campaign; 409 when `out` exists, or a sheet cannot hold so many rows or columns.
    """
    if await asyncio.to_thread(out.exists):
        raise Problem(
            409, _("The folder exists"), _("“%(out)s” exists, and nothing is overwritten: name a new folder."),
            out=str(out),
        )  # fmt: skip
    [source] = await sources([code])
    book = codebook([version.questionnaire for version in source.versions], texts=texts)
    fields = [*(field for field, _about in _fixed(source)), *(Field(one.name, one.kind) for one in book.columns)]
    [found] = await Campaign.raw("SELECT count(*) AS n FROM response WHERE campaign = {}", source.id)
    if form == "xlsx":
        _refuse_too_large(found["n"], len(fields))
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))  # readable by nobody else
    try:
        names, table = explained(source, book)
        number = 0
        with files.opened(made, form, fields, (names, table)) as write:
            async for chunk in _rows(source, book):
                await asyncio.to_thread(write, chunk)
                number += len(chunk)
                if progress:
                    progress(number, found["n"])
        written = tuple(sorted(await asyncio.to_thread(os.listdir, made)))
        os.rename(made, out)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    versions = tuple(v.questionnaire.identifier for v in source.versions)
    return Exported(number, versions, book.left_out, written, await waiting([code]))


def _fixed(source: Source) -> tuple[tuple[Field, str], ...]:
    return (*FIXED, SIMULATED) if source.simulated else FIXED


async def _rows(source: Source, book: Codebook) -> AsyncIterator[list[list[Value]]]:
    """Chunks of rows in the order of random identifiers."""
    of = {one.id: (one.questionnaire.identifier, cells(book, one.questionnaire)) for one in source.versions}
    mark = [MARK] if source.simulated else []
    async for chunk in stored(TAKEN, [source.id], (date.min, date.max)):
        rows: list[list[Value]] = []
        for version, day, mode, unit, stratum, psu, duration, flags, answers, orders in chunk:
            named, given = of[version]
            shown = msgspec.json.decode(orders, type=dict[str, str]) if orders else {}
            on = day if isinstance(day, date) else date.fromisoformat(day)  # SQLite has texts
            fixed = [named, on, mode, unit, stratum or None, psu or None, duration, flags or None]
            rows.append([*fixed, *mark, *given(decode_answers(answers), shown)])
        yield rows


def _refuse_too_large(rows: int, columns: int) -> None:
    if rows + 1 > files.SHEET_ROWS or columns > files.SHEET_COLUMNS:
        raise Problem(
            409, _("A sheet cannot hold this"),
            _("There are %(rows)d responses and %(columns)d columns; a sheet holds %(most)d and %(wide)d. "
              "Take --format csv or parquet."),
            rows=rows, columns=columns, most=files.SHEET_ROWS - 1, wide=files.SHEET_COLUMNS,
        )  # fmt: skip


def explained(source: Source, book: Codebook) -> tuple[list[str], list[list[Value]]]:
    """The codebook as a table: names of its columns, and a row a column or code of the answers."""
    languages = list(dict.fromkeys(["zh", "en", *book.languages]))
    every = " ".join(version.questionnaire.identifier for version in source.versions)
    chinese = translations("zh-CN").gettext
    names = [*ABOUT, *(f"words_{one}" for one in languages), *(f"choice_{one}" for one in languages)]
    blank = dict.fromkeys(languages, "")
    table: list[list[Value]] = []
    for field, about in _fixed(source):
        words = {**blank, "zh": chinese(about), "en": about}
        table.append([field.name, "", "", field.kind, "", "", "", every, "", "", "", *words.values(), *blank.values()])
    for entry in book.entries:
        words, choice = blank | entry.words, blank | entry.choice
        if not entry.code and (more := _more(entry)):
            choice |= {"zh": chinese(KINDS[more]), "en": KINDS[more]}
        table.append([*(getattr(entry, name) for name in ABOUT), *words.values(), *choice.values()])
    return names, table


def _more(entry: Entry) -> str:
    """What a column is that a question has beside its own."""
    return "order" if entry.kind == "order" else "number" if entry.column.startswith("n_") else ""
