"""Publishing: what verifies is copied whole and listed once; what does not is refused, and why."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from evaluator.cli import group
from evaluator.ledger.tables import LogLeaf
from evaluator.publication.publishing import NotVerified, publish
from evaluator.publication.shelf import current, published
from evaluator.rating.defects import InputError
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings
from tests.publication import small_edition as small

DAY = date(2027, 1, 15)


@pytest.fixture
def copy(small_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_folder, tmp_path / "copy"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def changed(folder: Path, name: str, old: bytes, new: bytes) -> None:
    path = folder / name
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


async def test_a_published_edition_is_a_copy_that_the_database_lists(
    settings: Settings, small_folder: Path, database_url: str
) -> None:
    row = await publish(settings, small_folder, lambda folder: (), DAY)
    assert row.identifier == small.identifier_of(small_folder)
    kept = await PublishedEdition.objects().get(PublishedEdition.identifier == row.identifier)
    assert kept is not None
    assert kept.simulated
    assert kept.published_on == DAY
    assert kept.period_to == date(2026, 12, 31)
    target = settings.data_dir / "editions" / row.identifier
    assert names(target) == names(small_folder)
    again = await publish(settings, small_folder, lambda folder: ("not asked",), date(2030, 1, 1))
    assert again.published_on == DAY
    logged = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == "audit")
    assert [one["entry"].count(f'"sums":"{row.sums_sha256}"') for one in logged] == [1]


async def test_a_changed_byte_is_refused_by_the_name_of_its_file(settings: Settings, copy: Path) -> None:
    changed(copy, "scores.csv", b"9001", b"9002")
    with pytest.raises(NotVerified, match=r"scores\.csv was changed"):
        await publish(settings, copy, lambda folder: (), DAY)
    assert await published() == []
    assert not (settings.data_dir / "editions").exists()


async def test_a_file_too_many_is_refused(settings: Settings, copy: Path) -> None:
    (copy / "responses.csv").write_text("unit\n")
    with pytest.raises(NotVerified, match=r"responses\.csv does not belong"):
        await publish(settings, copy, lambda folder: (), DAY)


async def test_what_verify_finds_is_refused_and_told(settings: Settings, small_folder: Path) -> None:
    with pytest.raises(NotVerified) as caught:
        await publish(settings, small_folder, lambda folder: ["ratings 9001 index 1 2"], DAY)
    assert caught.value.differences == ("ratings 9001 index 1 2",)
    assert await published() == []


async def test_the_same_identifier_with_other_files_is_refused(
    settings: Settings, small_folder: Path, copy: Path
) -> None:
    await publish(settings, small_folder, lambda folder: (), DAY)
    changed(copy, "models.csv", b"0", b"1")
    small.seal(copy)
    with pytest.raises(InputError, match="published already, with other files"):
        await publish(settings, copy, lambda folder: (), DAY)


async def test_a_damaged_copy_is_restored_by_publishing_again(settings: Settings, small_folder: Path) -> None:
    row = await publish(settings, small_folder, lambda folder: (), DAY)
    path = settings.data_dir / "editions" / row.identifier / "units.csv"
    path.write_bytes(b"")
    await publish(settings, small_folder, lambda folder: (), DAY)
    assert path.read_bytes() == (small_folder / "units.csv").read_bytes()


async def test_a_revision_replaces_a_published_edition_once(
    settings: Settings, small_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("revisions")
    first, second = (
        small.build(home / f"r{seed}", supersedes=small_folder, why="a record was wrong", seed=seed) for seed in (8, 9)
    )
    with pytest.raises(InputError, match="is not published; publish that one first"):
        await publish(settings, first, lambda folder: (), DAY)
    old = await publish(settings, small_folder, lambda folder: (), DAY)
    new = await publish(settings, first, lambda folder: (), DAY)
    assert new.supersedes == old.identifier
    assert [row.identifier for row in current(await published())] == [new.identifier]
    with pytest.raises(InputError, match="is replaced by"):
        await publish(settings, second, lambda folder: (), DAY)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "with space", "x.json", "y" * 65])
async def test_an_identifier_that_cannot_be_an_address_is_refused(settings: Settings, copy: Path, name: str) -> None:
    changed(copy, "edition.json", small.identifier_of(copy).encode(), name.encode())
    small.seal(copy)
    with pytest.raises(InputError, match="cannot be an address"):
        await publish(settings, copy, lambda folder: (), DAY)


def run(home: Path, folder: Path) -> tuple[int, str]:
    environment = {"EVALUATOR_DATA_DIR": str(home), "EVALUATOR_DATABASE_URL": ""}
    result = CliRunner().invoke(group, ["publish", str(folder)], env=environment)
    return result.exit_code, result.output


def test_the_command_verifies_and_publishes(tmp_path: Path, small_folder: Path) -> None:
    code, output = run(tmp_path, small_folder)
    assert (code, f"/editions/{small.identifier_of(small_folder)}" in output) == (0, True), output
    assert (tmp_path / "editions" / small.identifier_of(small_folder) / "ratings.csv").is_file()


def test_the_command_refuses_a_changed_figure_even_with_its_checksum_changed(tmp_path: Path, copy: Path) -> None:
    rows = (copy / "ratings.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(number for number, row in enumerate(rows) if row.startswith("9001,"))
    cells = rows[at].split(",")
    cells[3] = "99.5"
    rows[at] = ",".join(cells)
    (copy / "ratings.csv").write_text("".join(rows), encoding="utf-8")
    small.seal(copy)
    code, output = run(tmp_path, copy)
    assert code == 1
    assert "ratings 9001 index 99.5" in output
    assert "was not published" in output
    assert not (tmp_path / "editions").exists()


def test_the_command_says_what_is_no_edition(tmp_path: Path) -> None:
    code, output = run(tmp_path / "home", tmp_path)
    assert code == 2
    assert "edition.json" in output
