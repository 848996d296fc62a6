"""Flags of a closed campaign's responses, by the rules that were registered. Nothing is deleted or changed for a flag.

The same responses give the same flags: running it again replaces what was found by what is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluator.collection.export import stored
from evaluator.collection.quality_rules import Item, rules_of
from evaluator.collection.tables import Campaign, QualityFlag, Response
from evaluator.collection.versions import versions_of
from evaluator.settings import Settings
from methods.response_quality.rules import Rules, flag_responses
from questionnaires.quality import DURATION_CLASSES

TAKEN = ("identifier", "unit", "mode", "day", "duration", "answers")
BATCH = 500
_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def flag_campaign(settings: Settings, campaign_id: int) -> dict[str, int]:
    """Look through all sealed responses of a campaign and write what its rules find; how many by rule, 0 as well.

    The invited, those who signed in and the open link are looked at apart, so that a burst by the open link flags
    nobody who was invited. Where a rule cannot be worked out (all gave the same answers) it flags nobody.
    """
    row = await Campaign.objects().get(Campaign.id == campaign_id)
    if row is None:
        raise ValueError(f"there is no campaign of the number {campaign_id}")
    versions = {version.id: version.questionnaire for version in await versions_of(campaign_id)}
    looked = rules_of(versions[row.questionnaire])
    parts = [chunk async for chunk in stored(TAKEN, [campaign_id], (date.min, date.max))]
    found = await asyncio.to_thread(_flags, parts, looked.items, looked.rules, row.opens)
    async with QualityFlag._meta.db.transaction():
        of_campaign = Response.select(Response.identifier).where(Response.campaign == campaign_id)
        await QualityFlag.delete().where(QualityFlag.response.is_in(of_campaign))
        for at in range(0, len(found), BATCH):
            await QualityFlag.insert(*(QualityFlag(response=who, rule=rule) for who, rule in found[at : at + BATCH]))
    counts = dict.fromkeys(looked.rules.registered, 0)
    for _who, rule in found:
        counts[rule] += 1
    return counts


def _flags(
    parts: Sequence[Sequence[Sequence[Any]]], items: Sequence[Item], rules: Rules, opens: date
) -> list[tuple[str, str]]:
    """Identifiers and rules, in the order of identifiers: they are random."""
    rows = [row for part in parts for row in part]
    codes = _codes(rows, items)
    units = np.unique(np.array([row[1] for row in rows], str), return_inverse=True)[1]
    modes = np.array([row[2] for row in rows], str)
    days = np.array([max((_day(row[3]) - opens).days, 0) for row in rows], np.int64)
    classes = {name: place for place, name in enumerate(DURATION_CLASSES)}
    speed = np.array([classes.get(row[4], -1) for row in rows], np.int64)
    found: list[tuple[str, str]] = []
    for mode in np.unique(modes):
        at = np.flatnonzero(modes == mode)
        for name in rules.registered:
            raised = _raised(codes[at], Rules(**{name: getattr(rules, name)}), speed[at], units[at], days[at])
            found += [(rows[who][0], name) for who in at[raised]]
    return sorted(found)


def _raised(
    codes: NDArray[Any], rules: Rules, speed: NDArray[Any], unit: NDArray[Any], day: NDArray[Any]
) -> NDArray[np.bool_]:
    try:
        return np.asarray(flag_responses(codes, rules, speed=speed, unit=unit, day=day).raised.any(axis=1))
    except (ValueError, np.linalg.LinAlgError):
        if rules.mahalanobis is None:
            raise
        return np.zeros(len(codes), bool)  # an item follows from others, or a pair was answered by fewer than two


def _codes(rows: Sequence[Sequence[Any]], items: Sequence[Item]) -> NDArray[np.int16]:
    """Positions of what was answered; an answer that the present version no longer knows counts as none."""
    place = [(item.question, {code: k for k, code in enumerate(item.codes)}) for item in items]
    codes = np.full((len(rows), max(len(items), 1)), -1, np.int16)
    for number, row in enumerate(rows):
        answers = _decode(row[5]) if row[5] else {}  # taken back: nothing is left of it
        for column, (question, known) in enumerate(place):
            answer = answers.get(question)
            if answer is not None:
                codes[number, column] = known.get(str(answer), -1)
    return codes


def _day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)  # SQLite has texts
