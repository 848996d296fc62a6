"""Campaigns from a version: make a new one, or let a live one move to it."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages
from evaluator.collection.campaigns import LiveCampaign, right_now, today
from evaluator.collection.versions import move_campaign
from evaluator.editing import campaigning, report, shelf
from evaluator.editing.campaigning import Asked
from evaluator.problems import FieldProblem, Problem

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
SHOWN = 200
LONGEST = 100_000  # characters of a list of units


def _(message: str) -> str:
    return message


def _today(request: Staff) -> date:
    return today(right_now(), request.app.state.settings.zone)


# --- a new one


@get("/questionnaires/{code:str}/{version:str}/campaign", opt=OPERATOR)
async def campaign_form(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The form for a new campaign."""
    kept = await _published(code, version)
    account = request.scope["state"]["account"]
    asked = Asked({"units": account.unit or "", "kept-months": "24", "opens": _today(request).isoformat()})
    return await _form_page(request, kept, asked, [])


async def _published(code: str, version: str) -> shelf.Kept:
    kept = await shelf.find(code, version)
    if not kept.line.published:
        raise Problem(409, _("This version is a draft"), _("Campaigns use published versions only. Publish it first."))
    return kept


async def _form_page(request: Staff, kept: shelf.Kept, asked: Asked, wrong: list[FieldProblem]) -> Response[Any]:
    wrong = sorted(wrong, key=lambda one: campaigning.FIELDS.index(one.pointer))
    return pages.page(
        request, "editing/campaign.html", status=422 if wrong else 200, kept=kept, asked=asked,
        levels=await campaigning.levels(), errors=wrong, error_of={one.pointer: one.detail for one in wrong},
        accounts=bool(request.app.state.settings.oidc_issuer),
    )  # fmt: skip


@post("/questionnaires/{code:str}/{version:str}/campaign", opt=OPERATOR)
async def make_campaign(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """Put a published version to the public."""
    kept = await _published(code, version)
    form = await request.form()
    texts = {
        name: value.replace("\x00", "").strip()[:LONGEST] if isinstance(value := form.get(name, ""), str) else ""
        for name in campaigning.FIELDS
    }
    ticked = tuple(str(value)[:64] for value in form.getall("level", []))
    asked = Asked(
        texts, form.get("below") == "yes", ticked, form.get("open-link") == "yes", form.get("when") != "now",
        form.get("sign-in") == "yes",
    )  # fmt: skip
    account = request.scope["state"]["account"]
    made, wrong = await campaigning.create(
        request.app.state.settings, asked, kept.text, account.unit, f"{account.role} {account.id}"
    )
    if wrong:
        return await _form_page(request, kept, asked, wrong)
    return pages.redirect(f"/staff/campaigns/{made}?done=made")


# --- a move


@get("/questionnaires/{code:str}/{version:str}/move/{campaign:str}", opt=OPERATOR)
async def ask_to_move(
    request: Staff, code: FromPath[str], version: FromPath[str], campaign: FromPath[str]
) -> Response[Any]:
    """What would change for a live campaign, and the question whether to move it."""
    kept = await _published(code, version)
    found: LiveCampaign = await request.app.state.campaigns.get(campaign)
    changes = report.changes(found.questionnaire, kept.questionnaire)
    return pages.page(
        request, "editing/move.html", kept=kept, campaign=found, changes=changes[:SHOWN], total=len(changes),
        breaks=sum(change.effect == "breaking" for change in changes),
    )  # fmt: skip


@post("/questionnaires/{code:str}/{version:str}/move/{campaign:str}", opt=OPERATOR)
async def move(request: Staff, code: FromPath[str], version: FromPath[str], campaign: FromPath[str]) -> Response[Any]:
    """Let a live campaign show this version from now on."""
    kept = await _published(code, version)
    found: LiveCampaign = await request.app.state.campaigns.get(campaign)
    await move_campaign(request.app.state.settings, found.code, kept.line.id, _today(request))
    await request.app.state.campaigns.anew(found)
    return pages.redirect(f"{kept.address}?kept=moved")


staff: list[Any] = [campaign_form, make_campaign, ask_to_move, move]
