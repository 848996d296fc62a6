"""The operator's pages on units: browse the tree, import a file, add a department."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from evaluator import pages
from evaluator.problems import FieldProblem, Problem
from evaluator.sent_forms import upload_in
from evaluator.settings import Settings
from evaluator.units.importing import COLUMNS, import_units, read_units
from evaluator.units.tables import Unit

OPERATOR = {"roles": {"operator"}}


def _for_the_log(request: Request[Any, Any, Any]) -> tuple[Settings, str]:
    """Whose log, and who did it: a role and a number, never a name."""
    account = request.scope["state"]["account"]
    return request.app.state.settings, f"{account.role} {account.id}"


async def _listing(request: Request[Any, Any, Any], parent: str, **more: Any) -> Response[Any]:
    here = await Unit.objects().get(Unit.code == parent) if parent else None
    rows = await Unit.objects().where(Unit.parent == parent if here else Unit.parent.is_null()).order_by(Unit.code)
    context = {"here": here, "rows": rows, "columns": COLUMNS, "done": "", "errors": (), **more}
    return pages.page(request, "units/list.html", status=422 if context["errors"] else 200, **context)


@get("/units", opt=OPERATOR)
async def list_units(request: Request[Any, Any, Any]) -> Response[Any]:
    """The units right under one of them."""
    return await _listing(request, request.query_params.get("parent", "")[:32].replace("\x00", ""))


@post("/units/import", opt=OPERATOR)
async def import_file(request: Request[Any, Any, Any]) -> Response[Any]:
    """Take a CSV file whole, or show every bad row."""
    upload = await upload_in(await request.form())
    if not upload.content:
        return await _listing(request, "", errors=(FieldProblem("file", "choose a CSV file first"),))
    try:
        number = await import_units(read_units(upload.content), *_for_the_log(request))
    except Problem as problem:
        return await _listing(request, "", errors=problem.errors)
    return await _listing(request, "", done=number)


@post("/units/department", opt=OPERATOR)
async def add_department(request: Request[Any, Any, Any]) -> Response[Any]:
    """Add a department under a unit."""
    form = await request.form()
    given = {key: str(form.get(key, "")).strip() for key in ("parent", "suffix", "level", "name_zh", "name_en")}
    row = {
        "code": f"{given['parent']}-{given['suffix'].upper()}", "parent": given["parent"], "level": given["level"],
        "kind": "department", "name_zh": given["name_zh"], "name_en": given["name_en"],
    }  # fmt: skip
    try:  # through the same door as a file, so that the same rules hold
        await import_units(read_units(pages.csv_bytes(list(row), [list(row.values())])), *_for_the_log(request))
    except Problem as problem:
        return await _listing(request, given["parent"][:32].replace("\x00", ""), errors=problem.errors)
    return await _listing(request, given["parent"], done=1)


staff: list[Any] = [list_units, import_file, add_department]
