"""The scheme: the versioned recipe of a rating, read from one YAML file."""

from __future__ import annotations

from typing import Literal

import msgspec

Source = Literal["citizen", "assessor", "share", "rate", "metric", "ready"]
Method = Literal["goalposts", "min_max", "z_score", "rank", "percentile", "target", "share_of_best", "none"]
Mean = float | Literal["median"]  # exponent of a power mean, or the weighted median
Transform = Literal["none", "log", "log_CT", "log_CT_orig", "log_GII", "box_cox"]


class Label(msgspec.Struct, frozen=True):
    zh: str
    en: str


UNSAID = Label(zh="", en="")


class Dimension(msgspec.Struct, frozen=True):
    """A node between the index and the indicators; one right below the index is a dimension."""

    code: str
    name: Label
    weight: float = 1.0  # within what it belongs to
    parent: str = ""  # the node that it belongs to; blank: the index
    aggregation: Mean | None = None  # how it is made of its members; None: as `within_dimension` says


class Treatment(msgspec.Struct, frozen=True):
    """What is done about outliers, before normalisation and with the numbers of the level's units."""

    method: Literal["none", "winsorise", "transform"] = "none"
    skewness: float = 2.0  # winsorise: an indicator is in order unless it passes both
    kurtosis: float = 3.5
    most: int | None = 5  # points moved; None: as many as it takes
    transform: Transform = "none"  # transform: which; winsorise: what is done where moving points does not do


class Indicator(msgspec.Struct, frozen=True):
    code: str
    dimension: str  # the one it lies under
    source: Source
    name: Label
    weight: float = 1.0  # within the node it belongs to
    levels: tuple[str, ...] = ()  # all levels of the scheme when the file names none
    goal: tuple[float, float] | None = None  # value scoring scale[0], value scoring scale[1]
    item: str | None = None  # source citizen: the question's code
    exposure: str | None = None  # source rate: what the denominator counts
    per: float = 1.0  # source rate, and with a denominator: the value is per this much of it
    scale: tuple[float, float] | None = None  # limits that draws of a normal input are clipped to
    tasks: tuple[str, ...] = ()
    formula: Label = UNSAID
    asks: Label = UNSAID  # source assessor: what is looked at
    basis: Label = UNSAID  # why these goalposts: a law, the scale, a judgement
    data: Label = UNSAID  # where the numbers come from
    parent: str = ""  # the node that it belongs to; blank: the dimension
    denominator: str | None = None  # metric and ready: column of `units` that the number is divided by
    direction: int = 1  # -1: less is better, where no goal says so
    normalisation: Method | None = None  # None: as the scheme says
    target: float | None = None  # normalisation target: value scoring scale[1]
    treatment: Treatment | None = None  # None: as the scheme says


class Group(msgspec.Struct, frozen=True):
    """Respondents, by their own word, who are an estimand of their own: in no citizens' number and in no index."""

    code: str
    item: str  # the question whose answer tells who belongs to it
    choices: tuple[str, ...]
    name: Label


class Citizens(msgspec.Struct, frozen=True):
    """How citizens' numbers are estimated, where a scheme may choose."""

    previous_edition: bool = False  # its estimates are a covariate, when it was made by the same version of the scheme


class Normalisation(msgspec.Struct, frozen=True):
    method: Method = "goalposts"
    scale: tuple[float, float] = (0.0, 100.0)
    clip: bool = True
    mean: float = 0.0  # z_score: what the mean of the level's units becomes
    sd: float = 1.0  # z_score: what their standard deviation becomes


class Aggregation(msgspec.Struct, frozen=True):
    """Exponents of power means: 1 arithmetic, 0 geometric (scores floored at 1), -1 harmonic; or the median."""

    within_dimension: Mean = 1.0  # of every node that says nothing itself
    across_dimensions: Mean = 1.0


class Missing(msgspec.Struct, frozen=True):
    min_present: int = 1  # indicators with a number of their own, else insufficient_evidence
    min_weight_present: float = 0.0  # share of the applicable weight that is not imputed, over the whole tree
    dimension_min: float = 0.0  # share present within a dimension or node, else it is missing
    impute: Literal["none", "predictive", "mean", "median", "nearest"] = "none"
    by: str = "level"  # mean, median, nearest: over units of the same level, parent or x_ column
    neighbours: int = 3  # nearest: how many of the most similar units


class RecordClass(msgspec.Struct, frozen=True):
    code: str
    use: Literal["none", "indicator", "deduction", "veto"] = "none"
    indicator: str | None = None
    points: float = 0.0
    veto: str | None = None
    name: Label = UNSAID
    in_force_months: int | None = None  # counted by the share of the period that it is in force, so many months long


class Records(msgspec.Struct, frozen=True):
    classes: tuple[RecordClass, ...] = ()
    weight: dict[str, float] = {}  # by state of the event
    deduction_exposure: str | None = None  # the indicator whose denominator is the exposure
    saturating: float = 15.0


class Veto(msgspec.Struct, frozen=True):
    code: str
    cap: str  # the best grade still open
    when: Label = UNSAID
    source: Label = UNSAID
    name: Label = UNSAID


class Grades(msgspec.Struct, frozen=True):
    bands: tuple[tuple[str, float], ...] = ()  # best first: grade, its lower limit
    min_reliability: float = 0.5
    move_probability: float = 0.8
    max_misordered: float = 0.05  # tiers: share of separated pairs expected in the wrong order


class Ranks(msgspec.Struct, frozen=True):
    coverage: float = 0.95
    credible_above: int = 300  # larger levels get credible rank intervals


class Uncertainty(msgspec.Struct, frozen=True):
    draws: int = 4096
    interval: float = 0.95


class Sobol(msgspec.Struct, frozen=True):
    bootstrap: int = 500


class Sensitivity(msgspec.Struct, frozen=True):
    dirichlet_concentration: float | None = None  # weights drawn around the scheme's at every node
    aggregation: tuple[float, ...] = ()  # across-dimension exponents to compare
    goalposts_widened: tuple[float, ...] = ()  # 0.1: both ends moved out by 10 % of their distance
    screening: tuple[Literal["main", "half", "without"], ...] = ("main",)
    sobol: Sobol | None = None


class Publication(msgspec.Struct, frozen=True):
    decimals: int = 1
    citizen_min_reliability: float = 0.0
    cell_min: int = 0
    max_interval_width: float | None = None
    min_assessors: int = 1
    assessor_min_reliability: float = 0.0
    min_level_units: int = 8  # a smaller level is shown, neither graded nor ranked; its priors are weak and fixed
    reply_days: int = 0  # for which the rated units see theirs before it is published


class Scheme(msgspec.Struct, frozen=True):
    code: str
    version: str
    title: Label
    levels: dict[str, Label]
    dimensions: tuple[Dimension, ...]
    indicators: tuple[Indicator, ...]
    nodes: tuple[Dimension, ...] = ()  # below the dimensions
    tasks: dict[str, Label] = {}
    treatment: Treatment = Treatment()
    weights: Literal["given", "equal", "relative"] = "given"
    groups: tuple[Group, ...] = ()  # of respondents, estimated apart
    citizens: Citizens = Citizens()
    weights_by_level: dict[
        str, dict[str, float]
    ] = {}  # level -> dimension or node -> weight; a level not named uses their own
    normalisation: Normalisation = Normalisation()
    aggregation: Aggregation = Aggregation()
    missing: Missing = Missing()
    records: Records = Records()
    vetoes: tuple[Veto, ...] = ()
    grades: Grades = Grades()
    ranks: Ranks = Ranks()
    uncertainty: Uncertainty = Uncertainty()
    sensitivity: Sensitivity = Sensitivity()
    publication: Publication = Publication()
