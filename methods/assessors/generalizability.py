"""How reliable scores would be with more assessors, and how many a wanted reliability takes (a D study)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.assessors.crossed import Crossed


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of one score, none negative."""

    unit: float
    unit_criterion: float
    assessor: float
    assessor_criterion: float
    residual: float

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"the variance {name} is {value}; give a finite number of 0 or more")

    @staticmethod
    def of(fit: Crossed) -> Components:
        return Components(
            fit.variance_unit,
            fit.variance_unit_criterion,
            fit.variance_assessor,
            fit.variance_assessor_criterion,
            fit.variance_residual,
        )


@dataclass(frozen=True, slots=True)
class Reliability:
    """Shares of the variance between units in that of their scores."""

    generalizability: float  # of scores freed from severity: all units by the same assessors, or the crossed model
    dependability: float  # of plain means, when each unit has assessors of its own


def reliability_with(components: Components, assessors: int, criteria: int = 1) -> Reliability:
    """Reliability of a unit's score by so many assessors: of one criterion, or the mean of several.

    Parameters
    ----------
    components
        Variances, as from the crossed model.
    assessors
        Per unit, each scoring all of the criteria.
    criteria
        In the mean; they are these very criteria, so that what is a unit's own on them counts as true.

    Returns
    -------
    Both coefficients; 0 where units do not differ.

    Raises
    ------
    ValueError
        For no assessor, no criterion, or a negative variance.

    Notes
    -----
    The crossed model knows severity only as well as its design allows: with few units an assessor the reliability of
    its estimates lies between the two. `Crossed.reliability` says what it is for each unit.

    References
    ----------
    Cronbach, Gleser, Nanda, Rajaratnam (1972); Brennan (2001), Generalizability Theory, ch. 4: E rho^2 and Phi.

    Examples
    --------
    The table of Shrout and Fleiss: ICC(3,1) and ICC(2,1), then of four assessors.

    >>> table = Components(2.55555556, 0.0, 5.24444444, 0.0, 1.01944444)
    >>> for n in (1, 4):
    ...     found = reliability_with(table, n)
    ...     round(found.generalizability, 2), round(found.dependability, 2)
    (0.71, 0.29)
    (0.91, 0.62)
    """
    if assessors < 1 or criteria < 1:
        raise ValueError(f"assessors is {assessors}, criteria {criteria}; give at least one of each")
    true = components.unit + components.unit_criterion / criteria
    if true <= 0:
        return Reliability(0.0, 0.0)
    chance, severity = _errors(components, criteria)
    return Reliability(true / (true + chance / assessors), true / (true + (chance + severity) / assessors))


def assessors_needed(
    components: Components, wanted: float, criteria: int = 1, severity_removed: bool = True
) -> int | None:
    """The smallest number of assessors a unit that gives the wanted reliability; None where units do not differ.

    Parameters
    ----------
    components
        Variances, as from the crossed model.
    wanted
        Between 0 and 1.
    criteria
        In the mean that is to be reliable.
    severity_removed
        Whether scores are freed from severity (generalizability), or plain means of different assessors
        (dependability).

    Raises
    ------
    ValueError
        When `wanted` is not between 0 and 1, or there is no criterion.

    Examples
    --------
    >>> table = Components(2.55555556, 0.0, 5.24444444, 0.0, 1.01944444)
    >>> assessors_needed(table, 0.9), assessors_needed(table, 0.9, severity_removed=False)
    (4, 23)
    """
    if not 0.0 < wanted < 1.0:
        raise ValueError(f"wanted is {wanted}; give a reliability between 0 and 1")
    if criteria < 1:
        raise ValueError(f"criteria is {criteria}; give at least one")
    true = components.unit + components.unit_criterion / criteria
    if true <= 0:
        return None
    chance, severity = _errors(components, criteria)
    error = chance if severity_removed else chance + severity
    return max(1, int(np.ceil(wanted / (1.0 - wanted) * error / true - 1e-9)))


def spearman_brown(reliability: float, times: float) -> float:
    """Reliability with `times` as many assessors (or items).

    Parameters
    ----------
    reliability
        With what there is, at most 1; above -1 / (times - 1) where it is negative.
    times
        Above 0; below 1 for fewer.

    Raises
    ------
    ValueError
        When a number is out of its range.

    References
    ----------
    Spearman (1910), Brown (1910), British Journal of Psychology 3, 271-322.

    Examples
    --------
    >>> round(spearman_brown(0.71484071, 4), 4)  # ICC(3,1) to ICC(3,4) of Shrout and Fleiss
    0.9093
    """
    if not (np.isfinite(times) and times > 0):
        raise ValueError(f"times is {times}; give a number above 0")
    below = 1.0 + (times - 1.0) * reliability
    if not (np.isfinite(reliability) and reliability <= 1.0 and below > 0):
        raise ValueError(f"reliability is {reliability}; give a number of at most 1 that so many could have")
    return times * reliability / below


def times_needed(reliability: float, wanted: float) -> float:
    """How many times as many assessors (or items) give the wanted reliability.

    Parameters
    ----------
    reliability
        With what there is, between 0 and 1.
    wanted
        Between 0 and 1.

    Raises
    ------
    ValueError
        When a number is not between 0 and 1.

    Examples
    --------
    >>> times_needed(0.5, 0.8)
    4.0
    """
    for name, value in (("reliability", reliability), ("wanted", wanted)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} is {value}; give a number between 0 and 1")
    return round(wanted * (1.0 - reliability) / (reliability * (1.0 - wanted)), 12)


def _errors(components: Components, criteria: int) -> tuple[float, float]:
    """Of one assessor, in a mean of so many criteria: chance, and severity."""
    return components.residual / criteria, components.assessor + components.assessor_criterion / criteria
