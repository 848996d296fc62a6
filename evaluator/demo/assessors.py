"""Assessors of the simulated province: some harsh, some mild, each with a taste of their own in some criteria."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.demo.province import Province, data, generator
from evaluator.demo.truth import Truth


@dataclass(frozen=True, slots=True)
class Assessors:
    """The people of all institutes."""

    institute: NDArray[np.object_]  # (assessors,) code
    pseudonym: NDArray[np.object_]  # (assessors,)


@dataclass(frozen=True, slots=True)
class Scores:
    """One row a score."""

    assessor: NDArray[np.int64]  # position of the assessor
    unit: NDArray[np.int64]  # position of the unit
    indicator: NDArray[np.int64]  # position of the indicator
    score: NDArray[np.float64]


def make_assessors() -> Assessors:
    """Everybody who assesses, numbered within the institute."""
    words = data("institutes.yaml")
    codes = [institute["code"] for institute in words["institutes"]]
    count = words["assessors"]
    return Assessors(
        np.repeat(np.array(codes, object), count),
        np.array([f"{code}{number + 1:02d}" for code in codes for number in range(count)], object),
    )


def assign(seed: int, province: Province, assessors: Assessors) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of an assessor and a unit. Those who work in a city take turns at its units; a third work in several."""
    words = data("institutes.yaml")
    rng = generator(seed, "assignments")
    city = _city_of(province)
    wanted = np.array([words["per_unit"][level] for level in province.level])
    wanted = np.floor(wanted + rng.random(len(province))).astype(int)
    count = len(assessors.pseudonym)
    who, what = [], []
    for number, place in enumerate(np.unique(city)):
        start = number * words["working_in"] // 2  # half of a city's assessors also work in the next
        team = (start + np.arange(words["working_in"])) % count
        team = np.unique(np.concatenate([team, rng.integers(0, count, words["working_in"] // 6)]))
        turn: list[int] = []
        for unit in np.flatnonzero(city == place):
            if len(turn) < wanted[unit]:
                turn = [*turn, *(one for one in rng.permutation(team).tolist() if one not in turn)]
            who += turn[: wanted[unit]]
            what += [int(unit)] * int(wanted[unit])
            turn = turn[wanted[unit] :]
    return np.array(who, np.int64), np.array(what, np.int64)


def _city_of(province: Province) -> NDArray[np.int64]:
    """Position of the city in which each unit lies; the province's own is 0."""
    city = np.zeros(len(province), np.int64)
    for unit in range(1, len(province)):
        city[unit] = unit if province.level[unit] == "C" else city[province.parent[unit]]
    return city


def score(seed: int, province: Province, truth: Truth, assessors: Assessors) -> Scores:
    """Scores on every criterion that applies: truth, assessor, assessor's taste in the criterion, chance."""
    words = data("institutes.yaml")
    rng = generator(seed, "scores")
    who, what = assign(seed, province, assessors)
    criteria = np.array([k for k, one in enumerate(truth.indicators) if one.source == "assessor"], np.int64)
    about, people = words["effect"], len(assessors.pseudonym)
    harsh = about["assessor"] * rng.standard_normal(people)
    taste = about["criterion"] * rng.standard_normal((people, len(criteria)))
    true = truth.value[what][:, criteria]
    given = true + harsh[who, None] + taste[who] + about["noise"] * rng.standard_normal(true.shape)
    goals = [truth.indicators[k].goal or (0.0, 10.0) for k in criteria]
    given = np.clip(
        np.rint(given / words["step"]) * words["step"], [min(goal) for goal in goals], [max(goal) for goal in goals]
    )
    row, column = np.nonzero(~np.isnan(true))
    return Scores(who[row], what[row], criteria[column], given[row, column])
