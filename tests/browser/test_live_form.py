"""Whole forms in a real browser, with and without scripts: what is stored is equal, and no way of failing loses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluator.collection.campaigns import Label, create_campaign
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.acceptance import Accepted, accept
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Context
from questionnaires.loading import loads, shipped_text
from tests.browser.paths import Answers, runs
from tests.browser.walking import Walk, stored, together

EVERY_TYPE = Path(__file__).parents[1] / "collection" / "every_type.yaml"
UNITS = [f"37{number:04d}" for number in range(100, 700)]
SHIPPED = ("sd-citizen",)
NOW = datetime.now(UTC)


@dataclass(slots=True)
class Place:
    """The site, and units that nobody has rated yet."""

    address: str
    home: Path
    texts: dict[str, str]
    free: list[str] = field(default_factory=lambda: list(UNITS))

    def form(self, campaign: str) -> tuple[str, str]:
        unit = self.free.pop()
        return unit, f"{self.address}/rate/{campaign}/{unit}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, new_site: Callable[..., Any]) -> Iterator[Place]:
    texts = {code: shipped_text(code) for code in SHIPPED}
    texts["every-type"] = EVERY_TYPE.read_text(encoding="utf-8")

    async def fill(settings: Settings) -> None:
        await Unit.insert(Unit(code="37", parent=None, level="P", name_zh="省", name_en="Province"))
        await Unit.insert(
            *(Unit(code=u, parent="37", level="K", name_zh=f"{u}县", name_en=f"County {u}") for u in UNITS)
        )
        for code, text in texts.items():
            await create_campaign(
                code, questionnaire=text, units=UNITS, opens=date.today() - timedelta(3),
                closes=date.today() + timedelta(20), title=Label("测试评议", f"Test of {code}"),
                responsible=Label("测试办公室", "Test office"), contact="office@example.org",
            )  # fmt: skip

    home = tmp_path_factory.mktemp("live")
    with new_site(home, fill) as address:
        yield Place(address, home, texts)


def both_ways(place: Place, campaign: str, answers: list[Answers]) -> tuple[list[Walk], list[Walk]]:
    """Each set of answers with a script and without one."""
    walks: list[Walk] = []
    for number, given in enumerate(answers):
        for script in (True, False):
            _unit, address = place.form(campaign)
            walks.append(Walk(address, given, script, ("en", "zh-CN")[number % 2]))
    together(walks)
    return walks[::2], walks[1::2]


def unit_of(walk: Walk) -> str:
    return walk.address.rsplit("/", 1)[1]


def expected(questionnaire: Questionnaire, given: Answers) -> dict[str, Any]:
    accepted = accept(questionnaire, given, Context(NOW, "1"))
    assert isinstance(accepted, Accepted), accepted
    return {code: list(a) if isinstance(a, tuple) else a for code, a in accepted.answers.items()}


@pytest.mark.parametrize("campaign", [*SHIPPED, "every-type"])
def test_every_path_stores_the_same_with_and_without_a_script(place: Place, campaign: str) -> None:
    questionnaire = loads(place.texts[campaign])
    answers = runs(questionnaire, Context(NOW, "1"))
    with_script, without = both_ways(place, campaign, answers)
    found = stored(place.home)
    chance = {item.code for item in questionnaire.items if item.calculate and "random" in item.calculate.source}
    for given, one, other in zip(answers, with_script, without, strict=True):
        here, there = found[unit_of(one)], found[unit_of(other)]
        for code in chance & here.keys() & there.keys():  # each visit has a seed of its own
            here[code] = there[code]
        assert here == there, given
        wanted = expected(questionnaire, given)
        assert {k: v for k, v in here.items() if k not in chance} == {
            k: v for k, v in wanted.items() if k not in chance
        }
        assert one.seen == other.seen, "the same questions are asked"
    asked = {code for walk in with_script for code in walk.seen}
    assert {question.code for question in questionnaire.questions if question.calculate is None} <= asked
