"""Variance ratios by residual maximum likelihood: moments to start from, then Newton steps on the analytic gradient.

The curvature is the average information, corrected by the secant of the step before, so that a handful of evaluations
is enough; a ratio whose variance vanishes becomes exactly 0. Where Newton does not come to rest, L-BFGS-B takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize

from methods.assessors.equations import Equations, Solution
from methods.inputs import Floats

LOG_RATIO_LIMITS = (-18.0, 14.0)  # of a variance over the residual's
SMALL = float(np.log(1e-3))  # log ratio below which 0 is tried
STEPS = 30
LONGEST = 2.0  # step of a log ratio
AT_REST = 1e-9  # expected decrease of the deviance, where fitting ends
WORSE = 1e-8  # relative error of a deviance


@dataclass(slots=True)
class Search:
    """A search for the ratios of highest residual likelihood."""

    equations: Equations
    progress: Callable[[int], None] | None = None
    evaluations: int = 0
    zero: np.ndarray = field(default_factory=lambda: np.zeros(4, bool))  # ratios that are 0

    def fit(self, start: Floats | None = None) -> Solution:
        """The solution at the best ratios, from `start` (by moments if not given; its zeros stay unless wrong)."""
        eq = self.equations
        ratios = self.start() if start is None else start
        self.zero = ~eq.free | (ratios <= 0)
        best = self.descend(np.log(np.where(self.zero, 1.0, ratios)))
        for k in np.flatnonzero(self.zero & eq.free):  # a variance given up too soon would come back
            ratios = best.ratios.copy()
            ratios[k] = 1e-4
            tried = self.solve(ratios)
            if tried.deviance < best.deviance - 1e-7:
                self.zero[k] = False
                best = self.descend(np.log(np.where(self.zero, 1.0, ratios)))
        return best

    def solve(self, ratios: Floats) -> Solution:
        self.evaluations += 1
        if self.progress is not None:
            self.progress(1)
        return self.equations.solve(ratios)

    def at(self, x: Floats) -> Solution:
        return self.solve(np.where(self.zero, 0.0, np.exp(x)))

    def descend(self, x: Floats) -> Solution:
        """Newton steps from the log ratios x."""
        now = self.at(x)
        secant: tuple[Floats, Floats] | None = None
        for _ in range(STEPS):
            now, dropped = self.without_vanishing(now, x)
            if dropped:
                secant = None
            moving = np.flatnonzero(~self.zero & ~self.stuck(x, now.gradient))
            if len(moving) == 0:
                return now
            H = _curvature(now, moving, secant)
            step = np.asarray(-np.linalg.solve(H, now.gradient[moving]), np.float64)
            if float(-now.gradient[moving] @ step) < AT_REST and np.max(np.abs(step)) < 1e-5:
                return now
            step *= min(1.0, LONGEST / float(np.max(np.abs(step))))
            found = self.down(x, now, moving, step)
            if found is None:
                return self.fallen_back(x, now)
            to, after = found
            secant = (to - x, after.gradient - now.gradient)
            x, now = to, after
        return self.fallen_back(x, now)

    def down(self, x: Floats, now: Solution, moving: np.ndarray, step: Floats) -> tuple[Floats, Solution] | None:
        """A step, halved until the deviance does not rise."""
        for _ in range(8):
            to = x.copy()
            to[moving] = np.clip(to[moving] + step, *LOG_RATIO_LIMITS)
            after = self.at(to)
            if after.deviance <= now.deviance + WORSE * max(1.0, abs(now.deviance)) * 1e-2:
                return to, after
            step = 0.5 * step
        return None

    def without_vanishing(self, now: Solution, x: Floats) -> tuple[Solution, bool]:
        """With the ratios at 0 that are small, and no worse at 0."""
        dropped = False
        for k in np.flatnonzero(~self.zero & (x < SMALL) & (now.gradient > 0)):
            self.zero[k] = True
            without = self.at(x)
            if without.deviance <= now.deviance + 1e-7:
                now, dropped = without, True
            else:
                self.zero[k] = False
        return now, dropped

    def stuck(self, x: Floats, gradient: Floats) -> np.ndarray:
        """(4,) at a limit, with the deviance falling beyond it."""
        low, high = LOG_RATIO_LIMITS
        return ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))

    def fallen_back(self, x: Floats, now: Solution) -> Solution:
        moving = np.flatnonzero(~self.zero)

        def target(z: Floats) -> tuple[float, Floats]:
            to = x.copy()
            to[moving] = z
            solved = self.at(to)
            return solved.deviance, solved.gradient[moving]

        found = optimize.minimize(
            target,
            x[moving],
            jac=True,
            method="L-BFGS-B",
            bounds=[LOG_RATIO_LIMITS] * len(moving),
            options={"ftol": 1e-14, "gtol": 1e-6, "maxiter": 200, "maxls": 40},
        )
        x = x.copy()
        x[moving] = found.x
        after = self.at(x)
        return after if after.deviance < now.deviance else now

    def start(self) -> Floats:
        """(4,) ratios from moments, the interactions taking half of what their side shows.

        Expected squares about the means of units, of assessors, and of all: Gao, Owen (2017), Electronic Journal of
        Statistics 11, 1235-1296.
        """
        eq, n = self.equations, float(self.equations.n)
        p, q = eq.P.counts[: eq.P.mains], eq.Q.counts[: eq.Q.mains]
        squares = eq.WW[-1, -1]
        within_p = squares - np.sum(eq.PW[: eq.P.mains, -1] ** 2 / np.maximum(p, 1.0))
        within_q = squares - np.sum(eq.QW[: eq.Q.mains, -1] ** 2 / np.maximum(q, 1.0))
        equations = np.array(
            [
                [0.0, n - np.count_nonzero(p), n - np.count_nonzero(p)],
                [n - np.count_nonzero(q), 0.0, n - np.count_nonzero(q)],
                [n - np.sum(p**2) / n, n - np.sum(q**2) / n, n],
            ]
        )
        if squares <= 0 or abs(np.linalg.det(equations / n)) < 1e-6:
            found = np.array([0.3, 0.3, 1.0])
        else:
            found = np.linalg.solve(equations, np.array([within_p, within_q, squares])) / (squares / n)
        floor = 0.02
        found = np.maximum(found, floor)
        ratios = np.array([found[0], 0.0, found[1], 0.0]) / found[2]
        for main, inner in ((0, 1), (2, 3)):
            if eq.free[inner]:
                ratios[[main, inner]] = 0.7 * ratios[main], 0.3 * ratios[main] + 0.2
        return np.asarray(np.clip(ratios, 0.0, 50.0), np.float64)


def _curvature(now: Solution, moving: np.ndarray, secant: tuple[Floats, Floats] | None) -> Floats:
    """Average information, made to agree with the last change of the gradient where it stays positive."""
    H = np.array(now.curvature[np.ix_(moving, moving)], np.float64)
    H[np.diag_indices_from(H)] += 1e-8 + 1e-8 * np.trace(H)
    if secant is None:
        return H
    step, change = secant[0][moving], secant[1][moving]
    missing = change - H @ step
    size = float(missing @ step)
    if abs(size) < 1e-10 * float(np.linalg.norm(missing) * np.linalg.norm(step) + 1e-300):
        return H
    corrected = np.asarray(H + np.outer(missing, missing) / size, np.float64)
    return corrected if np.linalg.eigvalsh(corrected)[0] > 0.1 * np.linalg.eigvalsh(H)[0] else H
