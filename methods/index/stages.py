"""A data set goes in, the next comes out, named, with a log of how it was made (COINr's idea).

A recipe is a list of steps, each a pure function of values. Nothing is changed in place: every data set stays, and the
whole can be made again with one step replaced, or on a block of draws ``(draws, units, indicators)`` at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from methods.inputs import Floats


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recipe."""

    name: str  # of the data set that comes out
    does: Callable[[Floats], Any]  # from values to values, or to a result with `values`
    said: str = ""  # what the step does, for the log
    tell: Callable[[Any], Sequence[str]] | None = None  # details of a result, for the log


@dataclass(frozen=True, slots=True)
class DataSet:
    """Values and how they were made."""

    name: str
    values: Floats  # (..., units, columns)
    log: tuple[str, ...]  # a line a step, and its details, from the first data set on
    result: Any = None  # all that the step gave, variances of imputed values for instance


def carry_out(steps: Sequence[Step], values: Floats, name: str = "raw") -> tuple[DataSet, ...]:
    """Make every data set of a recipe.

    Parameters
    ----------
    steps
        In their order.
    values
        (..., units, indicators) of the first data set.
    name
        Of the first data set.

    Returns
    -------
    tuple of DataSet
        The first, and one a step.

    Raises
    ------
    ValueError
        A name twice; what a step refuses, with the step's name before it.

    Examples
    --------
    >>> from methods.index.normalisation import minmax
    >>> made = carry_out([Step("normalised", minmax, "least to most, 0 to 100")], np.array([[1.0], [3.0], [2.0]]))
    >>> made[-1].values[:, 0].tolist(), made[-1].log
    ([0.0, 100.0, 50.0], ('normalised: least to most, 0 to 100',))
    """
    names = [name, *(step.name for step in steps)]
    if len(set(names)) < len(names):
        raise ValueError(f"steps: {max(names, key=names.count)!r} stands twice; every data set needs a name of its own")
    made = [DataSet(name, values, ())]
    for step in steps:
        before = made[-1]
        try:
            result = step.does(before.values)
        except ValueError as wrong:
            raise ValueError(f"{step.name}: {wrong}") from wrong
        details = tuple(f"{step.name}: {line}" for line in step.tell(result)) if step.tell else ()
        said = (f"{step.name}: {step.said}",) if step.said else ()
        after = result if isinstance(result, np.ndarray) else result.values
        made.append(DataSet(step.name, after, before.log + said + details, result))
    return tuple(made)


def with_step(steps: Sequence[Step], name: str, does: Callable[[Floats], Any], said: str = "") -> tuple[Step, ...]:
    """The same recipe with one step done otherwise: what a sensitivity analysis re-runs.

    Parameters
    ----------
    steps
        The recipe.
    name
        Of the data set that comes out of the step.
    does, said
        What is done instead.

    Returns
    -------
    tuple of Step
        The other steps as they are.

    Raises
    ------
    ValueError
        No such step.

    Examples
    --------
    >>> from methods.index.normalisation import borda, minmax
    >>> other = with_step([Step("normalised", minmax)], "normalised", borda, "Borda scores")
    >>> carry_out(other, np.array([[1.0], [9.0], [2.0]]))[-1].values[:, 0].tolist()
    [0.0, 2.0, 1.0]
    """
    if name not in [step.name for step in steps]:
        raise ValueError(f"name {name!r} is no step; steps are {', '.join(step.name for step in steps)}")
    return tuple(replace(step, does=does, said=said, tell=None) if step.name == name else step for step in steps)
