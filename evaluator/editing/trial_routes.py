"""Trying a questionnaire out: the real form, whose answers go to a table of their own."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages
from evaluator.collection import form, moving, steps
from evaluator.collection.campaigns import LiveCampaign, right_now, today
from evaluator.editing import shelf, trials
from evaluator.editing.preview import UNIT, stand_in
from evaluator.problems import Problem
from questionnaires.acceptance import Accepted, accept
from questionnaires.ordering import orders
from questionnaires.quality import duration_class
from questionnaires.support import unsupported_in_campaign

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}


def _(message: str) -> str:
    return message


@get("/questionnaires/{code:str}/{version:str}/try", opt=OPERATOR)
async def begin(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The first screen of a new trial."""
    kept, campaign = await _trial(code, version)
    visit = form.new_visit(campaign.id, UNIT, right_now())
    shown = moving.at_first(kept.questionnaire, steps.expressions(request, campaign, visit))
    return steps.form_page(request, campaign, visit, shown)


async def _trial(code: str, version: str) -> tuple[shelf.Kept, LiveCampaign]:
    kept = await shelf.find(code, version)
    if refused := unsupported_in_campaign(kept.questionnaire):
        raise Problem(
            409, _("This questionnaire cannot be tried"),
            _("A campaign could not ask it: %(why)s"), why="; ".join(mistake.message() for mistake in refused[:5]),
        )  # fmt: skip
    return kept, stand_in(kept.questionnaire, kept.line.id, f"{kept.address}/try")


async def _sent(request: Staff, campaign: LiveCampaign) -> tuple[form.Visit, form.Sent]:
    """What a page of the trial sent; the token of the session, which was checked before, is none of the form's."""
    fields = (await request.body()).split(b"&")
    sent = form.read_form(b"&".join(field for field in fields if not field.startswith(b"csrf=")))
    visit = form.read_visit(request.app.state.secret, sent.visit)
    if visit.campaign != campaign.id or visit.unit != UNIT:
        raise form.tampered()
    return visit, sent


@post(
    "/questionnaires/{code:str}/{version:str}/try", opt=OPERATOR, status_code=200, request_max_body_size=form.MOST_BYTES
)
async def step(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The next screen."""
    _kept, campaign = await _trial(code, version)
    visit, sent = await _sent(request, campaign)
    return await steps.step(request, campaign, visit, sent)


@post("/questionnaires/{code:str}/{version:str}/try/send", opt=OPERATOR, request_max_body_size=form.MOST_BYTES)
async def send(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """Keep the answers of a trial, apart from all real ones."""
    kept, campaign = await _trial(code, version)
    visit, sent = await _sent(request, campaign)
    context = steps.expressions(request, campaign, visit)
    moving.check_fields(kept.questionnaire, sent.answers)
    accepted = accept(kept.questionnaire, sent.answers, context)
    if not isinstance(accepted, Accepted):
        shown = moving.first_problem(kept.questionnaire, sent, context)
        if shown is None:
            raise form.tampered()
        return steps.form_page(request, campaign, visit, shown, status=422)
    now = right_now()
    await trials.keep(
        kept.line.id, kept.questionnaire, accepted, today(now, request.app.state.settings.zone),
        duration_class(now.timestamp() - visit.started), orders(kept.questionnaire, visit.seed),
    )  # fmt: skip
    return pages.redirect(f"{kept.address}?kept=tried#trials")


@get("/questionnaires/{code:str}/{version:str}/trials.csv", opt=OPERATOR)
async def download(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """All trial answers of a version, each row marked as such."""
    kept = await shelf.find(code, version)
    columns, rows = trials.table(kept.questionnaire, await trials.tried(kept.line.id))
    name = f"TRIAL-{kept.line.code}-{kept.line.version}.csv"
    return pages.data_response(request, pages.csv_bytes(columns, rows), "text/csv", file_name=name, public=False)


staff: list[Any] = [begin, step, send, download]
