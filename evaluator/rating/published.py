"""Estimates as the tables an edition publishes, and back: figures are always computed from the published form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.doors import SCREENINGS
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import Table
from methods.inputs import FAMILIES, Factors, Floats, Inputs, Integers

_NUMBERS = ("a", "b", "direct", "direct_sd", "n")
WITH_NUMBERS = ("ok", "imputed")


class Estimated(Protocol):
    """What of the estimates is published as inputs and factors."""

    @property
    def inputs(self) -> Mapping[str, Inputs]: ...  # by screening
    @property
    def factors(self) -> Mapping[str, Factors]: ...  # by screening
    @property
    def state(self) -> NDArray[np.object_]: ...  # (units, indicators)


@dataclass(frozen=True, slots=True)
class Published:
    """Inputs, factors and states as read from an edition's tables."""

    inputs: dict[str, Inputs]
    factors: dict[str, Factors]
    state: NDArray[np.object_]  # (units, indicators)


def rounded(values: Floats) -> Floats:
    """To six decimals: the very double that the decimal text in a file reads back as."""
    return np.asarray(np.round(values, 6) + 0.0)  # + 0.0: no negative zero


def inputs_table(scheme: Scheme, units: Table, estimated: Estimated) -> Table:
    """The table `inputs`: a row for every indicator that applies at a unit's level, blank where it has no number.

    Rows of the screenings `half` and `without` follow where they differ. Ordered by screening, unit, indicator.
    """
    codes = np.array([indicator.code for indicator in scheme.indicators], dtype=object)
    applies = _applies(scheme, units)
    parts = []
    for screening in SCREENINGS:
        if screening not in estimated.inputs:
            continue
        inputs = estimated.inputs[screening]
        where = np.full(applies.shape, -1, np.int64)
        where[inputs.unit, inputs.indicator] = np.arange(inputs.unit.size)
        unit, indicator = np.nonzero(applies if screening == "main" else where >= 0)
        row = where[unit, indicator]
        state = estimated.state[unit, indicator]
        there = (row >= 0) & np.isin(state, WITH_NUMBERS)
        part: Table = {
            "unit": units["unit"][unit],
            "indicator": codes[indicator],
            "screening": np.full(unit.size, screening, object),
            "state": state,
            "family": np.where(there, np.array(FAMILIES, object)[inputs.family[row]] if inputs.family.size else "", ""),
        }
        for name in _NUMBERS:
            values = getattr(inputs, name)
            part[name] = (
                np.where(there, values[row] if values.size else np.nan, np.nan) + 0.0
            )  # rounded where estimated
        parts.append(part)
    return stacked(parts)


def factors_table(scheme: Scheme, units: Table, estimated: Estimated) -> Table:
    """The table `factors`, ordered by screening, factor, unit, indicator."""
    codes = np.array([indicator.code for indicator in scheme.indicators], dtype=object)
    parts = []
    for screening in SCREENINGS:
        if screening not in estimated.factors:
            continue
        factors = estimated.factors[screening]
        order = np.lexsort((factors.indicator, factors.unit, factors.factor))
        names = np.array(factors.names, dtype=object)
        parts.append(
            {
                "factor": names[factors.factor[order]] if names.size else np.zeros(0, object),
                "unit": units["unit"][factors.unit[order]],
                "indicator": codes[factors.indicator[order]],
                "screening": np.full(order.size, screening, object),
                "loading": rounded(factors.loading[order]),
                "direct_loading": rounded(factors.direct_loading[order]),
            }
        )
    return stacked(parts)


def read_back(scheme: Scheme, units: Table, inputs: Table, factors: Table) -> Published:
    """Inputs, factors and states from their tables.

    Raises ValueError for a unit or an indicator that the edition does not have.
    """
    unit_at = {code: position for position, code in enumerate(units["unit"])}
    indicator_at = {indicator.code: position for position, indicator in enumerate(scheme.indicators)}
    state = np.full((len(unit_at), len(indicator_at)), "not_applicable", dtype=object)
    state[_applies(scheme, units)] = "missing"
    unit = _positions("inputs", "unit", inputs["unit"], unit_at)
    indicator = _positions("inputs", "indicator", inputs["indicator"], indicator_at)
    family = {name: number for number, name in enumerate(FAMILIES)}
    main = inputs["screening"] == "main"
    state[unit[main], indicator[main]] = inputs["state"][main]
    there = inputs["family"] != ""
    found = {}
    for screening in ("main", *(name for name in SCREENINGS[1:] if (inputs["screening"] == name).any())):
        rows = np.flatnonzero((inputs["screening"] == screening) & there)
        found[screening] = Inputs(
            unit[rows],
            indicator[rows],
            np.array([family[name] for name in inputs["family"][rows]], dtype=np.int64),
            *(inputs[name][rows] for name in _NUMBERS),
        )
    return Published(found, _factors_back(factors, unit_at, indicator_at), state)


def _factors_back(factors: Table, unit_at: Mapping[str, int], indicator_at: Mapping[str, int]) -> dict[str, Factors]:
    unit = _positions("factors", "unit", factors["unit"], unit_at)
    indicator = _positions("factors", "indicator", factors["indicator"], indicator_at)
    found = {}
    for screening in ("main", *(name for name in SCREENINGS[1:] if (factors["screening"] == name).any())):
        rows = np.flatnonzero(factors["screening"] == screening)
        names = tuple(dict.fromkeys(factors["factor"][rows]))
        number = {name: position for position, name in enumerate(names)}
        found[screening] = Factors(
            names,
            np.array([number[name] for name in factors["factor"][rows]], dtype=np.int64),
            unit[rows],
            indicator[rows],
            factors["loading"][rows],
            factors["direct_loading"][rows],
        )
    return found


def _applies(scheme: Scheme, units: Table) -> NDArray[np.bool_]:
    """(units, indicators): the indicator applies at the unit's level."""
    by_level = {level: [not one.levels or level in one.levels for one in scheme.indicators] for level in scheme.levels}
    nowhere = [False] * len(scheme.indicators)
    return np.array([by_level.get(level, nowhere) for level in units["level"]], dtype=bool).reshape(
        len(units["level"]), len(scheme.indicators)
    )


def _positions(table: str, column: str, codes: NDArray[np.object_], at: Mapping[str, int]) -> Integers:
    try:
        return np.array([at[code] for code in codes], dtype=np.int64)
    except KeyError as error:
        raise ValueError(f"{table} column {column}: {error.args[0]!r} is not in this edition") from error


def stacked(parts: list[Table]) -> Table:
    """Tables of the same columns below each other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
