"""What is wrong in the sheets of a form, all at once, each with its row: before pyxform stops at the first of it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from pyxform import aliases  # type: ignore[import-untyped]
from pyxform.parsing.expression import is_xml_tag  # type: ignore[import-untyped]
from pyxform.question_type_dictionary import QUESTION_TYPE_DICT  # type: ignore[import-untyped]

from questionnaires.expression import MOST_CHARACTERS
from questionnaires.mistakes import Mistake, likely, shown, suggest
from questionnaires.reading import MOST_WORDS
from questionnaires.section_reading import MOST_NESTED
from questionnaires.xlsform.converting import own
from questionnaires.xlsform.headers import KEYS, OWN, is_text, meaning
from questionnaires.xlsform.reading import LONGEST_CELL
from questionnaires.xlsform.sheets import Findings, ImportRefusedError, Workbook, placed, refused
from questionnaires.xlsform.survey import YES, Columns, Row, rows_of

REFERENCE = re.compile(r"\$\{([^{}$]*)\}|\$\{")
LONGEST_NAME = 64
# pyxform works on each reference, and on each choice for each question that offers it: without a limit, for hours.
MOST_REFERENCES = 50_000
MOST_OFFERS = 2_000_000
KNOWN_TYPES = (
    "text", "integer", "decimal", "select_one LIST", "select_multiple LIST", "rank LIST", "note", "date", "time",
    "dateTime", "range", "calculate", "acknowledge", "hidden", "begin_group", "begin_repeat", "end_group",
    "end_repeat", "geopoint", "geotrace", "geoshape", "image", "audio", "video", "file", "barcode", "start", "end",
    "today", "deviceid", "audit",
)  # fmt: skip
ELSEWHERE = {
    "from file": "choices in a file of their own are not supported",
    "select one external": "choices in a file of their own are not supported",
    "csv-external": "data in a file of its own are not supported",
    "xml-external": "data in a file of its own are not supported",
    "osm": "OpenStreetMap tags are not supported",
}
OTHER_SHEETS = {
    "entities": ("entities are not supported", "remove the sheet, and the column save_to"),
    "external_choices": ("choices in a file of their own are not supported", "move them to the sheet choices"),
    "osm": ("OpenStreetMap tags are not supported", "remove the sheet"),
}


class Checking:
    """Collects what is wrong in a workbook."""

    def __init__(self, book: Workbook, file: str) -> None:
        self.book = book
        self.file = file
        self.wrong = Findings()
        self.note = Findings()


def check(book: Workbook, file: str) -> list[Mistake]:
    """Notes on what means nothing in a form.

    Raises
    ------
    ImportRefusedError
        When something is wrong, with all that was found.
    """
    if not book["survey"].headers:
        near = next((name for name in book.names if likely(name, ["survey"])), None)
        if near is not None:
            raise refused(file, "there is no sheet survey", "rename the sheet %(near)s to survey", near=shown(near))
        raise refused(file, "there is no sheet survey", "the questions stand in a sheet called survey")
    found = Checking(book, file)
    _check_sizes(found)
    if found.wrong.found:
        raise ImportRefusedError(file, placed(found.wrong.found, book))
    columns = Columns(book["survey"])
    _check_headers(found, columns)
    lists = _check_choices(found)
    if "type" in columns.headers and "name" in columns.headers:
        _check_rows(found, columns, lists)
    for name, (what, right) in OTHER_SHEETS.items():
        if any(book[name].rows):
            found.wrong(Columns(book[name]).place(2), what, right)
    _check_characters(found)
    if found.wrong.found:
        raise ImportRefusedError(file, placed(found.wrong.found, book))
    return found.note.found


def _check_sizes(found: Checking) -> None:
    references = 0
    for sheet in found.book.sheets:
        most = {
            header: LONGEST_CELL if own(header) else MOST_WORDS if is_text(header) else MOST_CHARACTERS
            for header in sheet.headers
        }
        for number, row in enumerate(sheet.rows, 2):
            for header, value in row.items():
                references += value.count("${")
                if len(value) > most[header]:
                    found.wrong(
                        (sheet.line(number), sheet.column(header)), "the cell has %(length)s characters",
                        "at most %(most)s are allowed", length=f"{len(value):,}", most=f"{most[header]:,}",
                    )  # fmt: skip
    if references > MOST_REFERENCES:
        found.wrong(
            Columns(found.book["survey"]).place(1), "the form has more than %(most)s references ${...}",
            "divide the form", most=f"{MOST_REFERENCES:,}",
        )  # fmt: skip


def _check_headers(found: Checking, columns: Columns) -> None:
    for key in ("type", "name"):
        if key not in columns.headers:
            headers = [header for header in columns.sheet.headers if header]
            near = likely(key, headers)
            found.wrong(
                columns.place(1), "there is no column %(column)s",
                "rename the column %(near)s" if near else "add it", column=key, near=near or "",
            )  # fmt: skip
    for header in columns.sheet.headers:
        if is_text(header) and header.partition("::")[0].lower() != "bind" and header.count("::") > 1:
            found.wrong(
                (columns.place(1)[0], columns.sheet.column(header)), "the header %(header)s has too many parts",
                "write label::English (en)", header=shown(header),
            )  # fmt: skip
    known = [*KEYS, "media", "disabled", "note", "save_to"]
    for header in columns.sheet.headers:
        if header and "::" not in header and ":" not in header and meaning(header) == header:
            near = likely(header, known)
            if near is not None and near != header:
                found.note(
                    (columns.place(1)[0], columns.sheet.column(header)),
                    "the column %(column)s means nothing", "did you mean %(near)s?", column=shown(header), near=near,
                )  # fmt: skip


def _check_choices(found: Checking) -> dict[str, int]:
    """The lists of choices, and the row where each begins."""
    columns = Columns(found.book["choices"])
    lists: dict[str, int] = {}
    if not columns.sheet.headers or not any(columns.sheet.rows):
        return lists
    if "list name" in columns.headers:
        columns.headers.setdefault("list_name", []).extend(columns.headers["list name"])
    for key in ("list_name", "name"):
        if key not in columns.headers:
            near = likely(key, [header for header in columns.sheet.headers if header])
            found.wrong(
                columns.place(1), "there is no column %(column)s",
                "rename the column %(near)s" if near else "add it", column=key, near=near or "",
            )  # fmt: skip
            return lists
    settings = Columns(found.book["settings"])
    twice = any(settings.cell(row, "allow_choice_duplicates") in YES for row in found.book["settings"].rows)
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(columns.sheet.rows, 2):
        name, code = columns.cell(row, "list_name"), columns.cell(row, "name")
        if not name:
            if code or columns.cell(row, "label"):
                found.note(columns.place(number), "the choice is in no list", "write the list in list_name")
            continue
        lists.setdefault(name, number)
        if not code:
            found.wrong(columns.place(number, "name"), "a choice without a name", "write its code in the column name")
        elif (name, code) in seen and not twice:
            found.wrong(
                columns.place(number, "name"), "two choices of %(list)s are called %(code)s",
                "give each its own; for choice_filter, allow_choice_duplicates = yes in the sheet settings allows it",
                list=shown(name), code=shown(code),
            )  # fmt: skip
        seen.add((name, code))
    return lists


def _check_rows(found: Checking, columns: Columns, lists: dict[str, int]) -> None:
    rows = list(rows_of(columns))
    lengths = Columns(found.book["choices"])
    around: list[tuple[Row, dict[str, int]]] = []
    names: dict[str, int] = {}
    known = {row.name for row in rows if row.name and row.control != "end"}
    known |= {f"{row.name}_other" for row in rows if row.other}
    known |= {f"{row.name}_count" for row in rows if row.control == "begin" and row.kind == "repeat"}
    for row in rows:
        if found.wrong.full:
            return
        if not row.type:
            if row.name or columns.cell(row.cells, "label"):
                found.wrong(columns.place(row.number, "type"), "a row without a type", "write it in the column type")
            else:
                found.note(columns.place(row.number), "the row has neither type nor name: it is passed over")
            continue
        _check_type(found, columns, row, lists)
        if row.control == "end":
            if not around:
                found.wrong(
                    columns.place(row.number, "type"), "%(type)s ends nothing", "remove it, or begin one before",
                    type=shown(row.type),
                )  # fmt: skip
            elif around[-1][0].kind != row.kind:
                begun = around[-1][0]
                found.wrong(
                    columns.place(row.number, "type"),
                    "%(type)s stands where %(name)s of row %(row)s is still open", "end that one before",
                    type=shown(row.type), name=shown(begun.name), row=str(begun.number),
                )  # fmt: skip
                around.pop()
            else:
                around.pop()
            continue
        _check_name(found, columns, row, around[-1][1] if around else names)
        if row.control == "begin":
            around.append((row, {}))
            if len(around) == MOST_NESTED + 2:
                found.wrong(
                    columns.place(row.number), "groups nest too deep", "at most %(most)s levels are allowed",
                    most=str(MOST_NESTED + 1),
                )  # fmt: skip
        _check_references(found, columns, row, known)
    counts = Counter(lengths.cell(row, "list_name") for row in found.book["choices"].rows)
    if sum(counts[row.list] for row in rows if row.list) > MOST_OFFERS:
        found.wrong(
            columns.place(1), "the questions offer more than %(most)s choices in all", "divide the form",
            most=f"{MOST_OFFERS:,}",
        )  # fmt: skip
    for begun, _ in around:
        found.wrong(
            columns.place(begun.number, "type"), "%(name)s is not ended", "add a row with the type end_%(kind)s",
            name=shown(begun.name), kind=begun.kind,
        )  # fmt: skip
    if not any(row.type and not row.control for row in rows):
        found.wrong(columns.place(1), "the form asks nothing", "write questions below the headers")


def _check_type(found: Checking, columns: Columns, row: Row, lists: dict[str, int]) -> None:
    place = columns.place(row.number, "type")
    elsewhere = ELSEWHERE.get(row.command) or ELSEWHERE.get(row.type.partition(" ")[0])
    if elsewhere is not None:
        found.wrong(place, elsewhere, "move them to the sheet choices" if "choices" in elsewhere else "remove the row")
    elif row.list.startswith("${"):
        found.wrong(
            place, "choices taken from earlier answers are not supported", "write the choices in the sheet choices"
        )
    elif row.list and row.list not in lists:
        right, values = suggest(row.list, lists, "list")
        if not lists:
            right, values = "add a sheet choices with list_name, name and label", {}
        found.wrong(place, "there is no list of choices %(list)s", right, list=shown(row.list), **values)
    elif not (row.control or row.list or row.type in QUESTION_TYPE_DICT or row.type in aliases.settings_header):
        first = row.type.partition(" ")[0]
        if first in ("select_one", "select_multiple", "rank", "select1"):
            found.wrong(
                place, "%(type)s names no list", "write %(first)s and a list of choices", type=shown(row.type),
                first=first,
            )  # fmt: skip
            return
        near = likely(first, [one.partition(" ")[0] for one in KNOWN_TYPES])
        near = next((one for one in KNOWN_TYPES if one.partition(" ")[0] == near), None)
        found.wrong(
            place, "unknown type %(type)s", "did you mean %(near)s?" if near else "types are: %(known)s",
            type=shown(row.type), near=near or "", known=", ".join(KNOWN_TYPES),
        )  # fmt: skip


def _check_name(found: Checking, columns: Columns, row: Row, taken: dict[str, int]) -> None:
    place = columns.place(row.number, "name")
    if row.type in aliases.settings_header:
        return
    if not row.name:
        found.wrong(place, "%(type)s without a name", "write its code in the column name", type=shown(row.type))
    elif not is_xml_tag(row.name) or ":" in row.name:
        found.wrong(
            place, "%(name)s is no name", "a name has letters, digits, _, - and ., and starts with a letter or _",
            name=shown(row.name),
        )  # fmt: skip
    elif len(row.name) > LONGEST_NAME:
        found.wrong(
            place, "the name has %(length)s characters", "at most %(most)s are allowed", length=str(len(row.name)),
            most=str(LONGEST_NAME),
        )  # fmt: skip
    elif row.name in taken:
        found.wrong(
            place, "%(name)s stands twice", "row %(row)s has that name: give each its own", name=shown(row.name),
            row=str(taken[row.name]),
        )  # fmt: skip
    taken.setdefault(row.name, row.number)


def _check_references(found: Checking, columns: Columns, row: Row, known: set[str]) -> None:
    """Every ${name} in a row names a row."""
    if found.wrong.full:
        return
    for header, value in row.cells.items():
        if "${" not in value or header.startswith(OWN):
            continue
        place = (columns.place(row.number)[0], columns.sheet.column(header))
        for match in REFERENCE.finditer(value):
            name = match[1]
            if found.wrong.full:
                return
            if name is None:
                found.wrong(place, "a ${ that is not closed", "a question is written ${name}, with the closing brace")
            elif name.startswith("last-saved#"):
                found.wrong(
                    place, "answers of the form sent before are not known: %(reference)s", "ask the question again",
                    reference=shown(match[0]),
                )  # fmt: skip
            elif name not in known:
                near = likely(name.strip(), known)
                found.wrong(
                    place, "%(reference)s names no question",
                    "did you mean ${%(near)s}?" if near else "write the name of a row of the sheet survey",
                    reference=shown(match[0]), near=near or "",
                )  # fmt: skip


def _check_characters(found: Checking) -> None:
    """What no XML can hold."""
    for sheet in found.book.sheets:
        for number, row in enumerate(sheet.rows, 2):
            for header, value in row.items():
                if value.isprintable():
                    continue
                for character in value:
                    bad = character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs")
                    if bad or character in "\ufffe\uffff":
                        found.wrong(
                            (sheet.line(number), sheet.column(header)),
                            "the cell holds the invisible character %(character)s", "remove it",
                            character=f"U+{ord(character):04X}",
                        )  # fmt: skip
                        break
