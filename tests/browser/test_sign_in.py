"""People who answer with an account, in Chromium, at a certified provider in a process of its own (`oidc-provider`).

The provider is another site for the browser (localhost beside 127.0.0.1), so that cookies and policies are as they are.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import playwright
import pytest

from evaluator.collection.campaigns import Label, create_campaign
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.browser.conftest import DESKTOP, LANGUAGES, PHONE, opened, overflow, picture, press, violations
from tests.browser.receipts import VERIFIED, seal_all, to_receipt, verified_outside
from tests.collection.conftest import QUESTIONNAIRE
from tests.days import local_day

FOLDER = Path(__file__).parent / "oidc"
NODE = Path(playwright.__file__).parent / "driver" / "node"
UNITS = [f"37{number:04d}" for number in range(1000, 1040)]
CLIENT = {"EVALUATOR_OIDC_CLIENT_ID": "evaluator", "EVALUATOR_OIDC_CLIENT_SECRET": "secret of the site: +&="}
NAMES = {"EVALUATOR_OIDC_NAME_ZH": "\u7701\u7edf\u4e00\u8d26\u53f7", "EVALUATOR_OIDC_NAME_EN": "Province ID"}
BUTTON = "main a[href$='/sign-in']"


@dataclass(slots=True)
class Place:
    """A site with one campaign that can be answered both ways, and units that nobody has rated yet."""

    address: str
    home: Path
    free: list[str]

    def unit(self) -> str:
        return self.free.pop()

    def counted(self, unit: str) -> list[str]:
        """How those came to it whose answers on a unit are stored."""
        with closing(sqlite3.connect(self.home / "evaluator.sqlite")) as database:
            sql = "SELECT mode FROM response WHERE unit = ? UNION ALL SELECT mode FROM pending WHERE unit = ?"
            return [row[0] for row in database.execute(sql, (unit, unit))]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, new_site: Callable[..., Any]) -> Iterator[Place]:
    if not (FOLDER / "node_modules" / "oidc-provider").exists():
        missing = "the provider of accounts is missing: make browser installs it, and needs npm"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)

    async def fill(settings: Settings) -> None:
        await Unit.insert(Unit(code="37", parent=None, level="P", name_zh="P-zh", name_en="Province"))
        units = [Unit(code=u, parent="37", level="K", name_zh=f"{u}-zh", name_en=f"County {u}") for u in UNITS]
        await Unit.insert(*units)
        await create_campaign(
            settings, "spring", questionnaire=QUESTIONNAIRE, units=UNITS, opens=local_day() - timedelta(3),
            closes=local_day() + timedelta(20), title=Label("S-zh", "Spring survey"),
            responsible=Label("Office-zh", "Test office"), contact="office@example.org", sign_in=True,
        )  # fmt: skip

    home = tmp_path_factory.mktemp("accounts")
    provider = subprocess.Popen(
        [NODE, "provider.js"], cwd=FOLDER, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=(home / "provider.log").open("w"),
    )  # fmt: skip
    assert provider.stdin is not None
    assert provider.stdout is not None
    try:
        issuer = provider.stdout.readline().strip()
        with new_site(home, fill, EVALUATOR_OIDC_ISSUER=issuer, **CLIENT, **NAMES) as address:
            print(f"{address}/account/callback", file=provider.stdin, flush=True)
            assert provider.stdout.readline() == "ready\n", (home / "provider.log").read_text()
            yield Place(address, home, list(UNITS))
    finally:
        provider.stdin.close()
        provider.wait(10)


def at_provider(page: Any) -> bool:
    return str(page.url).startswith("http://localhost:")


def sign_in(page: Any, login: str) -> None:
    """At the provider."""
    assert at_provider(page)
    page.fill("[name=login]", login)
    page.fill("[name=password]", f"{login}-password")
    press(page, "button")
    if at_provider(page):  # without scripts it asks to go on when the account is another one than before
        press(page, "button")


def answer(page: Any) -> str:
    """Through the form by its first screen's answer, and send; the texts of all its pages."""
    seen = page.inner_text("body")
    page.check("input[value=no]")
    for _screen in range(4):
        press(page, "main button[value=next]")
        seen += page.inner_text("body")
        if page.query_selector("button[value=send]"):
            break
    press(page, "button[value=send]")
    return str(seen + page.inner_text("body"))


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_two_people_with_accounts_answer_once_each_on_one_device(browser: Any, place: Place, script: bool) -> None:
    unit = place.unit()
    context = browser.new_context(locale="en", viewport=PHONE, java_script_enabled=script)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{place.address}/rate/spring/{unit}")
    press(page, BUTTON)
    sign_in(page, "alice")
    assert page.url == f"{place.address}/account/spring/{unit}?step=1"
    seen = answer(page)
    assert "Your answers were counted" in seen
    assert "alice" not in seen
    assert place.counted(unit) == ["sign_in"]
    page.goto(f"{place.address}/rate/spring/{unit}")
    press(page, BUTTON)  # the provider remembers who this is and sends the browser straight back
    assert page.inner_text("h1") == "This account was already counted"
    assert not [c for c in context.cookies() if c["name"].startswith(("account-", "draft"))]
    press(page, "a[href$='?other=1']")
    sign_in(page, "bob")
    assert "Your answers were counted" in answer(page)
    assert place.counted(unit) == ["sign_in"] * 2
    page.goto(f"{place.address}/account/spring/{unit}")
    press(page, BUTTON)
    assert page.inner_text("h1") == "This account was already counted"
    context.close()
    assert errors == []


def test_a_form_is_left_and_gone_on_with_after_signing_in_again(browser: Any, place: Place) -> None:
    unit = place.unit()
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    page.goto(f"{place.address}/account/spring/{unit}")
    press(page, BUTTON)
    sign_in(page, "alice")
    page.check("input[value=yes]")
    press(page, "main button[value=next]")
    page.go_back()
    assert page.is_checked("input[value=yes]")
    page.go_back()  # what is before the form is the provider or the door, never a form that was sent
    page.goto(f"{place.address}/account/spring/{unit}")
    assert page.inner_text("h1") == "Go on with your answers?"
    page.goto(f"{place.address}/account/spring/{unit}/sign-in")
    assert page.url == f"{place.address}/account/spring/{unit}?step=2"
    assert place.counted(unit) == []
    context.close()


def test_who_cancels_at_the_provider_reads_what_happened_and_may_answer_otherwise(browser: Any, place: Place) -> None:
    unit = place.unit()
    with opened(browser, f"{place.address}/rate/spring/{unit}", language="en", viewport=PHONE) as page:
        press(page, BUTTON)
        press(page, "text=Cancel")
        assert page.inner_text("h1") == "You did not sign in"
        assert page.url == f"{place.address}/account/spring/{unit}?said=declined"
        press(page, BUTTON)
        assert at_provider(page)
        page.go_back()
        press(page, "text=Answer without signing in")
        assert "Your answers were counted" in answer(page)
    assert place.counted(unit) == ["open"]


def test_an_address_that_the_provider_sent_somebody_to_is_worth_nothing_elsewhere_or_later(
    browser: Any, place: Place
) -> None:
    unit, backs = place.unit(), []
    context = browser.new_context(locale="en", viewport=PHONE)
    page = context.new_page()
    page.on("request", lambda request: backs.append(request.url) if "/account/callback?" in request.url else None)
    page.goto(f"{place.address}/account/spring/{unit}")
    press(page, BUTTON)
    sign_in(page, "alice")
    [back] = backs
    assert all(f"{name}=" in back for name in ("code", "state", "iss"))
    page.goto(back)
    assert page.inner_text("h1") == "This sign-in did not begin here"
    other = browser.new_context(locale="en").new_page()
    other.goto(back)
    assert other.inner_text("h1") == "This sign-in did not begin here"
    other.context.close()
    context.close()


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_who_signed_in_gets_a_receipt_that_verifies_everywhere(
    browser: Any, place: Place, tmp_path: Path, script: bool
) -> None:
    context = browser.new_context(locale="en", viewport=PHONE, java_script_enabled=script)
    page = context.new_page()
    page.goto(f"{place.address}/rate/spring/{place.unit()}")
    press(page, BUTTON)
    sign_in(page, "alice")
    assert "Your answers were counted" in answer(page)
    seal_all(place.address, place.home, "spring")
    text = to_receipt(page, place.address, script=script)
    assert verified_outside(text, place.address, "spring", tmp_path) == VERIFIED
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pages_about_accounts_are_accessible_and_fit(
    browser: Any, place: Place, language: str, viewport: dict[str, int]
) -> None:
    unit = place.unit()
    with opened(browser, f"{place.address}/rate/spring/{unit}", language=language, viewport=viewport) as page:
        page.click("summary")
        assert (violations(page), overflow(page)) == ([], 0)
        picture(page, f"door-{language}-{viewport['width']}")
        press(page, BUTTON)
        press(page, "text=Cancel")
        assert (violations(page), overflow(page)) == ([], 0)
        picture(page, f"declined-{language}-{viewport['width']}")
        press(page, BUTTON)
        sign_in(page, "alice")
        assert overflow(page) == 0
        picture(page, f"form-{language}-{viewport['width']}")
    context = browser.new_context(locale=language, viewport=viewport)  # their status shows as an error in the console
    page = context.new_page()
    for said in ("counted", "refused", "later", "set_up"):
        page.goto(f"{place.address}/account/spring/{unit}?said={said}")
        assert overflow(page) == 0
        picture(page, f"{said}-{language}-{viewport['width']}")
    page.goto(f"{place.address}/account/callback?state=a&code=b")
    assert (violations(page), overflow(page)) == ([], 0)
    picture(page, f"lost-{language}-{viewport['width']}")
    context.close()
