"""The life of an edition as operators, units and the public see it: under reply, published, replaced, with a reply."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from evaluator.accounts.register import create_account
from evaluator.publication import lifecycle, replies
from evaluator.publication.publishing import publish
from evaluator.rating.registering import register
from evaluator.settings import Settings
from evaluator.workbench.schemes import shipped
from tests.browser.conftest import (
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
)  # fmt: skip
from tests.days import local_day
from tests.publication import small_edition as small

PASSWORD = "correct horse battery staple"
OWN = "9001"
WHY = "Weights as the law has them; adopted by the council on 28 November 2025 after hearing every rated unit."
REPLY = "The figures of the new hall are missing; it opened in May."
TODAY = local_day()


@dataclass(frozen=True, slots=True)
class Site:
    address: str
    waiting: str  # an edition under reply
    old: str  # replaced by `new`
    new: str
    operator: list[Any]  # cookies
    unit: list[Any]
    scheme: str  # SHA-256 of the registered one
    unregistered: str

    def pages(self) -> dict[str, tuple[str, list[Any]]]:
        """Name -> path and cookies of whoever sees it."""
        staff = f"/staff/editions/{self.waiting}"
        return {
            "list": ("/staff/editions", self.operator),
            "edition": (staff, self.operator),
            "publish early": (f"{staff}/publish", self.operator),
            "withdraw": (f"/staff/editions/{self.new}/withdraw", self.operator),
            "with a reply": (f"/staff/editions/{self.new}", self.operator),
            "own ratings": ("/staff/own-ratings", self.unit),
            "own page": (f"/staff/own-ratings/{self.waiting}", self.unit),
            "replaced": (f"/editions/{self.old}", []),
            "changes": (f"/editions/{self.new}/changes", []),
            "a unit that replied": (f"/editions/{self.new}/units/{OWN}", []),
            "downloads": (f"/editions/{self.new}/downloads", []),
            "editions": ("/editions", []),
            "registered schemes": ("/schemes", []),
            "a registered scheme": (f"/schemes/{self.scheme}", []),
            "register a scheme": (f"/staff/workbench/schemes/{self.unregistered}/register", self.operator),
            "schemes of the workbench": ("/staff/workbench/schemes", self.operator),
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_site: Any, browser: Any) -> Iterator[Site]:
    home, made = tmp_path_factory.mktemp("life"), tmp_path_factory.mktemp("editions")
    text = small.SCHEME.read_text(encoding="utf-8").replace("decimals: 1", "decimals: 1\n  reply_days: 15")
    (made / "scheme.yaml").write_text(text.replace('version: "1"', 'version: "2"'), encoding="utf-8")
    old = small.build(made / "old", draws=64)
    new = small.build(made / "new", supersedes=old, why="A record was counted twice.", seed=8, draws=64)
    later = (date(2027, 1, 1), date(2027, 12, 31))
    waiting = small.build(made / "waiting", scheme=made / "scheme.yaml", period=later, seed=9, draws=64)

    async def fill(settings: Settings) -> None:
        await small.keep_units()
        await create_account("operator", PASSWORD, "operator")
        office = await create_account("office", PASSWORD, "representative", unit=OWN)
        await register(settings, small.SCHEME.read_bytes(), "scheme.yaml", WHY, date(2025, 12, 1), "operator 1")
        await publish(settings, old, lambda edition: (), TODAY)
        row = await publish(settings, new, lambda edition: (), TODAY, draft=True)
        row.state, row.reply_until = "under_reply", TODAY
        await row.save()
        now = datetime.now(UTC)
        await replies.write_reply(settings, row.identifier, OWN, REPLY, office, now)
        await replies.answer_reply(settings, row.identifier, OWN, "Counted from the next edition on.", True, now)
        await lifecycle.release(settings, row.identifier, TODAY, "all units have replied")
        await publish(settings, waiting, lambda edition: (), TODAY)

    with new_site(home, fill) as address:
        who = [signed_in(browser, address, name, PASSWORD) for name in ("operator", "office")]
        scheme = hashlib.sha256(small.SCHEME.read_bytes()).hexdigest()
        yield Site(address, *map(small.identifier_of, (waiting, old, new)), *who, scheme, next(iter(shipped())))


@pytest.mark.parametrize("viewport", VIEWPORTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_fits(site: Site, browser: Any, language: str, viewport: str) -> None:
    found = []
    for name, (path, cookies) in site.pages().items():
        with opened(
            browser, site.address + path, language=language, viewport=VIEWPORTS[viewport], cookies=cookies
        ) as page:
            picture(page, f"life-{name.replace(' ', '-')}-{language}-{viewport}")
            assert page.locator("h1").count() == 1, name
            assert page.locator("html").get_attribute("lang") == language, name
            wrong = overlapping_texts(page)
            if looked_at_by_axe(language, VIEWPORTS[viewport]):
                wrong += violations(page)
            found += [f"{name}: {one}" for one in wrong]
            if (wide := overflow(page)) > 0:
                found.append(f"{name}: {wide} pixels too wide")
    assert found == []


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_a_unit_replies_changes_it_and_takes_it_back(site: Site, browser: Any, script: bool) -> None:
    address = f"{site.address}/staff/own-ratings/{site.waiting}"
    with opened(browser, address, language="en", viewport=PHONE, cookies=site.unit, script=script) as page:
        for text, said in (
            ("First words.", "Your reply is kept."), ("Better words.", "Your reply is kept."),
            ("", "Your reply is taken back."),
        ):  # fmt: skip
            page.fill("#text", text)
            press(page, "text=Keep the reply")
            assert said in page.inner_text("main")
            assert page.input_value("#text") == text


def test_an_operator_publishes_early_only_with_a_reason(site: Site, browser: Any) -> None:
    address = f"{site.address}/staff/editions/{site.waiting}"
    with opened(browser, f"{address}/withdraw", language="en", viewport=PHONE, cookies=site.operator) as page:
        assert page.locator("#why").count() == 1
    context = browser.new_context(locale="en", viewport=PHONE)  # its refusal shows as an error in the console
    context.add_cookies(site.operator)
    page = context.new_page()
    page.goto(f"{address}/publish")
    press(page, "main button")
    assert "may reply until" in page.inner_text("main")
    page.goto(f"{site.address}/editions.json")
    assert site.waiting not in page.content()
    page.goto(f"{address}/publish")
    page.fill("#why", "Every unit has agreed in writing.")
    press(page, "main button")
    assert "The edition is published." in page.inner_text("main")
    page.goto(f"{site.address}/editions/{site.waiting}")
    assert page.locator("h1").count() == 1
    context.close()


def test_an_operator_registers_a_scheme_with_a_reason(site: Site, browser: Any) -> None:
    address = f"{site.address}/staff/workbench/schemes/{site.unregistered}/register"
    context = browser.new_context(locale="en", viewport=PHONE)  # its refusal shows as an error in the console
    context.add_cookies(site.operator)
    page = context.new_page()
    page.goto(address)
    press(page, "main button")
    assert "Say why this scheme; everybody can read it." in page.inner_text("main")
    page.fill("#why", WHY)
    press(page, "main button")
    assert page.url == f"{site.address}/schemes/{site.unregistered}"
    assert WHY in page.inner_text("main")
    context.close()
