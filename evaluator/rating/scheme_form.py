"""The form of a scheme file, key by key: what the loader accepts, and the JSON Schema that editors read.

These structs are never filled. They say once what keys there are, of what kind, with what default and what they mean;
`evaluator.rating.scheme_file` reads a file with the line of every mistake and knows the keys from here.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from evaluator.rating.scheme import Method, Source

ADDRESS = "https://json-schema.org/draft/2020-12/schema"

_CODE = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"
Code = Annotated[str, Meta(pattern=_CODE, description="Latin letters, digits, _ - . and no spaces")]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
Pair = Annotated[list[float], Meta(min_length=2, max_length=2)]
Power = Annotated[float, Meta(ge=-10, le=10)]


class WordsForm(Struct, forbid_unknown_fields=True):
    """A text in both languages; one of them stands in for the other."""

    zh: str | None = None
    en: str | None = None


Words = Annotated[str | WordsForm, Meta(description="a text, or {zh: ..., en: ...}")]


class PowerMeanForm(Struct, forbid_unknown_fields=True):
    """A power mean by its exponent: 1 arithmetic, 0 geometric, -1 harmonic."""

    power_mean: Power


Mean = Annotated[
    Annotated[str, Meta(pattern=r"^(arithmetic|geometric|harmonic|median|power_mean -?[0-9.]+)$")] | PowerMeanForm,
    Meta(
        description="arithmetic, geometric, harmonic, median, {power_mean: p} or `power_mean p`",
        extra_json_schema={"examples": ["arithmetic", "geometric", "harmonic", "median", {"power_mean": 0.5}]},
    ),
]


class TreatmentForm(Struct, forbid_unknown_fields=True):
    """What is done about outliers, over the units of one level, before normalisation (as COINr's `Treat`)."""

    method: Annotated[
        Literal["none", "winsorise", "transform"],
        Meta(description="winsorise: move the most extreme points to the next until the indicator is in order"),
    ] = "none"
    skewness: Annotated[float, Meta(ge=0, description="limit; an indicator fails only beyond both limits")] = 2.0
    kurtosis: Annotated[float, Meta(description="limit of the excess kurtosis")] = 3.5
    max_points: Annotated[
        Annotated[int, Meta(ge=0)] | Literal["all"], Meta(description="points moved at most; all: as many as it takes")
    ] = 5
    otherwise: Annotated[
        Literal["none", "log", "log_ct", "log_ct_orig", "log_gii", "box_cox"],
        Meta(description="winsorise: transformation where moving points does not do"),
    ] = "none"
    transform: Annotated[
        Literal["log", "log_ct", "log_ct_orig", "log_gii", "box_cox"] | None,
        Meta(description="transform: which transformation, whatever the distribution"),
    ] = None
    note: Any = None


Treating = Annotated[
    Literal["none", "winsorise", "log", "log_ct", "log_ct_orig", "log_gii", "box_cox"] | TreatmentForm,
    Meta(description="none, winsorise, the name of a transformation, or a mapping"),
]


class NodeForm(Struct, forbid_unknown_fields=True):
    """A node between the index and the indicators. Without `parent` it is a dimension, right below the index."""

    weight: Annotated[Positive | None, Meta(description="within what it belongs to; default 1")] = None
    w: Annotated[Positive | None, Meta(description="the same as weight")] = None
    name: Annotated[Words | None, Meta(description="default: the code")] = None
    parent: Annotated[Code | None, Meta(description="the node that it belongs to; default: the index")] = None
    aggregation: Annotated[
        Mean | None, Meta(description="how it is made of its members; default: aggregation.within_dimension")
    ] = None
    note: Any = None


class IndicatorForm(Struct, forbid_unknown_fields=True):
    """What is measured."""

    code: Annotated[str, Meta(pattern=_CODE, description="used once in the scheme")]
    source: Annotated[
        Source,
        Meta(
            description="citizen: a question's mean score; assessor: an institute's criterion; share, rate: counts in "
            "`records`; metric, ready: numbers in `indicators`"
        ),
    ]
    dim: Annotated[Code | None, Meta(description="the node that it belongs to")] = None
    dimension: Annotated[Code | None, Meta(description="the same as dim")] = None
    parent: Annotated[Code | None, Meta(description="the same as dim")] = None
    w: Annotated[Positive | None, Meta(description="weight within its node; default 1")] = None
    weight: Annotated[Positive | None, Meta(description="the same as w")] = None
    name: Annotated[Words | None, Meta(description="default: the code")] = None
    levels: Annotated[list[Code] | None, Meta(description="levels to which it applies; default: all")] = None
    tasks: Annotated[list[Code] | None, Meta(description="codes of `tasks` that it answers for")] = None
    goal: Annotated[Pair | None, Meta(description="[value scoring the lower end, value scoring the upper end]")] = None
    direction: Annotated[
        Literal[1, -1] | None,
        Meta(description="-1: less is better. Where there is a goal, the goal says it; default 1"),
    ] = None
    normalisation: Annotated[Method | None, Meta(description="default: normalisation.method")] = None
    target: Annotated[float | None, Meta(description="normalisation target: value scoring the upper end")] = None
    treatment: Annotated[Treating | None, Meta(description="default: treatment of the scheme")] = None
    denominator: Annotated[
        Annotated[str, Meta(pattern=r"^(population|x_.+)$")] | None,
        Meta(description="metric and ready: column of `units` that the number is divided by"),
    ] = None
    per: Annotated[
        Positive | None, Meta(description="rate, or with a denominator: the value is per this much; default 1")
    ] = None
    item: Annotated[Code | None, Meta(description="citizen: code of the question")] = None
    exposure: Annotated[str | None, Meta(description="rate: what the denominator counts")] = None
    scale: Annotated[Pair | None, Meta(description="limits to which uncertain numbers are clipped")] = None
    asks: Annotated[Words | None, Meta(description="assessor: what is looked at")] = None
    formula: Annotated[Words | None, Meta(description="said to people")] = None
    basis: Annotated[Words | None, Meta(description="why these goalposts; said to people")] = None
    data: Annotated[Words | None, Meta(description="where the numbers come from; said to people")] = None
    note: Any = None


class NormalisationForm(Struct, forbid_unknown_fields=True):
    """How numbers become scores."""

    method: Annotated[
        Method,
        Meta(
            description="goalposts: fixed values of `goal`; none: the number is the score; the others make a scale "
            "from the units of the level: min_max, z_score, rank, percentile, target (from the worst unit to the "
            "`target`), share_of_best"
        ),
    ] = "goalposts"
    scale: Annotated[Pair, Meta(description="[worst, best]")] = msgspec.field(default_factory=lambda: [0.0, 100.0])
    clip: Annotated[bool, Meta(description="scores beyond the ends of the scale get the end")] = True
    mean: Annotated[float, Meta(description="z_score: what the mean becomes")] = 0.0
    sd: Annotated[Positive, Meta(description="z_score: what the standard deviation becomes")] = 1.0
    frozen_until: Annotated[Any, Meta(description="said to people")] = None
    note: Any = None


class AggregationForm(Struct, forbid_unknown_fields=True):
    """How members become one score, where a node says nothing itself."""

    within_dimension: Annotated[Mean, Meta(description="dimensions and nodes below them")] = "arithmetic"
    across_dimensions: Annotated[Mean, Meta(description="the index")] = "arithmetic"
    note: Any = None


class ImputeForm(Struct, forbid_unknown_fields=True):
    """How numbers that nobody reported are filled in."""

    method: Literal["none", "predictive", "mean", "median", "nearest"]
    by: Annotated[
        str, Meta(description="mean, median, nearest: over units of the same level, parent, or x_ column of `units`")
    ] = "level"
    neighbours: Annotated[int, Meta(ge=2, description="nearest: how many of the most similar units")] = 3


class MissingForm(Struct, forbid_unknown_fields=True):
    """What happens where numbers are missing."""

    min_present: Annotated[int, Meta(ge=1, description="indicators of its own that a unit needs for an index")] = 1
    min_weight_present: Annotated[Share, Meta(description="share of the weight that is the unit's own")] = 0.0
    dimension_min: Annotated[Share, Meta(description="the same within each node, else it is not scored")] = 0.0
    impute: Annotated[
        Annotated[str, Meta(pattern="^(none|predictive|mean|median|nearest)\\b")] | ImputeForm,
        Meta(description="none; predictive: the level's mean; mean, median, nearest; each with the variance of a unit"),
    ] = "none"
    not_applicable: Annotated[Any, Meta(description="said to people")] = None
    note: Any = None


class RecordClassForm(Struct, forbid_unknown_fields=True):
    """A class of dishonesty records."""

    in_rating: Annotated[
        bool | str, Meta(description="false, deduction, veto, or the code of the indicator that it is counted in")
    ] = False
    points: Annotated[Positive | None, Meta(description="deduction: points of one record")] = None
    veto: Annotated[Code | None, Meta(description="veto: which; default: the code of the class")] = None
    name: Words | None = None
    counted: Annotated[
        Literal["whole", "days_in_force"], Meta(description="days_in_force: by the part of the period it is in force")
    ] = "whole"
    published_min_months: float | None = None
    published_max_months: float | None = None
    repair_from_months: float | None = None
    public_by_default: bool | None = None
    term_months: float | None = None
    extend_months: Any = None
    delete_working_days: float | None = None
    note: Any = None


class DeductionForm(Struct, forbid_unknown_fields=True):
    exposure: Annotated[Code | None, Meta(description="rate indicator whose denominator is the unit's size")] = None
    saturating: Annotated[Positive, Meta(description="points that can be taken off at most")] = 15.0


class RecordsForm(Struct, forbid_unknown_fields=True):
    """Dishonesty records and what they do to a rating."""

    classes: dict[str, RecordClassForm | None] | None = None
    counted_from: Annotated[Any, Meta(description="said to people")] = None
    weight: Annotated[dict[str, Share] | None, Meta(description="by state of the record, 0 to 1")] = None
    repair_conditions: Annotated[Any, Meta(description="said to people")] = None
    deduction: DeductionForm | None = None
    note: Any = None


class VetoForm(Struct, forbid_unknown_fields=True):
    """A fact that caps the grade."""

    cap: Annotated[str, Meta(description="the best grade still open")]
    when: Words | None = None
    while_: Words | None = msgspec.field(default=None, name="while")
    source: Words | None = None
    name: Words | None = None
    note: Any = None


class TiersForm(Struct, forbid_unknown_fields=True):
    method: Literal["kline-rose-walters"] = "kline-rose-walters"
    peers: Any = None
    max_misordered_of_separated_pairs: Annotated[float, Meta(ge=0, le=0.5)] = 0.05


class GradesForm(Struct, forbid_unknown_fields=True):
    """Grades and tiers."""

    bands: Annotated[dict[str, float] | None, Meta(description="best first: grade and its lower limit")] = None
    assign: Annotated[Any, Meta(description="said to people")] = None
    min_reliability: Annotated[Share, Meta(description="below it: insufficient evidence")] = 0.5
    move_probability: Annotated[
        float, Meta(ge=0.5, le=1, description="a grade moves from the last edition only when this sure")
    ] = 0.8
    tiers: TiersForm | None = None
    note: Any = None


class RanksForm(Struct, forbid_unknown_fields=True):
    """Ranks, as ranges."""

    method: Literal["mogstad-romano-shaikh-wilhelm"] = "mogstad-romano-shaikh-wilhelm"
    coverage: Annotated[float, Meta(ge=0.5, le=0.999)] = 0.95
    sets: Any = None
    credible_above: Annotated[int, Meta(ge=0, description="levels of more units get credible rank intervals")] = 300
    publish_point_rank: Annotated[Literal[False], Meta(description="point ranks are never published")] = False
    note: Any = None


class UncertaintyForm(Struct, forbid_unknown_fields=True):
    draws: Annotated[int, Meta(ge=2)] = 4096
    interval: Annotated[float, Meta(ge=0.5, le=0.999)] = 0.95
    note: Any = None


class DrawnWeightsForm(Struct, forbid_unknown_fields=True):
    as_: Literal["dirichlet"] = msgspec.field(default="dirichlet", name="as")
    concentration: Annotated[Positive, Meta(description="the higher, the nearer to the scheme's weights")] = 60.0
    at: Any = None


class SobolForm(Struct, forbid_unknown_fields=True):
    method: Any = None
    first_and_total: Any = None
    bootstrap: Annotated[int, Meta(ge=0)] = 500


class SensitivityForm(Struct, forbid_unknown_fields=True):
    """Registered alternatives: reported beside the rating, never in an interval."""

    weights: DrawnWeightsForm | None = None
    aggregation: Annotated[list[Mean] | None, Meta(description="other ways from dimensions to the index")] = None
    normalisation: Annotated[
        list[Annotated[str, Meta(pattern=r"^goalposts( widened by [0-9.]+ ?%)?$")]] | None,
        Meta(description="goalposts, goalposts widened by 10 %"),
    ] = None
    screening: (
        list[Literal["main", "all responses", "half", "flagged half weight", "without", "flagged left out"]] | None
    ) = None
    sobol: SobolForm | Literal["none", "no", "false"] | bool | None = None
    note: Any = None


class CitizenLimits(Struct, forbid_unknown_fields=True):
    min_reliability: Share = 0.0
    cell_min: Annotated[int, Meta(ge=0, description="fewer respondents: the figure is blank")] = 0
    max_interval_width: Positive | None = None


class AssessorLimits(Struct, forbid_unknown_fields=True):
    min_assessors: Annotated[int, Meta(ge=1)] = 1
    min_reliability: Share = 0.0


class PublicationForm(Struct, forbid_unknown_fields=True):
    """What is published, and how."""

    decimals: Annotated[int, Meta(ge=0, le=6, description="on pages; files have six")] = 1
    citizen: CitizenLimits | None = None
    assessor: AssessorLimits | None = None
    min_level_units: Annotated[int, Meta(ge=0, description="a smaller level is neither graded nor ranked")] = 8
    reply_days: Annotated[int, Meta(ge=0, le=365, description="for which units see theirs before it is published")] = 0
    right_of_reply_days: Annotated[Any, Meta(description="said to people")] = None
    manipulation: Annotated[Any, Meta(description="said to people")] = None
    note: Any = None


class GroupForm(Struct, forbid_unknown_fields=True):
    """Respondents, by their own word, who are an estimand of their own."""

    item: Annotated[Code, Meta(description="question whose answer tells who belongs to it")]
    choices: list[Code]
    name: Words | None = None
    note: Any = None


class CitizensForm(Struct, forbid_unknown_fields=True):
    previous_edition: Annotated[bool, Meta(description="estimates of the edition before are a covariate")] = False
    note: Any = None


class SchemeForm(Struct, forbid_unknown_fields=True):
    """A rating scheme: the versioned recipe from a snapshot to an edition."""

    levels: Annotated[dict[str, Words | None], Meta(min_length=1, description="levels of units: code and name")]
    dimensions: Annotated[
        dict[str, NodeForm | None], Meta(min_length=1, description="the tree between index and indicators")
    ]
    indicators: Annotated[list[IndicatorForm], Meta(min_length=1)]
    aggregation: AggregationForm
    code: Annotated[Code, Meta(description="of the scheme")] = "scheme"
    version: Annotated[str | float, Meta(description="changes whenever the content does")] = "1"
    title: Annotated[Words | None, Meta(description="default: the code")] = None
    tasks: Annotated[dict[str, Words | None] | None, Meta(description="duties that indicators answer for")] = None
    weights: Annotated[
        Literal["given", "equal", "relative"],
        Meta(
            description="given: siblings should sum to one, else a warning; relative: they need not; equal: none "
            "is written"
        ),
    ] = "given"
    weights_by_level: Annotated[
        dict[str, dict[str, Positive]] | None, Meta(description="level -> dimension or node -> weight")
    ] = None
    treatment: Treating | None = None
    normalisation: NormalisationForm | None = None
    missing: MissingForm | None = None
    groups: dict[str, GroupForm] | None = None
    citizens: CitizensForm | None = None
    records: RecordsForm | None = None
    vetoes: dict[str, VetoForm] | None = None
    grades: GradesForm | None = None
    ranks: RanksForm | None = None
    uncertainty: UncertaintyForm | None = None
    sensitivity: SensitivityForm | None = None
    publication: PublicationForm | None = None
    estimators: Annotated[Any, Meta(description="said to people")] = None
    period: Annotated[Any, Meta(description="said to people")] = None
    change: Annotated[Any, Meta(description="said to people")] = None
    note: Any = None
    notes: Any = None


@cache
def keys(form: type[Struct]) -> tuple[str, ...]:
    """The keys of a part of the file."""
    return tuple(field.encode_name for field in msgspec.structs.fields(form))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of scheme files, for editors."""
    (root,), parts = msgspec.json.schema_components([SchemeForm], ref_template="#/$defs/{name}")
    text = json.dumps({"$schema": ADDRESS, **root, "$defs": dict(sorted(parts.items()))})
    found: dict[str, Any] = json.loads(re.sub(r'((?:"title": "|#/\$defs/|")[A-Za-z]+)Form"', r'\1"', text))
    return found


def schema_text() -> str:
    """The schema as the file docs/scheme.schema.json holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
