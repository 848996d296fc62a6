"""XLSForm in and out: what a questionnaire means survives the way through a spreadsheet and pyxform."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from openpyxl import load_workbook
from pyxform.xls2json_backends import get_xlsform
from pyxform.xls2xform import convert

from questionnaires.definition import Questionnaire
from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.mistakes import DefinitionError
from questionnaires.writing import dumps
from questionnaires.xlsform.exporting import export_form
from questionnaires.xlsform.importing import Imported, import_form
from questionnaires.xlsform.reading import read_workbook
from tests.questionnaires.form_generator import questionnaires


def taken_in(form: str, name: str = "form.md") -> Imported:
    found = import_form(form.encode(), name)
    assert loads(found.text) == found.questionnaire
    again = import_form(export_form(found.questionnaire), "again.xlsx")
    assert again.text == found.text
    return found


def lines(found: Imported) -> list[str]:
    """The lines of items in the YAML, without what is around them."""
    return [line.strip() for line in found.text.splitlines() if line.strip().startswith(("- {code", "- code"))]


def survey(columns: str, *rows: str, rest: str = "") -> str:
    return "\n".join(["| survey |", f"| | {columns} |", *(f"| | {row} |" for row in rows), rest])


# --- there and back


@pytest.mark.parametrize("code", shipped())
def test_every_shipped_questionnaire_comes_back_equal(code: str) -> None:
    questionnaire = load_shipped(code)
    found = import_form(export_form(questionnaire), f"{code}.xlsx")
    assert found.questionnaire == questionnaire
    assert loads(found.text) == questionnaire
    assert found.remarks == []
    assert export_form(found.questionnaire) == export_form(questionnaire)


@settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making it smaller takes minutes
)  # fmt: skip
@given(questionnaires())
def test_every_questionnaire_comes_back_equal(questionnaire: Questionnaire) -> None:
    found = import_form(export_form(questionnaire), "form.xlsx")
    assert dumps(found.questionnaire) == dumps(questionnaire)
    assert found.questionnaire == questionnaire


@pytest.mark.parametrize("code", shipped())
def test_pyxform_converts_what_we_export_without_an_error(code: str) -> None:
    """So ODK, Kobo and Enketo can: our columns are none of their business."""
    content = export_form(load_shipped(code))
    xml = convert(content, file_type=".xlsx").xform
    assert "evaluator::" not in xml
    assert xml.count("<bind ") > 5


def test_a_scale_is_a_range_or_with_answers_beside_its_numbers_a_choice() -> None:
    questionnaire = loads(
        """\
code: s
version: "1"
languages: [en]
sections:
  - code: a
    title: {en: A}
    items:
      - {code: plain, type: scale, range: [0, 10], labels: {"0": {en: Bad}, "10": {en: Good}}, text: {en: How}}
      - {code: beside, type: scale, range: [1, 3], labels: {"1": {en: Bad}, dk: {en: Unknown}}, text: {en: How}}
"""
    )
    sheets = load_workbook(io.BytesIO(export_form(questionnaire)))
    rows = [[cell.value for cell in row] for row in sheets["survey"].iter_rows()]
    assert rows[2][:2] == ["range", "plain"]
    assert "start=0 end=10 step=1 tick_labelset=plain" in rows[2]
    assert rows[3][:2] == ["select_one beside", "beside"]
    choices = [[cell.value for cell in row][:3] for row in sheets["choices"].iter_rows(min_row=2)]
    assert choices[2:] == [
        ["beside", "1", "Bad"],
        ["beside", "2", "2"],
        ["beside", "3", "3"],
        ["beside", "dk", "Unknown"],
    ]
    assert import_form(export_form(questionnaire), "s.xlsx").questionnaire == questionnaire


def test_no_cell_of_an_export_is_a_formula_or_a_link() -> None:
    nasty = ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK('http://x')", "https://example.org"]
    items = "".join(
        f'      - {{code: q{n}, type: text, default: "{text}", text: {{en: "{text}"}}, hint: {{en: "{text}"}}}}\n'
        for n, text in enumerate(nasty)
    )
    questionnaire = loads(
        f'code: s\nversion: "1"\nlanguages: [en]\ntitle: {{en: "=1+1"}}\nsections:\n'
        f'  - code: a\n    title: {{en: "=A1"}}\n    items:\n{items}'
    )
    content = export_form(questionnaire)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            assert b"<f>" not in data
            assert b"<hyperlink" not in data
    for sheet in load_workbook(io.BytesIO(content)):
        assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert import_form(content, "s.xlsx").questionnaire == questionnaire


def test_a_text_that_is_too_long_for_a_cell_is_refused() -> None:
    conditions = ", ".join("{if: \"${q} = '" + "x" * 400 + "'\", flag: f}" for _ in range(90))
    questionnaire = loads(
        'code: s\nversion: "1"\nlanguages: [en]\nsections:\n  - code: a\n    title: {en: A}\n    items:\n'
        f"      - {{code: q, type: text, text: {{en: Q}}}}\nquality: {{contradiction: [{conditions}]}}\n"
    )
    with pytest.raises(DefinitionError, match="evaluator::quality is too long for a cell"):
        export_form(questionnaire)


# --- what forms of others mean


def test_groups_become_sections_and_questions_outside_of_them_sections_of_their_own() -> None:
    found = taken_in(
        survey(
            "type | name | label | appearance | relevant",
            "text | first | First | | ",
            "begin_group | g | Group | field-list | ${first} = 'x'",
            "begin_group | inner | Inner | | ",
            "text | a | A | | ",
            "end_group",
            "end_group",
            "text | last | Last | multiline | ",
        )
    )
    assert [(one.code, one.show) for one in found.questionnaire.sections] == [
        ("section-1", "one_by_one"), ("g", "together"), ("section-2", "one_by_one"),
    ]  # fmt: skip
    middle = found.questionnaire.sections[1]
    assert middle.relevant is not None
    assert middle.relevant.source == "${first} = 'x'"
    assert middle.groups[0].code == "inner"
    assert found.questionnaire.imported


def test_paths_in_any_form_become_questions() -> None:
    found = taken_in(
        survey(
            "type | name | label | relevant | calculation | repeat_count",
            "integer | n | N | | | ",
            "begin_repeat | r | R | | | ${n} + 1",
            "text | a | A | | | ",
            "text | b | B | ${a} = '${n}' | | ",
            "calculate | c | | | concat(../a, /data/n, current()/../a, ${n}) | ",
            "end_repeat",
            "calculate | d | | | sum(${a}) + count(${r}) - ${n}div 2 + jr:choice-name(${n}, '${n}') | ",
        )
    )
    items = {item.code: item for item in found.questionnaire.items}
    assert items["b"].relevant is not None
    assert items["b"].relevant.source == "${a} = '${n}'"
    assert items["c"].calculate is not None
    assert items["c"].calculate.source == "concat(${a}, ${n}, ${a}, ${n})"
    assert items["d"].calculate is not None
    assert items["d"].calculate.source == "sum(${a}) + count(${r}) - ${n}div 2 + jr:choice-name(${n}, '${n}')"
    repeat = found.questionnaire.sections[0].groups[0]
    assert (repeat.kind, repeat.count and repeat.count.source) == ("repeat", "${n} + 1")
    assert "r_count" not in items


CITIES = """
| choices |
| | list_name | name | label | province |
| | province | sd | Shandong | |
| | province | js | Jiangsu | |
| | city | jn | Jinan | sd |
| | city | nj | Nanjing | js |
"""


def test_cascading_choices_keep_their_filters_and_columns() -> None:
    found = taken_in(
        survey(
            "type | name | label | choice_filter | parameters",
            "select_one province | province | Where | | ",
            "select_one city | city | City | province = ${province} | randomize=true, seed=${province}",
            "select_multiple city or_other | more | More | | ",
            "rank city | order | Order | | ",
            rest=CITIES,
        )
    )
    items = {item.code: item for item in found.questionnaire.items}
    assert (
        "choices: [{code: sd, text: {en: Shandong}}" in found.text.replace("\n          ", " ")
        or "code: sd" in found.text
    )
    assert items["province"].list is None  # only that question has it, and it is called like it
    assert items["city"].list == items["more"].list == "city_list"
    assert 'choice_filter: "province = ${province}"' in found.text
    assert items["city"].randomise
    assert [choice.columns for choice in items["city"].choices[:2]] == [(("province", "sd"),), (("province", "js"),)]
    assert items["city"].choices[2].code == "other"
    assert items["more_other"].relevant is not None
    assert items["more_other"].relevant.source == "selected(${more}, 'other')"
    assert items["order"].type == "rank"
    remarks = dict(found.remarks)
    assert remarks["survey row 4"].startswith(
        "or_other adds the choice other and the question more_other, worded in En"
    )


def test_types_mean_what_they_mean_in_odk() -> None:
    found = taken_in(
        survey(
            "type | name | label | calculation | default | constraint | read_only | trigger | parameters",
            "start | began | | | | | | | ",
            "audit | | | | | | | | ",
            "integer | whole | W | | | . >= 0 and . <= 120 | | | ",
            "integer | any | A | | 5 | . != 3 | | | ",
            "decimal | dec | D | | | . >= 0.5 and . <= 9 and (. != 3) | | | ",
            "range | scale | S | | | | | | start=0 end=10 step=1",
            "range | rough | R | | | | | | start=0 end=100 step=5",
            "date | day | D | | today() | | | | ",
            "time | t | T | | | | | | ",
            "dateTime | dt | T | | | | | | ",
            "note | n | Thanks | | | | | | ",
            "text | fixed | F | | | | yes | | ",
            "text | shown | S | ${whole} * 2 | | | | | ",
            "text | follows | F | now() | | | | ${whole} | ",
            "calculate | c | | once(uuid()) | | | | | ",
            "calculate | dyn | | | ${whole} | | | | ",
            "hidden | h | | | x | | | | ",
            "acknowledge | ok | OK | | | | | | ",
            "image | i | I | | | | | | ",
            "file | f | F | | | | | | ",
            "barcode | b | B | | | | | | ",
            "geoshape | g | G | | | | | | ",
        )
    )
    assert (
        "\n".join(lines(found)[1:])
        == """\
- {code: began, type: metadata, kind: start}
- {code: audit, type: metadata, kind: audit}
- {code: whole, type: integer, text: {en: W}, range: [0, 120]}
- {code: any, type: integer, text: {en: A}, constraint: ". != 3", default: 5, range: [-999999999, 999999999]}
- {code: dec, type: decimal, text: {en: D}, constraint: ". != 3", range: [0.5, 9]}
- {code: scale, type: scale, text: {en: S}, range: [0, 10]}
- {code: rough, type: integer, text: {en: R}, range: [0, 100], step: 5}
- {code: day, type: date, text: {en: D}, default_from: "today()"}
- {code: t, type: time, text: {en: T}}
- {code: dt, type: datetime, text: {en: T}}
- {code: "n", type: note, text: {en: Thanks}}
- {code: fixed, type: text, text: {en: F}, readonly: true}
- {code: shown, type: text, text: {en: S}, calculate: "${whole} * 2"}
- {code: follows, type: text, text: {en: F}, calculate: "now()", trigger: [whole]}
- {code: c, type: calculate, calculate: "once(uuid())"}
- {code: dyn, type: hidden, default_from: "${whole}"}
- {code: h, type: hidden, default: x}
- {code: ok, type: acknowledge, text: {en: OK}}
- {code: i, type: file, kind: image, text: {en: I}}
- {code: f, type: file, kind: any, text: {en: F}}
- {code: b, type: barcode, text: {en: B}}
- {code: g, type: geoshape, text: {en: G}}"""
    )


YES_NO = "| choices |\n| | list_name | name | label |\n| | yn | y | Yes |\n| | yn | n | No |\n"


def test_a_table_of_choices_becomes_a_matrix_however_it_is_written() -> None:
    short = taken_in(
        survey(
            "type | name | label | appearance",
            "begin_group | m | Views | table-list", "select_one yn | a | A | ", "select_one yn | b | B | ",
            "end_group", rest=YES_NO,
        )
    )  # fmt: skip
    long = taken_in(
        survey(
            "type | name | label | appearance",
            "begin_group | m | Views | field-list", "select_one yn | head | x | label",
            "select_one yn | a | A | list-nolabel", "select_one yn | b | B | list-nolabel", "end_group", rest=YES_NO,
        )
    )  # fmt: skip
    assert short.questionnaire.sections == long.questionnaire.sections
    group = short.questionnaire.sections[0].groups[0]
    assert (group.kind, group.code, group.title and group.title["en"]) == ("matrix", "m", "Views")
    assert [item.code for item in short.questionnaire.items] == ["a", "b"]


def test_languages_are_told_by_their_codes_and_missing_translations_shown() -> None:
    found = taken_in(
        "| survey |\n| | type | name | label::中文(zh) | label::English | label::Klingon | hint::English |\n"
        "| | text | a | 甲 | A | qIj | Hint |\n| | text | b | 乙 | - | | |\n"
        "| settings |\n| | default_language |\n| | 中文(zh) |\n"
    )
    assert found.questionnaire.languages == ("zh", "en", "und-Klingon")
    assert set(found.questionnaire.translating) == {"zh", "und-Klingon"}
    assert found.questionnaire.question("b").text.texts == (("zh", "乙"), ("en", "-"))
    said = [message for _, message in found.remarks]
    assert "the language Klingon is called und-Klingon here; write its code behind its name: Klingon (xx)" in said
    assert ("survey row 2, hint::English", "this text is not in zh; write it there") in found.remarks


def test_quotes_and_blanks_of_words_stay_as_they_are() -> None:
    found = taken_in(
        survey("type | name | label::en | hint::en", "text | a | “您好”  ‘x’ | ${b} l’été", "text | b | ${a}“${a}”")
    )
    assert found.questionnaire.question("a").text["en"] == "“您好”  ‘x’"
    hint = found.questionnaire.question("a").hint
    assert hint is not None
    assert hint["en"] == "${b} l’été"
    assert found.questionnaire.question("b").text["en"] == "${a}“${a}”"


def test_names_in_two_groups_get_the_group_in_front() -> None:
    found = taken_in(
        survey(
            "type | name | label | relevant",
            "begin_group | man | Man | ", "integer | age | Age | ", "text | x | X | ../age > 1", "end_group",
            "begin_group | woman | Woman | ", "integer | age | Age | ", "text | y | Y | ../age > 1", "end_group",
        )
    )  # fmt: skip
    assert [item.code for item in found.questionnaire.items] == ["man_age", "x", "woman_age", "y"]
    relevant = found.questionnaire.question("y").relevant
    assert relevant is not None
    assert relevant.source == "${woman_age} > 1"
    assert ("survey row 7, name", "age stands in two groups: here it is called woman_age; give each its own name") in (
        found.remarks
    )


def test_what_means_nothing_here_is_told_with_its_row() -> None:
    found = taken_in(
        survey(
            "type | name | label | requird | appearance | media::image",
            "text | a | **A** {x} | yes | minimal shiny | a.png", "| | | a comment | | ",
            rest="| settings |\n| | form_id | version | instance_name |\n| | My Form | v 1 | ${a} |\n",
        )
    )  # fmt: skip
    assert found.questionnaire.identifier == "my-form@v-1"
    assert [row for row, _ in found.remarks] == [
        "survey row 1", "survey row 1, requird", "survey row 2, label", "survey row 2, label",
        "survey row 2, appearance", "survey row 2, media::image", "survey row 3", "settings row 2",
        "settings row 2, version", "settings row 2, instance_name",
    ]  # fmt: skip


def test_our_own_columns_survive_edits_in_a_spreadsheet() -> None:
    book = load_workbook(io.BytesIO(export_form(load_shipped("sd-citizen"))))
    sheet = book["survey"]
    headers = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        if row[1].value == "extra":
            row[headers.index("label::English (en)")].value = "Did any of these happen?"
    content = io.BytesIO()
    book.save(content)
    found = import_form(content.getvalue(), "edited.xlsx").questionnaire
    before = load_shipped("sd-citizen")
    assert found.question("extra").text["en"] == "Did any of these happen?"
    assert found.question("extra").exclusive == before.question("extra").exclusive
    assert found.question("extra").score == before.question("extra").score


def test_a_condition_that_was_changed_wins_over_the_spelling_that_we_kept() -> None:
    form = survey(
        "type | name | label | relevant | evaluator::relevant",
        "text | a | A | | ",
        "text | b | B | ${a} = 'x' | \"${a}  =  'x'\"",
        "text | c | C | ${a} = 'y' | \"${a} = 'x'\"",
    )  # fmt: skip
    found = import_form(form.encode(), "form.md")
    sources = [item.relevant.source for item in found.questionnaire.items if item.relevant]
    assert sources == ["${a}  =  'x'", "${a} = 'y'"]
    assert found.remarks[-1] == (
        "survey row 4, evaluator::relevant",
        "relevant says something else in its own column: this one is passed over",
    )


# --- the sheets


@pytest.mark.parametrize("kind", ["xlsx", "csv", "md"])
def test_cells_are_read_as_pyxform_reads_them(kind: str) -> None:
    rows = {
        "survey": [
            ["type", "name", " label ", "required", "default"],
            ["text", "a", "A | b", True, 3.0], [], ["integer", "b", " B ", False, 2.5], ["date", "c", "#x", "", 10**15],
        ],
        "choices": [["list_name", "name", "label"], ["l", 1, "One"]],
        "settings": [["form_id", "version"], ["f", 2026]],
    }  # fmt: skip
    content = {"xlsx": as_xlsx, "csv": as_csv, "md": as_markdown}[kind](rows)
    ours = read_workbook(content, f"f.{kind}")
    theirs = get_xlsform(content, file_type=f".{kind}")
    for name in rows:
        assert [dict(row) for row in ours[name].rows] == [
            {key.strip(): value for key, value in row.items()} for row in getattr(theirs, name)
        ]


def as_xlsx(sheets: dict[str, list[list[object]]]) -> bytes:
    import xlsxwriter

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return content.getvalue()


def as_csv(sheets: dict[str, list[list[object]]]) -> bytes:
    found = []
    for name, rows in sheets.items():
        found.append(name)
        found += ["," + ",".join(f'"{value}"' for value in row) for row in rows if row]
    return "\n".join(found).encode()


def as_markdown(sheets: dict[str, list[list[object]]]) -> bytes:
    found = []
    for name, rows in sheets.items():
        found.append(f"| {name} |")
        found += ["| | " + " | ".join(str(value).replace("|", "\\|") for value in row) + " |" for row in rows if row]
    return "\n".join(found).encode()


def test_a_file_from_a_spreadsheet_with_a_mark_of_its_encoding_is_read() -> None:
    form = "survey\n,type,name,label\n,text,a,A\n"
    assert import_form(form.encode("utf-8-sig"), "f.csv").text == import_form(form.encode("utf-16"), "f.csv").text
