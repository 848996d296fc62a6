"""Whole forms are taken before the framework looks for a route, where nothing speaks against it: finding the route,
the request and the response cost as much as all the rest.

What is done here is the ordinary case alone: a form as our pages send it, from a browser that holds its cookie, to a
campaign that is open, with answers that can be taken. In any other case the route has it, and does all of it again:
there are the words for everything that can be wrong, and what was stored meanwhile is found to be the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from litestar.datastructures import State as SiteState
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from evaluator import security
from evaluator.collection import drafts, form, moving, screens, sending, slips
from evaluator.collection.campaigns import right_now, state
from evaluator.database import DatabaseError
from evaluator.problems import Problem
from questionnaires.recompute import recompute

log = logging.getLogger("evaluator")

ADDRESSES = ("/code/", "/rate/", "/account/")  # of forms; trials are no campaigns
PLAIN = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")]


def taken_at_once(app: ASGIApp, site: Callable[[], SiteState]) -> ASGIApp:
    """The layer around the application; `site` gives the application's state, as it is when a form comes."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_form(scope):
            await app(scope, receive, send)
            return
        messages = await _received(receive)
        cookies = None
        try:
            cookies = await _taken(site(), scope, messages)
        except (Problem, DatabaseError):
            pass  # the route meets it too, and says it
        except Exception:  # the route may go on without it, and then nobody else would hear of it
            log.exception("a form was not taken at once")
        if cookies is None:
            await app(scope, _again(messages, receive), send)
            return
        location = (b"location", f"{slips.PATH}/thanks".encode())
        headers = [*PLAIN, location, *((b"set-cookie", cookie.encode()) for cookie in cookies)]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return call


def _is_form(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and scope["path"].endswith("/send")
        and scope["path"].startswith(ADDRESSES)
    )


async def _received(receive: Receive) -> list[Any]:
    """The parts of a body, up to its end or until it is longer than a form can be."""
    messages: list[Any] = []
    size, more = 0, True
    while more and size <= form.MOST_BYTES:
        message: Any = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    return messages


def _again(messages: list[Any], receive: Receive) -> Receive:
    """What was received, once more, and then what comes."""
    before = iter(messages)

    async def received() -> Message:
        return next(before, None) or await receive()

    return received


def _body(messages: list[Any]) -> bytes | None:
    """A whole body; None when its end did not come, or is not wanted."""
    if messages[-1]["type"] != "http.request" or messages[-1].get("more_body", False):
        return None
    body = b"".join(message.get("body", b"") for message in messages)
    return body if len(body) <= form.MOST_BYTES else None


async def _taken(site: SiteState, scope: Scope, messages: list[Any]) -> list[str] | None:
    """Store what was sent: the cookies of the answer. None: this is not the ordinary case."""
    body = _body(messages)
    key = drafts.read_key({drafts.COOKIE: security.cookie(scope, drafts.COOKIE) or ""})
    if body is None or key is None or security.from_elsewhere(scope) or site.intake.is_full:
        return None
    settings = site.settings
    sent = form.read_form(body)
    visit = form.read_visit(site.secret, sent.visit)
    campaign = await site.campaigns.by_number(visit.campaign)
    if campaign is None or visit.unit not in campaign.units or visit.version not in (0, campaign.version):
        return None
    now = right_now()
    if (
        not sending.offers(campaign, form.mode(visit))
        or scope["path"] != sending.send_address(campaign, visit)
        or state(campaign, now, settings.zone) != "open"
        or await site.logs.is_behind(campaign.code)
    ):
        return None
    moving.check_fields(campaign.questionnaire, sent.answers)
    found = recompute(campaign.questionnaire, sent.answers, screens.context(campaign, visit, now, settings.zone))
    if found.problems or found.cleared or not sending.answers_something(campaign.questionnaire, found):
        return None
    slip = await sending.stored(site, campaign, visit, found, now, key)
    if slip is None:
        return None
    secure = settings.secure_cookies
    away = drafts.cookie("", sending.addresses(campaign, visit)[1], days=0, secure=secure)
    return [away, *(cookie.to_header() for cookie in slips.cookies_for(slip, secure=secure))]
