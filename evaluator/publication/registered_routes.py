"""Registered schemes for everybody: which there are and since when, the file, the proof, and what was rated by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import pages
from evaluator.problems import not_found
from evaluator.publication import api_answers, registered, registered_wording, rendered, shelf
from evaluator.publication.audit_proof import proof_response
from evaluator.publication.registered import Standing
from evaluator.rating.registering import Registration, registrations
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

Web = Request[Any, Any, Any]
SHA256 = re.compile(r"[0-9a-f]{64}")
YAML = "application/yaml; charset=utf-8"
COLUMNS = ("sha256", "code", "version", "title_zh", "title_en", "registered_on", "log_position", "why", "editions")
Used = Mapping[str, list[tuple[PublishedEdition, Standing]]]  # by the scheme's SHA-256


def _(message: str) -> str:
    return message


async def _used(settings: Settings) -> Used:
    """The published editions by a registered scheme."""
    rows = await shelf.published()
    found: dict[str, list[tuple[PublishedEdition, Standing]]] = {}
    for row in rows:
        standing = (await registered.standings(settings, [row])).get(row.identifier)
        if standing and standing.found:
            found.setdefault(standing.found.row.sha256, []).append((row, standing))
    return found


def _object(one: Registration, used: Used) -> dict[str, Any]:
    row = one.row
    return {
        "sha256": row.sha256, "code": row.code, "version": row.version, "title_zh": row.title_zh,
        "title_en": row.title_en, "registered_on": row.registered_on, "log_position": one.position, "why": one.why,
        "editions": [
            {"edition": edition.identifier, **standing.about()} for edition, standing in used.get(row.sha256, ())
        ],
    }  # fmt: skip


async def _found(digest: str) -> Registration:
    """The scheme at an address; Problem 404 where none is registered."""
    found = await registrations(digest) if SHA256.fullmatch(digest) else []
    if not found:
        raise not_found(digest[:64])
    return found[0]


def _is_simulated(used: Used) -> bool:
    rows = [row for editions in used.values() for row, _standing in editions]
    return bool(rows) and all(row.simulated for row in rows)


@get("/schemes")
async def scheme_list(request: Web) -> Response[str]:
    """All registered schemes, the latest first."""
    used = await _used(request.app.state.settings)
    rendered.keep(request)
    return pages.page(
        request, "publication/registered_list.html", schemes=await registrations(), used=used,
        words=registered_wording, simulated=_is_simulated(used),
    )  # fmt: skip


async def _list_data(request: Web, suffix: str) -> Response[bytes]:
    used = await _used(request.app.state.settings)
    rows = [_object(one, used) for one in await registrations()]

    def body() -> bytes:
        if suffix == ".json":
            return msgspec.json.encode({"schemes": rows})
        cells = [{**row, "editions": " ".join(one["edition"] for one in row["editions"])} for row in rows]
        return pages.csv_bytes(list(COLUMNS), [[row[name] for name in COLUMNS] for row in cells])

    return api_answers.answer(request, repr(rows), suffix, body, name=f"schemes{suffix}")


@get("/schemes.json")
async def scheme_list_json(request: Web) -> Response[bytes]:
    """The same for programs."""
    return await _list_data(request, ".json")


@get("/schemes.csv")
async def scheme_list_csv(request: Web) -> Response[bytes]:
    """The same for spreadsheets."""
    return await _list_data(request, ".csv")


@get("/schemes/{digest:str}")
async def scheme_page(request: Web, digest: FromPath[str]) -> Response[Any]:
    """A registered scheme: when, why, the file, how to check it, what was rated by it; also as .json."""
    name, suffix = api_answers.split(digest)
    if suffix not in ("", ".json"):
        raise not_found(digest[:80])
    found, used = await _found(name), await _used(request.app.state.settings)
    if suffix:
        value = _object(found, used)
        return api_answers.document(request, repr(value), lambda: value)
    rendered.keep(request)
    editions = used.get(found.row.sha256, ())
    others = [one for one in await registrations() if one.row.code == found.row.code and one.row.sha256 != name]
    return pages.page(
        request, "publication/registered_scheme.html", found=found, row=found.row, editions=editions, others=others,
        words=registered_wording, simulated=bool(editions) and all(row.simulated for row, _standing in editions),
    )  # fmt: skip


@get("/schemes/{digest:str}/scheme.yaml")
async def scheme_file(request: Web, digest: FromPath[str]) -> Response[bytes]:
    """The file, byte for byte."""
    found = await _found(digest)
    name = Path(f"{found.row.code}-{found.row.version}").name
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return pages.data_response(request, found.row.content.encode(), YAML, file_name=f"{safe}.yaml")


@get("/schemes/{digest:str}/proof")
async def scheme_proof(request: Web, digest: FromPath[str]) -> Response[str]:
    """That it was registered, as `evaluator scheme registered` takes it."""
    found = await _found(digest)
    return await proof_response(request.app.state.settings, found.row.leaf, found.row.sha256[:12])


public: list[Any] = [scheme_list, scheme_list_json, scheme_list_csv, scheme_page, scheme_file, scheme_proof]
