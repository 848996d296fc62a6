"""The words of a scheme that records are checked against: plain data, so that records needs nothing of the rating."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from evaluator.problems import Problem

SHIPPED = Path(__file__).parent.parent / "rating" / "schemes"
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar as it is written: `no` and `010` are codes


class Term(msgspec.Struct, frozen=True):
    """An indicator: where its numbers come from, at which levels it applies (none: at all)."""

    code: str
    source: str
    name_zh: str = ""
    name_en: str = ""
    levels: tuple[str, ...] = ()
    counts_events: bool = False  # its numerator is made from events, so that a file must leave it blank


class Vocabulary(msgspec.Struct, frozen=True):
    """What a file may speak of."""

    scheme: str  # code and version, for messages
    indicators: dict[str, Term]
    classes: tuple[str, ...]  # of events: classes of records, then vetoes


def _(message: str) -> str:
    return message


class _Name(msgspec.Struct, frozen=True):
    zh: str = ""
    en: str = ""


class _Indicator(msgspec.Struct, frozen=True):
    code: str
    source: str
    name: _Name = _Name()
    levels: tuple[str, ...] = ()


class _Records(msgspec.Struct, frozen=True):
    classes: dict[str, dict[str, Any] | None] = {}


class _Scheme(msgspec.Struct, frozen=True):
    """The part of a scheme file that is needed here; `evaluator scheme check` looks at the rest."""

    code: str
    indicators: tuple[_Indicator, ...]
    version: str = ""
    title: _Name = _Name()
    records: _Records = _Records()
    vetoes: dict[str, Any] = {}


def _parsed(path: Path) -> _Scheme:
    try:
        return _cached(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise Problem(
            422, _("The scheme cannot be used"), _("%(file)s: %(error)s. See `evaluator scheme check`."),
            file=path.name, error=" ".join(str(error).split()),
        ) from None  # fmt: skip


def read_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of a scheme file.

    Raises
    ------
    Problem
        No such file, or no scheme.
    """
    scheme = _parsed(path)
    uses: Mapping[str, object] = {code: (rule or {}).get("in_rating") for code, rule in scheme.records.classes.items()}
    terms = {
        i.code: Term(i.code, i.source, i.name.zh, i.name.en, i.levels, i.code in uses.values())
        for i in scheme.indicators
    }  # fmt: skip
    classes = tuple(dict.fromkeys([*scheme.records.classes, *scheme.vetoes]))
    return Vocabulary(f"{scheme.code} {scheme.version}".strip(), terms, classes)


@cache
def _cached(path: Path, _changed: int) -> _Scheme:
    document = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=LOADER)  # noqa: S506 (makes text only)
    return msgspec.convert(document, _Scheme)


class SchemeFile(msgspec.Struct, frozen=True):
    """A scheme that a form can offer."""

    path: Path
    name: str  # of the file, without .yaml: what the form sends
    zh: str
    en: str


def scheme_files(data_dir: Path) -> list[SchemeFile]:
    """The operator's own schemes (DATA_DIR/schemes/*.yaml), then those that ship; what can't be read is left out."""
    found: dict[str, SchemeFile] = {}
    for folder in (data_dir / "schemes", SHIPPED):
        for path in sorted(folder.glob("*.yaml")):
            try:
                scheme = _parsed(path)
            except Problem:
                continue
            version = f" {scheme.version}" if scheme.version else ""
            found.setdefault(
                path.stem,
                SchemeFile(
                    path,
                    path.stem,
                    (scheme.title.zh or scheme.code) + version,
                    (scheme.title.en or scheme.code) + version,
                ),
            )
    return list(found.values())


def indicator_names(data_dir: Path) -> dict[str, Term]:
    """Indicators of all schemes at hand by code, to give codes a name on pages."""
    found: dict[str, Term] = {}
    for scheme in scheme_files(data_dir):
        found = read_vocabulary(scheme.path).indicators | found
    return found
