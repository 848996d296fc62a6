"""Import, export and translations on the command line."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from evaluator.collection.cli import questionnaire
from questionnaires.loading import load, load_shipped
from questionnaires.translations import lacking, stamped
from questionnaires.writing import dumps

FOLDER = Path(__file__).parent / "xlsform"


def run(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(questionnaire, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_a_shipped_form_goes_out_and_comes_back(tmp_path: Path) -> None:
    code, said, _ = run("export", "sd-citizen", "--out", tmp_path / "form.xlsx")
    assert (code, said) == (0, f"{tmp_path}/form.xlsx: sd-citizen@2026.1, 16 questions\n")
    code, said, _ = run("import", tmp_path / "form.xlsx", "--out", tmp_path / "form.yaml")
    assert (code, said) == (0, f"{tmp_path}/form.yaml: sd-citizen@2026.1, 16 questions, 0 remarks\n")
    assert load(tmp_path / "form.yaml") == load_shipped("sd-citizen")
    assert run("import", tmp_path / "form.xlsx")[1] == dumps(load_shipped("sd-citizen"))


def test_a_wrong_form_is_told_line_by_line_and_writes_nothing(tmp_path: Path) -> None:
    code, said, wrong = run("import", FOLDER / "syntax.md", "--out", tmp_path / "form.yaml")
    assert (code, said) == (2, "")
    assert wrong.splitlines()[1].startswith(f"{FOLDER}/syntax.md: survey row 3, relevant: at character 13 of the expr")
    assert not (tmp_path / "form.yaml").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "form.xlsx").write_text("mine")
    code, _, wrong = run("export", "sd-service", "--out", tmp_path / "form.xlsx")
    assert code == 2
    assert "File exists; name a new file" in wrong
    assert (tmp_path / "form.xlsx").read_text() == "mine"


def test_remarks_are_told_with_their_rows(tmp_path: Path) -> None:
    form = tmp_path / "my form.md"
    form.write_text("| survey |\n| | type | name | label |\n| | text | a | **A** |\n", encoding="utf-8")
    code, said, remarks = run("import", form, "--out", tmp_path / "form.yaml")
    assert code == 0
    assert said.endswith("my-form@1, 1 questions, 3 remarks\n")
    assert f"{form}: survey row 2, label: markup in texts is shown as it is written; write plain words" in remarks


def test_translations_that_are_missing_or_old_are_listed_and_stamped(tmp_path: Path) -> None:
    form = tmp_path / "form.yaml"
    text = (
        'code: v\nversion: "1"\nlanguages: [en, zh]\ntranslating: [zh]\nsections:\n'
        "  - code: s\n    title: {en: Visit}\n"
        "    items:\n      - {code: a, type: text, text: {en: New words, zh: 甲, from: {zh: 00000000}}}\n"
    )
    form.write_text(text, encoding="utf-8")
    assert run("translations", form) == (1, "s/title\tzh\tmissing\tVisit\ns/a/text\tzh\told\tNew words\n", "")
    code, said, _ = run("translations", form, "--stamp")
    assert code == 0
    form.write_text(said, encoding="utf-8")
    assert run("translations", form)[:2] == (1, "s/title\tzh\tmissing\tVisit\n")
    assert load(form) == stamped(load(form))
    assert [lack.kind for lack in lacking(load(form))] == ["missing"]
    assert run("translations", "sd-citizen")[0] == 0
