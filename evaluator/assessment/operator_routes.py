"""The operator's pages on rounds: how far they are, files of assignments and scores, all scores as CSV."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages, problems
from evaluator.assessment.importing import ScoresOffer, import_assignments, import_scores
from evaluator.assessment.overview import CSV_COLUMNS, imports_of, list_rounds, progress_of, score_rows
from evaluator.assessment.tables import AssessmentRound
from evaluator.language import gettext
from evaluator.problems import FieldProblem, Problem
from evaluator.sent_forms import text_in, upload_in
from evaluator.spreadsheets.findings import Finding, Refused

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
LONGEST_SOURCE = 255  # characters of a field
PROBLEMS_SHOWN = 500


@get("/rounds", opt=OPERATOR)
async def rounds(request: Staff) -> Response[Any]:
    """All rounds and how far they are."""
    found = await list_rounds()
    return pages.page(request, "assessment/rounds.html", rounds=found, simulated=any(one.simulated for one in found))


async def _round(number: int) -> AssessmentRound:
    found = await AssessmentRound.objects().get(AssessmentRound.id == number) if 0 < number < 2**31 else None
    if found is None:
        raise problems.not_found(str(number))
    return found


async def _round_page(
    request: Staff,
    found: AssessmentRound,
    *,
    findings: tuple[Finding, ...] = (),
    errors: tuple[FieldProblem, ...] = (),
    done: str = "",
) -> Response[Any]:
    said = [
        {
            "row": one.row or "",
            "column": one.column,
            "value": one.value,
            "why": one.why(gettext),
            "right": one.what_would_be_right(gettext),
        }
        for one in findings[:PROBLEMS_SHOWN]
    ]
    return pages.page(
        request, "assessment/round.html", status=422 if findings or errors else 200, found=found,
        assessors=await progress_of(found.id), imports=await imports_of(found.id), findings=said, total=len(findings),
        errors=errors, done=done, simulated=found.simulated,
    )  # fmt: skip


@get("/rounds/{number:int}", opt=OPERATOR)
async def show_round(request: Staff, number: FromPath[int]) -> Response[Any]:
    """A round's assessors and their progress, with the forms for files."""
    done = {
        "scores": gettext("The scores were imported."),
        "assignments": gettext("The units were assigned."),
    }
    return await _round_page(
        request, await _round(number), done=done.get(request.query_params.get("done", ""), "")
    )  # fmt: skip


@post("/rounds/{number:int}/{what:str}", opt=OPERATOR)
async def bring_file(request: Staff, number: FromPath[int], what: FromPath[str]) -> Response[Any]:
    """Take a file of scores or assignments whole, or show everything that is wrong with it."""
    found = await _round(number)
    if what not in ("scores", "assignments"):
        raise problems.not_found(what[:40])
    form = await request.form()
    upload = await upload_in(form)
    if not upload.content:
        error = FieldProblem(f"{what}-file", gettext("Choose a CSV or XLSX file that is not empty."))
        return await _round_page(request, found, errors=(error,))
    account, settings = request.scope["state"]["account"], request.app.state.settings
    by = f"{account.role} {account.id}"
    try:
        if what == "assignments":
            await import_assignments(found, upload.content, settings, by)
        else:
            offer = ScoresOffer(
                upload.name,
                upload.content,
                text_in(form, "source", LONGEST_SOURCE),
                datetime.now(request.app.state.settings.zone).date(),
                request.scope["state"]["account"].id,
                form.get("assign") == "yes",
            )
            await import_scores(found, offer, settings, by)
    except Refused as refused:
        return await _round_page(request, found, findings=refused.findings)
    except Problem as problem:
        error = FieldProblem("source", gettext(problem.detail))
        return await _round_page(request, found, errors=(error,))
    return pages.redirect(f"/staff/rounds/{number}?done={what}")


@get("/rounds/{number:int}/scores.csv", opt=OPERATOR)
async def scores_csv(request: Staff, number: FromPath[int]) -> Response[Any]:
    """Every score with its justification, as a file would bring it."""
    found = await _round(number)
    rows = await score_rows(found.id)
    columns: tuple[str, ...] = CSV_COLUMNS
    if found.simulated:
        columns, rows = ("SIMULATED", *columns), [("SIMULATED", *row) for row in rows]
    return pages.data_response(
        request, pages.csv_bytes(columns, rows), "text/csv", file_name=f"scores-{number}.csv", public=False
    )


staff: list[Any] = [rounds, show_round, bring_file, scores_csv]
