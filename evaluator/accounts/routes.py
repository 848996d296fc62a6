"""Sign in, sign out, and the page that each role starts from."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from evaluator import language, pages, security
from evaluator.accounts import key_routes, sessions
from evaluator.accounts.browsers import WINDOW, Browser
from evaluator.accounts.register import authenticate
from evaluator.brake import Brake
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
    back, name = pages.local_path(str(form.get("back", "/staff"))), str(form.get("name", ""))[:64].replace("\x00", "")
    state, brake = request.app.state, _brake(request)
    browser = Browser(state.secret, request.scope, name.strip())

    def refused(why: str, status: int = 422, **headers: str) -> Response[Any]:
        return pages.page(
            request, "accounts/sign_in.html", status=status, headers=headers, back=back, name=name, error=why
        )

    if wait := browser.wait(brake):
        why = language.gettext("There were too many wrong passwords. Please wait for a quarter of an hour.")
        return refused(why, 429, **{"Retry-After": str(wait)})
    account = await authenticate(name, str(form.get("password", ""))[:200], known=browser.known)
    if account is None:
        return refused(
            language.gettext("Name or password is wrong. After five wrong ones you wait for a quarter of an hour.")
        )
    browser.was_right(brake)
    if old := security.cookie(request.scope, sessions.COOKIE):
        await sessions.close_session(old)
    token = await sessions.open_session(account.id)
    secure = state.settings.secure_cookies
    answer = pages.redirect(back, {"Set-Cookie": sessions.cookie_header(token, secure=secure)})
    answer.set_cookie(browser.cookie(secure=secure))
    return answer


def _brake(request: Request[Any, Any, Any]) -> Brake:
    """That of this process."""
    state = request.app.state
    if "sign_in_brake" not in state:
        state.sign_in_brake = Brake(WINDOW)
    found: Brake = state.sign_in_brake
    return found


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
