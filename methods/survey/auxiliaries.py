"""Auxiliaries of patterns of rows, and the sums over them that calibration and its variances need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import sparse

from methods.inputs import Floats, Integers
from methods.survey.columns import totals

SMALL = 20_000  # products that are cheaper to write out than to set up a sparse matrix for


class Auxiliaries(Protocol):
    """Values x of `width` auxiliaries for each pattern."""

    @property
    def width(self) -> int:
        """How many auxiliaries."""
        ...

    def sums(self, index: Integers, size: int, pattern: Integers, weight: Floats) -> Floats:
        """(size, width) sums of weight times x of the pattern, over rows with equal index."""
        ...

    def gram(self, weight: Floats) -> Floats:
        """(width, width) sum over patterns of weight times x x'."""
        ...


@dataclass(frozen=True, slots=True)
class Numbers:
    """Any numbers."""

    X: Floats  # (patterns, width)

    @property
    def width(self) -> int:
        """How many auxiliaries."""
        return int(self.X.shape[1])

    def sums(self, index: Integers, size: int, pattern: Integers, weight: Floats) -> Floats:
        """(size, width) sums of weight times x of the pattern, over rows with equal index."""
        if len(weight) * self.width <= SMALL:
            place = (index * self.width)[:, None] + np.arange(self.width)
            values = (weight[:, None] * self.X[pattern]).ravel()
            return totals(place.ravel(), values, size * self.width).reshape(size, self.width)
        scatter = sparse.csr_array((weight, (index, pattern)), shape=(size, len(self.X)))
        return np.asarray(scatter @ self.X, np.float64)

    def gram(self, weight: Floats) -> Floats:
        """(width, width) sum over patterns of weight times x x'."""
        return np.asarray(self.X.T @ (weight[:, None] * self.X), np.float64)


@dataclass(frozen=True, slots=True)
class Indicators:
    """Cells of several margins, one auxiliary each; of some margins less the cell's share of the population."""

    cell: tuple[Integers, ...]  # of each margin (patterns,) column of the cell, `width` where in none
    width: int
    centered: Floats | None  # (width, width) turns plain indicators into these; None: they are plain

    def sums(self, index: Integers, size: int, pattern: Integers, weight: Floats) -> Floats:
        """(size, width) sums of weight times x of the pattern, over rows with equal index."""
        across = self.width + 1
        found = np.zeros(size * across)
        start = index * across
        for cell in self.cell:
            found += totals(start + cell[pattern], weight, size * across)
        plain = found.reshape(size, across)[:, :-1]
        return plain if self.centered is None else plain @ self.centered

    def gram(self, weight: Floats) -> Floats:
        """(width, width) sum over patterns of weight times x x'."""
        across = self.width + 1
        found = np.zeros((across, across))
        for j, one in enumerate(self.cell):
            for k in range(j, len(self.cell)):
                table = totals(one * across + self.cell[k], weight, across**2).reshape(across, across)
                found += table if j == k else table + table.T
        plain = found[:-1, :-1]
        return plain if self.centered is None else self.centered.T @ plain @ self.centered
