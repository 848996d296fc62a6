"""A superior's review: its own subordinates only, which differences are real, and the same as files."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from litestar.testing import AsyncTestClient
from scipy.stats import norm

from evaluator.accounts.register import create_account
from evaluator.app import Site
from evaluator.publication import review
from evaluator.publication.comparison import pairwise
from evaluator.rating.doors import SIMULATED
from tests.publication import small_edition as small
from tests.publication.test_exports import read_workbook

PASSWORD = "correct horse battery staple"


@pytest.fixture
async def staff(client: AsyncTestClient[Site]) -> AsyncIterator[AsyncTestClient[Site]]:
    """The site with units and a superior of each kind of scope; nobody is signed in yet."""
    await small.keep_units()
    await create_account("region", PASSWORD, "superior", unit=small.REGION)
    await create_account("city", PASSWORD, "superior", unit="9001")
    await create_account("operator", PASSWORD, "operator")
    await create_account("office", PASSWORD, "representative", unit="9001")
    return client


async def sign_in(client: AsyncTestClient[Site], name: str) -> None:
    answer = await client.post("/sign-in", data={"name": name, "password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303


async def status(client: AsyncTestClient[Site], path: str) -> int:
    return (await client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)).status_code


async def test_nobody_sees_a_review_without_signing_in(staff: AsyncTestClient[Site]) -> None:
    assert await status(staff, "/staff/review") == await status(staff, "/staff/review/9001") == 303  # to the sign-in
    assert await status(staff, "/staff/review/9001/ratings.csv") == 401


async def test_another_kind_of_account_is_refused(staff: AsyncTestClient[Site]) -> None:
    await sign_in(staff, "office")
    for path in ("/staff/review", "/staff/review/9001", "/staff/review/9001/ratings.csv"):
        assert await status(staff, path) == 403


async def test_a_superior_sees_its_own_subtree_and_no_other(staff: AsyncTestClient[Site], edition) -> None:
    await sign_in(staff, "city")
    own = [code for code in edition.order["W"] if code.startswith("9001")]
    text = (await staff.get("/staff/review", headers={"Accept-Language": "en"})).text
    assert all(f"/review/{code}/report" in text for code in own)
    assert "9002/" not in text
    assert "900201" not in text
    assert await status(staff, "/staff/review/9001") == 200
    for unit in ("9002", small.REGION, "900201", "nobody"):
        assert await status(staff, f"/staff/review/{unit}") == 403
        assert await status(staff, f"/staff/review/{unit}/ratings.csv") == 403


async def test_an_operator_sees_the_whole_edition(staff: AsyncTestClient[Site]) -> None:
    await sign_in(staff, "operator")
    text = (await staff.get("/staff/review?level=W")).text
    assert "/review/900101/report" in text
    assert "/review/901002/report" in text


def test_probabilities_of_pairs_agree_with_the_index_and_its_error(edition) -> None:
    codes = edition.order["M"]
    above = pairwise(edition, codes)
    index = np.array([edition.ratings[code].index for code in codes])
    error = np.array([edition.scores.of(code)[0].standard_error for code in codes])
    apart = (index[:, None] - index[None, :]) / np.sqrt(error[:, None] ** 2 + error[None, :] ** 2)
    off = ~np.eye(len(codes), dtype=bool)
    assert np.abs(above - norm.cdf(apart))[off].max() < 0.08  # normal and independent, which the draws need not be
    assert np.allclose((above + above.T)[off], 1)


def test_a_difference_is_real_where_it_is_as_likely_as_the_schemes_intervals_ask(edition) -> None:
    codes = edition.order["M"]
    above = pairwise(edition, codes)
    found = review.standings(edition, codes, codes)
    for row, one in enumerate(found):
        assert one.ahead_of == tuple(code for code, p in zip(codes, above[row], strict=True) if p >= 0.95)
        assert one.behind == tuple(code for code, p in zip(codes, above[:, row], strict=True) if p >= 0.95)
        assert {*one.ahead_of, *one.behind, *one.alike, one.unit.code} == set(codes)
    assert found[0].unit.code == small.CAPPED
    assert found[0].ahead_of


def test_very_many_peers_are_compared_by_their_tiers(edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "COMPARED_AT_ONCE", 5)
    codes = edition.order["M"]
    assert review.by_tiers(edition, codes)
    for one in review.standings(edition, codes, codes):
        worse = tuple(code for code in codes if edition.ratings[code].tier > one.rating.tier)
        assert one.ahead_of == worse


async def test_a_unit_without_a_rank_is_compared_with_nobody(edition) -> None:
    silent = review.standings(edition, [small.SILENT], edition.order["W"])[0]
    assert (silent.ahead_of, silent.behind, silent.alike) == ((), (), ())


async def test_the_page_names_who_is_really_better_and_warns_of_the_rest(staff: AsyncTestClient[Site]) -> None:
    await sign_in(staff, "region")
    text = (await staff.get("/staff/review?level=M", headers={"Accept-Language": "en"})).text
    assert "Really better than" in text
    assert "Reward or blame nobody for a difference that is not told apart." in text
    assert "is at least 95%." in text


async def test_the_review_goes_out_as_csv_xlsx_parquet_and_json(
    staff: AsyncTestClient[Site], edition, tmp_path: Path
) -> None:
    await sign_in(staff, "city")
    own = [code for code in edition.order["W"] if code.startswith("9001")]
    answers = {
        form: await staff.get(f"/staff/review/9001/ratings.{form}") for form in ("csv", "xlsx", "parquet", "json")
    }
    for answer in answers.values():
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert "attachment" in answer.headers.get("content-disposition", "attachment")
    rows = list(csv.DictReader(io.StringIO(answers["csv"].content.decode("utf-8-sig"))))
    assert [row["unit"] for row in rows] == own
    assert (rows[0]["data_status"] == SIMULATED and " of " in rows[0]["rank_in_words"]) or rows[0]["rank_in_words"]
    compared = {
        row["unit"]: int(row["better_than"]) + int(row["worse_than"]) + int(row["not_told_apart_from"]) for row in rows
    }
    assert set(compared.values()) == {len(own) - 1}
    sheets = read_workbook(answers["xlsx"].content)
    assert [row[0] for row in list(sheets.values())[1][3:]] == own
    path = tmp_path / "r.parquet"
    path.write_bytes(answers["parquet"].content)
    held = duckdb.sql(f"SELECT unit, index, better_than, data_status FROM read_parquet('{path}')").fetchall()
    assert [(row[0], row[1]) for row in held] == [(code, edition.ratings[code].index) for code in own]
    assert {row[3] for row in held} == {SIMULATED}
    data = answers["json"].json()
    assert [row["unit"] for row in data["ratings"]] == own
    assert data["data_status"] == SIMULATED


async def test_a_level_or_format_that_is_not_there_is_told(staff: AsyncTestClient[Site]) -> None:
    await sign_in(staff, "region")
    for path in (
        "/90/ratings.ods",
        "/90/secret.csv",
        "/90/ratings.csv?level=X",
        "?level=X",
        "?edition=none",
        "?page=9",
    ):
        assert await status(staff, f"/staff/review{path}") == 404
