"""Every public page in both languages: what it says, what it must never say, and its data behind the same address."""

from __future__ import annotations

import csv
import html
import io
import re
from xml.etree import ElementTree

import pytest
from litestar.testing import AsyncTestClient

from evaluator.collection.tables import QuestionnaireVersion
from evaluator.publication import wording
from evaluator.rating.doors import SIMULATED
from tests.publication import small_edition as small
from tests.wiring import site_over

PATHS = {
    "home": "/",
    "editions": "/editions",
    "overview": "/editions/{id}",
    "region": "/editions/{id}/ranking/R",
    "municipalities": "/editions/{id}/ranking/M",
    "wards of one": "/editions/{id}/ranking/W?in=9001",
    "map": "/editions/{id}/map",
    "unit": f"/editions/{{id}}/units/{small.CAPPED}",
    "unit with points off": f"/editions/{{id}}/units/{small.DEDUCTED}",
    "unit without evidence": f"/editions/{{id}}/units/{small.SILENT}",
    "root": f"/editions/{{id}}/units/{small.REGION}",
    "method": "/editions/{id}/method",
    "downloads": "/editions/{id}/downloads",
    "found": "/find?q=9",
    "nothing found": "/find?q=nowhere",
    "comparison": "/editions/{id}/compare?u=9001&u=9002&u=9007",
    "comparison to choose": "/editions/{id}/compare?level=W",
    "indicator": "/editions/{id}/indicators/told?level=W",
    "dimension": "/editions/{id}/dimensions/keep",
}
HTML = {"Accept": "text/html"}


async def got(client: AsyncTestClient, path: str, language: str = "en", status: int = 200) -> str:
    answer = await client.get(path, headers={**HTML, "Accept-Language": language})
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


def pictures(page: str) -> list[ElementTree.Element]:
    """Every picture of data on a page, parsed as XML."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r'<svg class="chart.*?</svg>', page, re.DOTALL)]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("page", PATHS)
async def test_pages_are_shown_in_both_languages_with_the_mark_of_simulated_data(
    client: AsyncTestClient, published: str, page: str, language: str
) -> None:
    text = await got(client, PATHS[page].format(id=published), language)
    assert f'lang="{language}"' in text
    assert SIMULATED in html.unescape(text)
    for picture in pictures(text):
        inside = "".join(picture.itertext())
        assert SIMULATED in inside
        assert picture.get("role") == "img"
        named = {element.get("id") for element in picture.iter()}
        assert set(picture.get("aria-labelledby", "").split()) <= named
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert "style=" not in text
    assert re.findall(r"<script[^>]*>", text) in ([], ['<script type="application/ld+json">'])


async def test_a_chinese_page_has_no_english_sentence_left(client: AsyncTestClient, published: str) -> None:
    for path in PATHS.values():
        text = await got(client, path.format(id=published), "zh-CN")
        said = re.sub(r"<code.*?</code>|<style.*?</style>|<head>.*?</head>|<[^>]+>", " ", text, flags=re.DOTALL)
        said = re.sub(r"Kline, Rose, Walters|Mogstad, Romano, Shaikh, Wilhelm", "", said)
        assert not re.findall(r"(?:[A-Za-z]{2,} ){3,}", said), path


async def test_a_real_edition_carries_no_mark(
    client: AsyncTestClient, settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from datetime import date

    from evaluator.publication.publishing import publish

    folder = small.build(tmp_path_factory.mktemp("real") / "edition", simulated=False)
    row = await publish(settings, folder, lambda folder: (), date(2027, 2, 1))
    for path in ("", "/ranking/M", "/map", "/units/9001", "/method"):
        assert "SIMULATED" not in await got(client, f"/editions/{row.identifier}{path}")
    assert "SIMULATED" not in (await client.get(f"/editions/{row.identifier}/ranking/M.csv")).text


async def test_a_ranking_orders_by_tier_then_index_and_gives_ranges_of_ranks(
    client: AsyncTestClient, published: str, edition
) -> None:
    text = await got(client, f"/editions/{published}/ranking/M")
    order = [text.index(f'/units/{code}"') for code in edition.order["M"]]
    assert order == sorted(order)
    places = [(edition.ratings[code].tier, -edition.ratings[code].index) for code in edition.order["M"]]
    assert places == sorted(places)
    best = edition.ratings[small.CAPPED]
    assert best.capped_grade == "C"
    assert best.grade == "A"
    row = re.search(rf'/units/{small.CAPPED}".*?</tr>', text, re.DOTALL)
    assert row
    assert ">A<" in row[0]
    assert ">C<" in row[0]
    assert "capped to" in row[0]


async def test_a_long_chinese_name_is_broken_into_lines_of_the_picture(
    client: AsyncTestClient, published: str, edition
) -> None:
    text = await got(client, f"/editions/{published}/ranking/M", "zh-CN")
    name = edition.units["9009"].name.zh
    wide = next(p for p in pictures(text) if "chart--wide" in (p.get("class") or ""))
    lines = [e.text or "" for e in wide.iter() if e.get("class") == "name"]
    assert name not in lines
    assert any(len(line) > 5 and line in name for line in lines)
    assert any((e.text or "").startswith(name) for e in wide.iter() if e.tag.endswith("title"))


async def test_a_ranking_is_cut_into_pages_of_fifty(edition) -> None:
    from evaluator.publication import ranking

    many = edition.order["W"] * 4  # 116
    pages = [ranking.listing(edition, many, number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages if page] == [50, 50, 16]
    assert ranking.listing(edition, many, 4) is None
    assert ranking.listing(edition, many, 0) is None


async def test_a_ranking_under_a_parent_shows_only_its_units(client: AsyncTestClient, published: str, edition) -> None:
    text = await got(client, f"/editions/{published}/ranking/W?in=9001")
    shown = set(re.findall(r"/units/(\w+)\"", text))
    assert shown == {code for code in edition.order["W"] if code.startswith("9001")}
    assert re.search(r'<option value="9001" selected>', text)


async def test_a_unit_tells_its_rank_grade_weights_and_sources(
    client: AsyncTestClient, published: str, edition
) -> None:
    text = await got(client, f"/editions/{published}/units/9001")
    rating = edition.ratings["9001"]
    low, high = int(rating.rank_lower), int(rating.rank_upper)
    ordinals = {1: "1st", 2: "2nd", 3: "3rd"}
    words = f"between {ordinals.get(low, f'{low}th')} and {ordinals.get(high, f'{high}th')} of 10"
    assert words in text
    assert "95% confidence" in text
    for indicator in edition.scheme.indicators:
        assert indicator.name.en in text
    for told in ("mean score of the question", "invited citizens&#39; answers", "answers", "Reliability of the index"):
        assert told in text
    assert "Did you find the information" not in text  # no stored questionnaire asks it: the indicator's name stands in
    assert "Information found" in text


async def test_a_stored_questionnaire_gives_questions_and_answers_their_words(
    client: AsyncTestClient, published: str
) -> None:
    definition = (small.SOURCE / "people@1.yaml").read_text(encoding="utf-8")
    await QuestionnaireVersion(code="people", version="1", definition=definition).save()
    text = await got(client, f"/editions/{published}/units/9001")
    assert "Did you find the information you looked for from Qinglan?" in text
    assert "Found part of it" in text
    numbers = re.findall(r"shade(\w+)\"></span> (\d+)(?: · \w+)?</th>", text)
    kept_back = re.search(r"Not shown</th><td[^>]*>(.*?)</td>", text)
    assert kept_back
    hidden = [int(number) for number in re.findall(r"(\d+)(?: ·|;|$)", kept_back[1])]
    told = [int(number) for _shade, number in numbers]
    assert told == sorted(told)  # a scale in its order, not that of the file
    assert sorted(told + hidden) == list(range(11))  # what is not told is named together, once
    assert [shade for shade, _number in numbers] == sorted((shade for shade, _ in numbers), reverse=True)
    assert "shadenone" in text  # "don't know" has no score and no colour


async def test_the_weights_on_a_units_page_add_up_to_one(edition) -> None:
    from evaluator.publication.unit_view import blocks

    for code in ("9001", "900101", small.REGION, small.DEDUCTED):
        shown = blocks(edition, edition.units[code])
        weights = [line.weight for block in shown for line in block.lines if line.weight == line.weight]
        assert sum(weights) == pytest.approx(1)
        assert sum(block.weight for block in shown) == pytest.approx(1)


def test_a_unit_without_an_index_has_no_weights(edition) -> None:
    from evaluator.publication.unit_view import blocks

    shown = blocks(edition, edition.units[small.SILENT])
    assert shown
    assert all(line.weight != line.weight for block in shown for line in block.lines)


async def test_a_unit_without_evidence_says_so_and_has_no_grade(client: AsyncTestClient, published: str) -> None:
    text = await got(client, f"/editions/{published}/units/{small.SILENT}")
    assert "insufficient evidence" in text
    assert "Too little of the weight rests on numbers of its own." in text
    assert 'class="grade grade--' not in text.split('class="figures"')[1].split("Dimensions")[0]


async def test_points_off_and_vetoes_are_told(client: AsyncTestClient, published: str) -> None:
    assert "3.2 points were taken off" in await got(client, f"/editions/{published}/units/{small.DEDUCTED}")
    veto = await got(client, f"/editions/{published}/units/{small.CAPPED}")
    assert "Veto in force: Judgment defaulter (on the list on any day of the period)" in veto


async def test_the_method_page_is_made_from_the_editions_scheme(
    client: AsyncTestClient, published: str, edition
) -> None:
    text = await got(client, f"/editions/{published}/method")
    scheme = edition.scheme
    for indicator in scheme.indicators:
        assert f'id="i-{indicator.code}"' in text
        assert indicator.formula.en in text
    for label in (*scheme.tasks.values(), *scheme.levels.values(), *(d.name for d in scheme.dimensions)):
        assert label.en in text
    for words in ("12 to 36 months", "no more than 15 points", "units keep their grade", "power mean of exponent 0.5"):
        assert words in text
    assert ">57%<" in text  # `told` weighs 0.4 of the 0.7 that apply to wards in its dimension


async def test_the_map_colours_and_names_units_and_lists_them_beside(
    client: AsyncTestClient, published: str, edition
) -> None:
    text = await got(client, f"/editions/{published}/map")
    maps = [picture for picture in pictures(text) if "map" in (picture.get("class") or "")]
    assert len(maps) == 2  # one for phones, one for desktops
    for drawn in maps:
        areas = [e for e in drawn.iter() if e.get("class") == "area"]
        assert len(areas) == 10
        fills = {e.get("id"): e for e in drawn.iter() if e.tag.endswith("pattern")}
        shown = {fills[(area.get("fill") or "")[5:-1]] for area in areas}  # url(#...)
        grades = {r.grade for r in edition.ratings.values() if r.level == "M"}
        assert {fill[0].get("class") for fill in shown} == {f"area--{'ABCD'.index(grade)}" for grade in grades}
        meshes = [tuple(part.get("d") for part in fill[1:]) for fill in shown]
        assert len(set(meshes)) == len(meshes)  # told apart without any colour
    assert all(f'/units/{code}"' in text for code in edition.order["M"])


async def test_lower_levels_are_drawn_where_their_outlines_are_given(
    client: AsyncTestClient, published: str, edition, settings
) -> None:
    wards = edition.order["W"][:6]
    small.outlines(settings.data_dir / "outlines.geojson", [*edition.order["M"], *wards])
    text = await got(client, f"/editions/{published}/map?level=W")
    [wide, narrow] = [picture for picture in pictures(text) if "map" in (picture.get("class") or "").split()[:2]]
    for drawn in (wide, narrow):
        assert sum(e.get("class") == "area" for e in drawn.iter()) == 6
    above = edition.units[wards[0]].parent
    text = await got(client, f"/editions/{published}/map?level=W&in={above}")
    under = [code for code in wards if edition.units[code].parent == above]
    assert len(re.findall(r'class="area" fill="url\(#map-w', text)) == len(under) > 0


async def test_a_level_without_outlines_says_so(client: AsyncTestClient, published: str) -> None:
    assert "There are no outlines of these units." in await got(client, f"/editions/{published}/map?level=W")


@pytest.mark.parametrize(
    "path",
    ["/editions/none", "/editions/none.json", "/editions/{id}.csv", "/editions/{id}/ranking/X",
     "/editions/{id}/map?level=X",
     "/editions/{id}/ranking/M?page=2", "/editions/{id}/ranking/M?page=x", "/editions/{id}/ranking/M?in=77",
     "/editions/{id}/files/secret_key", "/editions/{id}/files/..%2F..%2Fsecret_key", "/editions/{id}/units/99"],
)  # fmt: skip
async def test_what_is_not_there_is_told_readably(client: AsyncTestClient, published: str, path: str) -> None:
    answer = await client.get(path.format(id=published), headers={**HTML, "Accept-Language": "en"})
    assert answer.status_code == 404
    if not path.endswith((".json", ".csv")):
        assert "Page not found" in answer.text
        assert "<html" in answer.text
    else:
        assert answer.json()["status"] == 404


async def test_the_same_address_gives_data(client: AsyncTestClient, published: str, edition) -> None:
    whole = (await client.get(f"/editions/{published}.json")).json()
    assert whole["edition"] == published
    assert whole["data_status"] == SIMULATED
    assert whole["units"]["M"] == 10
    ranking = (await client.get(f"/editions/{published}/ranking/M.json")).json()
    assert [row["unit"] for row in ranking["ratings"]] == list(edition.order["M"])
    assert ranking["ratings"][0]["index"] == edition.ratings[edition.order["M"][0]].index
    assert isinstance(ranking["ratings"][0]["rank_lower"], int)
    unit = (await client.get(f"/editions/{published}/units/{small.SILENT}.json")).json()
    assert unit["rating"]["state"] == "insufficient_evidence"
    assert unit["rating"]["index"] is None
    assert {row["node"] for row in unit["scores"]} >= {"index", "kept"}
    assert (await client.get("/editions.json")).json()["editions"][0]["identifier"] == published


async def test_csv_has_the_mark_the_same_figures_and_by_option_a_byte_order_mark(
    client: AsyncTestClient, published: str, edition
) -> None:
    plain = await client.get(f"/editions/{published}/ranking/W.csv?in=9001")
    answer = await client.get(f"/editions/{published}/ranking/W.csv?in=9001&bom=1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content == b"\xef\xbb\xbf" + plain.content
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["unit"] for row in rows} == {code for code in edition.order["W"] if code.startswith("9001")}
    assert all(row["data_status"] == SIMULATED for row in rows)
    assert float(rows[0]["index"]) == edition.ratings[rows[0]["unit"]].index
    scores = await client.get(f"/editions/{published}/units/9001.csv")
    assert {row["node"] for row in csv.DictReader(io.StringIO(scores.content.decode("utf-8-sig")))} >= {"index", "told"}


async def test_data_that_a_program_has_already_is_not_sent_again(client: AsyncTestClient, published: str) -> None:
    address = f"/editions/{published}/ranking/M.json"
    tag = (await client.get(address)).headers["etag"]
    assert (await client.get(address, headers={"If-None-Match": tag})).status_code == 304


async def test_files_are_served_byte_for_byte(client: AsyncTestClient, published: str, small_folder) -> None:
    for path in small_folder.iterdir():
        answer = await client.get(f"/editions/{published}/files/{path.name}")
        assert answer.content == path.read_bytes()


async def test_a_changed_folder_is_not_served_and_the_reason_is_told(
    client: AsyncTestClient, settings, published: str
) -> None:
    await got(client, f"/editions/{published}")
    path = settings.data_dir / "editions" / published / "ratings.csv"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"9001", b"9002", 1))
    text = await got(client, f"/editions/{published}/ranking/M", status=503)
    assert "ratings.csv was changed after it was published" in text
    answer = await client.get(f"/editions/{published}/ranking/M.json")
    assert answer.status_code == 503
    assert "ratings.csv" in answer.json()["detail"]
    path.write_bytes(content)
    await got(client, f"/editions/{published}/ranking/M")


async def test_the_home_page_of_an_empty_site_invites_to_rate(settings) -> None:

    async with AsyncTestClient(site_over(settings), base_url="http://testserver.local") as visitor:
        text = await got(visitor, "/")
        assert 'href="/rate"' in text
        assert 'href="/code"' in text
        assert "Nothing has been published yet." in text
        assert "Nothing has been published yet." in await got(visitor, "/editions")


async def test_where_nobody_has_an_index_the_page_says_so_and_draws_nothing(
    client: AsyncTestClient, published: str, edition
) -> None:
    state = edition.ratings[small.SILENT].state
    here = f"/editions/{published}/ranking/W?state={state}"
    text = await got(client, here)
    assert "None of these units has an index in this edition" in text
    assert pictures(text) == []
    assert f'/units/{small.SILENT}"' in text
    whole = await got(client, f"/editions/{published}/ranking/W")
    assert "None of these units has an index" not in whole
    assert pictures(whole)


def test_no_probability_is_called_certain() -> None:
    """Of the draws none may have gone the other way; another one could."""
    told = [wording.probability(share) for share in (1.0, 0.9999, 0.943, 0.0001, 0.0, float("nan"))]
    assert told == ["> 99%", "> 99%", "94%", "< 1%", "< 1%", "–"]
