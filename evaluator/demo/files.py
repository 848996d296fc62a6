"""The files that outside systems would send: written as they come in practice, to be read by the real imports."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter

from evaluator.demo import direct
from evaluator.demo.citizens import Sample
from evaluator.demo.province import Province
from evaluator.demo.truth import Truth
from evaluator.rating.tabular import Table, number_text


def write_csv(path: Path, table: Mapping[str, Iterable[Any]], encoding: str = "utf-8-sig") -> Path:
    """A table as spreadsheets save it: UTF-8 with a byte order mark, numbers as short as they are exact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.keys())
        writer.writerows(zip(*(map(_text, column) for column in table.values()), strict=True))
    return path


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def write_xlsx(path: Path, table: Mapping[str, Sequence[Any]], sheet: str) -> Path:
    """A table as a workbook of one sheet; codes are text, so that no spreadsheet turns them into numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, list(table))
        for number, row in enumerate(zip(*table.values(), strict=True), 1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    page.write_string(number, column, value)
                elif value == value:
                    page.write_number(number, column, float(value))
    return path


def units_file(folder: Path, province: Province) -> Path:
    """The tree, as an operator imports it."""
    table = {
        "code": province.code, "parent": province.parent_code, "level": province.level, "kind": province.kind,
        "name_zh": province.name_zh, "name_en": province.name_en, "population": province.population,
    }  # fmt: skip
    return write_csv(folder / "units.csv", table)


def frame_file(folder: Path, province: Province, sample: Sample) -> Path:
    """The frame of the invited sample."""
    table = direct.sample_table(province, sample)
    return write_csv(folder / "frame.csv", {n: c for n, c in table.items() if n not in ("responded",)})


def population_file(folder: Path, province: Province, truth: Truth) -> Path:
    """Who lives where."""
    return write_csv(folder / "population.csv", direct.population_table(province, truth))


def records_files(folder: Path, records: Table, dimension_of: Mapping[str, str]) -> list[Path]:
    """Shares and rates: one file a dimension, the first of them a workbook."""
    found = []
    dimension = np.array([dimension_of[indicator] for indicator in records["indicator"]], object)
    for number, one in enumerate(dict.fromkeys(dimension)):
        part = {name: column[dimension == one] for name, column in records.items()}
        stem = folder / f"records-{one}"
        found.append(
            write_xlsx(stem.with_suffix(".xlsx"), part, "records") if number == 0
            else write_csv(stem.with_suffix(".csv"), part)
        )  # fmt: skip
    return found
