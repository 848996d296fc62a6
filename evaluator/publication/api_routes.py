"""The description of the addresses for programs, and the address that always leads to the latest edition."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import pages
from evaluator.problems import not_found
from evaluator.publication import api_answers, shelf
from evaluator.publication.api_description import description

Web = Request[Any, Any, Any]


def _described(request: Web) -> dict[str, Any]:
    return description(version("evaluator"), request.app.state.settings.base_url.rstrip("/"))


@get("/openapi.json", sync_to_thread=False)
def described(request: Web) -> Response[bytes]:
    """OpenAPI 3.1."""
    document = _described(request)
    return api_answers.document(request, document["servers"][0]["url"], lambda: document)


@get("/openapi", sync_to_thread=False)
def described_page(request: Web) -> Response[Any]:
    """The same to read."""
    return pages.page(request, "publication/openapi.html", document=_described(request))


@get("/editions/latest.json")
async def latest(request: Web) -> Response[bytes]:
    """To the latest edition that counts; its own address is the one to cite."""
    return await _to_latest(".json")


@get("/editions/latest")
async def latest_page(request: Web) -> Response[bytes]:
    """The same to read: to the latest edition's page."""
    return await _to_latest("")


@get("/editions/latest/{rest:path}")
async def within_latest(request: Web, rest: FromPath[Path]) -> Response[bytes]:
    """To the same page of the latest edition, such as `/editions/latest/ranking/LEVEL`."""
    query = request.scope["query_string"].decode("latin-1")
    return await _to_latest(quote(str(rest)) + (f"?{query}" if query else ""))


async def _to_latest(rest: str) -> Response[bytes]:
    row = next(iter(shelf.current(await shelf.published())), None)
    if row is None:
        raise not_found("latest")
    return Response(
        b"", status_code=302, media_type="text/plain",
        headers={
            **api_answers.OPEN, "Location": f"/editions/{quote(row.identifier, safe='')}{rest}",
            "Cache-Control": "no-cache",
        },
    )  # fmt: skip


public: list[Any] = [described, described_page, latest, latest_page, within_latest]
