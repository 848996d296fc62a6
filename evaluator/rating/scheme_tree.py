"""Reading the tree of a scheme: its nodes, what each weighs, and which mean makes it of its members."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from evaluator.rating import scheme_form as form
from evaluator.rating.defects import likely
from evaluator.rating.scheme import Aggregation, Dimension, Indicator, Label, Mean, Normalisation
from evaluator.rating.yaml_nodes import CODE, Node

RESERVED_NODE = "index"  # the root's name in the table of scores
_EXPONENTS = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}


def read_nodes(node: Node | None, weighting: str) -> tuple[tuple[Dimension, ...], dict[str, Node]]:
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
                weight=weight_of(fields, weighting, entry),
                parent=parent,
                aggregation=mean_of(fields["aggregation"]) if "aggregation" in fields else None,
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


def no_empty_nodes(nodes: tuple[Dimension, ...], places: dict[str, Node], indicators: tuple[Indicator, ...]) -> None:
    """A node without anything in it is a mistake."""
    used = {one.parent for one in nodes} | {one.parent or one.dimension for one in indicators}
    for one in nodes:
        if one.code not in used and indicators:
            places[one.code].wrong(
                f"dimension {one.code!r} is empty", f"write `dim: {one.code}` at an indicator, or leave it out"
            )


def weight_of(fields: dict[str, Node], weighting: str, entry: Node) -> float:
    """The weight that an entry gives, 1 where it gives none."""
    both = [fields[key] for key in ("w", "weight") if key in fields]
    if len(both) == 2:
        both[1].wrong(f"{entry.what} has a weight twice, as 'w' and as 'weight'", "keep one")
    if not both:
        return 1.0
    if weighting == "equal":
        both[0].wrong(f"{entry.what} has a weight, but the scheme says `weights: equal`", "leave one of them out")
    return both[0].number(above=0)


def weights_by_level(
    node: Node | None,
    levels: dict[str, Label],
    dimensions: tuple[Dimension, ...],
    indicators: tuple[Indicator, ...],
) -> dict[str, dict[str, float]]:
    """The weights that levels give for themselves: level -> node -> weight."""
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
        applying = {i.dimension for i in indicators if level in i.levels} & set(names)
        for name in sorted(applying - set(weights)):
            codes = [i.code for i in indicators if i.dimension == name and level in i.levels]
            entry.wrong(
                f"level {level!r} gives dimension {name!r} no weight, but {', '.join(codes)} applies there",
                "weight the dimension or take the level out of the indicator",
            )
        found[level] = weights
    return found


def mean_of(node: Node) -> Mean:
    """A kind of mean: the weighted median, or the exponent of a power mean."""
    if not node.is_mapping() and not node.is_list() and node.text() == "median":
        return "median"
    return exponent_of(node)


def exponent_of(node: Node) -> float:
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


def means_fit(
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


def warn_of_sums(
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
