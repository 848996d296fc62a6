"""What is true in the simulated province: a value of every unit on every indicator. Rating never reads it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator.demo.province import Province, data, generator
from evaluator.rating.published import stacked
from evaluator.rating.scheme import Indicator, Scheme
from evaluator.rating.tabular import Table, csv_bytes, texts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Strata:
    """Kinds of people: every combination of an age and a gender."""

    codes: dict[str, tuple[str, ...]]  # question -> codes
    code: dict[str, Integers]  # question -> (strata,) position among its codes
    shift: Floats  # (strata,) of the logit of every score
    responds: Floats  # (strata,) times the unit's response rate
    contact: Floats  # (strata,) times the unit's share of people with contact
    share: Floats  # (units, strata) of the unit's people
    people: Integers  # (units,) who can be asked: 16 and over; who has to do with a department


@dataclass(frozen=True, slots=True)
class Truth:
    """True values on the scale of the indicators' goalposts, NaN where an indicator does not apply."""

    indicators: tuple[Indicator, ...]
    value: Floats  # (units, indicators)
    logit: Floats  # (units, indicators) citizens' items: what a stratum's shift is added to
    groups: dict[str, Floats]  # (units, indicators) by group of respondents that the scheme sets apart: mean scores
    strata: Strata

    def position(self, code: str) -> int:
        """Column of the indicator with this code."""
        return next(k for k, indicator in enumerate(self.indicators) if indicator.code == code)


def expit(x: Floats) -> Floats:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))


def logit(p: Floats | float) -> Floats:
    """log(p / (1 - p))."""
    return np.log(np.asarray(p) / (1.0 - np.asarray(p)))


def make_truth(seed: int, province: Province, scheme: Scheme) -> Truth:
    """True values from the effects of unit, dimension, indicator and size that data/truth.yaml describes."""
    words = data("truth.yaml")
    strata = make_strata(seed, province)
    standing = _standing(seed, province, scheme)
    value = np.full(standing.shape, np.nan)
    base = np.full(standing.shape, np.nan)
    people = data("citizens.yaml")
    after_contact = set(people["contact"]["opens"])
    groups = {group.code: np.full(standing.shape, np.nan) for group in scheme.groups}
    for k, indicator in enumerate(scheme.indicators):
        about = words["indicators"][indicator.code]
        applies = np.isin(province.level, indicator.levels or tuple(scheme.levels))
        goal = indicator.goal or (0.0, 1.0)
        spread = about.get("spread", words["spread"][indicator.source])
        z = standing[:, k] * (spread if goal[1] > goal[0] else -spread)
        if indicator.source == "citizen":
            base[:, k] = np.where(applies, logit(about["mean"] / 100) + z, np.nan)
            weight = strata.share * (strata.contact if indicator.item in after_contact else 1.0)

            def mean(shift: float, base: Floats = base[:, k, None], weight: Floats = weight) -> Floats:
                scores = 100 * expit(base + strata.shift + shift)
                return np.asarray((weight * scores).sum(axis=1) / weight.sum(axis=1))

            found = mean(0.0)
            for code, of_group in groups.items():
                of_group[:, k] = mean(people["groups"][code]["shift"])
        elif indicator.source == "share":
            found = expit(logit(about["mean"]) + z)
        elif indicator.source == "rate":
            found = about["mean"] * np.exp(z)
        else:
            found = np.round(about["mean"] + z, 3)  # what is reported as it is, is reported with three decimals
        value[:, k] = np.where(applies, found, np.nan)
    return Truth(scheme.indicators, value, base, groups, strata)


def _standing(seed: int, province: Province, scheme: Scheme) -> Floats:
    """(units, indicators) standard normal standing of a unit on an indicator, correlated as `effects` says."""
    words = data("truth.yaml")
    rng = generator(seed, "truth")
    dimensions = [dimension.code for dimension in scheme.dimensions]
    of = np.array([dimensions.index(indicator.dimension) for indicator in scheme.indicators])
    own = rng.standard_normal((len(province), 1 + len(dimensions)))
    kept = words["inherited"]
    effect = own.copy()
    for unit, parent in enumerate(province.parent):
        if parent >= 0:
            effect[unit] = kept * effect[parent] + np.sqrt(1 - kept**2) * own[unit]
    alone = rng.standard_normal((len(province), len(of)))
    size = np.log(np.maximum(province.population, 1))
    z_size = np.zeros(len(province))
    for level in np.unique(province.level):
        at = province.level == level
        z_size[at] = (size[at] - size[at].mean()) / (size[at].std() or 1.0)
    share = words["effects"]
    shift = np.array([words["levels"].get(level, 0.0) for level in province.level])
    return (
        share["unit"] * effect[:, :1] + share["dimension"] * effect[:, 1 + of] + share["indicator"] * alone
        + share["population"] * z_size[:, None] + shift[:, None]
    )  # fmt: skip


def make_strata(seed: int, province: Province) -> Strata:
    """Who lives where: a county's composition varies, that of its townships and departments is the county's."""
    words = data("citizens.yaml")
    rng = generator(seed, "strata")
    questions = list(words["strata"])
    codes = {question: tuple(words["strata"][question]) for question in questions}
    kinds = list(product(*(range(len(codes[question])) for question in questions)))
    code = {question: np.array([kind[k] for kind in kinds]) for k, question in enumerate(questions)}

    def of(field: str) -> list[Floats]:
        return [np.array([one[field] for one in words["strata"][q].values()])[code[q]] for q in questions]

    share = np.prod(of("share"), axis=0)[None, :] * rng.lognormal(0, words["composition"], (len(province), len(kinds)))
    for unit in np.flatnonzero(np.isin(province.level, ["T", "D"])):
        share[unit] = share[province.parent[unit]]
    share /= share.sum(axis=1, keepdims=True)
    about = words["people"]
    part = np.where(province.kind == "department", about["share"] * about["department"], about["share"])
    people = np.maximum(1, np.rint(province.population * part)).astype(np.int64)
    return Strata(
        codes, code, np.sum(of("shift"), axis=0), np.prod(of("responds"), axis=0), np.prod(of("contact"), axis=0),
        share, people,
    )  # fmt: skip


def write_truth(path: Path, province: Province, truth: Truth, held: NDArray[np.object_]) -> None:
    """One row a unit and applicable indicator: unit, group (blank: who counts), indicator, value, held.

    Parameters
    ----------
    held
        (units, indicators) how outside systems hold the number: reported, missing, unreported (due, but nobody said),
        nothing_due; "" where citizens or assessors tell it.
    """
    codes = np.array([one.code for one in truth.indicators], object)
    parts: list[Table] = []
    for group, value in {"": truth.value, **truth.groups}.items():
        unit, indicator = np.nonzero(~np.isnan(value))
        parts.append(
            {
                "unit": province.code[unit],
                "group": np.full(len(unit), group, object),
                "indicator": codes[indicator],
                "value": value[unit, indicator],
                "held": np.full(len(unit), "", object) if group else held[unit, indicator],
            }
        )
    table = stacked(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        csv_bytes({name: texts(column, "number" if name == "value" else "text") for name, column in table.items()})
    )
