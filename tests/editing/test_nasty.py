"""A file from outside may hold anything: it is refused or shown as text, and nothing of it stops the site."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.collection.tables import QuestionnaireVersion
from evaluator.editing.uploading import file_name, read_upload
from questionnaires.document import MOST_BYTES
from questionnaires.loading import shipped, shipped_text
from questionnaires.mistakes import DefinitionError, Mistake
from tests.editing.conftest import HOME, SMALL, Site

NAMES = ["a.yaml", "a.yml", "a.xlsx", "a.xls", "a.csv", "a.md", "a.exe", "", "../../etc/passwd", "a\x00.yaml"]
SCRIPT = "<script>alert(1)</script>"
INJECTED = [
    SCRIPT,
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 191 }}",
    "{% include 'base.html' %}",
    '\\"><b>x</b>',
    "&lt;b&gt;",
]


def zipped(**parts: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name.replace("__", "/"), part)
    return content.getvalue()


def bomb() -> bytes:
    """A workbook that unpacks to 300 MB."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        with file.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(300):
                sheet.write(b" " * 1024 * 1024)
    return content.getvalue()


FILES: dict[str, tuple[str, bytes]] = {
    "random bytes as a workbook": ("a.xlsx", random.Random(1).randbytes(5000)),
    "a zip that is no workbook": ("a.xlsx", zipped(x=b"x")),
    "a zip bomb": ("a.xlsx", bomb()),
    "a zip with a path out": ("a.xlsx", zipped(**{"..__..__x": b"x"})),
    "an old workbook that is none": ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "yaml in a workbook's name": ("a.xlsx", SMALL.encode()),
    "a workbook in yaml's name": ("a.yaml", zipped(x=b"x")),
    "too long a yaml": ("a.yaml", b"# " + b"x" * (MOST_BYTES + 10)),
    "too many lists": ("a.yaml", b"[" * 100_000),
    "a billion laughs": ("a.yaml", b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
    "a tag": ("a.yaml", b"!!python/object/apply:os.system ['true']"),
    "no utf-8": ("a.yaml", "code: \u5c0f".encode("gb18030")),
    "utf-16": ("a.yaml", SMALL.encode("utf-16")),
    "nothing but blanks": ("a.csv", b" \n\n"),
    "half a csv": ("a.csv", b'"survey","type\n'),
    "a list of formulas": ("a.csv", b'"survey",,\n,"type","name"\n,"=1+1","@x"\n'),
    "markdown without tables": ("a.md", b"# hello\n"),
    "a picture": ("a.png", b"\x89PNG\r\n"),
    "no ending": ("questionnaire", SMALL.encode()),
}


@pytest.mark.parametrize("what", FILES)
async def test_what_is_no_questionnaire_is_refused_with_reasons_and_nothing_is_kept(
    light_site: Site, what: str
) -> None:
    name, content = FILES[what]
    answer = await light_site.bring(content, name)
    assert answer.status_code == 422, what
    assert "Nothing was kept" in answer.text
    assert answer.text.count("<td") >= 2, "at least one mistake is told"
    program = await light_site.bring(content, name, accept="application/json")
    assert program.status_code == 422
    assert program.json()["errors"]
    assert await QuestionnaireVersion.count() == 0


def mistakes(content: bytes, name: str) -> tuple[Mistake, ...] | None:
    """What is wrong with a file; None when it is read. Any other error fails the test."""
    try:
        read_upload(content, name)
    except DefinitionError as error:
        return error.mistakes
    return None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(NAMES))
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    found = mistakes(content, file_name(name))
    assert found is None or found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.sampled_from(["a.yaml", "a.md", "a.csv"]))
def test_a_questionnaire_with_damage_is_read_or_refused(chance: random.Random, name: str) -> None:
    raw = bytearray(SMALL.encode())
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(raw))
        raw[at : at + chance.randint(0, 4)] = bytes(chance.randrange(256) for _ in range(chance.randint(0, 4)))
    found = mistakes(bytes(raw), name)
    assert found is None or found


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(light_site: Site) -> None:
    answer = await light_site.bring(b"x" * (11 * 1024 * 1024), "a.xlsx")
    assert answer.status_code == 413
    assert "<h1" in answer.text


async def test_a_form_without_a_file_says_so(light_site: Site) -> None:
    for fields in ({"file": "no upload"}, {}):
        answer = await light_site.post(HOME, fields)
        assert answer.status_code == 422
        assert "Choose a file that is not empty." in answer.text
    assert (await light_site.bring(b"", "a.yaml")).status_code == 422


@pytest.mark.parametrize("text", INJECTED)
async def test_texts_are_shown_as_text_wherever_they_stand(light_site: Site, text: str) -> None:
    file = SMALL
    for words in ("A small one", "Contact", "Yes, I did", "How many days did it take?", "Anything else?"):
        file = file.replace(f'"{words}"', f'"{text} {words}"')
    if "{" in text:
        assert (await light_site.bring(file)).status_code == 422, "a brace is refused"
        return
    assert (await light_site.bring(file)).status_code == 303
    await light_site.bring(file.replace('version: "1"', 'version: "2"').replace("Anything else?", "Something?"))
    for address in ("small/1", "small/2?against=1", "small/1/preview", "small/1/preview/1", "small/1/preview/2",
                    "small/1/publish", "small/1/try", ""):  # fmt: skip
        page = await light_site.get(f"{HOME}/{address}".rstrip("/"))
        assert page.status_code == 200, address
        for harm in (SCRIPT, "<img src=x", "<b>x</b>"):
            assert harm not in page.text, address
    assert "script-src 'self'" in (await light_site.get(f"{HOME}/small/1")).headers["content-security-policy"]


async def test_a_mistake_that_quotes_the_file_is_shown_as_text(light_site: Site) -> None:
    answer = await light_site.bring(SMALL.replace("type: single", f"type: {SCRIPT}"), f"{SCRIPT}.yaml")
    assert answer.status_code == 422
    assert SCRIPT not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("name", shipped())
async def test_every_shipped_questionnaire_is_kept_and_comes_out_as_an_xlsform_that_comes_in_again(
    light_site: Site, name: str
) -> None:
    kept = await light_site.bring(shipped_text(name), f"{name}.yaml")
    assert kept.status_code == 303
    address = kept.headers["location"].partition("?")[0]
    for page in ("", "/preview", "/preview/1"):
        assert (await light_site.get(address + page)).status_code == 200
    form = (await light_site.get(f"{address}/form.xlsx")).content
    again = read_upload(form, f"{name}.xlsx")
    original = read_upload(shipped_text(name).encode(), f"{name}.yaml")
    assert again.questionnaire.identifier == original.questionnaire.identifier
    assert [item.code for item in again.questionnaire.items] == [item.code for item in original.questionnaire.items]
    answer = await light_site.bring(form, f"{name}.xlsx")
    assert answer.status_code in (200, 303)
