"""A wheel has everything that runs: an editable installation reads the source tree and hides what was forgotten."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("evaluator", "methods", "questionnaires", "templates")
NOT_SHIPPED = ("__pycache__", ".pyc", ".new")
LOOK = """
import json
from evaluator import __file__ as here, language, pages
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.shipped import shipped
from questionnaires.loading import loads, shipped_text
language.current.set("zh-CN")
for name in pages.environment().list_templates(extensions=["html"]):
    pages.environment().get_template(name)
print(json.dumps({
    "here": here, "schemes": [load_scheme(path).code for path in shipped().values()], "sheet": pages.stylesheet(),
    "translated": language.gettext("Registered schemes"), "questionnaire": loads(shipped_text("sd-citizen")).code,
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of an earlier build gets in and nothing is left behind."""
    home = tmp_path_factory.mktemp("wheel")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, home / "source" / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, home / "source" / name)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('..'))"
    made = subprocess.run([sys.executable, "-c", build], cwd=home / "source", capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return home / made.stdout.splitlines()[-1]


def test_it_has_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        there = {name for name in archive.namelist() if not name.startswith("evaluator-")}
    here = {
        path.relative_to(ROOT).as_posix()
        for name in FOLDERS
        for path in (ROOT / name).rglob("*")
        if path.is_file() and not any(part in path.as_posix() for part in NOT_SHIPPED)
    }
    inside = {f"evaluator/{name}" if name.startswith("templates/") else name for name in here}
    assert sorted(inside - there) == [], "add the ending to package-data in pyproject.toml"
    assert sorted(there - inside) == []


def test_what_is_unpacked_runs_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "unpacked")}
    told = subprocess.run([sys.executable, "-c", LOOK], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    assert Path(found["here"]).is_relative_to(tmp_path / "unpacked")
    assert sorted(found["schemes"]) == ["asem", "cpi-2012", "rule-of-law", "sd-integrity"]
    assert found["questionnaire"] == "sd-citizen"
    assert found["translated"] != "Registered schemes"
    assert found["sheet"].startswith("/static/evaluator.css?")
