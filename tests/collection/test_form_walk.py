"""Somebody goes through the form on a phone without scripts."""

from __future__ import annotations

import re

import msgspec

from evaluator import language
from evaluator.collection.tables import Admission, Pending
from questionnaires.loading import shipped_text


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
        assert await Pending.count() == 0
        page = await citizen.press("send")
        assert page.status == 200
        assert "Thank you" in page.words
        [row] = await Pending.select()
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
    assert await Admission.count() == 1  # the visit


async def _walk_to_review(citizen, path: str = "/rate/spring/3701", **answers: str | list[str]):
    """To the review, with these answers and no other."""
    if path:
        citizen.client.cookies.clear()  # else it asks whether to go on with what was begun
    page = await citizen.open(path) if path else citizen.page
    while ("at", ":review") not in page.fields:
        at = dict(page.fields)["at"]
        asked = {"contact": ["contact"], "experience": ["trouble", "days"], "view": ["word", "kept", "remark"]}
        mine = {code: answers[code] for code in asked.get(at, ["age"]) if code in answers}
        page = await citizen.press(**mine)
        assert page.status == 200, page.words
    return page


async def test_the_whole_form_speaks_chinese(sqlite_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client, "zh-CN")
        page = await citizen.open("/rate/spring/3701")
        assert 'lang="zh-CN"' in page.text
        assert "C-zh zh3701" in page.words  # the questionnaire's and the unit's own words
        page = await citizen.press()
        assert language_says("zh-CN", "There is a problem") in page.words
        assert language_says("zh-CN", "Choose an answer") in page.words
        page = await _walk_to_review(citizen, contact="no")
        assert language_says("zh-CN", "Check your answers") in page.words
        page = await citizen.press("send")
        assert language_says("zh-CN", "Your answers were counted.") in page.words


def language_says(which: str, message: str) -> str:
    return language.translations(which).gettext(message)


async def test_a_missing_answer_is_told_above_and_beside_the_question(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        page = await citizen.press()
        assert "govuk-error-summary" in page.text
        assert "<title>Error:" in page.text
        assert 'href="#a-contact"' in page.text
        assert 'id="a-contact"' in page.text
        assert page.words.count("Choose an answer") == 2


async def test_going_back_loses_nothing_and_checks_nothing(sqlite_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        await citizen.press(contact="yes")
        page = await citizen.press("back", trouble=["money", "none"], days="many")  # both wrong
        assert ("a-contact", "yes") in page.fields
        page = await citizen.press()
        assert {("a-trouble", "money"), ("a-trouble", "none"), ("a-days", "many")} <= set(page.fields)
        page = await citizen.press()
        assert "govuk-error-summary" in page.text
        assert "cannot be chosen together" in page.words
        assert "Enter a whole number in digits" in page.words


async def test_an_answer_that_is_not_relevant_any_more_is_not_stored_but_comes_back(
    database_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        await _walk_to_review(citizen, contact="yes", days="5", word="dk")
        page = await citizen.press("change:contact")
        page = await citizen.press(contact="no")
        assert "How many days" not in page.words  # the review
        await citizen.press("change:contact")
        page = await citizen.press(contact="yes")
        assert "How many days did it take? 5" in page.words
        await citizen.press("change:contact")
        await citizen.press(contact="no")
        assert "Thank you" in (await citizen.press("send")).words
        [row] = await Pending.select(Pending.answers)
        assert msgspec.json.decode(row["answers"]) == {"contact": "no", "word": "dk"}


async def test_a_change_that_opens_a_section_asks_it_before_the_review(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await _walk_to_review(citizen, contact="no", word="3", age="old")
        await citizen.press("change:contact")
        page = await citizen.press(contact="yes")
        assert "What went wrong?" in page.words
        page = await citizen.press(trouble="none")
        assert "Check your answers" in page.words


async def test_switching_the_language_keeps_answers_and_place(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        await citizen.press(contact="yes")
        page = await citizen.press("language:zh-CN", days="8")
        assert 'lang="zh-CN"' in page.text
        assert ("a-days", "8") in page.fields
        assert ("a-contact", "yes") in page.fields
        if citizen.cookies:
            assert client.cookies["language"] == "zh-CN"
        else:
            assert "language=zh-CN" in page.response.headers["set-cookie"]


async def test_the_order_of_choices_is_the_visitor_s_own_and_stays(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    orders, reversals = set(), set()
    async with serving(app_on(sqlite_url)) as client:
        for _ in range(12):
            citizen = person(client)
            await citizen.open("/rate/spring/3701")
            page = await citizen.press(contact="yes")
            order = [value for name, value in page.offered if name == "a-trouble"]
            assert order[-1] == "none"  # what stands apart stays at the end
            await citizen.press("back")
            page = await citizen.press()
            assert [value for name, value in page.offered if name == "a-trouble"] == order
            page = await citizen.press()
            kept = [value for name, value in page.offered if name == "a-kept"]
            assert kept in (["all", "half", "nothing", "dk"], ["nothing", "half", "all", "dk"])
            orders.add(tuple(order))
            reversals.add(tuple(kept))
    assert len(orders) > 1  # one of 6^11 would fail
    assert len(reversals) == 2


async def test_a_simulated_campaign_says_so_on_every_page(sqlite_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign(simulated=True)
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        pages = [await citizen.open(path) for path in ("/rate", "/notice", "/notice/spring", "/receipt")]
        pages.append(await citizen.open("/rate/spring/3701"))
        pages.append(await _walk_to_review(citizen, contact="no"))
        assert all("SIMULATED" in page.text for page in pages)


async def test_the_shipped_questionnaire_stays_small_on_the_wire(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(questionnaire=shipped_text("sd-citizen"))
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client, "zh-CN")
        page = await citizen.open("/rate/spring/3701")
        page = await citizen.press(contact="once")
        sizes = [len(page.text.encode())]
        while ("at", ":review") not in page.fields:
            page = await citizen.press()
            sizes.append(len(page.text.encode()))
        assert max(sizes) < 60_000
        assert "\u6a21\u62df" not in page.text  # not simulated
        assert language_says("zh-CN", "Thank you") in (await citizen.press("send")).words


async def test_an_open_form_that_is_sent_again_counts_once(
    database_url, app_on, serving, small_campaign, person, clock
) -> None:
    await small_campaign()
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        page = await _walk_to_review(citizen, contact="no", word="3")
        address, fields = page.buttons["send"], [*page.fields, ("to", "send")]
        first = await citizen.press("send")
        assert "Your answers were counted." in first.words
        again = await citizen.post(address, fields)  # a slow network, and a second touch of the button
        assert "Your answers were counted." in again.words
        [row] = await Pending.select()
        changed = [(name, "9" if name == "a-word" else value) for name, value in fields]
        page = await citizen.post(address, changed)
        assert page.status == 409
        assert "This form was sent before" in page.words
        assert [row["answers"] for row in await Pending.select()] == [row["answers"]]
        page = await _walk_to_review(citizen, contact="no", word="3")  # a form of its own counts
        assert "Your answers were counted." in (await citizen.press("send")).words
        assert await Pending.count() == 2
        assert await Admission.count() == 2  # both visits are used
