"""The slip after sending, what becomes of it, taking back and leaving out; on pages, in the tables and in the log."""

from __future__ import annotations

import asyncio
import base64
import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from evaluator import cli
from evaluator.collection import behind, closing, exclusion, keys, slips, withdrawal
from evaluator.collection.admission import issue_codes
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.epochs import end_due
from evaluator.collection.export import sources
from evaluator.collection.sealing import seal
from evaluator.collection.tables import Admission, Campaign, Pending, Response
from evaluator.ledger.checking import check_folder
from evaluator.ledger.counted import recount
from evaluator.ledger.files import receipt_for
from evaluator.ledger.keys import campaign_log, signer
from evaluator.ledger.published import folder
from evaluator.ledger.receipts import ReceiptError, verify_receipt
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.rating.snapshot import read_snapshot
from evaluator.rating.snapshot_make import make_snapshot
from evaluator.settings import Settings
from tests.collection.conftest import CLOSES, OPENS, Page, Person
from tests.days import local_day

AFTER = datetime(2026, 3, 31, 17, 0, tzinfo=UTC)  # an hour after the close in Shanghai
LOG = campaign_log("spring")


async def answer(citizen: Person, path: str = "/rate/spring/3701", **view: str) -> Page:
    """Answers a form from its address to the thanks."""
    if path:
        await citizen.open(path)
    await citizen.press(contact="no")
    await citizen.press(**view)
    await citizen.press()
    return await citizen.press("send")


def slip_on(page: Page) -> slips.Slip:
    """The slip that stands on a page as text, with the withdrawal code beside it."""
    text = html.unescape(re.findall(r"(?s)<pre[^>]*>(evaluator promise.*?)</pre>", page.text)[0])
    token = re.findall(r'name="code" value="(\w{24})"', page.text)
    found = slips.read_slip(text, token=token[0] if token else "")
    assert found is not None
    return found


def text_of(slip: slips.Slip) -> str:
    return slips.slip_text(slip, f"127.0.0.1:8000/log/campaign/{slip.campaign}")


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> Page:
    headers = {"accept": "text/html", "accept-language": "en", "content-type": "application/x-www-form-urlencoded"}
    return Page(await client.post(path, content=urlencode(fields), headers=headers))


async def check(client: httpx.AsyncClient, text: str) -> Page:
    """Bring a text to the page of receipts, as its form does."""
    headers = {"accept": "text/html", "accept-language": "en"}
    return Page(await client.post("/receipt", files={"text": (None, text)}, headers=headers))


# --- after sending ----------------------------------------------------------------------------------------------------


async def test_after_sending_the_page_hands_over_a_slip_that_shows_no_answer(
    database_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        page = await answer(person(client), word="7")
        slip = slip_on(page)
        [row] = await Pending.select()
    assert (slip.leaf, slip.sealed_by) == (row["leaf_hash"], CLOSES + timedelta(1))
    assert slip.token == keys.withdrawal_token(keys.campaign_key(app.state.settings, "spring"), slip.leaf)
    assert slip.token not in text_of(slip)
    assert row["salt"] not in page.text
    assert "April 1, 2026" in page.words
    assert "<svg" in page.text


async def test_the_slip_travels_as_a_cookie_that_only_its_own_pages_get_and_never_in_an_address(
    sqlite_url, app_on, serving, small_campaign
) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        addresses: list[str] = []
        client.event_hooks["request"].append(lambda request: _noted(addresses, request))
        slip = slip_on(await answer(Person(client)))
        held = [cookie for cookie in client.cookies.jar if cookie.name.startswith("receipt-")]
        assert {cookie.name for cookie in held} == {f"receipt-{slip.name}", "receipt-latest"}
        for cookie in held:
            assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("/receipt", True)
            assert len(cookie.value or "") < 300
        assert slip.name not in " ".join(addresses)
        assert slip.token not in " ".join(addresses)
        assert slips.packed(slip).split(".")[2] not in " ".join(addresses)


async def _noted(addresses: list[str], request: httpx.Request) -> None:
    addresses.append(str(request.url))


async def test_the_same_code_and_answers_get_the_same_slip_and_other_answers_none(
    database_url, app_on, serving, small_campaign, person
) -> None:
    await small_campaign(open_link=False)
    app = app_on(database_url)
    [code] = await issue_codes(app.state.settings, "spring", "3701", 1)
    async with serving(app) as client:
        pages = []
        forms = [person(client) for _ in range(3)]
        for citizen, word in zip(forms, ("4", "4", "5"), strict=True):
            client.cookies.clear()
            await citizen.enter(code)
            await citizen.press(contact="no")
            await citizen.press(word=word)
            await citizen.press()
            citizen.kept = list(client.cookies.jar)
        for citizen in forms:
            client.cookies.clear()
            for cookie in citizen.kept:
                client.cookies.jar.set_cookie(cookie)
            pages.append(await citizen.press("send"))
        assert slip_on(pages[0]) == slip_on(pages[1])
        assert pages[2].status == 409
        assert await Pending.count() == await Admission.count() == 1


async def test_a_device_lists_its_slips_and_forgets_one_when_told(sqlite_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        citizen = Person(client)
        first = slip_on(await answer(citizen))
        second = slip_on(await answer(citizen, "/rate/spring/3702"))
        page = await citizen.open("/receipt")
        assert page.words.count("waiting until April 1, 2026") == 2
        assert page.words.index("Place 3702") < page.words.index("Place 3701")  # the latest first
        page = await post(client, "/receipt/forget", name=second.name)
        assert page.status == 303
        page = await citizen.open("/receipt")
        assert text_of(first).split("\n")[2] in html.unescape(page.text)
        assert text_of(second).split("\n")[2] not in html.unescape(page.text)
        assert await Pending.count() == 2


# --- from slip to receipt ---------------------------------------------------------------------------------------------


async def test_a_sealed_slip_becomes_a_receipt_that_holds_and_is_saved_byte_for_byte(
    database_url, app_on, serving, small_campaign, clock
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        slip = slip_on(await answer(citizen))
        client.cookies.clear()
        page = await check(client, text_of(slip))
        assert "waiting until April 1, 2026" in page.words
        await seal(app.state.settings, "spring", everything=True)
        page = await check(client, text_of(slip).replace("\n", " \r\n").replace("\u2014", "-"))  # as chats pass it on
        assert "This receipt holds." in page.words
        receipt = await receipt_for(app.state.settings, LOG, slip.leaf_hash)
        assert receipt is not None
        assert html.escape(receipt, quote=False) in page.text.replace("&#34;", '"')
        saved = await post(client, "/receipt/file", text=receipt.replace("\n", "\r\n"))
        assert saved.response.content == receipt.encode()
        assert saved.response.headers["content-disposition"] == (
            f'attachment; filename="receipt-spring-{slip.leaf[:8]}.txt"'
        )
        assert (await check(client, receipt)).words.count("This receipt holds.") == 1
        assert "<svg" in (await post(client, "/receipt/picture", text=receipt)).text
    verified = verify_receipt(receipt, signer(app.state.settings, LOG).vkey)
    assert verified.leaf_hash == slip.leaf_hash


async def test_what_is_tampered_with_or_of_elsewhere_is_refused(
    sqlite_url, app_on, serving, small_campaign, tmp_path
) -> None:
    await small_campaign()
    await small_campaign("autumn")
    app = app_on(sqlite_url)
    async with serving(app) as client:
        citizen = Person(client)
        slip, other = slip_on(await answer(citizen)), slip_on(await answer(citizen, "/rate/spring/3702"))
        await seal(app.state.settings, "spring", everything=True)
        one, two = [await receipt_for(app.state.settings, LOG, s.leaf_hash) for s in (slip, other)]
        lines, others = one.split("\n"), two.split("\n")
        swapped = "\n".join([lines[0], others[1], *lines[2:]])  # the other's leaf in the first one's place
        elsewhere = replace(app.state.settings, data_dir=tmp_path / "other")
        forged = one.replace(lines[-2], signer(elsewhere, LOG).sign("x\n").split("\n")[-2])
        for text, step in ((swapped, "Together with"), (forged, "The head of the log")):
            page = await check(client, text)
            assert "This receipt does not hold." in page.words
            assert f"Wrong: {step}" in page.words
            assert (await post(client, "/receipt/file", text=text)).status == 422
        page = await check(client, one.replace("/campaign/spring", "/campaign/autumn"))
        assert "This receipt does not hold." in page.words
        page = await check(client, one.replace("127.0.0.1:8000", "elsewhere.example"))
        assert (page.status, "a log that this site does not keep" in page.words) == (422, True)
        later = replace(slip, sealed_by=slip.sealed_by + timedelta(300))
        assert "not signed by this site" in (await check(client, text_of(later))).words
        assert (await post(client, "/receipt/file", text=text_of(later))).status == 422
        assert (await check(client, text_of(slip).replace("127.0.0.1:8000", "elsewhere.example"))).status == 422
        for nothing in ("", "hello", text_of(slip)[:100]):
            assert (await check(client, nothing)).status == 422


async def test_a_promise_that_was_not_kept_is_told_as_such(sqlite_url, app_on, serving, small_campaign, clock) -> None:
    await small_campaign()
    async with serving(app_on(sqlite_url)) as client:
        slip = slip_on(await answer(Person(client)))
        clock.now = datetime(2026, 4, 2, 4, 0, tzinfo=UTC)
        page = await check(client, text_of(slip))
        assert "overdue" in page.words
        assert "office@example.org" in page.words
        await Pending.delete(force=True)  # as after a backup was restored
        assert "Nothing is stored for this slip" in (await check(client, text_of(slip))).words


# --- taking back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sealed", [False, True], ids=["pending", "sealed"])
async def test_the_holder_takes_the_answers_back_once_and_they_are_erased(
    database_url, app_on, serving, small_campaign, sealed
) -> None:
    await small_campaign(open_link=False)
    app = app_on(database_url)
    [code] = await issue_codes(app.state.settings, "spring", "3701", 1)
    async with serving(app) as client:
        citizen = Person(client)
        await citizen.enter(code)
        slip = slip_on(await answer(citizen, "", remark="my very own words"))
        if sealed:
            await seal(app.state.settings, "spring", everything=True)
        client.cookies.clear()
        fields = {"text": text_of(slip), "code": slip.token.lower()}
        page = await post(client, "/receipt/withdraw", **fields)
        assert "Take these answers back?" in page.words
        assert len(await LogLeaf.select().where(LogLeaf.log == LOG)) == (2 if sealed else 1)  # the manifest's is first
        page = await post(client, "/receipt/withdraw", **fields, sure="yes")
        assert page.response.headers["location"] == "/receipt/withdrawn"
        page = await citizen.open("/receipt/withdrawn")
        assert "Your answers were taken back" in page.words
        said = (await LogLeaf.select().where(LogLeaf.log == LOG).order_by(LogLeaf.position))[-1]["entry"]
        assert said == f'{{"at":{2 if sealed else 1},"campaign":"spring","kind":"withdrawal","leaf":"{slip.leaf}"}}'
        assert "taken back already" in (await post(client, "/receipt/withdraw", **fields, sure="yes")).words
        assert "taken back" in (await check(client, text_of(slip))).words
        page = await citizen.enter(code)
        assert page.status == 409
        assert await Response.count() == 0
        assert "my very own words" not in str(await Pending.select())
        await seal(app.state.settings, "spring", everything=True)  # the promise is kept: the leaf is in the log
        assert await Response.count() == await Pending.count() == 0
        receipt = await receipt_for(app.state.settings, LOG, slip.leaf_hash)
        verify_receipt(receipt, signer(app.state.settings, LOG).vkey)
        assert "These answers were taken back" in (await check(client, receipt)).words
        assert "taken back" in (await check(client, text_of(slip))).words


async def test_a_wrong_code_another_campaigns_code_and_one_after_the_close_are_refused(
    database_url, app_on, serving, small_campaign, clock
) -> None:
    await small_campaign()
    await small_campaign("autumn")
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        slip = slip_on(await answer(citizen))
        foreign = keys.withdrawal_token(keys.campaign_key(app.state.settings, "autumn"), slip.leaf)
        mistyped = slip.token[:-1] + ("0" if slip.token[-1] != "0" else "1")
        for token in (foreign, mistyped):
            page = await post(client, "/receipt/withdraw", text=text_of(slip), code=token, sure="yes")
            assert (page.status, "withdrawal code is wrong" in page.words) == (403, True)
        for token in ("", "ABC", slip.token + "0"):
            page = await post(client, "/receipt/withdraw", text=text_of(slip), code=token, sure="yes")
            assert (page.status, "24 letters and digits" in page.words) == (422, True)
        forged = text_of(replace(slip, signature=bytes(68)))
        assert (await post(client, "/receipt/withdraw", text=forged, code=slip.token, sure="yes")).status == 422
        clock.now = AFTER
        page = await post(client, "/receipt/withdraw", text=text_of(slip), code=slip.token, sure="yes")
        assert (page.status, "Too late" in page.words) == (410, True)
        assert "Take my answers back" not in (await citizen.open("/receipt")).words
        assert [row["withdrawn"] for row in await Pending.select()] == [False]


async def test_the_office_takes_back_on_the_command_line(
    sqlite_url, app_on, serving, small_campaign, clock, tmp_path, monkeypatch
) -> None:
    today = local_day()
    await small_campaign(opens=today - timedelta(2), closes=today + timedelta(5))
    clock.now = datetime.now(UTC)
    app = app_on(sqlite_url)
    async with serving(app) as client:
        slip = slip_on(await answer(Person(client)))
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EVALUATOR_DATABASE_URL", sqlite_url)
    (tmp_path / "slip.txt").write_text(text_of(slip), encoding="utf-8")
    (tmp_path / "no.txt").write_text("a letter")

    async def run(*words: str, typed: str = "") -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, cli.group, ["campaign", *words], input=typed)
        return done.exit_code, done.output + str(done.exception or "")

    assert (await run("withdraw", "autumn", str(tmp_path / "slip.txt"), "--withdrawal-code", slip.token))[0] == 2
    assert (await run("withdraw", "spring", str(tmp_path / "no.txt"), "--withdrawal-code", slip.token))[0] == 2
    wrong = await run("withdraw", "spring", str(tmp_path / "slip.txt"), "--withdrawal-code", "0" * 24)
    assert "The withdrawal code is wrong" in wrong[1]
    code, said = await run("withdraw", "spring", str(tmp_path / "slip.txt"), typed=f"{slip.token}\n")
    assert (code, "the answer is erased" in said) == (0, True)
    assert "taken back before" in (await run("withdraw", "spring", str(tmp_path / "slip.txt"), typed=slip.token))[1]


async def test_taking_back_while_an_epoch_is_sealed_loses_neither(
    database_url, app_on, serving, small_campaign, clock
) -> None:
    """Both begin at once; whichever is first, in the end nothing of what was taken back is left, and all is logged."""
    await small_campaign()
    app = app_on(database_url)
    settings = app.state.settings
    async with serving(app) as client:
        citizen = Person(client)
        found = [slip_on(await answer(citizen, f"/rate/spring/{unit}")) for unit in ("3701", "3702", "370102") * 4]
    campaign = await load_campaign("spring")

    async def take(slip: slips.Slip) -> None:
        assert await withdrawal.withdraw(settings, campaign, slip.leaf, slip.token, clock.now) == "withdrawn"

    await asyncio.gather(seal(settings, "spring", everything=True), *map(take, found[::2]))
    await seal(settings, "spring", everything=True)
    assert await Pending.count() == 0
    assert {row["leaf_hash"] for row in await Response.select()} == {slip.leaf for slip in found[1::2]}
    entries = [row["entry"] for row in await LogLeaf.select().where(LogLeaf.log == LOG)]
    assert sum('"kind":"withdrawal"' in entry for entry in entries) == 6
    for slip in found:
        assert await withdrawal.stands_in_log("spring", slip.leaf)
    check_folder(folder(settings, LOG), signer(settings, LOG).vkey)


# --- leaving out, closing, counting -----------------------------------------------------------------------------------


@pytest.fixture
async def sealed_five(database_url, app_on, serving, small_campaign, clock) -> tuple[Settings, list[slips.Slip]]:
    """Five answers in the log of a campaign that is over; the first was taken back before."""
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        found = [slip_on(await answer(Person(client), word=str(at))) for at in range(5)]
        campaign = await load_campaign("spring")
        await withdrawal.withdraw(app.state.settings, campaign, found[0].leaf, found[0].token, clock.now)
        await seal(app.state.settings, "spring", everything=True)
    return app.state.settings, found


async def test_only_a_registered_rule_leaves_a_response_out_and_it_can_be_taken_in_again(sealed_five) -> None:
    settings, found = sealed_five
    campaign = await load_campaign("spring")
    [rule, *_] = await exclusion.manifest.exclusion_rules(campaign.id)
    leaf = found[1].leaf
    with pytest.raises(Problem, match="not registered"):
        await exclusion.exclude(settings, campaign, "because_we_can", [leaf])
    with pytest.raises(Problem, match="cannot be used"):
        await exclusion.exclude(settings, campaign, rule, [leaf, found[0].leaf])  # the first was taken back
    with pytest.raises(Problem, match="cannot be used"):
        await exclusion.exclude(settings, campaign, rule, ["0" * 64])
    before = await LogLeaf.count().where(LogLeaf.log == LOG)
    assert await exclusion.exclude(settings, campaign, rule, [leaf]) == 1
    assert await exclusion.exclude(settings, campaign, rule, [leaf]) == 0
    [said] = await LogLeaf.select().where(LogLeaf.log == LOG, LogLeaf.position == before)
    [place] = await LogLeaf.select(LogLeaf.position).where(LogLeaf.leaf_hash == leaf)
    assert said["entry"] == (
        f'{{"at":{before},"campaign":"spring","kind":"exclusion","leaf":"{leaf}","position":{place["position"]},'
        f'"rule":"{rule}"}}'
    )
    assert await Response.count().where(Response.excluded == rule) == 1
    assert await exclusion.reinstate(settings, campaign, [leaf]) == 1
    assert await Response.count().where(Response.excluded == rule) == 0
    assert await LogLeaf.count().where(LogLeaf.log == LOG) == before + 2


def test_a_file_of_leaves_is_read_whole_and_every_wrong_line_named() -> None:
    leaf = bytes(range(32))
    text = f"\ufeff{leaf.hex().upper()}  # of a test\n\n{base64.b64encode(bytes(32)).decode()}\n{leaf.hex()}\n"
    assert exclusion.read_leaves(text) == [leaf.hex(), "00" * 32]
    with pytest.raises(Problem) as refused:
        exclusion.read_leaves(f"{text}abc\n{'0' * 63}g\n")
    assert [error.pointer for error in refused.value.errors] == ["line 5", "line 6"]
    with pytest.raises(Problem):
        exclusion.read_leaves("# nothing\n")


async def test_a_snapshot_counts_exactly_what_anybody_counts_from_the_log(sealed_five, tmp_path, clock) -> None:
    settings, found = sealed_five
    campaign = await load_campaign("spring")
    [rule, *_] = await exclusion.manifest.exclusion_rules(campaign.id)
    await exclusion.exclude(settings, campaign, rule, [found[1].leaf, found[2].leaf])
    await exclusion.reinstate(settings, campaign, [found[2].leaf])
    period = (OPENS, CLOSES)
    rows = await make_snapshot(settings, tmp_path / "one", ["spring"], period, CLOSES)
    assert rows["responses"] == 3
    await exclusion.reinstate(settings, campaign, [found[1].leaf])
    rows = await make_snapshot(settings, tmp_path / "two", ["spring"], period, CLOSES)
    assert rows["responses"] == 4
    await make_snapshot(settings, tmp_path / "part", ["spring"], (OPENS, OPENS + timedelta(1)), CLOSES)
    home, vkey = folder(settings, LOG), signer(settings, LOG).vkey
    check_folder(home, vkey)
    one, two, part = recount(home, vkey)
    assert [(each.agrees, each.said[0]) for each in (one, two, part)] == [(True, 3), (True, 4), (None, 0)]
    snapshot = read_snapshot(tmp_path / "one")
    assert one.snapshot == snapshot.sha256
    assert snapshot.log_head == f"127.0.0.1:8000/log/campaign/spring {one.size} {_root(settings, tmp_path / 'one')}"
    counting = sorted(slip.leaf for slip in found if slip not in (found[0], found[1]))
    (tmp_path / "leaves").write_text("".join(f"{leaf}\n" for leaf in counting))
    assert one.said[1] == _sha256(tmp_path / "leaves")
    done = CliRunner().invoke(cli.group, ["log", "counted", str(home), "--key", vkey])
    assert done.exit_code == 0, done.output
    assert [line.split(":")[0] for line in done.output.splitlines()] == ["AGREES", "AGREES", "a part"]


def _root(settings: Settings, snapshot: Path) -> str:
    import msgspec

    note = msgspec.json.decode((snapshot / "snapshot.json").read_bytes())
    return str(note["logs"]["spring"]["root"])


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_snapshot_whose_count_was_changed_differs_from_the_log(sealed_five, tmp_path) -> None:
    settings, found = sealed_five
    await Response.update({Response.excluded: "quietly"}).where(Response.leaf_hash == found[3].leaf)
    await make_snapshot(settings, tmp_path / "one", ["spring"], (OPENS, CLOSES), CLOSES)
    [one] = recount(folder(settings, LOG), signer(settings, LOG).vkey)
    assert (one.agrees, one.said[0], one.found[0]) == (False, 3, 4)
    done = CliRunner().invoke(
        cli.group, ["log", "counted", str(folder(settings, LOG)), "--key", signer(settings, LOG).vkey]
    )
    assert (done.exit_code, done.output.startswith("DIFFERS")) == (1, True)


async def test_a_campaign_that_is_over_and_wholly_logged_is_sealed_and_then_its_key_can_go(sealed_five) -> None:
    settings, found = sealed_five
    campaign = await load_campaign("spring")
    with pytest.raises(Problem, match="not sealed yet"):
        await closing.destroy_key(settings, campaign)
    assert await end_due(settings, AFTER) == ["spring"]
    assert await end_due(settings, AFTER) == []
    assert (await Campaign.select(Campaign.stage))[0]["stage"] == "sealed"
    last = (await LogLeaf.select().where(LogLeaf.log == LOG).order_by(LogLeaf.position))[-1]
    assert '"kind":"closing"' in last["entry"]
    assert '"responses":5' in last["entry"]
    assert '"withdrawals":1' in last["entry"]
    key = settings.data_dir / "keys" / "campaign-spring"
    secret = key.read_bytes()
    assert await closing.destroy_key(settings, campaign)
    assert not await closing.destroy_key(settings, campaign)
    assert secret not in key.read_bytes()
    assert keys.destroyed(settings, "spring")
    entries = [row["entry"] for row in await LogLeaf.select().where(LogLeaf.log == LOG)]
    assert sum('"kind":"key_destroyed"' in entry for entry in entries) == 1
    with pytest.raises(Problem, match="withdrawal code is wrong"):
        withdrawal.check_token(settings, campaign, found[1].leaf, found[1].token)
    receipt = await receipt_for(settings, LOG, found[1].leaf_hash)
    verify_receipt(receipt, signer(settings, LOG).vkey)  # receipts go on to hold
    with pytest.raises(ReceiptError):
        verify_receipt(receipt.replace("index ", "index 1"), signer(settings, LOG).vkey)


async def test_the_closing_waits_for_what_waits(database_url, app_on, serving, small_campaign) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        await answer(Person(client))
    assert not await closing.close(app.state.settings, "spring")
    assert [source.code for source in await sources(["spring"])] == ["spring"]
    assert (await Campaign.select(Campaign.stage))[0]["stage"] == "ready"


# --- a restored backup ------------------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the operator reads. The first application of a process takes pytest's own handler away."""
    found: list[str] = []
    monkeypatch.setattr(behind.log, "error", lambda text, *values: found.append(text % values))
    return found


async def test_a_database_behind_its_published_log_takes_no_answers_and_says_so(
    database_url, app_on, serving, small_campaign, told
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        slip = slip_on(await answer(citizen))
        await seal(app.state.settings, "spring", everything=True)
        await citizen.open("/rate/spring/3702")
        await citizen.press(contact="no")
        await citizen.press()
        await citizen.press()
        await _restore_older_backup()
        app.state.logs._known.clear()  # a process that begins after the restore
        page = await citizen.press("send")
        assert (page.status, "takes no answers at the moment" in page.words) == (503, True)
        assert page.response.headers["retry-after"] == "3600"
        client.cookies.clear()
        assert (await citizen.open("/rate/spring/3701")).status == 503
        page = await post(client, "/receipt/withdraw", text=text_of(slip), code=slip.token, sure="yes")
        assert page.status == 503
        assert (await citizen.open("/receipt")).status == 200
        assert await Pending.count() == 0
    assert "older backup" in "".join(told)


async def test_a_site_that_lost_the_key_of_its_logs_promises_nothing(
    database_url, app_on, serving, small_campaign, told
) -> None:
    await small_campaign()
    app = app_on(database_url)
    async with serving(app) as client:
        citizen = Person(client)
        await citizen.open("/rate/spring/3702")
        await citizen.press(contact="no")
        await citizen.press()
        await citizen.press()
        (app.state.settings.data_dir / "keys" / "log.ed25519").unlink()  # a new one is made: not the one that signed
        app.state.logs._known.clear()  # a process that begins after that
        assert (await citizen.press("send")).status == 503
        assert await Pending.count() == 0
    assert "put the old key back" in "".join(told)


async def _restore_older_backup() -> None:
    """The state before the last sealing: the manifest alone is in the log."""
    from evaluator.ledger.merkle import Frontier

    await Response.delete(force=True)
    [first] = await LogLeaf.select().where(LogLeaf.log == LOG, LogLeaf.position == 0)
    await LogLeaf.delete().where(LogLeaf.log == LOG, LogLeaf.position > 0)
    old = Frontier().extended([bytes.fromhex(first["leaf_hash"])])
    change = "UPDATE log SET size = 1, root = {}, frontier = {} WHERE name = {}"
    await Campaign.raw(change, old.root.hex(), old.text(), LOG)
