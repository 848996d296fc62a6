"""What an edition changed against the one it replaces or the one before; and the proof that it was logged."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from litestar.testing import AsyncTestClient

from evaluator import language
from evaluator.app import Site
from evaluator.cli import group
from evaluator.ledger.keys import AUDIT, signer
from evaluator.publication import edition_changes, lifecycle, review_changes, shelf
from evaluator.publication.editions import Edition
from evaluator.publication.publishing import publish
from evaluator.rating.scheme_file import parse_scheme
from evaluator.settings import Settings
from tests.publication import small_edition as small
from tests.wiring import site_over

DAY = date(2027, 1, 15)
ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}
RISEN, FALLEN = "9003", "9004"
NEXT = (date(2027, 1, 1), date(2027, 12, 31))


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The year after: one unit is much better, one much worse."""
    home = tmp_path_factory.mktemp("later")
    return small.build(home / "edition", period=NEXT, moved={RISEN: 0.25, FALLEN: -0.25}, seed=9, draws=64)


@pytest.fixture
async def site(
    settings: Settings, small_folder: Path, revision: Path, later: Path
) -> AsyncIterator[AsyncTestClient[Site]]:
    """An edition, its revision, and the year after."""
    for folder in (small_folder, revision, later):
        await publish(settings, folder, lambda folder: (), DAY)
    async with AsyncTestClient(site_over(settings), base_url="http://testserver.local") as visitor:
        yield visitor


async def test_a_revision_tells_what_it_changed_and_why(
    site: AsyncTestClient[Site], small_folder: Path, revision: Path
) -> None:
    old, new = small.identifier_of(small_folder), small.identifier_of(revision)
    banner = (await site.get(f"/editions/{old}", headers=ENGLISH)).text
    assert f'href="/editions/{new}/changes"' in banner
    assert f'href="/editions/{new}/changes"' in (await site.get(f"/editions/{new}", headers=ENGLISH)).text
    page = await site.get(f"/editions/{new}/changes", headers=ENGLISH)
    assert page.status_code == 200
    for text in (old, "This edition replaces it.", "a record was wrong", "Both were rated by the same scheme."):
        assert text in page.text
    data = (await site.get(f"/editions/{new}/changes.json")).json()
    assert (data["compared_with"], data["why"], data["scheme_changes"]) == (old, "a record was wrong", [])
    assert {row["real"] for row in data["changes"] if row["real"]} == {"no"}  # the same data, other draws
    assert data["total"] == len(data["changes"]) == 40 + sum(one["gone"] for one in data["levels"])


async def test_the_year_after_tells_real_changes_from_noise_in_all_formats(
    site: AsyncTestClient[Site], revision: Path, later: Path
) -> None:
    this = small.identifier_of(later)
    data = (await site.get(f"/editions/{this}/changes.json")).json()
    document = (await site.get("/openapi.json")).json()
    validator = Draft202012Validator({"$ref": "#/components/schemas/Changes", **document})
    assert [error.message for error in validator.iter_errors(data)] == []
    described = document["components"]["schemas"]["Changes"]["properties"]
    assert set(data) <= {*described, *document["components"]["schemas"]["About"]["properties"], "data_status"}
    assert {name for row in data["changes"] for name in row} == {*described["changes"]["items"]["properties"]}
    assert data["compared_with"] == small.identifier_of(revision)  # what replaced the one before, not that one
    of = {row["unit"]: row for row in data["changes"]}
    assert (of[RISEN]["real"], of[RISEN]["difference"] > 5, of[RISEN]["difference_lower"] > 0) == ("yes", True, True)
    assert (of[FALLEN]["real"], of[FALLEN]["difference"] < -5) == ("yes", True)
    assert of["9006"]["real"] == "no"
    assert of["9006"]["difference_lower"] is None
    assert of[small.SILENT]["why_not_compared"] == "too_little"
    [level] = [one for one in data["levels"] if one["level"] == of[RISEN]["level"]]
    assert level["up"] >= 1
    assert level["down"] >= 1
    rows = list(csv.DictReader(io.StringIO((await site.get(f"/editions/{this}/changes.csv")).text)))
    assert [row["unit"] for row in rows] == [row["unit"] for row in data["changes"]]
    assert {row["unit"]: row["real"] for row in rows}[RISEN] == "yes"
    assert all(row["data_status"] for row in rows)  # the mark of simulated data
    part = (await site.get(f"/editions/{this}/changes.json?level=M&only=real&limit=1")).json()
    assert (len(part["changes"]), part["changes"][0]["unit"] in (RISEN, FALLEN)) == (1, True)
    page = await site.get(f"/editions/{this}/changes?level=M&only=real", headers=ENGLISH)
    assert f"/editions/{this}/units/{RISEN}" in page.text
    assert f"/editions/{this}/units/9006" not in page.text
    assert (await site.get(f"/editions/{this}/changes?page=1", headers=ENGLISH)).status_code == 200


async def test_changes_are_led_to_from_where_a_reader_looks(
    site: AsyncTestClient[Site], small_folder: Path, later: Path
) -> None:
    old, this = small.identifier_of(small_folder), small.identifier_of(later)
    for path in ("/", "/editions", f"/editions/{this}", f"/editions/{this}/downloads", f"/editions/{this}/units/9001"):
        text = (await site.get(path, headers=ENGLISH)).text
        assert f'href="/editions/{this}/changes' in text, path
        assert f'href="/editions/{old}/changes' not in text, path  # the first has nothing before it
    text = (await site.get(f"/editions/{old}/downloads", headers=ENGLISH)).text
    assert f"/editions/{old}/changes" not in text
    for address in re.findall(r'href="(/editions/[^"]*[.](?:csv|xlsx|json|parquet)[^"]*)"', text):
        answer = await site.get(address)
        assert answer.status_code == 200, address
        if "/ranking/" in address and ".csv" in address:
            assert answer.content.startswith(b"\xef\xbb\xbf") == ("bom=1" in address), address


async def test_what_cannot_be_compared_is_told(
    site: AsyncTestClient[Site], small_folder: Path, revision: Path, later: Path
) -> None:
    old, new, this = (small.identifier_of(folder) for folder in (small_folder, revision, later))
    first = await site.get(f"/editions/{old}/changes", headers=ENGLISH)
    assert (first.status_code, "replaces none" in first.text) == (404, True)
    assert (await site.get(f"/editions/{this}/changes.json?since={old}")).json()["compared_with"] == old
    for query in ("since=nothing", f"since={this}", "level=none", "only=none", "page=99", "page=x"):
        answer = await site.get(f"/editions/{this}/changes?{query}", headers=ENGLISH)
        assert answer.status_code == 404, query
    assert (await site.get("/editions/none/changes", headers=ENGLISH)).status_code == 404
    settings = site.app.state.settings
    await lifecycle.withdraw(settings, old, "small cells", DAY, remove_files=True)
    gone = await site.get(f"/editions/{new}/changes", headers=ENGLISH)
    assert (gone.status_code, "files of" in gone.text and "were removed" in gone.text) == (404, True)


def test_units_added_gone_renamed_and_moved_are_not_judged(edition: Edition) -> None:
    """Another edition made of this one: a unit is gone, one is new, one took over another, one changed its level."""
    units, ratings, order = dict(edition.units), dict(edition.ratings), dict(edition.order)
    moved = small.units()["unit"].tolist()[-1]
    level = units[moved].level
    copied = type(units[moved])
    values = {name: getattr(units[moved], name) for name in units[moved].__struct_fields__}
    units["new"] = copied(**{**values, "code": "new"})
    ratings["new"] = ratings[moved]
    order[level] = (*[code for code in order[level] if code != moved], "new")
    del ratings[moved]
    del units[moved]
    after = replace(edition, units=units, ratings=ratings, order=order)
    of = {line.unit.code: line for line in edition_changes.lines(edition, after, None)}
    assert (of["new"].status, of["new"].why_not) == ("added", "new")
    assert (of[moved].status, of[moved].why_not) == ("gone", "gone")
    assert of["9001"].why_not == "scale"
    total = edition_changes.summaries(of.values())
    assert (sum(one.added for one in total), sum(one.gone for one in total)) == (1, 1)
    assert [line.unit.code for line in edition_changes.chosen(of.values(), level, "added_or_gone")] == ["new", moved]
    took = {**values, "successor": "new"}
    before = replace(edition, units={**edition.units, moved: copied(**took)})
    of = {line.unit.code: line for line in edition_changes.lines(before, after, None)}
    assert of["new"].was is not None
    assert (of["new"].was.code, of["new"].status, moved in of) == (moved, "compared", False)


def test_another_scheme_is_told_in_words_and_nothing_is_judged(edition: Edition, tmp_path: Path) -> None:
    text = small.SCHEME.read_text(encoding="utf-8")
    other = replace(edition, scheme=parse_scheme(text.replace("cell_min: 10", "cell_min: 11"), "scheme.yaml"))
    assert review_changes.since(tmp_path, edition, other) is None
    assert {line.why_not for line in edition_changes.lines(edition, other, None)} == {"other_scheme"}
    assert len(edition_changes.scheme_words(edition, other)) >= 2
    assert edition_changes.scheme_words(edition, edition) == ()


def test_schemes_that_rate_alike_are_compared(edition: Edition, tmp_path: Path) -> None:
    text = small.SCHEME.read_text(encoding="utf-8").replace('version: "1"', 'version: "2"')
    text = text.replace("decimals: 1", "decimals: 2").replace("Small trial scheme", "Another title")
    other = replace(edition, scheme=parse_scheme(text, "scheme.yaml"))
    token = language.current.set("en")
    words = edition_changes.scheme_words(edition, other)
    language.current.reset(token)
    assert words[-1] == "No rating can change by this."
    assert sum("No rating can change by this" in line for line in words) == 1
    assert review_changes.since(tmp_path, edition, other) is not None
    assert "other_scheme" not in {line.why_not for line in edition_changes.lines(edition, other, None)}


# The proof --------------------------------------------------------------------------------------------------------


def verified(folder: Path, proof: Path, key: str) -> Result:
    return CliRunner().invoke(group, ["verify", str(folder), "--proof", str(proof), "--key", key])


async def test_the_proof_shows_that_this_edition_was_published_and_no_other(
    site: AsyncTestClient[Site], small_folder: Path, revision: Path, later: Path, tmp_path: Path
) -> None:
    new, settings = small.identifier_of(revision), site.app.state.settings
    answer = await site.get(f"/editions/{new}/proof")
    assert answer.headers["content-type"].startswith("text/plain")
    proof, other = tmp_path / "proof.txt", tmp_path / "other.txt"
    proof.write_bytes(answer.content)
    other.write_bytes((await site.get(f"/editions/{small.identifier_of(later)}/proof")).content)
    key = (await site.get("/log/audit/key")).text
    assert key.strip() == signer(settings, AUDIT).vkey
    good = verified(revision, proof, key)
    assert (good.exit_code, "logged as published" in good.output) == (0, True), good.output
    wrong = verified(revision, other, key)
    assert (wrong.exit_code, "proof is of the edition" in wrong.output) == (1, True), wrong.output
    elsewhere = signer(replace_home(settings, tmp_path / "elsewhere"), AUDIT).vkey
    forged = verified(revision, proof, elsewhere)
    assert (forged.exit_code, "proof " in forged.output) == (1, True), forged.output
    mistyped = verified(revision, proof, "audit+key")
    assert (mistyped.exit_code, "--key" in mistyped.output) == (2, True), mistyped.output
    changed = tmp_path / "changed"
    shutil.copytree(revision, changed)
    with (changed / "ratings.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    small.seal(changed)
    bad = verified(changed, proof, key)
    assert (bad.exit_code, "SHA256SUMS is not the one that was logged" in bad.output) == (1, True), bad.output
    page = (await site.get(f"/editions/{new}/downloads", headers=ENGLISH)).text
    assert f'href="/editions/{new}/proof"' in page
    assert "--proof proof.txt" in page
    old = small.identifier_of(small_folder)
    await lifecycle.withdraw(settings, old, "small cells", DAY, remove_files=True)
    assert (await site.get(f"/editions/{old}/proof")).status_code == 200  # that it was published stays proved
    assert (await site.get("/editions/none/proof")).status_code == 404


def replace_home(settings: Settings, home: Path) -> Settings:
    """Another site of the same name."""
    return Settings(data_dir=home, database_url=settings.database_url, base_url=settings.base_url)


async def test_a_draft_has_no_proof_and_no_changes(settings: Settings, with_reply: Path) -> None:
    row = await publish(settings, with_reply, lambda folder: (), DAY, draft=True)
    async with AsyncTestClient(site_over(settings), base_url="http://testserver.local") as visitor:
        for page in ("proof", "changes", "changes.json"):
            assert (await visitor.get(f"/editions/{row.identifier}/{page}")).status_code == 404


async def test_changes_are_worked_out_when_an_edition_is_published(
    settings: Settings, small_folder: Path, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_changes, "_kept", {})  # as in a process that has just started
    await publish(settings, small_folder, lambda folder: (), DAY)
    row = await publish(settings, later, lambda folder: (), DAY)
    await review_changes.prepare(settings, row.identifier)
    [kept] = (settings.data_dir / "changes").iterdir()
    assert kept.name.startswith(tuple(one.sums_sha256[:24] for one in await shelf.published()))
    monkeypatch.setattr(review_changes, "_kept", {})
    monkeypatch.setattr(review_changes, "compared", lambda before, after: pytest.fail("worked out again"))
    before, after = [
        await shelf.opened_row(settings, one) for one in sorted(await shelf.published(), key=lambda one: one.period_to)
    ]
    assert review_changes.since(settings.data_dir / "changes", before, after) is not None
