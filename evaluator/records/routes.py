"""Records for staff: the operator's imports with their outcome, and what is held on a unit for those who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import pages, problems
from evaluator.language import gettext
from evaluator.problems import FieldProblem, Problem
from evaluator.records.blank_sheet import blank_sheet
from evaluator.records.held import CSV_COLUMNS, held_on
from evaluator.records.importing import Offer, findings_of, import_file, keep_refusal, withdraw_import
from evaluator.records.kinds import LAYOUTS, Kind
from evaluator.records.tables import Import, Refusal
from evaluator.records.vocabulary import indicator_names, read_vocabulary, scheme_files
from evaluator.sent_forms import text_in, upload_in
from evaluator.settings import Settings
from evaluator.spreadsheets.cells import parse_date
from evaluator.spreadsheets.findings import Refused, Wrong
from evaluator.units.tables import Unit

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
LONGEST = 300  # characters of a field
CONCERNED = {"roles": {"operator", "superior", "representative"}}
A_PAGE = 50
PROBLEMS_SHOWN = 500
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _(message: str) -> str:
    return message


KINDS: dict[Kind, tuple[str, str]] = {
    "records": (_("Raw numbers"), _("unit, indicator, numerator, denominator: for shares and rates")),
    "indicators": (_("Ready numbers"), _("unit, indicator, value, standard error")),
    "events": (_("Events"), _("dishonesty records and facts that veto, with their class, dates and state")),
}
STATES = {
    "alleged": _("alleged"), "contested": _("contested"), "final": _("final"), "rectified": _("rectified"),
    "repaired": _("repaired"), "expired": _("expired"),
}  # fmt: skip


def _who(request: Staff) -> str:
    """Who asks, for the audit log: a role and a number, never a name."""
    account = request.scope["state"]["account"]
    return f"{account.role} {account.id}"


def _settings(request: Staff) -> Settings:
    return request.app.state.settings  # type: ignore[no-any-return]


def _today(request: Staff) -> date:
    return datetime.now(_settings(request).zone).date()


# --- the operator's imports


@get("/records", opt=OPERATOR)
async def list_imports(request: Staff) -> Response[Any]:
    """What came in, the latest first; and what did not, in the last month."""
    given = request.query_params.get("page", "1")
    page = max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 7 else 1
    number = await Import.count()
    imports = await Import.objects().order_by(Import.id, ascending=False).limit(A_PAGE).offset((page - 1) * A_PAGE)
    refusals = await (
        Refusal.select(Refusal.id, Refusal.kind, Refusal.file_name, Refusal.refused_on, Refusal.problems)
        .order_by(Refusal.id, ascending=False)
        .limit(A_PAGE)
    )
    return pages.page(
        request, "records/imports.html", imports=imports, refusals=refusals if page == 1 else [], kinds=KINDS,
        page=page, last_page=-(-number // A_PAGE), simulated=any(one.simulated for one in imports),
    )  # fmt: skip


@get("/records.csv", opt=OPERATOR)
async def list_imports_csv(request: Staff) -> Response[Any]:
    """The same list, all of it."""
    columns = (
        "id", "kind", "file_name", "imported_on", "rows", "source", "scheme", "period_from", "period_to", "sha256",
        "withdrawn_on", "withdrawn_why",
    )  # fmt: skip
    rows = await Import.select().order_by(Import.id)
    body = pages.csv_bytes(columns, [[row[column] for column in columns] for row in rows])
    return pages.data_response(request, body, "text/csv", file_name="imports.csv", public=False)


class ImportForm(msgspec.Struct, frozen=True):
    """The form as it was sent."""

    kind: str = ""
    scheme: str = ""
    first: str = ""
    last: str = ""
    source: str = ""


def _form_page(request: Staff, form: ImportForm, errors: list[FieldProblem]) -> Response[Any]:
    return pages.page(
        request, "records/import_form.html", status=422 if errors else 200, form=form, errors=errors, kinds=KINDS,
        schemes=scheme_files(_settings(request).data_dir), error_of={e.pointer: e.detail for e in errors},
    )  # fmt: skip


@get("/records/import", opt=OPERATOR)
async def import_form(request: Staff) -> Response[Any]:
    """The form; the period proposed is the last full year."""
    last_year = _today(request).year - 1
    return _form_page(
        request, ImportForm(kind="records", first=f"{last_year}-01-01", last=f"{last_year}-12-31"), errors=[]
    )


@post("/records/import", opt=OPERATOR)
async def bring_file(request: Staff) -> Response[Any]:
    """Take a file whole and show what came in, or show everything that is wrong with it."""
    sent = await request.form()
    form = ImportForm(**{name: text_in(sent, name, LONGEST) for name in ImportForm.__struct_fields__})
    upload = await upload_in(sent)
    content = upload.content
    schemes = {one.name: one for one in scheme_files(_settings(request).data_dir)}
    errors, period = _form_errors(form, content, schemes)
    if errors or period is None:
        return _form_page(request, form, errors)
    offer = Offer(
        kind=form.kind,  # type: ignore[arg-type]
        file_name=upload.name or "–",
        content=content,
        source=form.source,
        period=period,
        brought_on=_today(request),
        account=request.scope["state"]["account"].id,
    )
    try:
        taken = await import_file(
            offer, read_vocabulary(schemes[form.scheme].path), _settings(request), by=_who(request)
        )
    except Refused as refused:
        return pages.redirect(f"/staff/records/refusals/{await keep_refusal(offer, refused)}")
    return pages.redirect(
        f"/staff/records/imports/{taken.number}?zero={taken.not_applicable}&blank={taken.not_reported}"
    )


def _form_errors(
    form: ImportForm, content: bytes, schemes: Mapping[str, object]
) -> tuple[list[FieldProblem], tuple[date, date] | None]:
    errors = []
    if not content:
        errors.append(FieldProblem("file", gettext("Choose a CSV or XLSX file that is not empty.")))
    if form.kind not in KINDS:
        errors.append(FieldProblem("kind", gettext("Choose what the file holds.")))
    if form.scheme not in schemes:
        errors.append(FieldProblem("scheme", gettext("Choose a scheme.")))
    days: dict[str, date] = {}
    for name, text in (("first", form.first), ("last", form.last)):
        day = parse_date(text)
        if isinstance(day, date):
            days[name] = day
        else:
            wrong = gettext(day.reason) if isinstance(day, Wrong) else gettext("is blank")
            said = gettext("“%(value)s” %(reason)s. Write a day as 2026-01-31.") % {"value": text, "reason": wrong}
            errors.append(FieldProblem(name, said))
    if len(days) == 2 and days["first"] > days["last"]:
        errors.append(FieldProblem("last", gettext("The period ends before it begins; exchange the two dates.")))
    if not form.source:
        errors.append(FieldProblem("source", gettext("Say who provided the file, so that numbers can be traced.")))
    return errors, (days["first"], days["last"]) if len(days) == 2 else None


async def _import(number: int) -> Import:
    found = await Import.objects().get(Import.id == number) if 0 < number < 2**31 else None
    if found is None:
        raise problems.not_found(str(number))
    return found


@get("/records/imports/{number:int}", opt=OPERATOR)
async def show_import(request: Staff, number: FromPath[int]) -> Response[Any]:
    """What came in with a file, and the form to take it out again."""
    return await _import_page(request, await _import(number), "")


async def _import_page(request: Staff, found: Import, error: str) -> Response[Any]:
    notes = {
        name: int(text) if (text := request.query_params.get(name, "0")).isdigit() and len(text) < 10 else 0
        for name in ("zero", "blank")
    }
    return pages.page(
        request, "records/import.html", status=422 if error else 200, found=found, kinds=KINDS, error=error,
        just_now="zero" in request.query_params, simulated=found.simulated, **notes,
    )  # fmt: skip


@post("/records/imports/{number:int}/withdraw", opt=OPERATOR)
async def withdraw(request: Staff, number: FromPath[int]) -> Response[Any]:
    """Take the rows of an import out again, saying why."""
    found = await _import(number)
    try:
        await withdraw_import(
            number, text_in(await request.form(), "why", LONGEST), _today(request), _settings(request), by=_who(request)
        )
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _import_page(request, found, gettext(problem.detail))
    return pages.redirect(f"/staff/records/imports/{number}")


async def _refusal(number: int) -> Refusal:
    found = await Refusal.objects().get(Refusal.id == number) if 0 < number < 2**31 else None
    if found is None:
        raise problems.not_found(str(number))
    return found


@get("/records/refusals/{number:int}", opt=OPERATOR)
async def show_refusal(request: Staff, number: FromPath[int]) -> Response[Any]:
    """Everything that is wrong with a file."""
    refusal = await _refusal(number)
    findings = findings_of(refusal)
    rows = [
        {
            "row": found.row or "",
            "column": found.column,
            "value": found.value,
            "why": found.why(gettext),
            "right": found.what_would_be_right(gettext),
        }
        for found in findings[:PROBLEMS_SHOWN]
    ]
    return pages.page(
        request, "records/refusal.html", refusal=refusal, rows=rows, total=len(findings), kinds=KINDS
    )  # fmt: skip


@get("/records/refusals/{number:int}/problems.csv", opt=OPERATOR)
async def refusal_csv(request: Staff, number: FromPath[int]) -> Response[Any]:
    """The same list, all of it, to work through in a spreadsheet."""
    findings = findings_of(await _refusal(number))
    columns = [gettext(name) for name in (_("Row"), _("Column"), _("Value"), _("What is wrong"), _("What is right"))]
    rows = [
        (found.row or "", found.column, found.value, found.why(gettext), found.what_would_be_right(gettext))
        for found in findings
    ]
    return pages.data_response(
        request, pages.csv_bytes(columns, rows), "text/csv", file_name=f"problems-{number}.csv", public=False
    )


@get("/records/blank/{kind:str}", opt=OPERATOR)
async def blank(request: Staff, kind: FromPath[str]) -> Response[Any]:
    """A sheet to fill in."""
    name = kind.removesuffix(".xlsx")
    if name not in LAYOUTS:
        raise problems.not_found(kind[:40])
    return pages.data_response(request, blank_sheet(name), XLSX, file_name=f"{name}.xlsx", public=False)  # type: ignore[arg-type]


# --- what is held on a unit


@get("/own", opt={"roles": {"representative"}})
async def own(request: Staff) -> Response[Any]:
    """What is held on the representative's own unit."""
    return await _held_page(request, request.scope["state"]["account"].unit)


@get("/held/{unit:str}", opt=CONCERNED)
async def held(request: Staff, unit: FromPath[str]) -> Response[Any]:
    """What is held on a unit of the account's subtree."""
    return await _held_page(request, unit)


async def _held_page(request: Staff, code: str) -> Response[Any]:
    unit = await Unit.objects().get(Unit.code == code.replace("\x00", ""))
    if unit is None:
        raise problems.not_found(code[:40])
    found = await held_on(unit.code)
    return pages.page(
        request, "records/held.html", unit=unit, held=found, names=indicator_names(_settings(request).data_dir),
        states=STATES, simulated=found.simulated,
    )  # fmt: skip


@get("/held/{unit:str}/records.csv", opt=CONCERNED)
async def held_csv(request: Staff, unit: FromPath[str]) -> Response[Any]:
    """The same, as CSV."""
    found = await held_on(unit.replace("\x00", ""))
    columns = ("SIMULATED", *CSV_COLUMNS) if found.simulated else CSV_COLUMNS
    rows = [("SIMULATED", *row) if found.simulated else row for row in found.rows()]
    return pages.data_response(
        request, pages.csv_bytes(columns, rows), "text/csv", file_name="records.csv", public=False
    )  # fmt: skip


staff: list[Any] = [
    list_imports, list_imports_csv, import_form, bring_file, show_import, withdraw, show_refusal, refusal_csv, blank,
    own, held, held_csv,
]  # fmt: skip
