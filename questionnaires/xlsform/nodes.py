"""Nodes of a questionnaire's file that carry places of sheets."""

from __future__ import annotations

from questionnaires.document import Entries, List, Node, Scalar, read
from questionnaires.mistakes import DefinitionError
from questionnaires.xlsform.sheets import Place


def scalar(place: Place, text: str) -> Scalar:
    """A text."""
    return Scalar(place[0], place[1], text, True)


def put(entries: Entries, place: Place, key: str, value: Node | str | None) -> None:
    """Add a key, unless the value is nothing."""
    if value is not None and value != "":
        entries.pairs.append((scalar(place, key), scalar(place, value) if isinstance(value, str) else value))


def value_of(entries: Entries, key: str) -> Node | None:
    """What a key has."""
    return next((value for name, value in entries.pairs if name.value == key), None)


def replace(entries: Entries, place: Place, key: str, value: Node) -> None:
    """Give a key another value; a blank one takes the key away."""
    entries.pairs[:] = [(name, old) for name, old in entries.pairs if name.value != key]
    if not (isinstance(value, Scalar) and value.blank):
        put(entries, place, key, value)


def own_node(text: str, place: Place) -> Node:
    """A cell of a column of ours, which is YAML, as a node at its place.

    Raises
    ------
    DefinitionError
        When it is no YAML.
    """
    node = read(text, "")
    _move(node, place)
    return node


def own_text(text: str) -> str:
    """A cell of ours that holds one text."""
    try:
        node = read(text, "")
    except DefinitionError:
        return text
    return node.value if isinstance(node, Scalar) else text


def _move(node: Node, place: Place) -> None:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        one.line, one.column = place
        if isinstance(one, List):
            waiting += one.items
        elif isinstance(one, Entries):
            for key, value in one.pairs:
                waiting += [key, value]
