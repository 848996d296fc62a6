"""Finding a unit among thousands without a script: by a word, or level by level down the tree."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from evaluator.collection.campaigns import Place, Tree

MOST = 50  # results of a search on one page
KINDS = ("area", "zone", "department")


class Choice(msgspec.Struct, frozen=True):
    """A place to go to: rate it, look below it, or both."""

    place: Place
    ratable: bool
    below: int  # units to rate under it
    within: tuple[Place, ...]  # what it lies in, from the top


class Picked(msgspec.Struct, frozen=True):
    """What the page of choosing shows."""

    query: str
    path: tuple[Place, ...]  # where the visitor is in the tree
    here: Choice | None  # the place whose children are shown
    groups: tuple[tuple[str, tuple[Choice, ...]], ...]  # kind -> choices
    found: int  # by the search; may be more than are shown


def below(tree: Tree, units: Collection[str]) -> dict[str, int]:
    """How many of the units lie under each place, itself not counted."""
    counts: dict[str, int] = {}
    for unit in units:
        for place in tree.path(unit)[:-1]:
            counts[place.code] = counts.get(place.code, 0) + 1
    return counts


def pick(tree: Tree, units: Collection[str], query: str, parent: str) -> Picked:
    """The choices for a search word, or below a place; at the top when there is neither."""
    counts = below(tree, units)
    query = query.strip()
    if query:
        found = _search(tree, units, query)
        return Picked(query, (), None, _grouped(tree, units, counts, found[:MOST]), len(found))
    here = tree.places.get(parent)
    tops = tree.children.get(None, ())
    if here is None and len(tops) == 1:
        here = tops[0]  # one province: nobody wants to click on it first
    children = [
        place
        for place in tree.children.get(here.code if here else None, ())
        if place.code in units or counts.get(place.code)
    ]
    path = tree.path(here.code) if here else ()
    choice = _choice(tree, units, counts, here) if here else None
    return Picked("", path, choice, _grouped(tree, units, counts, children), len(children))


def _search(tree: Tree, units: Collection[str], query: str) -> list[Place]:
    """Units to rate whose name or code has the word in it; a word of several parts must be found along the path."""
    parts = query.casefold().split()
    found = []
    for code in units:
        place = tree.places.get(code)
        if place is None:
            continue
        own = f"{place.code} {place.name.zh} {place.name.en}".casefold()
        if parts[-1] not in own and not all(part in own for part in parts):
            continue
        whole = (
            own if len(parts) == 1 else " ".join(f"{p.name.zh} {p.name.en}" for p in tree.path(code)).casefold() + own
        )
        if all(part in whole for part in parts):
            exact = query in (place.code, place.name.zh, place.name.en)
            found.append((not exact, len(tree.path(code)), place.code, place))
    return [place for *_order, place in sorted(found, key=lambda entry: entry[:3])]


def _choice(tree: Tree, units: Collection[str], counts: dict[str, int], place: Place) -> Choice:
    return Choice(place, place.code in units, counts.get(place.code, 0), tree.path(place.code)[:-1])


def _grouped(
    tree: Tree, units: Collection[str], counts: dict[str, int], places: list[Place]
) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    kinds = {kind: tuple(_choice(tree, units, counts, p) for p in places if p.kind == kind) for kind in KINDS}
    return tuple((kind, found) for kind, found in kinds.items() if found)
