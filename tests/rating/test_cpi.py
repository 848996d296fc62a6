"""The Corruption Perceptions Index of 2012 as a scheme and a snapshot by hand: the mean of the sources there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluator.rating.edition import read_edition
from evaluator.rating.run import rate
from evaluator.rating.verify import verify

# Transparency International, Corruption Perceptions Index 2012, data package: rounded sources of five countries
SOURCES = {
    "Denmark": (90, {"SGI": 89, "IMD": 95, "ICRG": 98, "WEF": 86, "WJP": 89, "EIU": 88, "GI": 83}),
    "Finland": (90, {"SGI": 89, "IMD": 90, "ICRG": 100, "WEF": 91, "WJP": 87, "EIU": 88, "GI": 83}),
    "New_Zealand": (90, {"SGI": 97, "IMD": 88, "ICRG": 98, "WEF": 92, "WJP": 86, "EIU": 88, "GI": 83}),
    "Sweden": (88, {"SGI": 97, "IMD": 85, "ICRG": 89, "WEF": 82, "WJP": 89, "EIU": 88, "GI": 83}),
    "Switzerland": (86, {"SGI": 89, "IMD": 90, "ICRG": 89, "WEF": 85, "EIU": 88, "GI": 73}),
}
SCHEME = """
levels: {country: Country}
dimensions: {perceived: {name: Perceived corruption}}
indicators:
%s
normalisation: {method: none}
aggregation: {within_dimension: arithmetic, across_dimensions: arithmetic}
missing: {min_present: 3, impute: none}
"""


def test_the_published_scores_come_out_and_two_sources_are_too_few(tmp_path: Path) -> None:
    codes = sorted({source for _, held in SOURCES.values() for source in held})
    (tmp_path / "scheme.yaml").write_text(
        SCHEME % "\n".join(f"  - {{code: {code}, dim: perceived, source: ready}}" for code in codes)
    )
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "units.csv").write_text("unit,level\n" + "".join(f"{unit},country\n" for unit in [*SOURCES, "Nauru"]))
    rows = [f"{unit},{code},{value}\n" for unit, (_, held) in SOURCES.items() for code, value in held.items()]
    (folder / "indicators.csv").write_text("unit,indicator,value\n" + "".join(rows) + "Nauru,EIU,50\nNauru,GI,60\n")
    edition = read_edition(rate(tmp_path / "scheme.yaml", folder, tmp_path / "edition").out)
    ratings = edition.table("ratings")
    published = [score for score, _ in SOURCES.values()]
    assert [round(index) for index in ratings["index"][:-1]] == published  # rounded half to even
    assert ratings["state"][-1] == "insufficient_evidence"
    assert np.isnan(ratings["index"][-1])
    assert np.array_equal(ratings["lower"][:-1], ratings["index"][:-1])  # ready numbers without a standard error
    assert verify(edition.folder, folder).differences == ()
