"""The shared cases, in Python and in the small script; tests/browser/test_receipt_script.py runs them in Chromium."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluator.ledger import verify_receipt as script
from evaluator.ledger.notes import NoteError
from evaluator.ledger.receipts import ReceiptError, verify_receipt
from tests.ledger.receipt_cases import FILE, cases

CASES: list[dict[str, Any]] = json.loads(FILE.read_text())
SCRIPT = Path(script.__file__)


def test_the_file_is_what_the_cases_say() -> None:
    assert cases() == CASES
    assert len(CASES) > 150
    assert sum(case["proves"] is not None for case in CASES) >= 12


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_python_judges_a_receipt_as_all_do(case: dict[str, Any]) -> None:
    if case["proves"]:
        found = verify_receipt(case["receipt"], case["key"])
        assert {name: getattr(found, name) for name in case["proves"]} == case["proves"]
        return
    with pytest.raises({"key": NoteError, "any": (NoteError, ReceiptError)}.get(case["reason"], ReceiptError)):
        verify_receipt(case["receipt"], case["key"])


def by_script(receipt: str, key: str) -> str:
    """As its last lines do, without a process for each."""
    name, ident, data = key.split("+", 2)
    script.check(script.sha256(f"{name}\n".encode() + script.decoded(data)).digest()[:4].hex() == ident, "mistyped")
    return str(script.verify(receipt, name, bytes.fromhex(ident), script.decoded(data)[1:]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_small_script_judges_a_receipt_as_all_do(case: dict[str, Any]) -> None:
    if proves := case["proves"]:
        said = by_script(case["receipt"], case["key"])
        assert said == f"{proves['origin']}, entry {proves['position']} of {proves['size']}\n{proves['entry']}"
        return
    with pytest.raises(ValueError):  # noqa: PT011
        by_script(case["receipt"], case["key"])


def run(*given: str | Path) -> subprocess.CompletedProcess[str]:
    """Isolated: no package of ours or of anybody can be imported."""
    return subprocess.run([sys.executable, "-I", "-S", SCRIPT, *given], capture_output=True, text=True)


def test_the_small_script_runs_alone_and_answers_with_its_exit_code(tmp_path: Path) -> None:
    good = next(case for case in CASES if case["proves"])
    bad = next(case for case in CASES if case["reason"] == "proof")
    paths = [tmp_path / "good.txt", tmp_path / "bad.txt", tmp_path / "binary.txt"]
    paths[0].write_text(good["receipt"])
    paths[1].write_text(bad["receipt"])
    paths[2].write_bytes(b"\xff\xfe")
    told = run(paths[0], good["key"])
    assert told.returncode == 0
    assert told.stdout.startswith("VERIFIED: example.org/log/campaign/spring, entry 0 of 1\n")
    told = run(paths[1], bad["key"])
    assert (told.returncode, told.stdout.split(":")[0]) == (1, "NOT VERIFIED")
    for given in ((paths[2], good["key"]), (tmp_path / "none.txt", good["key"]), (paths[0], "key"), (paths[0],), ()):
        told = run(*given)
        assert (told.returncode, told.stdout.split(":")[0]) == (2, "WRONG INPUT")


def test_the_small_script_is_short_and_needs_the_standard_library_only() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) < 100
    imported = [line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert set(imported) <= {"base64", "hashlib", "re", "sys"}
