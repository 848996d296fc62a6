"""Two versions on the command line: plain words, and an exit code that a script can ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from evaluator import cli
from tests.collection.conftest import QUESTIONNAIRE

NEXT = QUESTIONNAIRE.replace('version: "1"', 'version: "2"')


@pytest.fixture
def diff(tmp_path: Path):
    def run(old: str, new: str):
        (tmp_path / "old.yaml").write_text(old)
        (tmp_path / "new.yaml").write_text(new)
        given = ["questionnaire", "diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]
        return CliRunner().invoke(cli.group, given)

    return run


def test_words_are_compatible(diff) -> None:
    result = diff(QUESTIONNAIRE, NEXT.replace('en: "Rudeness"', 'en: "Rude staff"'))
    assert result.exit_code == 0
    assert "experience/trouble/rude: another translation (en): “Rude staff” instead of “Rudeness”" in result.output
    assert "can move from small@1 to small@2" in result.output


def test_what_breaks_comes_first_and_the_answer_is_no(diff) -> None:
    changed = NEXT.replace("V-zh", "W-zh").replace("score: 50", "score: 40")
    result = diff(QUESTIONNAIRE, changed)
    assert result.exit_code == 1
    first, second, *_ = result.output.splitlines()
    assert first == "breaks comparison: this needs a new campaign (1)"
    assert second == "  view/kept/half: another score: 40 instead of 50"
    assert "the translation (en) was not changed with its source" in result.output
    assert "cannot move from small@1 to small@2" in result.output


def test_nothing_changed(diff) -> None:
    result = diff(QUESTIONNAIRE, QUESTIONNAIRE)
    assert (result.exit_code, result.output) == (0, "small@1 and small@1 ask the same in the same words.\n")


def test_a_changed_file_with_the_same_version_is_told(diff) -> None:
    result = diff(QUESTIONNAIRE, QUESTIONNAIRE.replace("V-zh", "W-zh"))
    assert result.exit_code == 0
    assert "give the changed one another version" in result.output


def test_a_file_with_mistakes_is_wrong_input(diff) -> None:
    result = diff(QUESTIONNAIRE, NEXT.replace("type: scale", "type: slope"))
    assert result.exit_code == 2
    assert "new.yaml:" in result.output
