"""Questionnaires come in as drafts, are looked at, published for good or deleted."""

from __future__ import annotations

import re

import pytest

from evaluator.collection.tables import QuestionnaireVersion
from tests.editing.conftest import HOME, SMALL, Site

DRAFT = f"{HOME}/small/1"


async def test_a_file_is_kept_as_a_draft_and_comes_back_byte_for_byte(site: Site) -> None:
    answer = await site.bring(SMALL)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DRAFT}?kept=new")
    page = await site.get(answer.headers["location"])
    assert page.status_code == 200
    for said in ("A small one", "draft", "Takes less than 25 seconds", "“How many days did it take?” is more than 900"):
        assert said in page.text, said
    assert (await site.get(f"{DRAFT}/definition.yaml")).content == SMALL.encode()
    (kept,) = await QuestionnaireVersion.objects()
    assert (kept.code, kept.version, kept.published) == ("small", "1", False)
    assert "/staff/questionnaires/small/1" in (await site.get(HOME)).text


async def test_the_same_file_again_changes_nothing(site: Site) -> None:
    await site.bring(SMALL)
    assert (await site.bring(SMALL)).headers["location"] == f"{DRAFT}?kept=same"
    assert await QuestionnaireVersion.count() == 1


async def test_a_draft_is_replaced_by_another_file_of_its_version(site: Site) -> None:
    await site.bring(SMALL)
    mended = SMALL.replace("Did you come", "Have you been")
    assert (await site.bring(mended)).headers["location"] == f"{DRAFT}?kept=replaced"
    assert (await site.get(f"{DRAFT}/definition.yaml")).content == mended.encode()
    assert await QuestionnaireVersion.count() == 1


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_a_file_with_mistakes_is_told_all_of_them_and_nothing_is_kept(site: Site, language: str) -> None:
    wrong = SMALL.replace("type: single", "type: singel").replace("${came} = 'yes'", "${cam} = 'yes'")
    page = await site.bring(wrong, language=language)
    assert page.status_code == 422
    cells = [re.sub(r"<.*?>", " ", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page.text, re.S)]
    assert cells[0] == "11"
    assert "singel" in cells[1]
    assert "single" in cells[1]
    assert any("cam" in cell for cell in cells[2:])
    assert await QuestionnaireVersion.count() == 0


async def test_programs_get_the_mistakes_as_problem_details(site: Site) -> None:
    answer = await site.bring(SMALL.replace("type: single", "type: singel"), accept="application/json")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == "small.yaml:11"
    empty = await site.bring(b"", accept="application/json")
    assert (empty.status_code, empty.json()["title"]) == (422, "There is no file")


async def test_publishing_asks_first_and_is_for_good(site: Site) -> None:
    await site.bring(SMALL)
    question = await site.get(f"{DRAFT}/publish")
    assert "never changes and cannot be deleted" in question.text
    assert not (await QuestionnaireVersion.objects())[0].published
    digest = re.findall(r'name="digest" value="(\w+)"', question.text)[0]
    assert (await site.post(f"{DRAFT}/publish", {"digest": digest})).status_code == 303
    assert (await QuestionnaireVersion.objects())[0].published
    refused = await site.bring(SMALL.replace("Did you come", "Have you been"))
    assert refused.status_code == 409
    assert "another version" in refused.text
    assert (await site.bring(SMALL)).headers["location"] == f"{DRAFT}?kept=same"
    assert (await site.post(f"{DRAFT}/delete")).status_code == 409
    assert (await site.post(f"{DRAFT}/publish", {"digest": digest})).status_code == 409
    assert (await site.get(f"{DRAFT}/definition.yaml")).content == SMALL.encode()
    page = await site.get(DRAFT)
    assert f"{DRAFT}/delete" not in page.text
    assert f"{DRAFT}/publish" not in page.text
    assert "is published" in (await site.get(f"{DRAFT}/publish")).text


async def test_what_was_replaced_since_it_was_looked_at_is_not_published(site: Site) -> None:
    await site.bring(SMALL)
    digest = re.findall(r'name="digest" value="(\w+)"', (await site.get(f"{DRAFT}/publish")).text)[0]
    await site.bring(SMALL.replace("Did you come", "Have you been"))
    answer = await site.post(f"{DRAFT}/publish", {"digest": digest})
    assert answer.status_code == 409
    assert "Look at it again" in answer.text
    assert not (await QuestionnaireVersion.objects())[0].published


async def test_a_draft_is_deleted_after_the_question(site: Site) -> None:
    await site.bring(SMALL)
    assert "Delete small@1?" in (await site.get(f"{DRAFT}/delete")).text
    answer = await site.post(f"{DRAFT}/delete")
    assert answer.status_code == 303
    assert "The draft was deleted." in (await site.get(answer.headers["location"])).text
    assert await QuestionnaireVersion.count() == 0
    assert (await site.get(DRAFT)).status_code == 404


async def test_missing_and_old_translations_are_listed(site: Site) -> None:
    text = SMALL.replace("languages: [zh, en]", "languages: [zh, en]\ntranslating: [en]")
    text = text.replace('text: {zh: "T-zh", en: "Anything else?"}', 'text: {zh: "T-zh"}')
    text = text.replace(
        '{zh: "W-zh", en: "How many days did it take?"}', '{zh: "W-zh", en: "How long?", from: {en: 00000000}}'
    )
    await site.bring(text)
    page = re.sub(r"\s+", " ", re.sub(r"<.*?>", " ", (await site.get(DRAFT)).text))
    assert "en older than the text W-zh experience/days/text" in page
    assert "en missing T-zh experience/word/text" in page


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_page_is_there_in_both_languages(site: Site, language: str) -> None:
    assert (await site.get(HOME, language)).status_code == 200
    await site.bring(SMALL)
    for address in (HOME, DRAFT, f"{DRAFT}/publish", f"{DRAFT}/delete"):
        page = await site.get(address, language)
        assert page.status_code == 200
        assert page.text.count("<h1") == 1
        assert (">C-zh" in page.text) or "A small one" in page.text or language == "zh-CN" or address != DRAFT


async def test_the_pages_are_the_operator_s_alone_and_forms_need_the_token(site: Site) -> None:
    await site.bring(SMALL)
    for deed in ("publish", "delete"):
        assert (await site.post(f"{DRAFT}/{deed}", csrf=False)).status_code == 403
    await site.become("superior")
    for address in (HOME, DRAFT, f"{DRAFT}/definition.yaml", f"{DRAFT}/publish", f"{DRAFT}/delete"):
        assert (await site.get(address)).status_code == 403, address
    for address in (HOME, f"{DRAFT}/publish", f"{DRAFT}/delete"):
        assert (await site.post(address)).status_code == 403, address
    site.token = ""
    assert (await site.get(HOME)).status_code == 303
    assert await QuestionnaireVersion.count() == 1


async def test_what_does_not_exist_is_not_found(site: Site) -> None:
    for address in ("small/1", "small/1/definition.yaml", "small/1/publish", "no%00ne/1", "a/b%00"):
        assert (await site.get(f"{HOME}/{address}")).status_code == 404, address
    assert (await site.post(f"{DRAFT}/delete")).status_code == 404
