"""Invitations from a frame: drawn, written, kept as hashes and counts; reminders; what came back."""

from __future__ import annotations

import asyncio
import csv
import stat
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from click import UsageError

from evaluator.collection import batches, reminders, sender_folder
from evaluator.collection.admission import find_invitation, read_code
from evaluator.collection.batches import Report
from evaluator.collection.campaigns import LiveCampaign, load_campaign
from evaluator.collection.counts import FrameRow, keep_frame
from evaluator.collection.frames import Carrier, read_frame_file
from evaluator.collection.handing_over import FolderPlace
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.reminders import Reminded, on_list, read_folder, told_wrong
from evaluator.collection.sampling import Numbers, Wish, read_allocation
from evaluator.collection.tables import Admission, Batch, Invitation, SampleCell
from evaluator.collection.undelivered import count_undelivered
from evaluator.database import DatabaseError, engine
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.spreadsheets.findings import Refused

Make = Callable[..., Awaitable[None]]
TODAY = date(2026, 3, 2)
SIZES = {("3701", "town"): 70, ("3701", "country"): 130, ("3702", ""): 60}


def frame_file(tmp_path: Path, sizes: dict[tuple[str, str], int] = SIZES, name: str = "frame.csv") -> Path:
    path = tmp_path / name
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unit", "design_stratum", "name", "address", "phone", "email", "language"])
        for (unit, stratum), size in sizes.items():
            for n in range(size):
                tag = f"{unit}{stratum}{n}"
                phone = f"1380{unit}{1000 + n if stratum == 'town' else 2000 + n}"[:11]
                writer.writerow(
                    [
                        unit,
                        stratum,
                        f"N{tag}",
                        f"{n} Road of {tag}",
                        phone,
                        f"p{tag}@example.org",
                        ("", "zh", "en")[n % 3],
                    ]
                )
    return path


@pytest.fixture
def site(settings: Settings, database_url: str) -> Settings:
    return settings


async def live(code: str = "spring") -> LiveCampaign:
    found = await load_campaign(code)
    assert found is not None
    return found


async def draw(settings: Settings, frame: Path, out: Path, wish: Wish | None = None, **changes: Any) -> Report:
    given: dict[str, Any] = {"carrier": "letter", "batch": out.name, "today": TODAY, **changes}
    return await batches.invite(settings, await live(), frame, wish or Wish(20), place=FolderPlace(out), **given)


def people(out: Path) -> list[dict[str, str]]:
    with (out / "contacts.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def cells() -> dict[tuple[str, str, str], tuple[int, int, int]]:
    rows = await SampleCell.select()
    return {(r["unit"], r["design_stratum"], r["psu"]): (r["frame_n"], r["invited"], r["undelivered"]) for r in rows}


async def test_a_batch_is_drawn_in_proportion_and_kept_as_hashes_and_counts(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    report = await draw(site, frame_file(tmp_path), tmp_path / "w1")
    assert report.invited == 40
    assert report.untouched == ("370102",)
    assert await cells() == {
        ("3701", "town", ""): (70, 7, 0),
        ("3701", "country", ""): (130, 13, 0),
        ("3702", "", ""): (60, 20, 0),
    }
    folder = people(tmp_path / "w1")
    assert Counter((p["unit"], p["design_stratum"]) for p in folder) == {
        ("3701", "town"): 7,
        ("3701", "country"): 13,
        ("3702", ""): 20,
    }
    kept = {row["code_hash"]: row for row in await Invitation.select()}
    assert len(kept) == 40
    key = campaign_key(site, "spring")
    for person in folder:
        code = read_code(person["code"])
        assert code is not None
        row = kept[invitation_hash(key, code)]
        assert (row["unit"], row["design_stratum"], row["batch"]) == (person["unit"], person["design_stratum"], "w1")
    [batch] = await Batch.select()
    assert (batch["name"], batch["carrier"], batch["invited"], batch["seed"]) == ("w1", "letter", 40, report.seed)


async def test_the_senders_folder_is_readable_by_its_owner_only(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    await draw(site, frame_file(tmp_path), tmp_path / "w1")
    found = list((tmp_path / "w1").rglob("*"))
    assert {stat.S_IMODE(p.stat().st_mode) for p in [tmp_path / "w1", *(p for p in found if p.is_dir())]} == {0o700}
    assert {stat.S_IMODE(p.stat().st_mode) for p in found if p.is_file()} == {0o600}
    assert {p.relative_to(tmp_path / "w1").as_posix() for p in found if p.is_file()} == {
        "README.txt", "batch.json", "contacts.csv", "letters/3701/letters-a4.html", "letters/3701/letters-a6.html",
        "letters/3702/letters-a4.html", "letters/3702/letters-a6.html",
    }  # fmt: skip


async def dumped() -> str:
    """Everything in the database, as text."""
    if engine().engine_type == "postgres":
        tables = await Batch.raw(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    else:
        tables = await Batch.raw("SELECT name FROM sqlite_master WHERE type = 'table'")
    return repr([await Batch.raw(f'SELECT * FROM "{table["name"]}"') for table in tables])


async def test_nothing_of_the_people_is_in_the_database(site: Settings, small_campaign: Make, tmp_path: Path) -> None:
    await small_campaign()
    await draw(site, frame_file(tmp_path), tmp_path / "w1")
    everything = await dumped()
    assert "spring" in everything
    for person in people(tmp_path / "w1"):
        for column in ("name", "address", "phone", "email", "code"):
            assert person[column]
            assert person[column] not in everything
        assert person["code"].replace("-", "") not in everything


async def test_waves_never_take_the_same_person_and_together_take_everybody(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    frame = frame_file(tmp_path)
    taken: list[str] = []
    for wave in range(1, 11):
        report = await draw(site, frame, tmp_path / f"w{wave}", Wish(20, least=0))
        taken += [p["name"] for p in people(tmp_path / f"w{wave}")]
        assert report.short == (() if wave < 4 else (("3702", 0),))
    assert len(taken) == len(set(taken)) == 260
    assert await cells() == {
        ("3701", "town", ""): (70, 70, 0),
        ("3701", "country", ""): (130, 130, 0),
        ("3702", "", ""): (60, 60, 0),
    }
    with pytest.raises(Problem) as refused:
        await draw(site, frame, tmp_path / "w11", Wish(20, least=0))
    assert "nobody is left" in refused.value.errors[0].detail
    assert not (tmp_path / "w11").exists()


async def test_a_wave_by_another_carrier_from_a_sorted_frame_takes_others(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    first = frame_file(tmp_path)
    header, *lines = first.read_text().splitlines()
    second = tmp_path / "again.csv"
    second.write_text("\n".join([header, *sorted(lines, reverse=True)]))
    await draw(site, first, tmp_path / "w1")
    await draw(site, second, tmp_path / "w2", carrier="sms")
    assert not {p["name"] for p in people(tmp_path / "w1")} & {p["name"] for p in people(tmp_path / "w2")}


async def test_the_same_key_and_seed_draw_the_same_people_and_other_codes(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    frame = frame_file(tmp_path)
    report = await draw(site, frame, tmp_path / "w1", seed=7)
    assert report.seed == 7
    await Invitation.delete(force=True)
    await Batch.delete(force=True)
    await SampleCell.delete(force=True)
    await draw(site, frame, tmp_path / "again", seed=7)
    one, two = people(tmp_path / "w1"), people(tmp_path / "again")
    assert [p["name"] for p in one] == [p["name"] for p in two]
    assert not {p["code"] for p in one} & {p["code"] for p in two}
    with pytest.raises(Problem, match="Another seed"):
        await draw(site, frame, tmp_path / "w3", seed=8)


async def test_an_allocation_is_followed(site: Settings, small_campaign: Make, tmp_path: Path) -> None:
    await small_campaign()
    wanted = read_allocation(b"unit,design_stratum,number\n370100,town,30\n3701,country,5\n", ["3701"])
    assert wanted == {("3701", "town"): 30, ("3701", "country"): 5}
    await draw(site, frame_file(tmp_path), tmp_path / "w1", Wish(allocation=wanted))
    found = await cells()
    assert found["3701", "town", ""] == (70, 30, 0)
    assert found["3701", "country", ""] == (130, 5, 0)
    assert found["3702", "", ""] == (60, 0, 0)
    with pytest.raises(Problem) as refused:
        await draw(
            site, frame_file(tmp_path), tmp_path / "w2", Wish(allocation={("3701", "town"): 41, ("3701", "x"): 1})
        )
    assert [e.detail.split(": ")[1] for e in refused.value.errors] == [
        "41 wanted, 40 left",
        "the frame has no row of it",
    ]


@pytest.mark.parametrize(
    ("text", "column"),
    [("3701,town,x", "number"), ("9,town,1", "unit"), ("3701,town,-1", "number"), ("3701,town,1\n3701,town,2", "unit")],
)
def test_a_bad_row_of_an_allocation_is_named(text: str, column: str) -> None:
    with pytest.raises(Refused) as refused:
        read_allocation(f"unit,design_stratum,number\n{text}\n".encode(), ["3701"])
    assert refused.value.findings[-1].column == column


async def test_two_stages_take_clusters_by_size_and_say_whom_each_stands_for(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    path = tmp_path / "psus.csv"
    sizes = {"a": 10, "b": 20, "c": 30, "d": 40, "big": 200}
    rows = [f"3701,{psu},{psu} street {n}" for psu, size in sizes.items() for n in range(size)]
    path.write_text("\n".join(["unit,psu,address", *rows]))
    await draw(site, path, tmp_path / "w1", Wish(30, clusters=3))
    found = await cells()
    assert len(found) == 3
    # `big` is certain (3 x 200 / 300 > 1) and stands for itself; two of the others for half of the other 100 each
    assert found["3701", "", "big"] == (200, 20, 0)
    assert sorted(found.values()) == [(50, 5, 0), (50, 5, 0), (200, 20, 0)]
    assert Counter(p["psu"] for p in people(tmp_path / "w1")) == {
        psu: n for (_u, _s, psu), (_f, n, _d) in found.items()
    }
    await draw(site, path, tmp_path / "w2", Wish(15, clusters=3))
    assert set(await cells()) == set(found)
    with pytest.raises(Problem) as refused:
        await draw(site, path, tmp_path / "w3", Wish(10, clusters=4))
    assert refused.value.errors[0].pointer == "psus"
    with pytest.raises(Problem) as refused:
        await draw(site, path, tmp_path / "w3", Wish(10))
    assert refused.value.errors[0].pointer == "psus"


async def test_what_cannot_be_drawn_leaves_nothing_behind(site: Settings, small_campaign: Make, tmp_path: Path) -> None:
    await small_campaign()
    frame, before = frame_file(tmp_path), await dumped()
    for wrong in ({"batch": "a b"}, {"today": date(2026, 4, 1)}, {"wish": Wish(3, least=2)}):
        with pytest.raises(Problem):
            await draw(site, frame, tmp_path / "w1", **wrong)
        assert not (tmp_path / "w1").exists()
    assert await dumped() == before
    await draw(site, frame, tmp_path / "w1")
    with pytest.raises(Problem, match="This batch exists already"):
        await draw(site, frame, tmp_path / "other", batch="w1")


async def test_a_failure_at_the_last_step_takes_the_folder_along(
    site: Settings, small_campaign: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_campaign()
    before = await dumped()

    async def fails(*_given: object) -> None:
        await Batch(campaign=(await live()).id, name="x", carrier="sms", day=TODAY).save()
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(batches, "_keep", fails)
    with pytest.raises(RuntimeError):
        await draw(site, frame_file(tmp_path), tmp_path / "w1")
    assert not (tmp_path / "w1").exists()
    assert await dumped() == before


async def test_once_the_codes_are_valid_nothing_takes_the_folder_away(
    site: Settings, small_campaign: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await small_campaign()

    async def fails(*_given: object) -> None:
        raise RuntimeError("the log cannot be published")

    monkeypatch.setattr(batches, "publish_log", fails)
    with pytest.raises(RuntimeError):
        await draw(site, frame_file(tmp_path), tmp_path / "w1")
    assert len(people(tmp_path / "w1")) == await Invitation.count() == 40
    assert (tmp_path / "w1/batch.json").exists()


async def test_two_draws_at_once_never_take_the_same_people(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    frame = frame_file(tmp_path)
    both = await asyncio.gather(*(draw(site, frame, tmp_path / name) for name in ("w1", "w2")), return_exceptions=True)
    drawn = [p["name"] for name in ("w1", "w2") if (tmp_path / name).exists() for p in people(tmp_path / name)]
    assert len(drawn) == len(set(drawn)) == await Invitation.count()
    assert sum(isinstance(one, Report) for one in both) >= 1
    assert all(isinstance(one, Report | Problem | DatabaseError) for one in both)


async def test_people_who_were_drawn_elsewhere_are_not_drawn_again_by_accident(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    await keep_frame(site, await live(), [FrameRow("3701", "town", "", 70, 9, "")])
    with pytest.raises(Problem, match="A sample was drawn elsewhere"):
        await draw(site, frame_file(tmp_path), tmp_path / "w1")


async def test_a_file_of_counts_does_not_replace_what_was_drawn_here(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    await draw(site, frame_file(tmp_path), tmp_path / "w1")
    with pytest.raises(Problem, match="The sample was drawn here"):
        await keep_frame(site, await live(), [FrameRow("3701", "town", "", 70, 9, "")])


@pytest.mark.parametrize(
    ("line", "carrier", "column", "words"),
    [
        ("9999,,A,Road 1,,,", "letter", "unit", "no unit of this campaign"),
        (",,A,Road 1,,,", "letter", "unit", "is blank"),
        ("3701,,A,,,,", "letter", "address", "is blank"),
        ("3701,,A,Road 1,,,fr", "letter", "language", "is no language"),
        ("3701,,=1+1,Road 1,,,", "letter", "name", "begins like a formula"),
        ("3701,,A\x07,Road 1,,,", "letter", "name", "cannot be printed"),
        (f"3701,,A,{'x' * 301},,,", "letter", "address", "is too long"),
        (f"3701,{'x' * 65},A,Road 1,,,", "letter", "design_stratum", "is too long"),
        ("3701,=cmd(),A,Road 1,,,", "letter", "design_stratum", "begins like a formula"),
        ("3701,,A,Road 1,12345,,", "sms", "phone", "is no mobile number"),
        ("3701,,A,Road 1,,,", "sms", "phone", "is blank"),
        ("3701,,A,,,a@b,", "mail", "email", "is no mail address"),
        ("3702,,B, road 0,,,", "letter", "address", "is the same person as row 2"),
    ],
)
async def test_a_bad_row_of_a_frame_is_named(
    settings: Settings, tmp_path: Path, line: str, carrier: Any, column: str, words: str
) -> None:
    path = tmp_path / "frame.csv"
    first = {"sms": "3702,,B,,13800000000,,", "mail": "3702,,B,,,b@example.org,", "letter": "3702,,B,Road 0,,,"}
    path.write_text(f"unit,design_stratum,name,address,phone,email,language\n{first[carrier]}\n{line}\n")
    with pytest.raises(Refused) as refused:
        read_frame_file(path, ["3701", "3702"], carrier, Numbers(bytes(32), 1).of_contact, clusters=False)
    [found] = refused.value.findings
    assert (found.row, found.column) == (3, column)
    assert words in found.why()
    assert found.what_would_be_right()


async def test_a_frame_may_be_an_xlsx_with_phones_as_numbers(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    with xlsxwriter.Workbook(str(tmp_path / "f.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Unit", "phone", "language"])
        for n in range(30):
            sheet.write_row(
                n + 1, 0, [370100, [13800000000 + n, f"+86 138-0000-{n:04}", f"+852 5123 {4000 + n}"][n % 3], "en"]
            )
    await draw(site, tmp_path / "f.xlsx", tmp_path / "w1", Wish(30), carrier="sms")
    numbers = sorted(p["phone"] for p in people(tmp_path / "w1"))
    assert numbers == sorted([f"{13800000000 + n}" if n % 3 < 2 else f"008525123{4000 + n}" for n in range(30)])


# --- reminders and what came back


async def use(settings: Settings, codes: list[str]) -> None:
    key, campaign = campaign_key(settings, "spring"), await live()
    await Admission.insert(*(Admission(code_hash=invitation_hash(key, code), campaign=campaign.id) for code in codes))


async def sent(
    settings: Settings, small_campaign: Make, tmp_path: Path, number: int = 300, carrier: Carrier = "sms"
) -> list[str]:
    await small_campaign()
    await draw(settings, frame_file(tmp_path, {("3701", ""): number}), tmp_path / "w1", Wish(number), carrier=carrier)
    return [str(read_code(p["code"])) for p in people(tmp_path / "w1")]


async def remind(settings: Settings, campaign: LiveCampaign, folder: Path, place: FolderPlace) -> Reminded:
    """As the command does."""
    given, those = read_folder(folder, campaign)
    return await reminders.remind(settings, campaign, given, those, place)


async def test_a_reminder_goes_to_the_unused_but_for_one_in_ten_either_way(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    codes = await sent(site, small_campaign, tmp_path, carrier="letter")
    await use(site, codes[:120])
    made = await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r1"))
    on = {read_code(p["code"]) for p in people(tmp_path / "r1")}
    assert made.reminded == len(on)
    key = campaign_key(site, "spring")
    assert on == {c for n, c in enumerate(codes) if (n < 120) == told_wrong(key, c, 1)}
    assert "reminder" in (tmp_path / "r1/letters/3701/letters-a4.html").read_text()
    assert stat.S_IMODE((tmp_path / "r1").stat().st_mode) == 0o700


def test_lies_are_one_in_ten_and_the_same_at_every_repetition_but_others_in_the_next_list() -> None:
    key, codes = bytes(range(32)), [f"code{n}" for n in range(20_000)]
    first = [told_wrong(key, code, 1) for code in codes]
    assert first == [told_wrong(key, code, 1) for code in codes]
    second = [told_wrong(key, code, 2) for code in codes]
    both = sum(a and b for a, b in zip(first, second, strict=True))
    for found, promised in ((sum(first), 0.1), (sum(second), 0.1), (both, 0.01)):
        sd = (20_000 * promised * (1 - promised)) ** 0.5
        assert abs(found - 20_000 * promised) < 4 * sd


def test_the_odds_that_a_list_gives_away_are_at_most_nine_to_one() -> None:
    key, codes = bytes(32), [f"code{n}" for n in range(50_000)]
    share = {used: sum(on_list(key, c, 1, used=used) for c in codes) / len(codes) for used in (False, True)}
    assert share[False] / share[True] == pytest.approx(9, rel=0.05)
    assert (1 - share[True]) / (1 - share[False]) == pytest.approx(9, rel=0.05)


async def test_two_lists_never_show_for_certain_who_answered_in_between(
    site: Settings, small_campaign: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "LIE", 0.3)  # so that of some hundred people some are told wrong twice
    codes = await sent(site, small_campaign, tmp_path, 900)
    await use(site, codes[:200])
    await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r1"))
    await use(site, codes[200:500])
    await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r2"))
    one, two = ({read_code(p["code"]) for p in people(tmp_path / r)} for r in ("r1", "r2"))
    seen = {
        kind: {(c in one, c in two) for c in group}
        for kind, group in (("before", codes[:200]), ("between", codes[200:500]), ("never", codes[500:]))
    }
    # whatever is seen of a code, somebody who had answered, one who did in between and one who never did look like it
    assert {(True, False), (False, False), (False, True)} <= seen["before"] & seen["between"] & seen["never"]
    with pytest.raises(Problem, match="No more reminders"):
        await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r3"))
    assert not (tmp_path / "r3").exists()


async def test_of_two_lists_that_are_made_at_once_one_is_refused(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    codes = await sent(site, small_campaign, tmp_path)
    await use(site, codes[:100])
    campaign = await live()
    both = await asyncio.gather(
        *(remind(site, campaign, tmp_path / "w1", FolderPlace(tmp_path / name)) for name in ("r1", "r2")),
        return_exceptions=True,
    )
    made = sorted(one.about.reminder for one in both if isinstance(one, Reminded))  # either may be the first
    [batch] = await Batch.select()
    assert made == list(range(1, batch["reminders"] + 1))
    assert sum((tmp_path / name / "batch.json").exists() for name in ("r1", "r2")) == len(made)


@pytest.mark.parametrize("used", [49, 251])
async def test_reminders_are_refused_where_there_are_too_few_to_hide_among(
    site: Settings, small_campaign: Make, tmp_path: Path, used: int
) -> None:
    codes = await sent(site, small_campaign, tmp_path)
    await use(site, codes[:used])
    with pytest.raises(Problem, match="Too few to hide among"):
        await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r1"))
    [batch] = await Batch.select()
    assert batch["reminders"] == 0


async def test_reminders_need_a_folder_of_this_campaign_whose_codes_became_valid(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    codes = await sent(site, small_campaign, tmp_path)
    await use(site, codes[:100])
    await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r1"))
    with pytest.raises(Problem, match="This folder holds reminders"):
        await remind(site, await live(), tmp_path / "r1", FolderPlace(tmp_path / "r2"))
    about = (tmp_path / "w1/batch.json").read_text()
    (tmp_path / "w1/batch.json").write_text(about.replace("spring", "autumn"))
    with pytest.raises(Problem, match="Another campaign"):
        await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r2"))
    (tmp_path / "w1/batch.json").unlink()
    with pytest.raises(Problem, match="no sender's folder"):
        await remind(site, await live(), tmp_path / "w1", FolderPlace(tmp_path / "r2"))


async def test_what_came_back_is_counted_once_in_its_cell_and_its_code_is_void(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    await draw(site, frame_file(tmp_path), tmp_path / "w1")
    back = [p for p in people(tmp_path / "w1") if p["unit"] == "3702"][:6]
    back += [p for p in people(tmp_path / "w1") if p["design_stratum"] == "town"][:2]
    codes = [str(read_code(p["code"])) for p in back]
    await use(site, codes[:2])  # nobody learns that these were used
    found = await count_undelivered(site, await live(), codes)
    assert (found.counted, found.unknown) == (8, 0)
    assert {cell: n for cell, (_f, _i, n) in (await cells()).items()} == {
        ("3702", "", ""): 6, ("3701", "town", ""): 2, ("3701", "country", ""): 0
    }  # fmt: skip
    assert [await find_invitation(site, code) for code in codes] == [None] * 8
    again = await count_undelivered(site, await live(), codes)
    assert (again.counted, again.unknown) == (0, 8)
    assert sum(n for _f, _i, n in (await cells()).values()) == 8


def test_a_list_of_returned_codes_is_read_with_every_defect(tmp_path: Path) -> None:
    (tmp_path / "back.csv").write_text("note,code\nx,0000-0000-0000-0000\nx,0000000000000000\nx,0000-0000-0000-0001\n")
    with pytest.raises(Refused) as refused:
        sender_folder.read_codes(tmp_path / "back.csv")
    assert [(f.row, f.why()) for f in refused.value.findings] == [(3, "is the same code as row 2"), (4, "is mistyped")]


async def test_codes_are_kept_in_an_order_that_says_nothing_of_the_frame(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    codes = await sent(site, small_campaign, tmp_path)
    key = campaign_key(site, "spring")
    place = {row["code_hash"]: n for n, row in enumerate(await Invitation.raw("SELECT code_hash FROM invitation"))}
    order = [place[invitation_hash(key, code)] for code in codes]
    rising = sum(a < b for a, b in pairwise(order))
    assert (
        abs(rising - 149.5) < 4 * (300 / 12) ** 0.5
    )  # ascents of a random permutation: mean (n-1)/2, variance (n+1)/12


# --- what a run that was cut short left


async def test_what_is_not_ours_is_never_taken_away(site: Settings, small_campaign: Make, tmp_path: Path) -> None:
    await small_campaign()
    left = tmp_path / "w1.unfinished"
    left.mkdir()
    (left / "diary.txt").write_text("x")
    with pytest.raises(UsageError, match=r"holds diary\.txt, which is not ours"):
        await draw(site, frame_file(tmp_path), tmp_path / "w1")
    assert (left / "diary.txt").read_text() == "x"
    assert await Batch.count() == 0


async def test_while_one_run_writes_a_folder_another_leaves_it_alone(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    await small_campaign()
    first, frame = FolderPlace(tmp_path / "w1"), frame_file(tmp_path)
    first.begin().text("README.txt", "being written")
    with pytest.raises(Problem, match="Another run is writing this folder"):
        await draw(site, frame, tmp_path / "w1")
    assert (tmp_path / "w1.unfinished/README.txt").exists()
    first.discard()
    assert (await draw(site, frame, tmp_path / "w1")).invited == 40


async def test_a_folder_whose_codes_are_valid_is_finished_by_the_same_command(
    site: Settings, small_campaign: Make, tmp_path: Path
) -> None:
    codes = await sent(site, small_campaign, tmp_path)
    (tmp_path / "w1").rename(tmp_path / "w1.unfinished")
    await use(site, codes[:100])
    with pytest.raises(Problem, match="This folder is not finished"):
        await remind(site, await live(), tmp_path / "w1.unfinished", FolderPlace(tmp_path / "r1"))
    again = await draw(site, tmp_path / "frame.csv", tmp_path / "w1", Wish(300), carrier="sms")
    assert (again.resumed, again.invited, await Batch.count()) == (True, 300, 1)
    assert [read_code(p["code"]) for p in people(tmp_path / "w1")] == codes
    with pytest.raises(UsageError, match="File exists"):
        await draw(site, tmp_path / "frame.csv", tmp_path / "w1", Wish(300), carrier="sms")
