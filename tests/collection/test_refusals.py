"""Every refusal is a page that says what is wrong; nothing that anybody posts gives an error of ours."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.collection import form
from evaluator.collection.admission import issue_codes
from evaluator.collection.tables import Admission, Pending
from evaluator.problems import too_busy

CLOSE = datetime(2026, 3, 31, 16, tzinfo=UTC)  # midnight in Shanghai after the last day
HEADERS = {"accept": "text/html", "accept-language": "en", "content-type": "application/x-www-form-urlencoded"}


def _readable(response: httpx.Response, status: int, *words: str) -> None:
    assert response.status_code == status, response.text
    assert "<h1" in response.text
    for word in words:
        assert word in response.text


@pytest.mark.parametrize(
    ("now", "status", "words"),
    [
        (datetime(2026, 2, 28, 15, 59, tzinfo=UTC), 403, "2026-03-01"),
        (datetime(2026, 2, 28, 16, 0, tzinfo=UTC), 200, "Section 1"),  # midnight in Shanghai
        (CLOSE - timedelta(seconds=1), 200, "Section 1"),
        (CLOSE, 410, "2026-03-31"),
    ],
)
async def test_both_dates_are_inclusive_in_shanghai(
    sqlite_url, app_on, serving, small_campaign, clock, now, status, words
) -> None:
    await small_campaign()
    clock.now = now
    async with serving(app_on(sqlite_url)) as client:
        _readable(await client.get("/rate/spring/3701?step=1", headers=HEADERS), status, words)


@pytest.mark.parametrize(("late", "status"), [(timedelta(minutes=29, seconds=59), 200), (timedelta(minutes=30), 410)])
async def test_somebody_in_the_middle_of_the_form_has_half_an_hour(
    database_url, app_on, serving, small_campaign, person, clock, late, status
) -> None:
    await small_campaign()
    clock.now = CLOSE - timedelta(seconds=30)
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        page = await citizen.press(contact="no")
        page = await citizen.press()
        page = await citizen.press()
        clock.now = CLOSE + late
        page = await citizen.press("send")
        assert page.status == status
        rows = await Pending.select(Pending.day, Pending.duration)
    # the last day is kept, not the one after it
    assert [(str(row["day"]), row["duration"]) for row in rows] == [("2026-03-31", "longer")] * (status == 200)


@pytest.mark.parametrize(
    ("seconds", "duration", "flags"),
    [
        (24, "under_25_seconds", "too_fast"),
        (25, "under_60_seconds", ""),
        (59, "under_60_seconds", ""),
        (60, "longer", ""),
    ],
)
async def test_of_the_time_it_took_only_the_class_is_kept(
    sqlite_url, app_on, serving, small_campaign, person, clock, seconds, duration, flags
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        for answers in ({"contact": "no"}, {}, {}):
            await citizen.press(**answers)
        clock.now += timedelta(seconds=seconds)
        assert "Thank you" in (await citizen.press("send")).words
        [row] = await Pending.select(Pending.duration, Pending.flags)
    assert row == {"duration": duration, "flags": flags}


async def test_addresses_that_lead_nowhere_say_so(sqlite_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    await small_campaign("closed-circle", open_link=False)
    async with serving(app_on(sqlite_url)) as client:
        for path, status, words in [
            ("/rate/winter/3701", 404, "no such survey"),
            ("/rate/spring/9999", 404, "does not ask about"),
            ("/rate/spring/37", 404, "does not ask about"),  # a unit, but not of this campaign
            ("/rate/closed-circle/3701", 403, "If you were invited"),
            ("/notice/winter", 404, "no such survey"),
            ("/rate?campaign=winter", 404, "no such survey"),
        ]:
            _readable(await client.get(path, headers=HEADERS), status, words)


async def test_a_form_that_was_changed_on_its_way_is_refused(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    await small_campaign("other")
    app = app_on(sqlite_url)
    async with serving(app) as client:
        citizen = person(client)
        page = await citizen.open("/rate/spring/3701")
        good = [*page.fields, ("to", "next"), ("a-contact", "no")]
        assert (await citizen.post("/rate/spring/3701", good)).status == 200
        invited = form.sign_visit(app.state.secret, form.Visit(1, "3701", 0, 0, "a" * 64))
        visit = dict(good)["visit"]

        def but(**changes: str) -> list[tuple[str, str]]:
            return [*((n, v) for n, v in good if n not in changes), *changes.items()]

        for path, fields in [
            ("/rate/spring/3701", but(visit="nonsense")),
            ("/rate/spring/3701", but(visit=visit[:-1] + ("A" if visit[-1] != "A" else "B"))),
            ("/rate/spring/3702", good),  # another unit
            ("/rate/other/3701", good),  # another campaign
            ("/rate/spring/3701", but(visit=invited)),  # an invitation's visit by the open link
            ("/code/form", good),  # and the other way round
            ("/rate/spring/3701", but(at="nowhere")),
            ("/rate/spring/3701", but(to="jump")),
            ("/rate/spring/3701", but(to="change:nothing")),
            ("/rate/spring/3701", but(to="language:tlh")),
            ("/rate/spring/3701", [*good, ("a-unasked", "1")]),
            ("/rate/spring/3701/send", [*good, ("a-unasked", "1")]),
            ("/rate/spring/3701", [*good, ("weight", "1000")]),
            ("/rate/spring/3701", [*good, ("visit", visit)]),
        ]:
            response = await client.post(path, content=urlencode(fields), headers=HEADERS)
            _readable(response, 400, "changed on its way")
        too_much = await client.post("/rate/spring/3701", content=b"a" * 300_000, headers=HEADERS)
        _readable(too_much, 413)
        assert await Pending.count() == 0


async def test_an_answer_that_is_not_offered_is_shown_with_its_question(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        page = await citizen.open("/rate/spring/3701")
        fields = [*page.fields, ("a-contact", "<script>alert(1)</script>"), ("a-word", "11")]
        page = await citizen.post("/rate/spring/3701/send", fields)
        assert "govuk-error-summary" in page.text
        assert "is not one of the answers" in page.words
        assert "<script>" not in page.text
        assert await Pending.count() == 0


async def test_an_empty_form_is_not_counted(sqlite_url, app_on, serving, small_campaign, person) -> None:
    definition = 'code: bare\nversion: "1"\nlanguages: [zh, en]\nsections:\n  - code: one\n    title: {zh: a, en: a}\n'
    definition += "    items:\n      - {code: q, type: text, text: {zh: b, en: b}}\n"
    await small_campaign(questionnaire=definition)
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        await citizen.press()
        page = await citizen.press("send")
        assert page.status == 422
        assert "at least one question" in page.words
        assert await Pending.count() == 0


async def test_a_form_from_another_site_is_refused(sqlite_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        response = await client.post(
            "/rate/spring/3701/send", content="a=b", headers={**HEADERS, "origin": "https://evil.example"}
        )
        _readable(response, 403, "another site")


async def test_by_invitation_a_code_counts_once(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign(open_link=False)
    app = app_on(database_url)
    [code] = await issue_codes(app.state.settings, "spring", "370102", 1, design_stratum="town", psu="p7")
    async with serving(app) as client:
        first, second = person(client), person(client)
        for citizen, word in ((first, "4"), (second, "5")):  # on two phones at once
            page = await citizen.enter(f" {code[:4].lower()}-{code[4:]} ")
            assert page.status == 200
            assert "Place 370102" in page.words
            for answers in ({"contact": "no"}, {"word": word}, {}):
                await citizen.press(**answers)
        assert "Thank you" in (await first.press("send")).words
        page = await second.press("send")
        assert page.status == 409
        assert "already counted" in page.words
        page = await person(client).enter(code)
        assert page.status == 409
        [row] = await Pending.select()
        assert (row["mode"], row["unit"], row["design_stratum"], row["psu"]) == ("invitation", "370102", "town", "p7")
        assert await Admission.count() == 1
        assert code not in str(row) + str(await Admission.select())
        assert (await client.get("/code/form")).headers["location"] == "/code"


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "Enter the code"), ("ABCD", "mistyped"), ("0" * 15 + "1", "mistyped"), ("0" * 16, "no invitation")],
)
async def test_a_code_that_admits_nobody_is_told_beside_its_field(
    sqlite_url, app_on, serving, small_campaign, person, typed, words
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        page = await person(client).enter(typed)
        assert page.status == 422
        assert page.words.count(words) == 2  # in the summary and beside the field
        assert f'value="{typed}"' in page.text or not typed


async def test_a_full_queue_says_try_again(sqlite_url, app_on, serving, small_campaign, person, monkeypatch) -> None:
    await small_campaign()
    app = app_on(sqlite_url)
    async with serving(app) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        for answers in ({"contact": "no"}, {}, {}):
            await citizen.press(**answers)

        async def full(row, promised, draft):
            raise too_busy()

        monkeypatch.setattr(app.state.intake, "submit", full)
        page = await citizen.press("send")
        assert page.status == 503
        assert page.response.headers["retry-after"] == "2"
        assert "not recorded" in page.words


FIELD = st.one_of(
    st.sampled_from(
        ["visit", "at", "to", "reviewing", "seen", "a-contact", "a-trouble", "a-days", "a-word", "a-remark"]
    ),
    st.text(max_size=8),
)
VALUE = st.one_of(
    st.sampled_from(["yes", "no", "next", "back", ":review", "contact", "view", "change:word", "1", "\u0663", "none"]),
    st.text(max_size=30),
)


@given(
    path=st.sampled_from(["/rate/spring/3701", "/rate/spring/3701/send", "/code", "/code/form", "/code/send"]),
    fields=st.lists(st.tuples(FIELD, VALUE), max_size=8),
    signed=st.booleans(),
    raw=st.one_of(st.none(), st.binary(max_size=60)),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_form_that_anybody_posts_gives_an_error_of_ours(running, path, fields, signed, raw) -> None:
    loop, client, secret = running
    if signed:
        code = "a" * 64 if path.startswith("/code") else None
        visit = form.sign_visit(secret, form.new_visit(1, "3701", datetime(2026, 3, 10, tzinfo=UTC), code_hash=code))
        fields = [("visit", visit), *((n, v) for n, v in fields if n != "visit")]
    body = raw if raw is not None else urlencode([(n, v.encode("utf-8", "surrogatepass")) for n, v in fields]).encode()
    response = loop.run_until_complete(client.post(path, content=body, headers=HEADERS))
    assert response.status_code in (200, 303, 400, 409, 422), response.text
    if response.status_code != 303:
        assert "<h1" in response.text


@pytest.fixture
def running(sqlite_url, app_on, serving, small_campaign):
    """The application in a loop of its own, for many requests of one test."""
    loop = asyncio.new_event_loop()
    app = app_on(sqlite_url)
    loop.run_until_complete(small_campaign())
    context = serving(app)
    client = loop.run_until_complete(context.__aenter__())
    yield loop, client, app.state.secret
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()
