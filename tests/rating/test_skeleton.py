"""The scheme to begin with is right as it is, names what a scheme may say, and rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evaluator.rating.defects import InputError
from evaluator.rating.run import rate
from evaluator.rating.scheme_cli import scheme
from evaluator.rating.scheme_file import examine_scheme
from evaluator.rating.scheme_form import SchemeForm
from evaluator.rating.shipped import skeleton
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.verify import verify

WORDS_ONLY = {"tasks", "groups", "treatment", "weights", "citizens", "records", "vetoes", "ranks"}  # for who needs them
SAID_TO_PEOPLE = {"period", "estimators", "change", "note", "notes"}


def test_it_passes_the_check_without_a_warning_under_the_code_that_was_asked_for(tmp_path: Path) -> None:
    for words, code in (([], "my-scheme"), (["lakes.2"], "lakes.2")):
        printed = CliRunner().invoke(scheme, ["new", *words])
        assert printed.exit_code == 0
        (tmp_path / "s.yaml").write_text(printed.stdout, encoding="utf-8")
        told = CliRunner().invoke(scheme, ["check", str(tmp_path / "s.yaml")])
        assert (told.exit_code, told.stderr) == (0, "")
        assert told.stdout.startswith(f"yes: {code} 1, 2 levels, 2 dimensions, 6 indicators")


def test_it_shows_every_source_and_every_key_that_most_schemes_need() -> None:
    text = skeleton("x")
    found = examine_scheme(text)
    assert found.warnings == ()
    assert {one.source for one in found.scheme.indicators} == {"citizen", "assessor", "share", "rate", "metric"}
    keys = {name for name in SchemeForm.__struct_fields__ if f"\n{name}:" in text or f"\n# {name}:" in text}
    assert set(SchemeForm.__struct_fields__) - keys == WORDS_ONLY | SAID_TO_PEOPLE


def test_it_rates_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(skeleton("mine"), encoding="utf-8")
    rng, units = np.random.default_rng(3), [f"c{number}" for number in range(9)]
    due = rng.integers(20, 60, 9).astype(float)
    records = [
        ("in_time", np.floor(due * 0.8), due),
        ("paid", np.floor(due * 0.9), due),
        ("disputes", due // 20, due * 9),
    ]
    write_snapshot(
        tmp_path / "snapshot",
        {
            "units": {"unit": np.array(units, object), "level": np.array(["city"] * 9, object)},
            "records": {
                "unit": np.array(units * 3, object),
                "indicator": np.repeat(np.array([one for one, _, _ in records], object), 9),
                "numerator": np.concatenate([one for _, one, _ in records]),
                "denominator": np.concatenate([one for _, _, one in records]),
            },
            "indicators": {
                "unit": np.array(units, object), "indicator": np.array(["debt"] * 9, object),
                "value": np.linspace(1, 3, 9),
            },
        },
    )  # fmt: skip
    edition = rate(tmp_path / "s.yaml", tmp_path / "snapshot", tmp_path / "edition", draws=64).out
    assert verify(edition).differences == ()
    assert (edition / "edition.json").read_text(encoding="utf-8").count('"mine') == 2  # scheme and identifier


def test_what_cannot_be_a_code_is_refused() -> None:
    for code in ("", "two words", "../up", "x\ny", "\u65b9\u6848"):
        with pytest.raises(InputError, match="cannot be called"):
            skeleton(code)
