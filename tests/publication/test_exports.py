"""Workbooks and CSV: what they hold, their mark, and that nothing in them is taken for a formula."""

from __future__ import annotations

import io
import math
from typing import Any

from litestar.testing import AsyncTestClient
from python_calamine import CalamineWorkbook

from evaluator.publication import exports
from evaluator.publication.exports import Sheet, csv_of, sheets, write_xlsx
from evaluator.rating.doors import SIMULATED
from tests.publication import small_edition as small

EVIL = ("=1+1", '=HYPERLINK("http://x","y")', "+1", "-1+2", "@SUM(A1)", "\t=1", "http://example.org", "0012")


def read_workbook(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


async def test_the_workbook_of_an_edition_holds_its_ratings_and_says_what_it_is(
    client: AsyncTestClient, published: str, edition
) -> None:
    answer = await client.get(f"/editions/{published}/files/{published}.xlsx", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    book = read_workbook(answer.content)
    assert list(book) == ["about", "columns", "ratings", "indicators"]
    assert all(SIMULATED in str(rows[0][0]) for rows in book.values())
    assert ["Edition", published] in [row[:2] for row in book["about"]]
    head = book["ratings"][1]
    rows = {str(row[0]): dict(zip(head, row, strict=False)) for row in book["ratings"][2:]}
    assert set(rows) == set(edition.ratings)
    for code, rating in edition.ratings.items():
        assert rows[code]["name_zh"] == edition.units[code].name.zh
        assert rows[code]["grade"] == rating.grade
        if not math.isnan(rating.index):
            assert rows[code]["index"] == rating.index
    scores = {score.node: score for score in edition.scores.of("9001")}
    assert rows["9001"]["answer_lower"] == scores["answer"].lower
    indicators = {str(row[0]): dict(zip(book["indicators"][1], row, strict=False)) for row in book["indicators"][2:]}
    assert indicators["9001"]["kept_score"] == scores["kept"].score
    assert isinstance(book["ratings"][2][0], str)  # a code is text: no leading zero is lost


async def test_the_workbook_is_made_once_a_language(client: AsyncTestClient, settings, published: str) -> None:
    for language in ("en", "en", "zh-CN"):
        await client.get(f"/editions/{published}/files/{published}.xlsx", headers={"Accept-Language": language})
    assert len(list((settings.data_dir / "workbooks").iterdir())) == 2


def test_text_is_never_a_formula_or_an_address_in_a_workbook(edition) -> None:
    out = io.BytesIO()
    write_xlsx(out, edition, [Sheet("evil", "x", ("text",), [[text] for text in EVIL])])
    import zipfile

    with zipfile.ZipFile(out) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
    assert [row[0] for row in read_workbook(out.getvalue())["evil"][2:]] == list(EVIL)


def test_text_is_never_a_formula_in_csv(edition) -> None:
    lines = csv_of(edition, ("text",), [[text] for text in EVIL]).decode("utf-8-sig").split("\r\n")[1:-1]
    starts = [line.lstrip('"')[0] for line in lines]
    assert not {"=", "+", "-", "@", "\t"} & set(starts)


def test_numbers_stay_numbers_and_blanks_stay_blank(edition) -> None:
    out = io.BytesIO()
    write_xlsx(out, edition, [Sheet("n", "x", ("a", "b", "c"), [[1.5, math.nan, 3.0], [0.1234567, "", 7]])])
    assert read_workbook(out.getvalue())["n"][2:] == [[1.5, "", 3.0], [0.123457, "", 7.0]]


def test_every_column_of_the_ratings_is_explained(edition) -> None:
    about = {row[1] for sheet in sheets(edition, ["9001"]) if sheet.name == "columns" for row in sheet.rows}
    assert {"index", "lower", "upper", "grade_probability", "simultaneous_lower"} <= about
    assert "answer_score / _lower / _upper" in about


def test_a_units_document_has_no_not_a_number(edition) -> None:
    import msgspec

    document = msgspec.json.encode(exports.unit_document(edition, small.SILENT))
    assert b"NaN" not in document
    assert b'"index":null' in document
