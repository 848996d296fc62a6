"""A scheme's file with other weights: the text as it was written, comments and order kept, only numbers replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from evaluator.problems import Problem
from evaluator.rating.defects import InputError
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_file import parse_scheme
from evaluator.workbench.what_if import Changes, changed

WEIGHT_KEYS = ("weight", "w")


def _(message: str) -> str:
    return message


def with_weights(text: str, scheme: Scheme, changes: Changes, version: str) -> str:
    """The text of `scheme` with changed weights and a new version.

    Raises
    ------
    Problem
        422 for a version that is none, or the old one; 409 where the file is written in a way that cannot be edited.
    """
    if not re.fullmatch(r"[^\s\"'\\][^\"'\\\x00-\x1f\x7f]{0,39}", version) or version == scheme.version:
        raise Problem(
            422, _("The version cannot be used"),
            _("Give another version than “%(old)s”: letters, digits and points, at most 40."), old=scheme.version,
        )  # fmt: skip
    edits = sorted(_edits(text, changes, version), reverse=True)
    for start, end, new in edits:  # from the end, so that places before stay where they are
        text = text[:start] + new + text[end:]
    wanted = changed(scheme, changes)
    try:
        got = parse_scheme(text)
    except InputError:
        got = None
    if got is None or got.version != version or _without_version(got) != _without_version(wanted):
        raise Problem(
            409, _("This scheme cannot be saved with other weights"),
            _("Its file is written in a way that is not edited here. Change the weights in the file by hand."),
        )  # fmt: skip
    return text


def _without_version(scheme: Scheme) -> tuple[object, ...]:
    return tuple(getattr(scheme, name) for name in scheme.__struct_fields__ if name != "version")


Edit = tuple[int, int, str]  # from, to, what stands there instead


def _edits(text: str, changes: Changes, version: str) -> Iterator[Edit]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)  # marks of the Python loader count characters
    if not isinstance(root, MappingNode):
        return
    if (old := _value(root, "version")) is not None:
        yield _instead(old, f'"{version}"')
    else:
        yield (root.start_mark.index, root.start_mark.index, f'version: "{version}"\n')
    nodes = _value(root, "dimensions")
    indicators = _value(root, "indicators")
    by_level = _value(root, "weights_by_level")
    for field, weight in changes.items():
        kind, *codes = field.split(":")
        if len(codes) == 2:
            level = _value(by_level, codes[0])
            found = _value(level, codes[1])
            if found is not None:
                yield _instead(found, f"{weight:g}")
        elif kind == "d":
            yield from _set_weight(_named(nodes, codes[0]), weight)
        else:
            yield from _set_weight(_listed(indicators, codes[0]), weight)


def _set_weight(node: Node | None, weight: float) -> Iterator[Edit]:
    for key in WEIGHT_KEYS:
        if (found := _value(node, key)) is not None:
            yield _instead(found, f"{weight:g}")
            return
    if isinstance(node, MappingNode) and node.value:
        first = node.value[0][0].start_mark
        separator = ", " if node.flow_style else "\n" + " " * first.column
        yield (first.index, first.index, f"weight: {weight:g}{separator}")
    elif isinstance(node, ScalarNode) and not node.value:  # `code:` with nothing behind it
        yield (node.start_mark.index, node.end_mark.index, f" {{weight: {weight:g}}}")


def _instead(node: Node, new: str) -> Edit:
    return node.start_mark.index, node.end_mark.index, new


def _value(node: Node | None, key: str) -> Node | None:
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if isinstance(name, ScalarNode) and name.value == key:
                return value
    return None


def _named(node: Node | None, code: str) -> Node | None:
    """The node called `code` among the dimensions, or anywhere below them."""
    if (found := _value(node, code)) is not None:
        return found
    if isinstance(node, MappingNode):
        for _name, value in node.value:
            if (found := _named(value, code)) is not None:
                return found
    return None


def _listed(node: Node | None, code: str) -> Node | None:
    for one in node.value if isinstance(node, SequenceNode) else ():
        name = _value(one, "code")
        if isinstance(name, ScalarNode) and name.value == code:
            return one
    return None
