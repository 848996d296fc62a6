"""A live campaign moves to a compatible version: forms in the middle go on, and each response names its version."""

from __future__ import annotations

import asyncio
from datetime import date

import msgspec
import pytest

from evaluator import database
from evaluator.collection import form, versions
from evaluator.collection.admission import issue_codes
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.tables import Campaign, CampaignVersion, Pending, QuestionnaireVersion
from evaluator.problems import Problem
from tests.collection.conftest import QUESTIONNAIRE, Person

FORM = "/rate/spring/3701"
MARCH = date(2026, 3, 12)
DK = '          - {code: dk, text: {zh: "D-zh", en: "Don\'t know"}}\n'
SECOND = QUESTIONNAIRE.replace('version: "1"', 'version: "2"').replace(
    DK, DK + '          - {code: once, text: {zh: "U-zh", en: "Once"}}\n'
)
EXTRA = '      - code: extra\n        type: text\n        text: {zh: "E-zh", en: "What else went wrong?"}\n'
SECOND = SECOND.replace("      - code: days\n", f"{EXTRA}      - code: days\n")
ONE_BY_ONE = 'title: {zh: "V-zh", en: "View"}\n    show: one_by_one'


async def kept(text: str, **changes: object) -> int:
    number, _ = await versions.keep_questionnaire(text)
    if changes:
        await QuestionnaireVersion.update(**changes).where(QuestionnaireVersion.id == number)  # type: ignore[arg-type]
    return number


async def moved(app, text: str = SECOND) -> int:
    """Move the campaign in the database and in the memory of this process."""
    number = await kept(text)
    await versions.move_campaign(app.state.settings, "spring", number, MARCH)
    await app.state.campaigns.anew(await app.state.campaigns.get("spring"))
    return number


async def test_a_move_is_recorded_with_its_day(database_url, settings, small_campaign) -> None:
    await small_campaign()
    before = await load_campaign("spring")
    number = await kept(SECOND)
    report = await versions.move_campaign(settings, "spring", number, MARCH)
    assert report.compatible
    assert {change.kind for change in report.changes} == {"choice_added", "question_added"}
    now = await load_campaign("spring")
    assert (now.version, now.questionnaire.version) == (number, "2")
    assert dict(now.earlier) == {before.version: before.questionnaire}
    assert [(used.identifier, used.since) for used in await versions.history(now.id)] == [
        ("small@1", date(2026, 3, 1)), ("small@2", MARCH),
    ]  # fmt: skip


BREAKING = SECOND.replace("{code: half, score: 50", "{code: half, score: 40")
RANKED = SECOND.replace(
    "      - code: remark\n        type: text", "      - code: where\n        type: geopoint"
).replace("        max_length: 200\n", "")


@pytest.mark.parametrize(
    ("text", "changes", "day", "status", "words"),
    [
        (BREAKING, {}, MARCH, 409, "no longer compare"),
        (SECOND, {"published": False}, MARCH, 409, "small@2 is a draft"),
        (SECOND, {}, date(2026, 4, 1), 409, "closed on 2026-03-31"),
        (QUESTIONNAIRE, {}, MARCH, 409, "nothing to move"),
        (RANKED, {}, MARCH, 422, "Nothing was stored"),
        (SECOND.replace("code: small", "code: other"), {}, MARCH, 409, "no longer compare"),
    ],
)
async def test_a_move_that_cannot_be_is_refused_and_changes_nothing(
    database_url, settings, small_campaign, text, changes, day, status, words
) -> None:
    await small_campaign()
    number = await kept(text, **changes)
    with pytest.raises(Problem) as refused:
        await versions.move_campaign(settings, "spring", number, day)
    assert refused.value.status == status
    assert words in str(refused.value)
    if text == BREAKING:
        [error] = refused.value.errors
        assert (error.pointer, error.detail) == ("view/kept/half", "another score: 40 instead of 50")
    assert (await load_campaign("spring")).questionnaire.version == "1"
    assert await CampaignVersion.count() == 1


async def test_what_is_not_there_cannot_move(database_url, settings, small_campaign) -> None:
    await small_campaign()
    with pytest.raises(Problem, match="“autumn”; there are: spring"):
        await versions.move_campaign(settings, "autumn", 1, MARCH)
    with pytest.raises(Problem, match="no version of this number"):
        await versions.move_campaign(settings, "spring", 99, MARCH)


async def test_of_two_moves_at_once_one_wins(database_url, settings, small_campaign) -> None:
    await small_campaign()
    number = await kept(SECOND)
    outcomes = await asyncio.gather(
        *(asyncio.create_task(versions.move_campaign(settings, "spring", number, MARCH)) for _ in range(4)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem | database.Unavailable)]
    assert len(refused) == 3
    assert await CampaignVersion.count() == 2


async def test_a_new_campaign_refuses_a_draft(database_url, small_campaign) -> None:
    await kept(QUESTIONNAIRE, published=False)
    with pytest.raises(Problem, match="small@1 is a draft"):
        await small_campaign()
    assert await Campaign.count() == 0


# --- forms in the middle ----------------------------------------------------------------------------------------------


async def stored() -> tuple[dict[str, object], int]:
    [row] = await Pending.select()
    return msgspec.json.decode(row["answers"]), row["questionnaire"]


async def to_the_end(citizen: Person) -> None:
    for _ in range(9):
        if "send" in citizen.page.buttons:
            break
        await citizen.press()
    assert "Thank you" in (await citizen.press("send")).words


async def test_a_form_in_the_middle_goes_on(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = person(client)
        await citizen.open(FORM)
        await citizen.press(contact="yes")
        number = await moved(app)
        page = await citizen.press(trouble=["money", "rude"], days="12")  # their page is of the version before
        assert "What else went wrong?" in page.words  # what they have not seen yet
        page = await citizen.press(extra="Parking")
        assert dict(page.fields)["at"] == "view"
        await citizen.press(word="7", kept="half", remark="")
        await to_the_end(citizen)
    answers, version = await stored()
    assert answers == {
        "contact": "yes", "trouble": ["money", "rude"], "extra": "Parking", "days": 12, "word": 7, "kept": "half",
    }  # fmt: skip
    assert version == number


async def test_who_had_everything_on_the_review_may_send(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = person(client)
        await citizen.open(FORM)
        await citizen.press(contact="no")
        await citizen.press(word="7")
        await citizen.press()
        number = await moved(app)
        await to_the_end(citizen)
    assert await stored() == ({"contact": "no", "word": 7}, number)


async def test_a_draft_goes_on_where_it_was(database_url, app_on, serving, small_campaign) -> None:
    """Each question has a screen of its own, and the new one moves the numbers of those behind it."""
    first = QUESTIONNAIRE.replace('title: {zh: "V-zh", en: "View"}', ONE_BY_ONE)
    second = SECOND.replace('title: {zh: "V-zh", en: "View"}', ONE_BY_ONE).replace(EXTRA, "")
    second = second.replace("      - code: kept\n", f"{EXTRA}      - code: kept\n")
    await small_campaign(questionnaire=first)
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        await citizen.open(FORM)
        await citizen.press(contact="no")
        page = await citizen.press(word="7")
        assert dict(page.fields)["at"] == "view:2"
        number = await moved(app, second)
        page = await citizen.open(f"{FORM}?step=3")
        assert "How much was kept?" in page.words
        assert dict(page.fields)["at"] == "view:3"
        page = await citizen.open(f"{FORM}?step=2")
        assert ("a-word", "7") in page.fields
        page = await citizen.open(f"{FORM}?step=3")
        page = await citizen.press(kept="all")
        assert "Anything else?" in page.words
        page = await citizen.press("back")
        page = await citizen.press("back")
        assert "What else went wrong?" in page.words
        await citizen.press(extra="Parking")
        await to_the_end(citizen)
    answers, version = await stored()
    assert answers == {"contact": "no", "word": 7, "extra": "Parking", "kept": "all"}
    assert version == number


async def test_pages_of_before_check_and_go_back_as_ever(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = person(client)
        await citizen.open(FORM)
        await citizen.press(contact="yes")
        before = citizen.page
        await moved(app)
        page = await citizen.press(days="1000")
        assert page.status in (200, 422)
        assert "Enter a number from 0 to 999" in page.words
        citizen.page = before
        page = await citizen.press("back", days="3")
        assert dict(page.fields)["at"] == "contact"
        assert ("a-days", "3") in page.fields
        assert ("a-contact", "once") in page.offered
        citizen.page = before
        page = await citizen.press("language:zh-CN", days="3")
        assert "W-zh" in page.words


async def test_what_no_version_has_is_refused(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        await citizen.open(FORM)
        before = citizen.page
        await moved(app)
        for wrong in ({"at": "nowhere"}, {"a-extra": "x"}):  # extra is of the version after
            fields = [(name, value) for name, value in before.fields if name not in wrong]
            page = await citizen.post(before.buttons["next"], [*fields, *wrong.items(), ("to", "next")])
            assert page.status == 400


async def test_a_process_that_has_not_heard_of_the_move_reads_it(
    database_url, app_on, serving, small_campaign, person
) -> None:
    """Two processes: one has moved and shows the new version, the other one gets the form."""
    await small_campaign()
    app, other = app_on(database_url), app_on(database_url, second=True)
    async with serving(other) as late, serving(app) as client:
        assert (await late.get(FORM, headers={"accept": "text/html"})).status_code in (
            200,
            303,
        )  # it remembers the first
        number = await moved(app)
        late.cookies.clear()
        citizen = person(client)
        await citizen.open(FORM)
        citizen.client, cookies = late, dict(client.cookies)
        if citizen.cookies:
            late.cookies.update(cookies)
        page = await citizen.press(contact="once")  # a choice that the first version does not have
        assert dict(page.fields)["at"] == "view"
        await to_the_end(citizen)
    assert await stored() == ({"contact": "once"}, number)


async def test_who_was_invited_goes_on_too(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        [code] = await issue_codes(app.state.settings, "spring", "3701", 1)
        citizen = Person(client)
        await citizen.open("/code")
        await citizen.enter(code)
        await citizen.press(contact="yes")
        number = await moved(app)
        page = await citizen.enter(code)  # the same code again: where it was left
        assert "What went wrong?" in page.words
        await citizen.press(trouble="none")
        await to_the_end(citizen)
    answers, version = await stored()
    assert answers == {"contact": "yes", "trouble": ["none"]}
    assert version == number


async def test_a_script_keeps_answers_of_a_page_of_before(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        await citizen.open(FORM)
        await citizen.press(contact="yes")
        fields = [field for field in citizen.page.fields if field[0] != "a-days"]
        await moved(app)
        answer = await citizen.client.post(
            FORM, data={**dict(fields), "a-days": "5", "to": "save"}, headers=citizen.headers
        )
        assert answer.status_code == 204
        page = await citizen.open(f"{FORM}?step=2")
        assert ("a-days", "5") in page.fields


async def test_orders_that_two_versions_show_differently_are_not_recorded(
    database_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    app = app_on(database_url)
    more = SECOND.replace(
        "          - {code: rude, text",
        '          - {code: lost, text: {zh: "J-zh", en: "Lost"}}\n          - {code: rude, text',
    )
    async with serving(app) as client:
        for move in (False, True):
            citizen = Person(client)
            await citizen.open(FORM)
            visit = dict(citizen.page.fields)["visit"]
            seed = form.read_visit(app.state.secret, visit).seed
            await citizen.press(contact="yes")
            if move:
                await moved(app, more)
            await citizen.press(trouble="money")
            await to_the_end(citizen)
            rows = [row for row in await Pending.select() if move is bool(row["questionnaire"] != 1)]
            orders = msgspec.json.decode(rows[0]["orders"] or "{}")
            assert ("kept" in orders) is bool(seed & 1)
            if move:
                assert "trouble" not in orders
