"""What can be wrong, in words that can be translated; `evaluator.error_answers` says it to whoever asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from evaluator import language


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of a form or one row of a file."""

    pointer: str  # the field's name, or TABLE row N column C
    detail: str
    message: str = ""  # what `detail` is made of, where it can be said in the visitor's language
    values: Mapping[str, object] = {}

    def said(self) -> str:
        """The detail in the language of this request, where it has a translation."""
        return language.gettext(self.message) % self.values if self.message else self.detail


def wrong_field(pointer: str, message: str, **values: object) -> FieldProblem:
    """What is wrong with a field, from a message that can be translated."""
    return FieldProblem(pointer, message % values, message, values)


class Problem(Exception):
    """An answer that is not a success. `title` and `detail` are English messages; `values` make them concrete."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.detail = status, title, detail
        self.errors, self.headers, self.values = tuple(errors), dict(headers or {}), values

    def __str__(self) -> str:
        return f"{self.title}: {self.detail % self.values if self.values else self.detail}"


def _(message: str) -> str:  # marks a message for extraction; it is translated when shown
    return message


def not_found(what: str) -> Problem:
    return Problem(
        404,
        _("Page not found"),
        _("There is no “%(what)s” here. Check the address, or start from the home page."),
        what=what,
    )


def forbidden(why: str = _("Your account may not see or do this.")) -> Problem:
    return Problem(403, _("Not allowed"), why)


def too_busy() -> Problem:
    return Problem(
        503, _("Very many people are answering right now"),
        _("Your answers were not recorded yet. Please send them again in a moment."), headers={"Retry-After": "2"},
    )  # fmt: skip
