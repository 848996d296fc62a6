"""Whether somebody steers answers: the open link against the invited, staff apart, people who were told how to answer.

Worked out of sealed responses alone, anew when at least fifty more are sealed, and kept as shown: no number of people
below ten, no two results of sets that differ by fewer than fifty. These are signals to look into. They grade nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluator import database
from evaluator.collection.dashboard import design
from evaluator.collection.export import stored
from evaluator.collection.rules import EPOCH
from evaluator.collection.tables import Campaign, CampaignSignals
from evaluator.collection.versions import versions_of
from methods.disclosure.releases import rounded_down
from methods.survey.designs import simple
from methods.survey.estimation import Moments
from methods.survey.open_link import open_against_sample
from methods.survey.proportions import wilson
from questionnaires.definition import Questionnaire
from questionnaires.quality import PROMPTED
from questionnaires.scoring import score, scoring

EVERY = 3600.0  # seconds
TAKEN = ("unit", "mode", "design_stratum", "flags", "answers", "excluded")
MODES = ("invitation", "sign_in", "open")
MOST_CODES = 12  # of a stratum that brings open answers to the population
_decode = msgspec.json.Decoder(dict[str, Any]).decode

log = logging.getLogger("evaluator")


class Share(msgspec.Struct, frozen=True):
    """Some of all, both rounded down to tens; `some` 0: fewer than ten."""

    mode: str
    some: int
    of: int
    share: float
    lower: float
    upper: float


class Difference(msgspec.Struct, frozen=True):
    """Mean score of open answers, brought to the population, against that of the invited."""

    open: float
    invited: float
    difference: float
    lower: float
    upper: float
    n_open: int
    n_invited: int
    auxiliaries: tuple[str, ...]  # questions by which open answers were brought to the population
    exact: tuple[int, int]  # the same two numbers exactly: never shown, for the next time


class Signals(msgspec.Struct, frozen=True):
    """What is shown."""

    responses: int  # rounded down
    prompted: tuple[Share, ...]
    staff: tuple[Share, ...]
    flags: Mapping[str, int]  # responses by flag, rounded down
    against: Difference | None


async def signals(campaign: int) -> Signals | None:
    """The signals of a campaign as they were last worked out."""
    row = await CampaignSignals.select(CampaignSignals.text).where(CampaignSignals.campaign == campaign).first()
    return None if row is None else msgspec.json.decode(row["text"], type=Signals)


async def refresh(campaign: int, *, closed: bool = False) -> Signals | None:
    """Work a campaign's signals out anew where enough was sealed since the last time; at the close in any case.

    Means are kept as they were when either group has changed by fewer than fifty: their difference would tell what
    these few answered.
    """
    [found] = await Campaign.raw("SELECT count(*) AS n FROM response WHERE campaign = {}", campaign)
    before = await CampaignSignals.select().where(CampaignSignals.campaign == campaign).first()
    if not closed and found["n"] < (before["responses"] if before else 0) + EPOCH:
        return await signals(campaign)
    if not found["n"]:
        return None
    row = await Campaign.objects().get(Campaign.id == campaign)
    assert row is not None
    questionnaire = next(v.questionnaire for v in await versions_of(campaign) if v.id == row.questionnaire)
    cells = {
        (unit, code): float(cell.frame)
        for unit, strata in (await design(campaign)).items()
        for code, cell in strata.items()
    }
    parts = [chunk async for chunk in stored(TAKEN, [campaign], (date.min, date.max))]
    shown = msgspec.json.decode(before["text"], type=Signals) if before else None
    made = await asyncio.to_thread(
        signals_of, questionnaire, [line for part in parts for line in part], cells, shown.against if shown else None
    )
    text = msgspec.json.encode(made).decode()
    await CampaignSignals.raw(
        "INSERT INTO campaign_signals (campaign, responses, text) VALUES ({}, {}, {}) "
        "ON CONFLICT (campaign) DO UPDATE SET responses = excluded.responses, text = excluded.text",
        campaign, found["n"], text,
    )  # fmt: skip
    return made


async def watch_for_ever(every: float = EVERY) -> None:
    """Refresh the signals of all campaigns until cancelled. What fails is told and tried again the next time."""
    while True:
        await asyncio.sleep(every)
        try:
            for row in await Campaign.select(Campaign.id).where(Campaign.stage != "sealed"):
                await refresh(row["id"])
        except (database.DatabaseError, ValueError) as error:
            log.warning("signals of steering could not be worked out: %s", error)


def signals_of(
    questionnaire: Questionnaire,
    rows: Sequence[Sequence[Any]],
    frame: Mapping[tuple[str, str], float],
    before: Difference | None = None,
) -> Signals:
    """Signals from rows of `TAKEN`, the frame's people by unit and design stratum, and the means shown before."""
    rows = [row for row in rows if not row[5] and row[4]]
    mode = np.array([row[1] for row in rows], str)
    items = scoring(questionnaire)
    scored = [item for item in items if item.kind != "none"]
    apart = [(item.item, set(item.set_apart)) for item in items if item.set_apart]
    strata = [
        item for item in items
        if questionnaire.question(item.item).role == "stratum" and 1 < len(item.codes) <= MOST_CODES
    ]  # fmt: skip
    staff, prompted = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    points = np.full(len(rows), np.nan)
    codes = np.zeros((len(rows), len(strata)), np.int16)
    flags: dict[str, int] = {}
    points_of = [(item, {code: _scored(item, code) for code in item.codes}) for item in scored]
    places = [{code: k + 1 for k, code in enumerate(item.codes)} for item in strata]
    for number, row in enumerate(rows):
        answers = _decode(row[4])
        for flag in row[3].split():
            flags[flag] = flags.get(flag, 0) + 1
        prompted[number] = PROMPTED in row[3].split()
        staff[number] = any(answers.get(question) in chosen for question, chosen in apart)
        for column, item in enumerate(strata):
            codes[number, column] = places[column].get(str(answers.get(item.item)), 0)
        given = [
            one
            for item, known in points_of
            if (answer := answers.get(item.item)) is not None and (one := _score(item, known, answer)) is not None
        ]
        if given:
            points[number] = sum(given) / len(given) / 1000.0
    most = {name: _most(rows, name) for name in MODES}
    shown = {name: _down(n) for name, n in sorted(flags.items())}
    return Signals(
        _down(len(rows)), _shares(mode, prompted, most), _shares(mode, staff, most) if apart else (),
        {name: n for name, n in shown.items() if n},
        _against([row[0] for row in rows], [row[2] for row in rows], mode, staff, points, codes,
                 [item.item for item in strata], frame, before),
    )  # fmt: skip


def _score(item: Any, known: Mapping[str, int | None], answer: Any) -> int | None:
    return _scored(item, tuple(answer)) if isinstance(answer, list) else known.get(str(answer))


def _scored(item: Any, answer: Any) -> int | None:
    try:
        return score(item, answer)
    except (KeyError, ValueError):  # a code of an earlier version
        return None


def _down(n: int) -> int:
    return int(rounded_down([n])[0])


def _most(rows: Sequence[Sequence[Any]], mode: str) -> int:
    """The greatest number of a mode's responses that narrows no unit down whose own rounded number is seen.

    With k rounded numbers that add up to f, a total above f + 9 (k - 1) would say of each that it is above its least.
    """
    found = []
    for key in (lambda row: row[0], lambda row: (row[0], row[2])):  # units, and strata of units where they are shown
        counts = Counter(key(row) for row in rows if row[1] == mode).values()
        found.append(sum(_down(n) for n in counts) + 9 * max(len(counts) - 1, 0))
    return _down(min(found))


def _shares(mode: NDArray[Any], chosen: NDArray[np.bool_], most: Mapping[str, int]) -> tuple[Share, ...]:
    found = []
    for name in MODES:
        some, rest = (_down(int(((mode == name) & part).sum())) for part in (chosen, ~chosen))
        of = min(some + rest, most[name])
        if not of or some > of:
            continue
        lower, upper = wilson(some, of)
        found.append(Share(name, some, of, some / of, float(lower), float(upper)))
    return tuple(found)


def _against(
    units: Sequence[str], strata: Sequence[str], mode: NDArray[Any], staff: NDArray[np.bool_], points: NDArray[Any],
    codes: NDArray[np.int16], names: Sequence[str], frame: Mapping[tuple[str, str], float], before: Difference | None,
) -> Difference | None:  # fmt: skip
    """The doubly robust mean of the open answers against the invited; with fewer auxiliaries where all are too many."""
    answered = np.isfinite(points) & ~staff
    cells, cell = np.unique([f"{u}\t{s}" for u, s in zip(units, strata, strict=True)] or [""], return_inverse=True)
    people = np.array([frame.get(tuple(name.split("\t")), 0.0) if name else 0.0 for name in cells.tolist()])
    invited, opened = answered & (mode == "invitation"), answered & (mode == "open")
    exact = (int(opened.sum()), int(invited.sum()))
    if before is not None and any(0 < abs(now - then) < EPOCH for now, then in zip(exact, before.exact, strict=True)):
        return before
    if invited.sum() < EPOCH or opened.sum() < EPOCH or not (people[cell[invited]] > 0).all():
        return None
    weight = people / np.maximum(np.bincount(cell[invited], minlength=len(people)), 1)
    for used in (list(range(len(names))), list(range(len(names) - 1)), [0], []):
        used = [k for k in used if 0 <= k < len(names)]
        try:
            found = _doubly_robust(points, codes[:, used], cell, weight, invited, opened)
        except (ValueError, np.linalg.LinAlgError):
            continue
        half = 1.959964 * found.difference_standard_error
        return Difference(
            round(found.estimate, 1), round(found.sample, 1), round(found.difference, 1),
            round(found.difference - half, 1), round(found.difference + half, 1),
            _down(int(found.n_open)), _down(int(found.n_sample)), tuple(names[k] for k in used), exact,
        )  # fmt: skip
    return None


def _doubly_robust(
    points: NDArray[Any], codes: NDArray[np.int16], cell: NDArray[Any], weight: NDArray[Any],
    invited: NDArray[np.bool_], opened: NDArray[np.bool_],
) -> Any:  # fmt: skip
    levels = [np.unique(codes[:, k][opened | invited])[1:] for k in range(codes.shape[1])]

    def grouped(
        at: NDArray[np.bool_], by: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        keys, row = np.unique(by[at], axis=0, return_inverse=True)
        sums = [np.bincount(row.ravel(), points[at] ** power, len(keys)) for power in (0, 1, 2)]
        return keys, sums[0], sums[1], sums[2]

    def dummies(keys: NDArray[Any]) -> NDArray[Any]:
        columns = [(keys[:, k] == level).astype(float) for k, some in enumerate(levels) for level in some]
        return np.stack(columns, axis=1) if columns else np.zeros((len(keys), 0))

    keys, n, total, squares = grouped(opened, codes)
    theirs, n_s, total_s, squares_s = grouped(invited, np.column_stack([cell, codes]))
    return open_against_sample(
        n, total, squares, dummies(keys), simple(weight[theirs[:, 0]], n_s),
        Moments(n_s[:, None], total_s[:, None], squares_s[:, None]), dummies(theirs[:, 1:]),
    )  # fmt: skip
