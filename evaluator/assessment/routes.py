"""The assessor's list and scoring form: one page a unit, all criteria on it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages
from evaluator.assessment import operator_routes
from evaluator.assessment.scoring import LONGEST_JUSTIFICATION, Given, Line, Work, save_scores, sheet, work_of
from evaluator.language import current, gettext
from evaluator.problems import FieldProblem, forbidden
from evaluator.units.tables import Unit

Staff = Request[Any, Any, Any]
ASSESSOR = {"roles": {"assessor"}}


def _(message: str) -> str:
    return message


def _today(request: Staff) -> date:
    return datetime.now(request.app.state.settings.zone).date()


@get("/assessments", opt=ASSESSOR)
async def list_units(request: Staff) -> Response[Any]:
    """The units assigned to the assessor who is signed in, and how far each is."""
    work = await work_of(request.scope["state"]["account"])
    return pages.page(
        request, "assessment/list.html", work=work, is_open=bool(work and work.is_open(_today(request))),
        saved=request.query_params.get("saved", "")[:32], simulated=bool(work and work.simulated),
    )  # fmt: skip


async def _mine(request: Staff) -> Work:
    work = await work_of(request.scope["state"]["account"])
    if work is None:
        raise forbidden(_("This unit is not assigned to you."))
    return work


async def _sheet_page(
    request: Staff, work: Work, target: str, lines: list[Line], given: dict[int, Given], errors: list[FieldProblem]
) -> Response[Any]:
    unit = await Unit.objects().get(Unit.code == target)
    return pages.page(
        request, "assessment/sheet.html", status=422 if errors else 200, work=work, unit=unit, lines=lines,
        given=given, errors=errors, error_of={e.pointer: e.detail for e in errors}, longest=LONGEST_JUSTIFICATION,
        is_open=work.is_open(_today(request)), saved="saved" in request.query_params, simulated=work.simulated,
    )  # fmt: skip


@get("/assessments/{target:str}", opt=ASSESSOR)
async def show_sheet(request: Staff, target: FromPath[str]) -> Response[Any]:
    """A unit's sheet. The path's name is not `unit`: an assessor's scope is the assignment, checked by `sheet`."""
    work, target = await _mine(request), target.replace("\x00", "")
    lines = await sheet(work.assessor, target)
    given = {
        line.criterion: Given("" if line.score is None else f"{line.score:.12g}", line.justification) for line in lines
    }
    return await _sheet_page(request, work, target, lines, given, [])


@post("/assessments/{target:str}", opt=ASSESSOR)
async def save_sheet(request: Staff, target: FromPath[str]) -> Response[Any]:
    """Save a unit's sheet and stay, or go on to the next unit that lacks a score."""
    work, target = await _mine(request), target.replace("\x00", "")
    lines = await sheet(work.assessor, target)
    form = await request.form()
    given = {
        line.criterion: Given(
            _text(form.get(f"score-{line.criterion}"))[:40], _text(form.get(f"justification-{line.criterion}"))
        )
        for line in lines
    }
    wrong = await save_scores(work, target, given, _today(request))
    if wrong:
        names = {line.criterion: line for line in lines}
        errors = [FieldProblem(field, _said(names[int(field.rpartition("-")[2])], field, why)) for field, why in wrong]
        return await _sheet_page(request, work, target, lines, given, errors)
    if form.get("go") == "on":
        following = (await _mine(request)).next_after(target)
        if following is not None and following != target:
            return pages.redirect(f"/staff/assessments/{quote(following)}?saved")
        return pages.redirect(f"/staff/assessments?saved={quote(target)}")
    return pages.redirect(f"/staff/assessments/{quote(target)}?saved")


def _text(value: object) -> str:
    return value.replace("\x00", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def _said(line: Line, field: str, why: Any) -> str:
    """A mistake in words, with the criterion it is about."""
    name = (line.name_en or line.name_zh) if current.get() == "en" else (line.name_zh or line.name_en)
    what = gettext(_("Score")) if field.startswith("score") else gettext(_("Justification"))
    reason, right = gettext(why.reason), gettext(why.right)
    if why.values:
        reason, right = reason % why.values, right % why.values
    return gettext("%(criterion)s, %(what)s: %(reason)s; %(right)s") % {
        "criterion": name, "what": what, "reason": reason, "right": right,
    }  # fmt: skip


staff: list[Any] = [list_units, show_sheet, save_sheet, *operator_routes.staff]
