"""Reading the indicators of a scheme: where each belongs, where its numbers come from, and how they become scores."""

from __future__ import annotations

import re
from typing import Any, get_args

from evaluator.rating import scheme_form as form
from evaluator.rating.defects import likely
from evaluator.rating.scheme import (
    UNSAID,
    Dimension,
    Indicator,
    Label,
    Method,
    Normalisation,
    Source,
    Transform,
    Treatment,
)
from evaluator.rating.scheme_tree import RESERVED_NODE, weight_of
from evaluator.rating.yaml_nodes import Node

SOURCES: tuple[str, ...] = get_args(Source)
METHODS: tuple[str, ...] = get_args(Method)
TRANSFORMS: dict[str, Transform] = {
    "log": "log",
    "log_ct": "log_CT",
    "log_ct_orig": "log_CT_orig",
    "log_gii": "log_GII",
    "box_cox": "box_cox",
}


def read_indicators(
    node: Node | None,
    levels: dict[str, Label],
    nodes: tuple[Dimension, ...],
    tasks: dict[str, Label],
    normalisation: Normalisation,
    treatment: Treatment,
    weighting: str,
) -> tuple[Indicator, ...]:
    """All indicators, in the order of the file."""
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
        weight=weight_of(fields, weighting, entry),
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
    its = read_treatment(fields["treatment"]) if "treatment" in fields else None
    used = its or treatment
    if method in ("goalposts", "target") and used.transform != "none" and used.method != "none":
        fields.get("treatment", entry).wrong(
            f"{entry.what} is transformed, but its {'goal' if method == 'goalposts' else 'target'} is on its own scale",
            "write `treatment: none` for it, or winsorise with `otherwise: none`, or take min_max",
        )
    return {"goal": goal, "direction": direction, "normalisation": own, "target": target, "treatment": its}


def read_treatment(node: Node) -> Treatment:
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
