"""Bootstrap replicates of a sample: another way to a variance, to check the linearised one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats
from methods.survey.columns import relabelled
from methods.survey.designs import Design


def bootstrap_factors(design: Design, replicates: int, rng: np.random.Generator) -> Floats:
    """Rescaled bootstrap: factors of the design weights in samples of sampled units.

    Parameters
    ----------
    design
        The sample: clusters, or single responses (a cell of several respondents cannot be drawn in parts).
    replicates
        How many.
    rng
        Source of randomness.

    Returns
    -------
    (replicates, rows)
        Factors, 1 on average. Calibrate and estimate anew with each (`dataclasses.replace(design, weight=...)`).

    Raises
    ------
    ValueError
        When a row holds several respondents who are no cluster, a stratum has one sampled unit that is not sure, or
        there is no replicate.

    Notes
    -----
    Of a stratum's m units m - 1 are drawn with replacement; factors are 1 + sqrt(1 - f) (m t / (m - 1) - 1) for a unit
    drawn t times, f being the sampled fraction.

    References
    ----------
    Rao, Wu (1988), Journal of the American Statistical Association 83, 231-241; Rao, Wu, Yue (1992), Survey Methodology
    18, 209-217.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> bootstrap_factors(simple([10.0] * 3), 4, np.random.default_rng(1)).sum(axis=1).tolist()
    [3.0, 3.0, 3.0, 3.0]
    """
    if replicates < 1:
        raise ValueError(f"replicates: {replicates}; 1 or more are expected")
    several = (design.psu < 0) & (design.n != 1)
    if several.any():
        at = int(np.flatnonzero(several)[0])
        raise ValueError(
            f"design: row {at} holds {design.n[at]:g} respondents who are no cluster; give single responses"
        )
    factors = np.ones((replicates, len(design.n)))
    single = np.where(design.psu < 0, design.psu.max(initial=-1) + 1 + np.arange(len(design.psu)), design.psu)
    for h in range(len(design.sampled)):
        rows = np.flatnonzero(design.stratum == h)
        if not len(rows) or design.fraction[h] >= 1:
            continue
        units, unit = relabelled(single[rows], int(single.max()) + 1)
        m = len(units)
        if m < 2:
            raise ValueError(f"design: stratum {h} has a single sampled unit, which cannot be drawn again; merge it")
        drawn = rng.multinomial(m - 1, np.full(m, 1.0 / m), size=replicates)
        times = 1.0 + np.sqrt(1.0 - design.fraction[h]) * (m * drawn / (m - 1.0) - 1.0)
        factors[:, rows] = times[:, unit]
    return factors


def replicate_variance(replicated: ArrayLike, estimate: ArrayLike) -> Floats:
    """Mean squared distance of replicated estimates from the estimate.

    Parameters
    ----------
    replicated : (replicates, ...)
        Estimates under each replicate's weights.
    estimate : (...)
        The estimate under the sample's own.

    Returns
    -------
    (...)
        Variances; their own relative error is about sqrt(2 / replicates).

    Raises
    ------
    ValueError
        When shapes do not fit or a replicate has no estimate.

    Examples
    --------
    >>> replicate_variance([[1.0], [3.0]], [2.0]).tolist()
    [1.0]
    """
    values, center = np.asarray(replicated, np.float64), np.asarray(estimate, np.float64)
    if values.ndim == 0 or values.shape[1:] != center.shape or not len(values):
        raise ValueError(f"replicated: shape {values.shape}; (replicates, ...) over {center.shape} is expected")
    if not np.isfinite(values).all():
        raise ValueError(f"replicated: {int((~np.isfinite(values)).sum())} replicates without an estimate")
    return np.asarray(np.mean((values - center) ** 2, axis=0), np.float64)
