"""The documentation says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from evaluator.cli import COMMANDS
from evaluator.rating.doors import EDITION, SNAPSHOT
from evaluator.settings import Settings

ROOT = Path(__file__).parent.parent


def test_every_table_and_column_of_the_two_doors_is_documented() -> None:
    pieces = re.split(r"^## (.+)$", (ROOT / "docs/files.md").read_text(), flags=re.M)[1:]
    sections = dict(zip(pieces[::2], pieces[1::2], strict=True))
    for part, doors in (("Snapshot", SNAPSHOT), ("Edition", EDITION)):
        tables = {t.split("\n", 1)[0]: t for t in sections[part].split("### ")[1:]}
        assert set(tables) == set(doors)
        for door in doors.values():
            said = re.findall(r"^\| `(\S+?)` \| (\w+)", tables[door.name], flags=re.M)
            assert said == [*((c.name, c.kind) for c in door.columns), *((f"{p}*", k) for p, k in door.prefixes)]


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    missing = [f for f in Settings.__struct_fields__ if f"EVALUATOR_{f.upper()}" not in text]
    assert missing == []


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    assert [c for c in COMMANDS if f"evaluator {c}" not in text] == []


def test_links_in_the_documentation_lead_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []
