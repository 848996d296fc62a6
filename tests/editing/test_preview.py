"""Every screen is shown as a phone would show it, with its rules in words."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from tests.editing.conftest import HOME, SMALL, Site

EVERY_TYPE = (Path(__file__).parent.parent / "collection" / "every_type.yaml").read_text(encoding="utf-8")


def plain(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<.*?>", " ", page)))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_every_item_stands_on_a_screen_with_all_its_choices(light_site: Site, language: str) -> None:
    await light_site.bring(EVERY_TYPE, "every.yaml")
    address = f"{HOME}/every-type/1/preview"
    frames = re.findall(r'<iframe [^>]*src="([^"]+)"', (await light_site.get(f"{address}?language={language}")).text)
    codes: list[str] = []
    screens = []
    for frame in frames:
        page = await light_site.get(html.unescape(frame))
        assert page.status_code == 200
        ids = re.findall(r' id="([^"]+)"', page.text)
        assert len(ids) == len(set(ids))
        codes += re.findall(r'data-question="([^"]+)"', page.text)
        screens.append(page.text)
    assert len(codes) == len(set(codes))
    for code in ("visited", "trust", "office", "days", "day", "city", "pupils", "remark"):
        assert code in codes, code
    whole = plain("".join(screens))
    assert {"en": "Nanjing", "zh-CN": "\u5357\u4eac"}[language] in whole, "choices behind a filter are shown too"
    if language == "en":
        assert "In which city of [province]?" in whole


async def test_the_rules_of_a_screen_are_said_in_words(light_site: Site) -> None:
    await light_site.bring(EVERY_TYPE, "every.yaml")
    text = plain((await light_site.get(f"{HOME}/every-type/1/preview")).text)
    for said in (
        "“How many days did it take?” must be answered when “Have you been to …?” is “Yes”",
        "“On which day did you go?” is taken only when the answer is at most today",
        "“In which city of …?” offers the choices of which the choice's province is “In which province?”",
        "The group “School” is shown only when “How many children?” is more than 0",
        "persons is worked out and not shown: (“How many adults?” + “How many children?”)",
    ):
        assert said in text, said


async def test_a_screen_may_be_framed_by_this_site_alone_and_cannot_be_sent(light_site: Site) -> None:
    await light_site.bring(SMALL)
    address = f"{HOME}/small/1/preview"
    outer, inner = await light_site.get(address), await light_site.get(f"{address}/1")
    assert "frame-src 'self'" in outer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in outer.headers["content-security-policy"]
    assert inner.headers.get_list("content-security-policy")[0].endswith("frame-ancestors 'self'")
    assert len(inner.headers.get_list("content-security-policy")) == 1
    assert 'sandbox="allow-same-origin"' in outer.text
    assert "<form" not in inner.text
    assert "<script" not in inner.text


async def test_the_preview_speaks_the_visitor_s_language_not_the_operator_s(light_site: Site) -> None:
    await light_site.bring(SMALL)
    address = f"{HOME}/small/1/preview"
    inner = (await light_site.get(f"{address}/1?language=zh-CN", "en")).text
    assert 'lang="zh-CN"' in inner
    assert "C-zh" in inner
    assert "Did you come" not in inner
    outer = (await light_site.get(f"{address}?language=zh-CN", "en")).text
    assert "is shown only when" in outer
    assert f"{address}/1?language=zh-CN" in outer
    for wrong in ("?language=fr", "?page=2", "/0", "/99", "/1?language=fr", "/99999999999999999999"):
        assert (await light_site.get(f"{address}{wrong}")).status_code == 404, wrong


async def test_a_long_questionnaire_is_previewed_page_by_page(light_site: Site) -> None:
    items = "\n".join(
        f'      - {{code: q{n}, type: text, text: {{zh: "Z{n}", en: "Question {n}"}}}}' for n in range(90)
    )
    await light_site.bring(
        'code: long\nversion: "1"\nlanguages: [zh, en]\nsections:\n  - code: s\n    show: one_by_one\n'
        f'    title: {{zh: "S-zh", en: "S"}}\n    items:\n{items}\n'
    )
    first = (await light_site.get(f"{HOME}/long/1/preview")).text
    last = (await light_site.get(f"{HOME}/long/1/preview?page=3")).text
    assert first.count("<iframe") == 40
    assert last.count("<iframe") == 10
    assert "Question 89" in (await light_site.get(f"{HOME}/long/1/preview/90")).text
