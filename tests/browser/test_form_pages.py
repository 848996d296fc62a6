"""The citizen's form and the staff's pages as people see them, the shipped questionnaire on the real province."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.assessment.rounds import assessors_of
from evaluator.assessment.tables import Assessor
from evaluator.collection.admission import issue_codes
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.settings import Settings
from evaluator.units.cli import SHIPPED
from evaluator.units.importing import import_units, read_units
from evaluator.units.tables import Unit
from questionnaires.loading import shipped_text
from tests.assessment.small_round import PLAN
from tests.browser.conftest import (
    LANGUAGES,
    PHONE,
    VIEWPORTS,
    looked_at_by_axe,
    opened,
    overflow,
    press,
    signed_in,
    violations,
)
from tests.browser.watched import CODE as WATCHED
from tests.browser.watched import make_watched
from tests.days import local_day

PASSWORD = "correct horse battery staple"
CAMPAIGN, CITY, COUNTY = "test-2026", "3701", "370102"
PUBLIC = [
    "/rate",
    "/rate?campaign=test-2026&q=370102",
    "/code",
    "/notice",
    f"/notice/{CAMPAIGN}",
    "/sign-in",
]
STAFF = {
    "operator": [
        "/staff", "/staff/units", "/staff/units?parent=3701", "/staff/campaigns", f"/staff/campaigns/{CAMPAIGN}",
        f"/staff/campaigns/{WATCHED}", "/staff/records", "/staff/rounds",
    ],
    "assessor": ["/staff", "/staff/assessments"],
    "representative": ["/staff", "/staff/own"],
    "superior": ["/staff"],
}  # fmt: skip


@dataclass(slots=True)
class Place:
    address: str = ""
    codes: list[str] = field(default_factory=list)
    cookies: dict[str, list[Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[Place]:
    place = Place()

    async def fill(settings: Settings) -> None:
        from msgspec.structs import replace

        from evaluator.assessment.rounds import assign_units, create_round

        await import_units(read_units((SHIPPED / "shandong.csv").read_bytes()))
        units = [row["code"] for row in await Unit.select(Unit.code)]
        today = local_day()
        await create_campaign(
            settings, CAMPAIGN, questionnaire=shipped_text("sd-citizen"), units=units, opens=today - timedelta(3),
            closes=today + timedelta(20), title=Label("测试评议", "Test survey"),
            responsible=Label("测试办公室", "Test office"), contact="office@example.org",
        )  # fmt: skip
        await make_watched(settings, today)
        place.codes += await issue_codes(settings, CAMPAIGN, COUNTY, 8)
        made = await create_round(replace(PLAN, opens=today - timedelta(3), closes=today + timedelta(20)))
        who = (await assessors_of(made.id))["uni", "A1"]
        await assign_units([(who, CITY), (who, COUNTY)])
        await create_account("operator", PASSWORD, "operator")
        account = await create_account("assessor", PASSWORD, "assessor", round_id=made.id)
        await Assessor.update({Assessor.account: account.id}).where(Assessor.id == who)
        await create_account("representative", PASSWORD, "representative", unit=CITY)
        await create_account("superior", PASSWORD, "superior", unit="37")

    with new_site(tmp_path_factory.mktemp("form"), fill) as address:
        place.address = address
        place.cookies = {name: signed_in(browser, address, name, PASSWORD) for name in STAFF}
        yield place


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_is_accessible_and_fits_its_screen(
    site: Place, browser: Any, path: str, language: str, viewport: str
) -> None:
    with opened(browser, site.address + path, language=language, viewport=VIEWPORTS[viewport]) as page:
        assert page.locator("html").get_attribute("lang") == language
        assert not looked_at_by_axe(language, VIEWPORTS[viewport]) or violations(page) == []
        assert overflow(page) == 0


def test_an_error_page_is_accessible(site: Place, browser: Any) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(site.address + "/nowhere")
    assert violations(page) == []
    context.close()


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize(("role", "path"), [(role, path) for role, paths in STAFF.items() for path in paths])
def test_a_staff_page_is_accessible_and_fits_its_screen(
    site: Place, browser: Any, role: str, path: str, viewport: str
) -> None:
    for language in LANGUAGES:
        with opened(
            browser, site.address + path, language=language, viewport=VIEWPORTS[viewport], cookies=site.cookies[role]
        ) as page:
            assert page.url == site.address + path
            assert not looked_at_by_axe(language, VIEWPORTS[viewport]) or violations(page) == []
            assert overflow(page) == 0


@pytest.mark.parametrize("script", [False, True], ids=["without a script", "with scripts allowed"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_citizen_answers_with_a_code_once(site: Place, browser: Any, language: str, script: bool) -> None:
    code = site.codes.pop()
    sizes = []

    def judge(page: Any) -> None:
        sizes.append(len(page.content().encode()))
        assert overflow(page) == 0
        if script:  # axe itself is a script
            assert violations(page) == []

    with opened(browser, f"{site.address}/code", language=language, viewport=PHONE, script=script) as page:
        page.fill("#code", code.lower())
        press(page, "main button[value=next], main button")
        judge(page)
        page.locator("input[name=a-contact][value=once]").check(force=True)
        press(page, "main button[value=next]")
        page.wait_for_url("**/code/form?step=2")
        page.go_back()  # to the first screen with its answer, not to a question whether to send again
        page.wait_for_url("**/code/form?step=1")
        assert page.locator("input[name=a-contact][value=once]").is_checked()
        page.go_forward()
        page.wait_for_url("**/code/form?step=2")
        for _ in range(12):
            judge(page)
            if page.locator("main button[value=send]").count():
                break
            press(page, "main button[value=next]")
        assert "once" not in page.url, "no answer stands in an address"
        press(page, "main button[value=send]")
        judge(page)
        assert page.url.endswith("/thanks")
        assert max(sizes) < 60_000
        page.goto(f"{site.address}/rate")
    context = browser.new_context(locale=language, java_script_enabled=script)
    page = context.new_page()
    page.goto(f"{site.address}/code")
    page.fill("#code", code)
    press(page, "main button")
    assert page.locator("main button[value=send]").count() == 0, "the code was used"
    context.close()


def test_an_answer_out_of_range_is_told_at_the_field(site: Place, browser: Any) -> None:
    context = browser.new_context(locale="en", viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/code")
    page.fill("#code", "123")
    press(page, "main button")
    assert page.locator(".govuk-error-summary").count() == 1
    assert page.locator("#code").get_attribute("aria-describedby") is not None
    context.close()


def test_an_assessor_scores_a_unit(site: Place, browser: Any) -> None:
    with opened(
        browser, f"{site.address}/staff/assessments", language="en", viewport=PHONE, cookies=site.cookies["assessor"]
    ) as page:
        press(page, "main .govuk-task-list__link >> nth=0")
        assert violations(page) == []
        assert overflow(page) == 0
        page.locator("main input[inputmode=decimal]").first.fill("7")
        page.locator("main textarea").first.fill("as the files show")
        press(page, "main form button >> nth=0")
        assert "/staff/assessments" in page.url
        assert violations(page) == []
