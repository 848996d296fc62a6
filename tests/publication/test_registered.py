"""Registered schemes: what is refused, what logs show of the order, and what pages say of it and what not."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from litestar.testing import AsyncTestClient

from evaluator.cli import group
from evaluator.collection import counting
from evaluator.collection.campaigns import Label, create_campaign
from evaluator.collection.export import sources
from evaluator.ledger.audit import record
from evaluator.ledger.files import publish as publish_files
from evaluator.ledger.keys import AUDIT, campaign_log, signer
from evaluator.ledger.published import folder
from evaluator.ledger.tables import LogLeaf
from evaluator.publication import registered
from evaluator.publication.publishing import publish
from evaluator.publication.registered import Standing, Survey, standing
from evaluator.rating.defects import InputError
from evaluator.rating.edition import Note, read_note
from evaluator.rating.registering import Registration, register, registrations
from evaluator.rating.tables import RegisteredScheme
from evaluator.settings import Settings
from tests.publication import small_edition as small
from tests.wiring import site_over

DAY, WHY = date(2025, 11, 3), "adopted by the council; the weights are those of the law"
CONTENT = small.SCHEME.read_bytes()
SHA = hashlib.sha256(CONTENT).hexdigest()
OPENS, CLOSES = date(2026, 3, 1), date(2026, 3, 31)
RUN = {"EVALUATOR_DATABASE_URL": ""}


async def campaign(settings: Settings, code: str = "spring") -> None:
    """A campaign that is open between two days; its log begins with its manifest."""
    if not await counting.Campaign.count():
        await small.keep_units()
    await create_campaign(
        settings, code, questionnaire=(small.SOURCE / "people@1.yaml").read_text(encoding="utf-8"), units=["9001"],
        opens=OPENS, closes=CLOSES, title=Label("S-zh", "Spring"), responsible=Label("O-zh", "Office"), contact="us",
    )  # fmt: skip


async def note_that_counts(settings: Settings, folder: Path, *codes: str) -> Note:
    """The note of an edition whose snapshot counted these campaigns."""
    note, found = read_note(folder), await sources(codes)
    counted = await counting.counted(settings, found, small.PERIOD)
    await counting.log_snapshot(settings, counted, note.snapshot.sha256, small.PERIOD)
    heads = "; ".join(f"{one.origin} {one.size} {one.root}" for _code, one in sorted(counted.items()))
    return msgspec.structs.replace(note, log_head=heads)


async def test_a_scheme_is_kept_byte_for_byte_and_logged_once(settings: Settings, database_url: str) -> None:
    odd = b"\xef\xbb\xbf" + CONTENT.replace(b"\n", b"\r\n")
    found, new = await register(settings, odd, "odd.yaml", f" {WHY} ", DAY, "operator 3")
    assert new
    assert (found.why, found.position, found.row.registered_on) == (WHY, 0, DAY)
    assert found.row.content.encode() == odd
    assert found.row.sha256 == hashlib.sha256(odd).hexdigest()
    again, new = await register(settings, odd, "odd.yaml", "another reason", DAY + timedelta(9), "operator 4")
    assert (new, again.why, again.row.registered_on) == (False, WHY, DAY)
    [leaf] = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == AUDIT)
    entry = json.loads(leaf["entry"])
    assert {
        "what": "scheme.registered",
        "sha256": found.row.sha256,
        "day": "2025-11-03",
        "by": "operator 3",
    }.items() <= (entry.items())


async def test_one_version_has_one_content(
    settings: Settings, small_folder: Path, tmp_path: Path, database_url: str
) -> None:
    await register(settings, CONTENT, "a.yaml", WHY, DAY, "x")
    with pytest.raises(InputError, match=rf"registered on 2025-11-03 with other bytes \(SHA-256 {SHA}\)"):
        await register(settings, CONTENT + b"# more\n", "b.yaml", WHY, DAY, "x")
    other = CONTENT.replace(b"decimals: 1", b"decimals: 2")
    await RegisteredScheme.delete(force=True)
    await publish(settings, small_folder, lambda edition: (), DAY, draft=True)
    with pytest.raises(InputError, match=r"b\.yaml is .*, by which \S+ was rated, with other content; give it another"):
        await register(settings, other, "b.yaml", WHY, DAY, "x")
    assert await registrations() == []
    entries = [json.loads(leaf["entry"])["what"] for leaf in await LogLeaf.select(LogLeaf.entry)]
    assert entries == ["scheme.registered", "edition.drafted"]  # what was refused is in no log
    await register(settings, CONTENT, "a.yaml", WHY, DAY, "x")


async def test_an_edition_by_another_content_of_a_registered_version_is_not_brought_in(
    settings: Settings, small_folder: Path
) -> None:
    await register(settings, CONTENT.replace(b"decimals: 1", b"decimals: 2"), "a.yaml", WHY, DAY, "x")
    with pytest.raises(InputError, match="registered on 2025-11-03 with other bytes"):
        await publish(settings, small_folder, lambda edition: (), DAY)


async def test_of_two_contents_at_once_one_is_registered(settings: Settings, database_url: str) -> None:
    contents = [CONTENT + b"# %d\n" % number for number in range(2)]
    done = await asyncio.gather(
        *(register(settings, one, "s.yaml", WHY, DAY, "x") for one in contents), return_exceptions=True
    )
    assert await RegisteredScheme.count() == 1
    assert sum(isinstance(one, tuple) for one in done) == 1
    assert await LogLeaf.count().where(LogLeaf.log == AUDIT) == 1


@pytest.mark.parametrize(
    ("content", "why", "said"),
    [
        (b"code: x\nlevel: {}\n", WHY, r"s\.yaml:2 the scheme has an unknown key"),
        (CONTENT, " ", "a reason is missing"),
        (b"\xff\xfe", WHY, "is not UTF-8"),
        (b"#" * 1_000_001, WHY, "at most 1,000,000"),
        (CONTENT.replace(b"version: ", b"version: " + b"9" * 70 + b" #"), WHY, "the version has 70 characters"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_and_nothing_logged(
    settings: Settings, content: bytes, why: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        await register(settings, content, "s.yaml", why, DAY, "x")
    assert await LogLeaf.count() == 0


def registration(day: date, position: int = 4) -> Registration:
    row = RegisteredScheme(sha256=SHA, code="s", version="1", registered_on=day, content="", leaf="0" * 64)
    return Registration(row, position, WHY)


SPRING, AUTUMN = Survey("spring", OPENS, CLOSES, 3), Survey("autumn", date(2026, 9, 1), date(2026, 9, 30), 9)
CASES = {
    "nothing registered": (None, [SPRING], "not_registered", False),
    "the day before it opens": (OPENS - timedelta(1), [SPRING], "before_the_first_answer", False),
    "the day it opens": (OPENS, [SPRING], "before_the_last_answer", False),
    "the last day": (CLOSES, [SPRING], "before_the_last_answer", False),
    "the day after": (CLOSES + timedelta(1), [SPRING], "after_the_last_answer", False),
    "the log shows it": (OPENS, [replace(SPRING, audit_size=5)], "before_the_first_answer", True),
    "a head of that very size lacks it": (OPENS, [replace(SPRING, audit_size=4)], "before_the_last_answer", False),
    "between two surveys": (date(2026, 6, 1), [SPRING, AUTUMN], "before_the_last_answer", False),
    "one by its log, one by its day": (date(2026, 2, 1), [SPRING, AUTUMN], "before_the_first_answer", False),
    "before the period": (date(2025, 12, 31), [], "before_the_period", False),
    "in the period": (date(2026, 1, 1), [], "order_not_known", False),
    "logs that are elsewhere": (date(2020, 1, 1), None, "order_not_known", False),
}


@pytest.mark.parametrize("case", CASES)
def test_before_is_said_only_where_it_is_true(case: str) -> None:
    day, surveys, status, proved = CASES[case]
    found = registration(day) if day else None
    told = standing(found, surveys, small.PERIOD)
    assert (told.status, told.proved) == (status, proved)
    assert standing(found, [], None).status in ("not_registered", "order_not_known")


async def test_the_campaigns_that_an_edition_counts_decide(
    settings: Settings, small_folder: Path, database_url: str
) -> None:
    await campaign(settings, "early")
    await register(settings, CONTENT, "s.yaml", WHY, OPENS, "x")
    await campaign(settings, "late")
    assert (
        await registered.of_note(await note_that_counts(settings, small_folder, "early"))
    ).status == registered.DURING
    late = await registered.of_note(await note_that_counts(settings, small_folder, "late"))
    assert (late.status, late.proved, late.opens, late.closes) == (registered.BEFORE, True, OPENS, CLOSES)
    both = await note_that_counts(settings, small_folder, "early", "late")
    assert (await registered.of_note(both)).status == registered.DURING
    # a log that does not say that it was counted for this snapshot shows nothing
    other = msgspec.structs.replace(both, snapshot=msgspec.structs.replace(both.snapshot, sha256="f" * 64))
    foreign = msgspec.structs.replace(both, log_head=f"else.org/log/campaign/spring 3 {'0' * 64}")
    strange = msgspec.structs.replace(both, log_head="whatever it is")
    for note in (other, foreign, strange):
        assert (await registered.of_note(note)).status == registered.UNTOLD
    unlike = msgspec.structs.replace(both, scheme=msgspec.structs.replace(both.scheme, sha256="f" * 64))
    assert await registered.of_note(unlike) == Standing(registered.NONE)


def told(*arguments: object, home: Path) -> tuple[int, str]:
    environment = {"EVALUATOR_DATA_DIR": str(home), **RUN}
    result = CliRunner().invoke(group, [str(one) for one in arguments], env=environment)
    return result.exit_code, result.output


def widest(home: Path) -> Path:
    """The bundle of a short log's entries; narrower ones stay until it is full."""
    return max((home / "tile" / "entries").rglob("000.p/*"), key=lambda path: int(path.name))


async def test_the_logs_alone_show_the_order(settings: Settings, tmp_path: Path) -> None:
    await campaign(settings, "early")
    found, _new = await register(settings, CONTENT, "s.yaml", WHY, DAY, "x")
    await campaign(settings, "late")
    async with AsyncTestClient(site_over(settings), base_url="http://testserver.local") as visitor:
        text = (await visitor.get(f"/schemes/{SHA}/proof")).text
        assert (await visitor.get(f"/schemes/{SHA}/scheme.yaml")).content == CONTENT
    await publish_files(settings, AUDIT)  # the site does so within a minute
    (tmp_path / "proof").write_text(text)
    scheme, home = shutil.copy(small.SCHEME, tmp_path / "scheme.yaml"), tmp_path / "elsewhere"
    audit, late, early = (folder(settings, name) for name in (AUDIT, campaign_log("late"), campaign_log("early")))
    keys = {name: signer(settings, name).vkey for name in (AUDIT, campaign_log("late"), campaign_log("early"))}
    alone = ("scheme", "registered", scheme, "--proof", tmp_path / "proof", "--key", keys[AUDIT])

    def order(campaign: Path, name: str, audit: Path = audit) -> tuple[int, str]:
        logs = ("--audit-log", audit, "--campaign-log", campaign, "--campaign-key", keys[name])
        return told(*alone, *logs, home=home)

    assert told(*alone, home=home) == (
        0, f"yes: registered as entry {found.position} of 127.0.0.1:8000/log/audit, which says 2025-11-03: {WHY}\n"
    )  # fmt: skip
    code, said = order(late, campaign_log("late"))
    assert code == 0
    assert "yes: before the first answer of late: its log begins with a head of the audit log" in said
    code, said = order(early, campaign_log("early"))
    assert code == 1
    assert "names no head of the audit log" in said  # nothing had been logged when it began
    assert "early promised to open on 2026-03-01" in said
    assert not home.exists()  # no database, no settings
    # another file, another entry, half of the options, a key that is none
    (tmp_path / "other.yaml").write_bytes(CONTENT + b"#\n")
    code, said = told("scheme", "registered", tmp_path / "other.yaml", *alone[3:], home=home)
    assert (code, "proof is of another file" in said) == (1, True)
    assert told(*alone, "--audit-log", audit, home=home)[0] == 2
    assert told(*alone[:-1], "nonsense", home=home)[0] == 2
    # a log that was changed: its first entry, or what the audit log held then
    forged = shutil.copytree(late, tmp_path / "forged")
    entries = widest(forged)
    entries.write_bytes(entries.read_bytes().replace(b"2026-03-01", b"2026-03-02"))
    code, said = order(forged, campaign_log("late"))
    assert (code, "not that of the signed head" in said) == (2, True)
    await record(settings, "one.more")  # a campaign's log is public at once, the audit log's head within a minute
    await campaign(settings, "last")
    last = campaign_log("last")
    keys[last] = signer(settings, last).vkey
    code, said = order(folder(settings, last), last)
    assert (code, "it is an older copy; copy the audit log again" in said) == (2, True)
    forged = shutil.copytree(audit, tmp_path / "forged-audit")
    entries = widest(forged)
    entries.write_bytes(entries.read_bytes().replace(b"2025-11-03", b"2025-11-02"))
    code, said = order(late, campaign_log("late"), forged)
    assert (code, "do not lead to its signed head" in said) == (2, True)
    code, said = order(audit, AUDIT)
    assert (code, "is no campaign's log" in said) == (2, True)


def test_the_command_registers_once(tmp_path: Path) -> None:
    home, scheme = tmp_path / "site", shutil.copy(small.SCHEME, tmp_path / "scheme.yaml")
    command = ("scheme", "register", scheme, "--why", WHY)
    code, said = told(*command, home=home)
    assert code == 0
    assert f"http://127.0.0.1:8000/schemes/{SHA}" in said
    code, said = told(*command, home=home)
    assert (code, "already; nothing was changed" in said) == (0, True)
    (tmp_path / "scheme.yaml").write_bytes(CONTENT + b"\n")
    code, said = told(*command, home=home)
    assert (code, "give this one another version" in said) == (2, True)


async def pages_of(visitor: AsyncTestClient, paths: list[str], language: str) -> str:
    answers = [await visitor.get(path, headers={"accept": "text/html", "accept-language": language}) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    return "\n".join(answer.text for answer in answers)


async def test_pages_say_plainly_whether_it_was_registered(client: AsyncTestClient, settings, published) -> None:
    base = f"/editions/{published}"
    marked = [base, f"{base}/method", f"{base}/data"]
    assert (await pages_of(client, marked, "en")).count("This scheme was not registered before the data came.") == 3
    assert "not registered" in await pages_of(client, ["/editions"], "en")
    assert "No scheme has been registered yet." in await pages_of(client, ["/schemes"], "en")
    assert (await client.get("/schemes.json")).json() == {"schemes": []}
    await register(settings, CONTENT, "s.yaml", "<b>law</b>", DAY, "x")
    assert (await pages_of(client, marked, "en")).count("before the period that it rates began") == 3
    assert "registered before the period" in await pages_of(client, ["/editions"], "en")
    listed = await pages_of(client, ["/schemes", f"/schemes/{SHA}"], "zh-CN")
    assert listed.count("2025年11月3日") >= 2
    assert "&lt;b&gt;law&lt;/b&gt;" in listed
    [row] = (await client.get("/schemes.json")).json()["schemes"]
    [edition] = row["editions"]
    assert (row["sha256"], row["registered_on"], edition["status"]) == (SHA, "2025-11-03", "before_the_period")
    assert (await client.get(f"/schemes/{SHA}.json")).json() == row
    table = (await client.get("/schemes.csv?bom=1")).text
    assert table.splitlines()[0].removeprefix("\ufeff") == (
        "sha256,code,version,title_zh,title_en,registered_on,log_position,why,editions"
    )
    assert table.splitlines()[1].endswith(published)
    assert (await client.get(f"{base}.json")).json()["registration"]["status"] == "before_the_period"
    [told] = (await client.get("/editions.json")).json()["editions"]
    assert told["registration"]["registered_on"] == "2025-11-03"
    for path in (
        "/schemes/abc",
        f"/schemes/{'0' * 64}",
        f"/schemes/{SHA}.csv",
        f"/schemes/{'0' * 64}/proof",
        "/schemes/%00",
    ):
        assert (await client.get(path)).status_code == 404, path
