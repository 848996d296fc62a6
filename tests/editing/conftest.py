"""An operator at the site, with a file to bring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from evaluator.accounts.register import create_account
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.visitor import Visitor
from tests.wiring import site_over

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
HOME = "/staff/questionnaires"
SMALL = """
code: small
version: "1"
languages: [zh, en]
title: {zh: "小-zh", en: "A small one"}
sections:
  - code: contact
    title: {zh: "A-zh", en: "Contact"}
    items:
      - code: came
        type: single
        required: true
        text: {zh: "C-zh {unit}", en: "Did you come to {unit}?"}
        choices:
          - {code: "yes", text: {zh: "Y-zh", en: "Yes, I did"}}
          - {code: "no", text: {zh: "N-zh", en: "No, I did not"}}
  - code: experience
    title: {zh: "B-zh", en: "Experience"}
    relevant: "${came} = 'yes'"
    items:
      - code: days
        type: integer
        range: [0, 999]
        text: {zh: "W-zh", en: "How many days did it take?"}
      - code: word
        type: text
        text: {zh: "T-zh", en: "Anything else?"}
quality:
  too_fast: {class: under_25_seconds}
  prompted: {if: "${days} > 900"}
"""


class Site(Visitor):
    """A client that can be anybody and bring files."""

    async def bring(
        self, content: bytes | str, name: str = "small.yaml", *, language: str = "en", accept: str = "text/html"
    ) -> httpx.Response:
        raw = content.encode() if isinstance(content, str) else content
        return await self.post(HOME, file=(name, raw), language=language, accept=accept)


async def _site(database_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[Site]:
    app = site_over(Settings(data_dir=tmp_path, database_url=database_url))
    await Unit.insert(
        Unit(code="37", kind="area", level="P", name_zh="S-zh", name_en="Province"),
        Unit(code="3701", kind="area", level="C", name_zh="J-zh", name_en="City", parent="37"),
    )
    for name, role, unit in (
        ("operator", "operator", None),
        ("bound", "operator", "3701"),
        ("superior", "superior", "37"),
    ):
        await create_account(name, "correct horse battery", role, unit=unit)
    async with serving(app) as client:
        site = Site(client, app.state.secret)
        await site.become("operator")
        yield site


@pytest.fixture
async def site(database_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[Site]:
    """On both databases."""
    async for one in _site(database_url, tmp_path, serving):
        yield one


@pytest.fixture
async def light_site(sqlite_url: str, tmp_path: Path, serving: Serving) -> AsyncIterator[Site]:
    """On SQLite only, where the engine makes no difference."""
    async for one in _site(sqlite_url, tmp_path, serving):
        yield one
