"""`evaluator questionnaire eval`: one JSON value a line, whatever comes in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.cli import group
from questionnaires.expression import ExpressionError, parse
from questionnaires.trial import as_json, tried


def run(text: bytes, *arguments: str) -> list[str]:
    result = CliRunner().invoke(group, ["questionnaire", "eval", *arguments], input=text)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_every_line_gives_one_json_value() -> None:
    lines = b"1 + 1\n1 div 4\n0 div 0\n-1 div 0\n'a'\ntrue()\r\ndate('1970-01-02')\n\nnope(\n'\xe6\x82\xa8\xe5\xa5\xbd'"
    found = [json.loads(line) for line in run(lines)]
    assert found[:7] == [2, 0.25, "NaN", "-Infinity", "a", True, "1970-01-02"]
    assert "empty" in found[7]["error"]
    assert "unknown function nope()" in found[8]["error"]
    assert found[9] == "您好"
    assert run(b"1 + 1\n1.0\n") == ["2", "1"]


def test_a_file_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "expressions.txt"
    file.write_text("'a\fb\u2028c'\n2 * 3\n", encoding="utf-8")
    assert [json.loads(line) for line in run(b"", str(file))] == ["a\fb\u2028c", 6]


def test_bytes_that_are_no_text_are_answered_too() -> None:
    lines = "\N{BYTE ORDER MARK}'您'\r\n'好\N{BYTE ORDER MARK}'\n".encode() + b"'\xff'\n'\xe5\xa5'\n\xef\xbb\xbf\n1"
    found = [json.loads(line) for line in run(lines)]
    assert found[:2] == ["您", "好\N{BYTE ORDER MARK}"]
    assert found[2:4] == [{"error": "at character 2: no UTF-8; save the file as UTF-8"}] * 2
    assert "empty" in found[4]["error"]
    assert found[5:] == [1]


UNREACHED = [
    "unknown('x')",
    "selectd('a', 'b')",
    "unknown(unknown(1), ${a})",
    "not()",
    "indexed-repeat(${a}, ${b})",
    "/data/place/name",
    "../place",
    "place",
    "current()",
    "pulldata('table', 'a', 'b', 'c')",
    "regex('x', '(x')",
    "digest('x', 'MD4')",
    "format-date(today(), '%Q')",
    "sum(1)",
    "count(/data/place)",
    "property('deviceid')",
    "jr:choice-name('a', 'b')",
    "position(place)",
    "-place",
]


@pytest.mark.parametrize("source", UNREACHED)
def test_what_is_not_reached_is_not_looked_at(source: str) -> None:
    assert tried(f"true() or {source}") == "true"
    assert tried(f"false() and {source} = 1") == "false"
    assert tried(f"if(1, 'x', {source})") == '"x"'
    assert tried(f"coalesce('x', concat({source}))") == '"x"'
    for reached in (source, f"false() or {source}", f"concat('a', {source})", f"boolean({source})"):
        assert "error" in json.loads(tried(reached)), reached
    with pytest.raises(ExpressionError):
        parse(f"true() or {source}")


@pytest.mark.parametrize("source", ["1 +", "(", "unknown(", "unknown('x', )", "'x", "1 2", "#", "nope(#", "${a b}"])
def test_what_cannot_be_read_is_an_error_wherever_it_stands(source: str) -> None:
    assert "error" in json.loads(tried(f"true() or {source}"))


def test_two_thousand_lines_take_seconds() -> None:
    started = time.perf_counter()
    lines = [f"if({number} > 500, concat('a', {number}), round({number} div 7, 2)) != 'x'" for number in range(2_000)]
    assert run("\n".join(lines).encode()) == ["true"] * 2_000
    assert time.perf_counter() - started < 30


def test_time_and_chance_are_there() -> None:
    assert json.loads(tried("today() > 20000")) is True
    assert len(json.loads(tried("uuid()"))) == 36
    assert tried("uuid()") != tried("uuid()")


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, "1"), (-0.0, "0"), (0.5, "0.5"), (1e22, "1" + "0" * 22), (1e-7, "1e-07"), (False, "false"), ("ü", '"ü"')],
)
def test_a_value_is_written_as_json(value: float | str | bool, written: str) -> None:
    assert as_json(value) == written


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    assert json.loads(tried(text)) is not None


def test_it_needs_no_settings_and_loads_no_database(tmp_path: Path) -> None:
    script = (
        "import sys; from evaluator.cli import main; sys.argv = ['evaluator', 'questionnaire', 'eval']\n"
        "try: main()\n"
        "finally: print([name for name in ('piccolo', 'litestar', 'numpy', 'scipy') if name in sys.modules])"
    )
    environment = {**os.environ, "EVALUATOR_DATA_DIR": str(tmp_path / "absent"), "EVALUATOR_DATABASE": "nonsense"}
    result = subprocess.run(
        [sys.executable, "-c", script], input=b"1 + 1\n", capture_output=True, env=environment, check=False
    )
    assert result.stdout.decode().split() == ["2", "[]"]
    assert not (tmp_path / "absent").exists()
