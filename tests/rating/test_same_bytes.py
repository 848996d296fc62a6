"""Two runs of the same scheme and snapshot give the same bytes, whatever process, place, clock and language."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lakes import SCHEME, copied

from evaluator.rating.doors import EDITION

COMMAND = "import sys; from evaluator.cli import main; sys.argv[0] = 'evaluator'; main()"
PLACES = {  # what must not matter: the order of sets, time zone, language, threads, the processor
    "one": {"PYTHONHASHSEED": "1", "TZ": "Asia/Shanghai", "LANG": "C", "LC_ALL": "C", "OPENBLAS_NUM_THREADS": "1"},
    "other": {
        "PYTHONHASHSEED": "4242", "TZ": "America/Los_Angeles", "LANG": "tr_TR.UTF-8", "LC_ALL": "C.UTF-8",
        "LANGUAGE": "zh_CN", "OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem",
    },
}  # fmt: skip
DRAWS = 128
GROUPS = "groups: {old: {item: age, choices: [old]}}\n"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, lakes_snapshot: Path) -> dict[str, Path]:
    """The same edition from two processes at once, each in a folder of its own name."""
    running = {}
    for name, environment in PLACES.items():
        home = tmp_path_factory.mktemp(name)
        snapshot = copied(lakes_snapshot, home / f"snapshot-{name}")
        for number, path in enumerate(snapshot.rglob("*")):
            os.utime(path, (1_000_000_000 + 86_400 * number * len(name),) * 2)
        kept = {key: value for key, value in os.environ.items() if key not in environment}
        scheme = home / "scheme.yaml"
        scheme.write_text(SCHEME.read_text(encoding="utf-8") + GROUPS, encoding="utf-8")
        arguments = ["rate", scheme, snapshot, "--out", home / "edition", "--draws", str(DRAWS)]
        running[home / "edition"] = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)], cwd=home, env=kept | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    for process in running.values():
        _out, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    return dict(zip(PLACES, running, strict=True))


def test_every_file_is_the_same_byte_for_byte(both: dict[str, Path]) -> None:
    one, other = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        for folder in both.values()
    )
    named = [f"{name}.{form}" for name in EDITION for form in ("csv", "parquet")]
    assert set(one) == {*named, "SHA256SUMS", "datapackage.json", "edition.json", "scheme.yaml"}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in one.items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in other.items()
    }
    assert all(len(content) > 100 for content in one.values())
