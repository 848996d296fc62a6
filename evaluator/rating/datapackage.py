"""The Frictionless Data Package of an edition: every table, column, type and meaning, for programs and archives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluator import language
from evaluator.rating.doors import Column, Door
from evaluator.rating.folders import sha256_of
from evaluator.rating.scheme import Label, Scheme

LICENCE = "CC-BY-4.0"
_LICENCES = [
    {
        "name": LICENCE,
        "path": "https://creativecommons.org/licenses/by/4.0/",
        "title": "Creative Commons Attribution 4.0 International",
    }
]
_TYPES = {"number": "number", "whole": "integer", "date": "date"}


def datapackage(
    folder: Path,
    doors: Sequence[Door],
    identifier: str,
    scheme: Scheme,
    title: Label,
    mark: str | None,
    source: str = "",
) -> dict[str, Any]:
    """The descriptor, with size and SHA-256 of the tables as they lie in `folder`.

    `source` is where the snapshot says that its data come from.
    """
    resources = [_resource(folder, door, form) for door in doors for form in ("csv", "parquet")]
    return {
        "$schema": "https://datapackage.org/profiles/1.0/datapackage.json",
        "name": identifier.lower(),
        "id": identifier,
        "title": f"{title.en} / {title.zh}",
        "description": (
            "Ratings with their uncertainty, and everything they were computed from. "
            f"Scheme {scheme.code} {scheme.version}; `evaluator verify` recomputes every figure."
            + (f" {mark}" if mark else "")
        ),
        "version": scheme.version,
        "licenses": _LICENCES,
        **({"sources": [{"title": source}]} if source else {}),
        "resources": resources,
    }


def _resource(folder: Path, door: Door, form: str) -> dict[str, Any]:
    path = folder / f"{door.name}.{form}"
    resource: dict[str, Any] = {
        "name": door.name if form == "csv" else f"{door.name}-parquet",
        "path": path.name,
        "description": _both(door.about),
        "format": form,
        "mediatype": "text/csv" if form == "csv" else "application/vnd.apache.parquet",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_of(path)}",
    }
    if form == "csv":
        resource |= {"profile": "tabular-data-resource", "encoding": "utf-8", "dialect": {"lineTerminator": "\n"}}
    else:  # the same content: programs check its size and SHA-256, and need no reader of Parquet to validate the CSV
        resource |= {"profile": "data-resource", "type": "file"}
    resource["schema"] = {
        "fields": [_field(column) for column in door.columns],
        "missingValues": [""],
    }
    filled = {column.name for column in door.columns if column.required}
    if filled.issuperset(door.key):  # a primary key may not be blank
        resource["schema"]["primaryKey"] = list(door.key)
    if door.name == "units":  # "" is the table itself
        resource["schema"]["foreignKeys"] = [{"fields": "parent", "reference": {"resource": "", "fields": "unit"}}]
    elif any(column.name == "unit" for column in door.columns):
        resource["schema"]["foreignKeys"] = [{"fields": "unit", "reference": {"resource": "units", "fields": "unit"}}]
    return resource


def _both(text: str) -> str:
    """A description in English and in Chinese, whatever the language of the process."""
    return f"{text} / {language.translations('zh-CN').gettext(text)}"


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES.get(column.kind, "string"),
        "description": _both(column.about),
    }
    constraints: dict[str, Any] = {}
    if column.required:
        constraints["required"] = True
    if column.words:
        constraints["enum"] = list(column.words)
    if column.least is not None:
        constraints["minimum"] = column.least
    return field | ({"constraints": constraints} if constraints else {})
