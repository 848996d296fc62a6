"""How many answered: response rates as AAPOR defines them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats
from methods.survey.columns import checked, coded, totals


@dataclass(frozen=True, slots=True)
class ResponseRates:
    """AAPOR's six response rates by group; NaN where nobody was invited."""

    rr1: Floats  # (groups,) complete of all, unknown eligibility counted as eligible: the least
    rr2: Floats  # (groups,) the same, partial interviews counted
    rr3: Floats  # (groups,) complete, a share of the unknown counted as eligible
    rr4: Floats  # (groups,) the same, partial interviews counted
    rr5: Floats  # (groups,) complete of those known to be eligible: the most
    rr6: Floats  # (groups,) the same, partial interviews counted


def response_rates(
    complete: ArrayLike,
    partial: ArrayLike = 0.0,
    refused: ArrayLike = 0.0,
    noncontact: ArrayLike = 0.0,
    other: ArrayLike = 0.0,
    unknown: ArrayLike = 0.0,
    eligible: float = 1.0,
) -> ResponseRates:
    """Response rates from final dispositions of those invited.

    Parameters
    ----------
    complete, partial, refused, noncontact, other : (groups,) or number
        Eligible persons by outcome: whole and partial interviews, refusals and break-offs, not reached, other.
    unknown : (groups,) or number
        Persons of whom it is not known whether they were eligible.
    eligible
        Share of the unknown taken as eligible (AAPOR's e) in RR3 and RR4.

    Returns
    -------
    ResponseRates

    Raises
    ------
    ValueError
        When a count is negative or not finite, or `eligible` does not lie between 0 and 1.

    References
    ----------
    The American Association for Public Opinion Research (2023), Standard Definitions, 10th edition.

    Examples
    --------
    >>> rates = response_rates([50.0], partial=[10.0], refused=[20.0], unknown=[40.0], eligible=0.5)
    >>> [round(getattr(rates, f"rr{k}").item(), 4) for k in range(1, 7)]
    [0.4167, 0.5, 0.5, 0.6, 0.625, 0.75]
    """
    if not 0 <= eligible <= 1:
        raise ValueError(f"eligible: {eligible}; a share from 0 to 1 is expected")
    given = {
        "complete": complete,
        "partial": partial,
        "refused": refused,
        "noncontact": noncontact,
        "other": other,
        "unknown": unknown,
    }
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in given.values()))
    I, P, R, NC, O, U = (checked(name, v) for name, v in zip(given, arrays, strict=True))  # noqa: E741
    known = I + P + R + NC + O

    def rate(top: Floats, below: Floats) -> Floats:
        return np.asarray(np.divide(top, below, out=np.full(len(top), np.nan), where=below > 0), np.float64)

    return ResponseRates(
        rate(I, known + U),
        rate(I + P, known + U),
        rate(I, known + eligible * U),
        rate(I + P, known + eligible * U),
        rate(I, known),
        rate(I + P, known),
    )


def sample_rates(
    frame_n: ArrayLike,
    invited: ArrayLike,
    responded: ArrayLike,
    group: ArrayLike | None = None,
    groups: int | None = None,
) -> tuple[Floats, Floats]:
    """Response rates of a snapshot's sample table, which knows of a person only whether an answer came.

    Parameters
    ----------
    frame_n, invited, responded : (design cells,)
        Persons in the frame, invited, and with a response.
    group : (design cells,), optional
        Integer code of what the rates are of; one group when left out.
    groups
        How many there are.

    Returns
    -------
    unweighted, weighted : (groups,)
        RR1 (equal to RR2) of those invited, and estimated for the frame: each invited person stands for
        frame_n / invited. NaN where nobody was invited.

    Raises
    ------
    ValueError
        When more were invited than the frame holds, or more responded than were invited.

    Notes
    -----
    Wrong addresses count as nonresponse (everybody as eligible), so these are the least rates.

    Examples
    --------
    >>> plain, weighted = sample_rates([1000, 100], [100, 50], [20, 30])
    >>> plain.round(4).tolist(), weighted.round(4).tolist()
    ([0.3333], [0.2364])
    """
    frame = checked("frame_n", frame_n)
    asked, came = checked("invited", invited, len(frame)), checked("responded", responded, len(frame))
    for name, more, less, below in (("invited", asked, frame, "frame_n"), ("responded", came, asked, "invited")):
        if np.any(more > less):
            at = int(np.flatnonzero(more > less)[0])
            raise ValueError(f"{name}: {more[at]:g} in row {at}, but {below} is {less[at]:g}; it cannot be more")
    of_row = np.zeros(len(frame), np.int64) if group is None else coded("group", group, len(frame), size=groups)
    size = 1 if group is None else int(of_row.max(initial=-1)) + 1 if groups is None else groups
    weight = np.divide(frame, asked, out=np.zeros(len(frame)), where=asked > 0)

    def rate(by: Floats) -> Floats:
        top, below = totals(of_row, came * by, size), totals(of_row, asked * by, size)
        return np.asarray(np.divide(top, below, out=np.full(size, np.nan), where=below > 0), np.float64)

    return rate(np.ones(len(frame))), rate(weight)
