"""What an edition changed, for everybody; and the proof that it was logged as published."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator.problems import Problem, not_found
from evaluator.publication import api_answers, edition_changes, exports, review_changes, shelf
from evaluator.publication.audit_proof import proof_response
from evaluator.publication.editions import Edition
from evaluator.publication.ranking import PAGE
from evaluator.publication.routes import page_number, shown
from evaluator.rating.scheme_diff import rates_alike
from evaluator.rating.tables import PublishedEdition

Web = Request[Any, Any, Any]


def _(message: str) -> str:
    return message


async def _compared_with(request: Web, edition: Edition) -> Edition:
    """The edition asked for by `since`, else the one that this replaces, else the one before; Problem 404 if none."""
    rows = await shelf.published()
    if wanted := request.query_params.get("since", ""):
        row = next((row for row in rows if row.identifier == wanted != edition.identifier), None)
        if row is None:
            raise Problem(
                404, _("There is nothing to compare with"),
                _("“%(since)s” is no other published edition. Leave “since” out, or take one of the list of editions."),
                since=wanted[:80],
            )  # fmt: skip
    else:
        row = review_changes.compared_with(edition, rows)
        if row is None:
            raise Problem(
                404, _("There is nothing to compare with"),
                _("This edition replaces none, and none was published here for an earlier period."),
            )  # fmt: skip
    if row.files_removed:
        raise Problem(
            404, _("There is nothing to compare with"),
            _("The files of %(since)s were removed when it was withdrawn, so nothing can be compared with it."),
            since=row.identifier,
        )  # fmt: skip
    return await shelf.opened_row(request.app.state.settings, row)


async def _lines(
    request: Web, before: Edition, after: Edition
) -> tuple[review_changes.Since | None, tuple[edition_changes.Line, ...]]:
    folder = request.app.state.settings.data_dir / "changes"
    since = await asyncio.to_thread(review_changes.since, folder, before, after)
    return since, await asyncio.to_thread(edition_changes.lines, before, after, since)


def _wanted(request: Web, before: Edition, after: Edition) -> tuple[str, str]:
    """Level and kind of change asked for; what there is not is not found."""
    level, only = request.query_params.get("level", ""), request.query_params.get("only", "")
    if level and level not in edition_changes.levels(before, after):
        raise not_found(level[:80])
    if only and only not in edition_changes.SHOWN:
        raise not_found(only[:80])
    return level, only


@get("/editions/{edition_id:str}/changes")
async def changes(request: Web, edition_id: FromPath[str]) -> Response[Any]:
    """What changed, unit by unit, a page at a time."""
    edition = await shelf.opened(request, edition_id)
    before = await _compared_with(request, edition)
    level, only = _wanted(request, before, edition)
    since, made = await _lines(request, before, edition)
    here = edition_changes.chosen(made, level, only)
    number, last = page_number(request), max(1, -(-len(here) // PAGE))
    if not 1 <= number <= last:
        raise not_found(request.query_params.get("page", "")[:80])
    return await asyncio.to_thread(
        shown, request, edition, "changes.html", before=before, since=since, level=level, only=only, total=len(here),
        lines=here[(number - 1) * PAGE : number * PAGE], number=number, last=last, first=(number - 1) * PAGE + 1,
        summaries=edition_changes.summaries(made), levels=edition_changes.levels(before, edition),
        kinds=edition_changes.SHOWN, only_words=edition_changes.only_words, why_words=edition_changes.why_words,
        scheme_lines=edition_changes.scheme_words(before, edition),
        alike=rates_alike(before.scheme, edition.scheme), asked=request.query_params.get("since", ""),
        revises=edition.note.supersedes == before.identifier,
    )  # fmt: skip


async def _data(request: Web, edition_id: str, suffix: str) -> Response[bytes]:
    edition = await shelf.opened(request, edition_id)
    before = await _compared_with(request, edition)
    level, only = _wanted(request, before, edition)
    since, made = await _lines(request, before, edition)
    here = edition_changes.chosen(made, level, only)
    window = api_answers.window(request, len(here))

    def body() -> bytes:
        found = edition_changes.rows(window.of(here))
        if suffix == ".csv":
            return exports.csv_of(edition, edition_changes.COLUMNS, found)
        revises = edition.note.supersedes == before.identifier
        document = {
            **exports.about(edition), "compared_with": before.identifier, "replaces_it": revises,
            "why": (edition.note.why or "") if revises else "",
            "scheme_changes": edition_changes.scheme_words(before, edition),
            "false_discovery_rate": since.rate if since else None,
            "levels": edition_changes.summaries(made), **window.about(),
            "changes": exports.objects(edition_changes.COLUMNS, found),
        }  # fmt: skip
        return msgspec.json.encode(document)

    name = f"{edition.identifier}-changes{suffix}"
    return api_answers.answer(
        request, f"{before.sums} {edition.sums}", suffix, body, name=name, links=window.links()
    )  # fmt: skip


@get("/editions/{edition_id:str}/changes.json")
async def changes_json(request: Web, edition_id: FromPath[str]) -> Response[bytes]:
    """The same for programs."""
    return await _data(request, edition_id, ".json")


@get("/editions/{edition_id:str}/changes.csv")
async def changes_csv(request: Web, edition_id: FromPath[str]) -> Response[bytes]:
    """The same for spreadsheets."""
    return await _data(request, edition_id, ".csv")


@get("/editions/{edition_id:str}/proof")
async def proof(request: Web, edition_id: FromPath[str]) -> Response[str]:
    """That the edition was logged as published, as `evaluator verify` takes it; also of a withdrawn one."""
    row = await PublishedEdition.objects().get(PublishedEdition.identifier == edition_id)
    if row is None or row.state in shelf.NOT_PUBLIC:
        raise not_found(edition_id[:80])
    if not row.leaf:
        raise Problem(
            404, _("There is no proof of this edition"),
            _("It was brought in without an entry in the audit log, so its publication cannot be proved."),
        )  # fmt: skip
    return await proof_response(request.app.state.settings, row.leaf, row.identifier)


public: list[Any] = [changes, changes_json, changes_csv, proof]
