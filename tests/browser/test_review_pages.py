"""The performance review as a superior sees it, with two years of one region, keys for programs and the printed report.

Each page is opened once in each language and size for all checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.publication.publishing import publish
from evaluator.records.tables import Event, Import
from evaluator.settings import Settings
from tests.browser.conftest import (
    DESKTOP,
    LANGUAGES,
    PHONE,
    VIEWPORTS,
    opened,
    overflow,
    overlapping_texts,
    picture,
    press,
    signed_in,
    violations,
    wrong_on_paper,
)  # fmt: skip
from tests.days import local_day
from tests.publication import small_edition as small

PASSWORD = "correct horse battery staple"
WORSE, BETTER = "9001", "9004"  # how these were a year before: much worse, much better
WAITING = small.CAPPED  # a unit with a veto that has records that wait for rectification too
EARLIER = (date(2025, 1, 1), date(2025, 12, 31))
PATHS = {
    "review": "/staff/review",
    "rule": "/staff/review/rule",
    "report": f"/staff/review/{WAITING}/report",
    "keys": "/staff/keys",
    "addresses": "/openapi",
}
SILENT = f"/staff/review/{small.SILENT}/report"
ENGLISH = re.compile(r"(?:[A-Za-z]{2,} ){3,}")
IN_ENGLISH = "code, pre, [lang=en]"  # of a page in Chinese; what OpenAPI says is English and says so
LABEL, WHY = "Nightly copy of the review into the office's own system", "The best tier is not perfect"


@dataclass(frozen=True, slots=True)
class Reviewed:
    address: str
    edition: str
    cookies: list[Any]  # of the region's superior


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[Reviewed]:
    """A served site with this year's and last year's edition, records, a kept rule, a key and a superior."""
    home, made = tmp_path_factory.mktemp("reviewed"), tmp_path_factory.mktemp("editions")
    moved = {WORSE: -0.3, BETTER: 0.3}
    before = small.build(made / "before", period=EARLIER, moved=moved, draws=64)
    now = small.build(made / "now", draws=64)

    async def fill(settings: Settings) -> None:
        await publish(settings, before, lambda edition: (), date(2026, 1, 15))
        await publish(settings, now, lambda edition: (), date(2027, 1, 15))
        await small.keep_units()
        today = local_day()
        brought = Import(kind="events", file_name="e.csv", sha256="0" * 64, imported_on=today, rows=3, simulated=True)
        await brought.save()
        for record, state, age in (("late", "final", 400), ("new", "final", 3), ("theirs", "contested", 400)):
            since = today - timedelta(age)
            await Event(
                unit=WAITING, record=record, record_class="general", document_date=since, state=state,
                state_date=since, brought_by=brought.id,
            ).save()  # fmt: skip
        await create_account("region", PASSWORD, "superior", unit=small.REGION)

    with new_site(home, fill) as address:
        cookies = signed_in(browser, address, "region", PASSWORD)
        with opened(browser, f"{address}/staff/keys", language="en", viewport=PHONE, cookies=cookies) as page:
            page.fill("#label", LABEL)
            press(page, "main button")
            assert page.locator("#key").inner_text()
            found = wrong_with(page, "a new key")  # it and the command with it are long words
        with opened(browser, f"{address}/staff/review/rule", language="en", viewport=PHONE, cookies=cookies) as page:
            page.fill("#best", "95")
            press(page, "text=Preview")
            assert "Nothing is kept yet" in page.inner_text("main")
            found += wrong_with(page, "preview of a rule")
            page.fill("#why", WHY)
            press(page, "text=Keep as a new version")
        assert found == []
        yield Reviewed(address, small.identifier_of(now), cookies)


def wrong_with(page: Any, name: str) -> list[str]:
    """What is wrong with the open page, a line each that begins with `name`."""
    found = violations(page) + overlapping_texts(page)
    wide = overflow(page)
    return [f"{name}: {one}" for one in (*found, *([f"{wide} pixels too wide"] if wide > 0 else []))]


def english_sentences(page: Any) -> list[str]:
    """Three English words in a row on a page in Chinese, but those that people typed or that are marked as English."""
    text = page.evaluate(
        """without => { const copy = document.querySelector('main').cloneNode(true);
        copy.querySelectorAll(without).forEach(part => part.remove()); return copy.textContent }""",
        IN_ENGLISH,
    )
    return ENGLISH.findall(text.replace(LABEL, "").replace(WHY, ""))


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_fits_and_speaks_one_language(
    site: Reviewed, browser: Any, language: str, viewport: str
) -> None:
    size, found = VIEWPORTS[viewport], []
    with opened(browser, site.address, language=language, viewport=size, cookies=site.cookies) as page:
        for name, path in PATHS.items():
            page.goto(site.address + path)
            picture(page, f"review-{name}-{language}-{viewport}")
            assert page.locator("h1").count() == 1, name
            assert page.locator("html").get_attribute("lang") == language, name
            for fold in page.locator("details").all():
                fold.evaluate("fold => { fold.open = true }")
            found += wrong_with(page, name)
            if language == "zh-CN":
                found += [f"{name}: {words}" for words in english_sentences(page)]
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_reports_and_the_table_are_printed_on_few_sheets_without_what_a_screen_needs(
    site: Reviewed, browser: Any, language: str
) -> None:
    found = []
    with opened(browser, site.address, language=language, viewport=DESKTOP, cookies=site.cookies) as page:
        for name, path in (("full", PATHS["report"]), ("without evidence", SILENT), ("table", PATHS["review"])):
            page.goto(site.address + path)
            found += [f"{name}: {one}" for one in wrong_on_paper(page, most=3)]
            assert page.locator(".simulated").is_visible()
            assert not any(one.is_visible() for one in page.locator(".for-screen").all())
            assert site.edition in page.locator(".print-foot").inner_text()
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_review_is_used_without_a_script(site: Reviewed, browser: Any, language: str) -> None:
    """From the table of one level to a unit's report, back, and to a preview of another rule, on a phone."""
    with opened(
        browser, site.address + PATHS["review"], language=language, viewport=PHONE, script=False, cookies=site.cookies
    ) as page:
        page.select_option("#level", "W")
        press(page, "main form button")
        assert "level=W" in page.url
        press(page, "#standings tbody a >> nth=0")
        assert "/report?" in page.url
        press(page, ".govuk-back-link")
        assert page.locator("#level").input_value() == "W"
        heights = sorted(row.bounding_box()["height"] for row in page.locator("#standings tbody tr").all())
        assert heights[len(heights) // 2] < 120  # words are wide, so that rows are low
        press(page, "main a[href='/staff/review/rule']")
        page.fill("#best", "90")
        press(page, "button[name=preview]")
        assert page.locator("#preview-table tbody tr").count() > 0
