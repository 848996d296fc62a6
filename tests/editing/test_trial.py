"""A questionnaire is previewed and tried out before it is published; what is tried never mixes with real answers."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx

from evaluator.collection.tables import Draft, Pending, TrialResponse
from tests.editing.conftest import HOME, SMALL, Site

EVERY_TYPE = (Path(__file__).parent.parent / "collection" / "every_type.yaml").read_text(encoding="utf-8")
TRIAL = f"{HOME}/small/1/try"


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form on a page."""
    inside = page[page.index('<form method="post"') :]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', inside)
    return {name: html.unescape(value) for name, value in pairs}


async def go(
    site: Site, page: httpx.Response, to: str = "next", address: str = TRIAL, **answers: str
) -> httpx.Response:
    """Press a button of a page, with answers to its questions."""
    sent = {**hidden(page.text), **{f"a-{code}": value for code, value in answers.items()}, "to": to}
    return await site.client.post(address, data=sent, headers=site.headers(), follow_redirects=False)


async def test_a_trial_goes_the_way_of_the_form_and_its_answers_are_kept_apart(site: Site) -> None:
    await site.bring(SMALL)
    page = await site.get(TRIAL)
    assert page.status_code == 200
    for word in ("This is a trial of small@1", "Did you come to the rated unit?"):
        assert word in page.text
    assert "/notice/" not in page.text
    wrong = await go(site, page)
    assert wrong.status_code == 422
    assert "This is a trial" in wrong.text
    page = await go(site, wrong, came="yes")
    assert "How many days did it take?" in page.text
    page = await go(site, page, days="901", word="=1+1")
    assert "Check your answers" in page.text
    assert "This is a trial" in page.text
    done = await go(site, page, "send", f"{TRIAL}/send")
    assert done.status_code == 303
    page = await site.get(done.headers["location"].partition("#")[0])
    for word in ("The trial answers are kept", "1 trial. It counts nowhere.", "901", "flags: too_fast prompted"):
        assert word in page.text, word
    assert await Pending.count() == await Draft.count() == 0
    (kept,) = await TrialResponse.objects()
    assert kept.answers == '{"came":"yes","days":901,"word":"=1+1"}'
    listed = (await site.get(f"{HOME}/small/1/trials.csv")).content.decode("utf-8-sig").splitlines()
    assert listed[0] == "TRIAL,questionnaire,day,flags,came,days,word"
    assert listed[1].startswith("TRIAL,small@1,")
    assert listed[1].endswith(",too_fast prompted,yes,901,'=1+1")


async def test_changing_the_language_in_a_trial_keeps_the_answers(site: Site) -> None:
    await site.bring(SMALL)
    page = await go(site, await site.get(TRIAL), came="yes")
    page = await go(site, page, "language:zh-CN", days="3")
    assert 'lang="zh-CN"' in page.text
    assert 'value="3"' in page.text
    assert page.headers["set-cookie"].startswith("language=zh-CN")
    assert not any("draft=" in value for value in page.headers.get_list("set-cookie"))


async def test_a_script_saves_nothing_of_a_trial(site: Site) -> None:
    await site.bring(SMALL)
    saved = await go(site, await site.get(TRIAL), "save", came="yes")
    assert (saved.status_code, saved.content) == (204, b"")
    assert await TrialResponse.count() == await Draft.count() == 0


async def test_a_trial_cannot_be_sent_as_a_real_answer_nor_as_another_trial(site: Site) -> None:
    await site.bring(SMALL)
    await site.bring(SMALL.replace('version: "1"', 'version: "2"'))
    page = await site.get(TRIAL)
    other = await go(site, page, "send", f"{HOME}/small/2/try/send", came="no")
    assert other.status_code == 400
    assert (await go(site, page, "send", "/code/send", came="no")).status_code == 400
    assert await TrialResponse.count() == await Pending.count() == 0


async def test_a_trial_needs_the_session_s_token(site: Site) -> None:
    await site.bring(SMALL)
    fields = hidden((await site.get(TRIAL)).text)
    for address in (TRIAL, f"{TRIAL}/send"):
        sent = {**fields, "a-came": "no", "csrf": "x"}
        answer = await site.client.post(address, data=sent, headers=site.headers())
        assert answer.status_code == 403
    await site.become("superior")
    for address in (TRIAL, f"{HOME}/small/1/preview", f"{HOME}/small/1/trials.csv"):
        assert (await site.get(address)).status_code == 403
    assert await TrialResponse.count() == 0


async def test_replacing_and_deleting_a_draft_takes_its_trials_along(site: Site) -> None:
    for deed in ("replace", "delete"):
        await site.bring(SMALL)
        await go(site, await site.get(TRIAL), "send", f"{TRIAL}/send", came="no")
        assert await TrialResponse.count() == 1
        if deed == "replace":
            await site.bring(SMALL.replace("Did you come", "Have you been"))
        else:
            assert "1 trial answer" in (await site.get(f"{HOME}/small/1/delete")).text
            await site.post(f"{HOME}/small/1/delete")
        assert await TrialResponse.count() == 0


async def test_what_a_campaign_cannot_ask_is_not_tried_and_the_version_says_why(light_site: Site) -> None:
    await light_site.bring(SMALL.replace("type: text", "type: geopoint"))
    assert "word asks for a place" in (await light_site.get(f"{HOME}/small/1")).text
    refused = await light_site.get(TRIAL)
    assert refused.status_code == 409
    assert "asks for a place" in refused.text
