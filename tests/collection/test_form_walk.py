"""Somebody goes through the form on a phone without scripts."""

from __future__ import annotations

import re

import msgspec

from evaluator.collection.tables import Admission, Response


async def test_a_whole_form_is_answered_reviewed_sent_and_stored(
    database_url, app_on, serving, small_campaign, person, clock
) -> None:
    await small_campaign()
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        page = await citizen.open("/rate/spring/3701")
        assert page.status == 200
        assert "Section 1 of 3" in page.words  # the section on experience is not there yet
        assert "Did you deal with Place 3701?" in page.words
        page = await citizen.press(contact="yes")
        assert "Section 2 of 4" in page.words
        page = await citizen.press(trouble=["money", "delay"], days="\uff11\uff12")
        assert "How often does Place 3701 keep its word?" in page.words
        page = await citizen.press(word="0", kept="half", remark="a < b & c")
        page = await citizen.press(age="skip")
        assert "Check your answers" in page.words
        assert "Yes, I did" in page.words
        assert "a < b & c" in page.words
        assert await Response.count() == 0
        page = await citizen.press("send")
        assert page.status == 303
        page = await citizen.open(page.response.headers["location"])
        assert page.status == 200
        assert "Thank you" in page.words
        [row] = await Response.select()
    assert {k: row[k] for k in ("unit", "mode", "duration", "flags", "design_stratum", "psu")} == {
        "unit": "3701", "mode": "open", "duration": "under_25_seconds", "flags": "too_fast", "design_stratum": "",
        "psu": "",
    }  # fmt: skip
    assert row["day"].isoformat() == "2026-03-10"
    assert re.fullmatch("[0-9a-f]{32}", row["identifier"])
    assert msgspec.json.decode(row["answers"]) == {
        "contact": "yes", "trouble": ["money", "delay"], "days": 12, "word": 0, "kept": "half", "remark": "a < b & c",
        "age": "skip",
    }  # fmt: skip
    assert await Admission.count() == 0
