"""The operator's pages of questionnaires: all versions, an upload, one version with its report, publish, delete."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import database, pages
from evaluator.collection.campaigns import right_now, today
from evaluator.collection.manifest_words import answer_rules
from evaluator.collection.said import of_questionnaire
from evaluator.collection.wording import short
from evaluator.editing import campaign_routes, preview_routes, report, shelf, trial_routes, trials
from evaluator.editing.uploading import MOST_UPLOAD, XLSFORM, YAML, Brought, file_name, read_upload, said
from evaluator.language import gettext
from evaluator.ledger.audit import record
from evaluator.problems import FieldProblem, Problem
from evaluator.sent_forms import upload_in
from questionnaires.mistakes import DefinitionError
from questionnaires.support import unsupported_in_campaign
from questionnaires.translations import lacking

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
HOME = "/staff/questionnaires"
SHOWN = 200  # rows of a report on a page
TRIALS_SHOWN = 20
YAML_TYPE = "application/yaml"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _(message: str) -> str:
    return message


@get("/questionnaires", opt=OPERATOR)
async def list_versions(request: Staff) -> Response[Any]:
    """All questionnaires with their versions, and the form for a file."""
    return await _list_page(request, "")


async def _list_page(request: Staff, error: str) -> Response[Any]:
    groups: dict[str, list[shelf.Line]] = {}
    for line in await shelf.lines():
        groups.setdefault(line.code, []).append(line)
    return pages.page(
        request, "editing/list.html", status=422 if error else 200, groups=groups, error=error, accept=YAML + XLSFORM,
        deleted="deleted" in request.query_params,
    )  # fmt: skip


@post("/questionnaires", opt=OPERATOR, request_max_body_size=MOST_UPLOAD + 65536)
async def bring_file(request: Staff) -> Response[Any]:
    """Keep a file as a draft and show what is doubtful in it, or show everything that is wrong and keep nothing."""
    upload = await upload_in(await request.form())
    content = upload.content
    if not content:
        missing = _("Choose a file that is not empty.")
        if not pages.wants_page(request):
            raise Problem(422, _("There is no file"), missing)
        return await _list_page(request, gettext(missing))
    name = file_name(upload.name)
    try:
        brought = await asyncio.to_thread(read_upload, content, name)
    except DefinitionError as error:
        return _refused(request, name, error)
    outcome = await shelf.store(brought.text, brought.questionnaire)
    address = f"{HOME}/{brought.questionnaire.code}/{brought.questionnaire.version}"
    if brought.remarks:
        return _remarks_page(request, name, brought, address, outcome)
    return pages.redirect(f"{address}?kept={outcome}")


def _refused(request: Staff, name: str, error: DefinitionError) -> Response[Any]:
    rows = [said(mistake) for mistake in error.mistakes]
    if not pages.wants_page(request):
        raise Problem(
            422, _("The questionnaire has mistakes"), _("Nothing was stored."),
            errors=[
                FieldProblem(f"{name}:{row.place}", f"{row.where + ': ' if row.where else ''}{row.what}; {row.right}")
                for row in rows
            ],
        )  # fmt: skip
    return pages.page(request, "editing/refused.html", status=422, name=name, rows=rows[:SHOWN], total=len(rows))


def _remarks_page(request: Staff, name: str, brought: Brought, address: str, outcome: shelf.Outcome) -> Response[Any]:
    rows = [said(remark) for remark in brought.remarks]
    return pages.page(
        request, "editing/remarks.html", name=name, rows=rows[:SHOWN], total=len(rows), address=address,
        identifier=brought.questionnaire.identifier, outcome=outcome,
    )  # fmt: skip


@get("/questionnaires/{code:str}/{version:str}", opt=OPERATOR)
async def show_version(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """A version: its state and everything an operator should know before it is published."""
    kept = await shelf.find(code, version)
    language = of_questionnaire()
    gaps = lacking(kept.questionnaire)
    before = await _before(request, kept)
    changes = await asyncio.to_thread(report.changes, before.questionnaire, kept.questionnaire) if before else []
    routes = await asyncio.to_thread(report.routes, kept.questionnaire, language)
    found = await trials.tried(kept.line.id, TRIALS_SHOWN)
    return pages.page(
        request, "editing/version.html", kept=kept, questionnaire=kept.questionnaire, line=kept.line,
        gaps=gaps[:SHOWN], total_gaps=len(gaps), rules=answer_rules(kept.questionnaire, language),
        unsupported=[said(one) for one in unsupported_in_campaign(kept.questionnaire)],
        trials=[(one, trials.said(kept.questionnaire, one)) for one in found],
        before=before, changes=changes[:SHOWN], total_changes=len(changes),
        breaks=sum(change.effect == "breaking" for change in changes), routes=routes,
        durations=await shelf.durations(kept.line.id) if kept.line.answers else {},
        others=[line for line in await shelf.lines(kept.line.code) if line.id != kept.line.id],
        movable=await shelf.movable(kept, today(right_now(), request.app.state.settings.zone)),
        outcome=request.query_params.get("kept", ""), title=short(kept.questionnaire.title, language, 160),
    )  # fmt: skip


async def _before(request: Staff, kept: shelf.Kept) -> shelf.Kept | None:
    """The version to compare with: the one that the address names, else the published one that came before."""
    if against := request.query_params.get("against", ""):
        return await shelf.find(kept.line.code, against)
    return await shelf.before(kept)


@get("/questionnaires/{code:str}/{version:str}/definition.yaml", opt=OPERATOR)
async def download_yaml(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The file as it is kept."""
    kept = await shelf.find(code, version)
    name = f"{kept.line.code}-{kept.line.version}.yaml"
    return pages.data_response(request, kept.text.encode(), YAML_TYPE, file_name=name, public=False)


@get("/questionnaires/{code:str}/{version:str}/form.xlsx", opt=OPERATOR)
async def download_xlsform(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The same as an XLSForm."""
    from questionnaires.xlsform.exporting import export_form  # takes a second to load

    kept = await shelf.find(code, version)
    try:
        content = await asyncio.to_thread(export_form, kept.questionnaire)
    except DefinitionError as error:
        raise Problem(
            409, _("There is no XLSForm of this version"), _("It does not fit into sheets: %(why)s"),
            why=error.mistakes[0].message(),
        ) from None  # fmt: skip
    name = f"{kept.line.code}-{kept.line.version}.xlsx"
    return pages.data_response(request, content, XLSX, file_name=name, public=False)


@get("/questionnaires/{code:str}/{version:str}/publish", opt=OPERATOR)
async def ask_to_publish(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The question whether to publish, with what cannot be undone."""
    return pages.page(request, "editing/confirm.html", kept=await shelf.find(code, version), deed="publish")


@post("/questionnaires/{code:str}/{version:str}/publish", opt=OPERATOR)
async def publish(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """Publish a draft for good."""
    kept = await shelf.find(code, version)
    seen, account = str((await request.form()).get("digest", "")), request.scope["state"]["account"]
    async with database.engine().transaction():
        await shelf.publish(kept, seen)
        await record(
            request.app.state.settings, "questionnaire.published", by=f"{account.role} {account.id}",
            questionnaire=f"{code}@{version}", sha256=hashlib.sha256(kept.text.encode()).hexdigest(),
        )  # fmt: skip
    return pages.redirect(f"{kept.address}?kept=published")


@get("/questionnaires/{code:str}/{version:str}/delete", opt=OPERATOR)
async def ask_to_delete(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """The question whether to delete a draft."""
    return pages.page(request, "editing/confirm.html", kept=await shelf.find(code, version), deed="delete")


@post("/questionnaires/{code:str}/{version:str}/delete", opt=OPERATOR)
async def delete(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """Delete a draft with its trial answers."""
    await shelf.delete(await shelf.find(code, version))
    return pages.redirect(f"{HOME}?deleted")


staff: list[Any] = [
    list_versions, bring_file, show_version, download_yaml, download_xlsform, ask_to_publish, publish, ask_to_delete,
    delete,
    *preview_routes.staff, *trial_routes.staff, *campaign_routes.staff,
]  # fmt: skip
