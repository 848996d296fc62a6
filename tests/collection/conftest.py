"""A small campaign on a small tree, and somebody who fills in its form by what stands on the page."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from evaluator.app import Site, create_app
from evaluator.collection import (
    account_routes,
    at_once,
    batch_routes,
    change_routes,
    epochs,
    life_routes,
    receipt_pages,
    routes,
    steps,
)
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.collection.storing import Sink, sink_for
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.wiring import site_over

QUESTIONNAIRE = """
code: small
version: "1"
languages: [zh, en]
sections:
  - code: contact
    title: {zh: "A-zh", en: "Contact"}
    items:
      - code: contact
        type: single
        required: true
        text: {zh: "C-zh {unit}", en: "Did you deal with {unit}?"}
        choices:
          - {code: "yes", text: {zh: "Y-zh", en: "Yes, I did"}}
          - {code: "no", text: {zh: "N-zh", en: "No, I did not"}}
          - {code: dk, text: {zh: "D-zh", en: "Don't know"}}
  - code: experience
    title: {zh: "B-zh", en: "Experience"}
    relevant: "selected(${contact}, 'yes')"
    items:
      - code: trouble
        type: multiple
        exclusive: [none]
        randomise: true
        text: {zh: "T-zh", en: "What went wrong?"}
        choices:
          - {code: money, text: {zh: "M-zh", en: "Money"}}
          - {code: delay, text: {zh: "L-zh", en: "Delay"}}
          - {code: rude, text: {zh: "R-zh", en: "Rudeness"}}
          - {code: none, text: {zh: "O-zh", en: "None of these"}}
        score: {rule: any, of: [money, delay, rude], hit: 0, miss: 100}
      - code: days
        type: integer
        range: [0, 999]
        text: {zh: "W-zh", en: "How many days did it take?"}
  - code: view
    title: {zh: "V-zh", en: "View"}
    items:
      - code: word
        type: scale
        range: [0, 10]
        score: {rule: linear, low: 0, high: 100, missing: [dk]}
        labels: {"0": {zh: "0-zh", en: "Never"}, "10": {zh: "10-zh", en: "Always"}, dk: {zh: "dk-zh", en: "Cannot say"}}
        text: {zh: "P-zh {unit}", en: "How often does {unit} keep its word?"}
      - code: kept
        type: single
        reverse_half: true
        text: {zh: "K-zh", en: "How much was kept?"}
        choices:
          - {code: all, score: 100, text: {zh: "1-zh", en: "All of it"}}
          - {code: half, score: 50, text: {zh: "2-zh", en: "Half of it"}}
          - {code: nothing, score: 0, text: {zh: "3-zh", en: "Nothing"}}
          - {code: dk, score: null, text: {zh: "4-zh", en: "Not sure"}}
      - code: remark
        type: text
        max_length: 200
        text: {zh: "X-zh", en: "Anything else?"}
  - code: about
    title: {zh: "Z-zh", en: "About you"}
    items:
      - code: age
        type: single
        role: stratum
        text: {zh: "G-zh", en: "Age"}
        choices:
          - {code: young, text: {zh: "5-zh", en: "Under 45"}}
          - {code: old, text: {zh: "6-zh", en: "45 or over"}}
          - {code: skip, text: {zh: "7-zh", en: "Rather not say"}}
quality:
  too_fast: {class: under_25_seconds}
"""
UNITS = {"37": None, "3701": "37", "370102": "3701", "370103": "3701", "3702": "37"}
OPENS, CLOSES = date(2026, 3, 1), date(2026, 3, 31)
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Shanghai


async def make_units() -> None:
    for code, parent in UNITS.items():
        await Unit.insert(
            Unit(
                code=code, parent=parent, level="PC?T"[len(code) // 2 - 1], name_zh=f"zh{code}", name_en=f"Place {code}"
            )
        )


async def make_campaign(settings: Settings, code: str = "spring", **changes: object) -> None:
    given: dict[str, object] = {
        "questionnaire": QUESTIONNAIRE,
        "units": ["3701", "370102", "3702"],
        "opens": OPENS,
        "closes": CLOSES,
        "title": Label("S-zh", "Spring survey"),
        "responsible": Label("O-zh", "The Office"),
        "contact": "office@example.org",
        **changes,
    }
    await create_campaign(settings, code, **given)  # type: ignore[arg-type]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of the site that `app_on` makes: one directory for keys and files."""
    return Settings(data_dir=tmp_path)


@pytest.fixture
def sink(settings: Settings, database_url: str) -> Callable[[], Sink]:
    """Makes what stores batches in the test's database, in a thread of this process."""
    return lambda: sink_for(msgspec.structs.replace(settings, database_url=database_url))


@pytest.fixture
def small_campaign(settings: Settings) -> Callable[..., Awaitable[None]]:
    """Makes the units, and the campaign `spring` with whatever is to be different about it."""

    async def make(code: str = "spring", **changes: object) -> None:
        if not await Unit.count():
            await make_units()
        await make_campaign(settings, code, **changes)

    return make


@pytest.fixture(params=[True, False], ids=["cookies", "no cookies"])
def person(request: pytest.FixtureRequest) -> Callable[..., Person]:
    """Somebody whose browser keeps cookies, and somebody whose browser does not: both must get through."""
    return partial(Person, cookies=request.param)


class Clock:
    """The time that the routes see."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    for module in (
        account_routes, at_once, batch_routes, change_routes, epochs, receipt_pages, routes, steps, life_routes,
    ):  # fmt: skip
        monkeypatch.setattr(module, "right_now", clock)
    return clock


@pytest.fixture
def app_on(tmp_path: Path, clock: Clock) -> Callable[..., Site]:
    def make(url: str, *, second: bool = False, **given: object) -> Site:
        settings = Settings(data_dir=tmp_path, database_url=url, **given)  # type: ignore[arg-type]
        return create_app(settings) if second else site_over(settings)

    return make


class Page:
    """A page as somebody without scripts sees it: the form's fields and buttons."""

    def __init__(self, response: httpx.Response) -> None:
        self.status, self.text, self.response = response.status_code, response.text, response
        # what a browser without scripts passes over
        self.seen = re.sub(r"(?s)<(script|template)\b.*?</\1>", "", self.text)
        self.words = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", self.seen)))

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What the form sends without anybody touching it, buttons apart."""
        found = []
        for tag in re.findall(r"<input\b[^>]*>", self.seen):
            attributes = self._attributes(tag)
            kind = attributes.get("type", "text")
            if "name" in attributes and (kind not in ("radio", "checkbox") or "checked" in attributes):
                found.append((attributes["name"], attributes.get("value", "")))
        for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?([^<]*)</textarea>', self.seen):
            found.append((name, html.unescape(value)))
        for name, options in re.findall(r'(?s)<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', self.seen):
            chosen = re.findall(r'<option value="([^"]*)" selected>', options) or [""]
            found += [(name, html.unescape(value)) for value in chosen]
        return found

    @property
    def offered(self) -> list[tuple[str, str]]:
        """Every radio button, check box and line of a list: (name, value) in the order of the page."""
        found, name = [], ""
        for tag in re.findall(r"<(?:input|select|option)\b[^>]*>", self.seen):
            attributes = self._attributes(tag)
            name = attributes.get("name", name)
            if attributes.get("type") in ("radio", "checkbox") or (tag.startswith("<option") and attributes["value"]):
                found.append((name, attributes["value"]))
        return found

    @property
    def buttons(self) -> dict[str, str]:
        """Value of each button -> where it sends the form."""
        action = re.search(r'<form method="post" action="([^"]+)"', self.seen)
        found = {}
        for tag in re.findall(r"<button\b[^>]*>", self.seen):
            attributes = self._attributes(tag)
            if "value" in attributes and action:
                found[attributes["value"]] = html.unescape(attributes.get("formaction", action[1]))
        return found

    @staticmethod
    def _attributes(tag: str) -> dict[str, str]:
        found = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if re.search(r"\bchecked\b", tag):
            found["checked"] = ""
        return found


class Person:
    """Goes through the form by pressing its buttons, with a browser that keeps cookies or one that does not."""

    def __init__(self, client: httpx.AsyncClient, language: str = "en", cookies: bool = True) -> None:
        self.client = client
        self.cookies = cookies
        client.cookies.clear()
        self.headers = {"accept": "text/html", "accept-language": language}
        self.page: Page

    async def open(self, path: str) -> Page:
        self.page = Page(await self.client.get(path, headers=self.headers))
        if not self.cookies:
            self.client.cookies.clear()
        return await self._follow()

    async def press(self, button: str = "next", **answers: str | list[str]) -> Page:
        """Fill in some questions of this screen and press a button."""
        changed = {f"a-{code}" for code in answers}
        fields = [(name, value) for name, value in self.page.fields if name not in changed]
        for code, value in answers.items():
            fields += [(f"a-{code}", one) for one in ([value] if isinstance(value, str) else value)]
        return await self.post(self.page.buttons[button].split("#")[0], [*fields, ("to", button)])

    async def post(self, path: str, fields: list[tuple[str, str]]) -> Page:
        headers = {**self.headers, "content-type": "application/x-www-form-urlencoded"}
        self.page = Page(await self.client.post(path, content=urlencode(fields), headers=headers))
        if not self.cookies:
            self.client.cookies.clear()
        return await self._follow()

    async def _follow(self) -> Page:
        """To the address of the step or of the thanks, as browsers do."""
        to = self.page.response.headers.get("location", "")
        if self.page.status == 303 and ("?step=" in to or to == "/receipt/thanks"):
            return await self.open(to)
        return self.page

    async def enter(self, code: str) -> Page:
        return await self.post("/code", [("code", code)])
