"""The description of the addresses for programs, and the address that always leads to the latest edition."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from litestar import Request, Response, get

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
    row = next(iter(shelf.current(await shelf.published())), None)
    if row is None:
        raise not_found("latest")
    return Response(
        b"", status_code=302, media_type="text/plain",
        headers={**api_answers.OPEN, "Location": f"/editions/{row.identifier}.json", "Cache-Control": "no-cache"},
    )  # fmt: skip


public: list[Any] = [described, described_page, latest]
