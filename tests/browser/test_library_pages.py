"""The library of questionnaires as people see it: both languages, phone and desktop, with and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from evaluator.settings import Settings
from questionnaires.loading import shipped, shipped_text
from tests.browser.conftest import DESKTOP, LANGUAGES, PHONE, looked_at_by_axe, opened, overflow, press, violations

NARROW = {"width": 360, "height": 780}
PATHS = ["/library", *(f"/library/{code}" for code in shipped())]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any) -> Iterator[str]:
    """An empty site: the library needs nothing in the database."""

    async def fill(settings: Settings) -> None:
        return None

    with new_site(tmp_path_factory.mktemp("library"), fill) as address:
        yield address


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_and_fits_every_screen(site: str, browser: Any, path: str, language: str) -> None:
    with opened(browser, site + path, language=language, viewport=DESKTOP) as page:
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.locator("html").get_attribute("lang") == language
        assert len(page.content().encode()) < 100_000
        for viewport in (DESKTOP, PHONE, NARROW):
            page.set_viewport_size(viewport)
            assert overflow(page) <= 0, viewport
            if viewport is not PHONE and looked_at_by_axe(language, viewport):  # as the narrow one but for its width
                assert violations(page) == [], viewport


def test_a_visitor_reads_a_form_and_takes_its_file_without_a_script(site: str, browser: Any) -> None:
    with opened(browser, site, language="en", viewport=PHONE, script=False) as page:
        press(page, "footer a[href='/library']")
        press(page, "main a[href='/library/sd-enterprise']")
        page.click("main nav a[href='#s-payments']")
        assert page.url.endswith("#s-payments")
        page.locator("summary").first.click()
        assert page.locator("#all-paths tbody tr").count() == 24
        with page.expect_download() as waiting:
            page.click("main a[href='/library/sd-enterprise.yaml']")
        assert waiting.value.suggested_filename == "sd-enterprise.yaml"
        assert waiting.value.path().read_text(encoding="utf-8") == shipped_text("sd-enterprise")
