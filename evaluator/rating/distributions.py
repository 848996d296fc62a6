"""What citizens said: shares of answers among the invited, with intervals, blank in small cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from evaluator.rating.rated import Rated, Table
from evaluator.rating.rows import rounded
from methods.inputs import Floats
from methods.small_areas.direct import GRADED
from methods.survey.cells import Choices, ItemScoring


def distributions(units: Rated, choices: Choices | None) -> Table:
    """Shares of the codes among the invited who answered an item, with Wilson's interval; blank in small cells."""
    names = ("unit", "item", "code", "share", "lower", "upper", "state", "with_flagged")
    listed = _codes(units.snapshot.scoring.values())
    if choices is None or not listed:
        return {name: np.zeros(0, np.float64 if name in ("share", "lower", "upper") else object) for name in names}
    place = {pair: k for k, pair in enumerate(listed)}
    total = {item: len(listed) + k for k, item in enumerate(dict.fromkeys(item for item, _ in listed))}
    width = len(listed) + len(total)
    size = len(units.unit) * width
    column = np.array(
        [
            total.get(i, -1) if c == "" else place.get((i, c), -1)
            for i, c in zip(choices.item, choices.code, strict=True)
        ],
        np.int64,
    )
    unit = np.array([units.position.get(code, -1) for code in choices.unit.tolist()], np.int64)
    used = (choices.mode == GRADED) & (unit >= 0) & (column >= 0)
    index = unit[used] * width + column[used]
    clean = ~choices.flagged[used]
    counts = [
        np.asarray(np.bincount(index[keep], choices.n[used][keep], size), np.float64).reshape(-1, width)
        for keep in (np.ones(len(index), bool), clean)
    ]
    answered = [count[:, [total[item] for item, _ in listed]] for count in counts]
    row, code = np.nonzero(answered[0] > 0)
    item_of, code_of = (np.array([pair[k] for pair in listed], object) for k in range(2))
    z = float(norm.ppf(0.5 + units.scheme.uncertainty.interval / 2.0))
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for word, count, whole in zip(("yes", "no"), counts, answered, strict=True):
        n, x = whole[row, code], count[row, code]
        shown = (n >= units.scheme.publication.cell_min) & (n > 0)
        share, lower, upper = _wilson(x, n, z)
        columns["unit"].append(units.unit[row])
        columns["item"].append(item_of[code])
        columns["code"].append(code_of[code])
        for name, value in (("share", share), ("lower", lower), ("upper", upper)):
            columns[name].append(rounded(np.where(shown, value, np.nan)))
        columns["state"].append(np.where(shown, "ok", "suppressed").astype(object))
        columns["with_flagged"].append(np.full(len(row), word, object))
    return {name: np.stack(parts, axis=1).ravel() for name, parts in columns.items()}


def _codes(scorings: Iterable[tuple[ItemScoring, ...]]) -> list[tuple[str, str]]:
    scored = [one for items in scorings for one in items if one.kind != "none"]
    items = dict.fromkeys(one.item for one in scored)
    return list(
        dict.fromkeys((item, code) for item in items for one in scored if one.item == item for code in one.codes)
    )


def _wilson(x: Floats, n: Floats, z: float) -> tuple[Floats, Floats, Floats]:
    """Share and Wilson's interval (1927), Journal of the American Statistical Association 22, 209-212."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        centre = (x + z**2 / 2.0) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4.0)
    return share, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
