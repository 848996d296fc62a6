"""Pages of an edition whose scheme has nothing optional, and a node below its dimension."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
from litestar.testing import AsyncTestClient

from evaluator import language
from evaluator.publication import wording
from evaluator.publication.publishing import publish
from evaluator.rating.run import rate
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.settings import Settings
from tests.wiring import site_over

SCHEME = """
code: bare
levels: {L: land}
dimensions: {d1: {}, inner: {parent: d1, w: 2}}
indicators:
  - {code: a, dim: d1, source: ready}
  - {code: b, dim: inner, source: ready}
  - {code: c, dim: inner, source: ready}
aggregation: {within_dimension: arithmetic}
missing: {min_present: 2, impute: none}
normalisation: {method: none}
"""


def rated(home: Path) -> Path:
    """Twelve lands with three ready indicators each; the first has one only."""
    codes = [f"l{number:02}" for number in range(12)]
    rows = [(unit, indicator) for unit in codes for indicator in "abc" if unit != "l00" or indicator == "a"]
    rng = np.random.default_rng(3)
    write_snapshot(
        home / "snapshot",
        {
            "units": {
                "unit": np.array(codes, object),
                "parent": np.full(12, "", object),
                "level": np.full(12, "L", object),
                "name_en": np.array([f"Land {code}" for code in codes], object),
            },
            "indicators": {
                "unit": np.array([unit for unit, _ in rows], object),
                "indicator": np.array([indicator for _, indicator in rows], object),
                "value": np.round(rng.uniform(20, 90, len(rows)), 1),
                "standard_error": np.full(len(rows), 3.0),
            },
        },
        period=(date(2026, 1, 1), date(2026, 12, 31)),
        made_on=date(2027, 1, 5),
        source="invented",
    )
    (home / "scheme.yaml").write_text(SCHEME)
    return rate(home / "scheme.yaml", home / "snapshot", home / "edition", None, 1, 256).out


async def test_every_page_of_a_bare_edition_is_shown(tmp_path: Path, sqlite_url: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    row = await publish(settings, rated(tmp_path), lambda folder: (), date(2027, 1, 15))
    async with AsyncTestClient(site_over(settings), base_url="http://testserver.local") as visitor:
        for path in ("", "/ranking/L", "/map", "/units/l01", "/units/l00", "/method", "/downloads",
                     "/dimensions/d1", "/dimensions/inner", "/indicators/b", "/indicators/a"):  # fmt: skip
            for language in ("zh-CN", "en"):
                headers = {"Accept": "text/html", "Accept-Language": language}
                answer = await visitor.get(f"/editions/{row.identifier}{path}", headers=headers)
                assert answer.status_code == 200, (path, answer.text[:500])
        for path in (".json", "/ranking/L.csv", "/ranking/L.json", "/units/l00.json", f"/files/{row.identifier}.xlsx"):
            assert (await visitor.get(f"/editions/{row.identifier}{path}")).status_code == 200
        text = (await visitor.get(f"/editions/{row.identifier}/units/l01", headers={"Accept-Language": "en"})).text
        assert "Land l01" in text
        assert "33.3%" in text  # three indicators of one weight
        # what belongs to the inner node stands below it and farther in, on every page that shows the tree
        assert within(text) == [(1, "a"), (1, "inner"), (2, "b"), (2, "c")]
        assert re.findall(r"66\.7%", text), "the inner node carries what its two indicators carry"
        text = (await visitor.get(f"/editions/{row.identifier}/method", headers={"Accept-Language": "en"})).text
        assert within(text) == [(1, "a"), (1, "inner"), (2, "b"), (2, "c")]
        assert "the values as they were reported" in text
        for unfit in ("citizens", "assessors must", "Goalposts are"):  # it has none of these
            assert unfit not in text
        text = (await visitor.get(f"/editions/{row.identifier}/dimensions/d1", headers={"Accept-Language": "en"})).text
        assert within(text) == [(1, "a"), (1, "inner"), (2, "b"), (2, "c")]
        address = f"/editions/{row.identifier}/dimensions/inner"
        text = (await visitor.get(address, headers={"Accept-Language": "en"})).text
        assert "Part of:" in text
        assert within(text) == [(1, "b"), (1, "c")]
        scores = (await visitor.get(f"{address}.json")).json()["scores"]
        assert sum(row["score"] is not None for row in scores) == 11  # all but the one that has no number in it


def test_a_median_is_named_like_any_other_mean() -> None:
    spoken = language.current.set("en")
    try:
        named = [wording.mean_kind(mean) for mean in ("median", 1.0, 0.5)]
    finally:
        language.current.reset(spoken)
    assert named == ["weighted median", "arithmetic mean", "power mean of exponent 0.5"]


def within(page: str) -> list[tuple[int, str]]:
    """How far in what belongs to a dimension stands, and its code."""
    found = re.findall(r'depth(\d)"[^>]*><a class="govuk-link" href="[^"]*/(?:indicators|dimensions)/(\w+)', page)
    assert found
    return [(int(depth), code) for depth, code in found]
