"""Invitations on the command line, and what is written for senders of messages."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evaluator import cli, database
from evaluator.collection.admission import new_code, read_code, shown_code
from evaluator.collection.campaigns import LiveCampaign, load_campaign
from evaluator.collection.frames import Contact
from evaluator.collection.letters import Invited
from evaluator.collection.messages import mail_rows, parts, sms_text
from evaluator.collection.tables import Batch, Manifest, SampleCell
from evaluator.problems import Problem
from evaluator.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(
    database_url: str, settings: Settings, small_campaign: Callable[..., Coroutine[Any, Any, None]],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> Run:  # fmt: skip
    """Runs `evaluator campaign ...` where there is the campaign `spring`, in its last weeks."""
    monkeypatch.setenv("EVALUATOR_DATABASE_URL", database_url)
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("EVALUATOR_BASE_URL", "https://rate.example.org")
    asyncio.run(small_campaign(opens=date(2026, 3, 1), closes=date(9999, 1, 1)))
    (tmp_path / "frame.csv").write_text(
        "unit,address,phone,email\n" + "".join(f"3701,{n} Road,1380000{n:04},p{n}@example.org\n" for n in range(200))
    )

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(cli.group, ["campaign", *map(str, arguments)])
        database.connect(database_url)
        if isinstance(result.exception, Problem | database.DatabaseError):
            result.exit_code = 2  # as cli.main does
        return result

    return invoke


def ask(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def people(out: Path, name: str = "contacts.csv") -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_invite_undelivered_and_posters_say_what_they_did(run: Run, tmp_path: Path) -> None:
    out, frame = tmp_path / "w1", tmp_path / "frame.csv"
    made = run("invite", "spring", frame, "-n", 40, "--carrier", "sms", "--batch", "w1", "--out", out, "--seed", 5)
    assert made.exit_code == 0, made.output + str(made.exception)
    assert "40 people drawn in 1 units, 1 design cells; seed 5" in made.output
    assert "no row of the frame is about: 370102, 3702" in made.output
    assert "delete it when the last reminder is sent" in made.output
    back = tmp_path / "back.csv"
    back.write_text("code\n" + "\n".join(p["code"] for p in people(out)[:3]) + f"\n{shown_code(new_code())}\n")
    counted = run("undelivered", "spring", back)
    assert "3 codes counted as undelivered" in counted.output
    assert "1 are no codes of this campaign" in counted.output
    posters = run("posters", "spring", "--out", tmp_path / "p", "--format", "a5")
    assert "3 posters" in posters.output
    assert sorted(p.name for p in (tmp_path / "p").iterdir()) == [
        f"poster-spring-{unit}-a5.html" for unit in ("3701", "370102", "3702")
    ]
    [cell] = ask(_rows(SampleCell))
    assert (cell["frame_n"], cell["invited"], cell["undelivered"]) == (200, 40, 3)


async def _rows(table: Any) -> list[dict[str, Any]]:
    return list(await table.select())


def test_a_batch_of_an_opened_campaign_is_in_its_manifest(run: Run, tmp_path: Path) -> None:
    before = ask(_rows(Manifest))
    run(
        "invite",
        "spring",
        tmp_path / "frame.csv",
        "-n",
        40,
        "--carrier",
        "mail",
        "--batch",
        "w1",
        "--out",
        tmp_path / "w1",
    )
    after = ask(_rows(Manifest))
    assert len(after) == len(before) + 1
    assert '"invited":40' in after[-1]["text"]
    assert after[-1]["reason"] == "A batch of invitations was drawn."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ([], "give --number N, or --allocation FILE"),
        (["-n", "5", "--allocation", "frame.csv"], "give --number N, or --allocation FILE"),
        (["-n", "5", "--batch", "a b"], "a name has 1 to 32"),
        (["-n", "1"], "raise --number or lower --least"),
        (["-n", "5", "--psus", "2"], "psu"),
        (["--allocation", "frame.csv"], "must be there once"),
    ],
)
def test_wrong_wishes_are_refused_with_exit_code_2_and_nothing_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("invite", "spring", "frame.csv", "--carrier", "letter", "--batch", "w1", "--out", "w1", *change)
    assert result.exit_code == 2
    assert words in result.output + str(result.exception)
    assert not (tmp_path / "w1").exists()
    assert ask(_rows(Batch)) == []


def test_a_folder_that_exists_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w1").mkdir()
    (tmp_path / "w1/keep").write_text("x")
    frame = tmp_path / "frame.csv"
    result = run("invite", "spring", frame, "-n", 5, "--carrier", "sms", "--batch", "w1", "--out", tmp_path / "w1")
    assert result.exit_code == 2
    assert [p.name for p in (tmp_path / "w1").iterdir()] == ["keep"]
    assert ask(_rows(Batch)) == []


def test_reminders_are_refused_in_a_small_batch(run: Run, tmp_path: Path) -> None:
    frame = tmp_path / "frame.csv"
    run("invite", "spring", frame, "-n", 60, "--carrier", "sms", "--batch", "w1", "--out", tmp_path / "w1")
    result = run("remind", "spring", tmp_path / "w1", "--out", tmp_path / "r1")
    assert result.exit_code == 2
    assert "at least 50 of a batch" in str(result.exception)
    assert not (tmp_path / "r1").exists()


# --- messages


async def live(small_campaign: Any) -> LiveCampaign:
    await small_campaign()
    found = await load_campaign("spring")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("\u8bf7" * 70, 1), ("\u8bf7" * 71, 2), ("\u8bf7" * 134, 2), ("\u8bf7" * 135, 3), ("a" * 160, 1),
        ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("[" * 80, 1), ("[" * 81, 2),
        ("\U0001f600" * 35, 1), ("\U0001f600" * 36, 2),
    ],
)  # fmt: skip
def test_parts_of_a_message_are_those_of_the_standard(text: str, number: int) -> None:
    # 3GPP TS 23.040: 140 bytes; 6 of them tell the parts of a long one apart: 67 characters of 2 bytes, 153 of 7 bits
    assert parts(text) == number


async def test_a_short_message_holds_the_address_with_the_code(small_campaign: Any, sqlite_url: str) -> None:
    campaign, code = await live(small_campaign), new_code()
    site = Settings(base_url="https://pj.example.gov.cn")
    for spoken in ("", "zh-CN", "en"):
        contact = Contact(1, "3701", phone="13800000000", language=spoken)
        for reminder in (False, True):
            text = sms_text(site, campaign, Invited(contact, code), reminder=reminder)
            assert f"https://pj.example.gov.cn/code#{code}" in text
            assert ("Place 3701" if spoken == "en" else "zh3701") in text
            assert parts(text) <= (1 if spoken != "en" and not reminder else 2)


async def test_a_mail_is_plain_text_in_the_languages_of_the_person(small_campaign: Any, sqlite_url: str) -> None:
    campaign, code = await live(small_campaign), new_code()
    site = Settings(base_url="https://pj.example.gov.cn")
    for spoken, titles in (("", "S-zh / Spring survey"), ("zh-CN", "S-zh"), ("en", "Spring survey")):
        contact = Contact(1, "3701", name="A", email="a@example.org", language=spoken)
        [(unit, address, name, subject, text)] = mail_rows(site, campaign, [Invited(contact, code)])
        assert (unit, address, name, subject) == ("3701", "a@example.org", "A", titles)
        assert text.count(f"https://pj.example.gov.cn/code#{shown_code(code)}") == (1 if spoken else 2)
        assert ("Dear A," in text) == (spoken != "zh-CN")
        assert "<" not in text
        [(*_rest, again, reminding)] = mail_rows(site, campaign, [Invited(contact, code)], reminder=True)
        assert again != subject
        assert len(reminding) > len(text)
    assert read_code(shown_code(code)) == code


def test_a_batch_that_was_never_sent_is_taken_back_when_somebody_says_so(run: Run, tmp_path: Path) -> None:
    made = ["invite", "spring", tmp_path / "frame.csv", "-n", 40, "--carrier", "sms"]
    run(*made, "--batch", "w1", "--out", tmp_path / "w1")
    assert "say --yes if the files are lost" in run("take-back", "spring", "w1").output
    taken = run("take-back", "spring", "w1", "--yes")
    assert "batch w1 is taken back: 40 codes are void" in taken.output
    assert run("take-back", "spring", "w1", "--yes").exit_code == 2
    assert run(*made, "--batch", "w1", "--out", tmp_path / "again").exit_code == 2  # its name stays taken
    assert run(*made, "--batch", "w2", "--out", tmp_path / "w2").exit_code == 0
    assert not {p["address"] for p in people(tmp_path / "w1")} & {p["address"] for p in people(tmp_path / "w2")}
    [cell] = ask(_rows(SampleCell))
    assert (cell["frame_n"], cell["invited"]) == (200, 40)
    (tmp_path / "w2").rename(tmp_path / "w2.unfinished")
    again = run(*made, "--batch", "w2", "--out", tmp_path / "w2")
    assert "batch w2 was drawn by a run that was cut short, 40 people" in again.output
