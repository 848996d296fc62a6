"""Answers of one respondent that hang together too well or not at all: longstring, variability, even-odd consistency.

Definitions: Curran (2016), Methods for the detection of carelessly invalid responses in survey data, Journal of
Experimental Social Psychology 66, 4-19. R's package `careless` computes the same; where we differ, the function says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers
from methods.response_quality.answers import MISSING, checked_codes, checked_items


def longstring(codes: ArrayLike, missing: Literal["pass", "break"] = "pass") -> Integers:
    """The longest run of answers at the same position, item after item as they were shown.

    Parameters
    ----------
    codes
        (responses, items) in the order of the screen, reversed items *not* turned round: somebody who goes down a
        column does not read which way an item points.
    missing
        What an answer that is not there does: "pass", it is as if the item were not there (right where routing leaves
        items out); "break", it ends the run (what `careless::longstring` does with NA).

    Returns
    -------
    Integers
        (responses,) 0 where nothing was answered (`careless` says 1).

    References
    ----------
    Johnson (2005), Journal of Research in Personality 39, 103-129.

    Examples
    --------
    >>> longstring([[2, 2, -1, 2, 0], [0, 1, 2, 3, 4]]).tolist()
    [3, 1]
    >>> longstring([[2, 2, -1, 2, 0]], missing="break").tolist()
    [2]
    """
    if missing not in ("pass", "break"):
        raise ValueError(f"missing is {missing!r}; it must be 'pass' or 'break'")
    answers = checked_codes(codes)
    run, best = np.zeros(len(answers), np.int64), np.zeros(len(answers), np.int64)
    last = np.full(len(answers), MISSING, answers.dtype)
    for column in answers.T:
        there = column != MISSING
        begun = np.where(column == last, run + 1, 1)
        if missing == "pass":
            run, last = np.where(there, begun, run), np.where(there, column, last)
        else:
            run, last = np.where(there, begun, 0), column
        best = np.maximum(best, run)
    return best


def individual_variability(codes: ArrayLike) -> Floats:
    """Intra-individual response variability (IRV): the standard deviation of one respondent's codes over items.

    Low values: the same position again and again, also where an answer in between breaks the run that longstring
    counts. High values can be random answers. Items must have answers that are ordered and equally many.

    Parameters
    ----------
    codes
        (responses, items) as shown, reversed items not turned round (Dunn and others do not recode them).

    Returns
    -------
    Floats
        (responses,) with n - 1 over the answers that are there, in units of a code; NaN with fewer than two answers.

    References
    ----------
    Dunn, Heggestad, Shanock, Theilgard (2018), Journal of Business and Psychology 33, 105-121;
    `careless::irv(x, na.rm = TRUE)`.

    Examples
    --------
    >>> individual_variability([[3, 3, 3, 3], [0, 4, -1, 2], [1, -1, -1, -1]]).round(3).tolist()
    [0.0, 2.0, nan]
    """
    answers = checked_codes(codes)
    there = answers != MISSING
    count = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, answers, 0).sum(axis=1) / count
        square = np.where(there, (answers - mean[:, None]) ** 2, 0.0).sum(axis=1)
        return np.asarray(np.where(count >= 2, np.sqrt(square / (count - 1)), np.nan), np.float64)


def even_odd(codes: ArrayLike, scales: Sequence[Sequence[int]], least: int = 3) -> Floats:
    """Even-odd consistency: whether one half of each scale agrees with the other, within one respondent.

    The items of each scale are split by their place in it (first, third ... against second, fourth ...); the means of
    the halves are correlated over the scales, and the Spearman-Brown formula 2 r / (1 + r) makes up for the halves.

    Parameters
    ----------
    codes
        (responses, items) with reversed items *turned round* (`reverse`): within a scale a high code must mean the
        same.
    scales
        For each scale the columns of its items, at least two, in the order shown.
    least
        Scales with an answer in both halves that a respondent needs; with two the correlation is always 1 or -1.

    Returns
    -------
    Floats
        (responses,) from -1 to 1, high is consistent; NaN with fewer than `least` scales, or when one of the halves is
        the same in all scales. Values below -1 count as -1. (`careless::evenodd` from version 1.2.0 on gives the
        negative of this, high is careless.)

    References
    ----------
    Johnson (2005), Journal of Research in Personality 39, 103-129.

    Examples
    --------
    >>> answers = [[0, 0, 2, 2, 4, 4], [0, 4, 2, 2, 4, 0], [1, 1, 1, 1, 1, 1]]
    >>> even_odd(answers, [(0, 1), (2, 3), (4, 5)]).round(6).tolist()
    [1.0, -1.0, nan]
    """
    if least < 2:
        raise ValueError(f"least is {least}; a correlation needs at least 2 scales")
    if len(scales) < least:
        raise ValueError(f"scales has {len(scales)} scales; at least {least} are needed")
    answers = checked_codes(codes, 2 * len(scales))
    half = np.full((2, len(answers), len(scales)), np.nan)
    for k, scale in enumerate(scales):
        at = checked_items(scale, answers.shape[1], f"scales[{k}]")
        if at.size < 2:
            raise ValueError(f"scales[{k}] has one item; a scale needs at least two to be split")
        for side in (0, 1):
            part = answers[:, at[side::2]]
            there = part != MISSING
            with np.errstate(invalid="ignore", divide="ignore"):
                half[side, :, k] = np.where(there, part, 0).sum(axis=1) / there.sum(axis=1)
    used = np.isfinite(half).all(axis=0)
    count = used.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(used, half - (np.where(used, half, 0.0).sum(axis=2) / count)[:, :, None], 0.0)
        square = (centred**2).sum(axis=2)
        r = (centred[0] * centred[1]).sum(axis=1) / np.sqrt(square[0] * square[1])
        r = np.clip(r, -1.0, 1.0)
        whole = np.maximum(2.0 * r / (1.0 + r), -1.0)
    flat = (square <= 1e-12 * (1.0 + np.nan_to_num(half).max(axis=2) ** 2)).any(axis=0)
    return np.where((count >= least) & ~flat, whole, np.nan)
