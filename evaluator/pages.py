"""Pages and data from one route: Jinja with gettext, and .json / .csv behind the address of what you look at."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader
from jinja2.utils import missing
from litestar import Request, Response
from litestar.connection import ASGIConnection

from evaluator import language

INSTALLED = Path(__file__).parent / "templates"  # where a wheel has them
TEMPLATES = INSTALLED if INSTALLED.is_dir() else Path(__file__).parent.parent / "templates"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def shown(value: float | None, decimals: int = 1) -> str:
    """A number as pages show it: rounded half up from its 6 published decimals; a dash when there is none."""
    if value is None or math.isnan(value):
        return "–"
    exact = Decimal(f"{value:.6f}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return format_decimal(exact, format=f"#,##0.{'0' * decimals}" if decimals else "#,##0", locale=language.locale())


def shown_date(day: date) -> str:
    return format_date(day, "long", locale=language.locale())


class _StrictName(ChainableUndefined):
    """A name that a page was not given is an error; a member that a macro's parameters lack reads as blank."""

    def _strict(self) -> None:
        if self._undefined_obj is missing and self._undefined_name not in (
            "caller",
            "undefined",
        ):  # Jinja's own, undefined outside {% call %}; the name that macros use for no value
            self._fail_with_undefined_error()

    def __str__(self) -> str:
        self._strict()
        return ""

    def __iter__(self) -> Iterator[Any]:
        self._strict()
        return iter(())

    def __bool__(self) -> bool:
        self._strict()
        return False


@cache
def environment() -> Environment:
    """One Jinja environment for both languages."""
    jinja = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(TEMPLATES),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ],
        ),
        autoescape=True,
        undefined=_StrictName,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    jinja.install_gettext_callables(  # type: ignore[attr-defined]
        language.gettext, language.ngettext, newstyle=True, pgettext=language.pgettext, npgettext=language.npgettext
    )
    jinja.filters.update(shown=shown, date=shown_date, said=language.said)
    jinja.globals["stylesheet"] = stylesheet()
    return jinja


STATIC = Path(__file__).parent / "static"


@cache
def stylesheet() -> str:
    """Address of the style sheet; it changes with its content, so that it can be kept for ever."""
    digest = hashlib.sha256((STATIC / "evaluator.css").read_bytes()).hexdigest()[:12]
    return f"/static/evaluator.css?{digest}"


@cache
def form_script() -> str:
    """Address of the form's script, likewise."""
    names = ("form.js", "expressions.js")  # it imports the other one
    digest = hashlib.sha256(b"".join((STATIC / name).read_bytes() for name in names)).hexdigest()[:12]
    return f"/static/form.js?{digest}"


@cache
def receipt_script() -> str:
    """Address of the script that makes and verifies receipts, likewise."""
    digest = hashlib.sha256((STATIC / "receipt_page.js").read_bytes()).hexdigest()[:12]
    return f"/static/receipt_page.js?{digest}"


@cache
def code_script() -> str:
    """Address of the script that reads an invitation code, likewise."""
    digest = hashlib.sha256((STATIC / "code.js").read_bytes()).hexdigest()[:12]
    return f"/static/code.js?{digest}"


def wants_page(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether a browser asks: by the address first, then by Accept."""
    path = connection.scope["path"]
    return not path.endswith((".json", ".csv", ".svg", ".xlsx", ".parquet")) and "text/html" in connection.headers.get(
        "accept", ""
    )


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """A page in the language of the request. Every template finds `request_path`, `here_address` (with its
    query), `language` and `account`."""
    state = request.scope.get("state", {})
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([pair for pair in given if pair[0] != "language"])
    html = (
        environment()
        .get_template(template)
        .render(
            request_path=request.scope["path"],
            here_address=quote(request.scope["path"]) + (f"?{query}" if query else ""),
            base_url=request.app.state.settings.base_url.rstrip("/"),
            language=language.current.get(),
            account=state.get("account"),
            csrf=state.get("csrf", ""),
            simulated=context.pop("simulated", False) or request.app.state.get("simulated", False),
            **context,
        )
    )
    return html_response(html, status=status, headers=headers)


def html_response(html: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """A page that is rendered already."""
    return Response(
        html,
        status_code=status,
        media_type="text/html",
        headers={"Vary": "Cookie, Accept-Language", "Cache-Control": "no-cache", **(headers or {})},
    )


def redirect(path: str, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """See other: after a form was taken, so that reloading does not send it twice."""
    return Response(b"", status_code=303, media_type="text/plain", headers={"Location": path, **(headers or {})})


def local_path(path: str) -> str:
    """`path` if it leads to this site, else the home page: no open redirects."""
    safe = (
        path.startswith("/") and not path.startswith("//") and "\\" not in path and all(" " < c < "\x7f" for c in path)
    )
    return path if safe else "/"


def csv_cell(value: object) -> object:
    """A cell that no spreadsheet program takes for a formula (OWASP, CSV injection); numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def csv_bytes(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """CSV in UTF-8 with the mark that makes spreadsheet programs read it as such."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(v) for v in row] for row in rows)
    return ("\ufeff" + out.getvalue()).encode()


def data_response(
    request: Request[Any, Any, Any], body: bytes, media_type: str, *, file_name: str = "", public: bool = True
) -> Response[bytes]:
    """Bytes with a strong ETag, answered 304 when the browser has them."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=60" if public else "private, no-store",
        "Vary": "Cookie, Accept-Language",
    }
    if file_name:
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, media_type=media_type, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def json_response(request: Request[Any, Any, Any], value: object, *, public: bool = True) -> Response[bytes]:
    return data_response(request, msgspec.json.encode(value), "application/json", public=public)
