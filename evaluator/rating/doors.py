"""The two doors that stay stable: every table and column of a snapshot and of an edition, typed and described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["code", "codes", "text", "number", "whole", "date"]  # codes: several, joined by one space


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table in a file. A blank cell is allowed unless `required`."""

    name: str
    kind: Kind
    about: str
    required: bool = False  # the column must be there and every cell filled
    least: float | None = None
    words: tuple[str, ...] = ()  # a closed vocabulary


@dataclass(frozen=True, slots=True)
class Door:
    """A table that comes in or goes out as a file."""

    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]  # no two rows agree in all of these
    prefixes: tuple[tuple[str, Kind], ...] = ()  # further columns allowed by the beginning of their names

    def column(self, name: str) -> Column | None:
        """The column called `name`, also one that is only allowed by its prefix; None when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        for prefix, kind in self.prefixes:
            if name.startswith(prefix) and len(name) > len(prefix):
                return Column(name, kind, "a further column of the operator's")
        return None


# The one place where the mark is written; every file of simulated data carries it, in a column and beside.
SIMULATED = "SIMULATED \u6a21\u62df\u6570\u636e"
MARK_COLUMN = Column("data_status", "text", "mark of data that do not come from the real world")

MODES = ("invitation", "sign_in", "open")
EVENT_STATES = ("alleged", "contested", "final", "rectified", "repaired", "expired")
SCREENINGS = ("main", "half", "without")
STATES = ("ok", "imputed", "not_applicable", "suppressed", "missing")

_UNIT = Column("unit", "code", "code of the unit", required=True)
_UNIT_COLUMNS = (
    _UNIT,
    Column("parent", "code", "code of the unit above it; blank for a root"),
    Column("level", "code", "level of the unit, a code of the scheme", required=True),
    Column("name_zh", "text", "name in Chinese"),
    Column("name_en", "text", "name in English"),
    Column("population", "number", "inhabitants", least=0),
    Column("valid_from", "date", "first day on which the unit exists; blank: always"),
    Column("valid_to", "date", "last day on which the unit exists; blank: still does"),
    Column("successor", "code", "code of the unit that took over its duties"),
)

SNAPSHOT: dict[str, Door] = {
    door.name: door
    for door in (
        Door("units", "the rated units, a row each", _UNIT_COLUMNS, ("unit",), (("x_", "number"),)),
        Door(
            "responses",
            "a person's answers on one unit",
            (
                Column("campaign", "code", "campaign in which it was given", required=True),
                Column("mode", "code", "how the person came to it", required=True, words=MODES),
                _UNIT,
                Column("day", "date", "day on which it was given"),
                Column("weight", "number", "design weight; blank: from the sample table", least=0),
                Column("design_stratum", "code", "stratum of the sampling design"),
                Column("psu", "code", "primary sampling unit"),
                Column("flags", "codes", "flags of its quality"),
            ),
            (),
            (("s_", "code"), ("q_", "codes")),
        ),
        Door(
            "sample",
            "a cell of the sampling design",
            (
                _UNIT,
                Column("design_stratum", "code", "stratum of the sampling design"),
                Column("psu", "code", "primary sampling unit"),
                Column("frame_n", "number", "persons in the frame", least=0),
                Column("invited", "number", "persons invited", least=0),
                Column("responded", "number", "persons who responded", least=0),
                Column("calibration_area", "code", "unit whose population margins calibrate this cell"),
            ),
            ("unit", "design_stratum", "psu"),
        ),
        Door(
            "population",
            "a cell of the population",
            (_UNIT, Column("count", "number", "persons in the cell", required=True, least=0)),
            ("unit", "s_*"),
            (("s_", "code"),),
        ),
        Door(
            "assessments",
            "a score an assessor gave",
            (
                _UNIT,
                Column("institute", "code", "institute of the assessor"),
                Column("assessor", "code", "pseudonym of the assessor", required=True),
                Column("criterion", "code", "code of the indicator it scores", required=True),
                Column("score", "number", "score on the criterion's scale", required=True),
            ),
            ("unit", "institute", "assessor", "criterion"),
        ),
        Door(
            "records",
            "a raw number behind a share or a rate",
            (
                _UNIT,
                Column("indicator", "code", "code of the indicator", required=True),
                Column("numerator", "number", "cases counted; blank: due but not reported", least=0),
                Column("denominator", "number", "cases due, or exposure of a rate; 0: not applicable", True, least=0),
            ),
            ("unit", "indicator"),
        ),
        Door(
            "events",
            "a dishonesty record, or a fact that vetoes",
            (
                _UNIT,
                Column("record", "code", "identifier of the record", required=True),
                Column("class", "code", "class of records or veto, a code of the scheme", required=True),
                Column("document_date", "date", "date of the judicial or administrative document", required=True),
                Column("state", "code", "state of the record", required=True, words=EVENT_STATES),
                Column("state_date", "date", "day since when it is in that state"),
            ),
            ("unit", "record"),
        ),
        Door(
            "indicators",
            "a ready number",
            (
                _UNIT,
                Column("indicator", "code", "code of the indicator", required=True),
                Column("value", "number", "value on the indicator's own scale", required=True),
                Column("standard_error", "number", "standard error of the value; blank: 0", least=0),
            ),
            ("unit", "indicator"),
        ),
    )
}

_INDICATOR = Column("indicator", "code", "code of the indicator", required=True)
_SCREENING = Column(
    "screening", "code", "main: flagged responses as the scheme says; half: at half weight; without: left out", True,
    words=SCREENINGS,
)  # fmt: skip

EDITION: dict[str, Door] = {
    door.name: door
    for door in (
        Door("units", "the rated units as in the snapshot, without covariates", _UNIT_COLUMNS, ("unit",)),
        Door(
            "inputs",
            "what enters the index: an indicator of a unit with its uncertainty",
            (
                _UNIT,
                _INDICATOR,
                _SCREENING,
                Column("state", "code", "whether and how the number is there", True, words=STATES),
                Column(
                    "family",
                    "code",
                    "normal (mean a, independent deviation b), beta (a, b), gamma (shape a, rate b) or point (a)",
                    words=("normal", "beta", "gamma", "point"),
                ),
                Column("a", "number", "first parameter of the distribution"),
                Column("b", "number", "second parameter of the distribution"),
                Column("direct", "number", "unshrunken estimate; blank where too few people stand behind it"),
                Column("direct_sd", "number", "independent standard deviation of the unshrunken estimate"),
                Column("n", "number", "respondents, scores, cases or exposure; blank where too few"),
            ),
            ("unit", "indicator", "screening"),
        ),
        Door(
            "factors",
            "loading of a shared standard normal factor on an input: what several numbers have in common",
            (
                Column("factor", "text", "name of the factor", required=True),
                _UNIT,
                _INDICATOR,
                _SCREENING,
                Column("loading", "number", "loading on the estimate"),
                Column("direct_loading", "number", "loading on the unshrunken estimate"),
            ),
            ("factor", "unit", "indicator", "screening"),
        ),
        Door(
            "models",
            "a fitted parameter",
            (
                Column("indicator", "text", "code of the indicator, or the set of criteria fitted together"),
                Column("level", "text", "level of the units; blank: all together"),
                Column("parameter", "code", "name of the parameter", required=True),
                Column("value", "number", "its estimate"),
            ),
            ("indicator", "level", "parameter"),
        ),
        Door(
            "scores",
            "a node of the tree for a unit",
            (
                _UNIT,
                Column("node", "code", "indicator, dimension, or `index`", required=True),
                Column("raw", "number", "value on the indicator's own scale"),
                Column("score", "number", "score at the point estimates; of the index after deductions"),
                Column("standard_error", "number", "standard deviation of the score's draws"),
                Column("lower", "number", "lower limit of the interval"),
                Column("upper", "number", "upper limit of the interval"),
                Column("weight_present", "number", "share of the applicable weight whose numbers are not imputed"),
                Column("state", "code", "state of the node", required=True),
            ),
            ("unit", "node"),
        ),
        Door(
            "groups",
            "estimates of a group of respondents that the scheme sets apart; they enter no index",
            (
                _UNIT,
                Column("group", "code", "code of the group", required=True),
                _INDICATOR,
                Column("estimate", "number", "mean score of the question, from 0 to 100"),
                Column("standard_error", "number", "standard error of the estimate"),
                Column("lower", "number", "lower limit of the interval"),
                Column("upper", "number", "upper limit of the interval"),
                Column("n", "number", "respondents of the group; blank where too few"),
                Column("state", "code", "ok, or suppressed by the scheme's thresholds", True),
            ),
            ("unit", "group", "indicator"),
        ),
        Door(
            "distributions",
            "what citizens said",
            (
                _UNIT,
                Column("item", "code", "code of the question", required=True),
                Column("code", "code", "code of the answer", required=True),
                Column("share", "number", "share of the weighted answers"),
                Column("lower", "number", "lower limit of the interval"),
                Column("upper", "number", "upper limit of the interval"),
                Column("state", "code", "ok, or suppressed by the scheme's thresholds"),
                Column("with_flagged", "code", "whether flagged responses are in it", words=("yes", "no")),
            ),
            ("unit", "item", "code", "with_flagged"),
        ),
        Door(
            "ratings",
            "a unit's rating",
            (
                _UNIT,
                Column("level", "code", "level of the unit; ratings compare units of one level", required=True),
                Column("state", "code", "ok, insufficient_evidence, or too_few_units at its level", True),
                Column("index", "number", "index at the point estimates, after deductions"),
                Column("lower", "number", "lower limit of the index's interval"),
                Column("upper", "number", "upper limit of the index's interval"),
                Column("reliability", "number", "share of the index's variance among units that is not noise"),
                Column("rank_lower", "whole", "best rank the data allow, for this unit alone"),
                Column("rank_upper", "whole", "worst rank the data allow, for this unit alone"),
                Column("simultaneous_lower", "whole", "best rank the data allow, holding for all units at once"),
                Column("simultaneous_upper", "whole", "worst rank the data allow, holding for all units at once"),
                Column("tier", "whole", "tier, 1 the best: units that differ for certain enough"),
                Column("grade", "text", "grade of the index, before any cap"),
                Column("grade_probability", "number", "probability of that grade"),
                Column("previous_grade", "text", "grade in the edition before"),
                Column("deductions", "number", "points taken off for serious records"),
                Column("vetoes", "codes", "vetoes in force"),
                Column("capped_grade", "text", "grade after the caps of vetoes"),
                Column("forged_codes", "text", "answers forged with unused codes that would move the grade, in bands"),
                Column("forged_replaced", "text", "replaced answers that would move the grade, in bands"),
                Column("forged_assessors", "text", "bought assessors that would move the grade, in bands"),
                Column("forged_open", "text", "open-link answers that would move the grade, in bands"),
                Column("notes", "text", "codes of what readers should know of this rating"),
            ),
            ("unit",),
        ),
        Door(
            "sensitivity",
            "how the outcome moves under another choice",
            (
                Column("choice", "text", "the alternative choice", required=True),
                Column("unit", "code", "code of the unit; blank: all"),
                Column("statistic", "text", "what is compared", required=True),
                Column("value", "number", "its value"),
                Column("lower", "number", "lower limit"),
                Column("upper", "number", "upper limit"),
            ),
            ("choice", "unit", "statistic"),
        ),
    )
}  # fmt: skip


def door_of(name: str, simulated: bool) -> Door:
    """A table of an edition; a simulated one carries its mark in a column of its own."""
    door = EDITION[name]
    return Door(door.name, door.about, (*door.columns, MARK_COLUMN), door.key) if simulated else door
