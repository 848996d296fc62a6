"""A campaign's life through the pages: opened, paused under a citizen's hands, resumed, closed, told to everybody."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.collection.campaigns import create_campaign
from evaluator.collection.labels import Label
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.loading import shipped_text
from tests.browser.conftest import DESKTOP, PHONE, opened, overflow, picture, press, signed_in, violations
from tests.days import local_day

PASSWORD = "correct horse battery staple"
SEES = {"en": ("paused", "Nothing of what you answered is lost"), "zh-CN": ("\u6682\u505c", "\u4e0d\u4f1a\u4e22\u5931")}


@dataclass(slots=True)
class Place:
    address: str = ""
    cookies: list[Any] = field(default_factory=list)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[Place]:
    async def fill(settings: Settings) -> None:
        await Unit.insert(Unit(code="37", level="P", name_zh="37-zh", name_en="Province"))
        today = local_day()
        for language in SEES:
            await create_campaign(
                settings, f"life-{language.lower()}", questionnaire=shipped_text("sd-citizen"), units=["37"],
                opens=today - timedelta(3), closes=today + timedelta(20), title=Label("T-zh", "Test survey"),
                responsible=Label("O-zh", "Test office"), contact="office@example.org", draft=True, targets=400,
            )  # fmt: skip
            await create_campaign(
                settings, f"batches-{language.lower()}", questionnaire=shipped_text("sd-citizen"), units=["37"],
                opens=today - timedelta(3), closes=today + timedelta(20), title=Label("T-zh", "Test survey"),
                responsible=Label("O-zh", "Test office"), contact="office@example.org", targets=400,
            )  # fmt: skip
        await create_account("operator", PASSWORD, "operator")

    with new_site(tmp_path_factory.mktemp("life"), fill) as address:
        yield Place(address, signed_in(browser, address, "operator", PASSWORD))


def check(page: Any) -> None:
    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize(("language", "viewport"), [("zh-CN", PHONE), ("en", DESKTOP)])
def test_an_operator_opens_pauses_and_closes_and_a_citizen_loses_nothing(
    site: Place, browser: Any, language: str, viewport: dict[str, int]
) -> None:
    code = f"life-{language.lower()}"
    home, form = f"{site.address}/staff/campaigns/{code}", f"{site.address}/rate/{code}/37"

    def decide(page: Any, deed: str) -> None:
        page.goto(home)
        press(page, f"a[href$='/{code}/{deed}']")
        check(page)
        press(page, "main form button")
        assert page.url == f"{home}?done={deed}"

    with opened(browser, home, language=language, viewport=viewport, cookies=site.cookies) as staff:
        check(staff)  # a draft
        decide(staff, "open")
        check(staff)
        citizen = browser.new_context(locale=language, viewport=PHONE, java_script_enabled=False).new_page()
        citizen.goto(f"{form}?step=1")
        citizen.locator("input[name=a-contact][value=once]").check(force=True)
        decide(staff, "pause")
        press(citizen, "main button[value=next]")
        for words in SEES[language]:
            assert words in citizen.inner_text("main")
        assert citizen.locator("input[name=a-contact][value=once]").is_checked()
        assert overflow(citizen) == 0
        decide(staff, "resume")
        press(citizen, "main button[value=next]")
        assert citizen.locator("input[name=at]").get_attribute("value") != "contact"
        citizen.context.close()
        decide(staff, "close")
        staff.goto(f"{home}/manifest")
        check(staff)
        staff.goto(f"{site.address}/notice/{code}")
        for summary in staff.locator("details:not([open]) > summary").all():
            summary.click()
        check(staff)
        assert staff.locator("ol[reversed] > li").count() == 2
        with staff.expect_download() as download:
            staff.click("a[href$='/manifest.json']")
        assert download.value.suggested_filename.startswith(f"manifest-{code}-")


@pytest.mark.parametrize(("language", "viewport"), [("zh-CN", PHONE), ("en", DESKTOP)])
def test_an_operator_draws_a_batch_saves_its_files_and_changes_the_campaign(
    site: Place, browser: Any, tmp_path: Path, language: str, viewport: dict[str, int]
) -> None:
    home = f"{site.address}/staff/campaigns/batches-{language.lower()}"
    (tmp_path / "people.csv").write_text("unit,address\n" + "".join(f"37,{n} Road\n" for n in range(20)))
    (tmp_path / "bad.csv").write_text("unit,address\n" + "".join(f"99,=Road{n}\n" for n in range(3)))

    def look(page: Any, name: str) -> None:
        check(page)
        picture(page, f"batch-{name}-{language}")

    context = browser.new_context(locale=language, viewport=viewport)  # its console tells of answers with 422
    context.add_cookies(site.cookies)
    page = context.new_page()
    page.goto(f"{home}/batches/new")
    look(page, "new")
    page.fill("#number", "5")
    page.set_input_files("#frame", tmp_path / "bad.csv")
    press(page, "main form button")
    look(page, "wrong")
    assert page.locator("#problems tbody tr").count() == 6
    page.set_input_files("#frame", tmp_path / "people.csv")
    press(page, "main form button")
    look(page, "made")
    with page.expect_download() as download:
        page.click("#invitations a")
    with zipfile.ZipFile(download.value.path()) as packed:
        assert len(packed.read("contacts.csv").decode().splitlines()) == 6
    press(page, "#invitations button")
    assert page.locator("#invitations").count() == 0
    press(page, "a[href$='/take-back']")
    look(page, "take-back")
    page.goto(f"{home}/batches")
    look(page, "list")
    page.goto(f"{home}/change")
    look(page, "change")
    page.fill("#contact", "Room 5")
    press(page, "main form button")
    look(page, "change-wrong")
    page.fill("#reason", "The office moved.")
    press(page, "main form button")
    look(page, "change-sure")
    press(page, "main form button")
    assert page.url == f"{home}?done=changed"
    look(page, "change-done")
    context.close()
