"""Batches of invitations on the site: drawn from an upload, held sealed, reminded, taken back; nothing half-done."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from evaluator.accounts.register import create_account
from evaluator.accounts.sessions import COOKIE, csrf_token, open_session
from evaluator.collection import batch_routes, batches, sealed_files
from evaluator.collection.admission import find_invitation, read_code
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.tables import Admission, Batch, Invitation, Manifest, SampleCell
from evaluator.database import Unavailable
from tests.collection.test_inviting import dumped

HEADERS = {"accept": "text/html", "accept-language": "en"}
PASSWORD = "long enough password"
HOME = "/staff/campaigns/spring"
PEOPLE = "unit,name,address\n" + "".join(f"3701,Name{n},{n} Secret Road\n" for n in range(130))


@dataclass
class Desk:
    """An operator's browser."""

    client: httpx.AsyncClient
    app: Any
    csrf: str

    async def post(self, path: str, files: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        sent = {name: (f"{name}.csv", text.encode()) for name, text in (files or {}).items()}
        data = {"csrf": self.csrf, **fields}
        return await self.client.post(f"{HOME}{path}", data=data, files=sent or None, headers=HEADERS)

    async def draw(self, batch: str = "w1", frame: str = PEOPLE, **changes: str) -> httpx.Response:
        fields = {
            "batch": batch,
            "carrier": "letter",
            "how": "number",
            "number": "10",
            "least": "2",
            "psus": "",
            **changes,
        }
        return await self.post("/batches/new", {"frame": frame}, **fields)

    async def page(self, path: str) -> str:
        answer = await self.client.get(f"{HOME}{path}", headers=HEADERS)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", answer.text)

    async def zip(self, path: str) -> dict[str, str]:
        answer = await self.client.get(f"{HOME}{path}", headers=HEADERS)
        assert answer.status_code == 200
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            return {name: packed.read(name).decode() for name in packed.namelist()}


def contacts(files: dict[str, str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files["contacts.csv"].removeprefix("\ufeff"))))


async def sit_down(client: httpx.AsyncClient, app: Any, account: int) -> Desk:
    token = await open_session(account)
    client.cookies.set(COOKIE, token)
    return Desk(client, app, csrf_token(app.state.secret, token))


@pytest.fixture
async def desk(database_url: str, app_on: Callable[..., Any], serving: Any, small_campaign: Any) -> AsyncIterator[Desk]:
    await small_campaign()
    operator = await create_account("op", PASSWORD, "operator")
    app = app_on(database_url)
    async with serving(app) as client:
        yield await sit_down(client, app, operator.id)


async def test_a_batch_is_drawn_and_its_files_are_held_for_that_browser_until_it_has_them(desk: Desk) -> None:
    made = await desk.draw()
    assert made.status_code == 303, made.text
    page = await desk.page("/batch/w1?done=made&untouched=370102,3702")
    assert "10 people were drawn. The codes are valid." in page
    assert "Place 370102, Place 3702" in page
    assert "They cannot be made again" in page
    files = await desk.zip("/batch/w1/files/invitations.zip")
    assert set(files) == {
        "README.txt", "batch.json", "contacts.csv", "letters/3701/letters-a4.html", "letters/3701/letters-a6.html",
    }  # fmt: skip
    settings = desk.app.state.settings
    codes = [str(read_code(row["code"])) for row in contacts(files)]
    assert [(await find_invitation(settings, code)) is not None for code in codes] == [True] * 10
    # nothing of the people is left in the clear, in the database or beside it
    held = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert b"Secret Road" not in held
    assert "Secret Road" not in await dumped()
    # another operator, or the same one who signed in anew, has no key to them
    mine = desk.client.cookies[COOKIE]
    other = await create_account("other", PASSWORD, "operator")
    for account in (other.id, 1):
        desk.client.cookies.clear()
        await sit_down(desk.client, desk.app, account)
        assert (await desk.client.get(f"{HOME}/batch/w1/files/invitations.zip", headers=HEADERS)).status_code == 404
        assert "Download the files" not in await desk.page("/batch/w1")
    desk.client.cookies.clear()
    desk.client.cookies.set(COOKIE, mine)
    assert (await desk.post("/batch/w1/saved", what="invitations")).status_code == 303
    assert (await desk.client.get(f"{HOME}/batch/w1/files/invitations.zip", headers=HEADERS)).status_code == 404
    page = await desk.page("/batches")
    assert re.search(r"w1</a>.*>10<.*>0<.*>10<.*>0<.*>1<.*by letter", page)


async def test_everything_that_is_wrong_with_a_form_or_a_file_is_told_and_nothing_is_kept(desk: Desk) -> None:
    async def refused(answer: httpx.Response, *words: str) -> None:
        assert answer.status_code == 422
        for word in words:
            assert word in answer.text, word
        assert await Batch.count() == await Invitation.count() == await SampleCell.count() == 0
        assert not list(desk.app.state.settings.data_dir.glob("handing-over/*[!k]"))  # none but locks

    await refused(await desk.draw(batch="a b", carrier="pigeon", number="0", least="x"), *(
        f'href="#{name}"' for name in ("batch", "carrier", "number", "least")
    ))  # fmt: skip
    await refused(await desk.post("/batches/new", carrier="sms"), 'href="#frame"')
    await refused(await desk.draw(frame="unit,address\n9999,Road\n3701,=1+1\n"), "The file has 2 mistakes.", "9999")
    await refused(await desk.draw(frame="\x00\xff"), "The file has 1 mistake.")
    await refused(await desk.draw(number="1"), "2 of each of 1 strata", "--least")
    await refused(await desk.draw(how="file"), 'href="#allocation"')
    wrong = {"frame": PEOPLE, "allocation": "unit,number\n3701,x\n"}
    await refused(
        await desk.post("/batches/new", wrong, batch="w1", carrier="letter", how="file"), "is no whole number of people"
    )
    much = {"frame": PEOPLE, "allocation": "unit,number\n3701,900\n"}
    await refused(
        await desk.post("/batches/new", much, batch="w1", carrier="letter", how="file"), "900 wanted, 130 left"
    )


async def test_a_second_click_and_a_reload_draw_nobody_again(desk: Desk) -> None:
    both = await asyncio.gather(desk.draw(), desk.draw())
    assert sorted(answer.status_code for answer in both) in ([303, 303], [303, 422])
    assert await Invitation.count() == 10
    assert len(contacts(await desk.zip("/batch/w1/files/invitations.zip"))) == 10
    again = await desk.draw()
    assert "done=again" in again.headers["location"]
    assert await Invitation.count() == 10
    await desk.post("/batch/w1/saved", what="invitations")
    taken = await desk.draw()
    assert (taken.status_code, "choose another name" in taken.text) == (422, True)


async def test_files_whose_codes_never_became_valid_are_never_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_given: object) -> None:
        raise Unavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr(batches, "_keep", fails)
        assert (await desk.draw()).status_code == 503
    assert await Batch.count() == 0
    # as after a kill between the files and the commit
    with monkeypatch.context() as broken:
        broken.setattr(sealed_files.SealedPlace, "discard", lambda self: self.release())
        broken.setattr(batches, "_keep", fails)
        assert (await desk.draw()).status_code == 503
    assert (await desk.client.get(f"{HOME}/batch/w1/files/invitations.zip", headers=HEADERS)).status_code == 404
    assert (await desk.draw()).status_code == 303
    assert len(contacts(await desk.zip("/batch/w1/files/invitations.zip"))) == await Invitation.count() == 10


async def test_what_nobody_can_open_any_more_is_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.draw()
    folder = desk.app.state.settings.data_dir / "handing-over"
    assert len([path for path in folder.iterdir() if path.suffix != ".lock"]) == 1
    monkeypatch.setattr(sealed_files, "HELD_FOR", -1)
    await desk.draw("w2")
    assert len([path for path in folder.iterdir() if path.suffix != ".lock"]) == 1  # of w2, made after the sweep


async def use(desk: Desk, codes: list[str]) -> None:
    settings, campaign = desk.app.state.settings, await load_campaign("spring")
    assert campaign is not None
    key = campaign_key(settings, "spring")
    await Admission.insert(*(Admission(code_hash=invitation_hash(key, code), campaign=campaign.id) for code in codes))


async def test_reminders_are_made_from_the_files_that_are_brought_again(desk: Desk) -> None:
    await desk.draw(number="130", carrier="letter", frame=PEOPLE)
    answer = await desk.client.get(f"{HOME}/batch/w1/files/invitations.zip", headers=HEADERS)
    saved = await desk.zip("/batch/w1/files/invitations.zip")
    early = await desk.post("/batch/w1/remind", {"contacts": saved["contacts.csv"]})
    assert (early.status_code, "at least 50 of a batch" in early.text) == (422, True)
    codes = [str(read_code(row["code"])) for row in contacts(saved)]
    await use(desk, codes[:60])
    for wrong, words in (("", "Choose the ZIP"), ("nothing", "mistake"), ("code,unit\nx,3701\n", "is no code")):
        answered = await desk.post("/batch/w1/remind", {"contacts": wrong})
        assert (answered.status_code, words in answered.text) == (422, True), wrong
    files = {"contacts": ("w1.zip", answer.content)}
    made = await desk.client.post(f"{HOME}/batch/w1/remind", data={"csrf": desk.csrf}, files=files, headers=HEADERS)
    assert made.status_code == 303, made.text
    reminded = await desk.zip("/batch/w1/files/reminder.zip")
    assert 20 < len(contacts(reminded)) < 110
    assert '"reminder": 1' in reminded["batch.json"]
    assert "1 of 2" in await desk.page("/batch/w1")
    # asked for again while it is held, the same list is there
    await use(desk, codes[60:70])
    await desk.client.post(f"{HOME}/batch/w1/remind", data={"csrf": desk.csrf}, files=files, headers=HEADERS)
    assert await desk.zip("/batch/w1/files/reminder.zip") == reminded
    [batch] = await Batch.select()
    assert batch["reminders"] == 1


async def test_what_came_back_is_given_back_as_codes_or_as_a_file(desk: Desk) -> None:
    await desk.draw()
    codes = [row["code"] for row in contacts(await desk.zip("/batch/w1/files/invitations.zip"))]
    counted = await desk.post("/batch/w1/undelivered", codes="\n".join(codes[:3]))
    assert "counted=3&unknown=0" in counted.headers["location"]
    counted = await desk.post("/batch/w1/undelivered", {"returned": "code\n" + "\n".join(codes[2:5])})
    assert "counted=2&unknown=1" in counted.headers["location"]
    page = await desk.page("/batch/w1?done=counted&counted=2&unknown=1")
    assert "2 codes were counted as not arrived" in page
    assert "1 is no code of this campaign" in page
    for bad in ("", "not-a-code"):
        answer = await desk.post("/batch/w1/undelivered", codes=bad)
        assert answer.status_code == 422
    assert [(row["invited"], row["undelivered"]) for row in await SampleCell.select()] == [(10, 5)]


async def test_a_batch_whose_files_were_lost_is_taken_back_and_its_people_are_not_drawn_again(desk: Desk) -> None:
    await desk.draw()
    first = contacts(await desk.zip("/batch/w1/files/invitations.zip"))
    assert "10 codes become void" in await desk.page("/batch/w1/take-back")
    taken = await desk.post("/batch/w1/take-back")
    assert taken.headers["location"] == f"{HOME}/batches?taken-back=w1"
    assert await Invitation.count() == 0
    assert [row["invited"] for row in await SampleCell.select()] == [0]
    assert "taken back before it was sent" in await desk.page("/batches")
    assert (await desk.post("/batch/w1/take-back")).status_code == 404
    assert [row["reason"] for row in await Manifest.select().order_by(Manifest.id)][-1] == (
        "A batch of invitations was taken back: it was never sent."
    )
    await desk.draw("w3")
    second = contacts(await desk.zip("/batch/w3/files/invitations.zip"))
    assert not {row["name"] for row in first} & {row["name"] for row in second}
    await desk.post("/batch/w3/undelivered", codes=second[0]["code"])
    assert (await desk.post("/batch/w3/take-back")).status_code == 409
    await desk.draw("w2", number="20")
    codes = [str(read_code(row["code"])) for row in contacts(await desk.zip("/batch/w2/files/invitations.zip"))]
    await use(desk, codes[:9])
    assert await Invitation.count() == 29
    await use(desk, codes[9:10])
    assert (await desk.post("/batch/w2/take-back")).status_code == 409
    assert await Invitation.count() == 29


async def test_operators_of_some_units_only_and_other_roles_are_refused(desk: Desk) -> None:
    await desk.draw()
    local = await create_account("local", PASSWORD, "operator", unit="3702")
    superior = await create_account("sup", PASSWORD, "superior", unit="37")
    for account in (local, superior):
        desk.client.cookies.clear()
        here = await sit_down(desk.client, desk.app, account.id)
        for path in ("/batches", "/batches/new", "/batch/w1", "/batch/w1/take-back", "/batch/w1/files/invitations.zip"):
            answer = await desk.client.get(f"{HOME}{path}", headers=HEADERS)
            assert answer.status_code == 403, path
        assert (await here.draw("w2")).status_code == 403
    assert await Batch.count() == 1
    assert batch_routes.MOST <= batches.MOST_INVITED
