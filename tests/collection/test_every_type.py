"""Every type of question over HTTP: drawn, followed, checked and stored as the questionnaire says."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.collection import form
from evaluator.collection.said import answer_of
from evaluator.collection.tables import Draft, Pending
from questionnaires.loading import loads
from tests.collection.conftest import Page, Person

TEXT = (Path(__file__).parent / "every_type.yaml").read_text(encoding="utf-8")
QUESTIONNAIRE = loads(TEXT, "every_type.yaml")
FORM = "/rate/spring/3701"
# What somebody fills in, by screen, as it is typed.
TYPED: dict[str, dict[str, str | list[str]]] = {
    "choosing": {
        "visited": "yes", "satisfied": "good", "payment": "no", "office": "o7", "best_office": "o20",
        "trouble": ["money", "delay"], "known_offices": ["o3", "o1"], "trust": "10", "agree": "OK",
    },
    "writing": {
        "days": "１２", "change": "-35", "fee": "12.50", "day": "2026/3/5", "month": "2026-2", "year": "2025",
        "hour": "9:05", "moment": "2026-03-06 14:30", "name": "=cmd()", "telephone": "0012", "remark": " a\r\n<b> ",
    },
    "places": {"province": "sd"},
    "places:2": {"city": "jn"},
    "places:3": {"county": "lixia", "counties": ["shizhong", "lixia"]},
    "grouped": {"adults": "2", "children": "1"},
    "grouped:2": {"pupils": "1", "estimate": "4"},
    "matrices": {"speed": "good", "manners": "dk", "result": "bad", "ways_pay": ["phone", "online"], "ways_ask": []},
    "experience": {"first": "no"},
    "experience:2": {"before": "3"},
    "experience:3": {"again": "yes", "recommend": "5"},
}  # fmt: skip
STORED = {
    "channel": "web", "visited": "yes", "satisfied": "good", "payment": "no", "office": "o7", "best_office": "o20",
    "trouble": ["money", "delay"], "known_offices": ["o1", "o3"], "trust": 10, "agree": "OK", "days": 12, "change": -35,
    "fee": 12.5, "day": "2026-03-05", "month": "2026-02-01", "year": "2025-01-01", "hour": "09:05",
    "moment": "2026-03-06T14:30", "name": "=cmd()", "telephone": "0012", "remark": "a\n<b>", "province": "sd",
    "city": "jn", "county": "lixia", "counties": ["lixia", "shizhong"], "adults": 2, "children": 1, "persons": "3",
    "pupils": 1, "code_shown": "A-1", "estimate": 4, "speed": "good", "manners": "dk", "result": "bad",
    "ways_pay": ["phone", "online"], "first": "no", "before": 3, "again": "yes", "recommend": 5,
}  # fmt: skip


def at(page: Page) -> str:
    return dict(page.fields)["at"]


async def filled(citizen: Person, until: str = ":review", typed: dict[str, dict[str, str | list[str]]] = TYPED) -> Page:
    """Fill in screen after screen."""
    while at(citizen.page) != until:
        where = at(citizen.page)
        await citizen.press(**typed.get(where, {}))
        assert citizen.page.status == 200, citizen.page.words
        assert at(citizen.page) != where, re.findall(r"govuk-error-message.*", citizen.page.text)
    return citizen.page


async def test_answers_to_every_type_are_stored_as_they_were_meant(
    database_url, app_on, serving, small_campaign, person, clock
) -> None:
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        await citizen.open(FORM)
        page = await filled(citizen)
        for words in (
            "Good", "Justice", "Administrative Approval", "Science and Technology", "10 (Full trust)", "Confirmed",
            "12.5", "March 5, 2026", "February 2026", "2025", "09:05", "March 6, 2026 14:30", "=cmd()", "a <b>",
            "In which county of Jinan?", "Lixia, Shizhong", "How was Place 3701 in these respects?", "5 (Certainly)",
        ):  # fmt: skip
            assert words in page.words
        page = await citizen.press("send")
        assert "Thank you" in page.words
        [row] = await Pending.select()
    stored = msgspec.json.decode(row["answers"])
    drawn = stored.pop("drawn")
    assert stored == STORED
    assert list(stored) == [code for code in (item.code for item in QUESTIONNAIRE.items) if code in stored]
    assert 0 <= float(drawn) < 1


async def test_what_is_worked_out_once_stays_and_what_follows_from_answers_follows(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        page = await citizen.open(FORM)
        drawn = dict(page.fields)["a-drawn"]
        assert (dict(page.fields)["a-adults"], dict(page.fields)["a-children"]) == ("1", "0")  # 1, and 1 - 1
        assert dict(page.fields)["a-estimate"] == "2"
        page = await filled(citizen, "grouped")
        page = await citizen.press(adults="3", children="2")
        assert "That is 5 persons in all." in page.words
        assert "How many of the 2 children go to school?" in page.words
        assert not re.search(r'<input[^>]*name="a-estimate"(?! value="2">)', page.text)  # 5 > 3: not to be changed
        assert dict(page.fields)["a-estimate"] == "2"  # worked out once, though there are more adults now
        assert "A-1" in page.words
        page = await citizen.press(pupils="3")
        assert "At most 2." in page.words
        page = await citizen.press("back", pupils="3")
        page = await citizen.press(adults="1", children="0")
        assert "That is 1 persons in all." in page.words
        assert "go to school" not in page.words
        page = await filled(citizen)
        assert dict(page.fields)["a-drawn"] == drawn
        await citizen.press("send")
        [row] = await Pending.select()
    stored = msgspec.json.decode(row["answers"])
    assert stored["drawn"] == drawn
    assert "pupils" not in stored


async def test_an_answer_that_is_no_longer_offered_goes_and_the_person_is_told(
    database_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        await citizen.open(FORM)
        page = await filled(citizen)
        page = await citizen.press("change:province")
        assert {value for name, value in page.offered if name == "a-province"} == {"sd", "js"}
        page = await citizen.press(province="js")
        assert at(page) == "places:2"  # where the answer went
        assert "An answer was taken away" in page.words
        assert 'href="#a-city"' in page.text
        assert [value for name, value in page.offered if name == "a-city"] == ["nj", "sz"]
        assert "a-city" not in dict(page.fields)
        page = await citizen.press(city="sz")
        assert at(page) == "places:3"  # in sz there is no lixia either: it was there again when the question was
        assert "Please choose again: In which county of Suzhou? Which counties of Suzhou" in page.words
        assert ("a-county", "gusu") in page.offered
        page = await citizen.press(county="gusu")
        assert at(page) == ":review"
        await citizen.press("send")
        [row] = await Pending.select()
    stored = msgspec.json.decode(row["answers"])
    assert (stored["province"], stored["city"], stored["county"]) == ("js", "sz", "gusu")
    assert "counties" not in stored


async def test_a_browser_with_a_script_answers_the_whole_section_on_one_page(
    database_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        await citizen.open(FORM)
        page = await filled(citizen, "places")
        template = re.search(r'(?s)<template id="rest">(.*?)</template>', page.text)
        assert template is not None
        assert re.findall(r'data-question="(\w+)"', template[1]) == ["city", "county", "counties"]
        assert 'value="sz"' in template[1]  # whatever the filter says now
        page = await with_script(citizen, page, province="js", city="nj", county="lixia")  # lixia is elsewhere
        assert at(page) == "grouped"
        assert "taken away" in page.words
        page = await citizen.press("back")
        assert at(page) == "places"  # the first part again, which shows them all
        page = await with_script(citizen, page, province="sd", city="qd", county="shinan")
        page = await filled(citizen)
        await citizen.press("send")
        [row] = await Pending.select()
    stored = msgspec.json.decode(row["answers"])
    assert (stored["province"], stored["city"], stored["county"]) == ("sd", "qd", "shinan")


async def with_script(citizen: Person, page: Page, button: str = "next", **answers: str) -> Page:
    """What the script sends: the fields of the template instead of the hidden ones."""
    names = {f"a-{code}" for code in answers}
    fields = [(name, value) for name, value in page.fields if name not in names]
    sent = [*fields, *((f"a-{code}", value) for code, value in answers.items()), ("script", "1"), ("to", button)]
    return await citizen.post(FORM, sent)


async def test_what_is_wrong_in_a_later_part_is_told_on_the_page_that_shows_it(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(questionnaire=TEXT.replace("code: city\n", "code: city\n        required: true\n"))
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open(FORM)
        page = await filled(citizen, "places")
        page = await with_script(citizen, page, province="js")
        assert at(page) == "places"
        assert 'href="#a-city"' in page.text
        assert "There is a problem" in page.words


async def test_what_a_script_saves_is_kept_without_a_step_and_without_a_word(
    database_url, app_on, serving, small_campaign
) -> None:
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(database_url)) as client:
        citizen = Person(client)
        page = await citizen.open(FORM)
        headers = {**citizen.headers, "content-type": "application/x-www-form-urlencoded"}

        async def save(page: Page, **answers: str) -> int:
            names = {f"a-{code}" for code in answers}
            fields = [(name, value) for name, value in page.fields if name not in names]
            fields += [*((f"a-{code}", value) for code, value in answers.items()), ("to", "save")]
            answer = await client.post(FORM, content=urlencode(fields), headers=headers)
            assert answer.content == b""
            return answer.status_code

        assert await save(page, visited="no", days="many") == 204  # nothing of it is checked
        assert await Draft.count() == 1
        again = await citizen.open(f"{FORM}?step=1")
        assert dict(again.fields)["a-visited"] == "no"
        assert "There is a problem" not in again.words
        page = await citizen.press(**TYPED["choosing"])
        assert at(page) == "writing"
        assert (
            await save(again, visited="no", satisfied="bad") == 204
        )  # late, or from another tab: only its own answers
        page = await citizen.open(f"{FORM}?step=2")
        assert at(page) == "writing"
        assert dict(page.fields)["a-visited"] == "no"
        assert await save(page, name="half a wor") == 204
        page = await citizen.open(f"{FORM}?step=2")
        assert dict(page.fields)["a-name"] == "half a wor"
        client.cookies.clear()
        assert await save(page, name="no key to hold") == 204


async def test_a_page_of_every_type_stays_small_and_names_the_script(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        page = await citizen.open(FORM)
        assert "script-src 'self'" in page.response.headers["content-security-policy"]
        address = re.search(r'<script type="module" src="(/static/form\.js\?[0-9a-f]{12})"></script>', page.text)
        assert address is not None
        assert (await client.get(address[1])).status_code == 200
        while at(page) != ":review":
            assert len(page.text.encode()) < 40_000, at(page)
            block = re.search(r'(?s)<script type="application/json" id="form-data">(.*?)</script>', page.text)
            assert block is not None
            msgspec.json.decode(block[1])
            page = await citizen.press(**TYPED.get(at(page), {}))


async def test_nothing_that_is_typed_is_lost_however_wrong_it_is(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    wrong = {
        "days": "thirteen", "change": "-34", "fee": "1,5", "day": "2026-02-30", "month": "2026-13", "year": "26",
        "hour": "25:00", "moment": "tomorrow", "name": "x" * 41, "telephone": "12a", "remark": "\u0007",
    }  # fmt: skip
    await small_campaign(questionnaire=TEXT)
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open(FORM)
        await filled(citizen, "writing")
        page = await citizen.press(**wrong)
        assert at(page) == "writing"
        for code, value in wrong.items():
            assert dict(page.fields)[f"a-{code}"] == value
            assert f'href="#a-{code}"' in page.text
            assert f'id="a-{code}-error"' in page.text
        for words in (
            "Enter the month as year-month, such as 2026-11", "Enter the year in four digits, such as 2026",
            "or a number that is a multiple of 5", "Enter the time as hours:minutes", "U+0007",
        ):  # fmt: skip
            assert words in page.words
        page = await citizen.press("back", **wrong)
        page = await citizen.press("language:zh-CN")
        page = await citizen.press("language:en")
        page = await citizen.press()
        assert {f"a-{code}": dict(page.fields)[f"a-{code}"] for code in wrong} == {
            f"a-{code}": value for code, value in wrong.items()
        }


# What anybody may send to any question: answers of this and of other types, numbers, dates, and whatever there is.
CHOICES = {choice.code for item in QUESTIONNAIRE.items for choice in item.choices}
VALUE = st.one_of(
    st.sampled_from(sorted(CHOICES | {"OK", "", " ", "0", "-5"})),
    st.integers(-1000, 10**16).map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat("T", "minutes")),
    st.times().map(lambda moment: moment.isoformat("minutes")),
    st.text(max_size=20),
)
CODES = sorted(item.code for item in QUESTIONNAIRE.items if item.type not in ("note", "metadata"))
ANSWERS = st.dictionaries(st.sampled_from(CODES), st.lists(VALUE, min_size=1, max_size=3), max_size=12)
SCREENS = ["choosing", "writing", "places", "places:2", "places:3", "grouped", "grouped:2", "matrices", "experience",
           "experience:2", "experience:3", ":review"]  # fmt: skip


@given(
    where=st.sampled_from(SCREENS),
    button=st.sampled_from(["next", "back", "save", "language:en", "change:county", "change:speed", "send"]),
    answers=ANSWERS,
    script=st.booleans(),
    reviewing=st.booleans(),
)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_answered_to_whatever_question_gives_a_page_that_has_it_all(
    running, where, button, answers, script, reviewing
) -> None:
    loop, client, secret = running
    visit = form.sign_visit(secret, form.new_visit(1, "3701", datetime(2026, 3, 10, tzinfo=UTC)))
    fields = [("visit", visit), ("at", where), ("to", button)]
    fields += [("script", "1")] * script + [("reviewing", "1")] * reviewing
    fields += [(f"a-{code}", value) for code, values in answers.items() for value in values]
    body = urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in fields])
    headers = {"accept": "text/html", "accept-language": "en", "content-type": "application/x-www-form-urlencoded"}
    path = f"{FORM}/send" if button == "send" else FORM
    client.cookies.clear()
    response = loop.run_until_complete(client.post(path, content=body, headers=headers))
    assert response.status_code in (200, 204, 303, 400, 422), response.text
    if response.status_code == 400:  # a button of a question that is not shown now, or half a character
        halves = any("\ud800" <= sign <= "\udfff" for values in answers.values() for value in values for sign in value)
        assert halves or button.startswith("change:")
    if response.status_code in (200, 422) and 'name="at"' in response.text:
        assert lost(Page(response), answers) == []


def lost(page: Page, answers: dict[str, list[str]]) -> list[tuple[str, str]]:
    """What was sent and stands on the page neither as it was typed nor as the same answer in other signs."""
    found = []
    back: dict[str, list[str]] = {}
    for name, value in page.fields:
        back.setdefault(name[2:], []).append(value.replace("\r\n", "\n").replace("\r", "\n"))
    drawn = {name[2:] for name, _value in page.offered}
    for code, values in answers.items():
        question = QUESTIONNAIRE.question(code)
        if question.calculate is not None or question.readonly_always or question.type == "hidden":
            continue
        if code not in drawn and len({value for value in values if value.strip()}) > 1:
            continue  # a field holds one text, and no page of ours sends two
        for value in values:
            sent = value.replace("\r\n", "\n").replace("\r", "\n")
            if code not in drawn and sent.strip() and sent not in back.get(code, []):
                answer = answer_of(question, [value])
                if answer is None or answer not in [answer_of(question, [text]) for text in back.get(code, [])]:
                    found.append((code, value))
            elif code in drawn and (f"a-{code}", value) in page.offered and value not in back[code]:
                found.append((code, value))
    return found


@pytest.fixture
def running(sqlite_url, app_on, serving, small_campaign):
    """The application in a loop of its own, for many requests of one test."""
    loop = asyncio.new_event_loop()
    app = app_on(sqlite_url)
    loop.run_until_complete(small_campaign(questionnaire=TEXT))
    context = serving(app)
    client = loop.run_until_complete(context.__aenter__())
    yield loop, client, app.state.secret
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()
