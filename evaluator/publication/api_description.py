"""The description of the addresses for programs, OpenAPI 3.1: written from the doors' own columns, with examples.

Handlers answer pages and four formats at one address, which a generator over them cannot tell; so it is made here, and
tests hold it against what the site answers.
"""

from __future__ import annotations

from typing import Any

from evaluator.publication.api_answers import MOST, TYPES
from evaluator.publication.edition_changes import COLUMNS, SHOWN
from evaluator.publication.registered import STATUSES
from evaluator.publication.review_lines import EXTRA
from evaluator.publication.review_rule import SHIPPED, Rule
from evaluator.rating.doors import EDITION, Column

FORMS = {".json": "JSON", ".csv": "CSV", ".xlsx": "XLSX", ".parquet": "Parquet"}
JSON_TYPES = {"number": "number", "whole": "integer"}
EXAMPLE = "sd-integrity-2026-9d21e1241022f466"


def _field(column: Column) -> dict[str, Any]:
    kind = JSON_TYPES.get(column.kind, "string")
    return {"type": kind if column.required else [kind, "null"], "description": column.about}


def _row(table: str, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    columns = [column for column in EDITION[table].columns if column.name not in without]
    return {"type": "object", "properties": {column.name: _field(column) for column in columns}}


def _schemas() -> dict[str, Any]:
    about = {
        "edition": {"type": "string"},
        "title": {"type": "object", "properties": {"zh": {"type": "string"}, "en": {"type": "string"}}},
        "period": {"type": ["array", "null"], "items": {"type": "string", "format": "date"}},
        "scheme": {"type": "object", "properties": {"code": {"type": "string"}, "version": {"type": "string"}}},
        "licence": {"type": "string"},
        "simulated": {"type": "boolean", "description": "the data are invented"},
    }
    window = {name: {"type": "integer", "minimum": 0} for name in ("total", "offset", "limit")}
    changed = {name: {"type": [JSON_TYPES.get(kind, "string"), "null"]} for name, kind in COLUMNS.items()}
    review = {name: {"type": [JSON_TYPES.get(kind, "string"), "null"]} for name, kind in EXTRA.items()}
    return {
        "About": {"type": "object", "properties": about, "required": ["edition", "scheme", "simulated"]},
        "Rating": {
            **_row("ratings"),
            "description": "a unit's rating; beside it name_zh, name_en, parent, and CODE_score, CODE_lower and "
            "CODE_upper of each dimension of the scheme",
            "required": ["unit", "level", "state"],
        },
        "Score": {**_row("scores"), "required": ["node", "state"]},
        "Ratings": {
            "allOf": [{"$ref": "#/components/schemas/About"}],
            "type": "object",
            "properties": {**window, "ratings": {"type": "array", "items": {"$ref": "#/components/schemas/Rating"}}},
            "required": ["total", "offset", "limit", "ratings"],
        },
        "Scores": {
            "allOf": [{"$ref": "#/components/schemas/About"}],
            "type": "object",
            "properties": {
                **window,
                "scores": {"type": "array", "items": {**_row("scores", without=("node",)), "required": ["unit"]}},
            },
            "required": ["total", "offset", "limit", "scores"],
        },
        "Unit": {
            "allOf": [{"$ref": "#/components/schemas/About"}],
            "type": "object",
            "properties": {
                "unit": {"type": "object", "properties": {"code": {"type": "string"}, "level": {"type": "string"}}},
                "rating": {"oneOf": [_row("ratings", without=("unit",)), {"type": "null"}]},
                "scores": {"type": "array", "items": {"$ref": "#/components/schemas/Score"}},
                **{name: {"type": "array", "items": _row(name, without=("unit",))}
                   for name in ("inputs", "groups", "distributions", "sensitivity")},
            },
            "required": ["unit", "scores"],
        },
        "Editions": {
            "type": "object",
            "properties": {
                "editions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "identifier": {"type": "string"},
                            "state": {"type": "string", "enum": ["published", "superseded", "withdrawn"]},
                            "period_from": {"type": "string", "format": "date"},
                            "period_to": {"type": "string", "format": "date"},
                            "supersedes": {"type": "string", "description": "identifier, or blank"},
                            "scheme": {"type": ["object", "null"], "description": "code, version and SHA-256"},
                        },
                        "required": ["identifier", "state"],
                    },
                }
            },
            "required": ["editions"],
        },
        "Changes": {
            "allOf": [{"$ref": "#/components/schemas/About"}],
            "type": "object",
            "properties": {
                "compared_with": {"type": "string", "description": "identifier of the edition before"},
                "replaces_it": {"type": "boolean", "description": "this is a revision of that edition"},
                "why": {"type": "string", "description": "the reason of a revision, else blank"},
                "scheme_changes": {"type": "array", "items": {"type": "string"},
                                   "description": "what the scheme does otherwise; none where it is the same"},
                "false_discovery_rate": {"type": ["number", "null"],
                                         "description": "expected share of noise among changes called real"},
                "levels": {"type": "array", "items": {"type": "object"}},
                **window,
                "changes": {"type": "array", "items": {"type": "object", "properties": changed}},
            },
            "required": ["compared_with", "replaces_it", "scheme_changes", "total", "changes"],
        },
        "Schemes": {
            "type": "object",
            "properties": {"schemes": {"type": "array", "items": {"type": "object", "properties": {
                "sha256": {"type": "string", "description": "of the file's bytes"},
                "code": {"type": "string"}, "version": {"type": "string"},
                "registered_on": {"type": "string", "format": "date"},
                "log_position": {"type": "integer", "description": "of the entry in the audit log, from 0"},
                "why": {"type": "string"},
                "editions": {"type": "array", "items": {"type": "object", "properties": {
                    "edition": {"type": "string"},
                    "status": {"type": "string", "enum": list(STATUSES)},
                    "shown_by_the_order_of_the_logs": {"type": "boolean"},
                }, "required": ["edition", "status"]}},
            }, "required": ["sha256", "code", "version", "registered_on", "log_position", "editions"]}}},
            "required": ["schemes"],
        },
        "Rule": {
            "type": "object",
            "description": "the rule of points of the review",
            "properties": {
                name: {"type": "string" if name == "basis" else "number", "default": getattr(SHIPPED, name)}
                for name in Rule.__struct_fields__
            },
        },
        "Review": {
            "allOf": [{"$ref": "#/components/schemas/Ratings"}],
            "type": "object",
            "properties": {
                "day": {"type": "string", "format": "date"},
                "compared_with": {"type": ["string", "null"], "description": "the edition of the period before"},
                "rule": {"$ref": "#/components/schemas/Rule"},
                "look_first": {"type": "array", "items": {"type": "object"}},
                "ratings": {"type": "array", "items": {"type": "object", "properties": review}},
            },
            "required": ["day", "rule", "look_first", "ratings"],
        },
        "Rectifications": {
            "type": "object",
            "properties": {"rectifications": {"type": "array", "items": {"type": "object", "properties": {
                "unit": {"type": "string"}, "record": {"type": "string"}, "class": {"type": "string"},
                "state": {"type": "string", "enum": ["final", "contested"]}, "overdue": {"type": "boolean"},
            }}}},
            "required": ["rectifications"],
        },
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "properties": {
                "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                "detail": {"type": "string"}, "instance": {"type": "string"}, "errors": {"type": "array"},
            },
            "required": ["title", "status"],
        },
    }  # fmt: skip


def _path(name: str, about: str, example: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"},
            "example": example}  # fmt: skip


def _query(name: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": schema}


EDITION_ID = _path("edition", "identifier of an edition; it never means another one", EXAMPLE)
WINDOW = (
    _query("limit", "rows of the answer", {"type": "integer", "minimum": 1, "maximum": MOST, "default": MOST}),
    _query("offset", "rows before the first", {"type": "integer", "minimum": 0, "default": 0}),
)
FORM = {
    "name": "form", "in": "path", "required": True, "description": "the format",
    "schema": {"type": "string", "enum": [suffix.removeprefix(".") for suffix in TYPES]}, "example": "json",
}  # fmt: skip
JSON_OR_CSV = {**FORM, "schema": {"type": "string", "enum": ["json", "csv"]}}
BOM = _query("bom", "1: CSV begins with a byte order mark, for Excel", {"type": "string", "enum": ["1"]})
LEVEL = _query("level", "of this level of the scheme only", {"type": "string"})
OF_EDITION = _query("edition", "identifier; the latest where it is left out", {"type": "string"})


def _answers(schema: str, example: object, forms: tuple[str, ...], *, key: bool = False) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for suffix in forms:
        kind = TYPES[suffix].partition(";")[0]
        content[kind] = (
            {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example} if suffix == ".json" else {}
        )
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    link = {"Link": {"description": "first, prev, next, last (RFC 8288)", "schema": {"type": "string"}}}
    tag = {"ETag": {"description": "strong", "schema": {"type": "string"}}}
    found: dict[str, Any] = {
        "200": {"description": "as asked for", "headers": {**link, **tag}, "content": content},
        "400": {"description": "limit or offset is no number that can be", "content": problem},
        "404": {"description": "there is none", "content": problem},
    }
    if key:
        found |= {
            "401": {"description": "no key, or one that opens nothing", "content": problem},
            "403": {"description": "outside the jurisdiction of the key", "content": problem},
            "429": {"description": "too many requests; Retry-After says how long to wait", "content": problem},
        }
    else:
        found["304"] = {"description": "the asker has it: If-None-Match named its ETag"}
    return dict(sorted(found.items()))


ABOUT = {
    "edition": EXAMPLE, "title": {"zh": "", "en": "Integrity rating 2026"}, "period": ["2026-01-01", "2026-12-31"],
    "scheme": {"code": "sd-integrity", "version": "2026.2"}, "licence": "CC-BY-4.0", "simulated": True,
}  # fmt: skip
RATING = {
    "unit": "9001", "level": "C", "state": "ok", "index": 76.49782, "lower": 72.38, "upper": 80.41, "rank_lower": 1,
    "rank_upper": 8, "tier": 2, "grade": "B", "grade_probability": 0.9971,
}  # fmt: skip
RATINGS = {**ABOUT, "total": 16, "offset": 4, "limit": 1, "ratings": [RATING]}
UNIT = {
    **ABOUT, "unit": {"code": "9001", "level": "C"}, "rating": {k: v for k, v in RATING.items() if k != "unit"},
    "scores": [{"node": "index", "score": 76.49782, "lower": 72.38, "upper": 80.41, "state": "ok"}],
}  # fmt: skip
SCORES = {**ABOUT, "total": 16, "offset": 4, "limit": 1, "scores": [
    {"unit": "9001", "level": "C", "score": 71.2, "lower": 66.1, "upper": 76.9, "state": "ok"},
]}  # fmt: skip
EDITIONS = {"editions": [{
    "identifier": EXAMPLE, "state": "published", "period_from": "2026-01-01", "period_to": "2026-12-31",
    "supersedes": "", "scheme": {"code": "sd-integrity", "version": "2026.2", "sha256": "0" * 64},
}]}  # fmt: skip
CHANGES = {
    **ABOUT, "compared_with": "sd-integrity-2025-11dd9f2a4b0c7e35", "replaces_it": False, "why": "",
    "scheme_changes": [], "false_discovery_rate": 0.05, "levels": [{"level": "C", "compared": 16, "up": 1, "down": 0}],
    "total": 1, "offset": 0, "limit": 5000, "changes": [
        {"unit": "9001", "level": "C", "status": "compared", "index_before": 71.2, "index_after": 76.49782,
         "difference": 5.1, "difference_lower": 1.9, "difference_upper": 8.3, "real": "yes"},
    ],
}  # fmt: skip
SCHEMES = {"schemes": [{
    "sha256": "0" * 64, "code": "sd-integrity", "version": "2026.2", "registered_on": "2026-09-30", "log_position": 12,
    "why": "adopted after the hearing", "editions": [
        {"edition": EXAMPLE, "status": "before_the_first_answer", "shown_by_the_order_of_the_logs": True}
    ],
}]}  # fmt: skip
REVIEW = {
    **RATINGS, "day": "2026-11-30", "compared_with": None, "look_first": [{"unit": "9001", "why": ["1 veto in force"]}],
    "rule": {name: getattr(SHIPPED, name) for name in Rule.__struct_fields__},
    "ratings": [{**RATING, "points": 86.7, "change_is_real": "no", "open_records": 3, "overdue_records": 0}],
}  # fmt: skip
WAITING = {"rectifications": [
    {"unit": "9001", "record": "R00064", "class": "general", "state": "final", "overdue": True}
]}  # fmt: skip
UNDER_REVIEW = _path("unit", "the unit whose subordinates are reviewed, within the key's jurisdiction", "90")
JSON, TABLES = (".json",), tuple(TYPES)


def _get(name: str, summary: str, schema: str, example: object, forms: tuple[str, ...], *parameters: dict[str, Any],
         key: bool = False) -> dict[str, Any]:  # fmt: skip
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": ["review" if key else "public"],
        "parameters": list(parameters),
        "responses": _answers(schema, example, forms, key=key),
    }
    return {"get": {**found, **({"security": [{"key": []}]} if key else {})}}


def _leads(operation: dict[str, Any]) -> dict[str, Any]:
    """The same, answered by leading elsewhere."""
    responses: dict[str, Any] = operation["get"]["responses"]
    responses["302"] = {
        "description": "to the edition's own address",
        "headers": {"Location": {"description": "that address", "schema": {"type": "string"}}},
    }
    operation["get"]["responses"] = dict(sorted(responses.items()))
    return operation


def description(version: str, address: str) -> dict[str, Any]:
    """The document at /openapi.json."""
    edition = "/editions/{edition}"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Integrity ratings of governments",
            "version": version,
            "description": "Published editions never change; an address with an edition's identifier always gives the "
            "same figures. Whole tables of an edition are among its files (datapackage.json describes them).",
            "license": {"name": "CC-BY-4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
        },
        "servers": [{"url": address}],
        "tags": [
            {"name": "public", "description": "for everybody, also from other sites' pages (CORS)"},
            {"name": "review", "description": "for superiors, with a key of their own jurisdiction"},
        ],
        "paths": {
            "/editions.json": _get("editions", "All published editions, the latest first", "Editions", EDITIONS, JSON),
            "/editions/latest.json": _leads(_get(
                "latest", "Leads to the latest edition that counts; cite the address it leads to", "About", ABOUT, JSON,
            )),
            f"{edition}.json": _get("edition", "What an edition is", "About", ABOUT, JSON, EDITION_ID),
            f"{edition}/ranking/{{level}}.{{form}}": _get(
                "ranking", "The units of a level, best tier first", "Ratings", RATINGS, TABLES, EDITION_ID,
                _path("level", "code of a level of the scheme", "C"), FORM,
                _query("in", "only units under this one", {"type": "string"}), *WINDOW, BOM,
            ),
            f"{edition}/units/{{unit}}.{{form}}": _get(
                "unit", "All that an edition tells of a unit; as a table its scores", "Unit", UNIT, TABLES, EDITION_ID,
                _path("unit", "code of a unit", "9001"), FORM, BOM,
            ),
            f"{edition}/indicators/{{code}}.{{form}}": _get(
                "indicator", "An indicator's scores, a row a unit", "Scores", SCORES, TABLES, EDITION_ID,
                _path("code", "code of an indicator", "trust"), FORM, LEVEL, *WINDOW, BOM,
            ),
            f"{edition}/dimensions/{{code}}.{{form}}": _get(
                "dimension", "A dimension's scores, a row a unit", "Scores", SCORES, TABLES, EDITION_ID,
                _path("code", "code of a dimension", "service"), FORM, LEVEL, *WINDOW, BOM,
            ),
            f"{edition}/changes.{{form}}": _get(
                "changes", "What it changed against the edition that it replaces, or the one before", "Changes",
                CHANGES, (".json", ".csv"), EDITION_ID, JSON_OR_CSV,
                _query("since", "another edition to compare with: its identifier", {"type": "string"}), LEVEL,
                _query("only", "what to look at alone", {"type": "string", "enum": list(SHOWN)}), *WINDOW, BOM,
            ),
            "/schemes.{form}": _get(
                "schemes", "All schemes that were registered before data came, the latest first", "Schemes", SCHEMES,
                (".json", ".csv"), JSON_OR_CSV, BOM,
            ),
            "/staff/review/{unit}/ratings.{form}": _get(
                "review", "Subordinates with points, changes and comparison", "Review", REVIEW, TABLES, UNDER_REVIEW,
                FORM, OF_EDITION, LEVEL, *WINDOW, key=True,
            ),
            "/staff/review/{unit}/rectifications.json": _get(
                "rectifications", "Records that wait for rectification, as they stand now", "Rectifications", WAITING,
                JSON, UNDER_REVIEW, OF_EDITION, LEVEL, key=True,
            ),
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "made under /staff/keys"}},
        },
    }  # fmt: skip
