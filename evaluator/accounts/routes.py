"""Sign in, sign out, and the page that each role starts from."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from evaluator import language, pages, security
from evaluator.accounts import key_routes, sessions
from evaluator.accounts.register import authenticate
from evaluator.units.tables import Unit


@get("/sign-in")
async def sign_in_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form."""
    back = pages.local_path(request.query_params.get("back", "/staff"))
    return pages.page(request, "accounts/sign_in.html", back=back, name="", error="")


@post("/sign-in")
async def sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    """A new session for the right name and password, whatever cookie the browser came with."""
    form = await request.form()
    back, name = pages.local_path(str(form.get("back", "/staff"))), str(form.get("name", ""))[:64]
    account = await authenticate(name.replace("\x00", ""), str(form.get("password", ""))[:200])
    if account is None:
        wrong = language.gettext(
            "Name or password is wrong, or the account is locked for 15 minutes after five attempts."
        )
        return pages.page(request, "accounts/sign_in.html", status=422, back=back, name=name, error=wrong)
    if old := security.cookie(request.scope, sessions.COOKIE):
        await sessions.close_session(old)
    token = await sessions.open_session(account.id)
    secure = request.app.state.settings.secure_cookies
    return pages.redirect(back, {"Set-Cookie": sessions.cookie_header(token, secure=secure)})


@post("/sign-out")
async def sign_out(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The session ends on the server too."""
    if token := security.cookie(request.scope, sessions.COOKIE):
        await sessions.close_session(token)
    return pages.redirect(
        "/", {"Set-Cookie": sessions.cookie_header("", secure=request.app.state.settings.secure_cookies)}
    )


@get("/")
async def staff_home(request: Request[Any, Any, Any]) -> Response[Any]:
    """What this account is here for."""
    account = request.scope["state"]["account"]
    unit = await Unit.objects().get(Unit.code == account.unit) if account.unit else None
    return pages.page(request, "accounts/home.html", unit=unit)


public: list[Any] = [sign_in_form, sign_in, sign_out]
staff: list[Any] = [staff_home, *key_routes.staff]
