"""Finding one unit among thousands without a script."""

from __future__ import annotations

import time

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, open_session
from evaluator.collection.campaigns import Label, Place, Tree
from evaluator.collection.choosing import MOST, pick


def _tree(places: list[Place]) -> Tree:
    children: dict[str | None, list[Place]] = {}
    for place in places:
        children.setdefault(place.parent, []).append(place)
    return Tree({place.code: place for place in places}, {code: tuple(found) for code, found in children.items()})


def _place(code: str, parent: str | None, name: str, kind: str = "area") -> Place:
    return Place(code, parent, kind, Label(f"zh{code}", name))


SMALL = _tree(
    [
        _place("37", None, "Province"),
        _place("3701", "37", "North City"),
        _place("370102", "3701", "Lake District"),
        _place("3701-EDU", "3701", "Education Bureau", "department"),
        _place("3702", "37", "South City"),
        _place("370202", "3702", "Lake District"),
    ]
)


def _shown(picked) -> list[tuple[str, str, bool, int]]:
    return [(kind, c.place.code, c.ratable, c.below) for kind, choices in picked.groups for c in choices]


def test_the_only_province_is_where_browsing_starts() -> None:
    picked = pick(SMALL, {"3701", "370102", "3701-EDU", "370202"}, "", "")
    assert picked.here.place.code == "37"
    assert not picked.here.ratable
    assert _shown(picked) == [("area", "3701", True, 2), ("area", "3702", False, 1)]


def test_departments_stand_apart_from_areas() -> None:
    picked = pick(SMALL, {"3701", "370102", "3701-EDU"}, "", "3701")
    assert [place.code for place in picked.path] == ["37", "3701"]
    assert _shown(picked) == [("area", "370102", True, 0), ("department", "3701-EDU", True, 0)]


def test_what_the_campaign_does_not_ask_about_is_not_shown() -> None:
    assert _shown(pick(SMALL, {"3701"}, "", "37")) == [("area", "3701", True, 0)]
    assert pick(SMALL, {"3701"}, "lake", "").found == 0


def test_a_word_finds_names_and_codes_in_both_languages() -> None:
    units = set(SMALL.places)
    assert [c[1] for c in _shown(pick(SMALL, units, "LAKE", ""))] == ["370102", "370202"]
    assert [c[1] for c in _shown(pick(SMALL, units, "zh370102", ""))] == ["370102"]
    assert [c[1] for c in _shown(pick(SMALL, units, "3701-EDU", ""))] == ["3701-EDU"]


def test_several_words_may_name_what_a_unit_lies_in() -> None:
    assert [c[1] for c in _shown(pick(SMALL, set(SMALL.places), "south lake", ""))] == ["370202"]


def test_an_unknown_parent_starts_at_the_top() -> None:
    assert pick(SMALL, {"3701"}, "", "nowhere").here.place.code == "37"


def test_three_thousand_units_are_searched_in_no_time_and_few_are_shown() -> None:
    places = [_place("37", None, "Province")]
    places += [_place(f"37{k:02d}", "37", f"City {k}") for k in range(16)]
    places += [_place(f"37{k % 16:02d}{k:07d}", f"37{k % 16:02d}", f"Township {k}") for k in range(3000)]
    tree = _tree(places)
    began = time.perf_counter()
    picked = pick(tree, set(tree.places), "township", "")
    assert time.perf_counter() - began < 1
    assert picked.found == 3000
    assert len(_shown(picked)) == MOST


async def test_the_pages_of_choosing_link_to_the_form(sqlite_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = person(client)
        page = await citizen.open("/rate")
        assert 'href="/rate/spring/3701"' in page.text
        page = await citizen.open("/rate?campaign=spring&parent=3701")
        assert 'href="/rate/spring/370102"' in page.text
        page = await citizen.open("/rate?campaign=spring&q=%22%3E%3Cscript%3E")
        assert page.status == 200
        assert "<script>" not in page.text
        await small_campaign("second", title=Label("z", "Second survey"))
        client_of_another_process = app_on(sqlite_url, second=True)
    async with serving(client_of_another_process) as client:
        page = await person(client).open("/rate")
        assert "Second survey" in page.words
        assert 'href="/rate?campaign=spring"' in page.text


async def test_the_notice_says_who_what_how_long_and_whom_to_ask(
    sqlite_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(kept_months=18)
    async with serving(app_on(sqlite_url, operator="The Operator")) as client:
        for which in ("en", "zh-CN"):
            page = await person(client, which).open("/notice/spring")
            assert page.status == 200
            for words in ("office@example.org", "18", "The Operator"):
                assert words in page.words
        assert "The Office" in (await person(client).open("/notice/spring")).words
        assert "Age" in (await person(client).open("/notice/spring")).words
        assert 'href="/notice/spring"' in (await person(client).open("/notice")).text


async def test_operators_see_counts_and_nobody_else(database_url, app_on, serving, small_campaign, person) -> None:
    await small_campaign()
    operator = await create_account("op", "long enough password", "operator")
    superior = await create_account("sup", "long enough password", "superior", unit="3701")
    local = await create_account("local", "long enough password", "operator", unit="3702")
    async with serving(app_on(database_url)) as client:
        citizen = person(client)
        await citizen.open("/rate/spring/3701")
        for answers in ({"contact": "no", "remark": "secret words"}, {}, {}):
            await citizen.press(**answers)
        assert "Thank you" in (await citizen.press("send")).words
        for path in ("/staff/campaigns", "/staff/campaigns/spring", "/staff/campaigns/spring/counts.csv"):
            assert (await client.get(path, headers={"accept": "text/html"})).status_code in (303, 401)
            for account, status in ((superior, 403), (operator, 200)):
                client.cookies.set(COOKIE, await open_session(account.id))
                response = await client.get(path, headers={"accept": "text/html", "accept-language": "en"})
                assert response.status_code == status
                assert "secret words" not in response.text
            client.cookies.clear()
        client.cookies.set(COOKIE, await open_session(operator.id))
        lines = (await client.get("/staff/campaigns/spring/counts.csv")).text.lstrip("\ufeff").splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["3701", "370102", "3702"]
        assert {line.split(",")[10] for line in lines[1:]} == {"0"}  # one by the open link: fewer than ten
        page = await client.get("/staff/campaigns/spring?page=2", headers={"accept": "text/html"})
        assert page.status_code == 404
        client.cookies.set(COOKIE, await open_session(local.id))
        page = await client.get("/staff/campaigns/spring", headers={"accept": "text/html", "accept-language": "en"})
        assert "Place 3702" in page.text
        assert "Place 3701" not in page.text  # outside this operator's subtree
