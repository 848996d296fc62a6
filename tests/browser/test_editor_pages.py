"""The operator's whole way with a questionnaire, in a browser: from a file to a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.settings import Settings
from evaluator.units.cli import SHIPPED
from evaluator.units.importing import import_units, read_units
from tests.browser.conftest import (
    DESKTOP,
    LANGUAGES,
    PHONE,
    looked_at_by_axe,
    opened,
    overflow,
    press,
    signed_in,
    violations,
)
from tests.days import local_day

PASSWORD = "correct horse battery staple"
HOME = "/staff/questionnaires"
EVERY_TYPE = (Path(__file__).parent.parent / "collection" / "every_type.yaml").read_text(encoding="utf-8")
SMALL = {"width": 360, "height": 780}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[tuple[str, list[Any]]]:
    async def fill(settings: Settings) -> None:
        await import_units(read_units((SHIPPED / "shandong.csv").read_bytes()))
        await create_account("operator", PASSWORD, "operator")

    with new_site(tmp_path_factory.mktemp("editor"), fill) as address:
        yield address, signed_in(browser, address, "operator", PASSWORD)


def bring(page: Any, text: str, name: str = "form.yaml") -> None:
    page.set_input_files("#file", files=[{"name": name, "mimeType": "application/yaml", "buffer": text.encode()}])
    press(page, "main form button")


def test_from_a_file_to_a_campaign(site: tuple[str, list[Any]], browser: Any) -> None:
    address, cookies = site
    with opened(browser, f"{address}/staff", language="en", viewport=SMALL, cookies=cookies) as page:
        press(page, "text=Questionnaires >> nth=0")
        assert violations(page) == []
        bring(page, EVERY_TYPE.replace("every-type", "way"))
        assert page.url.endswith("/way/1?kept=new")
        press(page, "main >> text=Preview")
        assert violations(page) == []
        assert overflow(page) == 0
        frame = page.frame_locator("iframe >> nth=0")
        assert "Have you been to the rated unit?" in frame.locator("main").inner_text()
        page.go_back()
        try_out(page)
        assert "1 trial. It counts nowhere." in page.inner_text("main")
        press(page, "main >> text=Publish")
        assert violations(page) == []
        press(page, "text=Publish for good")
        press(page, "text=Make a campaign")
        assert violations(page) == []
        today = local_day()
        for field, value in (
            ("code", "way-2026"), ("title-zh", "测试"), ("title-en", "The way"), ("responsible-zh", "测试办公室"),
            ("responsible-en", "Test office"), ("contact", "office@example.org"), ("units", "370102"),
            ("opens", (today - timedelta(2)).isoformat()), ("closes", (today + timedelta(9)).isoformat()),
        ):  # fmt: skip
            page.fill(f"#{field}", value)
        page.uncheck("#below")
        page.check("input[name=when][value=now]", force=True)
        press(page, "text=Make the campaign")
        assert page.url.endswith("/staff/campaigns/way-2026?done=made")
        page.goto(f"{address}/rate/way-2026/370102")
        assert "Have you been to" in page.inner_text("main")
        assert "trial" not in page.inner_text("main")


def test_a_file_with_mistakes_is_told_so(site: tuple[str, list[Any]], browser: Any) -> None:
    address, cookies = site
    context = browser.new_context(locale="en", viewport=SMALL)  # its console tells of the answer 422
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(f"{address}{HOME}")
    with page.expect_response(lambda answer: answer.request.method == "POST") as refused:
        bring(page, EVERY_TYPE.replace("type: scale", "type: scal", 1).replace("every-type", "wrong"))
    assert refused.value.status == 422
    assert "did you mean scale?" in page.inner_text("main")
    assert violations(page) == []
    assert overflow(page) == 0
    bring(page, EVERY_TYPE.replace("every-type", "mended"))
    assert page.url.endswith("/mended/1?kept=new")
    context.close()


def try_out(page: Any) -> None:
    """Answer what has to be answered, and send."""
    press(page, "main >> text=Try it")
    assert "This is a trial of way@1" in page.inner_text("main")
    assert violations(page) == []
    for _ in range(30):
        for question in page.query_selector_all("#rating [data-question]:has(.required)"):
            chosen = question.query_selector("input[type=radio], input[type=checkbox]")
            if chosen is not None:
                chosen.check()
            elif (field := question.query_selector("input")) is not None:
                field.fill("3")
        if page.locator("text=Send answers").count():
            break
        assert "This is a trial" in page.inner_text("main")
        press(page, "main >> text=Continue")
    press(page, "text=Send answers")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("viewport", [SMALL, PHONE, DESKTOP], ids=["small", "phone", "desktop"])
def test_every_page_is_accessible_and_fits(
    site: tuple[str, list[Any]], browser: Any, language: str, viewport: dict[str, int]
) -> None:
    address, cookies = site
    with opened(browser, f"{address}{HOME}", language=language, viewport=viewport, cookies=cookies) as page:
        bring(page, EVERY_TYPE)
        bring_again = EVERY_TYPE.replace('version: "1"', 'version: "2"').replace("range: [0, 999]", "range: [0, 99]")
        page.goto(f"{address}{HOME}")
        bring(page, bring_again)
        for path in ("", "/every-type/2?against=1", "/every-type/1/preview", "/every-type/1/preview/1",
                     "/every-type/1/preview/8", "/every-type/1/try", "/every-type/1/publish",
                     "/every-type/1/delete"):  # fmt: skip
            page.goto(f"{address}{HOME}{path}")
            assert not looked_at_by_axe(language, viewport) or violations(page) == [], path
            assert overflow(page) == 0, path
            assert page.locator("h1").count() == 1, path
