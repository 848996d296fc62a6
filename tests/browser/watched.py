"""A campaign with enough responses for everything that an operator's page can show."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta

from evaluator.collection.campaigns import Label, create_campaign
from evaluator.collection.screen_counts import BEGIN
from evaluator.collection.steering import refresh
from evaluator.collection.tables import CampaignUnit, Response, SampleCell, ScreenCount
from evaluator.settings import Settings
from questionnaires.loading import loads, shipped_text
from questionnaires.screens import screens

CODE = "watched-2026"
UNITS = ("3701", "370102", "370103")


async def make_watched(settings: Settings, today: date) -> None:
    """Three units, two strata, some 500 answers, of which those by the open link are steered."""
    text, rng = shipped_text("sd-citizen"), random.Random(1)
    campaign = await create_campaign(
        settings, CODE, questionnaire=text, units=UNITS, opens=today - timedelta(9), closes=today + timedelta(20),
        title=Label("看板评议", "Watched survey"), responsible=Label("测试办公室", "Test office"),
        contact="office@example.org",
    )  # fmt: skip
    rows = []
    for number in range(480):
        mode = "invitation" if number < 300 else "open" if number < 460 else "sign_in"
        steered = mode == "open" and rng.random() < 0.9
        told = "yes" if steered and rng.random() < 0.4 else "no"
        answers = {
            "contact": "never", "kept": "nearly_all" if steered else rng.choice(["nearly_all", "half", "few"]),
            "told": told, "capacity": "staff" if mode == "open" and number % 7 == 0 else "resident",
            "age": rng.choice(["a16", "a30", "a45"]), "gender": rng.choice("fm"),
        }  # fmt: skip
        rows.append(
            Response(
                identifier=f"{rng.getrandbits(128):032x}", campaign=campaign.id, unit=UNITS[number % 2], mode=mode,
                day=today - timedelta(number % 9), design_stratum="town" if number % 3 else "village",
                duration="longer", answers=json.dumps(answers), questionnaire=campaign.questionnaire,
                flags="prompted" if told == "yes" else "",
            )
        )  # fmt: skip
    for at in range(0, len(rows), 100):
        await Response.insert(*rows[at : at + 100])
    await CampaignUnit.update({CampaignUnit.target: 200}).where(CampaignUnit.campaign == campaign.id)
    for unit in UNITS:
        for stratum, frame in (("town", 52_000), ("village", 21_000)):
            await SampleCell.insert(
                SampleCell(
                    campaign=campaign.id, unit=unit, design_stratum=stratum, frame_n=frame, invited=600, undelivered=43
                )
            )
    seen = 640
    for screen in (BEGIN, *(one.code for one in screens(loads(text.encode(), "sd-citizen")))):
        await ScreenCount.insert(ScreenCount(campaign=campaign.id, screen=screen, visits=seen))
        seen -= rng.randrange(4, 30)
    await refresh(campaign.id)
