"""Design variances of weighted totals of influence values, with the residuals that calibration leaves.

Saerndal, Swensson, Wretman (1992), Model Assisted Survey Sampling, chapters 5-7; Deville (1999), Survey Methodology 25,
193-203; Deville, Saerndal (1992).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from methods.inputs import Floats, Integers
from methods.survey.auxiliaries import Auxiliaries, Numbers
from methods.survey.calibration import Calibration, inverse
from methods.survey.columns import relabelled, sums, totals
from methods.survey.designs import Design, multipliers

Residuals = Literal["design", "respondents"]


def linearised_variance(
    design: Design,
    calibration: Calibration | None,
    domain: Integers,
    domains: int,
    u: Floats,
    uu: Floats,
    residuals: Residuals = "design",
) -> Floats:
    """Variance of sum_i w_i u_i for every domain and item, where w is the calibrated weight.

    Parameters
    ----------
    design
        The sample.
    calibration
        What its weights were calibrated to; None: design weights.
    domain : (rows,)
        Domain of each row, below `domains`; respondents of other domains have u = 0 in a domain, but belong to the
        sample.
    domains
        How many there are. Rows in none of them have domain -1 or u = 0.
    u, uu : (rows, items)
        Sums over each row's respondents of the influence value and of its square.
    residuals
        The weights of the regression on the auxiliaries, whose residuals calibration leaves: "design" weights (Deville,
        Saerndal; `postStratify` and `calibrate` of R's survey), or every respondent alike (its `rake`).

    Returns
    -------
    (domains, items)
        Variances; 0 of a domain without respondents.

    Raises
    ------
    ValueError
        When a stratum has one sampled unit and the design refuses that, or lies in two calibration groups.

    Notes
    -----
    With residuals r = u - x'B the variance is sum_h (c_h sum_psu Z^2 - k_h Z_h^2), Z being totals of w r
    (`designs.multipliers`). Auxiliaries are equal within a row, so all sums over x come from patterns of rows: nothing
    is formed of rows x domains.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> y = np.array([[1.0], [2.0], [3.0]])
    >>> whole = np.zeros(3, np.int64)
    >>> linearised_variance(simple([10.0] * 3), None, whole, 1, y, y**2).tolist()
    [[300.0]]
    """
    if residuals not in get_args(Residuals):
        raise ValueError(f"residuals: {residuals!r}; one of {', '.join(get_args(Residuals))} is expected")
    c, k = multipliers(design)
    weight = design.weight if calibration is None else design.weight * calibration.factor
    delta = design.weight if residuals == "design" else np.ones(len(weight))
    inside = domain >= 0
    if not inside.all():
        u, uu = np.where(inside[:, None], u, 0.0), np.where(inside[:, None], uu, 0.0)
        domain = np.maximum(domain, 0)
    sample = _Sample(design, weight, delta, c, k, domain, u, uu)
    if calibration is None or all(x.width == 0 for x in calibration.auxiliaries):
        return np.maximum(sample.plain(domains), 0.0)
    if len(calibration.auxiliaries) == 1:
        patterns = int(calibration.first[-1])
        return np.maximum(sample.calibrated(domains, calibration.pattern, patterns, calibration.auxiliaries[0]), 0.0)
    return np.maximum(_by_group(sample, calibration, domains), 0.0)


def _by_group(sample: _Sample, calibration: Calibration, domains: int) -> Floats:
    """Add up the calibration groups, which are samples of their own."""
    groups = len(calibration.auxiliaries)
    of_pattern = np.repeat(np.arange(groups), np.diff(calibration.first))
    group = of_pattern[calibration.pattern]
    of_stratum = np.full(len(sample.c), -1, np.int64)
    of_stratum[sample.design.stratum] = group
    split = np.flatnonzero(of_stratum[sample.design.stratum] != group)
    if len(split):
        at = int(sample.design.stratum[split[0]])
        raise ValueError(f"stratum: {at} has respondents of two calibration groups; a stratum lies in one group")
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(groups + 1))
    variance = np.zeros((domains, sample.u.shape[1]))
    for g in range(groups):
        rows = order[bounds[g] : bounds[g + 1]]
        if not len(rows):
            continue
        mine, here = relabelled(sample.domain[rows], domains)
        part = sample.of(rows, here)
        x = calibration.auxiliaries[g]
        pattern = calibration.pattern[rows] - calibration.first[g]
        patterns = int(calibration.first[g + 1] - calibration.first[g])
        variance[mine] += part.calibrated(len(mine), pattern, patterns, x) if x.width else part.plain(len(mine))
    return variance


class _Sample:
    """Rows of one calibration group, and the sums that a variance is made of."""

    def __init__(
        self,
        design: Design,
        weight: Floats,
        delta: Floats,
        c: Floats,
        k: Floats,
        domain: Integers,
        u: Floats,
        uu: Floats,
        rows: Integers | None = None,
    ) -> None:
        self.design, self.c, self.k = design, c, k
        self.weight, self.delta, self.domain, self.u, self.uu = weight, delta, domain, u, uu
        stratum, self.psu, self.n = design.stratum, design.psu, design.n
        if rows is not None:
            stratum, self.psu, self.n = stratum[rows], self.psu[rows], self.n[rows]
        strata, self.stratum = relabelled(stratum, len(c))
        self.c_h, self.k_h = c[strata], k[strata]
        self.clustered = bool((self.psu >= 0).any())
        # squares of single respondents count v = c w^2; those of clusters are taken from their totals
        self.v = self.c_h[self.stratum] * weight**2
        if self.clustered:
            self.v = np.where(self.psu >= 0, 0.0, self.v)

    def of(self, rows: Integers, domain: Integers) -> _Sample:
        return _Sample(
            self.design,
            self.weight[rows],
            self.delta[rows],
            self.c,
            self.k,
            domain,
            self.u[rows],
            self.uu[rows],
            rows,
        )

    def totals(self, domains: int) -> list[tuple[Integers, Integers, Floats, Floats]]:
        """Of strata, then clusters: (pairs,) member, domain and total of w u; and (members,) what its square counts."""
        parts = []
        of_stratum, total = self._pairs(self.stratum, len(self.k_h), domains)
        parts.append((of_stratum // domains, of_stratum % domains, total, -self.k_h))
        if self.clustered:
            clusters, cluster = self._clusters()
            of_cluster, total = self._pairs(cluster, len(clusters), domains)
            parts.append(
                (of_cluster // domains, of_cluster % domains, total, self._of_clusters(cluster, len(clusters)))
            )
        return parts

    def _clusters(self) -> tuple[Integers, Integers]:
        """Distinct clusters, and each row's; rows of single respondents share a last one of multiplier 0."""
        return relabelled(np.where(self.psu < 0, self.psu.max() + 1, self.psu), int(self.psu.max()) + 2)

    def _of_clusters(self, cluster: Integers, clusters: int) -> Floats:
        times = np.zeros(clusters)
        times[cluster] = np.where(self.psu < 0, 0.0, self.c_h[self.stratum])
        return times

    def _pairs(self, member: Integers, members: int, domains: int) -> tuple[Integers, Floats]:
        pairs, position = relabelled(member * domains + self.domain, members * domains)
        return pairs, sums(position, len(pairs), self.u, self.weight)

    def plain(self, domains: int) -> Floats:
        """The variance without calibration."""
        variance = sums(self.domain, domains, self.uu, self.v)
        for member, domain, total, times in self.totals(domains):
            variance += sums(domain, domains, times[member][:, None] * total**2)
        return variance

    def calibrated(self, domains: int, pattern: Integers, patterns: int, x: Auxiliaries) -> Floats:
        """The variance of residuals: a - 2 B'e + B'F B for each domain and item."""
        gram = x.gram(totals(pattern, self.delta * self.n, patterns))
        F = x.gram(totals(pattern, self.v * self.n, patterns))
        blocks, block = relabelled(self.domain * patterns + pattern, domains * patterns)
        of_domain, of_pattern = blocks // patterns, blocks % patterns
        C = _products(x, of_domain, of_pattern, domains, sums(block, len(blocks), self.u, self.delta))
        e = _products(x, of_domain, of_pattern, domains, sums(block, len(blocks), self.u, self.v))
        variance = sums(self.domain, domains, self.uu, self.v)
        weighted = self.weight * self.n
        members = [(self.stratum, len(self.k_h))]
        if self.clustered:
            clusters, cluster = self._clusters()
            members.append((cluster, len(clusters)))
        for (position, size), (member, domain, total, times) in zip(members, self.totals(domains), strict=True):
            T = x.sums(position, size, pattern, weighted)
            F = F + T.T @ (times[:, None] * T)
            scaled = times[member][:, None] * total
            e += _products(Numbers(T), domain, member, domains, scaled)
            variance += sums(domain, domains, scaled * total)
        B = np.tensordot(inverse(gram), C, axes=(1, 1)).transpose(1, 0, 2)  # (domains, width, items)
        explained = 2.0 * e - np.tensordot(F, B, axes=(1, 1)).transpose(1, 0, 2)
        return np.asarray(variance - np.sum(B * explained, axis=1), np.float64)


def _products(x: Auxiliaries, domain: Integers, pattern: Integers, domains: int, values: Floats) -> Floats:
    """(domains, width, items): sums over pairs of x of the pattern times values."""
    found = np.empty((domains, x.width, values.shape[1]))
    for k in range(values.shape[1]):
        found[:, :, k] = x.sums(domain, domains, pattern, values[:, k])
    return found
