"""The snapshot: the frozen, confidential inputs of one rating, a folder of tables that anybody can write by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from evaluator.rating.cross_checks import cross_check
from evaluator.rating.defects import InputError, likely
from evaluator.rating.doors import MARK_COLUMN, SNAPSHOT
from evaluator.rating.folders import sha256_of
from evaluator.rating.questions import FOLDER as QUESTIONNAIRES
from evaluator.rating.questions import assign_campaigns, read_questionnaires, scorings
from evaluator.rating.responses import campaigns_of, check_responses
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import Table, header, mark_defects, parse_table, read_texts, table_file
from methods.survey.cells import ItemScoring

FORMAT = 1
NOTE = "snapshot.json"
ALWAYS = (date.min, date.max)  # the period of a snapshot that does not say


class LogHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signed head of a campaign's log, and the exact set of its leaves that the snapshot counts."""

    origin: str
    size: int
    root: str  # hexadecimal
    checkpoint: str  # the signed note
    counted: int
    counted_sha256: str  # of the counted leaves' hashes in hexadecimal, sorted, a line each
    whole: bool = True  # the period covers every day of the campaign


class Note(msgspec.Struct, forbid_unknown_fields=True):
    """snapshot.json: what the tables cannot say."""

    format: int = FORMAT
    period: tuple[date, date] | None = None
    made_on: date | None = None
    source: str = ""
    simulated: bool = False
    campaigns: dict[str, str] = {}  # campaign -> CODE@VERSION of its questionnaire
    files: dict[str, str] = {}  # file -> SHA-256
    logs: dict[str, LogHead | None] = {}  # campaign -> head of its log when it was counted; null: it has none


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Validated inputs of a rating. Tables have every column of the door, blank where the file has none."""

    folder: Path
    period: tuple[date, date]  # ALWAYS when the snapshot does not say
    tables: Mapping[str, Table]  # those that are there, but responses
    responses: Path | None  # .parquet or .csv, scanned in place
    scoring: Mapping[str, tuple[ItemScoring, ...]]  # campaign -> its items
    made_on: str
    source: str
    simulated: bool
    sha256: str  # over the names and bytes of its files
    log_head: str | None = None  # of the responses' logs, as an edition names them


def read_snapshot(folder: Path, scheme: Scheme | None = None) -> Snapshot:
    """Read and check a snapshot; with a scheme its codes too.

    Raises InputError with every defect as `TABLE row N column C: value; what would be right`. Rows are counted as a
    spreadsheet does, the header being row 1.
    """
    snapshot, defects = examine(folder, scheme)
    if defects or snapshot is None:
        raise InputError(defects)
    return snapshot


def examine(folder: Path, scheme: Scheme | None = None) -> tuple[Snapshot | None, list[str]]:
    """The snapshot and all of its defects; None where it cannot be read at all."""
    if not folder.is_dir():
        return None, [f"{folder} is not a folder; give the folder of a snapshot"]
    defects = _strange_files(folder)
    note, wrong = _note(folder)
    defects += wrong
    tables: dict[str, Table] = {}
    responses: Path | None = None
    marked = note.simulated
    for name, door in SNAPSHOT.items():
        try:
            path = table_file(folder, name)
        except InputError as error:
            defects += error.defects
            continue
        if path is None:
            continue
        if name == "responses":
            responses = path
            continue
        names, columns, wrong = read_texts(path)
        defects += wrong
        if MARK_COLUMN.name in names:
            marked = True
            defects += mark_defects(name, columns.pop(names.index(MARK_COLUMN.name)))
            names.remove(MARK_COLUMN.name)
        if names:
            tables[name], wrong = parse_table(name, names, columns, door)
            defects += wrong
        elif not wrong:
            defects.append(f"{path.name} is empty; write a header")
    if "units" not in tables:
        defects.append("there is no table units; every snapshot needs units.csv or units.parquet")
        return None, defects
    if not len(tables["units"]["unit"]):
        defects.append("units has no rows; write a row for each unit to rate")
    period = note.period or ALWAYS
    defects += cross_check(tables, period, scheme)
    scoring: dict[str, tuple[ItemScoring, ...]] = {}
    if responses is not None or (folder / QUESTIONNAIRES).is_dir():
        found, wrong = read_questionnaires(folder / QUESTIONNAIRES)
        defects += wrong
        unreadable = bool(wrong)
        seen: list[str] = []
        if responses is not None:
            seen, wrong = campaigns_of(responses)
            if wrong:
                return None, [*defects, *wrong]
        assigned, wrong = assign_campaigns(note.campaigns, found, seen)
        defects += [] if unreadable else wrong
        scoring = {campaign: scorings(questionnaire) for campaign, questionnaire in assigned.items()}
        if responses is not None:
            marked = marked or MARK_COLUMN.name in header(responses)
            defects += check_responses(responses, tables, period, assigned)
            defects += _unanswered(scheme, scoring)
            defects += _unknown_groups(scheme, scoring)
    snapshot = Snapshot(
        folder=folder,
        period=period,
        tables=tables,
        responses=responses,
        scoring=scoring,
        made_on=note.made_on.isoformat() if note.made_on else "",
        source=note.source,
        simulated=marked,
        sha256=fingerprint(folder),
        log_head=_log_head(note),
    )
    return snapshot, defects


def _log_head(note: Note) -> str | None:
    """Origin, size and root of each log, in the order of the campaigns."""
    heads = [head for _campaign, head in sorted(note.logs.items()) if head is not None]
    return "; ".join(f"{head.origin} {head.size} {head.root}" for head in heads) or None


def _unanswered(scheme: Scheme | None, scoring: Mapping[str, tuple[ItemScoring, ...]]) -> list[str]:
    items = {item.item: item for asked in scoring.values() for item in asked}
    if scheme is None or not items:
        return []
    scored = sorted(code for code, item in items.items() if item.kind != "none")
    return [
        f"the scheme's indicator {indicator.code!r} takes question {indicator.item!r}, which no questionnaire scores; "
        f"{likely(indicator.item or '', scored)}"
        for indicator in scheme.indicators
        if indicator.source == "citizen" and indicator.item not in scored
    ]


def _unknown_groups(scheme: Scheme | None, scoring: Mapping[str, tuple[ItemScoring, ...]]) -> list[str]:
    """Groups that nobody could be in: their answers would be among the citizens' unnoticed."""
    codes: dict[str, list[str]] = {}
    for asked in scoring.values():
        for one in asked:
            codes.setdefault(one.item, []).extend(one.codes)
    found = []
    for group in scheme.groups if scheme and codes else ():
        if group.item not in codes:
            found.append(
                f"the scheme's group {group.code!r} goes by question {group.item!r}, which no questionnaire asks; "
                f"{likely(group.item, codes)}"
            )
        else:
            found += [
                f"the scheme's group {group.code!r} names the answer {choice!r} to {group.item!r}, which no "
                f"questionnaire has; {likely(choice, codes[group.item])}"
                for choice in group.choices
                if choice not in codes[group.item]
            ]
    return found


def snapshot_files(folder: Path) -> list[Path]:
    """The files that make up a snapshot, in the order of their names."""
    named = [folder / f"{name}{suffix}" for name in SNAPSHOT for suffix in (".csv", ".parquet")]
    found = [*named, folder / NOTE, *(folder / QUESTIONNAIRES).glob("*.y*ml")]
    return sorted(path for path in found if path.is_file())


def fingerprint(folder: Path) -> str:
    """SHA-256 of a snapshot: of the lines `sha256  name` of its files, in the order of their names."""
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in snapshot_files(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _strange_files(folder: Path) -> list[str]:
    defects = []
    for path in sorted(folder.iterdir()):
        if path.suffix in (".csv", ".parquet") and path.stem not in SNAPSHOT:
            defects.append(f"{path.name} is no table of a snapshot; {likely(path.stem, SNAPSHOT)}")
        elif path.suffix == ".json" and path.name != NOTE:
            defects.append(f"{path.name} does not belong to a snapshot; did you mean {NOTE!r}?")
        elif path.is_dir() and path.name != QUESTIONNAIRES and not path.name.startswith("."):
            defects.append(
                f"the folder {path.name} does not belong to a snapshot; {likely(path.name, [QUESTIONNAIRES])}"
            )
    return defects


def _note(folder: Path) -> tuple[Note, list[str]]:
    path = folder / NOTE
    if not path.is_file():
        return Note(), []
    try:
        note = msgspec.json.decode(path.read_bytes(), type=Note)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        right = f"known fields: {', '.join(Note.__struct_fields__)}" if "unknown field" in text else "mend it"
        return Note(), [f"{NOTE}: {text}; {right}"]
    defects = []
    if note.format != FORMAT:
        defects.append(f"{NOTE} format: {note.format}; this program reads format {FORMAT}")
    if note.period and note.period[0] > note.period[1]:
        defects.append(f"{NOTE} period: it ends before it begins; write [first day, last day]")
        note.period = None
    present = {path.relative_to(folder).as_posix() for path in snapshot_files(folder)} - {NOTE}
    for name, sha in sorted(note.files.items()):
        if name not in present:
            defects.append(f"{NOTE} files: {name} is not there; bring the file or take it out of {NOTE}")
        elif sha256_of(folder / name) != sha:
            defects.append(f"{name} is not the file {NOTE} speaks of (its SHA-256 differs); bring the original file")
    for name in sorted(present - set(note.files)) if note.files else ():
        defects.append(f"{NOTE} files: {name} is not in the list; add its SHA-256 or take the file out")
    return note, defects
