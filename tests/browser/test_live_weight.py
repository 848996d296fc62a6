"""Bytes, seconds on a slow network, clicks and screens by path; `pytest -s` of this file tells them.

What docs/performance.md says of the form comes from here.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.browser.conftest import PHONE, Place
from tests.browser.paths import paths
from tests.browser.test_live_form import CONTEXT
from tests.browser.walking import FILL, Walk, stored, together

MOST_BYTES = 60_000  # of a page with all that it needs, nothing kept from before
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 30_000}  # 400 kbit/s, 0.4 s


def test_clicks_and_screens_of_the_citizens_questionnaire_by_path(place: Place) -> None:
    questionnaire = place.questionnaires["sd-citizen"]
    first = {q.code: [q.choices[0].code] if q.type == "single" else [] for q in questionnaire.questions}
    first |= {"extra": ["none"], "fair": ["7"], "word": ["7"]}
    walks = [Walk(place.form("sd-citizen"), {**first, **path}) for path in paths(questionnaire, CONTEXT)]
    together(walks)
    print("\npath | questions | screens | clicks | of them on buttons")
    for walk, path in zip(walks, paths(questionnaire, CONTEXT), strict=True):
        said = " ".join(path["contact"]) or "skipped"
        print(f"contact: {said} | {len(walk.seen)} | {len(walk.pages)} | {walk.clicks} | {len(walk.pages)}")
        assert len(walk.pages) <= 5
        assert walk.clicks == len(walk.seen) + len(walk.pages) - (said == "skipped"), "a click a question and a screen"


def listened(page: Any) -> Any:
    """Every answer from the network of a page: (bytes as transferred, address)."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    found: list[tuple[int, str]] = []
    addresses: dict[str, str] = {}
    session.on("Network.responseReceived", lambda e: addresses.update({e["requestId"]: e["response"]["url"]}))
    session.on(
        "Network.loadingFinished",
        lambda e: found.append((int(e["encodedDataLength"]), addresses.get(e["requestId"], ""))),
    )
    return session, found


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_no_page_weighs_more_than_sixty_kilobytes_with_all_it_needs(place: Place, browser: Any, language: str) -> None:
    told = []
    for campaign in ("sd-citizen", "every-type"):
        context = browser.new_context(locale=language, viewport=PHONE)
        page = context.new_page()
        session, found = listened(page)
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})  # as if each were the first page ever seen
        page.goto(place.form(campaign), wait_until="networkidle")
        start = {"contact": ["once"], "visited": ["yes"], "agree": ["OK"], "days": ["3"], "speed": ["good"]}
        for _ in range(20):
            kinds = {"page": 0, "style": 0, "script": 0}
            for size, address in found:
                kind = "style" if ".css" in address else "script" if ".js" in address else "page"
                kinds[kind] += size if "to=save" not in address else 0
            told.append((campaign, page.title().split(" – ")[0], *kinds.values(), sum(kinds.values())))
            if page.url.endswith("/thanks"):
                break
            page.evaluate(FILL, [start, []])
            found.clear()
            button = "send" if page.locator("button[value=send]").count() else "next"
            with page.expect_navigation(wait_until="networkidle"):
                page.locator(f"main button[value={button}]").click(no_wait_after=True)
        assert page.url.endswith("/thanks")
        context.close()
    print(f"\n{language}: form | page | html | style sheet | script | bytes in all")
    for line in told:
        print(" | ".join(map(str, line)))
    assert all(kinds[3] > 15_000 for kinds in told), "the style sheet was fetched each time"
    assert max(line[-1] for line in told) < MOST_BYTES


def test_a_slow_network_is_waited_for_by_nobody(place: Place, browser: Any) -> None:
    """The form can be read and answered before its script is there, and goes on when it comes late or not at all."""
    context = browser.new_context(locale="zh-CN", viewport=PHONE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    address = place.form("every-type")
    before = time.monotonic()
    page.goto(address, wait_until="commit")
    page.locator('[data-question="visited"] input[value="no"]').check(force=True)
    readable = time.monotonic() - before
    page.wait_for_load_state("load")
    loaded = time.monotonic() - before
    print(f"\n400 kbit/s, 0.4 s there and back: answered after {readable:.1f} s, all there after {loaded:.1f} s")
    page.locator('[data-question="agree"] input').check(force=True)
    steps = []
    for _ in range(20):
        before = time.monotonic()
        button = "send" if page.locator("button[value=send]").count() else "next"
        with page.expect_navigation(wait_until="domcontentloaded"):
            page.locator(f"main button[value={button}]").click(no_wait_after=True)
        steps.append(time.monotonic() - before)
        if page.url.endswith("/thanks"):
            break
        page.evaluate(FILL, [{"visited": ["no"], "agree": ["OK"], "speed": ["good"]}, []])
    print(f"each further page after {sorted(steps)[len(steps) // 2]:.1f} s (the median)")
    assert page.url.endswith("/thanks")
    unit = address.split("/")[-1]
    context.close()
    assert stored(place.home)[unit]["visited"] == "no"
    assert sorted(steps)[len(steps) // 2] < 10


def test_an_answer_given_before_the_script_comes_is_followed_when_it_does(place: Place, browser: Any) -> None:
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    late: list[Any] = []
    page.route("**/form.js*", lambda route: late.append(route))
    page.goto(place.form("followed"), wait_until="commit")
    page.locator("input[value=yes]").check(force=True)
    assert page.locator("#a-why").count() == 0
    for _ in range(100):
        if late:
            break
        page.wait_for_timeout(50)
    late[0].continue_()
    page.locator("#a-why").wait_for(state="visible")
    context.close()
