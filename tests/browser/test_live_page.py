"""What the script does on a page, as people meet it: what comes up, what is wrong, keys, input methods, old phones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.browser.conftest import PHONE, Place, overflow, violations
from tests.browser.walking import FILL, stored

WECHAT = (
    "Mozilla/5.0 (Linux; Android 8.1.0; PBAM00 Build/OPM1.171019.026; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/66.0.3359.126 MQQBrowser/6.2 TBS/045130 Mobile Safari/537.36 MMWEBID/1234 "
    "MicroMessenger/7.0.4.1420(0x27000437) Process/tools NetType/3GNET Language/zh_CN"
)
# What browsers got after Chrome 66: the script must not need it.
NEWER = """
delete Array.prototype.flat; delete Array.prototype.flatMap; delete Array.prototype.at; delete Object.fromEntries;
delete String.prototype.matchAll; delete String.prototype.replaceAll; delete String.prototype.at;
delete Element.prototype.replaceChildren; delete Element.prototype.toggleAttribute; delete window.queueMicrotask;
delete HTMLFormElement.prototype.requestSubmit; delete Promise.allSettled; delete Promise.any;
delete window.structuredClone;
"""
START = {"visited": ["no"], "agree": ["OK"]}  # what "every-type" requires before its third page


@contextmanager
def form(browser: Any, place: Place, campaign: str = "every-type", pages: int = 0, **options: Any) -> Iterator[Any]:
    """A form in a phone's browser, so many pages on; errors of the console fail the test."""
    context = browser.new_context(**{"locale": "en", "viewport": PHONE, **options})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(place.form(campaign))
    try:
        for _ in range(pages):
            page.evaluate(FILL, [START, []])
            onwards(page)
        yield page
    finally:
        context.close()
    assert errors == []


def onwards(page: Any, button: str = "next") -> None:
    with page.expect_navigation():
        page.locator(f"main button[value={button}]").click(no_wait_after=True)


def unit_of(page: Any) -> str:
    found = re.search(r"/rate/[^/]+/(\d+)", page.url)
    assert found is not None
    return found[1]


def question(page: Any, code: str) -> Any:
    return page.locator(f'[data-question="{code}"]')


def status(page: Any) -> str:
    return str(page.locator("#rating [role=status]").inner_text())


def choose(page: Any, code: str, value: str) -> None:
    question(page, code).locator(f'input[value="{value}"]').check(force=True)


def test_what_comes_up_is_filtered_named_and_announced_and_the_focus_stays(browser: Any, place: Place) -> None:
    with form(browser, place, pages=2) as page:
        city, county = question(page, "city"), question(page, "county")
        assert not city.is_visible()
        choose(page, "province", "sd")
        assert city.is_visible()
        assert not county.is_visible()
        assert city.locator("legend").inner_text() == "In which city of Shandong?"
        assert "In which city of Shandong?" in status(page)
        assert page.evaluate("document.activeElement.name") == "a-province"
        assert [i.get_attribute("value") for i in city.locator("input:visible").all()] == ["jn", "qd"]
        choose(page, "city", "qd")
        options = county.locator("select option")
        assert [option.get_attribute("value") for option in options.all()] == ["", "shinan"]
        assert "In which county of Qingdao?" in status(page)
        county.locator("select").select_option("shinan")
        assert violations(page) == []
        choose(page, "province", "js")
        assert not county.is_visible()
        assert city.locator("input:checked").count() == 0, "what is no longer offered is cleared"
        assert [i.get_attribute("value") for i in city.locator("input:visible").all()] == ["nj", "sz"]
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == "a-city", "what is hidden takes no focus"


def test_everything_on_a_page_follows_and_what_was_written_comes_back(browser: Any, place: Place) -> None:
    with form(browser, place, "followed") as page:
        unit = unit_of(page)
        for code in ("why", "echo", "days", "double", "pace"):
            assert not question(page, code).is_visible(), code
        assert not page.get_by_role("heading", name="More about it").is_visible()
        choose(page, "came", "yes")
        assert "What for?" in status(page)
        assert page.get_by_role("heading", name="More about it").is_visible()
        page.locator("#a-why").fill("a permit")
        page.locator("#a-days").fill("12")
        page.wait_for_function(
            "() => document.getElementById('a-double').value === '24'"
        )  # while typing, no field is left
        assert question(page, "echo").inner_text() == f"For a permit! in County {unit_of(page)}."
        assert page.locator("#a-double").input_value() == "24"
        assert question(page, "pace").locator(".fixed").inner_text() == "slow"
        choose(page, "came", "no")
        assert not question(page, "why").is_visible()
        assert not question(page, "echo").is_visible()
        choose(page, "came", "yes")
        assert page.locator("#a-why").input_value() == "a permit"
        assert violations(page) == []
        onwards(page)
        assert question(page, "word").locator("label").inner_text() == "Anything about a permit!?"
        onwards(page)
        onwards(page, "send")
        found = stored(place.home)[unit]
    assert found == {
        "came": "yes", "why": "a permit", "shout": "a permit!", "days": 12, "double": 24, "pace": "slow",
    }  # fmt: skip


def test_what_is_shown_as_a_text_is_sent_all_the_same(browser: Any, place: Place) -> None:
    with form(browser, place, pages=3) as page:
        page.evaluate(FILL, [{"adults": ["1"], "children": ["20"]}, []])
        onwards(page)
        assert question(page, "estimate").locator("input").count() == 0, "it became a text"
        page.wait_for_selector("#rating [role=status]", state="attached")  # the script runs
        assert page.evaluate("() => new FormData(document.getElementById('rating')).getAll('a-estimate')") == ["2"]


def test_a_wrong_answer_is_told_at_its_field_as_soon_as_it_was_given(browser: Any, place: Place) -> None:
    with form(browser, place, pages=1) as page:
        days = question(page, "days")
        box, group = days.locator("input[type=text]"), days.locator("fieldset")

        def said() -> str:
            line = page.locator("#a-days-error")
            return str(line.text_content()) if line.count() else ""

        before = group.get_attribute("aria-describedby")
        box.fill("1000")
        assert said() == "", "nobody is told off while typing"
        box.blur()
        assert said() == "Error: Enter a number from 0 to 999"
        assert "a-days-error" in (group.get_attribute("aria-describedby") or "").split()
        assert "Enter a number from 0 to 999" in status(page)
        assert violations(page) == []
        box.fill("13")
        box.blur()
        assert said() == "Error: It cannot be 13 days: you chose “No”."
        box.fill("１２")
        box.blur()
        assert said() == ""
        assert group.get_attribute("aria-describedby") == before
        days.locator('input[value="dk"]').check(force=True)
        assert box.input_value() == "", "a number, or an answer beside the numbers"
        box.fill("4")
        assert days.locator("input:checked").count() == 0


def test_the_words_of_the_server_go_when_the_answer_is_mended(browser: Any, place: Place) -> None:
    with form(browser, place) as page:
        page.evaluate(FILL, [{"agree": ["OK"]}, []])
        onwards(page)
        assert page.locator("#a-visited-error").text_content() == "Error: Say whether you have been there."
        assert page.locator("#rating [role=status]").inner_text() == "", "the summary has said it"
        choose(page, "visited", "no")
        assert page.locator("#a-visited-error").count() == 0
        assert "govuk-form-group--error" not in (question(page, "visited").get_attribute("class") or "")


def test_none_of_these_goes_with_nothing_else(browser: Any, place: Place) -> None:
    with form(browser, place) as page:
        ticked = lambda: sorted(  # noqa: E731
            box.get_attribute("value") for box in question(page, "trouble").locator("input:checked").all()
        )
        for value, after in (("money", ["money"]), ("rude", ["money", "rude"]), ("none", ["none"]), ("dk", ["dk"]),
                             ("delay", ["delay"])):  # fmt: skip
            choose(page, "trouble", value)
            assert ticked() == after


def test_a_whole_form_is_answered_by_keyboard_alone(browser: Any, place: Place) -> None:
    """Tab, arrows and space; Enter on the button. With questions that come up below the one that is answered."""
    wanted = {"contact": "once", "matter": "trade", "extra": "ties", "fair": "7", "word": "dk", "age": "a30"}
    with form(browser, place, "sd-citizen") as page:
        unit = unit_of(page)
        met: set[str] = set()
        for _ in range(400):
            page.keyboard.press("Tab")
            tag, name, value = page.evaluate("(e => [e.tagName, e.name || '', e.value || ''])(document.activeElement)")
            code = name.removeprefix("a-")
            if name.startswith("a-") and code in wanted and code not in met:
                kind = page.evaluate("document.activeElement.type")
                if kind == "checkbox":
                    if value == wanted[code]:
                        page.keyboard.press("Space")
                        met.add(code)
                    continue
                met.add(code)
                page.keyboard.press("Space")
                for _ in range(20):
                    if page.evaluate("document.activeElement.value") == wanted[code]:
                        break
                    page.keyboard.press("ArrowDown")
                assert (
                    page.evaluate("document.activeElement.value + document.activeElement.checked")
                    == f"{wanted[code]}true"
                )
                outline = (
                    "(e => [getComputedStyle(e.nextElementSibling).outlineStyle, getComputedStyle(e).outlineStyle])"
                )
                assert (
                    page.evaluate(f"{outline}(document.activeElement)") != ["none", "none"]
                    or page.evaluate(
                        "getComputedStyle(document.activeElement.nextElementSibling, '::before').boxShadow"
                    )
                    != "none"
                ), "the focus can be seen"
            elif (
                tag == "BUTTON"
                and value in ("next", "send")
                and page.evaluate("!!document.activeElement.closest('main')")
            ):
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                if page.url.endswith("/thanks"):
                    break
        assert page.url.endswith("/thanks")
    found = stored(place.home)[unit]
    assert found == {"contact": "once", "matter": "trade", "extra": ["ties"], "fair": 7, "word": "dk", "age": "a30"}


def enter_while_composing(page: Any, code: int) -> None:
    """The key with which an input method takes the word that is being composed."""
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "zhengfu", "selectionStart": 7, "selectionEnd": 7})
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    session.send("Input.dispatchKeyEvent", {"type": "char", "text": "\r", **key})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})


def test_enter_that_ends_a_composition_sends_nothing(browser: Any, place: Place) -> None:
    with form(browser, place, pages=1) as page:
        before = page.url
        for code in (13, 229):
            page.locator("#a-name").click()
            enter_while_composing(page, code)
            page.wait_for_timeout(500)
            assert page.url == before
            session = page.context.new_cdp_session(page)
            session.send("Input.insertText", {"text": "\u653f\u5e9c"})
        assert page.locator("#a-name").input_value() == "\u653f\u5e9c" * 2
        with page.expect_navigation():
            page.locator("#a-name").press("Enter")  # the word is taken: now it is an Enter like any other
        assert page.url != before


def test_a_phone_of_2018_in_wechat_goes_all_the_way(browser: Any, place: Place) -> None:
    options = {
        "user_agent": WECHAT, "viewport": {"width": 360, "height": 640}, "locale": "zh-CN", "has_touch": True,
        "is_mobile": True, "device_scale_factor": 2,
    }  # fmt: skip
    context = browser.new_context(**options)
    context.add_init_script(NEWER)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(place.form("every-type"))
    unit = unit_of(page)
    for _ in range(20):
        assert overflow(page) == 0, page.url
        if page.url.endswith("/thanks"):
            break
        if page.locator("button[value=send]").count():
            page.locator("button[value=send]").tap(no_wait_after=True)
            page.wait_for_url("**/thanks")
            continue
        page.evaluate(FILL, [{**START, "province": ["sd"], "city": ["qd"], "speed": ["good"]}, []])
        if question(page, "province").count():
            assert question(page, "county").is_visible(), "the script runs there"
        step = page.url
        page.locator("main button[value=next]").tap(no_wait_after=True)
        page.wait_for_function("step => location.href !== step", arg=step)
    assert page.url.endswith("/thanks")
    assert errors == []
    assert stored(place.home)[unit]["city"] == "qd"
    context.close()
