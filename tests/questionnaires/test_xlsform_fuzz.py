"""Whatever bytes come: a questionnaire or a refusal, never another exception, never without end."""

from __future__ import annotations

import io
import random
import time
import zipfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questionnaires.loading import load_shipped, loads
from questionnaires.mistakes import DefinitionError
from questionnaires.xlsform.exporting import export_form
from questionnaires.xlsform.importing import import_form

FOLDER = Path(__file__).parent / "xlsform"
SPICE = [
    b"${", b"}", b"|", b",", b"\n", b"'", b"(", b"begin_group", b"\xff", b"\x00", b"[", b"&#0;", b"<", b"::",
    b"jr:itext('x')", b"select_one x", b"{unit}", b"\xe2\x80\x9c", b"]]>", b"../", b"%s", b"evaluator::",
]  # fmt: skip
COLUMNS = [
    "label", "label::en", "label::zh", "hint", "guidance_hint", "relevant", "required", "constraint",
    "constraint_message", "choice_filter", "calculation", "default", "read_only", "appearance", "parameters",
    "repeat_count", "trigger", "media::image", "disabled", "bind::foo", "bind::jr:x", "body::y", "bind::nodeset",
    "save_to", "intent", "evaluator::score", "evaluator::type", "evaluator::labels", "evaluator::code",
    "evaluator::from", "evaluator::part", "evaluator::range", "evaluator::relevant", "evaluator::each",
]  # fmt: skip
TYPES = [
    "text", "integer", "decimal", "select_one l", "select_multiple l", "rank l", "note", "begin_group", "end_group",
    "begin_repeat", "end_repeat", "calculate", "range", "acknowledge", "hidden", "start", "audit", "image", "date",
    "select_one l or_other", "geopoint", "background-audio", "begin_loop over l", "end_loop", "percentage",
]  # fmt: skip
CELLS = [
    "", "a", "b", "l", "1", "${a}", "${b}", "${a} = 1", "'x'", "yes", "true()", "x y", "table-list", "field-list",
    "label", "list-nolabel", "start=0 end=10 step=1", "start=1 end=0", "step=0", "randomize=true", "now()",
    "once(${a})", ". > 1", ". >= 0 and . <= 5", "name = ${a}", "{unit}", "{x}", "“q”", "[a, b]", "{en: 0a1b2c3d}",
    "scale", "matrix", "group", "note", "null", "{text: {en: 0a1b2c3d}}", "(", "''", "position(..)", "../a",
    "/data/a", "current()/../a", "jr:choice-name(${a}, '${a}')", "-", "=1+1", "metadata", "single", "[0, 10]", "]]>",
    "<a>", "jr:itext('x')", "audit", "meta", "instanceID", "x" * 70, "%s", "%(x)s", "{0}", "\u202e", "\U000f0001",
]  # fmt: skip
SETTINGS = [
    "form_title", "form_id", "version", "default_language", "name", "style", "clean_text_values", "instance_name",
    "allow_choice_duplicates", "evaluator::languages", "evaluator::imported", "evaluator::title",
    "evaluator::quality", "evaluator::translating", "entity_version", "namespaces", "flat", "add_none_option",
]  # fmt: skip
SECONDS = 20  # of the processor: far more than it takes


def tried(content: bytes) -> None:
    begun = time.process_time()
    refusal = None
    try:
        found = import_form(content, "form.x")
    except DefinitionError as error:
        refusal = error
    assert time.process_time() - begun < SECONDS
    if refusal is None:
        assert loads(found.text) == found.questionnaire
        return
    assert refusal.lines()
    assert "Traceback" not in str(refusal)
    assert "site-packages" not in str(refusal)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(content: bytes) -> None:
    tried(content)
    tried(b"PK\x03\x04" + content)
    tried(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + content)


def mutated(content: bytes, draw: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(5)
        if kind == 0 and at < len(data):
            data[at] = draw.randrange(256)
        elif kind == 1:
            data[at:at] = draw.randbytes(draw.randrange(8))
        elif kind == 2:
            del data[at : at + draw.randrange(1, 50)]
        elif kind == 3:
            data[at:at] = data[at : at + draw.randrange(200)]
        else:
            data[at:at] = draw.choice(SPICE)
    return bytes(data)


def mutated_archive(content: bytes, draw: random.Random) -> bytes:
    """A spreadsheet with changes in the parts that it holds."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        chosen = draw.choice(source.namelist())
        for name in source.namelist():
            data = source.read(name)
            archive.writestr(name, mutated(data, draw) if name == chosen else data)
    return made.getvalue()


def test_mutated_files() -> None:
    draw = random.Random(20261125)
    spreadsheet = export_form(load_shipped("sd-service"))
    files = [path.read_bytes() for path in sorted(FOLDER.iterdir())]
    for _ in range(250):
        tried(mutated(draw.choice([*files, spreadsheet]), draw))
    for _ in range(60):
        tried(mutated_archive(spreadsheet, draw))


def random_form(draw: random.Random) -> str:
    """A form of cells that mean something somewhere."""
    columns = ["type", "name", *draw.sample(COLUMNS, draw.randrange(1, 9))]
    rows = [f"| survey |\n| | {' | '.join(columns)} |", "| | integer | a | A |", "| | text | b | B |"]
    names = ["c", "d", "e", "f", "g", "data", "a_other", "b_count", "A", "_x", "a-b", "a.b", "年龄"]
    draw.shuffle(names)
    for _ in range(draw.randrange(1, 9)):
        cells = [draw.choice(TYPES), names.pop()]
        for name in columns[2:]:
            cells.append("L" if name == "label" and draw.random() < 0.8 else draw.choice(CELLS))
        keep = [*cells[:2], *(cell if draw.random() < 0.4 or cell == "L" else "" for cell in cells[2:])]
        rows.append(f"| | {' | '.join(keep)} |")
    extra = draw.sample(["label::en", "place", "evaluator_score", "evaluator_columns"], draw.randrange(4))
    rows.append(f"| choices |\n| | {' | '.join(['list_name', 'name', 'label', *extra])} |")
    for code in draw.sample(["a", "b", "1", "10", "other", "x y"], draw.randrange(1, 5)):
        rows.append(f"| | l | {code} | X | {' | '.join(draw.choice(CELLS) for _ in extra)} |")
    if draw.random() < 0.5:
        keys = draw.sample(SETTINGS, draw.randrange(1, 5))
        rows.append(f"| settings |\n| | {' | '.join(keys)} |\n| | {' | '.join(draw.choice(CELLS) for _ in keys)} |")
    return "\n".join(rows)


def test_forms_of_random_cells() -> None:
    draw = random.Random(1125)
    for _ in range(400):
        tried(random_form(draw).encode())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=3, max_size=12))
def test_random_texts_in_cells(texts: list[str]) -> None:
    cells = [f'"{text.replace(chr(34), chr(34) * 2)}"' for text in texts]
    rows = ["survey", ",type,name,label,relevant,calculation", ",integer,a,A,,"]
    rows += [f",text,q{number},{cell},{cells[number - 1]},{cells[number - 2]}" for number, cell in enumerate(cells)]
    tried("\n".join(rows).encode())
