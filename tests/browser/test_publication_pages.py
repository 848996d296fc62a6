"""Published pages as people see them: both languages, phone and desktop, with and without a script."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.publication.publishing import publish
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.browser.conftest import (
    DESKTOP,
    LANGUAGES,
    PHONE,
    VIEWPORTS,
    looked_at_by_axe,
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

NAME, PASSWORD = "region", "correct horse battery staple"
PATHS = {
    "home": "/",
    "editions": "/editions",
    "overview": "/editions/{id}",
    "municipalities": "/editions/{id}/ranking/M",
    "wards": "/editions/{id}/ranking/W",
    "map": "/editions/{id}/map",
    "unit": f"/editions/{{id}}/units/{small.CAPPED}",
    "unit with a long name": "/editions/{id}/units/9009",
    "unit without evidence": f"/editions/{{id}}/units/{small.SILENT}",
    "method": "/editions/{id}/method",
    "downloads": "/editions/{id}/downloads",
    "found": "/find?q=900",
    "compared": f"/editions/{{id}}/compare?u={small.CAPPED}&u=9009",
    "comparison asked for": "/editions/{id}/compare",
    "indicator": "/editions/{id}/indicators/told?level=M",
    "dimension": "/editions/{id}/dimensions/keep",
    "changes": "/editions/{id}/changes",
    "questionnaires": "/questionnaires",
    "all questions": "/questionnaires/spring",
    "review": "/staff/review",
}
SHEETS = {"unit": 8, "unit with a long name": 8, "method": 6}  # at most, of this small edition; others 3


@dataclass(frozen=True, slots=True)
class Published:
    address: str
    edition: str
    cookies: list[Any]  # of a superior who has signed in

    def at(self, page: str) -> str:
        return self.address + PATHS[page].format(id=self.edition)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[Published]:
    """A served site with the small edition and a superior."""
    home = tmp_path_factory.mktemp("published")
    made = tmp_path_factory.mktemp("edition")
    earlier = small.build(made / "earlier", period=(date(2025, 1, 1), date(2025, 12, 31)), draws=64)
    folder = small.build(made / "edition")

    async def fill(settings: Settings) -> None:
        await publish(settings, earlier, lambda edition: (), date(2026, 1, 15))
        await publish(settings, folder, lambda edition: (), date(2027, 1, 15))
        with (small.SOURCE / "units.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            names = {key: row[key] for key in ("level", "name_zh", "name_en")}
            await Unit(code=row["unit"], parent=row["parent"] or None, **names).save()
        drawn = [row["unit"] for row in rows if row["level"] == "M"]
        small.outlines(settings.data_dir / "outlines.geojson", drawn)
        await create_campaign(
            settings, "spring", questionnaire=(small.SOURCE / "people@1.yaml").read_text(encoding="utf-8"),
            units=drawn, opens=local_day() - timedelta(3), closes=local_day() + timedelta(20),
            title=Label("Spring-zh", "Spring survey"), responsible=Label("Office-zh", "Test office"),
            contact="office@example.org",
        )  # fmt: skip
        await create_account(NAME, PASSWORD, "superior", unit=small.REGION)

    with new_site(home, fill) as address:
        yield Published(address, small.identifier_of(folder), signed_in(browser, address, NAME, PASSWORD))


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PATHS)
def test_a_page_is_accessible_fits_its_screen_and_no_text_covers_another(
    site: Published, browser: Any, name: str, language: str, viewport: str
) -> None:
    size, cookies = VIEWPORTS[viewport], site.cookies if name == "review" else ()
    with opened(browser, site.at(name), language=language, viewport=size, cookies=cookies) as page:
        picture(page, f"publication-{name}-{language}-{viewport}")
        for fold in page.locator("details").all():
            fold.evaluate("fold => { fold.open = true }")
        assert page.locator("html").get_attribute("lang") == language
        if looked_at_by_axe(language, size):
            assert violations(page) == []
        assert overflow(page) <= 0
        assert overlapping_texts(page) == []


@pytest.mark.parametrize("name", ["municipalities", "map", "unit"])
def test_one_picture_is_shown_for_each_screen(site: Published, browser: Any, name: str) -> None:
    for viewport, shown, hidden in ((PHONE, ".for-narrow", ".for-wide"), (DESKTOP, ".for-wide", ".for-narrow")):
        with opened(browser, site.at(name), language="en", viewport=viewport) as page:
            assert page.locator(f"{shown} svg").first.is_visible()
            assert not page.locator(f"{hidden} svg").first.is_visible()
            size = page.locator(f"{shown} svg text").first.evaluate("t => t.getBoundingClientRect().height")
            assert size >= 10  # letters of a phone's picture are not made small with it


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_reached_without_a_script(site: Published, browser: Any, language: str) -> None:
    """From home by links and forms alone to every kind of public page, on a phone."""
    here = f"/editions/{site.edition}"
    with opened(browser, site.address, language=language, viewport=PHONE, script=False) as page:

        def led(to: str) -> None:
            assert page.url.removeprefix(site.address).startswith(to), page.url
            assert page.locator("h1").count() == 1

        press(page, f"main a[href='{here}']")
        press(page, f"main a[href='{here}/ranking/W']")
        page.select_option("#in", "9001")
        press(page, "main form button")
        assert "in=9001" in page.url
        press(page, "tbody a >> nth=0")
        led(f"{here}/units/9001")
        page.locator("summary").first.click()
        assert page.locator(".origin").first.is_visible()
        page.click(".jump a[href='#said']")
        assert page.url.endswith("#said")
        press(page, "main a[href*='/compare?u=']")
        page.fill("#u2", "900101")
        page.fill("#u3", "900201")
        press(page, "main form button")
        assert page.locator("#pairs tbody tr").count() >= 1
        press(page, f"nav a[href='{here}/method']")
        press(page, f"main a[href='{here}/indicators/told']")
        press(page, f"main a[href^='{here}/dimensions/']")
        led(f"{here}/dimensions/")
        press(page, f"nav a[href='{here}/map']")
        press(page, f"nav a[href='{here}/downloads']")
        press(page, f"main a[href='{here}/changes']")
        page.select_option("#only", "standing")
        press(page, "main form button")
        led(f"{here}/changes?")
        press(page, "header a[href='/editions']")
        press(page, "footer a[href='/questionnaires']")
        press(page, "main a[href='/questionnaires/spring']")
        led("/questionnaires/spring")
        press(page, "header a[href='/']")
        page.fill("#q", "900")
        press(page, "main form button")
        led("/find?q=900")
        press(page, "header a[href^='/language']")
        assert page.locator("html").get_attribute("lang") != language
        led("/find?q=900")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_a_proper_report_on_paper(site: Published, browser: Any, language: str) -> None:
    """Nothing wider than a sheet, no navigation, the address on each sheet, not too many, none blank."""
    found = []
    with opened(browser, site.address, language=language, viewport=DESKTOP) as page:
        for name in PATHS:
            if name != "review":  # looked at with the reports
                page.goto(site.at(name))
                found += [f"{name}: {one}" for one in wrong_on_paper(page, most=SHEETS.get(name, 3))]
    assert "\n".join(found) == ""


def test_a_wide_table_is_scrolled_with_the_keyboard(site: Published, browser: Any) -> None:
    with opened(browser, site.at("review"), language="en", viewport=PHONE, cookies=site.cookies) as page:
        region = page.locator(".table-scroll").first
        region.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert region.evaluate("r => r.scrollLeft") > 0


def test_a_downloaded_workbook_arrives_under_its_name(site: Published, browser: Any) -> None:
    with opened(browser, site.at("downloads"), language="en", viewport=DESKTOP) as page:
        with page.expect_download() as waiting:
            page.click("a[href$='.xlsx']")
        assert waiting.value.suggested_filename == f"{site.edition}.xlsx"
