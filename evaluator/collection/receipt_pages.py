"""What a citizen sees after sending: the slip, what became of it, the receipt, and taking the answers back.

Nothing here is stored. A slip comes with the browser's cookie or out of a field, and never stands in an address.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec
import segno
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from markupsafe import Markup

from evaluator import language, pages
from evaluator.collection import admission, campaigns, form, manifest, promises, proofs, qr, slips, withdrawal
from evaluator.collection.behind import refuse_behind
from evaluator.collection.campaigns import LiveCampaign, Place, right_now
from evaluator.collection.keeping import months_later
from evaluator.collection.slips import Slip
from evaluator.collection.tables import Pending
from evaluator.collection.tables import Response as Stored
from evaluator.ledger.files import receipt_for
from evaluator.ledger.keys import campaign_log, origin, signer
from evaluator.ledger.notes import NoteError
from evaluator.problems import Problem

Ask = Request[Any, Any, Any]
State = Literal["waiting", "overdue", "ready", "withdrawn", "excluded", "unknown", "forged"]
MOST_BYTES = 200_000
SCRIPT = "/log/verify_receipt.py"  # verifies receipts with nothing but Python
UNSTORED = {"Cache-Control": "no-store"}


def _(message: str) -> str:
    return message


class Shown(msgspec.Struct, frozen=True):
    """A slip with all that a page says of it."""

    slip: Slip
    state: State
    text: str
    packed: str
    picture: Markup
    campaign: LiveCampaign | None = None
    unit: Place | None = None
    rule: str = ""  # under which it was left out
    can_withdraw: bool = False

    @property
    def title(self) -> Any:
        return self.campaign.title if self.campaign else None

    @property
    def contact(self) -> str:
        return self.campaign.contact if self.campaign else ""

    @property
    def closes(self) -> date:
        return self.campaign.closes if self.campaign else self.slip.sealed_by

    @property
    def token_shown(self) -> str:
        return admission.shown_code(self.slip.token)


# --- what became of a slip --------------------------------------------------------------------------------------------


async def _campaign(request: Ask, code: str) -> LiveCampaign | None:
    try:
        found: LiveCampaign = await request.app.state.campaigns.get(code)
    except Problem:
        return None
    return found


async def _shown(request: Ask, slip: Slip) -> Shown:
    settings = request.app.state.settings
    campaign = await _campaign(request, slip.campaign)
    text = slips.slip_text(slip, origin(settings, campaign_log(slip.campaign)))
    state, rule = ("forged", "") if campaign is None else await _standing(request, campaign, slip, text)
    now, packed = right_now(), slips.packed(slip)
    return Shown(
        slip, state, text, packed,
        qr.drawn(f"{settings.base_url}{slips.PATH}#{packed}", correction=qr.ON_A_SCREEN),
        campaign, campaign.units.get(slip.unit) if campaign else None, rule,
        campaign is not None and bool(slip.token) and state in ("waiting", "ready", "excluded")
        and now < campaigns.closes_at(campaign, settings.zone),
    )  # fmt: skip


async def _standing(request: Ask, campaign: LiveCampaign, slip: Slip, text: str) -> tuple[State, str]:
    """What the database knows of a slip, and the rule under which it was left out of the count."""
    settings = request.app.state.settings
    try:
        promises.read_promise(text, signer(settings, campaign_log(campaign.code)).vkey)
    except NoteError:
        return "forged", ""
    today = campaigns.today(right_now(), settings.zone)
    waiting = await Pending.select(Pending.withdrawn).where(
        Pending.leaf_hash == slip.leaf, Pending.campaign == campaign.id
    )
    if waiting:
        if waiting[0]["withdrawn"]:
            return "withdrawn", ""
        return ("overdue" if today > slip.sealed_by else "waiting"), ""
    stored = await Stored.select(Stored.excluded).where(Stored.leaf_hash == slip.leaf, Stored.campaign == campaign.id)
    if stored:
        rule = stored[0]["excluded"]
        return ("excluded", await _rule_said(campaign, rule)) if rule else ("ready", "")
    if not await withdrawal.stands_in_log(campaign.code, slip.leaf):
        return "unknown", ""
    # answers whose months are over are deleted too; the receipt holds all the same
    return ("ready" if today > months_later(campaign.closes, campaign.kept_months) else "withdrawn"), ""


async def _rule_said(campaign: LiveCampaign, rule: str) -> str:
    """A registered rule in words."""
    text = (await manifest.exclusion_rules(campaign.id)).get(rule)
    return language.said(text) if text else rule


def _page(request: Ask, template: str, *, status: int = 200, simulated: bool = False, **context: Any) -> Response[str]:
    return pages.page(
        request, template, status=status, headers=UNSTORED, receipt_script=pages.receipt_script(), simulated=simulated,
        **context,
    )  # fmt: skip


# --- after sending ----------------------------------------------------------------------------------------------------


async def after_sending(request: Ask, slip: Slip, *, cookies: bool, headers: dict[str, str]) -> Response[Any]:
    """Hand over the slip: as a cookie and a page of its own, or, to a browser without cookies, at once."""
    if not cookies:
        return await _thanks(request, slip, kept=False)
    response = pages.redirect(f"{slips.PATH}/thanks", headers)
    for cookie in slips.cookies_for(slip, secure=request.app.state.settings.secure_cookies):
        response.set_cookie(cookie)
    return response


async def _thanks(request: Ask, slip: Slip, *, kept: bool) -> Response[str]:
    shown = await _shown(request, slip)
    simulated = shown.campaign is not None and shown.campaign.simulated
    return _page(request, "collection/thanks.html", shown=shown, kept=kept, simulated=simulated)


@get("/receipt/thanks")
async def thanks(request: Ask) -> Response[Any]:
    """Thanks, and the slip that this browser was handed last."""
    found = slips.held(request.cookies)
    if not found or found[0].name != request.cookies.get(slips.LATEST):
        return pages.redirect(slips.PATH)
    response = await _thanks(request, found[0], kept=True)
    for slip in found[slips.MOST :]:
        response.set_cookie(slips.cookie_away(slip.name, secure=request.app.state.settings.secure_cookies))
    return response


# --- what this device holds, and checking what was brought ------------------------------------------------------------


async def _receipts(request: Ask, *, status: int = 200, typed: str = "", error: str = "") -> Response[str]:
    cards = [await _shown(request, slip) for slip in slips.held(request.cookies)[: slips.MOST]]
    every = await request.app.state.campaigns.all_shown()
    return _page(
        request, "collection/receipts.html", status=status, cards=cards, typed=typed, error=error, campaigns=every[:10],
        script_address=SCRIPT, simulated=bool(every) and all(campaign.simulated for campaign in every),
    )  # fmt: skip


@get("/receipt")
async def receipts(request: Ask) -> Response[str]:
    """The slips of this device, each with its state, and a field for those of others."""
    return await _receipts(request)


async def _brought(request: Ask) -> tuple[str, str]:
    """What was pasted, and what it means together with a chosen file: the file counts."""
    fields = await request.form()
    typed = fields.get("text", "")
    typed = typed if isinstance(typed, str) else ""
    chosen = fields.get("file")
    if isinstance(chosen, UploadFile) and chosen.filename:
        return typed, (await chosen.read(MOST_BYTES)).decode("utf-8", "replace")
    return typed, typed


@post("/receipt", status_code=200, request_max_body_size=MOST_BYTES)
async def check(request: Ask) -> Response[str]:
    """What became of a slip, or whether a receipt holds, looked up by the server."""
    typed, text = await _brought(request)
    if proofs.looks_like_receipt(text):
        return await _checked(request, proofs.tidied(text))
    slip = slips.read_slip(text)
    if slip is None or origin(request.app.state.settings, campaign_log(slip.campaign)) not in text:
        return await _receipts(request, status=422, typed=typed[:20_000], error=language.gettext(_not_one(text, slip)))
    mine = next((one for one in slips.held(request.cookies) if one.leaf == slip.leaf), slip)
    shown = await _shown(request, msgspec.structs.replace(mine, signature=slip.signature, sealed_by=slip.sealed_by))
    settings = request.app.state.settings
    receipt = None
    if shown.state in ("ready", "excluded"):
        receipt = await receipt_for(settings, campaign_log(slip.campaign), slip.leaf_hash)
    return _page(
        request, "collection/receipt.html", heading=language.gettext(_("Your receipt") if receipt else _("Your slip")),
        title=shown.title, shown=shown, text=receipt or "", looked_up=True, left_out="",
        proved=None if receipt is None else proofs.examine(settings, campaign_log(slip.campaign), receipt),
        simulated=shown.campaign is not None and shown.campaign.simulated,
    )  # fmt: skip


def _not_one(text: str, slip: Slip | None) -> str:
    if slip is not None:
        return _("This slip is of another site. Open the address that stands in its second line.")
    if not text.strip():
        return _("Paste the text of a slip or a receipt, or choose its file.")
    return _("This is neither a slip nor a receipt. Copy its whole text, from the first line to the last.")


async def _campaign_of(request: Ask, text: str) -> LiveCampaign | None:
    """The campaign of this site whose log a receipt names."""
    said = proofs.origin_of(text)
    found = await _campaign(request, said.rpartition("/")[2])
    same = found is not None and said == origin(request.app.state.settings, campaign_log(found.code))
    return found if same else None


async def _checked(request: Ask, text: str) -> Response[str]:
    campaign = await _campaign_of(request, text)
    if campaign is None:
        message = language.gettext(_("This receipt is of a log that this site does not keep."))
        return await _receipts(request, status=422, typed=text, error=message)
    proved = proofs.examine(request.app.state.settings, campaign_log(campaign.code), text)
    return _page(
        request, "collection/receipt.html", heading=language.gettext(_("A receipt")), title=campaign.title, shown=None,
        text=text, looked_up=False, left_out=await _left_out(campaign, proved), proved=proved,
        simulated=campaign.simulated,
    )  # fmt: skip


async def _left_out(campaign: LiveCampaign, proved: proofs.Proved) -> str:
    """Whether what a receipt proves does not count."""
    if proved.failed:
        return ""
    if proved.kind != "response":
        return language.gettext(_("This entry is not an answer: it is one of the log's own records."))
    rows = await Stored.select(Stored.excluded).where(Stored.leaf_hash == proved.leaf, Stored.campaign == campaign.id)
    if rows and rows[0]["excluded"]:
        said = language.gettext(
            _("This answer is stored but left out of the count, and the log says so. The rule was published before the "
                "survey opened: “%(rule)s”")
        )  # fmt: skip
        return said % {"rule": await _rule_said(campaign, rows[0]["excluded"])}
    if not rows and right_now().date() <= months_later(campaign.closes, campaign.kept_months):
        return language.gettext(
            _("These answers were taken back: they are erased and do not count. The entry in the log stays, and says "
              "nothing about them.")
        )  # fmt: skip
    return ""


# --- files and pictures -----------------------------------------------------------------------------------------------


async def _fields(request: Ask, *names: str) -> tuple[str, ...]:
    pairs = dict(form.read_pairs(await request.body(), 10))
    return tuple(pairs.get(name, "") for name in names)


async def _genuine(request: Ask, text: str) -> tuple[str, str]:
    """A slip or receipt of this site, byte for byte, and the name of its file; nothing else is given back.

    Raises
    ------
    Problem
        It is neither.
    """
    settings = request.app.state.settings
    if proofs.looks_like_receipt(text):
        campaign = await _campaign_of(request, text)
        proved = None if campaign is None else proofs.examine(settings, campaign_log(campaign.code), text)
        if campaign is not None and proved is not None and not proved.failed:
            return proofs.tidied(text), f"receipt-{campaign.code}-{proved.leaf[:8]}.txt"
    elif (slip := slips.read_slip(text)) is not None:
        shown = await _shown(request, slip)
        if shown.state != "forged":
            return shown.text, f"slip-{slip.campaign}-{slip.name}.txt"
    raise not_genuine()


def not_genuine() -> Problem:
    return Problem(
        422, _("This is no slip and no receipt of this site"),
        _("It was changed or is of another site. Nothing was recorded."),
    )  # fmt: skip


@post("/receipt/file", status_code=200, request_max_body_size=MOST_BYTES)
async def as_file(request: Ask) -> Response[bytes]:
    """A slip or a receipt to save."""
    text, name = await _genuine(request, (await _fields(request, "text"))[0].replace("\r\n", "\n"))
    headers = {**UNSTORED, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode(), media_type="text/plain; charset=utf-8", headers=headers)


@post("/receipt/picture", status_code=200, request_max_body_size=MOST_BYTES)
async def as_picture(request: Ask) -> Response[str]:
    """A receipt as a QR code that holds all of it, so that it is verified without a network."""
    text, _name = await _genuine(request, (await _fields(request, "text"))[0].replace("\r\n", "\n"))
    try:
        drawn = qr.drawn(text, correction=qr.ON_A_SCREEN)
    except segno.DataOverflowError:
        raise Problem(422, _("Too long for a QR code"), _("Save this receipt as a file, or copy its text.")) from None
    return _page(request, "collection/receipt_picture.html", picture=drawn)


@post("/receipt/forget", status_code=303, request_max_body_size=4096)
async def forget(request: Ask) -> Response[bytes]:
    """Take a slip from this browser. Nothing on the server changes: there is nothing."""
    (name,) = await _fields(request, "name")
    response = pages.redirect(slips.PATH)
    if any(slip.name == name for slip in slips.held(request.cookies)):
        response.set_cookie(slips.cookie_away(name, secure=request.app.state.settings.secure_cookies))
    return response


# --- taking answers back ----------------------------------------------------------------------------------------------


def _withdraw_form(
    request: Ask, *, status: int = 200, text: str = "", code: str = "", error: str = "", at: str = ""
) -> Response[str]:
    return _page(request, "collection/withdraw.html", status=status, text=text, code=code, error=error, at=at)


@get("/receipt/withdraw")
async def withdraw_form(request: Ask) -> Response[str]:
    """Slip and withdrawal code of answers that were given on another device."""
    return _withdraw_form(request)


@post("/receipt/withdraw", status_code=200, request_max_body_size=16_384)
async def withdraw(request: Ask) -> Response[Any]:
    """Ask once more, then take the answers back."""
    text, code, sure = await _fields(request, "text", "code", "sure")
    slip, token = slips.read_slip(text), withdrawal.read_token(code)
    typed = {"text": text[:4000], "code": code[:128]}
    if slip is None:
        message = _("This is not a slip. Copy its whole text, from the first line to the last.")
        return _withdraw_form(request, status=422, error=language.gettext(message), at="text", **typed)
    if token is None:
        message = _("The withdrawal code has 24 letters and digits.")
        return _withdraw_form(request, status=422, error=language.gettext(message), at="code", **typed)
    settings = request.app.state.settings
    shown = await _shown(request, slip)
    if shown.state == "forged" or shown.campaign is None:
        raise not_genuine()
    withdrawal.check_token(settings, shown.campaign, slip.leaf, token)
    if shown.state == "withdrawn":
        return _page(request, "collection/withdrawn.html", again=True, simulated=shown.campaign.simulated)
    withdrawal.check_until_close(shown.campaign, right_now(), settings.zone)
    await refuse_behind(request, shown.campaign)
    if sure != "yes":
        return _page(
            request, "collection/withdraw_sure.html", text=shown.text, code=token, campaign=shown.campaign,
            simulated=shown.campaign.simulated,
        )  # fmt: skip
    await withdrawal.withdraw(settings, shown.campaign, slip.leaf, token, right_now())
    return pages.redirect(f"{slips.PATH}/withdrawn", UNSTORED)


@get("/receipt/withdrawn")
async def withdrawn(request: Ask) -> Response[str]:
    """It was done. The page says nothing about whose answers they were."""
    return _page(request, "collection/withdrawn.html", again=False)


public: list[Any] = [
    receipts, check, thanks, as_file, as_picture, forget, withdraw_form, withdraw, withdrawn,
]  # fmt: skip
