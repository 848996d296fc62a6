"""The demo's folder: nothing that is not a demo is ever touched, and a broken-off demo is no obstacle."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from evaluator.demo import accounts, place
from evaluator.demo.cli import demo
from evaluator.problems import Problem
from evaluator.settings import Settings

DAY = date(2026, 11, 25)


def settings(folder: Path) -> Settings:
    return Settings(data_dir=folder)


def test_a_folder_with_somebody_elses_data_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "evaluator.sqlite").write_text("a real site")
    with pytest.raises(Problem, match=r"evaluator\.sqlite"):
        place.check(settings(tmp_path))
    with pytest.raises(Problem, match=r"evaluator\.sqlite"):
        place.wipe(settings(tmp_path))
    assert (tmp_path / "evaluator.sqlite").read_text() == "a real site"


def test_a_database_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="EVALUATOR_DATABASE_URL"):
        place.check(Settings(data_dir=tmp_path, database_url="sqlite:///elsewhere.sqlite"))


def test_an_empty_folder_and_a_mere_secret_key_are_fine(tmp_path: Path) -> None:
    place.check(settings(tmp_path / "new"))
    (tmp_path / "secret_key").write_text("k" * 40)
    place.check(settings(tmp_path))


def test_wiping_takes_the_demo_and_nothing_else(tmp_path: Path) -> None:
    place.write_mark(settings(tmp_path), place.Mark(1, 100, DAY, "edition"))
    (tmp_path / "evaluator.sqlite").write_text("")
    (tmp_path / "editions" / "x").mkdir(parents=True)
    (tmp_path / "demo" / "edition").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    place.wipe(settings(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "notes.txt"]
    assert place.read_mark(settings(tmp_path)) is None
    assert list((tmp_path / "demo").iterdir()) == []


def test_only_one_demo_is_made_in_a_place_at_a_time(tmp_path: Path) -> None:
    with place.alone(settings(tmp_path)), pytest.raises(Problem, match="Another demo"), place.alone(settings(tmp_path)):
        pass


def test_passwords_are_for_the_owners_eyes(tmp_path: Path) -> None:
    path = tmp_path / "demo" / accounts.FILE
    accounts.write_logins(path, [accounts.Login("operator", "secret-word", "operator", 1, "")], ["AAAA-BBBB"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret-word" in path.read_text()
    assert "AAAA-BBBB" in path.read_text()


def test_a_second_run_leaves_a_finished_demo_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LANG", "C.UTF-8")
    place.write_mark(settings(tmp_path), place.Mark(1, 300_000, DAY, "sd-2026"))
    accounts.write_logins(tmp_path / "demo" / accounts.FILE, [accounts.Login("operator", "pw", "operator", 1, "")], [])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = CliRunner().invoke(demo, ["--no-serve", "--responses", "2000"])
    assert result.exit_code == 0, result.output
    assert "--fresh" in result.output
    assert "sd-2026" in result.output
    assert {path: content for path, content in before.items() if path.read_bytes() != content} == {}
