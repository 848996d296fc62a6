"""Reading a scheme from YAML, with the line of every mistake and what would be right.

Codes are taken as they are written (`no`, `010` and `2026.1` stay text); words that explain (`formula`, `basis`,
`estimators` ...) are accepted and kept where the scheme has a place for them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml

from evaluator.rating.defects import InputError, likely
from evaluator.rating.scheme import (
    UNSAID,
    Aggregation,
    Citizens,
    Dimension,
    Grades,
    Group,
    Indicator,
    Label,
    Missing,
    Normalisation,
    Publication,
    Ranks,
    RecordClass,
    Records,
    Scheme,
    Sensitivity,
    Sobol,
    Source,
    Uncertainty,
    Veto,
)
from evaluator.rating.yaml_nodes import CODE, Node, Reader

T = TypeVar("T")
SOURCES: tuple[str, ...] = get_args(Source)
EVENT_STATES = ("alleged", "contested", "final", "rectified", "repaired", "expired")
RESERVED_NODE = "index"  # the root's name in the table of scores

_EXPONENTS = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}
_SCREENINGS = {
    "main": "main",
    "all responses": "main",
    "half": "half",
    "flagged half weight": "half",
    "without": "without",
    "flagged left out": "without",
}
_DOCUMENTED = ("estimators", "period", "change", "note", "notes")  # said to people, or used by other rooms


def load_scheme(path: Path) -> Scheme:
    """Read and check a scheme file.

    Raises InputError with every defect as `FILE:LINE what; what would be right`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError([f"{path} cannot be read ({error.strerror}); give the path of a scheme file"]) from error
    except UnicodeDecodeError as error:
        raise InputError([f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8"]) from error
    return parse_scheme(text, str(path))


def parse_scheme(text: str, name: str = "scheme.yaml") -> Scheme:
    """Read and check a scheme's text; `name` stands in the messages."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError([f"{name}:{line} is not YAML: {error.problem or error.context}; mend the syntax"]) from error
    except yaml.YAMLError as error:
        raise InputError([f"{name}:1 is not YAML: {error}; mend the syntax"]) from error
    reader = Reader(name)
    if root is None:
        raise InputError([f"{name}:1 is empty; a scheme needs levels, dimensions, indicators and aggregation"])
    scheme = _scheme(Node(reader, root, "the scheme"))
    if reader.defects:
        raise InputError([text for _, text in sorted(reader.defects, key=lambda defect: defect[0])])
    return scheme


_SECTIONS = (
    "code", "version", "title", "tasks", "levels", "normalisation", "dimensions", "weights_by_level", "indicators",
    "groups", "citizens", "aggregation", "missing", "records", "vetoes", "grades", "ranks", "uncertainty",
    "sensitivity", "publication",
    *_DOCUMENTED,
)  # fmt: skip


def _scheme(root: Node) -> Scheme:
    fields = root.fields(_SECTIONS)
    for name in ("levels", "dimensions", "indicators", "aggregation"):
        if name not in fields:
            root.wrong(f"the scheme has no {name!r}", "levels, dimensions, indicators and aggregation are needed")
    levels = _labels(fields.get("levels"))
    tasks = _labels(fields.get("tasks"))
    normalisation = _part(fields, "normalisation", _normalisation, Normalisation())
    dimensions = _dimensions(fields.get("dimensions"))
    indicators = _indicators(fields.get("indicators"), levels, {d.code for d in dimensions}, tasks, normalisation)
    weights = _weights_by_level(fields.get("weights_by_level"), levels, dimensions, indicators)
    grades = _part(fields, "grades", _grades, Grades())
    vetoes = _vetoes(fields.get("vetoes"), [grade for grade, _ in grades.bands])
    code = fields["code"].code() if "code" in fields else "scheme"
    return Scheme(
        code=code,
        version=fields["version"].text() if "version" in fields else "1",
        title=fields["title"].label() if "title" in fields else Label(zh=code, en=code),
        levels=levels,
        dimensions=dimensions,
        indicators=indicators,
        tasks=tasks,
        groups=_groups(fields.get("groups")),
        citizens=_part(fields, "citizens", _citizens, Citizens()),
        weights_by_level=weights,
        normalisation=normalisation,
        aggregation=_part(fields, "aggregation", _aggregation, Aggregation()),
        missing=_part(fields, "missing", _missing, Missing()),
        records=_part(fields, "records", lambda node: _records(node, indicators, vetoes), Records()),
        vetoes=vetoes,
        grades=grades,
        ranks=_part(fields, "ranks", _ranks, Ranks()),
        uncertainty=_part(fields, "uncertainty", _uncertainty, Uncertainty()),
        sensitivity=_part(fields, "sensitivity", _sensitivity, Sensitivity()),
        publication=_part(fields, "publication", _publication, Publication()),
    )


def _part(fields: dict[str, Node], name: str, read: Callable[[Node], T], default: T) -> T:
    return read(fields[name]) if name in fields else default


def _labels(node: Node | None) -> dict[str, Label]:
    labels = {}
    for code, entry in node.items() if node else ():
        if not CODE.fullmatch(code):
            entry.wrong(f"{entry.what}: {code!r} is not a code", "use Latin letters, digits, _ - . and no spaces")
        labels[code] = Label(zh=code, en=code) if entry.is_blank() else entry.label()
    if node and not labels:
        node.wrong(f"{node.what} is empty", "write at least one `code: name`")
    return labels


def _dimensions(node: Node | None) -> tuple[Dimension, ...]:
    found = []
    for code, entry in node.items() if node else ():
        if code == RESERVED_NODE or not CODE.fullmatch(code):
            entry.wrong(
                f"a dimension is called {code!r}", f"use Latin letters, digits, _ - . and not {RESERVED_NODE!r}"
            )
        fields = {} if entry.is_blank() else entry.fields(("weight", "w", "name", "note"))
        weight = fields.get("weight") or fields.get("w")
        found.append(
            Dimension(
                code=code,
                name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
                weight=weight.number(above=0) if weight else 1.0,
            )
        )
    if node and not found:
        node.wrong("'dimensions' of the scheme is empty", "write at least one dimension")
    return tuple(found)


_INDICATOR_KEYS = (
    "code", "dim", "dimension", "w", "weight", "tasks", "name", "source", "item", "formula", "goal", "basis", "levels",
    "data", "asks", "exposure", "per", "scale", "note",
)  # fmt: skip


def _indicators(
    node: Node | None,
    levels: dict[str, Label],
    dimensions: set[str],
    tasks: dict[str, Label],
    normalisation: Normalisation,
) -> tuple[Indicator, ...]:
    found: list[Indicator] = []
    lines: dict[str, int] = {}
    for entry in node.elements() if node else ():
        fields = entry.fields(_INDICATOR_KEYS)
        if "code" not in fields:
            if entry.is_mapping():
                entry.wrong(f"{entry.what} has no code", "write `code: ...`")
            continue
        code = fields["code"].code()
        for key, field in fields.items():
            field.what = f"{key!r} of indicator {code!r}"
        entry.what = f"indicator {code!r}"
        if code in lines:
            fields["code"].wrong(
                f"{entry.what} is there twice", f"give it another code (the first is on line {lines[code]})"
            )
        if code in dimensions or code == RESERVED_NODE:
            fields["code"].wrong(f"{entry.what} has the code of a dimension or of the root", "give it another code")
        lines.setdefault(code, entry.line)
        found.append(_indicator(entry, fields, levels, dimensions, tasks, normalisation))
    if node and node.is_list() and not found:
        node.wrong("'indicators' of the scheme is empty", "write at least one indicator")
    return tuple(found)


def _indicator(
    entry: Node,
    fields: dict[str, Node],
    levels: dict[str, Label],
    dimensions: set[str],
    tasks: dict[str, Label],
    normalisation: Normalisation,
) -> Indicator:
    code = fields["code"].text()
    dimension = fields.get("dim") or fields.get("dimension")
    if dimension is None:
        entry.wrong(f"{entry.what} has no dimension", f"write `dim: ...`; {likely('', sorted(dimensions))}")
    elif dimension.code() not in dimensions:
        dimension.wrong(
            f"{entry.what} names an unknown dimension {dimension.text()!r}",
            likely(dimension.text(), sorted(dimensions)),
        )
    if "source" not in fields:
        entry.wrong(f"{entry.what} has no source", f"write `source: ...`; {likely('', SOURCES)}")
    source = fields["source"].choice(SOURCES) if "source" in fields else ""
    sourced = bool(source) and fields["source"].text() in SOURCES
    applies = fields["levels"].codes() if "levels" in fields else tuple(levels)
    for level in applies:
        if level not in levels:
            fields["levels"].wrong(f"{entry.what} names an unknown level {level!r}", likely(level, levels))
    covers = fields["tasks"].codes() if "tasks" in fields else ()
    for task in covers:
        if task not in tasks:
            fields["tasks"].wrong(f"{entry.what} names an unknown task {task!r}", likely(task, tasks))
    goal = fields["goal"].pair() if "goal" in fields else None
    if goal and goal[0] == goal[1]:
        fields["goal"].wrong(
            f"'goal' of {entry.what} has equal ends", "write [value scoring 0, value scoring 100], which differ"
        )
    if "goal" not in fields and normalisation.method == "goalposts":
        entry.wrong(
            f"{entry.what} has no goal",
            "write `goal: [value scoring 0, value scoring 100]`, or `normalisation: {method: none}` for the scheme",
        )
    if sourced and source == "citizen" and "item" not in fields:
        entry.wrong(f"{entry.what} has no item", "a citizens' indicator says which question: `item: CODE`")
    for key, owner in (("item", "citizen"), ("exposure", "rate"), ("per", "rate"), ("asks", "assessor")):
        if key in fields and sourced and source != owner:
            fields[key].wrong(
                f"{entry.what} has {key!r} but its source is {source!r}", f"{key!r} belongs to source {owner!r}"
            )
    scale = fields["scale"].pair() if "scale" in fields else None
    if scale and scale[0] >= scale[1]:
        fields["scale"].wrong(f"'scale' of {entry.what} is {list(scale)}", "write [lowest, highest]")
    weight = fields.get("w") or fields.get("weight")
    return Indicator(
        code=code,
        dimension=dimension.text() if dimension else "",
        source=source,  # type: ignore[arg-type]  # checked against the vocabulary above
        name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
        weight=weight.number(above=0) if weight else 1.0,
        levels=applies,
        goal=goal,
        item=fields["item"].code() if "item" in fields else None,
        exposure=fields["exposure"].text() if "exposure" in fields else None,
        per=fields["per"].number(above=0) if "per" in fields else 1.0,
        # a question's scores lie between 0 and 100 by definition
        scale=scale or ((0.0, 100.0) if source == "citizen" else None),
        tasks=covers,
        **{key: fields[key].label() if key in fields else UNSAID for key in ("formula", "asks", "basis", "data")},
    )


def _groups(node: Node | None) -> tuple[Group, ...]:
    found = []
    for code, entry in node.items() if node else ():
        entry.what = f"group {code!r}"
        if not CODE.fullmatch(code):
            entry.wrong(f"a group is called {code!r}", "use Latin letters, digits, _ - . and no spaces")
        fields = entry.fields(("item", "choices", "name", "note"))
        if "item" not in fields or "choices" not in fields:
            entry.wrong(f"{entry.what} does not say who is in it", "write `item: QUESTION` and `choices: [CODE, ...]`")
            continue
        found.append(
            Group(
                code=code,
                item=fields["item"].code(),
                choices=fields["choices"].codes(),
                name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
            )
        )
    return tuple(found)


def _citizens(node: Node) -> Citizens:
    fields = node.fields(("previous_edition", "note"))
    return Citizens(previous_edition=fields["previous_edition"].truth() if "previous_edition" in fields else False)


def _weights_by_level(
    node: Node | None,
    levels: dict[str, Label],
    dimensions: tuple[Dimension, ...],
    indicators: tuple[Indicator, ...],
) -> dict[str, dict[str, float]]:
    names = [dimension.code for dimension in dimensions]
    found: dict[str, dict[str, float]] = {}
    for level, entry in node.items() if node else ():
        if level not in levels:
            entry.wrong(f"'weights_by_level' names an unknown level {level!r}", likely(level, levels))
            continue
        weights = {}
        for name, weight in entry.items():
            weight.what = f"the weight of {name!r} at level {level!r}"
            if name not in names:
                weight.wrong(f"level {level!r} weights an unknown dimension {name!r}", likely(name, names))
                continue
            weights[name] = weight.number(above=0)
            if not any(i.dimension == name and level in i.levels for i in indicators):
                weight.wrong(
                    f"level {level!r} weights dimension {name!r}, none of whose indicators applies there",
                    "leave the weight out or add the level to an indicator",
                )
        unweighted = sorted({i.dimension for i in indicators if level in i.levels} - set(weights) & set(names))
        unweighted = [name for name in unweighted if name in names and name not in weights]
        for name in unweighted:
            codes = [i.code for i in indicators if i.dimension == name and level in i.levels]
            entry.wrong(
                f"level {level!r} gives dimension {name!r} no weight, but {', '.join(codes)} applies there",
                "weight the dimension or take the level out of the indicator",
            )
        found[level] = weights
    return found


def _normalisation(node: Node) -> Normalisation:
    fields = node.fields(("method", "scale", "clip", "frozen_until"))
    scale = fields["scale"].pair() if "scale" in fields else None
    if scale and scale[0] >= scale[1]:
        fields["scale"].wrong(f"{fields['scale'].what} is {list(scale)}", "write [worst, best], for example [0, 100]")
    return Normalisation(
        method=fields["method"].choice(("goalposts", "none")) if "method" in fields else "goalposts",  # type: ignore[arg-type]
        scale=scale or (0.0, 100.0),
        clip=fields["clip"].truth() if "clip" in fields else True,
    )


def _exponent(node: Node) -> float:
    """A kind of mean as the exponent of a power mean: a word, `power_mean 0.5`, or {power_mean: 0.5}."""
    if node.is_mapping():
        fields = node.fields(("power_mean",))
        return fields["power_mean"].number(-10, 10) if "power_mean" in fields else 1.0
    words = node.text().split()
    if len(words) == 1 and words[0] in _EXPONENTS:
        return _EXPONENTS[words[0]]
    try:
        exponent = float(words[1]) if len(words) == 2 and words[0] == "power_mean" else math.nan
    except ValueError:
        exponent = math.nan
    if not -10 <= exponent <= 10:
        node.wrong(
            f"{node.what} is {' '.join(words)!r}",
            f"write {', '.join(_EXPONENTS)} or {{power_mean: p}} with p within -10 and 10",
        )
        return 1.0
    return exponent


def _aggregation(node: Node) -> Aggregation:
    fields = node.fields(("within_dimension", "across_dimensions"))
    return Aggregation(**{key: _exponent(value) for key, value in fields.items()})


def _missing(node: Node) -> Missing:
    fields = node.fields(("min_present", "min_weight_present", "dimension_min", "impute", "not_applicable"))
    impute = "none"
    if "impute" in fields:
        words = fields["impute"].text().split()
        impute = words[0] if words else ""
        if impute not in ("none", "predictive"):
            fields["impute"].wrong(f"{fields['impute'].what} is {' '.join(words)!r}", "write none or predictive")
            impute = "none"
    return Missing(
        min_present=fields["min_present"].whole(1) if "min_present" in fields else 1,
        min_weight_present=fields["min_weight_present"].number(0, 1) if "min_weight_present" in fields else 0.0,
        dimension_min=fields["dimension_min"].number(0, 1) if "dimension_min" in fields else 0.0,
        impute=impute,  # type: ignore[arg-type]
    )


_CLASS_KEYS = (
    "in_rating", "points", "veto", "name", "published_min_months", "published_max_months", "repair_from_months",
    "public_by_default", "term_months", "extend_months", "delete_working_days", "counted", "note",
)  # fmt: skip


def _records(node: Node, indicators: tuple[Indicator, ...], vetoes: tuple[Veto, ...]) -> Records:
    fields = node.fields(("classes", "counted_from", "weight", "repair_conditions", "deduction"))
    codes = {indicator.code: indicator for indicator in indicators}
    classes = tuple(
        _record_class(code, entry, codes, [veto.code for veto in vetoes])
        for code, entry in (fields["classes"].items() if "classes" in fields else ())
    )
    weight = {}
    for state, entry in fields["weight"].items() if "weight" in fields else ():
        if state not in EVENT_STATES:
            entry.wrong(f"'weight' of the records names an unknown state {state!r}", likely(state, EVENT_STATES))
            continue
        weight[state] = entry.number(0, 1)
    exposure, saturating = None, 15.0
    if "deduction" in fields:
        deduction = fields["deduction"].fields(("exposure", "saturating"))
        if "exposure" in deduction:
            exposure = deduction["exposure"].code()
            if exposure not in codes:
                deduction["exposure"].wrong(
                    f"the deduction's exposure is that of an unknown indicator {exposure!r}", likely(exposure, codes)
                )
            elif codes[exposure].source != "rate":
                deduction["exposure"].wrong(
                    f"the deduction's exposure is that of {exposure!r}, whose source is {codes[exposure].source!r}",
                    "name an indicator of source 'rate'",
                )
        if "saturating" in deduction:
            saturating = deduction["saturating"].number(above=0)
    return Records(classes=classes, weight=weight, deduction_exposure=exposure, saturating=saturating)


def _record_class(code: str, entry: Node, indicators: dict[str, Indicator], vetoes: list[str]) -> RecordClass:
    entry.what = f"record class {code!r}"
    fields = {} if entry.is_blank() else entry.fields(_CLASS_KEYS)
    name = fields["name"].label() if "name" in fields else Label(zh=code, en=code)
    use = fields["in_rating"].text() if "in_rating" in fields else "false"
    if use in ("false", "no", "none"):
        return RecordClass(code=code, name=name)
    if use == "deduction":
        if "points" not in fields:
            entry.wrong(f"{entry.what} is a deduction without points", "write `points: ...`")
        return RecordClass(
            code=code,
            name=name,
            use="deduction",
            points=fields["points"].number(above=0) if "points" in fields else 1.0,
        )
    if "points" in fields:
        fields["points"].wrong(f"{entry.what} has points but is no deduction", "leave them out: one event counts once")
    if use == "veto":
        veto = fields["veto"].code() if "veto" in fields else code
        if veto not in vetoes:
            place = fields.get("veto", entry)
            place.wrong(f"{entry.what} names an unknown veto {veto!r}", likely(veto, vetoes))
        return RecordClass(code=code, name=name, use="veto", veto=veto)
    if use not in indicators:
        fields["in_rating"].wrong(
            f"{entry.what} names an unknown indicator {use!r}", likely(use, ["false", "deduction", "veto", *indicators])
        )
    elif indicators[use].source not in ("rate", "share"):
        fields["in_rating"].wrong(
            f"{entry.what} feeds {use!r}, whose source is {indicators[use].source!r}", "events feed a rate or a share"
        )
    return RecordClass(code=code, name=name, use="indicator", indicator=use, in_force_months=_in_force(entry, fields))


def _in_force(entry: Node, fields: dict[str, Node]) -> int | None:
    """How many months a record counts, by the part of the period that lies in them; None: whole, when its document is
    of the period."""
    how = fields["counted"].text() if "counted" in fields else "whole"
    if how == "whole":
        return None
    if how != "days_in_force":
        fields["counted"].wrong(f"{entry.what} is counted {how!r}", likely(how, ["whole", "days_in_force"]))
        return None
    if "published_max_months" not in fields:
        entry.wrong(f"{entry.what} counts by its days in force without an end", "write `published_max_months: ...`")
        return None
    return int(fields["published_max_months"].number(above=0))


def _vetoes(node: Node | None, grades: list[str]) -> tuple[Veto, ...]:
    found = []
    for code, entry in node.items() if node else ():
        entry.what = f"veto {code!r}"
        fields = {} if entry.is_blank() else entry.fields(("cap", "when", "while", "source", "name", "note"))
        if "cap" not in fields:
            entry.wrong(f"{entry.what} has no cap", "write `cap:` with the best grade still open")
        cap = fields["cap"].text() if "cap" in fields else ""
        if "cap" in fields and cap not in grades:
            fields["cap"].wrong(f"{entry.what} has the cap {cap!r}, which is no grade", likely(cap, grades))
        when = fields.get("when") or fields.get("while")
        found.append(
            Veto(
                code=code,
                cap=cap,
                when=when.label() if when else UNSAID,
                source=fields["source"].label() if "source" in fields else UNSAID,
                name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
            )
        )
    return tuple(found)


def _grades(node: Node) -> Grades:
    fields = node.fields(("bands", "assign", "min_reliability", "move_probability", "tiers"))
    bands = []
    for grade, limit in fields["bands"].items() if "bands" in fields else ():
        limit.what = f"the lower limit of grade {grade!r}"
        bands.append((grade, limit.number()))
        if len(bands) > 1 and bands[-1][1] >= bands[-2][1]:
            limit.wrong(
                f"grade {grade!r} begins at {bands[-1][1]:g}, not below {bands[-2][0]!r} at {bands[-2][1]:g}",
                "write the bands from the best down, each with a lower limit",
            )
    tiers = (
        fields["tiers"].fields(("method", "peers", "max_misordered_of_separated_pairs")) if "tiers" in fields else {}
    )
    if "method" in tiers:
        tiers["method"].choice(("kline-rose-walters",))
    misordered = tiers.get("max_misordered_of_separated_pairs")
    return Grades(
        bands=tuple(bands),
        min_reliability=fields["min_reliability"].number(0, 1) if "min_reliability" in fields else 0.5,
        move_probability=fields["move_probability"].number(0.5, 1) if "move_probability" in fields else 0.8,
        max_misordered=misordered.number(0, 0.5) if misordered else 0.05,
    )


def _ranks(node: Node) -> Ranks:
    fields = node.fields(("method", "coverage", "sets", "credible_above", "publish_point_rank"))
    if "method" in fields:
        fields["method"].choice(("mogstad-romano-shaikh-wilhelm",))
    if "publish_point_rank" in fields and fields["publish_point_rank"].truth():
        fields["publish_point_rank"].wrong("point ranks are asked for", "they are never published; leave it out")
    return Ranks(
        coverage=fields["coverage"].number(0.5, 0.999) if "coverage" in fields else 0.95,
        credible_above=fields["credible_above"].whole(0) if "credible_above" in fields else 300,
    )


def _uncertainty(node: Node) -> Uncertainty:
    fields = node.fields(("draws", "interval"))
    return Uncertainty(
        draws=fields["draws"].whole(2) if "draws" in fields else 4096,
        interval=fields["interval"].number(0.5, 0.999) if "interval" in fields else 0.95,
    )


def _sensitivity(node: Node) -> Sensitivity:
    fields = node.fields(("weights", "aggregation", "normalisation", "screening", "sobol"))
    concentration = None
    if "weights" in fields:
        weights = fields["weights"].fields(("as", "concentration", "at"))
        if "as" in weights:
            weights["as"].choice(("dirichlet",))
        concentration = weights["concentration"].number(above=0) if "concentration" in weights else 60.0
    widened = []
    for element in fields["normalisation"].elements() if "normalisation" in fields else ():
        words = re.fullmatch(r"goalposts(?: widened by ([0-9.]+) ?%)?", element.text())
        if not words:
            element.wrong(f"{element.what} is {element.text()!r}", "write `goalposts` or `goalposts widened by 10 %`")
        elif words[1]:
            widened.append(float(words[1]) / 100)
    screening: list[Any] = []
    for element in fields["screening"].elements() if "screening" in fields else ():
        screening.append(_SCREENINGS[element.choice(_SCREENINGS)])
    sobol = None
    if "sobol" in fields and not (
        not fields["sobol"].is_mapping() and fields["sobol"].text() in ("false", "no", "none")
    ):
        parts = fields["sobol"].fields(("method", "first_and_total", "bootstrap"))
        sobol = Sobol(bootstrap=parts["bootstrap"].whole(0) if "bootstrap" in parts else 500)
    return Sensitivity(
        dirichlet_concentration=concentration,
        aggregation=tuple(_exponent(element) for element in fields["aggregation"].elements())
        if "aggregation" in fields
        else (),
        goalposts_widened=tuple(widened),
        screening=tuple(dict.fromkeys(screening)) or ("main",),
        sobol=sobol,
    )


def _publication(node: Node) -> Publication:
    fields = node.fields(("decimals", "citizen", "assessor", "min_level_units", "reply_days",
                          "right_of_reply_days", "manipulation"))  # fmt: skip
    citizen = (
        fields["citizen"].fields(("min_reliability", "cell_min", "max_interval_width")) if "citizen" in fields else {}
    )
    assessor = fields["assessor"].fields(("min_assessors", "min_reliability")) if "assessor" in fields else {}
    return Publication(
        decimals=fields["decimals"].whole(0, 6) if "decimals" in fields else 1,
        citizen_min_reliability=citizen["min_reliability"].number(0, 1) if "min_reliability" in citizen else 0.0,
        cell_min=citizen["cell_min"].whole(0) if "cell_min" in citizen else 0,
        max_interval_width=citizen["max_interval_width"].number(above=0) if "max_interval_width" in citizen else None,
        min_assessors=assessor["min_assessors"].whole(1) if "min_assessors" in assessor else 1,
        assessor_min_reliability=assessor["min_reliability"].number(0, 1) if "min_reliability" in assessor else 0.0,
        min_level_units=fields["min_level_units"].whole(0) if "min_level_units" in fields else 8,
        reply_days=fields["reply_days"].whole(0, 365) if "reply_days" in fields else 0,
    )
