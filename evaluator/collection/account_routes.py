"""Answering with an account: the choice of how to answer, the way to the provider and back, and the form after it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.collection import admission, drafts, form, keys, sign_in, steps
from evaluator.collection.campaigns import LiveCampaign, check_open, closes_at, right_now
from evaluator.collection.id_tokens import Refused
from evaluator.collection.provider import Provider, Unreachable
from evaluator.problems import Problem

Ask = Request[Any, Any, Any]


def _(message: str) -> str:
    return message


@contextlib.asynccontextmanager
async def provider(app: Litestar) -> AsyncIterator[None]:
    """The provider of accounts that the settings name, or None."""
    settings = app.state.settings
    app.state.provider = Provider(settings) if settings.oidc_issuer else None
    try:
        yield
    finally:
        if app.state.provider is not None:
            await app.state.provider.close()


def offers(request: Ask, campaign: LiveCampaign) -> bool:
    """Whether people may answer a campaign with an account here."""
    return campaign.sign_in and request.app.state.provider is not None


def _check_offered(request: Ask, campaign: LiveCampaign) -> None:
    check_open(campaign, right_now(), request.app.state.settings.zone)
    if not offers(request, campaign):
        raise Problem(
            403, _("No sign-in here"), _("This survey cannot be answered with an account. Open it from the list."),
        )  # fmt: skip


def _address(campaign: LiveCampaign, unit: str) -> str:
    return f"/account/{campaign.code}/{unit}"


def _named(request: Ask) -> str:
    """The provider, as visitors know it."""
    settings = request.app.state.settings
    name: str = settings.oidc_name_en if language.current.get() == "en" else settings.oidc_name_zh
    return name


def door(request: Ask, campaign: LiveCampaign, unit: str) -> Response[str]:
    """How to answer: with an account, or by the open link where there is one."""
    return pages.page(
        request, "collection/account.html", campaign=campaign, unit=campaign.units[unit], provider=_named(request),
        address=_address(campaign, unit), simulated=campaign.simulated,
    )  # fmt: skip


@get(["/account/{campaign:str}/{unit:str}", "/account/{campaign:str}/{unit:str}/send"])
async def account_form(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """What became of a sign-in, or a step that was kept, or else how to answer. What was sent is never shown again."""
    found = await steps.campaign_and_unit(request, campaign, unit)
    if (said := request.query_params.get("said", "")) in STATUS:
        _check_offered(request, found)
        return _result(request, found, unit, said)
    kept = await steps.draft_of(request, found)
    if kept is not None:
        visit = form.read_visit(request.app.state.secret, kept.visit)
        if visit.code_hash is not None and await admission.is_used(visit.code_hash):
            await drafts.forget(drafts.read_key(request.cookies))
            return pages.redirect(_said(found, unit, "counted"))
        return await steps.kept(request, found, kept)
    _check_offered(request, found)
    return door(request, found, unit)


@get("/account/{campaign:str}/{unit:str}/sign-in")
async def leave(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """To the provider. A link leads here and not a form, whose answer may lead to this site only (form-action)."""
    found = await steps.campaign_and_unit(request, campaign, unit)
    _check_offered(request, found)
    settings, source = request.app.state.settings, request.app.state.provider
    draft = request.cookies.get(drafts.COOKIE, "")
    if drafts.read_key(request.cookies) is None:
        draft = drafts.new_key()
    flow = sign_in.new_flow(source.issuer, found.code, unit, draft, int(right_now().timestamp()))
    try:
        there = await sign_in.departure(
            source, flow, _callback(settings), other="other" in request.query_params, language=language.current.get()
        )
    except Unreachable as error:
        source.tell(str(error))
        return pages.redirect(_said(found, unit, "later"))
    keep = sign_in.cookie(request.app.state.secret, flow, secure=settings.secure_cookies)
    return pages.redirect(there, {"Set-Cookie": keep, "Cache-Control": "no-store"})


def _callback(settings: Any) -> str:
    return f"{settings.base_url.rstrip('/')}{sign_in.CALLBACK}"


@get(sign_in.CALLBACK)
async def come_back(request: Ask) -> Response[Any]:
    """From the provider: the form for who signed in and was not counted yet. The account ends here."""
    source, secret = request.app.state.provider, request.app.state.secret
    if source is None:
        raise Problem(404, _("No sign-in here"), _("This survey cannot be answered with an account."))
    now = int(right_now().timestamp())
    flow, answer = None, sign_in.Answer()
    with contextlib.suppress(Refused):
        answer = sign_in.read_answer(request.scope["query_string"].decode("ascii", "replace"))
        flow = sign_in.flow_of(secret, request.cookies, answer.state, source.issuer, now)
    if flow is None:
        raise Problem(
            400, _("This sign-in did not begin here"),
            _("It began in another browser, took longer than ten minutes, was used already, or your browser keeps no "
              "cookies. Nothing was recorded. Open the survey again and sign in once more."),
        )  # fmt: skip
    secure = request.app.state.settings.secure_cookies
    try:
        response = await _admit(request, source, flow, answer, now)
    except Problem as problem:
        problem.headers["Set-Cookie"] = sign_in.no_cookie(flow.state, secure=secure)
        raise
    response.set_cookie(
        sign_in.cookie_name(flow.state), "", path=sign_in.CALLBACK, max_age=0, httponly=True, samesite="lax",
        secure=secure,
    )  # fmt: skip
    return response


async def _admit(request: Ask, source: Provider, flow: sign_in.Flow, answer: sign_in.Answer, now: int) -> Response[Any]:
    settings, secret = request.app.state.settings, request.app.state.secret
    found = await steps.campaign_and_unit(request, flow.campaign, flow.unit)
    _check_offered(request, found)
    try:
        subject = await sign_in.arrived(source, flow, answer, _callback(settings), now)
    except sign_in.NotSignedIn as why:
        if why.kind != "declined":
            source.tell(f"it sends people back with the error {why}")
        return pages.redirect(_said(found, flow.unit, why.kind))
    except Refused as why:
        source.tell(f"a sign-in was refused: {why}")
        return pages.redirect(_said(found, flow.unit, "refused"))
    except Unreachable as why:
        source.tell(str(why))
        return pages.redirect(_said(found, flow.unit, "later"))
    hashed = keys.sign_in_hash(keys.campaign_key(settings, found.code), source.issuer, subject, flow.unit)
    del subject  # from here on nobody knows who this is
    if await admission.is_used(hashed):
        return pages.redirect(_said(found, flow.unit, "counted"))
    address = _address(found, flow.unit)
    days = (closes_at(found, settings.zone) - right_now()).days + 1
    headers = {"Set-Cookie": drafts.cookie(flow.draft, address, days=days, secure=settings.secure_cookies)}
    key = drafts.read_key({drafts.COOKIE: flow.draft})
    kept = await drafts.find(key)
    if kept is not None:
        if kept[0] == found.id and form.read_visit(secret, kept[1].visit).code_hash == hashed:
            return pages.redirect(f"{address}?step={len(kept[1].trail)}", headers)  # where this person left it
        await drafts.forget(key)
    visit = form.new_visit(found.id, flow.unit, right_now(), code_hash=hashed, account=True)
    await steps.keep_first(request, found, visit, key)
    return pages.redirect(f"{address}?step=1", headers)


STATUS = {"declined": 200, "later": 503, "refused": 400, "set_up": 503, "counted": 409}


def _said(campaign: LiveCampaign, unit: str, kind: str) -> str:
    """An address of its own, so that Back and reloading lead to the same page, and to no code that was used."""
    return f"{_address(campaign, unit)}?said={kind}"


def _result(request: Ask, campaign: LiveCampaign, unit: str, kind: str) -> Response[str]:
    """Why somebody who wanted to sign in does not see the form, and what they can do."""
    return pages.page(
        request, "collection/account_result.html", status=STATUS[kind], headers={"Cache-Control": "no-store"},
        kind=kind, campaign=campaign, unit=campaign.units[unit], provider=_named(request),
        address=_address(campaign, unit), simulated=campaign.simulated,
    )  # fmt: skip


@post("/account/{campaign:str}/{unit:str}", status_code=200, request_max_body_size=form.MOST_BYTES)
async def account_step(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """The next screen of somebody who signed in."""
    return await steps.step(request, *await steps.form_of(request, campaign, unit, "sign_in"))


@post("/account/{campaign:str}/{unit:str}/send", status_code=303, request_max_body_size=form.MOST_BYTES)
async def account_send(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """Count the answers of somebody who signed in, once."""
    return await steps.send(request, *await steps.form_of(request, campaign, unit, "sign_in"))


@post("/account/{campaign:str}/{unit:str}/forget", status_code=303, request_max_body_size=4096)
async def account_start_over(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """Delete what was kept and begin with the sign-in."""
    found = await steps.campaign_and_unit(request, campaign, unit)
    address = _address(found, unit)
    return pages.redirect(address, await steps.forget(request, address))


public: list[Any] = [account_form, leave, come_back, account_step, account_send, account_start_over]
lifespan: list[Any] = [provider]
