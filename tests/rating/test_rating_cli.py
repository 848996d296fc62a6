"""The rating's commands: exit 0 for done or yes, 1 for no, 2 for wrong input with what, where and a remedy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lakes import SCHEME, by_hand, change_csv, copied

from evaluator.rating.cli import rate, snapshot, verify
from evaluator.rating.scheme_cli import scheme


def run(command: object, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])  # type: ignore[arg-type]


def test_rate_writes_an_edition_that_verify_confirms(tmp_path: Path, lakes_snapshot: Path) -> None:
    rated = run(rate, SCHEME, lakes_snapshot, "--out", tmp_path / "edition", "--seed", 5, "--draws", 64)
    assert rated.exit_code == 0, rated.stderr
    assert "lakes-2031-" in rated.stdout
    assert all(f"{step}: " in rated.stderr for step in ("read and check", "estimate", "draw, rank, grade", "write"))
    assert '"seed": 5' in (tmp_path / "edition" / "edition.json").read_text()
    assert '"draws": 64' in (tmp_path / "edition" / "edition.json").read_text()
    verified = run(verify, tmp_path / "edition", "--snapshot", lakes_snapshot)
    assert verified.exit_code == 0
    assert verified.stdout.startswith("yes: lakes-2031-")


def test_rate_warns_of_weights_as_check_does(tmp_path: Path, lakes_snapshot: Path) -> None:
    odd = tmp_path / "odd.yaml"
    odd.write_text(SCHEME.read_text(encoding="utf-8").replace("talk: {weight: 0.6", "talk: {weight: 0.7"), "utf-8")
    told = [run(scheme, "check", odd), run(rate, odd, lakes_snapshot, "--out", tmp_path / "edition", "--draws", 4)]
    assert [one.exit_code for one in told] == [0, 0]
    checked, rated = ([line for line in one.stderr.splitlines() if line.startswith("warning: ")] for one in told)
    assert any("sum to 1.1" in line for line in checked)
    assert rated == checked


def test_verify_says_no_with_a_line_a_difference(tmp_path: Path, lakes_edition: Path) -> None:
    edition = copied(lakes_edition, tmp_path / "edition")
    change_csv(edition / "scores.csv", lambda rows: rows[0].update(score="1"))
    told = run(verify, edition)
    assert told.exit_code == 1
    assert "scores.csv is not what was published: its SHA-256 differs" in told.stdout.splitlines()
    assert any(line.startswith("scores r index/score 1 ") for line in told.stdout.splitlines())
    assert told.stderr.splitlines()[-1].startswith("no: ")


def test_many_differences_are_cut_unless_all_are_asked_for(tmp_path: Path, lakes_edition: Path) -> None:
    edition = copied(lakes_edition, tmp_path / "edition")
    change_csv(edition / "sensitivity.csv", lambda rows: [row.update(value="-7") for row in rows])
    few, every = run(verify, edition).stdout.splitlines(), run(verify, edition, "--all").stdout.splitlines()
    assert any("more differences; --all prints them" in line for line in few)
    assert len(every) > len(few)


def test_an_existing_out_is_wrong_input(tmp_path: Path, lakes_snapshot: Path) -> None:
    refused = run(rate, SCHEME, lakes_snapshot, "--out", tmp_path)
    assert refused.exit_code == 2
    assert "exists" in refused.stderr


@pytest.mark.parametrize("missing", ["scheme", "snapshot", "edition"])
def test_what_is_not_there_is_wrong_input(tmp_path: Path, lakes_snapshot: Path, missing: str) -> None:
    if missing == "edition":
        told = run(verify, tmp_path / "nowhere")
    else:
        files = {"scheme": SCHEME, "snapshot": lakes_snapshot} | {missing: tmp_path / "nowhere"}
        told = run(rate, files["scheme"], files["snapshot"], "--out", tmp_path / "out")
    assert told.exit_code == 2
    assert "nowhere" in told.stderr


def test_a_defective_snapshot_is_wrong_input_for_rate_and_a_no_for_check(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "snapshot")
    checked = run(snapshot, "check", folder, "--scheme", SCHEME)
    assert (checked.exit_code, checked.stdout.startswith("yes: units 20")) == (0, True)
    change_csv(folder / "records.csv", lambda rows: rows[2].update(numerator="99"))
    rated = run(rate, SCHEME, folder, "--out", tmp_path / "out")
    checked = run(snapshot, "check", folder, "--scheme", SCHEME)
    assert (rated.exit_code, checked.exit_code) == (2, 1)
    assert "records row 4 column numerator" in rated.stderr
    assert "records row 4 column numerator" in checked.stderr
    assert run(snapshot, "check", tmp_path / "nowhere").exit_code == 2


def test_scheme_check_and_diff(tmp_path: Path) -> None:
    changed = tmp_path / "changed.yaml"
    changed.write_text(SCHEME.read_text().replace("w: 2", "w: 3"))
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(SCHEME.read_text().replace("dim: walk", "dim: wlak", 1))
    assert run(scheme, "check", SCHEME).stdout == "yes: lakes 3, 3 levels, 2 dimensions, 5 indicators\n"
    refused = run(scheme, "check", wrong)
    assert refused.exit_code == 1
    assert "wrong.yaml:" in refused.stderr
    assert "did you mean 'walk'?" in refused.stderr
    assert run(scheme, "diff", SCHEME, SCHEME).exit_code == 0
    told = run(scheme, "diff", SCHEME, changed, "--paths")
    assert (told.exit_code, told.stdout) == (1, "indicators.heard.weight 2.0 -> 3.0\n")
    assert run(scheme, "diff", SCHEME, wrong).exit_code == 2
    assert run(scheme, "check", tmp_path / "nowhere.yaml").exit_code == 2


STOPPED = {signal.SIGINT: 130, signal.SIGTERM: 143}
WHILE_DRAWING = """
from evaluator.rating import cli, run
compute = run.compute
def begun(*arguments):
    print("begun", flush=True)
    return compute(*arguments)
run.compute = begun
cli.rate()
"""
# after 0.3 s of the process's own work, so that the query has begun however busy the machine is
DURING_A_QUERY_WITH_HALF_AN_EDITION_WRITTEN = """
import os, signal
from evaluator.rating import cli, edition, tabular
def write_parquet(*_):
    signal.signal(signal.SIGPROF, lambda *_: os.kill(os.getpid(), signal.{}))
    signal.setitimer(signal.ITIMER_PROF, 0.3)
    with tabular.connect() as connection:
        connection.execute("SELECT count(*) FROM range(100000000000) WHERE hash(range) % 7 = 0")
edition.write_parquet = write_parquet
cli.rate()
"""


@contextmanager
def started(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    work = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs inherit it ignored
    )  # fmt: skip
    try:
        yield work
    finally:
        work.kill()


@pytest.mark.parametrize("sent", STOPPED)
def test_a_rating_can_be_stopped_and_leaves_nothing(tmp_path: Path, lakes_snapshot: Path, sent: signal.Signals) -> None:
    with started(WHILE_DRAWING, SCHEME, lakes_snapshot, "--out", tmp_path / "out", "--draws", 500_000) as work:
        assert work.stdout is not None
        assert work.stdout.readline() == "begun\n"
        work.send_signal(sent)
        _, told = work.communicate(timeout=600)  # most of it is loading, on a busy machine
    assert (work.returncode, told) == (STOPPED[sent], "stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", STOPPED)
def test_so_it_can_while_duckdb_runs_a_query(tmp_path: Path, lakes_snapshot: Path, sent: signal.Signals) -> None:
    script = DURING_A_QUERY_WITH_HALF_AN_EDITION_WRITTEN.format(sent.name)
    with started(script, SCHEME, lakes_snapshot, "--out", tmp_path / "out", "--draws", 64) as work:
        _, told = work.communicate(timeout=600)  # most of it is loading, on a busy machine
    assert (work.returncode, told) == (STOPPED[sent], "stopped; nothing was written\n")
    assert list(tmp_path.iterdir()) == []
