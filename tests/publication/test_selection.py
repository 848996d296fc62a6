"""A ranking is filtered and ordered by its address alone, and its data by the same address."""

from __future__ import annotations

import csv
import io
import re

import pytest
from litestar.testing import AsyncTestClient

from evaluator.publication import selection
from evaluator.publication.editions import Edition
from evaluator.publication.selection import Selection
from tests.publication import small_edition as small

HTML = {"Accept": "text/html", "Accept-Language": "en"}


def test_each_filter_keeps_those_that_fit_and_filters_add_up(edition: Edition) -> None:
    every = selection.codes(edition, "W", Selection())
    assert every == edition.order["W"]
    ratings = edition.ratings
    grade = ratings[every[0]].grade
    assert {ratings[c].grade for c in selection.codes(edition, "W", Selection(grade=grade))} == {grade}
    assert {ratings[c].tier for c in selection.codes(edition, "M", Selection(tier="1"))} == {1}
    silent = selection.codes(edition, "W", Selection(state="insufficient_evidence"))
    assert small.SILENT in silent
    both = selection.codes(edition, "W", Selection(within="9003", state="insufficient_evidence"))
    assert both == tuple(code for code in silent if code.startswith("9003"))


def test_units_are_found_by_a_part_of_either_name_and_by_their_code_in_every_form(edition: Edition) -> None:
    unit = edition.units["9001"]
    for query in (unit.name.zh[:2], unit.name.en.upper()[:5], "9001", "900100", "900100000000"):
        assert "9001" in selection.codes(edition, "M", Selection(query=query)), query
    assert selection.codes(edition, "M", Selection(query="9001")) == ("9001",)
    assert selection.codes(edition, "M", Selection(query="no such place")) == ()


def test_every_order_puts_the_best_first_and_those_without_a_figure_last(edition: Edition) -> None:
    for sort in selection.orders(edition):
        found = selection.codes(edition, "W", Selection(sort=sort))
        assert sorted(found) == sorted(edition.order["W"])
        if sort in (selection.STANDING, selection.NAME):
            continue
        values = [selection._value(edition, code, sort) for code in found]
        known = [value for value in values if value == value]
        assert values[: len(known)] == sorted(known, reverse=True)
    assert small.SILENT in selection.codes(edition, "W", Selection(sort=selection.INDEX))[-1:]


async def test_the_page_and_its_data_show_what_the_address_asks_for(
    client: AsyncTestClient, published: str, edition: Edition
) -> None:
    dimension = edition.scheme.dimensions[0]
    query = f"in=90&sort={dimension.code}"
    wanted = selection.codes(edition, "M", Selection(within="90", sort=dimension.code))
    text = (await client.get(f"/editions/{published}/ranking/M?{query}", headers=HTML)).text
    assert tuple(dict.fromkeys(re.findall(r"/units/(\w+)\"", text))) == wanted
    assert f"{dimension.name.en} (interval)" in text
    assert re.search(rf'<option value="{dimension.code}" selected>', text)
    data = (await client.get(f"/editions/{published}/ranking/M.csv?{query}")).content.decode("utf-8-sig")
    assert tuple(row["unit"] for row in csv.DictReader(io.StringIO(data))) == wanted
    nobody = (await client.get(f"/editions/{published}/ranking/M?q=nobody", headers=HTML)).text
    assert "No unit fits. Take a filter away." in nobody


@pytest.mark.parametrize("query", ["in=77", "tier=99", "tier=x", "grade=Q", "state=fine", "sort=luck"])
async def test_what_cannot_be_asked_for_is_not_found(client: AsyncTestClient, published: str, query: str) -> None:
    assert (await client.get(f"/editions/{published}/ranking/M?{query}", headers=HTML)).status_code == 404
