"""What a visitor can do on the public site besides reading: find, compare, look into an indicator, cite, share."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from evaluator.publication import comparison, over_time
from evaluator.publication.citation import bibtex, dataset
from evaluator.publication.editions import Edition
from evaluator.publication.publishing import publish
from evaluator.records.tables import Event, Import
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from tests.publication import small_edition as small

HTML = {"Accept": "text/html", "Accept-Language": "en"}


async def text_of(client: AsyncTestClient, path: str, status: int = 200) -> str:
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text[:500]
    return answer.text


async def test_a_search_leads_to_the_unit_or_lists_what_fits(
    client: AsyncTestClient, published: str, edition: Edition
) -> None:
    answer = await client.get("/find?q=900700000000", headers=HTML, follow_redirects=False)
    assert answer.headers["location"] == f"/editions/{published}/units/9007"
    several = await text_of(client, "/find?q=9003")
    assert 'units/9003"' not in several or "units/900301" in several
    listed = await text_of(client, "/find?q=900")
    assert len(set(re.findall(r"/units/(\w+)\"", listed))) == sum(code.startswith("900") for code in edition.ratings)
    assert "Nothing is called “zzz”" in await text_of(client, "/find?q=zzz")


def test_a_difference_is_real_exactly_where_its_interval_leaves_zero_out(edition: Edition) -> None:
    codes = edition.order["M"][:4]
    sure = edition.scheme.uncertainty.interval
    found = comparison.differences(edition, codes)
    assert {one.node for one in found} == {"index", *(d.code for d in edition.scheme.dimensions)}
    assert sum(one.node == "index" for one in found) == 6
    table = comparison.pairwise(edition, codes)
    for one in found:
        assert (one.real(sure) != 0) == (one.lower > 0 or one.upper < 0) or min(abs(one.lower), abs(one.upper)) < 0.2
        if one.node == "index":
            assert one.above == pytest.approx(table[codes.index(one.first), codes.index(one.second)], abs=0.005)
            gap = edition.ratings[one.first].index - edition.ratings[one.second].index
            assert one.value == pytest.approx(gap)


async def test_a_comparison_says_what_is_real_and_what_it_cannot_take(
    client: AsyncTestClient, published: str, edition: Edition
) -> None:
    here = f"/editions/{published}/compare"
    best, worst = edition.order["M"][0], edition.order["M"][-1]
    text = await text_of(client, f"{here}?u={best}&u={edition.units[worst].name.en.replace(' ', '+')}")
    assert "is really better than" in text or "are not told apart" in text
    assert text.count("<svg") == 2 * (1 + len(edition.scheme.dimensions))
    assert "No unit is called “nobody”" in await text_of(client, f"{here}?u={best}&u=nobody")
    assert "is of another level" in await text_of(client, f"{here}?u={best}&u=900101")
    assert "fits" in await text_of(client, f"{here}?u={best}&u=900")
    assert "cannot be compared" in await text_of(client, f"{here}?u=900302&u={small.SILENT}")
    assert "Name at least two units." in await text_of(client, f"{here}?u={best}")
    await text_of(client, f"{here}?level=Q", 404)


async def test_an_indicators_page_tells_its_weight_and_every_unit_with_its_state(
    client: AsyncTestClient, published: str, edition: Edition
) -> None:
    text = await text_of(client, f"/editions/{published}/indicators/told?level=M")
    for told in ("Information found", "mean score of the question", "20 → 100", "invited citizens&#39; answers"):
        assert told in text
    assert set(re.findall(r"/units/(\w+)\"", text)) == set(edition.order["M"])
    await text_of(client, f"/editions/{published}/indicators/told?level=Q", 404)
    await text_of(client, f"/editions/{published}/indicators/nothing", 404)
    await text_of(client, f"/editions/{published}/indicators/told?page=7", 404)
    assert "/indicators/kept" in await text_of(client, f"/editions/{published}/dimensions/keep")


async def test_records_are_shown_as_they_stand_today_and_no_allegation_or_repaired_one(
    client: AsyncTestClient, published: str
) -> None:
    await Unit(code="9001", parent=None, level="M", name_zh="Q", name_en="Q").save()
    brought = Import(
        kind="events", file_name="e.csv", sha256="0" * 64, imported_on=date(2027, 1, 1), rows=6, source="court"
    )
    await brought.save()
    states = ["final", "final", "contested", "rectified", "repaired", "alleged", "expired"]
    for number, state in enumerate(states):
        await Event(
            unit="9001", record=f"case-{number}", record_class="serious", document_date=date(2026, 5, 1), state=state,
            state_date=date(2026, 6, 1 + number), brought_by=brought.id,
        ).save()  # fmt: skip
    text = await text_of(client, f"/editions/{published}/units/9001")
    part = text[text.index('id="today"') : text.index("Live, and so not the figures")]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", part)
    assert cells == [
        "final, not yet rectified", "2", "June 2, 2026", "under objection, not final", "1", "June 3, 2026", "rectified",
        "1", "June 4, 2026",
    ]  # fmt: skip
    assert "case-" not in text
    assert "No finding stands" in await text_of(client, f"/editions/{published}/units/9002")


async def test_a_unit_is_shown_over_the_editions_of_one_scheme_and_a_change_only_where_it_is_real(
    client: AsyncTestClient, settings: Settings, published: str, edition: Edition, tmp_path: Path
) -> None:
    assert "Over time" not in await text_of(client, f"/editions/{published}/units/9001")
    second = small.build(tmp_path / "later", seed=8)
    row = await publish(settings, second, lambda folder: (), date(2027, 3, 1))
    text = await text_of(client, f"/editions/{row.identifier}/units/9001")
    assert "Over time" in text
    assert f"/editions/{published}/units/9001" in text
    folder = settings.data_dir / "editions" / published
    found = over_time.rating_in(folder, edition_sums(folder), edition.note.scheme.sha256, "9001")
    assert found == edition.ratings["9001"]
    assert over_time.rating_in(folder, edition_sums(folder), "another scheme", "9001") is None
    assert over_time.rating_in(folder, "0" * 64, edition.note.scheme.sha256, "9001") is None


def edition_sums(folder: Path) -> str:
    from evaluator.rating.folders import sha256_of

    return sha256_of(folder / "SHA256SUMS")


async def test_an_edition_is_told_to_search_engines_and_cited(
    client: AsyncTestClient, settings: Settings, published: str, edition: Edition
) -> None:
    text = await text_of(client, f"/editions/{published}/data")
    told = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert told["@type"] == "Dataset"
    assert told["identifier"] == published
    assert told["temporalCoverage"] == "2026-01-01/2026-12-31"
    named = {one["name"] for one in told["distribution"]}
    assert {"ratings.csv", "ratings.parquet", "edition.json"} <= named
    assert f"(edition {published})" in text
    entry = bibtex(settings, edition, date(2027, 1, 15))
    assert entry.startswith("@misc{")
    assert entry.count("{") == entry.count("}")
    assert "<" not in dataset(settings, edition, date(2027, 1, 15), {"</script>.csv": 1})


async def test_an_address_can_name_its_language_and_every_page_its_other_one(
    client: AsyncTestClient, published: str
) -> None:
    path = f"/editions/{published}/ranking/M?sort=name"
    text = await text_of(client, path)
    assert re.search(r'<link rel="canonical" href="[^"]+/ranking/M\?sort=name">', text)
    chinese = re.search(r'hreflang="zh-CN" href="https?://[^/]+([^"]+)"', text)
    assert chinese
    other = await text_of(client, chinese[1].replace("&amp;", "&"))
    assert 'lang="zh-CN"' in other
    assert re.search(r'<link rel="canonical" href="[^"]+/ranking/M\?sort=name">', other)
    assert re.search(r'<meta name="description" content="[^"]+">', other)
    assert "back=/editions" in other.replace("%3F", "?")
    assert 'lang="en"' in await text_of(client, f"{path}&language=nonsense")


async def test_every_list_and_unit_offers_itself_in_four_formats(client: AsyncTestClient, published: str) -> None:
    here = f"/editions/{published}"
    for page in ("/ranking/M?in=90&sort=name", "/units/9001", "/indicators/told?level=M", "/dimensions/keep"):
        text = await text_of(client, here + page)
        at = page.partition("?")[0]
        led = re.findall(rf'href="({re.escape(here + at)}[.](?:xlsx|csv|parquet|json)[^"]*)"', text)
        assert len(led) == 5, page
        for address in led:
            answer = await client.get(address.replace("&amp;", "&"))
            assert answer.status_code == 200, address
            assert answer.content.startswith(b"\xef\xbb\xbf") == ("bom=1" in address), address
