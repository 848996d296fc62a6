"""The preview: every screen in a frame as wide as a phone, its rules beside it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.collection.campaigns import right_now
from evaluator.editing import shelf
from evaluator.editing.preview import A_PAGE, picture, shots
from evaluator.problems import not_found
from evaluator.security import POLICY
from questionnaires.screens import screens

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
# The frames are of this site, show nothing of anybody, and run no script: the preview alone may hold them.
FRAMING = {"Content-Security-Policy": f"{POLICY}; frame-src 'self'"}
FRAMED = {"Content-Security-Policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")}


def _tongue(request: Staff) -> str:
    """The language of a visitor, not necessarily the operator's."""
    tongue = request.query_params.get("language", language.current.get())
    if tongue not in language.LANGUAGES:
        raise not_found(tongue[:20])
    return str(tongue)


@get("/questionnaires/{code:str}/{version:str}/preview", opt=OPERATOR)
async def preview(request: Staff, code: FromPath[str], version: FromPath[str]) -> Response[Any]:
    """All screens, some a page."""
    kept = await shelf.find(code, version)
    given = request.query_params.get("page", "1")
    page = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else 1
    total = len(screens(kept.questionnaire))
    last = max(1, -(-total // A_PAGE))
    if not 1 <= page <= last:
        raise not_found(f"page {page}")
    return pages.page(
        request, "editing/preview.html", headers=FRAMING, kept=kept, total=total, page=page, pages=last,
        tongue=_tongue(request), shots=shots(kept.questionnaire, page),
    )  # fmt: skip


@get("/questionnaires/{code:str}/{version:str}/preview/{number:int}", opt=OPERATOR)
async def screen(request: Staff, code: FromPath[str], version: FromPath[str], number: FromPath[int]) -> Response[Any]:
    """One screen as the form draws it, with nothing around it."""
    kept = await shelf.find(code, version)
    found = screens(kept.questionnaire)
    if not 1 <= number <= len(found):
        raise not_found(f"screen {number}"[:40])
    language.current.set(_tongue(request))
    shown = picture(kept.questionnaire, found[number - 1], right_now(), request.app.state.settings.zone)
    return pages.page(
        request, "editing/phone.html", headers=FRAMED, picture=shown, number=number, total=len(found)
    )  # fmt: skip


staff: list[Any] = [preview, screen]
