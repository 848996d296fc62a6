"""Every type of question as people see it: accessible, fitting a narrow phone, named for screen readers."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from evaluator.pages import STATIC
from tests.browser.conftest import DESKTOP, LANGUAGES, Place, looked_at_by_axe, opened, overflow, press, violations

NARROW = {"width": 360, "height": 780}
VIEWPORTS = {"phone": NARROW, "desktop": DESKTOP}
# One answer or a few on each screen, so that every later screen is shown: name of a field, value.
ANSWERS = {
    "visited": "yes", "agree": "OK", "trouble": "money", "days": "3", "province": "sd", "city": "jn", "county": "lixia",
    "adults": "2", "children": "2", "speed": "good", "first": "no", "before": "2", "day": "2026-03-05",
}  # fmt: skip


def give(page: Any, code: str, value: str) -> None:
    """Answer a question that is on the page and to be seen, whatever its field is."""
    field = page.locator(f'[name="a-{code}"]:not([type=hidden])')
    if not field.count() or not page.locator(f'[data-question="{code}"]').is_visible():
        return
    kind = field.first.evaluate("field => field.type")
    if kind in ("radio", "checkbox"):
        page.locator(f'[name="a-{code}"][value="{value}"]').check(force=True)
    elif kind == "select-one":
        field.select_option(value)
    else:
        field.first.fill(value)


def where(page: Any) -> str:
    return str(page.locator("input[name=at]").get_attribute("value"))


def go(page: Any) -> None:
    press(page, "main button[value=next]")


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_is_accessible_with_and_without_what_is_wrong(
    place: Place, browser: Any, language: str, viewport: str, tmp_path: Any
) -> None:
    seen: list[str] = []
    with opened(browser, place.form("every-type"), language=language, viewport=VIEWPORTS[viewport]) as page:

        def judge() -> None:
            assert page.locator("html").get_attribute("lang") == language
            assert not looked_at_by_axe(language, VIEWPORTS[viewport]) or violations(page) == [], where(page)
            assert overflow(page) == 0, where(page)

        judge()
        go(page)  # with nothing answered: what is required is told
        assert page.locator(".govuk-error-summary a").count() == 2
        for _ in range(20):
            seen.append(where(page))
            for code, value in ANSWERS.items():
                give(page, code, value)
            judge()  # the questions that a script brought up among them
            if seen[-1] == ":review":
                break
            go(page)
        page.locator(".covered summary").first.click()
        judge()
    assert seen == ["choosing", "writing", "places", "grouped", "grouped:2", "matrices", "experience", "experience:2",
                    "experience:3", ":review"]  # fmt: skip


@pytest.mark.parametrize("viewport", VIEWPORTS)
def test_a_row_of_a_matrix_has_the_same_names_as_a_table_and_below_each_other(
    place: Place, browser: Any, viewport: str
) -> None:
    with opened(browser, place.form("every-type"), language="en", viewport=VIEWPORTS[viewport]) as page:
        while where(page) != "matrices":
            for code, value in ANSWERS.items():
                give(page, code, value)
            go(page)
        group = page.get_by_role("group", name="How was County")
        row = group.get_by_role("radiogroup", name="Manners")
        assert row.get_by_role("radio").count() == 6
        very_good = row.get_by_role("radio", name="Very good")
        very_good.focus()
        page.keyboard.press("ArrowRight")
        assert row.get_by_role("radio", name="Good", exact=True).is_checked()
        ways = page.get_by_role("group", name="Asking")
        ways.get_by_role("checkbox", name="Online").press("Space")
        assert page.locator('[name="a-ways_ask"][value=online]').is_checked()
        tops = {round(box.bounding_box()["y"]) for box in row.locator("input").all()}
        assert len(tops) == (1 if viewport == "desktop" else 6)


def test_the_whole_form_goes_by_keyboard_alone(place: Place, browser: Any) -> None:
    with opened(browser, place.form("every-type"), language="en", viewport=DESKTOP, script=False) as page:
        page.locator('[name="a-visited"]').first.focus()
        page.keyboard.press("Space")
        page.locator('[name="a-agree"]').focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")  # the button that comes next
        assert where(page) == "writing"
        page.locator('[name="a-days"]').first.focus()
        page.keyboard.type("13")
        with page.expect_navigation():
            page.keyboard.press("Enter")  # as Continue does
        assert where(page) == "writing"
        page.locator(".govuk-error-summary a").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.locator('[name="a-days"]').first.input_value() == "13"


def test_a_page_with_its_style_sheet_and_its_scripts_is_under_60_kb(place: Place, browser: Any) -> None:
    shared = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in ("evaluator.css", "form.js"))
    shared += len(gzip.compress((STATIC / "expressions.js").read_bytes()))
    with opened(browser, place.form("every-type"), language="zh-CN", viewport=NARROW, script=False) as page:
        heaviest = 0
        while where(page) != ":review":
            heaviest = max(heaviest, len(gzip.compress(page.content().encode())))
            for code, value in ANSWERS.items():
                give(page, code, value)
            go(page)
    assert heaviest + shared < 60_000
