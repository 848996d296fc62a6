"""The superior's review: its page, files, a report a unit, and the rule of points; of its own jurisdiction only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from evaluator import pages
from evaluator.language import gettext
from evaluator.problems import FieldProblem, forbidden, not_found
from evaluator.publication import (
    api_answers,
    exports,
    ranking,
    review,
    review_changes,
    review_files,
    review_lines,
    review_rule,
    review_rules,
    review_workbook,
    shelf,
    unit_view,
)
from evaluator.publication.editions import Edition
from evaluator.publication.review_lines import Review
from evaluator.publication.review_rules import InForce
from evaluator.publication.routes import TYPES, Web, page_number, shown
from evaluator.records.outstanding import outstanding
from evaluator.sent_forms import text_in

FORMATS = ("csv", "xlsx", "parquet", "json")
REVIEWERS = {"superior", "operator"}
BY_PROGRAMS = {"roles": REVIEWERS, "keys": True}  # also with a key, to read
PREVIEWED = 20  # units of the rule's preview
LONGEST_WHY = 500


def _today(request: Web) -> date:
    return datetime.now(request.app.state.settings.zone).date()


async def reviewed(request: Web) -> Edition | None:
    """The edition that is reviewed: the one asked for, else the latest; None before there is any."""
    if wanted := request.query_params.get("edition", ""):
        return await shelf.opened(request, wanted)
    latest = next(iter(shelf.current(await shelf.published())), None)
    return await shelf.opened(request, latest.identifier) if latest else None


def reviewed_codes(edition: Edition, root: str, level: str = "") -> tuple[str, ...]:
    """Rated units under `root` (all when blank), best tier first within each level."""
    under = set(edition.below(root)) if root else set(edition.units)
    levels = [level] if level else edition.levels
    return tuple(code for one in levels for code in edition.order.get(one, ()) if code in under)


async def changes_since(request: Web, edition: Edition) -> review_changes.Since | None:
    """What changed since the edition before, where there is one under the same scheme."""
    rows = [row for row in await shelf.published() if row.state != "withdrawn"]
    row = review_changes.earlier(edition, rows)
    if row is None:
        return None
    before = await shelf.opened_row(request.app.state.settings, row)
    folder = request.app.state.settings.data_dir / "changes"
    return await asyncio.to_thread(review_changes.since, folder, before, edition)


async def put_together(request: Web, edition: Edition, codes: Sequence[str], in_force: InForce | None = None) -> Review:
    """The review of some units by the account's rule, or by another one to look at."""
    account = request.scope["state"]["account"]
    return review_lines.build(
        edition, codes, in_force or await review_rules.in_force(account), await changes_since(request, edition),
        await outstanding(codes), _today(request),
    )  # fmt: skip


async def review_page(request: Web, root: str) -> Response[str]:
    edition = await reviewed(request)
    if edition is None:
        return pages.page(request, "publication/review_none.html")
    root = root or (tops[0] if len(tops := edition.children.get("", ())) == 1 else "")
    if root and root not in edition.units:
        raise not_found(root[:80])
    codes = reviewed_codes(edition, root)
    levels = [level for level in edition.levels if any(edition.units[code].level == level for code in codes)]
    level = request.query_params.get("level", "") or next(iter(levels), "")
    if level and level not in edition.scheme.levels:
        raise not_found(level)
    chosen = reviewed_codes(edition, root, level) if level else ()
    listing = ranking.listing(edition, chosen, page_number(request))
    if listing is None:
        raise not_found(request.query_params.get("page", ""))
    made = await put_together(request, edition, codes)
    here = [unit.code for unit, _rating in listing.rows]
    standings = await asyncio.to_thread(review.standings, edition, here, chosen)
    first = review_lines.look_first(made, chosen)
    return shown(
        request, edition, "review.html", root=edition.units.get(root), levels=levels, level=level, listing=listing,
        rows=tuple(zip(made.of(here), standings, strict=True)), named=review.listed,
        by_tiers=review.by_tiers(edition, chosen), editions=await shelf.published(), made=made,
        first=first[: review_lines.FIRST], first_more=max(len(first) - review_lines.FIRST, 0),
        reasons=review_lines.reasons, change_words=review_lines.change_words, why_none=review_rule.why_none,
        rule_lines=review_rule.said(made.in_force.rule, edition), rule_name=review_workbook.rule_name(made),
        wide=ranking.picture(edition, listing.rows, narrow=False),
        narrow=ranking.picture(edition, listing.rows, narrow=True),
    )  # fmt: skip


@get("/review", opt={"roles": REVIEWERS})
async def own_review(request: Web) -> Response[str]:
    """One's own subordinates; an operator without a unit sees those of the whole edition."""
    account = request.scope["state"]["account"]
    if account.unit is None and account.role != "operator":
        raise forbidden()
    return await review_page(request, account.unit or "")


@get("/review/{unit:str}", opt={"roles": REVIEWERS})
async def unit_review(request: Web, unit: FromPath[str]) -> Response[str]:
    """The subordinates of a unit within one's own subtree (checked where all staff routes are)."""
    return await review_page(request, unit)


@get("/review/{unit:str}/{name:str}", opt=BY_PROGRAMS)
async def review_file(request: Web, unit: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """The subordinates' ratings as ratings.csv, .xlsx, .parquet or .json, of one `level` or of all; and
    rectifications.csv or .json."""
    edition = await reviewed(request)
    what, _dot, suffix = name.partition(".")
    level = request.query_params.get("level", "")
    known = {"ratings": FORMATS, "rectifications": ("csv", "json")}
    if edition is None or suffix not in known.get(what, ()) or (level and level not in edition.order):
        raise not_found(name[:80])
    if unit not in edition.units:
        raise not_found(unit[:80])
    codes = reviewed_codes(edition, unit, level)
    made = await put_together(request, edition, codes)
    stem = "-".join(filter(None, (edition.identifier, unit, level, what if what != "ratings" else "")))
    if what == "rectifications":
        return waiting_data(request, made, codes, f".{suffix}", stem)
    return await asyncio.to_thread(review_data, request, made, codes, unit, f".{suffix}", stem)


def waiting_data(request: Web, made: Review, codes: Sequence[str], suffix: str, stem: str) -> Response[bytes]:
    """Records that wait for rectification, live."""
    rows = review_files.waiting(made, codes)
    if suffix == ".json":
        body = {"day": made.today.isoformat(), **exports.about(made.edition), "rectifications": rows}
        return pages.json_response(request, body, public=False)
    names = ("unit", "record", "class", "document_date", "state", "state_date", "overdue")
    table = [["yes" if row[name] is True else "no" if row[name] is False else row[name] for name in names]
             for row in rows]  # fmt: skip
    body_ = exports.csv_of(made.edition, names, table)
    return pages.data_response(request, body_, TYPES[suffix], file_name=f"{stem}.csv", public=False)


def review_data(
    request: Web, made: Review, codes: Sequence[str], root: str, suffix: str, stem: str
) -> Response[bytes]:  # fmt: skip
    """The review's rows: ratings, dimensions, who is really better or worse, changes, points."""
    compared = review_lines.compared(made.edition, codes)
    if suffix == ".xlsx":
        body = review_files.workbook(made, codes, compared, root)
        return pages.data_response(request, body, TYPES[suffix], file_name=f"{stem}.xlsx", public=False)
    columns = review_files.columns(made)
    if suffix == ".json":
        window = api_answers.window(request, len(codes))
        rows = review_files.rows(made, window.of(codes), compared)
        body_ = {**review_files.document(made, codes, compared), **window.about(),
                 "ratings": exports.objects(columns, rows)}  # fmt: skip
        return window.linked(pages.json_response(request, body_, public=False))
    rows = review_files.rows(made, codes, compared)
    body = (
        exports.csv_of(made.edition, columns, rows)
        if suffix == ".csv"
        else exports.parquet_of(made.edition, columns, rows)
    )
    return pages.data_response(request, body, TYPES[suffix], file_name=f"{stem}{suffix}", public=False)


@get("/review/{unit:str}/report", opt={"roles": REVIEWERS})
async def unit_report(request: Web, unit: FromPath[str]) -> Response[str]:
    """All that a review says of one unit, to print on A4."""
    edition = await reviewed(request)
    if edition is None or unit not in edition.ratings or unit not in edition.units:
        raise not_found(unit[:80])
    account = request.scope["state"]["account"]
    made = await put_together(request, edition, [unit])
    one = made.lines[unit]
    peers = reviewed_codes(edition, account.unit or "", one.unit.level)
    peers = peers if unit in peers else (unit,)
    [standing] = await asyncio.to_thread(review.standings, edition, [unit], peers)
    blocks = unit_view.blocks(edition, one.unit)
    moved = {change.node: change for change in (made.since.of.get(unit, ()) if made.since else ())}
    return shown(
        request, edition, "review_report.html", made=made, line=one, compared=standing, peers=len(peers),
        named=review.listed, by_tiers=review.by_tiers(edition, peers), blocks=blocks, moved=moved,
        above=edition.above(unit), reasons=review_lines.reasons(one), why_none=review_rule.why_none,
        change_words=review_lines.change_words, rule_lines=review_rule.said(made.in_force.rule, edition),
        rule_name=review_workbook.rule_name(made),
        state_words=review_workbook.state_words, wide=unit_view.profile(edition, blocks, narrow=False),
        narrow=unit_view.profile(edition, blocks, narrow=True),
    )  # fmt: skip


# The rule of points -----------------------------------------------------------------------------------------------


async def rule_page(
    request: Web, values: dict[str, Any], *, why: str = "", errors: Sequence[FieldProblem] = (),
    preview: Sequence[tuple[Any, Any]] = (), moved: int = -1, saved: bool = False,
) -> Response[str]:  # fmt: skip
    account = request.scope["state"]["account"]
    scope = review_rules.scope_of(account)
    return pages.page(
        request, "publication/review_rule.html", status=422 if errors else 200, values=values, why=why,
        errors=tuple(errors), error_of={one.pointer: one.detail for one in errors}, names=review_rule.names(),
        bases={name: review_rule.basis_words(name) for name in ("tier", "grade")},
        in_force=await review_rules.in_force(account), versions=await review_rules.versions(scope), scope=scope,
        preview=preview, moved=moved, saved=saved, why_none=review_rule.why_none,
    )  # fmt: skip


@get("/review/rule", opt={"roles": REVIEWERS})
async def rule_form(request: Web) -> Response[Any]:
    """The rule in force, in a form."""
    in_force = await review_rules.in_force(request.scope["state"]["account"])
    return await rule_page(request, as_values(in_force.rule), saved="saved" in request.query_params)


def as_values(rule: review_rule.Rule) -> dict[str, Any]:
    """The fields of the form."""
    numbers = {name: getattr(rule, name) for name in rule.__struct_fields__}
    return {name: f"{value:g}" if isinstance(value, float) else value for name, value in numbers.items()}


@post("/review/rule", opt={"roles": REVIEWERS})
async def send_rule(request: Web) -> Response[Any]:
    """Look at what another rule would give, or keep it as a new version."""
    sent = await request.form()
    values: dict[str, Any] = {name: text_in(sent, name, 20) for name in review_rule.Rule.__struct_fields__}
    why = text_in(sent, "why", LONGEST_WHY)
    rule, wrong = review_rule.from_form(values)
    errors = list(wrong)
    keeping = "preview" not in sent
    if keeping and not why:
        errors.append(FieldProblem("why", gettext("Say why the rule changes; it is kept with the version.")))
    if errors:
        return await rule_page(request, values, why=why, errors=errors)
    account = request.scope["state"]["account"]
    if keeping:
        await review_rules.keep_rule(request.app.state.settings, account, rule, why, _today(request))
        return pages.redirect("/staff/review/rule?saved=1")
    edition = await reviewed(request)
    if edition is None:
        return await rule_page(request, values, why=why)
    codes = reviewed_codes(edition, account.unit or "")
    now = await put_together(request, edition, codes)
    other = InForce(rule, review_rules.scope_of(account), 0, review_rule.digest(rule), None, "")
    then = await put_together(request, edition, codes, other)
    pairs = [(now.lines[code], then.lines[code]) for code in codes]
    moved = [(a, b) for a, b in pairs if a.points.total != b.points.total and (a.points.given or b.points.given)]
    given = [(a, b) for a, b in pairs if b.points.given]
    return await rule_page(request, values, why=why, preview=(moved or given)[:PREVIEWED], moved=len(moved))


staff: list[Any] = [own_review, rule_form, send_rule, unit_review, unit_report, review_file]
