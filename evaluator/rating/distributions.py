"""What citizens said: shares of answers among the invited, with intervals, blank in small cells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from evaluator.rating.rated import Rated, Table
from evaluator.rating.rows import rounded
from methods.disclosure.lists import hide_in_lists, hide_in_nested_lists
from methods.inputs import Floats
from methods.small_areas.direct import GRADED
from methods.survey.cells import Choices, ItemScoring

_Shown = tuple[Floats, Floats, NDArray[np.bool_]]  # (units, columns) counts, those who answered, what was hidden
Said = tuple[Choices, Collection[str]]  # answers, and the units whose flagged ones are not told apart


def distributions(units: Rated, said: Said | None, earlier: Sequence[Said] = ()) -> Table:
    """Shares of the codes among the invited who answered an item, with Wilson's interval; blank in small cells.

    Small is what fewer than the scheme's `cell_min` people answered or chose; with a code others of its question are
    blank where it could be worked out from them, from the shares without flagged responses, or from those that were
    shown before (of `earlier`, the last one last).
    """
    names = ("unit", "item", "code", "share", "lower", "upper", "state", "with_flagged")
    listed = _codes(units.snapshot.scoring.values())
    if said is None or not listed:
        return {name: np.zeros(0, np.float64 if name in ("share", "lower", "upper") else object) for name in names}
    place = {pair: k for k, pair in enumerate(listed)}
    total = {item: len(listed) + k for k, item in enumerate(dict.fromkeys(item for item, _ in listed))}
    width = len(listed) + len(total)
    size = len(units.unit) * width

    def counted(some: Choices) -> list[Floats]:
        """(units, columns) with flagged responses, and without."""
        cells = zip(some.item, some.code, strict=True)
        column = np.array([total.get(i, -1) if c == "" else place.get((i, c), -1) for i, c in cells], np.int64)
        unit = np.array([units.position.get(code, -1) for code in some.unit.tolist()], np.int64)
        used = (some.mode == GRADED) & (unit >= 0) & (column >= 0)
        index = unit[used] * width + column[used]
        return [
            np.asarray(np.bincount(index[keep], some.n[used][keep], size), np.float64).reshape(-1, width)
            for keep in (np.ones(len(index), bool), ~some.flagged[used])
        ]

    def answering(count: Floats) -> Floats:
        return count[:, [total[item] for item, _ in listed]]

    least = units.scheme.publication.cell_min
    multiple = {one.item for items in units.snapshot.scoring.values() for one in items if one.kind == "any"}
    before: list[_Shown] = []
    for choices, together in (*earlier, said):
        counts = counted(choices)
        answered = [answering(count) for count in counts]
        hidden = _hidden(counts, answered, listed, multiple, least, before)
        hidden[1][[str(one) in together for one in units.unit.tolist()]] = True
        before.extend(zip(counts, answered, hidden, strict=True))
    row, code = np.nonzero(answered[0] > 0)
    item_of, code_of = (np.array([pair[k] for pair in listed], object) for k in range(2))
    z = float(ndtri(0.5 + units.scheme.uncertainty.interval / 2.0))
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for word, count, whole, away in zip(("yes", "no"), counts, answered, hidden, strict=True):
        n, x = whole[row, code], count[row, code]
        shown = (n >= least) & (n > 0) & ~away[row, code]
        share, lower, upper = _wilson(x, n, z)
        columns["unit"].append(units.unit[row])
        columns["item"].append(item_of[code])
        columns["code"].append(code_of[code])
        for name, value in (("share", share), ("lower", lower), ("upper", upper)):
            columns[name].append(rounded(np.where(shown, value, np.nan)))
        columns["state"].append(np.where(shown, "ok", "suppressed").astype(object))
        columns["with_flagged"].append(np.full(len(row), word, object))
    return {name: np.stack(parts, axis=1).ravel() for name, parts in columns.items()}


def _hidden(
    counts: list[Floats],
    answered: list[Floats],
    listed: list[tuple[str, str]],
    multiple: set[str],
    least: int,
    before: Sequence[_Shown],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What must not be shown of the shares with flagged responses and of those without, by unit and code."""
    with_all, without = np.zeros((len(counts[0]), len(listed)), bool), np.zeros((len(counts[0]), len(listed)), bool)
    if least < 1:
        return with_all, without
    for item in dict.fromkeys(item for item, _ in listed):
        columns = [place for place, pair in enumerate(listed) if pair[0] == item]
        # of a question with several answers each code is a list of its own: chosen, and not
        for some in [[column] for column in columns] if item in multiple else [columns]:
            lists, past = (
                [_list(count, whole, some) for count, whole in zip(counts, answered, strict=True)],
                [(_list(count, whole, some), ~away[:, some].all(axis=1)) for count, whole, away in before],
            )
            hidden, withheld = hide_in_nested_lists(lists[0], np.minimum(lists[1], lists[0]), least)
            if item in multiple:
                hidden[lists[0][:, 0] == 0] = False  # that nobody chose it tells of no one that he did
            for one, seen in past:  # who came and who went since is a list as well
                known = seen & (one.sum(axis=1) >= least)
                moved = [np.where(known[:, None], np.abs(now - one), 0.0) for now in lists]
                away = [hide_in_lists(change, least) for change in moved]
                if item in multiple:
                    for change, some_away in zip(moved, away, strict=True):
                        some_away[(change[:, 0] == 0) & (change[:, 1] >= least)] = False
                hidden |= away[0]
                withheld |= away[1].any(axis=1)
            with_all[:, some] = hidden[:, :-1]
            without[:, some] = hidden[:, :-1] | withheld[:, None]
    return with_all, without


def _list(count: Floats, whole: Floats, some: list[int]) -> Floats:
    """How many gave each of some codes of a question, and how many none of them."""
    return np.column_stack([count[:, some], whole[:, some[0]] - count[:, some].sum(axis=1)])


def flagged_answers(units: Rated, choices: Choices, items: Sequence[str]) -> Floats:
    """How many of the invited who answered an item were flagged; (units, items)."""
    place = {item: k for k, item in enumerate(items)}
    column = np.array([place.get(item, -1) for item in choices.item.tolist()], np.int64)
    unit = np.array([units.position.get(code, -1) for code in choices.unit.tolist()], np.int64)
    used = (choices.mode == GRADED) & choices.flagged & (choices.code == "") & (unit >= 0) & (column >= 0)
    size = len(units.unit) * len(items)
    counted = np.bincount(unit[used] * len(items) + column[used], choices.n[used], size)
    return np.asarray(counted, np.float64).reshape(len(units.unit), len(items))


def _codes(scorings: Iterable[tuple[ItemScoring, ...]]) -> list[tuple[str, str]]:
    scored = [one for items in scorings for one in items if one.kind != "none"]
    items = dict.fromkeys(one.item for one in scored)
    return list(
        dict.fromkeys((item, code) for item in items for one in scored if one.item == item for code in one.codes)
    )


def _wilson(x: Floats, n: Floats, z: float) -> tuple[Floats, Floats, Floats]:
    """Share and Wilson's interval (1927), Journal of the American Statistical Association 22, 209-212."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        centre = (x + z**2 / 2.0) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4.0)
    return share, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
