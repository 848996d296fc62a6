"""Batches of invitations on the site: an operator draws one from a file, fetches the letters, counts what came back.

The functions are those of the command line. People are read in memory and never kept; what is made for the sender is
held sealed under the operator's own session (`sealed_files`).
"""

from __future__ import annotations

import asyncio
import io
import posixpath
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages, security
from evaluator.accounts import sessions
from evaluator.collection import batch_lines, batches, handing_over, reminders, sender_folder
from evaluator.collection.campaigns import LiveCampaign, right_now, state, today
from evaluator.collection.frames import Carrier
from evaluator.collection.life_routes import to_decide
from evaluator.collection.sampling import Wish, read_allocation
from evaluator.collection.sealed_files import SealedPlace, in_memory
from evaluator.collection.sender_folder import CONTACTS, About
from evaluator.collection.tables import CARRIERS
from evaluator.collection.undelivered import count_undelivered
from evaluator.language import gettext
from evaluator.problems import FieldProblem, Problem, not_found
from evaluator.sent_forms import text_in, upload_in
from evaluator.spreadsheets.findings import Finding, Refused

Ask = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
MOST = 2_000  # people of a batch that is made here: drawing a letter's square takes a hundredth of a second
LARGEST = 12_000_000  # bytes of an upload
LARGEST_CONTACTS = 50_000_000  # bytes, unpacked
SHOWN = 200  # findings on a page
LONGEST, LONGEST_CODES = 200, 100_000  # characters of a field, of a list of codes
NAMED = 20  # units that an address can name
FIELDS = ("batch", "carrier", "how", "number", "least", "psus")


def _(message: str) -> str:
    return message


class Mistakes(msgspec.Struct, frozen=True):
    """Why nothing was done: what is wrong with fields of the form, and with rows of a file."""

    fields: Sequence[FieldProblem] = ()
    findings: Sequence[Finding] = ()
    file: str = ""  # the field of the file that the findings are about


NONE_MADE = Mistakes()


def _place(request: Ask, campaign: LiveCampaign, batch: str, what: str) -> SealedPlace:
    """Where files are held for whoever asks."""
    session = security.cookie(request.scope, sessions.COOKIE) or ""
    return SealedPlace(request.app.state.settings, session, campaign.code, batch, what)


def _today(request: Ask) -> date:
    return today(right_now(), request.app.state.settings.zone)


def _field(pointer: str, message: str, **values: object) -> FieldProblem:
    return FieldProblem(pointer, gettext(message) % values)


def _shown(found: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "row": one.row or "", "column": one.column, "value": one.value, "why": one.why(gettext),
            "right": one.what_would_be_right(gettext),
        }
        for one in found[:SHOWN]
    ]  # fmt: skip


def _page(
    request: Ask, template: str, campaign: LiveCampaign, wrong: Mistakes = NONE_MADE, **more: Any
) -> Response[Any]:  # fmt: skip
    bad = bool(wrong.fields or wrong.findings)
    return pages.page(
        request, f"collection/{template}", status=422 if bad else 200, campaign=campaign, simulated=campaign.simulated,
        errors=wrong.fields, error_of={one.pointer: one.detail for one in wrong.fields}, rows=_shown(wrong.findings),
        total=len(wrong.findings), wrong_file=wrong.file, **more,
    )  # fmt: skip


def _as_mistakes(problem: Problem, fallback: str, known: Sequence[str], file: str = "") -> Mistakes:
    """A refusal of the functions that do the work, at the fields of the form."""
    if isinstance(problem, Refused):
        return Mistakes(findings=problem.findings, file=file)
    if problem.errors:
        fields = [FieldProblem(e.pointer if e.pointer in known else fallback, e.said()) for e in problem.errors]
        return Mistakes(fields[:SHOWN])
    return Mistakes([FieldProblem(fallback, gettext(problem.detail) % problem.values)])


# --- all batches


@get("/campaigns/{campaign:str}/batches", opt=OPERATOR)
async def list_batches(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """The batches of a campaign."""
    found = await to_decide(request, campaign)
    taken = str(request.query_params.get("taken-back", ""))[:32]
    return _page(
        request, "batches.html", found, lines=await batch_lines.lines(found.id), can_draw=_can_draw(request, found),
        taken=taken if batches.NAME.fullmatch(taken) else "",
    )  # fmt: skip


def _can_draw(request: Ask, campaign: LiveCampaign) -> bool:
    return state(campaign, right_now(), request.app.state.settings.zone) not in ("closed", "sealed")


# --- a new one


@get("/campaigns/{campaign:str}/batches/new", opt=OPERATOR)
async def batch_form(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """The form for a new batch."""
    found = await to_decide(request, campaign)
    number = len(await batch_lines.lines(found.id)) + 1
    asked = {"batch": f"wave-{number}", "carrier": "letter", "how": "number", "number": "", "least": "2", "psus": ""}
    return _form(request, found, asked)


def _form(request: Ask, campaign: LiveCampaign, asked: Mapping[str, str], wrong: Mistakes = NONE_MADE) -> Response[Any]:
    return _page(
        request, "batch_new.html", campaign, wrong, asked=asked, most=MOST, closed=not _can_draw(request, campaign)
    )


@post("/campaigns/{campaign:str}/batches/new", opt=OPERATOR)
async def draw_batch(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """Draw a sample from a file and make what the sender needs; or say everything that is wrong and keep nothing."""
    found = await to_decide(request, campaign)
    form = await request.form()
    asked = {name: text_in(form, name, LONGEST) for name in FIELDS}
    frame, allocation = (await upload_in(form, "frame")).content, (await upload_in(form, "allocation")).content
    wrong = _wrong_wishes(asked, frame, allocation)
    if wrong:
        return _form(request, found, asked, Mistakes(wrong))
    by_file = asked["how"] == "file"
    try:
        wanted = await asyncio.to_thread(read_allocation, allocation, found.units) if by_file else {}
    except Refused as refused:
        return _form(request, found, asked, _as_mistakes(refused, "allocation", FIELDS, "allocation"))
    wish = Wish(0 if by_file else int(asked["number"]), int(asked["least"] or 0), int(asked["psus"] or 0), wanted)
    batch = asked["batch"]
    try:
        with in_memory(frame) as path:
            report = await batches.invite(
                request.app.state.settings, found, path, wish, carrier=cast(Carrier, asked["carrier"]), batch=batch,
                place=_place(request, found, batch, "invitations"), today=_today(request), most=MOST,
            )  # fmt: skip
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        known = (*FIELDS, "allocation")
        fallback = "batch" if problem.status == 409 else "frame"
        return _form(request, found, asked, _as_mistakes(problem, fallback, known, "frame"))
    short = ",".join(f"{unit}:{given}" for unit, given in report.short[:NAMED])
    there = ",".join(report.untouched[:NAMED])
    where = f"/staff/campaigns/{found.code}/batch/{batch}"
    return pages.redirect(f"{where}?done={'again' if report.resumed else 'made'}&short={short}&untouched={there}")


def _wrong_wishes(asked: Mapping[str, str], frame: bytes, allocation: bytes) -> list[FieldProblem]:
    """What is wrong with the form before anything is read."""
    wrong = []
    if not batches.NAME.fullmatch(asked["batch"]):
        wrong.append(_field("batch", _("A name has 1 to 32 letters, digits, dots and -.")))
    if asked["carrier"] not in CARRIERS:
        wrong.append(_field("carrier", _("Choose how people are reached.")))
    if not frame:
        wrong.append(_field("frame", _("Choose a CSV or XLSX file that is not empty.")))
    if asked["how"] == "file" and not allocation:
        wrong.append(_field("allocation", _("Choose a file that says how many, or give one number for every unit.")))
    limits = {"least": (0, 10_000), "psus": (0, 10_000)}
    if asked["how"] != "file":
        limits["number"] = (1, 1_000_000)
    for name, (low, high) in limits.items():
        text = asked[name] or ("" if name == "number" else "0")
        if not (text.isascii() and text.isdigit() and len(text) < 8 and low <= int(text) <= high):
            message = _("Write a whole number, %(low)s to %(high)s.")
            wrong.append(_field(name, message, low=low, high=f"{high:,}"))
    return wrong


# --- one


@get("/campaigns/{campaign:str}/batch/{batch:str}", opt=OPERATOR)
async def show_batch(request: Ask, campaign: FromPath[str], batch: FromPath[str]) -> Response[Any]:
    """A batch, what is held of it for this session, and what can be done with it."""
    return await _batch_page(request, await to_decide(request, campaign), batch)


async def _batch_page(
    request: Ask, campaign: LiveCampaign, batch: str, wrong: Mistakes = NONE_MADE
) -> Response[Any]:  # fmt: skip
    line = await batch_lines.line(campaign.id, batch)
    held = [what for what in ("invitations", "reminder") if await _held(request, campaign, batch, what) is not None]
    query = request.query_params
    there = str(query.get("untouched", "")).split(",")[:NAMED]
    pairs = [part.partition(":")[::2] for part in str(query.get("short", "")).split(",")[:NAMED]]
    return _page(
        request, "batch.html", campaign, wrong, line=line, held=held, most_reminders=reminders.MOST_REMINDERS,
        fewest=reminders.FEWEST, done=str(query.get("done", "")),
        untouched=[campaign.units[unit] for unit in there if unit in campaign.units],
        short=[(campaign.units[unit], _number(given)) for unit, given in pairs if unit in campaign.units],
        counted=_number(query.get("counted")), unknown=_number(query.get("unknown")),
    )  # fmt: skip


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


async def _held(request: Ask, campaign: LiveCampaign, batch: str, what: str) -> About | None:
    """What is held for this session, if its codes count."""
    about = await asyncio.to_thread(_place(request, campaign, batch, what).about)
    return about if about is not None and await handing_over.counts(campaign.id, about) else None


@get("/campaigns/{campaign:str}/batch/{batch:str}/files/{file:str}", opt=OPERATOR)
async def fetch(request: Ask, campaign: FromPath[str], batch: FromPath[str], file: FromPath[str]) -> Response[Any]:
    """The files for the sender, for as long as they are held."""
    found = await to_decide(request, campaign)
    what = file.removesuffix(".zip")
    about = await _held(request, found, batch, what) if file in ("invitations.zip", "reminder.zip") else None
    body = await asyncio.to_thread(_place(request, found, batch, what).read) if about is not None else None
    if about is None or body is None:
        raise Problem(
            404, _("These files are not here any more"),
            _("They were held for the browser that made them, until it said that they are saved, or for eight hours."),
        )  # fmt: skip
    name = f"{found.code}-{batch}{f'-reminder-{about.reminder}' if about.reminder else ''}.zip"
    return pages.data_response(request, body, "application/zip", file_name=name, public=False)


@post("/campaigns/{campaign:str}/batch/{batch:str}/saved", opt=OPERATOR)
async def saved(request: Ask, campaign: FromPath[str], batch: FromPath[str]) -> Response[Any]:
    """Delete what is held: the operator has it."""
    found = await to_decide(request, campaign)
    what = text_in(await request.form(), "what", LONGEST)
    if what not in ("invitations", "reminder"):
        raise not_found(what[:40])
    await asyncio.to_thread(_place(request, found, batch, what).discard)
    return pages.redirect(f"/staff/campaigns/{found.code}/batch/{batch}?done=saved")


@post("/campaigns/{campaign:str}/batch/{batch:str}/remind", opt=OPERATOR)
async def make_reminder(request: Ask, campaign: FromPath[str], batch: FromPath[str]) -> Response[Any]:
    """Make reminders from the files of the batch, which are brought again: nobody is remembered here."""
    found = await to_decide(request, campaign)
    line = await batch_lines.line(found.id, batch)
    content = (await upload_in(await request.form(), "contacts")).content
    if not content:
        wrong = Mistakes([_field("contacts", _("Choose the ZIP that you saved, or the contacts.csv in it."))])
        return await _batch_page(request, found, batch, wrong)
    given = About(found.code, line.name, line.carrier, line.invited)
    place = _place(request, found, batch, "reminder")
    try:
        people = await asyncio.to_thread(_people, content, found)
        await reminders.remind(request.app.state.settings, found, given, people, place)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await _batch_page(request, found, batch, _as_mistakes(problem, "contacts", (), "contacts"))
    return pages.redirect(f"/staff/campaigns/{found.code}/batch/{batch}?done=reminded")


def _people(content: bytes, campaign: LiveCampaign) -> Any:
    """The people in the ZIP that was saved, or in its contacts.csv."""
    if content.startswith(b"PK") and (inside := _contacts_in(content)) is not None:
        content = inside
    with in_memory(content) as path:
        return sender_folder.read_invited(path, campaign.units.keys())


def _contacts_in(content: bytes) -> bytes | None:
    """contacts.csv of a ZIP, wherever in it; None when there is none that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for one in packed.infolist():
                if posixpath.basename(one.filename) == CONTACTS and one.file_size <= LARGEST_CONTACTS:
                    with packed.open(one) as file:
                        return file.read(LARGEST_CONTACTS)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        pass
    return None


# --- what came back


@post("/campaigns/{campaign:str}/batch/{batch:str}/undelivered", opt=OPERATOR)
async def give_back(request: Ask, campaign: FromPath[str], batch: FromPath[str]) -> Response[Any]:
    """Count what came back, from a file or from codes that are typed in."""
    found = await to_decide(request, campaign)
    await batch_lines.line(found.id, batch)
    form = await request.form()
    content, typed = (await upload_in(form, "returned")).content, text_in(form, "codes", LONGEST_CODES)
    if bool(content) == bool(typed):
        wrong = Mistakes([_field("codes", _("Type codes, a line each, or choose a file with a column “code”."))])
        return await _batch_page(request, found, batch, wrong)
    try:
        codes = await asyncio.to_thread(_returned, content or f"code\n{typed}\n".encode())
    except Refused as refused:
        return await _batch_page(request, found, batch, Mistakes(findings=refused.findings, file="codes"))
    counted = await count_undelivered(request.app.state.settings, found, codes)
    where = f"/staff/campaigns/{found.code}/batch/{batch}"
    return pages.redirect(f"{where}?done=counted&counted={counted.counted}&unknown={counted.unknown}")


def _returned(content: bytes) -> list[str]:
    with in_memory(content) as path:
        return sender_folder.read_codes(path)


# --- taken back


@get("/campaigns/{campaign:str}/batch/{batch:str}/take-back", opt=OPERATOR)
async def ask_to_take_back(request: Ask, campaign: FromPath[str], batch: FromPath[str]) -> Response[Any]:
    """What taking a batch back does, and the question whether to."""
    found = await to_decide(request, campaign)
    return _page(request, "batch_take_back.html", found, line=await batch_lines.line(found.id, batch))


@post("/campaigns/{campaign:str}/batch/{batch:str}/take-back", opt=OPERATOR)
async def take_back(request: Ask, campaign: FromPath[str], batch: FromPath[str]) -> Response[Any]:
    """Make the codes of a batch void that was never sent."""
    found = await to_decide(request, campaign)
    await batches.take_back(request.app.state.settings, found, batch, _today(request))
    for what in ("invitations", "reminder"):
        await asyncio.to_thread(_place(request, found, batch, what).discard)
    return pages.redirect(f"/staff/campaigns/{found.code}/batches?taken-back={batch}")


staff: list[Any] = [
    list_batches, batch_form, draw_batch, show_batch, fetch, saved, make_reminder, give_back, ask_to_take_back,
    take_back,
]  # fmt: skip
