"""The public library of questionnaires: its list, a page for each, and its files."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from evaluator import language
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.library.forms import PURPOSES, all_forms, find_form
from evaluator.library.lasting import between, lasting
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.loading import load_shipped, shipped, shipped_text
from questionnaires.xlsform.importing import import_form
from tests.days import local_day
from tests.wiring import site_over

Serving = Callable[[Litestar], AbstractAsyncContextManager[httpx.AsyncClient]]
PAGE = {"accept": "text/html"}


@pytest.fixture
def app(tmp_path: Path, sqlite_url: str) -> Litestar:
    return site_over(Settings(data_dir=tmp_path, database_url=sqlite_url))


def words(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))


@pytest.fixture(params=["en", "zh-CN"])
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    """The language of the visitor; outside of a request too."""
    token = language.current.set(request.param)
    yield str(request.param)
    language.current.reset(token)


async def test_the_list_leads_to_every_form_and_says_what_for_and_how_long(
    app: Litestar, serving: Serving, spoken: str
) -> None:
    async with serving(app) as client:
        page = await client.get("/library", headers={**PAGE, "accept-language": spoken})
        assert page.status_code == 200
        assert set(PURPOSES) == set(shipped())
        for form in all_forms():
            assert f'href="/library/{form.code}"' in page.text
            assert f'href="/library/{form.code}.yaml"' in page.text
            assert form.purpose in words(page.text)
            assert between(form.paths) in words(page.text)
        assert list(re.findall(r'<h2[^>]*><a[^>]*href="/library/([\w-]+)"', page.text))[-1] == "sd-assessor"


@pytest.mark.parametrize("code", shipped())
async def test_the_page_of_a_form_holds_every_text_choice_source_and_test(
    app: Litestar, serving: Serving, spoken: str, code: str
) -> None:
    questionnaire, said = load_shipped(code), spoken.partition("-")[0]
    unit = language.gettext("this office")
    async with serving(app) as client:
        page = await client.get(f"/library/{code}", headers={**PAGE, "accept-language": spoken})
    assert page.status_code == 200
    told = words(page.text)
    for place, text in questionnaire.texts():
        if place.endswith(("_message", "/from")):
            continue
        expected = text.fill(said, unit, dict.fromkeys(text.names(), "…"))
        assert " ".join(expected.split()) in told, place
    for item in questionnaire.items:
        assert f'id="q-{item.code}"' in page.text
    assert "{unit}" not in page.text
    assert "${" not in re.sub(r"<code>.*?</code>", "", page.text)


async def test_a_condition_is_told_in_words(app: Litestar, serving: Serving) -> None:
    async with serving(app) as client:
        page = await client.get("/library/sd-service", headers={**PAGE, "accept-language": "en"})
        assert "is “Dissatisfied” or " in words(page.text)
        assert "is “Very dissatisfied”" in words(page.text)
        page = await client.get("/library/sd-enterprise", headers={**PAGE, "accept-language": "en"})
        assert "includes “Supplied it with goods, works or services”" in words(page.text)


async def test_scores_are_told_and_what_is_not_scored_has_none(app: Litestar, serving: Serving) -> None:
    async with serving(app) as client:
        page = await client.get("/library/sd-service", headers={**PAGE, "accept-language": "en"})
    told = words(page.text)
    assert "Very satisfied 100 points" in told
    assert "Very dissatisfied 0 points" in told
    assert not re.search(r"Cannot say [\d.]+ points", told)


@pytest.mark.parametrize("code", shipped())
async def test_the_file_is_the_form_itself(app: Litestar, serving: Serving, code: str) -> None:
    async with serving(app) as client:
        answer = await client.get(f"/library/{code}.yaml")
        assert answer.text == shipped_text(code)
        assert f'filename="{code}.yaml"' in answer.headers["content-disposition"]
        again = await client.get(f"/library/{code}.yaml", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304


@pytest.mark.parametrize("code", shipped())
async def test_the_xlsform_comes_back_as_the_same_questionnaire(app: Litestar, serving: Serving, code: str) -> None:
    async with serving(app) as client:
        answer = await client.get(f"/library/{code}.xlsx")
    assert answer.status_code == 200
    assert f'filename="{code}.xlsx"' in answer.headers["content-disposition"]
    assert import_form(answer.content, f"{code}.xlsx").questionnaire == load_shipped(code)


async def test_a_survey_of_a_shipped_form_leads_to_its_questions_and_one_of_another_form_does_not(
    app: Litestar, serving: Serving
) -> None:
    today = local_day()
    await Unit.insert(Unit(code="37", level="P", name_zh="P-zh", name_en="Province"))
    changed = shipped_text("sd-citizen").replace("code: sd-citizen", "code: ours")
    for code, text in (("known", shipped_text("sd-citizen")), ("changed", changed)):
        await create_campaign(
            app.state.settings, code, questionnaire=text, units=["37"], opens=today - timedelta(1),
            closes=today + timedelta(9),
            title=Label("S-zh", "Survey"), responsible=Label("O-zh", "Office"), contact="office@example.org",
        )  # fmt: skip
    async with serving(app) as client:
        for path in ("/rate?campaign={}", "/notice/{}"):
            assert 'href="/library/sd-citizen"' in (await client.get(path.format("known"), headers=PAGE)).text
            assert 'href="/library/' not in (await client.get(path.format("changed"), headers=PAGE)).text


@pytest.mark.parametrize(
    "path", ["/library/nothing", "/library/sd-citizen.exe", "/library/..%2fsd-citizen", "/library/sd-citizen.yaml.yaml"]
)
async def test_what_is_not_there_is_not_found(app: Litestar, serving: Serving, path: str) -> None:
    async with serving(app) as client:
        assert (await client.get(path, headers=PAGE)).status_code == 404


async def test_every_page_leads_to_the_library(app: Litestar, serving: Serving) -> None:
    async with serving(app) as client:
        assert 'href="/library"' in (await client.get("/notice", headers=PAGE)).text


def test_a_form_in_one_language_is_not_shown_in_the_other() -> None:
    for spoken, title in (("en", "Your review of the service you just received"), ("zh-CN", "")):
        token = language.current.set(spoken)
        found = find_form("sd-service")
        language.current.reset(token)
        assert found is not None
        assert (found.title == title) == (spoken == "en")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ((43.0, 43.0), "45 seconds"),
        ((1.0, 2.0), "5 seconds"),
        ((43.0, 61.0), "45–60 seconds"),
        ((20.0, 90.0), "0.5–1.5 minutes"),
        ((95.0, 130.0), "1.5–2 minutes"),
        ((124.0, 124.0), "2 minutes"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: tuple[float, float], said: str) -> None:
    token = language.current.set("en")
    told = lasting(seconds)
    language.current.reset(token)
    assert told == said
