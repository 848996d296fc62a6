"""Staff sessions: made anew at every sign-in, kept as hashes, checked in one place for every staff route."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

from evaluator import security
from evaluator.accounts.keys import account_of_key
from evaluator.accounts.tables import Account, StaffSession
from evaluator.problems import Problem, forbidden
from evaluator.units.tree import is_within

COOKIE = "staff"
LIFETIME = timedelta(hours=8)


def _(message: str) -> str:
    return message


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(secret: bytes, token: str) -> str:
    """What every staff form carries in its field `csrf`: bound to the session, so that it can't be made elsewhere."""
    return security.signature(secret, "csrf", token)


async def open_session(account: int) -> str:
    """A new session's cookie value; sessions that have run out are cleared away."""
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    await StaffSession.delete().where(StaffSession.expires_at < now)
    await StaffSession.insert(StaffSession(token_hash=_hash(token), account=account, expires_at=now + LIFETIME))
    return token


async def close_session(token: str) -> None:
    await StaffSession.delete().where(StaffSession.token_hash == _hash(token))


def cookie_header(token: str, *, secure: bool) -> str:
    """Set-Cookie for a session; an empty token ends it."""
    age = int(LIFETIME.total_seconds()) if token else 0
    return f"{COOKIE}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


async def account_of(token: str | None) -> Account | None:
    """The active account behind a cookie's value, or None."""
    if not token:
        return None
    session = await StaffSession.objects().get(
        (StaffSession.token_hash == _hash(token)) & (StaffSession.expires_at > datetime.now(UTC))
    )
    if session is None:
        return None
    return await Account.objects().get((Account.id == session.account) & Account.active.eq(True))


async def check_scope(account: Account, unit: str) -> None:
    """Refuse a unit outside the account's subtree. An operator without a unit sees all.

    Raises
    ------
    Problem
        403, in the same words whether the unit exists or not.
    """
    if account.unit is None and account.role == "operator":
        return
    if account.unit is None or not await is_within(unit, account.unit):
        raise forbidden(_("This unit is outside what your account may see."))


async def _check_route(scope: Scope, account: Account) -> None:
    """The account may see this address: its role, the path's unit and round."""
    roles = scope["route_handler"].opt.get("roles")
    if roles is not None and account.role not in roles:
        raise forbidden(_("This page is for another kind of account."))
    parameters: dict[str, Any] = scope["path_params"]
    if "unit" in parameters:
        await check_scope(account, str(parameters["unit"]))
    if "round" in parameters and account.role != "operator" and str(account.round) != str(parameters["round"]):
        raise forbidden(_("This round is not yours."))


async def _by_key(scope: Scope, authorization: str) -> Account:
    """The account of a program's key, where the handler is open to keys; they only read."""
    settings = scope["litestar_app"].state.settings
    account = await account_of_key(authorization, datetime.now(settings.zone).date())
    if scope["method"] in security.UNSAFE or not scope["route_handler"].opt.get("keys"):
        raise forbidden(_("A key opens the data of reviews only. Sign in for everything else."))
    await _check_route(scope, account)
    return account


def staff_only(app: ASGIApp) -> ASGIApp:
    """Middleware of every route under /staff.

    Signed in, of one of the roles that the handler names in ``opt={"roles": {...}}``, the path's `unit` within the
    account's subtree and its `round` the account's own, and every form with the session's token. Or with a key, where
    the handler says ``"keys": True``, to read.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if authorization := security.header(scope, b"authorization"):
            scope["state"]["account"] = await _by_key(scope, authorization)
            await app(scope, receive, send)
            return
        token = security.cookie(scope, COOKIE)
        account = await account_of(token)
        if account is None or token is None:
            raise Problem(401, _("Please sign in"), _("This page is for staff. Sign in and come back."))
        await _check_route(scope, account)
        secret: bytes = scope["litestar_app"].state.secret
        expected = csrf_token(secret, token)
        if scope["method"] in security.UNSAFE:
            form = await Request[Any, Any, Any](scope, receive, send).form()
            if not hmac.compare_digest(str(form.get("csrf", "")).encode(), expected.encode()):
                raise forbidden(
                    _("The form is too old or came from elsewhere. Go back, reload the page and send it again.")
                )
        scope["state"]["account"] = account
        scope["state"]["csrf"] = expected
        await app(scope, receive, send)

    return call
