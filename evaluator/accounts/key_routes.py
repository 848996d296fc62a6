"""A superior's keys for its programs: listed, made, shown once, revoked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.accounts import keys
from evaluator.problems import Problem, not_found

HOLDERS = {"roles": set(keys.ROLES)}
Staff = Request[Any, Any, Any]


def _today(request: Staff) -> date:
    return datetime.now(request.app.state.settings.zone).date()


async def _page(
    request: Staff, *, error: str = "", key: str = "", label: str = "", days: str = str(keys.USUAL_DAYS)
) -> Response[Any]:
    account, today = request.scope["state"]["account"], _today(request)
    rows = [(one, keys.opens(one, today)) for one in await keys.keys_of(account.id)]
    return pages.page(
        request, "accounts/keys.html", status=422 if error else 200, rows=rows, error=error, key=key, label=label,
        days=days, longest=keys.LONGEST_DAYS, headers={"Cache-Control": "private, no-store"},
    )  # fmt: skip


@get("/keys", opt=HOLDERS)
async def list_keys(request: Staff) -> Response[Any]:
    """The account's keys, and the form for another one."""
    return await _page(request)


@post("/keys", opt=HOLDERS)
async def make(request: Staff) -> Response[Any]:
    """A new key, shown on this one page and never again."""
    form = await request.form()
    label, days = (str(form.get(name, "")).replace("\x00", "").strip()[:200] for name in ("label", "days"))
    account = request.scope["state"]["account"]
    try:
        number = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0
        key, _row = await keys.make_key(
            request.app.state.settings, account, label, number, _today(request), f"{account.role} {account.id}"
        )
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _page(request, error=language.gettext(problem.detail) % problem.values, label=label, days=days)
    return await _page(request, key=key)


@post("/keys/{number:int}/revoke", opt=HOLDERS)
async def revoke(request: Staff, number: FromPath[int]) -> Response[Any]:
    """The key opens nothing any more."""
    account = request.scope["state"]["account"]
    by = f"{account.role} {account.id}"
    if await keys.revoke_key(request.app.state.settings, number, _today(request), by, account.id) is None:
        raise not_found(str(number))
    return pages.redirect("/staff/keys")


staff: list[Any] = [list_keys, make, revoke]
