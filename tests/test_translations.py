"""Every text that people see exists in both languages, with the same placeholders."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from evaluator import language
from evaluator.rating.doors import EDITION, MARK_COLUMN

ROOT = Path(__file__).parent.parent
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
CHINESE = re.compile("[\u4e00-\u9fff]")


def extracted() -> dict[str, str]:
    """Message identifier (the singular of a plural) -> where it stands."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found: dict[str, str] = {}
    for path, line, message, _comments, _context in extract_from_dir(ROOT, methods, options):
        found[message[0] if isinstance(message, tuple) else message] = f"{path}:{line}"
    return found


def of_the_door() -> dict[str, str]:
    """What tables and columns of an edition mean: translated in data packages, workbooks and on pages."""
    columns = [MARK_COLUMN, *(column for door in EDITION.values() for column in door.columns)]
    return dict.fromkeys([one.about for one in (*EDITION.values(), *columns)], "evaluator/rating/doors.py")


def catalogue() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((language.FOLDER / "zh_CN").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh_CN"):
                if message.id:
                    identifier = message.id[0] if isinstance(message.id, tuple) else message.id
                    text = message.string[0] if isinstance(message.string, tuple) else message.string
                    found[identifier] = (str(text), path.name)
    return found


def test_every_message_has_a_chinese_translation() -> None:
    have = {identifier for identifier, (text, _) in catalogue().items() if text}
    assert {m: where for m, where in (extracted() | of_the_door()).items() if m not in have} == {}


def test_no_translation_is_left_over() -> None:
    used = extracted() | of_the_door()
    assert {m: where for m, (_, where) in catalogue().items() if m not in used} == {}


def test_translations_keep_their_placeholders() -> None:
    wrong = {
        m: text for m, (text, _) in catalogue().items() if set(PLACEHOLDER.findall(m)) != set(PLACEHOLDER.findall(text))
    }
    assert wrong == {}


def test_no_chinese_stands_in_code_or_templates() -> None:
    files = [
        *(ROOT / "evaluator").rglob("*.py"),
        *(ROOT / "methods").rglob("*.py"),
        *(ROOT / "questionnaires").rglob("*.py"),
    ]
    files += (ROOT / "templates").rglob("*.html")
    assert [str(p.relative_to(ROOT)) for p in files if CHINESE.search(p.read_text())] == []
