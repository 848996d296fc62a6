"""What an edition tells programs: the same as its pages, as tables and documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request, Response

from evaluator import language
from evaluator.publication import api_answers, exports
from evaluator.publication.editions import Edition, Score, Unit, listed
from evaluator.publication.registered import Standing
from evaluator.rating.doors import EDITION
from evaluator.rating.edition import read_note
from evaluator.rating.scheme import Label
from evaluator.rating.tables import PublishedEdition

Web = Request[Any, Any, Any]


def ratings(request: Web, edition: Edition, codes: Sequence[str], suffix: str, level: str) -> Response[bytes]:
    """Ratings of some units, a row each."""
    return api_answers.table(
        request, edition, suffix, exports.rating_columns(edition), codes,
        lambda some: exports.rating_rows(edition, some), name=f"{edition.identifier}-{level}",
        title=language.said(edition.note.title),
    )  # fmt: skip


def unit(request: Web, edition: Edition, code: str, suffix: str) -> Response[bytes]:
    """All that an edition tells of a unit as a document; as a table its scores, a row a node."""
    if suffix == ".json":
        return api_answers.document(request, edition.sums, lambda: exports.unit_document(edition, code))
    kinds = {column.name: column.kind for column in EDITION["scores"].columns}
    columns = {name: kinds.get(name, "text") for name in exports.SCORE_COLUMNS}
    return api_answers.table(
        request, edition, suffix, columns, [code], lambda some: exports.score_rows(edition, some), key="scores",
        name=f"{edition.identifier}-{code}", title=language.said(edition.units[code].name),
    )  # fmt: skip


def node(
    request: Web, edition: Edition, code: str, name: Label, rows: Sequence[tuple[Unit, Score]], suffix: str
) -> Response[bytes]:
    """The score of an indicator or a dimension, a row a unit."""
    fields = [name for name in Score.__struct_fields__ if name not in ("unit", "node")]
    kinds = {column.name: column.kind for column in EDITION["scores"].columns}
    columns = {"unit": "code", "name_zh": "text", "name_en": "text", "level": "code"}
    columns |= {name: kinds[name] for name in fields}
    scores = {unit.code: score for unit, score in rows}

    def made(some: Sequence[str]) -> Iterable[list[object]]:
        for unit in map(edition.units.__getitem__, some):
            values = (getattr(scores[unit.code], field) for field in fields)
            yield [unit.code, unit.name.zh, unit.name.en, unit.level, *values]

    return api_answers.table(
        request, edition, suffix, columns, list(scores), made, key="scores", name=f"{edition.identifier}-{code}",
        title=language.said(name),
    )  # fmt: skip


def overview(request: Web, edition: Edition, row: PublishedEdition, registration: Standing) -> Response[bytes]:
    """What an edition is, how many units it has at each level, whether its scheme was registered, and which files."""

    def value() -> dict[str, Any]:
        return {
            **exports.about(edition),
            "state": row.state,
            "registration": registration.about(),
            "units": {level: len(edition.order[level]) for level in edition.levels},
            "files": sorted(listed(edition.folder)),
            "sha256sums": edition.sums,
        }

    return api_answers.document(request, f"{edition.sums} {row.state} {registration.about()!r}", value)


def editions(request: Web, rows: Sequence[PublishedEdition], registrations: Mapping[str, Standing]) -> Response[bytes]:
    """All editions that the public may see, the latest first, each with its scheme, its registration and state."""
    registered = {name: standing.about() for name, standing in registrations.items()}
    names = (
        "identifier", "title_zh", "title_en", "period_from", "period_to", "published_on", "supersedes", "simulated",
        "state",
    )  # fmt: skip
    folder = request.app.state.settings.data_dir / "editions"

    def value() -> dict[str, Any]:
        found = []
        for row in rows:
            scheme = None
            if not row.files_removed and (folder / row.identifier / "edition.json").is_file():
                scheme = msgspec.to_builtins(read_note(folder / row.identifier).scheme)
            about = {"scheme": scheme, "registration": registered.get(row.identifier)}
            found.append({**{name: getattr(row, name) for name in names}, **about})
        return {"editions": found}

    what = repr([(row.identifier, row.state, row.sums_sha256) for row in rows]) + repr(registered)
    return api_answers.document(request, what, value)
