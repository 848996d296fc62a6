"""Data at the addresses of the pages: formats, windows, ETags, gzip, CORS, and the description of it all."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import duckdb
import pytest
from jsonschema import Draft202012Validator
from litestar.testing import AsyncTestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.publication import small_edition as small
from tests.publication.test_exports import read_workbook

DOCS = Path(__file__).parents[2] / "docs" / "api.md"
FORMS = ("json", "csv", "xlsx", "parquet")


async def test_a_level_is_the_same_in_all_formats(client: AsyncTestClient, published: str, edition, tmp_path) -> None:
    codes = list(edition.order["M"])
    got = {form: await client.get(f"/editions/{published}/ranking/M.{form}") for form in FORMS}
    assert [answer.status_code for answer in got.values()] == [200] * 4
    assert [row["unit"] for row in got["json"].json()["ratings"]] == codes
    assert [row["unit"] for row in csv.DictReader(io.StringIO(got["csv"].text))] == codes
    sheet = read_workbook(got["xlsx"].content)
    assert [row[0] for row in sheet["ratings"][2:]] == codes
    path = tmp_path / "m.parquet"
    path.write_bytes(got["parquet"].content)
    assert [row[0] for row in duckdb.sql(f"SELECT unit FROM read_parquet('{path}')").fetchall()] == codes


@pytest.mark.parametrize("form", FORMS)
async def test_a_unit_is_there_in_all_formats(client: AsyncTestClient, published: str, form: str) -> None:
    assert (await client.get(f"/editions/{published}/units/9001.{form}")).status_code == 200


async def test_an_indicators_scores_are_its_rows_of_the_edition(
    client: AsyncTestClient, published: str, edition
) -> None:
    told = (await client.get(f"/editions/{published}/indicators/told.json")).json()
    assert told["total"] == len(told["scores"]) > 10
    for row in told["scores"]:
        score = edition.score(row["unit"], "told")
        assert row["score"] == pytest.approx(score.score) if row["score"] is not None else score.score != score.score
        assert (row["state"], row["name_en"]) == (score.state, edition.units[row["unit"]].name.en)
    some = list(
        csv.DictReader(io.StringIO((await client.get(f"/editions/{published}/indicators/told.csv?level=M")).text))
    )
    assert {row["level"] for row in some} == {"M"}
    assert len(some) < told["total"]


async def test_every_answer_has_a_strong_tag_open_doors_and_304_for_who_has_it(
    client: AsyncTestClient, published: str
) -> None:
    for path in ("/editions.json", f"/editions/{published}.json", *(
        f"/editions/{published}/{part}.{form}" for part in ("ranking/W", "units/9001") for form in FORMS
    )):  # fmt: skip
        first = await client.get(path, headers={"accept-encoding": "identity"})
        tag = first.headers["etag"]
        assert tag.startswith('"')
        assert first.headers["access-control-allow-origin"] == "*"
        again = await client.get(path, headers={"accept-encoding": "identity", "if-none-match": f'"x", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        packed = await client.get(path, headers={"accept-encoding": "gzip"})
        assert (packed.headers["etag"] == tag) == path.endswith(("xlsx", "parquet"))


async def test_text_goes_packed_to_who_takes_gzip(client: AsyncTestClient, published: str) -> None:
    path = f"/editions/{published}/ranking/W.json"
    plain = await client.get(path, headers={"accept-encoding": "identity"})
    async with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 3


async def test_a_long_list_is_read_window_by_window(client: AsyncTestClient, published: str, edition) -> None:
    path, found = f"/editions/{published}/ranking/W.json?limit=7", []
    for _window in range(9):
        answer = await client.get(path)
        found += [row["unit"] for row in answer.json()["ratings"]]
        links = {name: address for address, name in _links(answer.headers.get("link", ""))}
        if "next" not in links:
            break
        path = links["next"]
    assert found == list(edition.order["W"])
    assert set(links) == {"first", "prev"}
    rows = list(csv.DictReader(io.StringIO((await client.get(path.replace(".json", ".csv"))).text)))
    assert [row["unit"] for row in rows] == found[-len(rows) :]
    for query in ("limit=0", "limit=5001", "offset=x"):
        wrong = await client.get(f"/editions/{published}/ranking/W.json?{query}")
        assert (wrong.status_code, wrong.headers["content-type"]) == (400, "application/problem+json")


def _links(header: str) -> list[tuple[str, str]]:
    parts = (part.split(";") for part in header.split(", ") if part)
    return [(address.strip("<>"), rel.split('"')[1]) for address, rel in parts]


async def test_a_list_of_editions_names_scheme_and_state(client: AsyncTestClient, published: str) -> None:
    [told] = (await client.get("/editions.json")).json()["editions"]
    assert (told["identifier"], told["state"], told["scheme"]["version"]) == (published, "published", "1")
    assert (await client.get(f"/editions/{published}.json")).json()["state"] == "published"


async def test_what_is_not_there_is_told_as_a_problem(client: AsyncTestClient, published: str) -> None:
    for path in (
        "/editions/none.json",
        f"/editions/{published}/ranking/X.parquet",
        f"/editions/{published}/units/0.csv",
        f"/editions/{published}/indicators/none.json",
        f"/editions/{published}/indicators/told.json?level=Q",
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_staff_data_are_not_open_to_other_sites(client: AsyncTestClient) -> None:
    answer = await client.get(f"/staff/review/{small.REGION}/ratings.json")
    assert "access-control-allow-origin" not in answer.headers


async def test_the_description_is_valid_openapi_and_what_the_site_answers_is_as_described(
    client: AsyncTestClient, published: str
) -> None:
    answer = await client.get("/openapi.json")
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    for path, schema in (
        ("/editions.json", "Editions"), ("/schemes.json", "Schemes"), (f"/editions/{published}.json", "About"),
        (f"/editions/{published}/ranking/M.json", "Ratings"), (f"/editions/{published}/units/9001.json", "Unit"),
        (f"/editions/{published}/indicators/told.json?level=M", "Scores"),
        (f"/editions/{published}/dimensions/keep.json?limit=3", "Scores"), ("/editions/none.json", "Problem"),
    ):  # fmt: skip
        validator = Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **document})
        assert [error.message for error in validator.iter_errors((await client.get(path)).json())] == [], path
    for path, operations in document["paths"].items():
        told = operations["get"]["responses"]["200"]["content"]["application/json"]
        validator = Draft202012Validator({**told["schema"], **document})
        assert [error.message for error in validator.iter_errors(told["example"])] == [], path


async def test_the_description_reads_as_a_page_in_both_languages(client: AsyncTestClient) -> None:
    for language in ("en", "zh-CN"):
        page = await client.get("/openapi", headers={"accept": "text/html", "accept-language": language})
        assert page.status_code == 200
        for path in (await client.get("/openapi.json")).json()["paths"]:
            assert path in page.text


async def test_latest_leads_to_the_latest_edition(client: AsyncTestClient, published: str) -> None:
    answer = await client.get("/editions/latest.json", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/editions/{published}.json")
    for asked, led in (
        ("", ""),
        ("/ranking/M?in=90&sort=name", "/ranking/M?in=90&sort=name"),
        ("/units/9001.csv",) * 2,
    ):
        answer = await client.get(f"/editions/latest{asked}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (302, f"/editions/{published}{led}")
        assert (await client.get(f"/editions/latest{asked}", follow_redirects=True)).status_code == 200


async def test_the_example_of_the_documentation_runs(
    client: AsyncTestClient, published: str, edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ten lines of docs/api.md, with its addresses answered by this site."""
    text = DOCS.read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(code.strip().splitlines()) <= 10
    asked: list[str] = []

    def urlopen(address: str) -> io.BytesIO:
        asked.append(address.removeprefix("https://ratings.example.org"))
        return io.BytesIO(asyncio.run_coroutine_threadsafe(client.get(asked[-1]), loop).result().content)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    said = io.StringIO()
    with redirect_stdout(said):
        await asyncio.to_thread(exec, code.replace("LEVEL", "M"), {})
    assert asked == ["/editions/latest.json", f"/editions/{published}/ranking/M.json"]
    assert said.getvalue().splitlines()[0].startswith(edition.order["M"][0])
    assert len(said.getvalue().splitlines()) == len(edition.order["M"])
