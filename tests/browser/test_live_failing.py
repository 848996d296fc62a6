"""Whatever fails in the browser, the form goes on as one without a script, and no answer is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.browser.conftest import PHONE, Place
from tests.browser.walking import Walk, stored, together

ANSWERS = {
    "came": ["yes"], "why": ["a permit"], "days": ["12"], "word": ["it went well"],
}  # fmt: skip
WANTED = {
    "came": "yes", "why": "a permit", "shout": "a permit!", "days": 12, "double": 24, "pace": "slow",
    "word": "it went well",
}  # fmt: skip
Prepare = Callable[[Any], Awaitable[None]]


def script_as(body: str) -> Prepare:
    async def prepare(page: Any) -> None:
        await page.route("**/form.js*", lambda route: route.fulfill(body=body, content_type="text/javascript"))

    return prepare


async def no_script(page: Any) -> None:
    await page.route("**/form.js*", lambda route: route.abort())


def data_as(change: str) -> Prepare:
    """The page's data changed on its way, by a function of its text."""
    return before_all(f"""
const parse = JSON.parse, change = {change};
JSON.parse = (text, ...more) => parse(text.includes('"conditions"') ? change(text) : text, ...more);
""")


def before_all(script: str) -> Prepare:
    async def prepare(page: Any) -> None:
        await page.add_init_script(script)

    return prepare


async def no_cookies(page: Any) -> None:
    async def without(route: Any) -> None:
        response = await route.fetch(max_redirects=0)
        headers = {key: value for key, value in response.headers.items() if key != "set-cookie"}
        await route.fulfill(response=response, headers=headers)

    await page.route("**/rate/**", without)


async def no_saving(page: Any) -> None:
    async def refused(route: Any) -> None:
        if "to=save" in (route.request.post_data or ""):
            await route.abort("internetdisconnected")
        else:
            await route.continue_()

    await page.route("**/rate/**", refused)


DENIED = "get() { throw new DOMException('denied', 'SecurityError'); }"
NO_STORAGE = "".join(
    f"Object.defineProperty(window, '{name}', {{{DENIED}}});"
    for name in ("localStorage", "sessionStorage", "indexedDB")
)
FAILURES: dict[str, Prepare] = {
    "the script is no script": script_as("const ;"),
    "the script throws": script_as("throw new Error('broken on its way')"),
    "the script does not arrive": no_script,
    "the data is cut off": data_as("text => text.slice(0, text.length / 2)"),
    "the data makes no sense": data_as('text => text.replace(\'"items":\', \'"items":7,"else":\')'),
    "the script would hide what the server asks for": data_as(
        'text => text.replace(/"relevant":\\[[^\\]]*/g, \'"relevant":[99\')'
    ),
    "the data is of another kind": data_as("text => '[]'"),
    "the browser lacks FormData": before_all("delete window.FormData;"),
    "the browser lacks fetch": before_all("delete window.fetch; delete window.AbortController;"),
    "storage is blocked": before_all(NO_STORAGE),
    "cookies are blocked": no_cookies,
    "nothing can be saved": no_saving,
}


def test_the_form_goes_on_whatever_fails(place: Place) -> None:
    walks = [Walk(place.form("followed"), ANSWERS, prepare=prepare, faults=None) for prepare in FAILURES.values()]
    walks.append(Walk(place.form("followed"), ANSWERS, script=False))
    together(walks)
    found = stored(place.home)
    assert {
        name: found[walk.unit] for name, walk in zip([*FAILURES, "no script"], walks, strict=True)
    } == dict.fromkeys([*FAILURES, "no script"], WANTED)
    screens = {name: len(walk.pages) for name, walk in zip(FAILURES, walks, strict=False)}
    plain = len(walks[-1].pages)
    follows = {"the browser lacks fetch", "storage is blocked", "cookies are blocked", "nothing can be saved"}
    follows.add("the script would hide what the server asks for")  # on the page after the one it gave up
    assert {name for name, many in screens.items() if many < plain} == follows, "and the others are plain forms"


def test_a_failure_in_the_middle_shows_everything(browser: Any, place: Place) -> None:
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    address = place.form("followed")
    page.goto(address)
    assert not page.locator("#a-why").is_visible()
    page.evaluate("() => { window.FormData = function () { throw new Error('gone'); }; }")
    page.locator("input[value=yes]").check(force=True)
    for code in ("why", "echo", "days", "double"):
        assert page.locator(f'[data-question="{code}"]').is_visible(), code
    page.locator("#a-why").fill("a permit")
    page.locator("#a-days").fill("12")
    for button in ("next", "next", "send"):
        with page.expect_navigation():
            page.locator(f"main button[value={button}]").click(no_wait_after=True)
    unit = address.split("/")[-1]
    context.close()
    assert stored(place.home)[unit] == {code: answer for code, answer in WANTED.items() if code != "word"}


@pytest.mark.parametrize("how", ["after a second", "when the page is left"])
def test_what_was_written_is_there_on_coming_back(browser: Any, place: Place, how: str) -> None:
    address = place.form("followed")
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    saves: list[int] = []
    context.on("response", lambda r: saves.append(r.status) if "to=save" in (r.request.post_data or "") else None)
    page.goto(address)
    page.locator("input[value=yes]").check(force=True)
    page.locator("#a-why").fill("a permit")
    if how == "after a second":
        page.wait_for_timeout(100)
        page.locator("#a-days").fill("1")
        assert saves == [], "not with every key"
        for _ in range(100):
            if saves:
                break
            page.wait_for_timeout(100)
        assert saves == [204]
    else:
        page.locator("#a-days").fill("1")
        page.goto(f"{place.address}/notice")
        page.wait_for_timeout(1500)
    page.close()
    page = context.new_page()
    page.goto(address)
    page.locator("main a.govuk-button, main a[href*=step]").first.click()
    page.wait_for_url("**step=1")
    assert page.locator("input[value=yes]").is_checked()
    assert page.locator("#a-why").input_value() == "a permit"
    assert page.locator("#a-days").input_value() == "1"
    context.close()


def test_offline_for_a_while_nothing_is_lost(browser: Any, place: Place) -> None:
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    address = place.form("followed")
    page.goto(address)
    context.set_offline(True)
    page.locator("input[value=yes]").check(force=True)
    page.locator("#a-why").fill("a permit")
    page.locator("#a-days").fill("12")
    page.wait_for_timeout(1500)  # a save is tried and fails
    assert page.locator("#a-double").input_value() == "24", "what needs no network goes on"
    context.set_offline(False)
    for button in ("next", "next", "send"):
        with page.expect_navigation():
            page.locator(f"main button[value={button}]").click(no_wait_after=True)
    unit = address.split("/")[-1]
    context.close()
    assert stored(place.home)[unit] == {code: answer for code, answer in WANTED.items() if code != "word"}
