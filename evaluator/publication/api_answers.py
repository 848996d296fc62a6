"""What answers for programs have in common: four formats at the address of the page, a window on a long list with its
links (RFC 8288), a strong ETag that is known before anything is computed, gzip, CORS."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response

from evaluator import language
from evaluator.compression import takes_gzip
from evaluator.problems import FieldProblem, Problem
from evaluator.publication import exports
from evaluator.publication.editions import Edition
from evaluator.publication.rendered import templates_version

T = TypeVar("T")
MOST = 5000  # rows of one answer; a whole table of an edition is among its files
LARGEST = 10**9


def _(message: str) -> str:
    return message


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of how many an answer holds."""

    offset: int
    limit: int
    total: int
    address: str  # without limit and offset
    others: tuple[tuple[str, str], ...]  # of the query

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        return rows[self.offset : self.offset + self.limit]

    def about(self) -> dict[str, int]:
        """What the answer says of itself."""
        return {"total": self.total, "offset": self.offset, "limit": self.limit}

    def _address(self, offset: int) -> str:
        query = urlencode([*self.others, ("limit", self.limit), ("offset", offset)])
        return f"<{self.address}?{query}>"

    def links(self) -> str:
        """The header Link: first, prev, next and last, where there is more than this."""
        last = max((self.total - 1) // self.limit, 0) * self.limit
        found = []
        if self.offset > 0:
            found += [(0, "first"), (max(self.offset - self.limit, 0), "prev")]
        if self.offset + self.limit < self.total:
            found += [(self.offset + self.limit, "next"), (last, "last")]
        return ", ".join(f'{self._address(offset)}; rel="{name}"' for offset, name in found)

    def linked(self, answer: Response[Any]) -> Response[Any]:
        """The answer with its links."""
        if links := self.links():
            answer.headers["Link"] = links
        return answer


def window(request: Request[Any, Any, Any], total: int) -> Window:
    """The window that a request asks for by `limit` and `offset`: all of it where it says nothing, up to `MOST` rows.

    Raises
    ------
    Problem
        400 where one of them is no whole number, or outside what is allowed.
    """
    limit = _whole(request, "limit", MOST, 1, MOST)
    offset = _whole(request, "offset", 0, 0, LARGEST)
    others = tuple((k, v) for k, v in request.query_params.multi_items() if k not in ("limit", "offset"))
    return Window(offset, limit, total, request.scope["path"], others)


def _whole(request: Request[Any, Any, Any], name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise Problem(
            400,
            _("The request could not be understood"),
            _("%(name)s is %(value)s; it must be a whole number from %(low)d to %(high)d."),
            errors=[FieldProblem(name, f"{low}..{high}")],
            name=name,
            value=text[:20],
            low=low,
            high=high,
        )
    return int(text)


# Public data -------------------------------------------------------------------------------------------------------

TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PACKED = (".csv", ".json")  # the other two are packed already
LEAST = 1000  # bytes: below, packing gains nothing
OPEN = {  # any site's page may read what everybody may
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
BOM = b"\xef\xbb\xbf"


def split(name: str) -> tuple[str, str]:
    """A path's last part without the suffix that asks for data, and that suffix.

    >>> split("3701.json"), split("3701"), split("a.b.parquet")
    (('3701', '.json'), ('3701', ''), ('a.b', '.parquet'))
    """
    suffix = next((end for end in TYPES if name.endswith(end)), "")
    return name.removesuffix(suffix), suffix


def tag_of(request: Request[Any, Any, Any], what: str, packed: bool) -> str:
    """A strong ETag: of what the answer is made from, this program, the address, the language, and how it is packed."""
    told = (
        what, templates_version(), request.scope["path"], request.scope["query_string"].decode("latin-1"),
        language.current.get(), packed,
    )  # fmt: skip
    return f'"{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"'


def answer(
    request: Request[Any, Any, Any], what: str, suffix: str, body: Callable[[], bytes], *, name: str = "",
    links: str = "",
) -> Response[bytes]:  # fmt: skip
    """Public data. `body` is called only where the asker does not have it already.

    Parameters
    ----------
    what
        Names the state of all that the body is made from, such as an edition's sums.
    name
        Of the file, for what is not shown in a browser.
    """
    packed = suffix in PACKED and takes_gzip(request.scope)
    tag = tag_of(request, what, packed)
    headers = {**OPEN, "ETag": tag, "Cache-Control": "public, max-age=60", "Vary": "Accept-Language, Accept-Encoding"}
    if links:
        headers["Link"] = links
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(b"", status_code=304, media_type=TYPES[suffix], headers=headers)
    if name and suffix != ".json":
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    content = body()
    if suffix == ".csv" and request.query_params.get("bom") == "1" and not content.startswith(BOM):
        content = BOM + content
    elif suffix == ".csv" and request.query_params.get("bom") != "1":
        content = content.removeprefix(BOM)
    if packed and len(content) >= LEAST:
        content = gzip.compress(content, 5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=TYPES[suffix], headers=headers)


def document(request: Request[Any, Any, Any], what: str, value: Callable[[], object]) -> Response[bytes]:
    """One JSON document."""
    return answer(request, what, ".json", lambda: msgspec.json.encode(value()))


def table(
    request: Request[Any, Any, Any],
    edition: Edition,
    suffix: str,
    columns: Mapping[str, str],
    keys: Sequence[str],
    rows: Callable[[Sequence[str]], Iterable[Sequence[object]]],
    *,
    name: str,
    title: str,
    key: str = "ratings",
) -> Response[bytes]:
    """A table of an edition in whichever of the four formats is asked for, or a window of it.

    Parameters
    ----------
    columns
        Names and kinds.
    keys
        What a row is made of, each; `rows` makes those of some.
    """
    shown = window(request, len(keys))

    def body() -> bytes:
        made = rows(shown.of(keys))
        if suffix == ".json":
            content = {**exports.about(edition), **shown.about(), key: exports.objects(columns, made)}
            return msgspec.json.encode(content)
        if suffix == ".csv":
            return exports.csv_of(edition, columns, made)
        if suffix == ".parquet":
            return exports.parquet_of(edition, columns, made)
        return exports.table_xlsx(edition, key, title, columns, made)

    return answer(request, edition.sums, suffix, body, name=f"{name}{suffix}", links=shown.links())
