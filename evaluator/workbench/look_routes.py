"""The pages on which a finished run is looked at."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.accounts.tables import Account
from evaluator.problems import Problem, not_found
from evaluator.publication import charts, shelf
from evaluator.publication import wording as figures
from evaluator.rating.defects import InputError
from evaluator.rating.nodes import tree
from evaluator.rating.tables import PublishedEdition
from evaluator.workbench import asking, comparing, looking, places, runs, scheme_text, schemes, what_if, wording
from evaluator.workbench.opened import Opened, open_run
from evaluator.workbench.tables import WorkbenchRun

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
HOME = "/staff/workbench"
LISTED = 60  # rows of a table on a page; more are counted
MATRIX = 16  # a table of correlations with more columns than this is left to the list of pairs
YAML_TYPE = "application/yaml"


def _(message: str) -> str:
    return message


def names_of(run: Opened) -> dict[str, str]:
    """Codes of units, nodes, indicators and levels in the language of the request."""
    found = {code: language.said(label) for code, label in run.names.items()}
    for one in (*run.scheme.dimensions, *run.scheme.nodes, *run.scheme.indicators):
        found[one.code] = language.said(one.name)
    return found


async def opened(request: Staff, row: WorkbenchRun) -> Opened:
    """A finished rating, opened; 409 when it is not finished or its folder is gone."""
    if row.kind != "rating" or row.state != "done":
        raise Problem(409, _("There is nothing to look at yet"), _("Only a finished rating has figures."))
    return await _open(places.run_folder(request.app.state.settings, row.id), row.digest)


async def _open(folder: Path, digest: str) -> Opened:
    try:
        return await asyncio.to_thread(open_run, folder, digest)
    except (InputError, OSError, ValueError) as error:
        raise Problem(
            409, _("This result cannot be read"), _("Its folder was changed or taken away: %(why)s"),
            why=str(error)[:300],
        ) from None  # fmt: skip


async def run_page(request: Staff, row: WorkbenchRun) -> Response[Any]:
    """How far a run is, or what came of it."""
    offered = {one.sha256: one for one in await schemes.offered()}
    account = await Account.objects().get(Account.id == row.asked_by) if row.asked_by else None
    edition = None
    if row.kind == "publication" and row.state == "done":
        edition = await PublishedEdition.objects().get(PublishedEdition.identifier == row.edition)
    context: dict[str, Any] = {}
    if row.kind == "rating" and row.state == "done":
        run = await opened(request, row)
        counts = looking.counts(run)
        context = {
            "opened": run, "counts": counts, "states": list(dict.fromkeys(s for one in counts.values() for s in one)),
            "grades": {level: looking.grades(run, run.members(level)) for level in run.levels},
        }  # fmt: skip
    return pages.page(
        request, "workbench/run.html", run=row, scheme=offered.get(row.scheme),
        account_name=account.name if account else "",
        words=wording, figures=figures, zone=request.app.state.settings.zone, edition=edition,
        taken=await asking.taken(row.id) if row.kind == "rating" else None, tab="", **context,
    )  # fmt: skip


def chosen_level(request: Staff, run: Opened) -> str:
    level = request.query_params.get("level", "") or _largest(run)
    if level not in run.levels:
        raise not_found(level[:40])
    return level


def _largest(run: Opened) -> str:
    """The level to begin with: the one with the most graded units, so that something is to be seen."""
    return max(run.levels, key=lambda level: (int(run.ok[run.members(level)].sum()), run.members(level).size))


async def look(request: Staff, identifier: str, tab: str, of: Callable[[Opened, str], dict[str, Any]]) -> Response[Any]:
    """One of the pages: the run's frame, a level, and what is looked at."""
    row = await runs.find(identifier)
    run = await opened(request, row)
    level = chosen_level(request, run)
    context = await asyncio.to_thread(of, run, level)
    return framed(request, row, run, tab, level=level, **context)


def framed(request: Staff, row: WorkbenchRun, run: Opened, tab: str, **context: Any) -> Response[Any]:
    return pages.page(
        request, f"workbench/{tab.replace('-', '_')}.html", run=row, opened=run, tab=tab,
        words=wording, figures=figures,
        names=names_of(run), simulated=run.note.simulated, listed=LISTED, isnan=math.isnan,
        stamp=run.note.data_status or "", **context,
    )  # fmt: skip


@get("/workbench/runs/{run:str}/coverage", opt=OPERATOR)
async def coverage(request: Staff, run: FromPath[str]) -> Response[Any]:
    """What is there and what is missing, and which units lack evidence."""

    def of(run: Opened, level: str) -> dict[str, Any]:
        dimensions, indicators = looking.coverage(run, level)
        return {
            "dimensions": dimensions, "indicators": indicators, "lacking": looking.lacking(run, level),
            "states": looking.SHOWN_STATES,
        }  # fmt: skip

    return await look(request, run, "coverage", of)


@get("/workbench/runs/{run:str}/outliers", opt=OPERATOR)
async def outliers(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Numbers that stand far from the others of their level."""
    return await look(request, run, "outliers", lambda run, level: {"rows": looking.standing_apart(run, level)})


@get("/workbench/runs/{run:str}/correlations", opt=OPERATOR)
async def correlations(request: Staff, run: FromPath[str]) -> Response[Any]:
    """What goes with what."""

    def of(run: Opened, level: str) -> dict[str, Any]:
        groups, codes, spearman, pearson = looking.correlations(run, level)
        return {"groups": groups, "codes": codes, "spearman": spearman, "pearson": pearson, "matrix": MATRIX}

    return await look(request, run, "correlations", of)


@get("/workbench/runs/{run:str}/weights", opt=OPERATOR)
async def weights(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Weights as they are written and as they work."""
    row = await runs.find(run)
    found = await opened(request, row)
    level = chosen_level(request, found)
    dimensions, indicators = await asyncio.to_thread(looking.counting, found, level)
    names = names_of(found)
    narrow, wide = (_weights_picture(dimensions, names, narrow) for narrow in (True, False))
    return framed(
        request, row, found, "weights", level=level, dimensions=dimensions, indicators=indicators,
        narrow=narrow, wide=wide,
    )  # fmt: skip


def _weights_picture(rows: Sequence[looking.Counting], names: dict[str, str], narrow: bool) -> charts.Chart | None:
    """A dot for what a weight comes to, a mark for what it says."""
    told = [one for one in rows if not math.isnan(one.effective)]
    if not told:
        return None
    marks = [
        charts.Row(
            name=names[one.code], value=100 * one.effective, low=0.0, high=100 * one.effective,
            text=figures.percent(one.effective),
            title=f"{names[one.code]}: {figures.percent(one.effective)} ({figures.percent(one.nominal)})",
            reference=100 * one.nominal,
        )
        for one in told
    ]  # fmt: skip
    return charts.dots(marks, narrow=narrow, scale=(0.0, 100.0))


@get("/workbench/runs/{run:str}/sensitivity", opt=OPERATOR)
async def sensitivity(request: Staff, run: FromPath[str]) -> Response[Any]:
    """What other choices would change."""
    row = await runs.find(run)
    found = await opened(request, row)
    rows = looking.alternatives(found)
    names = names_of(found)
    kept = [one for one in rows if "share_keeping_grade" in one.values or "mean_absolute_change" in one.values]
    statistics = list(dict.fromkeys(name for one in kept for name in one.values if not name.startswith("sobol")))
    sobol = [one for one in rows if "sobol_total" in one.values]
    shown = sorted(kept, key=lambda one: -one.values["mean_absolute_change"][0])
    pictures = [_changes_picture(shown[:20], names, narrow) for narrow in (True, False)]
    return framed(
        request, row, found, "sensitivity", rows=shown, statistics=statistics, sobol=sobol, narrow=pictures[0],
        wide=pictures[1],
    )  # fmt: skip


def _changes_picture(rows: Sequence[looking.Alternative], names: dict[str, str], narrow: bool) -> charts.Chart | None:
    marks = []
    for one in rows:
        name, (value, low, high) = wording.left_out(one.choice, names), one.values["mean_absolute_change"]
        text = pages.shown(value, 2)
        marks.append(charts.Row(name=name, value=value, low=low, high=high, text=text, title=f"{name}: {text}"))
    return charts.dots(marks, narrow=narrow) if marks else None


# --- against another result


@get("/workbench/runs/{run:str}/movers", opt=OPERATOR)
async def movers(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Who moved most against a published edition."""
    row = await runs.find(run)
    found = await opened(request, row)
    rows = shelf.current(await shelf.published())
    wanted = request.query_params.get("with", "")
    against = next((one for one in rows if one.identifier == wanted), None) if wanted else next(iter(rows), None)
    if wanted and against is None:
        raise not_found(wanted[:64])
    compared = None
    if against is not None:
        before = await _open(shelf.folder_of(request.app.state.settings, against.identifier), against.sums_sha256)
        compared = await asyncio.to_thread(comparing.compare, before, found)
    return framed(request, row, found, "movers", against=against, editions=rows, compared=compared)


@get("/workbench/compare", opt=OPERATOR)
async def compare(request: Staff) -> Response[Any]:
    """Two finished runs side by side."""
    first, second = [await runs.find(request.query_params.get(name, "")) for name in ("a", "b")]
    before, after = await opened(request, first), await opened(request, second)
    compared = await asyncio.to_thread(comparing.compare, before, after)
    return pages.page(
        request, "workbench/compare.html", first=first, second=second, before=before, after=after, compared=compared,
        figures=figures, names=names_of(before) | names_of(after), listed=LISTED, isnan=math.isnan,
        simulated=before.note.simulated or after.note.simulated,
    )  # fmt: skip


# --- what if


def _asked(request: Staff) -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.query_params.multi_items() if name[:2] in ("i:", "d:")]


@get("/workbench/runs/{run:str}/what-if", opt=OPERATOR)
async def look_ahead(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Who would move under other weights. The address holds what was changed, so that it can be sent to a colleague."""
    row = await runs.find(run)
    found = await opened(request, row)
    level, asked = chosen_level(request, found), _asked(request)
    changes, wrong = what_if.read_changes(found.scheme, asked)
    query = {"level": level, **{field: f"{value:g}" for field, value in changes.items()}}
    if not wrong and len(asked) > len(changes):  # a form sends all its fields: keep what was changed
        return pages.redirect(f"{HOME}/runs/{row.id}/what-if?{urlencode(query)}")
    levels = await asyncio.to_thread(what_if.look_ahead, found, changes) if changes and not wrong else ()
    given = dict(asked) if wrong else {}
    all_weights = {one.field: one for one in what_if.weights(found.scheme)}
    return framed(
        request, row, found, "what-if", level=level, changes=changes, errors=wrong,
        error_of={one.pointer: one.detail for one in wrong}, levels=levels, weights=all_weights, given=given,
        branches=tree(found.scheme), shown_level=next((one for one in levels if one.level == level), None),
        query=urlencode({field: f"{value:g}" for field, value in changes.items()}),
        new_version=f"{found.scheme.version}-1", most_moved=what_if.MOVED, bands=found.scheme.grades.bands,
    )  # fmt: skip


@get("/workbench/runs/{run:str}/what-if/scheme.yaml", opt=OPERATOR)
async def save_scheme(request: Staff, run: FromPath[str]) -> Response[Any]:
    """The run's scheme with other weights and a new version, as a file."""
    row = await runs.find(run)
    found = await opened(request, row)
    changes, wrong = what_if.read_changes(found.scheme, _asked(request))
    if wrong or not changes:
        raise Problem(422, _("No weight was changed"), _("Change a weight first; then the scheme can be saved."))
    version = request.query_params.get("version", "").strip()
    text = (found.folder / "scheme.yaml").read_bytes().decode("utf-8-sig")
    saved = await asyncio.to_thread(scheme_text.with_weights, text, found.scheme, changes, version)
    name = f"{found.scheme.code}-{version}.yaml".replace(" ", "-").replace("/", "-")
    safe = name if name.isascii() else "scheme.yaml"
    return pages.data_response(request, saved.encode(), YAML_TYPE, file_name=safe, public=False)


staff: list[Any] = [
    coverage, outliers, correlations, weights, sensitivity, movers, compare, look_ahead, save_scheme,
]  # fmt: skip
