"""A realistic large XLSForm: how long it takes to load, and to work out each answer anew.

    .venv/bin/python benchmarks/questionnaire_speed.py [--questions 600] [--keep FOLDER]

The form is a household survey in two languages: groups within groups, cascading choices, skip logic that reads earlier
answers, totals, constraints and messages. It is made anew each time, always the same. Times are the processor's, so
that what else runs on the machine does not count.
"""

from __future__ import annotations

import argparse
import io
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import xlsxwriter

from questionnaires.definition import Question, Questionnaire
from questionnaires.evaluation import Context
from questionnaires.loading import built, loads
from questionnaires.recompute import plan, recompute
from questionnaires.screens import screens, visible_in
from questionnaires.writing import dumps
from questionnaires.xlsform import importing
from questionnaires.xlsform.building import Building
from questionnaires.xlsform.checking import check
from questionnaires.xlsform.converting import to_xform
from questionnaires.xlsform.exporting import export_form
from questionnaires.xlsform.reading import read_workbook
from questionnaires.xlsform.xform import read_xform

T = TypeVar("T")
Row = dict[str, str]
PLACES = (6, 8, 6)  # provinces, cities in each, counties in each


def large_form(questions: int = 600, seed: int = 1) -> dict[str, list[Row]]:
    """Rows of a form with so many questions, and more that nobody answers."""
    draw = random.Random(seed)
    survey: list[Row] = [{"type": "start", "name": "start"}, {"type": "today", "name": "today"}]
    choices = _choices()
    survey += _where()
    numbers: list[str] = []
    chosen: list[tuple[str, str]] = []  # question, list
    asked = 3
    section = 0
    while asked < questions:
        section += 1
        name = f"part_{section}"
        survey.append({"type": "begin_group", "name": name, **_words(f"Part {section}"), "appearance": "field-list"})
        own_numbers: list[str] = []
        for inner in range(3):
            gate = _condition(draw, numbers, chosen)
            survey.append({"type": "begin_group", "name": f"{name}_{inner}", **_words("A matter"), "relevant": gate})
            for _ in range(8):
                asked += 1
                row = _question(draw, f"q{asked}", numbers, chosen)
                survey.append(row)
                if row["type"] == "integer":
                    own_numbers.append(row["name"])
                elif row["type"].startswith("select_one"):
                    chosen.append((row["name"], row["type"].split()[1]))
                numbers += own_numbers[-1:]
            survey.append({"type": "end_group", "name": ""})
        total = " + ".join("coalesce(${" + one + "}, 0)" for one in own_numbers[:8]) or "0"
        survey.append({"type": "calculate", "name": f"total_{section}", "calculation": total})
        survey.append({
            "type": "note", "name": f"told_{section}", **_words(f"The sum is ${{total_{section}}}."),
            "relevant": f"${{total_{section}}} > 0",
        })  # fmt: skip
        survey.append({"type": "end_group", "name": ""})
        numbers.append(f"total_{section}")
    settings = [{
        "form_title": "Household survey", "form_id": "household", "version": "1", "default_language": "English (en)",
    }]  # fmt: skip
    return {"survey": survey, "choices": choices, "settings": settings}


def _words(text: str) -> Row:
    return {"label::English (en)": text, "label::Français (fr)": f"[fr] {text}"}


def _choices() -> list[Row]:
    found = []
    for name, count in (("yes_no", 2), ("often", 5), ("kind", 9), ("service", 14)):
        for number in range(count):
            found.append({"list_name": name, "name": f"{name[0]}{number}", **_words(f"{name} {number}")})
    for first in range(PLACES[0]):
        found.append({"list_name": "province", "name": f"p{first}", **_words(f"Province {first}")})
        for second in range(PLACES[1]):
            city = f"p{first}c{second}"
            found.append({"list_name": "city", "name": city, **_words(f"City {city}"), "province": f"p{first}"})
            for third in range(PLACES[2]):
                code = f"{city}t{third}"
                found.append({"list_name": "county", "name": code, **_words(f"County {code}"), "city": city})
    return found


def _where() -> list[Row]:
    return [
        {"type": "begin_group", "name": "place", **_words("Where"), "appearance": "field-list"},
        {"type": "select_one province", "name": "province", **_words("Province?"), "required": "yes"},
        {
            "type": "select_one city", "name": "city", **_words("City?"), "choice_filter": "province = ${province}",
            "relevant": "${province} != ''",
        },
        {
            "type": "select_one county", "name": "county", **_words("County?"), "choice_filter": "city = ${city}",
            "relevant": "${city} != ''",
        },
        {"type": "end_group", "name": ""},
    ]  # fmt: skip


def _condition(draw: random.Random, numbers: list[str], chosen: list[tuple[str, str]]) -> str:
    if not numbers or not chosen:
        return "${province} != ''"
    question, name = draw.choice(chosen[-40:])
    code = f"{name[0]}{draw.randrange(2)}"
    number = draw.choice(numbers[-40:])
    return draw.choice([
        f"selected(${{{question}}}, '{code}')",
        f"${{{question}}} = '{code}' or ${{{number}}} > 3",
        f"${{{number}}} >= 0 and not(selected(${{{question}}}, '{code}'))",
        f"coalesce(${{{number}}}, 0) < 90",
    ])  # fmt: skip


def _question(draw: random.Random, name: str, numbers: list[str], chosen: list[tuple[str, str]]) -> Row:
    kind = draw.choice(["integer", "integer", "select_one", "select_one", "select_multiple", "text", "decimal", "date"])
    row: Row = {"type": kind, "name": name, **_words(f"How is it with matter {name}, in the last 12 months?")}
    if kind.startswith("select"):
        row["type"] = f"{kind} {draw.choice(['yes_no', 'often', 'kind', 'service'])}"
    if draw.random() < 0.75:
        row["relevant"] = _condition(draw, numbers, chosen)
    if draw.random() < 0.5:
        row["hint::English (en)"], row["hint::Français (fr)"] = "An estimate will do.", "[fr] An estimate will do."
    if kind in ("integer", "decimal"):
        row["constraint"] = (
            ". >= 0 and . <= 120" if draw.random() < 0.5 or not numbers else f". <= 100 or ${{{numbers[-1]}}} > 1"
        )
        row["constraint_message::English (en)"], row["constraint_message::Français (fr)"] = "Too many", "[fr] Too many"
    if draw.random() < 0.3:
        row["required"] = "yes"
    return row


def workbook(form: dict[str, list[Row]]) -> bytes:
    """The form as an xlsx file."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    for name, rows in form.items():
        sheet = book.add_worksheet(name)
        headers = list(dict.fromkeys(header for row in rows for header in row))
        for column, header in enumerate(headers):
            sheet.write_string(0, column, header)
        for number, row in enumerate(rows, 1):
            for header, text in row.items():
                sheet.write_string(number, headers.index(header), text)
    book.close()
    return content.getvalue()


def timed(work: Callable[[], T], times: int = 5) -> tuple[float, T]:
    """The median of the seconds that something takes, and what it gives."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        result = work()
        taken.append(time.process_time() - begun)
    return statistics.median(taken), result


def answer(item: Question, draw: random.Random) -> list[str]:
    """Some answer."""
    if item.choices:
        codes = [choice.code for choice in item.choices]
        return draw.sample(codes, min(2, len(codes))) if item.type == "multiple" else [draw.choice(codes)]
    return {"date": ["2026-05-01"], "text": ["a word"], "decimal": ["2.5"]}.get(item.type, [str(draw.randrange(60))])


def fill(questionnaire: Questionnaire, seed: int = 2) -> list[float]:
    """Seconds to work out the state after each answer, of someone who answers all that is asked."""
    draw = random.Random(seed)
    context = Context(datetime(2026, 11, 25, 9, 30, tzinfo=UTC))
    given: dict[str, list[str]] = {}
    taken = []
    for item in questionnaire.questions:
        given[item.code] = answer(item, draw)
        begun = time.process_time()
        state = recompute(questionnaire, given, context, draft=True)
        visible_in(questionnaire, state)
        taken.append(time.process_time() - begun)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--keep", type=Path, help="folder for form.xlsx and form.yaml")
    arguments = parser.parse_args()
    form = large_form(arguments.questions)
    content = workbook(form)
    reading, book = timed(lambda: read_workbook(content, "form.xlsx"))
    checking, _ = timed(lambda: check(book, "form.xlsx"))
    pyxform, xml = timed(lambda: to_xform(book, "form", "form.xlsx"))
    parsing, xform = timed(lambda: read_xform(xml))
    building, root = timed(lambda: Building(xform, book).root())
    checks, (questionnaire, _) = timed(lambda: built(root, "form.xlsx"))
    writing, text = timed(lambda: dumps(questionnaire))
    whole, imported = timed(lambda: importing.import_form(content, "form.xlsx"))
    loading, loaded = timed(lambda: loads(text))
    assert loaded == imported.questionnaire
    exporting, exported = timed(lambda: export_form(questionnaire), 3)
    assert importing.import_form(exported, "form.xlsx").questionnaire == questionnaire
    screens(questionnaire)
    planning, _ = timed(lambda: plan.__wrapped__(questionnaire))
    fill(questionnaire)
    taken = sorted(fill(questionnaire))
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        (arguments.keep / "form.xlsx").write_bytes(content)
        (arguments.keep / "form.yaml").write_text(text, encoding="utf-8")
    relevants = sum(1 for row in form["survey"] if row.get("relevant"))
    print(f"{len(questionnaire.questions)} questions, {len(xform.binds)} binds, {relevants} conditions of relevance")
    print(f"{len(form['choices'])} choices; xlsx {len(content):,} bytes, YAML {len(text.encode()):,} bytes")
    ours = reading + checking + parsing + building + checks + writing
    print(f"import from xlsx: {whole:.3f} s, of which pyxform {pyxform:.3f} s and ours {ours:.3f} s")
    print(f"  reading {reading:.3f}, checking {checking:.3f}, parsing {parsing:.3f}, building {building:.3f},")
    print(f"  definition {checks:.3f}, writing {writing:.3f}")
    print(f"load of the YAML: {loading:.3f} s; plan: {planning:.3f} s; export to xlsx: {exporting:.3f} s")
    print(
        f"each answer worked out anew: median {1000 * statistics.median(taken):.2f} ms, "
        f"99 % within {1000 * taken[int(0.99 * len(taken))]:.2f} ms, slowest {1000 * taken[-1]:.2f} ms"
    )


if __name__ == "__main__":
    main()
