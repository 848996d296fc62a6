"""Inputs and factors before anything is drawn: are they right, in one order, and what are their means."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from methods.inputs import BETA, FAMILIES, GAMMA, NORMAL, POINT, Factors, Floats, Inputs


def check(inputs: Inputs, factors: Factors, units: int, indicators: int) -> None:
    """Refuse inputs that cannot be drawn.

    Parameters
    ----------
    units, indicators
        How many there are; positions lie below them.

    Raises
    ------
    ValueError
        Says which row is wrong and what would be right.

    Examples
    --------
    >>> from methods.inputs import NO_FACTORS
    >>> one, nan = np.zeros(1, np.int64), np.full(1, np.nan)
    >>> check(Inputs(one, one, np.array([BETA]), np.array([-3.0]), np.ones(1), nan, nan, nan), NO_FACTORS, 1, 1)
    Traceback (most recent call last):
    ValueError: input of unit 0, indicator 0: a -3.0, b 1.0, direct_sd nan; a and b must be above 0
    """
    for name, position, limit in (("unit", inputs.unit, units), ("indicator", inputs.indicator, indicators)):
        wrong = np.flatnonzero((position < 0) | (position >= limit))
        if wrong.size:
            raise ValueError(f"input row {wrong[0]}: {name} {position[wrong[0]]}; it must be 0 to {limit - 1}")
    key = np.sort(inputs.unit * indicators + inputs.indicator)
    twice = key[1:][key[1:] == key[:-1]]
    if twice.size:
        raise ValueError(
            f"unit {twice[0] // indicators}, indicator {twice[0] % indicators} has two inputs; one is right"
        )
    given = ~np.isnan(inputs.a)
    positive = (inputs.family == BETA) | (inputs.family == GAMMA)
    for bad, right in (
        (given & ~np.isin(inputs.family, range(len(FAMILIES))), f"family must be 0 to {len(FAMILIES) - 1}"),
        (given & ~np.isfinite(inputs.a), "a must be finite"),
        (
            given & (inputs.family == NORMAL) & ~((inputs.b >= 0) & np.isfinite(inputs.b)),
            "b must be a finite number, 0 or more",
        ),
        (given & positive & ~((inputs.a > 0) & (inputs.b > 0) & np.isfinite(inputs.b)), "a and b must be above 0"),
        (given & (inputs.direct_sd < 0), "direct_sd must be 0 or more"),
    ):
        rows = np.flatnonzero(bad)
        if rows.size:
            i = rows[0]
            where = f"input of unit {inputs.unit[i]}, indicator {inputs.indicator[i]}"
            raise ValueError(f"{where}: a {inputs.a[i]}, b {inputs.b[i]}, direct_sd {inputs.direct_sd[i]}; {right}")
    kind = np.full((units, indicators), -1)
    kind[inputs.unit[given], inputs.indicator[given]] = inputs.family[given]
    for name, position, limit in (
        ("factor", factors.factor, len(factors.names)),
        ("unit", factors.unit, units),
        ("indicator", factors.indicator, indicators),
    ):
        wrong = np.flatnonzero((position < 0) | (position >= limit))
        if wrong.size:
            raise ValueError(f"factor loading {wrong[0]}: {name} {position[wrong[0]]}; it must be 0 to {limit - 1}")
    endless = np.flatnonzero(np.isinf(factors.loading) | np.isinf(factors.direct_loading))
    if endless.size:
        i = endless[0]
        raise ValueError(
            f"factor {factors.names[factors.factor[i]]} loads {factors.loading[i]} and {factors.direct_loading[i]} on "
            f"unit {factors.unit[i]}, indicator {factors.indicator[i]}; loadings must be finite, blank (NaN) is 0"
        )
    strange = np.flatnonzero(kind[factors.unit, factors.indicator] == POINT)
    if strange.size:
        i = strange[0]
        raise ValueError(
            f"factor {factors.names[factors.factor[i]]} loads on unit {factors.unit[i]}, "
            f"indicator {factors.indicator[i]}, which is a point; a point has no factors"
        )


def in_order(inputs: Inputs, factors: Factors) -> tuple[Inputs, Factors]:
    """The same inputs and factors in one order, however a file lists them, so that sums of them agree to the last bit.

    Inputs by indicator and unit, without those that have no number; factors by name, without those that do nothing.

    Examples
    --------
    >>> from methods.inputs import NO_FACTORS
    >>> none = np.full(2, np.nan)
    >>> unit, family = np.array([1, 0]), np.full(2, POINT)
    >>> given = Inputs(unit, np.zeros(2, np.int64), family, np.array([8.0, 7]), none, none, none, none)
    >>> in_order(given, NO_FACTORS)[0].a
    array([7., 8.])
    """
    given = np.flatnonzero(~np.isnan(inputs.a))
    rows = given[np.lexsort((inputs.unit[given], inputs.indicator[given]))]
    inputs = Inputs(*(getattr(inputs, field.name)[rows] for field in fields(Inputs)))
    loading, direct_loading = np.nan_to_num(factors.loading), np.nan_to_num(factors.direct_loading)
    by_name = np.array(sorted(range(len(factors.names)), key=factors.names.__getitem__), dtype=np.int64)
    live = (loading != 0) | (direct_loading != 0)
    used = by_name[np.isin(by_name, factors.factor[live])]
    place = np.full(len(factors.names), -1)
    place[used] = np.arange(used.size)
    at = np.flatnonzero(live)
    at = at[np.lexsort((loading[at], factors.unit[at], factors.indicator[at], place[factors.factor[at]]))]
    names = tuple(factors.names[f] for f in used)
    columns = (place[factors.factor[at]], factors.unit[at], factors.indicator[at], loading[at], direct_loading[at])
    return inputs, Factors(names, *columns)


def point_values(inputs: Inputs, units: int, limits: Floats, direct: bool = False) -> Floats:
    """Means of the inputs (units, indicators), clipped to the scale; NaN where there is none.

    With `direct`, the unshrunken estimates, and the means where those are withheld.

    Parameters
    ----------
    limits
        (indicators, 2) scale of normal inputs; NaN: none.

    Examples
    --------
    >>> one, nan = np.zeros(1, np.int64), np.full(1, np.nan)
    >>> given = Inputs(one, one, np.array([BETA]), np.array([8.0]), np.array([2.0]), nan, nan, nan)
    >>> point_values(given, units=1, limits=np.full((1, 2), np.nan))
    array([[0.8]])
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.select(
            [inputs.family == BETA, inputs.family == GAMMA],
            [inputs.a / (inputs.a + inputs.b), inputs.a / inputs.b],
            inputs.a,
        )
    if direct:
        use = ~np.isnan(inputs.direct) & ~np.isnan(inputs.direct_sd) & ~np.isnan(inputs.a) & (inputs.family != POINT)
        mean = np.where(use, inputs.direct, mean)
    normal = inputs.family == NORMAL
    low, high = limits[inputs.indicator, 0], limits[inputs.indicator, 1]
    mean = np.where(normal & (mean < low), low, mean)
    mean = np.where(normal & (mean > high), high, mean)
    values = np.full((units, limits.shape[0]), np.nan)
    values[inputs.unit, inputs.indicator] = mean
    return values
