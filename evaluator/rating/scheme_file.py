"""Reading a scheme from YAML, with the line of every mistake and what would be right.

Codes are taken as they are written (`no`, `010` and `2026.1` stay text); words that explain (`formula`, `basis`,
`estimators` ...) are accepted and kept where the scheme has a place for them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec
import yaml

from evaluator.rating import scheme_form as form
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
    Mean,
    Method,
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
    Transform,
    Treatment,
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
METHODS: tuple[str, ...] = get_args(Method)
TRANSFORMS: dict[str, Transform] = {
    "log": "log",
    "log_ct": "log_CT",
    "log_ct_orig": "log_CT_orig",
    "log_gii": "log_GII",
    "box_cox": "box_cox",
}
IMPUTE = ("none", "predictive", "mean", "median", "nearest")
OF_THE_DATA = ("min_max", "z_score", "rank", "percentile", "target", "share_of_best")


@dataclass(frozen=True, slots=True)
class Reading:
    """A scheme, and what its author should know although it can be used: a line each, `FILE:LINE what; what to do`."""

    scheme: Scheme
    warnings: tuple[str, ...]


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
    return examine_scheme(text, name).scheme


def examine_scheme(text: str, name: str = "scheme.yaml") -> Reading:
    """The same, with the warnings."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError([f"{name}:{line} is not YAML: {error.problem or error.context}; mend the syntax"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise InputError([f"{name}:1 is not YAML: {told}; mend the syntax"]) from error
    reader = Reader(name)
    if root is None:
        raise InputError([f"{name}:1 is empty; a scheme needs levels, dimensions, indicators and aggregation"])
    scheme = _scheme(Node(reader, root, "the scheme"))
    if reader.defects:
        raise InputError([text for _, text in sorted(reader.defects, key=lambda defect: defect[0])])
    return Reading(scheme, tuple(text for _, text in sorted(reader.warnings, key=lambda one: one[0])))


def _scheme(root: Node) -> Scheme:
    fields = root.fields(form.keys(form.SchemeForm))
    for name in ("levels", "dimensions", "indicators", "aggregation"):
        if name not in fields:
            root.wrong(f"the scheme has no {name!r}", "levels, dimensions, indicators and aggregation are needed")
    levels = _labels(fields.get("levels"))
    tasks = _labels(fields.get("tasks"))
    normalisation = _part(fields, "normalisation", _normalisation, Normalisation())
    treatment = _part(fields, "treatment", _treatment, Treatment())
    weighting = fields["weights"].choice(("given", "equal", "relative")) if "weights" in fields else "given"
    nodes, places = _nodes(fields.get("dimensions"), weighting)
    indicators = _indicators(fields.get("indicators"), levels, nodes, tasks, normalisation, treatment, weighting)
    _full(nodes, places, indicators)
    weights = _weights_by_level(fields.get("weights_by_level"), levels, nodes, indicators)
    aggregation = _part(fields, "aggregation", _aggregation, Aggregation())
    _means_fit(fields, nodes, places, normalisation, aggregation)
    if weighting == "given" and not root.reader.defects:
        _sums(nodes, places, indicators, levels, weights, fields)
    grades = _part(fields, "grades", _grades, Grades())
    vetoes = _vetoes(fields.get("vetoes"), [grade for grade, _ in grades.bands])
    code = fields["code"].code() if "code" in fields else "scheme"
    return Scheme(
        code=code,
        version=fields["version"].text() if "version" in fields else "1",
        title=fields["title"].label() if "title" in fields else Label(zh=code, en=code),
        levels=levels,
        dimensions=tuple(one for one in nodes if not one.parent),
        nodes=tuple(one for one in nodes if one.parent),
        indicators=indicators,
        tasks=tasks,
        treatment=treatment,
        weights=weighting,  # type: ignore[arg-type]  # one of the three
        groups=_groups(fields.get("groups")),
        citizens=_part(fields, "citizens", _citizens, Citizens()),
        weights_by_level=weights,
        normalisation=normalisation,
        aggregation=aggregation,
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


def _nodes(node: Node | None, weighting: str) -> tuple[tuple[Dimension, ...], dict[str, Node]]:
    """All nodes between index and indicators, and where they stand in the file."""
    found: list[Dimension] = []
    places: dict[str, Node] = {}
    written = dict(node.items()) if node else {}
    for code, entry in written.items():
        entry.what = f"dimension {code!r}"
        if code == RESERVED_NODE or not CODE.fullmatch(code):
            entry.wrong(
                f"a dimension is called {code!r}", f"use Latin letters, digits, _ - . and not {RESERVED_NODE!r}"
            )
        fields = {} if entry.is_blank() else entry.fields(form.keys(form.NodeForm))
        parent = fields["parent"].text() if "parent" in fields else ""
        if parent and parent not in written:
            fields["parent"].wrong(
                f"{entry.what} belongs to an unknown node {parent!r}",
                f"{likely(parent, written)}; without `parent` it is right below the index",
            )
            parent = ""
        for key in ("weight", "w"):
            if key in fields:
                fields[key].what = f"'weight' of {code!r}"
        found.append(
            Dimension(
                code=code,
                name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
                weight=_weight(fields, weighting, entry),
                parent=parent,
                aggregation=_mean(fields["aggregation"]) if "aggregation" in fields else None,
            )
        )
        places[code] = fields.get("parent", entry)
    if node and node.is_mapping() and not found:
        node.wrong("'dimensions' of the scheme is empty", "write at least one dimension")
    above = {one.code: one.parent for one in found}
    circling = {code for code in above if _circles(code, above)}
    for code in sorted(circling, key=lambda one: places[one].line):
        way = [code, above[code]]
        while way[-1] != code and len(way) <= len(above):
            way.append(above[way[-1]])
        if way[-1] == code:
            places[code].wrong(
                f"dimension {code!r} belongs to itself: {' in '.join(way)}", "let one of them lie below the index"
            )
    return tuple(msgspec.structs.replace(one, parent="") if one.code in circling else one for one in found), places


def _circles(code: str, above: dict[str, str]) -> bool:
    seen = set()
    while code:
        if code in seen:
            return True
        seen.add(code)
        code = above[code]
    return False


def _full(nodes: tuple[Dimension, ...], places: dict[str, Node], indicators: tuple[Indicator, ...]) -> None:
    """A node without anything in it is a mistake."""
    used = {one.parent for one in nodes} | {one.parent or one.dimension for one in indicators}
    for one in nodes:
        if one.code not in used and indicators:
            places[one.code].wrong(
                f"dimension {one.code!r} is empty", f"write `dim: {one.code}` at an indicator, or leave it out"
            )


def _weight(fields: dict[str, Node], weighting: str, entry: Node) -> float:
    both = [fields[key] for key in ("w", "weight") if key in fields]
    if len(both) == 2:
        both[1].wrong(f"{entry.what} has a weight twice, as 'w' and as 'weight'", "keep one")
    if not both:
        return 1.0
    if weighting == "equal":
        both[0].wrong(f"{entry.what} has a weight, but the scheme says `weights: equal`", "leave one of them out")
    return both[0].number(above=0)


def _indicators(
    node: Node | None,
    levels: dict[str, Label],
    nodes: tuple[Dimension, ...],
    tasks: dict[str, Label],
    normalisation: Normalisation,
    treatment: Treatment,
    weighting: str,
) -> tuple[Indicator, ...]:
    found: list[Indicator] = []
    lines: dict[str, int] = {}
    codes = {one.code for one in nodes}
    above = {one.code: one.parent for one in nodes}
    for entry in node.elements() if node else ():
        fields = entry.fields(form.keys(form.IndicatorForm))
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
        if code in codes or code == RESERVED_NODE:
            fields["code"].wrong(f"{entry.what} has the code of a dimension or of the root", "give it another code")
        lines.setdefault(code, entry.line)
        found.append(_indicator(entry, fields, levels, above, tasks, normalisation, treatment, weighting))
    if node and node.is_list() and not found:
        node.wrong("'indicators' of the scheme is empty", "write at least one indicator")
    return tuple(found)


def _place(entry: Node, fields: dict[str, Node], above: dict[str, str]) -> tuple[str, str]:
    """The node that an indicator belongs to, and the dimension above it."""
    said = [fields[key] for key in ("dim", "dimension", "parent") if key in fields]
    if not said:
        entry.wrong(f"{entry.what} has no dimension", f"write `dim: ...`; {likely('', above)}")
        return "", ""
    if len(said) > 1:
        said[1].wrong(f"{entry.what} says twice what it belongs to", "keep one of dim, dimension and parent")
    parent = said[0].code()
    if parent == RESERVED_NODE:
        said[0].wrong(f"{entry.what} lies right below the index", "give it a dimension of its own")
    elif parent and parent not in above:
        said[0].wrong(f"{entry.what} names an unknown dimension {parent!r}", likely(parent, above))
    if parent not in above:
        return "", ""
    top = parent
    while above[top]:
        top = above[top]
    return parent, top


def _indicator(
    entry: Node,
    fields: dict[str, Node],
    levels: dict[str, Label],
    above: dict[str, str],
    tasks: dict[str, Label],
    normalisation: Normalisation,
    treatment: Treatment,
    weighting: str,
) -> Indicator:
    code = fields["code"].text()
    parent, dimension = _place(entry, fields, above)
    if "source" not in fields:
        entry.wrong(f"{entry.what} has no source", f"write `source: ...`; {likely('', SOURCES)}")
    source = fields["source"].choice(SOURCES) if "source" in fields else ""
    sourced = bool(source) and fields["source"].text() in SOURCES
    applies = fields["levels"].codes() if "levels" in fields else tuple(levels)
    if "levels" in fields and fields["levels"].is_list() and not applies:
        fields["levels"].wrong(f"{entry.what} applies to no level", f"{likely('', levels)}; leave it out for all")
    for level in applies:
        if level not in levels:
            fields["levels"].wrong(f"{entry.what} names an unknown level {level!r}", likely(level, levels))
    covers = fields["tasks"].codes() if "tasks" in fields else ()
    for task in covers:
        if task not in tasks:
            fields["tasks"].wrong(f"{entry.what} names an unknown task {task!r}", likely(task, tasks))
    if sourced and source == "citizen" and "item" not in fields:
        entry.wrong(f"{entry.what} has no item", "a citizens' indicator says which question: `item: CODE`")
    per = ("rate", "metric", "ready") if "denominator" in fields else ("rate",)
    for key, owners in (
        ("item", ("citizen",)),
        ("exposure", ("rate",)),
        ("per", per),
        ("asks", ("assessor",)),
        ("denominator", ("metric", "ready")),
    ):
        if key in fields and sourced and source not in owners:
            fields[key].wrong(
                f"{entry.what} has {key!r} but its source is {source!r}",
                f"{key!r} belongs to source {' and '.join(map(repr, owners))}",
            )
    denominator = fields["denominator"].text() if "denominator" in fields else None
    if denominator is not None and not re.fullmatch(r"population|x_.+", denominator):
        fields["denominator"].wrong(
            f"the denominator of {entry.what} is {denominator!r}", "name the column population or an x_ column of units"
        )
    scale = fields["scale"].pair() if "scale" in fields else None
    if scale and scale[0] >= scale[1]:
        fields["scale"].wrong(f"'scale' of {entry.what} is {list(scale)}", "write [lowest, highest]")
    return Indicator(
        code=code,
        dimension=dimension,
        parent="" if parent == dimension else parent,
        source=source,  # type: ignore[arg-type]  # checked against the vocabulary above
        name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
        weight=_weight(fields, weighting, entry),
        levels=applies,
        item=fields["item"].code() if "item" in fields else None,
        exposure=fields["exposure"].text() if "exposure" in fields else None,
        per=fields["per"].number(above=0) if "per" in fields else 1.0,
        denominator=denominator,
        # a question's scores lie between 0 and 100 by definition
        scale=scale or ((0.0, 100.0) if source == "citizen" else None),
        tasks=covers,
        **_scaled(entry, fields, normalisation, treatment),
        **{key: fields[key].label() if key in fields else UNSAID for key in ("formula", "asks", "basis", "data")},
    )


def _scaled(entry: Node, fields: dict[str, Node], normalisation: Normalisation, treatment: Treatment) -> dict[str, Any]:
    """How an indicator becomes a score: goal, direction, normalisation, target, treatment."""
    own = fields["normalisation"].choice(METHODS) if "normalisation" in fields else None
    method = own or normalisation.method
    goal = fields["goal"].pair() if "goal" in fields else None
    if goal and goal[0] == goal[1]:
        fields["goal"].wrong(
            f"'goal' of {entry.what} has equal ends", "write [value scoring 0, value scoring 100], which differ"
        )
    if "goal" not in fields and method == "goalposts":
        entry.wrong(
            f"{entry.what} has no goal",
            "write `goal: [value scoring 0, value scoring 100]`, or `normalisation: {method: none}` for the scheme",
        )
    direction = 1
    if "direction" in fields:
        direction = int(fields["direction"].choice(("1", "-1")))
        if goal and method == "goalposts" and (goal[1] > goal[0]) != (direction > 0):
            fields["direction"].wrong(
                f"{entry.what} has direction {direction} but its goal runs the other way", "leave the direction out"
            )
        elif direction < 0 and method in ("none", "share_of_best"):
            fields["direction"].wrong(
                f"{entry.what} has direction -1, but its normalisation is {method}",
                "take min_max, z_score, rank, percentile, target or goalposts",
            )
    target = fields["target"].number() if "target" in fields else None
    if (target is None) != (method != "target"):
        place = fields.get("target", entry)
        said = "has no target" if target is None else f"has a target, but its normalisation is {method}"
        place.wrong(f"{entry.what} {said}", "write `normalisation: target` and `target: value scoring 100`")
    its = _treatment(fields["treatment"]) if "treatment" in fields else None
    used = its or treatment
    if method in ("goalposts", "target") and used.transform != "none" and used.method != "none":
        fields.get("treatment", entry).wrong(
            f"{entry.what} is transformed, but its {'goal' if method == 'goalposts' else 'target'} is on its own scale",
            "write `treatment: none` for it, or winsorise with `otherwise: none`, or take min_max",
        )
    return {"goal": goal, "direction": direction, "normalisation": own, "target": target, "treatment": its}


def _treatment(node: Node) -> Treatment:
    """A word, or a mapping."""
    words = ("none", "winsorise", *TRANSFORMS)
    if not node.is_mapping():
        word = node.choice(words)
        if word in TRANSFORMS:
            return Treatment(method="transform", transform=TRANSFORMS[word])
        return Treatment(method=word)  # type: ignore[arg-type]  # one of the words above
    fields = node.fields(form.keys(form.TreatmentForm))
    method = fields["method"].choice(("none", "winsorise", "transform")) if "method" in fields else "none"
    for key, owner in (
        ("skewness", "winsorise"),
        ("kurtosis", "winsorise"),
        ("max_points", "winsorise"),
        ("otherwise", "winsorise"),
        ("transform", "transform"),
    ):
        if key in fields and method != owner:
            fields[key].wrong(f"{node.what} has {key!r} but its method is {method!r}", f"write `method: {owner}`")
    most: int | None = 5
    if "max_points" in fields:
        most = None if fields["max_points"].text() == "all" else fields["max_points"].whole(0)
    transform: Transform = "none"
    if "transform" in fields:
        transform = TRANSFORMS[fields["transform"].choice(TRANSFORMS)]
    elif method == "transform":
        node.wrong(
            f"{node.what} does not say which transformation", f"write `transform: ...`; {likely('', TRANSFORMS)}"
        )
    if "otherwise" in fields:
        word = fields["otherwise"].choice(("none", *TRANSFORMS))
        transform = TRANSFORMS.get(word, "none")
    return Treatment(
        method=method,  # type: ignore[arg-type]  # one of the three
        skewness=fields["skewness"].number(0) if "skewness" in fields else 2.0,
        kurtosis=fields["kurtosis"].number() if "kurtosis" in fields else 3.5,
        most=most,
        transform=transform,
    )


def _means_fit(
    fields: dict[str, Node],
    nodes: tuple[Dimension, ...],
    places: dict[str, Node],
    normalisation: Normalisation,
    aggregation: Aggregation,
) -> None:
    """Means other than the arithmetic one and the median take no negative scores."""
    below = normalisation.method == "z_score" or (normalisation.method != "none" and normalisation.scale[0] < 0)
    if not below:
        return
    what = "z-scores" if normalisation.method == "z_score" else f"scores from {normalisation.scale[0]:g} on"
    right = "take arithmetic or median, or a scale that begins at 0"
    parts = fields["aggregation"].fields(form.keys(form.AggregationForm)) if "aggregation" in fields else {}
    for key in ("within_dimension", "across_dimensions"):
        how = getattr(aggregation, key)
        if how not in (1.0, "median") and key in parts:
            parts[key].wrong(f"{parts[key].what} takes a mean with exponent {how:g} of {what}, some negative", right)
    for one in nodes:
        if one.aggregation not in (None, 1.0, "median"):
            places[one.code].wrong(
                f"dimension {one.code!r} takes a mean with exponent {one.aggregation:g} of {what}, some negative", right
            )


def _sums(
    nodes: tuple[Dimension, ...],
    places: dict[str, Node],
    indicators: tuple[Indicator, ...],
    levels: Iterable[str],
    by_level: dict[str, dict[str, float]],
    fields: dict[str, Node],
) -> None:
    """Warn where weights that are written do not sum to one: they count in proportion."""
    right = "they count in proportion; write shares, or `weights: relative` to say that this is meant"

    def odd(weights: list[float]) -> bool:
        return any(w != 1 for w in weights) and abs(sum(weights) - 1) > 1e-6

    for node in ("", *(one.code for one in nodes)):
        members = [i for i in indicators if (i.parent or i.dimension) == node]
        below = [one.weight for one in nodes if one.parent == node]
        whole = [*below, *(i.weight for i in members)]
        some = [[*below, *(i.weight for i in members if level in i.levels)] for level in levels]
        if odd(whole) and all(odd(part) for part in some if part):
            place = places[node] if node else fields["dimensions"]
            where = f"within dimension {node!r}" if node else "of the dimensions"
            place.warn(f"the weights {where} sum to {sum(whole):g}", right)
    top = {one.code for one in nodes if not one.parent}
    for level, weights in by_level.items():
        whole = [weight for code, weight in weights.items() if code in top]
        if odd(whole):
            fields["weights_by_level"].warn(f"the weights of level {level!r} sum to {sum(whole):g}", right)


def _groups(node: Node | None) -> tuple[Group, ...]:
    found = []
    for code, entry in node.items() if node else ():
        entry.what = f"group {code!r}"
        if not CODE.fullmatch(code):
            entry.wrong(f"a group is called {code!r}", "use Latin letters, digits, _ - . and no spaces")
        fields = entry.fields(form.keys(form.GroupForm))
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
    fields = node.fields(form.keys(form.CitizensForm))
    return Citizens(previous_edition=fields["previous_edition"].truth() if "previous_edition" in fields else False)


def _weights_by_level(
    node: Node | None,
    levels: dict[str, Label],
    dimensions: tuple[Dimension, ...],
    indicators: tuple[Indicator, ...],
) -> dict[str, dict[str, float]]:
    names = [dimension.code for dimension in dimensions]
    above = {dimension.code: dimension.parent for dimension in dimensions}
    lies_under: dict[str, set[str]] = {"": set()}
    for code in names:
        lies_under[code], up = set(), code
        while up:
            lies_under[code].add(up)
            up = above[up]
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
            if not any(name in lies_under[i.parent or i.dimension] and level in i.levels for i in indicators):
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
    fields = node.fields(form.keys(form.NormalisationForm))
    scale = fields["scale"].pair() if "scale" in fields else None
    if scale and scale[0] >= scale[1]:
        fields["scale"].wrong(f"{fields['scale'].what} is {list(scale)}", "write [worst, best], for example [0, 100]")
    return Normalisation(
        method=fields["method"].choice(METHODS) if "method" in fields else "goalposts",  # type: ignore[arg-type]
        scale=scale or (0.0, 100.0),
        clip=fields["clip"].truth() if "clip" in fields else True,
        mean=fields["mean"].number() if "mean" in fields else 0.0,
        sd=fields["sd"].number(above=0) if "sd" in fields else 1.0,
    )


def _mean(node: Node) -> Mean:
    """A kind of mean: the weighted median, or the exponent of a power mean."""
    if not node.is_mapping() and not node.is_list() and node.text() == "median":
        return "median"
    return _exponent(node)


def _exponent(node: Node) -> float:
    """A kind of mean as the exponent of a power mean: a word, `power_mean 0.5`, or {power_mean: 0.5}."""
    if node.is_mapping():
        fields = node.fields(form.keys(form.PowerMeanForm))
        if "power_mean" not in fields:
            node.wrong(
                f"{node.what} says no kind of mean", f"write {', '.join(_EXPONENTS)}, median or {{power_mean: p}}"
            )
            return 1.0
        return fields["power_mean"].number(-10, 10)
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
            f"write {', '.join(_EXPONENTS)}, median or {{power_mean: p}} with p within -10 and 10",
        )
        return 1.0
    return exponent


def _aggregation(node: Node) -> Aggregation:
    fields = node.fields(form.keys(form.AggregationForm))
    return Aggregation(**{key: _mean(value) for key, value in fields.items() if key != "note"})


def _missing(node: Node) -> Missing:
    fields = node.fields(form.keys(form.MissingForm))
    impute, by, neighbours = _impute(fields["impute"]) if "impute" in fields else ("none", "level", 3)
    return Missing(
        min_present=fields["min_present"].whole(1) if "min_present" in fields else 1,
        min_weight_present=fields["min_weight_present"].number(0, 1) if "min_weight_present" in fields else 0.0,
        dimension_min=fields["dimension_min"].number(0, 1) if "dimension_min" in fields else 0.0,
        impute=impute,  # type: ignore[arg-type]  # one of the words
        by=by,
        neighbours=neighbours,
    )


def _impute(node: Node) -> tuple[str, str, int]:
    """How gaps are filled, over which units, and from how many neighbours."""
    if not node.is_mapping():
        words = node.text().split()  # words after the first explain
        if not words or words[0] not in IMPUTE:
            node.wrong(f"{node.what} is {' '.join(words)!r}", f"write {', '.join(IMPUTE[:-1])} or {IMPUTE[-1]}")
            return "none", "level", 3
        return words[0], "level", 3
    fields = node.fields(form.keys(form.ImputeForm))
    if "method" not in fields:
        node.wrong(f"{node.what} has no method", f"write `method: ...`; {likely('', IMPUTE)}")
        return "none", "level", 3
    method = fields["method"].choice(IMPUTE)
    by = fields["by"].text() if "by" in fields else "level"
    if not re.fullmatch(r"level|parent|x_.+", by):
        fields["by"].wrong(f"{fields['by'].what} is {by!r}", "write level, parent or an x_ column of units")
    elif by != "level" and method in ("none", "predictive"):
        fields["by"].wrong(f"{node.what} is {method} by {by}", "only mean, median and nearest take groups")
    if "neighbours" in fields and method != "nearest":
        fields["neighbours"].wrong(f"{node.what} has neighbours but is {method}", "they belong to nearest")
    return method, by, fields["neighbours"].whole(2, 1000) if "neighbours" in fields else 3


def _records(node: Node, indicators: tuple[Indicator, ...], vetoes: tuple[Veto, ...]) -> Records:
    fields = node.fields(form.keys(form.RecordsForm))
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
        deduction = fields["deduction"].fields(form.keys(form.DeductionForm))
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
    fields = {} if entry.is_blank() else entry.fields(form.keys(form.RecordClassForm))
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
        fields = {} if entry.is_blank() else entry.fields(form.keys(form.VetoForm))
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
    fields = node.fields(form.keys(form.GradesForm))
    bands = []
    for grade, limit in fields["bands"].items() if "bands" in fields else ():
        limit.what = f"the lower limit of grade {grade!r}"
        bands.append((grade, limit.number()))
        if len(bands) > 1 and bands[-1][1] >= bands[-2][1]:
            limit.wrong(
                f"grade {grade!r} begins at {bands[-1][1]:g}, not below {bands[-2][0]!r} at {bands[-2][1]:g}",
                "write the bands from the best down, each with a lower limit",
            )
    tiers = fields["tiers"].fields(form.keys(form.TiersForm)) if "tiers" in fields else {}
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
    fields = node.fields(form.keys(form.RanksForm))
    if "method" in fields:
        fields["method"].choice(("mogstad-romano-shaikh-wilhelm",))
    if "publish_point_rank" in fields and fields["publish_point_rank"].truth():
        fields["publish_point_rank"].wrong("point ranks are asked for", "they are never published; leave it out")
    return Ranks(
        coverage=fields["coverage"].number(0.5, 0.999) if "coverage" in fields else 0.95,
        credible_above=fields["credible_above"].whole(0) if "credible_above" in fields else 300,
    )


def _uncertainty(node: Node) -> Uncertainty:
    fields = node.fields(form.keys(form.UncertaintyForm))
    return Uncertainty(
        draws=fields["draws"].whole(2) if "draws" in fields else 4096,
        interval=fields["interval"].number(0.5, 0.999) if "interval" in fields else 0.95,
    )


def _sensitivity(node: Node) -> Sensitivity:
    fields = node.fields(form.keys(form.SensitivityForm))
    concentration = None
    if "weights" in fields:
        weights = fields["weights"].fields(form.keys(form.DrawnWeightsForm))
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
        parts = fields["sobol"].fields(form.keys(form.SobolForm))
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
    fields = node.fields(form.keys(form.PublicationForm))
    citizen = fields["citizen"].fields(form.keys(form.CitizenLimits)) if "citizen" in fields else {}
    assessor = fields["assessor"].fields(form.keys(form.AssessorLimits)) if "assessor" in fields else {}
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
