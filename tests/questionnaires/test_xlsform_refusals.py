"""Forms with mistakes: each is told with its row and what would be right; files of any kind stay within bounds."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from questionnaires.mistakes import DefinitionError
from questionnaires.xlsform.importing import import_form

FOLDER = Path(__file__).parent / "xlsform"
SAID = (FOLDER / "said.txt").read_text(encoding="utf-8").splitlines()
FORMS = sorted(path.name for path in FOLDER.iterdir() if path.name != "said.txt")


def refusal(content: bytes | str, name: str = "form.md") -> list[str]:
    """What is said of a form that is refused, without the file's name."""
    with pytest.raises(DefinitionError) as caught:
        import_form(content.encode() if isinstance(content, str) else content, name)
    return [line.removeprefix(f"{name}: ") for line in caught.value.lines()]


def test_there_is_a_verdict_for_each_of_the_nasty_forms() -> None:
    assert {line.partition(":")[0] for line in SAID} == set(FORMS)
    assert len(FORMS) >= 10


@pytest.mark.parametrize("name", FORMS)
def test_each_mistake_of_a_nasty_form_is_told_with_its_row_and_a_remedy(name: str) -> None:
    said = [line.removeprefix(f"{name}: ") for line in SAID if line.startswith(f"{name}: ")]
    assert refusal((FOLDER / name).read_bytes(), name) == said


def test_a_mistake_has_its_row_and_column_as_numbers() -> None:
    with pytest.raises(DefinitionError) as caught:
        import_form((FOLDER / "syntax.md").read_bytes(), "syntax.md")
    first = caught.value.mistakes[0]
    assert (first.line, first.column, first.where) == (2, 6, "survey row 2, constraint")


def test_what_only_pyxform_finds_is_told_with_its_row_and_nothing_of_our_insides() -> None:
    rows = "| survey |\n| | type | name | label | parameters |\n"
    assert refusal(rows + "| | integer | a | A | |\n| | range | r | R | start=0 end=x |\n") == [
        "survey row 3, parameters: For the 'range' question type, the parameter 'end' must be a number"
    ]
    assert refusal(rows + "| | text | a | | |") == ["survey row 2: The survey element named 'a' has no label or hint"]
    said = "\n".join(refusal("| survey |\n| | type | name | label | bind::nodeset |\n| | text | a | A | x |"))
    assert "pyxform cannot convert the form (TypeError)" in said
    assert "/" not in said
    assert "Traceback" not in said


def test_yaml_in_our_own_columns_may_be_wrong_too() -> None:
    form = "| survey |\n| | type | name | label | evaluator::score |\n| | integer | n | N | {rule: linear |\n"
    assert refusal(form)[0].startswith("survey row 2, evaluator::score: not YAML: did not find expected ',' or '}'; ")


# --- files


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty; a form has the sheets survey, choices and settings"),
        (b"  \n", "the file is empty; a form has the sheets survey, choices and settings"),
        (b"\xff\x00\x01", "line 1 is no UTF-8, and the file is no spreadsheet"),
        (b"a\x00b", "the file is neither a spreadsheet nor a text; give an XLSX, XLS, CSV or Markdown file"),
        (b"hello", "there is no sheet survey"),
        (b"PK\x03\x04nothing", "the file cannot be read as a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "the file cannot be read as a spreadsheet"),
        (b"x" * (10 * 1024 * 1024 + 1), "the file has 10,485,761 bytes; at most 10,485,760 are allowed"),
        (b",type,name\n,text,a", "line 1 stands in no sheet"),
        (b"survey\n" + b",a\n" * 20_002, "the file has more than 20,000 rows; divide the form"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_form_is_refused_with_the_reason(content: bytes, said: str) -> None:
    assert refusal(content, "f.csv")[0].startswith(said)


def archive(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "/"), data)
    return content.getvalue()


def spreadsheet(sheet: bytes, strings: bytes = b"") -> bytes:
    """An xlsx file with this sheet."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.add_worksheet("survey").write_string(0, 0, "type")
    content = io.BytesIO()
    with (
        zipfile.ZipFile(made) as source,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("sheet1.xml"):
                data = sheet
            elif strings and name.endswith("sharedStrings.xml"):
                data = strings
            file.writestr(name, data)
    return content.getvalue()


SHEET = (
    b'<?xml version="1.0"?>%s<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<sheetData>%s</sheetData></worksheet>"
)


def inline(reference: str, text: str) -> bytes:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


def within(seconds: float, content: bytes) -> list[str]:
    begun = time.process_time()
    said = refusal(content, "f.xlsx")
    assert time.process_time() - begun < seconds
    return said


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = archive(**{"xl__worksheets__sheet1.xml": b"\x00" * (60 * 1024 * 1024)})
    assert len(bomb) < 100_000
    assert within(5, bomb)[0].startswith("the file is too large when unpacked")


def test_a_member_that_is_larger_than_it_says_is_refused() -> None:
    honest = archive(**{"xl__workbook.xml": b"a" * 5_000_000})
    size = (5_000_000).to_bytes(4, "little")
    assert size in honest
    assert within(5, honest.replace(size, (10).to_bytes(4, "little")))[0].startswith("the file cannot be read")


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="1">%s</row><row r="1048576">%s</row>' % (inline("A1", "type"), inline("XFD1048576", "text")),
        b'<row r="1">%s%s</row>' % (inline("A1", "type"), inline("XFD1", "name")),
        b"<row/>" * 900_000,
        b'<row r="1">%s</row>' % inline("A1", "type") + b"<row/>" * 150_000,
    ],
    ids=["far corner", "far column", "million rows", "many empty rows"],
)
def test_a_sheet_of_a_million_rows_does_not_keep_the_program_busy(rows: bytes) -> None:
    assert within(20, spreadsheet(SHEET % (b"", rows)))


def test_more_rows_than_allowed_are_refused() -> None:
    cells = b"".join(b"<row>%s</row>" % inline(f"A{number}", "x") for number in range(1, 20_003))
    assert within(20, spreadsheet(SHEET % (b"", cells))) == ["the file has more than 20,000 rows; divide the form"]


def test_entities_in_a_spreadsheet_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("very secret")
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">'.encode() for n in range(1, 9)
    )
    for dtd in (laughs + b"]>", f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{secret}">]>'.encode()):
        rows = b'<row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row>'
        said = within(5, spreadsheet(SHEET % (dtd, rows)))
        assert said[0].startswith("the file cannot be read as a spreadsheet")
        assert "secret" not in "".join(said)


def test_many_questions_nested_deep_or_with_long_names_end_in_time() -> None:
    head = "| survey |\n| | type | name | label |\n"
    deep = head + "".join(f"| | begin_group | g{n} | G |\n" for n in range(3000))
    assert any("groups nest too deep" in line for line in refusal(deep))
    assert refusal(head + f"| | text | {'a' * 65} | A |") == [
        "survey row 2, name: the name has 65 characters; at most 64 are allowed"
    ]
    begun = time.process_time()
    marks = head + "| | text | a | " + "#" * 200_000 + " |" + "#" * 200_000 + "|\n"
    refusal(marks.replace("text", "txet"))
    assert time.process_time() - begun < 5


def test_nothing_is_read_but_the_bytes_that_were_given() -> None:
    # pyxform takes a text for a path when there is a file of that name
    assert refusal(str(FOLDER / "names.md"))[0].startswith("there is no sheet survey")
    assert refusal(os.fsencode(__file__))[0].startswith("there is no sheet survey")
