"""Every error a visitor can meet: RFC 9457 problem details for programs, a readable page for a browser."""

from __future__ import annotations

import http
import logging
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from evaluator import database, language, pages
from evaluator.problems import FieldProblem, Problem

log = logging.getLogger("evaluator")


def _(message: str) -> str:  # marks a message for extraction; it is translated when shown
    return message


TITLES = {
    400: _("The request could not be understood"),
    401: _("Please sign in"),
    403: _("Not allowed"),
    404: _("Page not found"),
    405: _("This address does not work that way"),
    409: _("This was done already"),
    413: _("Too large"),
    415: _("This kind of content is not accepted"),
    422: _("There is a problem with what was sent"),
    429: _("Too many attempts"),
    500: _("Something went wrong on our side"),
    503: _("Not available right now"),
}
DETAILS = {
    404: _("Check the address, or start from the home page."),
    500: _("Nothing you sent was recorded. Please try again later."),
    503: _("Please try again in a moment."),
}


def as_problem(error: Exception) -> Problem:
    """Any exception as a Problem: ours as it is, the framework's and the database's by what they mean."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, UnicodeDecodeError | RecursionError):
        return Problem(400, TITLES[400], _("The body is not valid UTF-8, or is nested too deeply."))
    if isinstance(error, database.Unavailable):
        return Problem(503, TITLES[503], DETAILS[503], headers={"Retry-After": "2"})
    if isinstance(error, database.AlreadyExists):
        return Problem(409, TITLES[409], _("There is one with this name or code already."))
    if isinstance(error, database.StillReferenced):
        return Problem(409, TITLES[409], _("It names something that does not exist, or others still need it."))
    if isinstance(error, database.RuleBroken):
        return Problem(422, TITLES[422], _("A value is outside what can be stored."))
    if isinstance(error, HTTPException):
        status = error.status_code
        detail = DETAILS.get(status, "") if status in (404, 500) else str(error.detail or "")
        return Problem(
            status, TITLES.get(status, http.HTTPStatus(status).phrase), detail.replace("%", "%%"), headers=error.headers
        )
    return Problem(500, TITLES[500], DETAILS[500])


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's exception handler for everything."""
    problem = as_problem(error)
    if problem.status >= 500 and not isinstance(error, Problem | database.Unavailable):
        log.error("%s %s", request.method, request.scope["path"], exc_info=error)  # the path never holds an answer
    title = language.gettext(problem.title)
    detail = language.gettext(problem.detail) % problem.values if problem.detail else ""
    headers = {**problem.headers, "Cache-Control": "no-store"}
    if problem.status == 401 and pages.wants_page(request):
        return pages.redirect(f"/sign-in?back={quote(request.scope['path'])}")
    if pages.wants_page(request):
        said = [FieldProblem(error.pointer, error.said()) for error in problem.errors]
        context = {"problem": problem, "title": title, "detail": detail, "errors": said}
        return pages.page(request, "problem.html", status=problem.status, headers=headers, **context)
    body = {
        "type": "about:blank",
        "title": title,
        "status": problem.status,
        "detail": detail,
        "instance": request.scope["path"],
        **({"errors": [{"pointer": e.pointer, "detail": e.detail} for e in problem.errors]} if problem.errors else {}),
    }
    return Response(
        msgspec.json.encode(body), status_code=problem.status, media_type="application/problem+json", headers=headers
    )
