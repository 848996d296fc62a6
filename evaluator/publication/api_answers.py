"""What answers for programs have in common: a window on a long list, and its links (RFC 8288)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from litestar import Request, Response

from evaluator.problems import FieldProblem, Problem

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
