"""How often do the intervals of an edition hold the truth of the simulated province? The judge of the statistics.

    python -m evaluator.demo.coverage EDITION TRUTH.csv

The true dimension and index follow from the true values by the scheme's rules, written here once more and plainly: a
number that was due but not reported counts as the worst goalpost, what does not apply passes its weight on, points
for serious records come off as published.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_file import load_scheme

INDEX = "index"
TOLERANCE = 2e-6  # figures of an edition have six decimals


@dataclass(frozen=True, slots=True)
class Line:
    """Coverage of one group of intervals."""

    group: str
    level: str
    intervals: int
    covered: float  # share that hold the truth
    width: float  # mean
    bias: float  # mean of the score less the truth
    error: float  # root mean square of that
    standard_error: float  # root mean square of the published ones


def coverage(edition: Path, truth: Path) -> list[Line]:
    """Coverage by source of the indicators, by dimension and of the index, by level and over all; of groups too."""
    scheme = load_scheme(edition / "scheme.yaml")
    level = {row["unit"]: row["level"] for row in _rows(edition / "units.csv")}
    state = {
        (row["unit"], row["indicator"]): row["state"]
        for row in _rows(edition / "inputs.csv")
        if row["screening"] == "main"
    }
    taken = {row["unit"]: float(row["deductions"] or 0) for row in _rows(edition / "ratings.csv")}
    true = true_scores(scheme, _rows(truth), level, state, taken)
    source = {indicator.code: f"indicator: {indicator.source}" for indicator in scheme.indicators}
    found: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    for row in _rows(edition / "scores.csv"):
        unit, node = row["unit"], row["node"]
        if row["lower"] == "" or (unit, node) not in true:
            continue
        values = (true[unit, node], *(float(row[name]) for name in ("score", "lower", "upper", "standard_error")))
        if node in source:
            group = source[node] + (", imputed" if row["state"] == "imputed" else "")
        else:
            group = node if node == INDEX else "dimension"
            if node != INDEX:
                found[f"  {node}", "all"].append(values)
        found[group, level[unit]].append(values)
        found[group, "all"].append(values)
    for key, values in _of_groups(edition, truth):
        found[f"group: {key[1]}", level[key[0]]].append(values)
        found[f"group: {key[1]}", "all"].append(values)
    order = {name: k for k, name in enumerate([*scheme.levels, "all"])}
    return [
        _line(*key, values) for key, values in sorted(found.items(), key=lambda item: (item[0][0], order[item[0][1]]))
    ]


def _of_groups(edition: Path, truth: Path) -> Iterable[tuple[tuple[str, str, str], tuple[float, ...]]]:
    """Truth, estimate, limits and standard error of groups of respondents, by (unit, group, indicator)."""
    true = {
        (row["unit"], row["group"], row["indicator"]): float(row["value"]) for row in _rows(truth) if row.get("group")
    }
    for row in _rows(edition / "groups.csv") if true else ():
        key = row["unit"], row["group"], row["indicator"]
        if row["lower"] != "" and key in true:
            yield key, (true[key], *(float(row[name]) for name in ("estimate", "lower", "upper", "standard_error")))


def _line(group: str, level: str, values: list[tuple[float, ...]]) -> Line:
    truth, score, lower, upper, se = np.array(values).T
    inside = (truth >= lower - TOLERANCE) & (truth <= upper + TOLERANCE)
    return Line(
        group, level, len(truth), float(inside.mean()), float((upper - lower).mean()), float((score - truth).mean()),
        float(np.sqrt(np.mean((score - truth) ** 2))), float(np.sqrt(np.mean(se**2))),
    )  # fmt: skip


def true_scores(
    scheme: Scheme,
    truth: Iterable[dict[str, str]],
    level: dict[str, str],
    state: dict[tuple[str, str], str],
    taken: dict[str, float],
) -> dict[tuple[str, str], float]:
    """True scores of indicators, dimensions and index by (unit, node)."""
    bottom, top = scheme.normalisation.scale
    indicators = {indicator.code: indicator for indicator in scheme.indicators}
    of_unit: dict[str, dict[str, float]] = defaultdict(dict)
    for row in truth:
        unit, code = row["unit"], row["indicator"]
        if unit not in level or row.get("group") or state.get((unit, code)) == "not_applicable":
            continue
        low, high = indicators[code].goal or scheme.normalisation.scale
        part = 0.0 if row["held"] == "unreported" else (float(row["value"]) - low) / (high - low)
        of_unit[unit][code] = bottom + (top - bottom) * min(max(part, 0.0), 1.0)
    found: dict[tuple[str, str], float] = {}
    for unit, scores in of_unit.items():
        found.update({(unit, code): score for code, score in scores.items()})
        own = scheme.weights_by_level.get(level[unit], {one.code: one.weight for one in scheme.dimensions})
        parts = []
        for dimension in scheme.dimensions:
            mine = [
                (indicators[code].weight, s)
                for code, s in scores.items()
                if indicators[code].dimension == dimension.code
            ]
            if mine and own.get(dimension.code, 0.0) > 0:
                found[unit, dimension.code] = _mean(mine, scheme.aggregation.within_dimension)
                parts.append((own[dimension.code], found[unit, dimension.code]))
        if parts:
            found[unit, INDEX] = max(bottom, _mean(parts, scheme.aggregation.across_dimensions) - taken.get(unit, 0.0))
    return found


def _mean(parts: list[tuple[float, float]], power: float) -> float:
    """Weighted power mean; scores are floored at 1 where the exponent is not positive."""
    weight, score = np.array(parts).T
    weight = weight / weight.sum()
    if power > 0:
        return float(np.sum(weight * score**power) ** (1 / power))
    score = np.maximum(score, 1.0)
    return float(np.exp(np.sum(weight * np.log(score))) if power == 0 else np.sum(weight * score**power) ** (1 / power))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(lines: Iterable[Line]) -> str:
    """The lines as text."""
    head = f"{'group':34s} {'level':5s} {'n':>6s} {'covered':>8s} {'width':>6s} {'bias':>6s} {'rmse':>6s} {'se':>6s}"
    return "\n".join(
        [head]
        + [
            f"{one.group:34s} {one.level:5s} {one.intervals:6d} {one.covered:8.1%} {one.width:6.1f} {one.bias:6.2f} "
            f"{one.error:6.2f} {one.standard_error:6.2f}"
            for one in lines
        ]
    )


if __name__ == "__main__":
    print(table(coverage(Path(sys.argv[1]), Path(sys.argv[2]))))
