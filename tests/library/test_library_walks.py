"""The shipped questionnaires of the public, answered on the site's own form by every kind of path."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from evaluator.collection.campaigns import Label, create_campaign
from evaluator.collection.tables import Pending
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.loading import shipped_text
from tests.collection.conftest import Person
from tests.days import local_day
from tests.wiring import site_over

Serving = Callable[[Litestar], AbstractAsyncContextManager[httpx.AsyncClient]]
ALL = ["supply", "bid", "invest", "ppp", "permit"]
# form, what is answered (everything else is left blank), sections in the order of the screens
WALKS: dict[str, tuple[str, dict[str, str | list[str]], str]] = {
    "good review": ("sd-service", {"channel": "hall", "level": "basically"}, "visit verdict check"),
    "bad review": ("sd-service", {"channel": "web", "level": "dissatisfied"}, "visit verdict bad check"),
    "no dealings": ("sd-enterprise", {"dealings": "none"}, "firm view about"),
    "a supplier": ("sd-enterprise", {"dealings": "supply"}, "firm payments officials view about"),
    "a bidder": ("sd-enterprise", {"dealings": "bid"}, "firm tender officials view about"),
    "a promise kept": (
        "sd-enterprise", {"dealings": "invest", "promise_kept": "all"}, "firm promises officials view about",
    ),
    "a promise broken by law": (
        "sd-enterprise", {"dealings": "invest", "promise_kept": "few", "promise_why": ["law"], "compensated": "part"},
        "firm promises promises:2 promises:3 officials view about",
    ),
    "a licensee after a change": (
        "sd-enterprise", {"dealings": "permit", "changed": "yes", "old_debts": "part"},
        "firm fees officials officials:2 view about",
    ),
    "all dealings": (
        "sd-enterprise", {"dealings": ALL}, "firm payments promises tender ppp fees officials view about",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WALKS)
async def test_a_path_is_walked_without_a_script_and_its_answers_are_stored(
    name: str, tmp_path: Path, sqlite_url: str, serving: Serving
) -> None:
    code, answers, expected = WALKS[name]
    today = local_day()
    await Unit.insert(Unit(code="37", level="P", name_zh="P-zh", name_en="Province"))
    await create_campaign(
        Settings(data_dir=tmp_path), "walk", questionnaire=shipped_text(code), units=["37"],
        opens=today - timedelta(1), closes=today + timedelta(9),
        title=Label("S-zh", "Survey"), responsible=Label("O-zh", "Office"), contact="office@example.org",
    )  # fmt: skip
    screens = []
    async with serving(site_over(Settings(data_dir=tmp_path, database_url=sqlite_url))) as client:
        person = Person(client, "en")
        page = await person.open("/rate/walk/37")
        while (at := dict(page.fields)["at"]) != ":review":
            screens.append(at)
            offered = {field for field, _ in page.offered}
            page = await person.press(**{c: value for c, value in answers.items() if f"a-{c}" in offered})
            assert page.status == 200
            assert len(screens) < 20
        assert "were counted" in (await person.press("send")).words
    assert screens == expected.split()
    (stored,) = await Pending.objects()
    kept = {question: [one] if isinstance(one, str) else one for question, one in json.loads(stored.answers).items()}
    assert kept == {question: [one] if isinstance(one, str) else one for question, one in answers.items()}
