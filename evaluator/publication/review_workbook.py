"""The review as a workbook to read and print: in each language a sheet of notes, the review, whom to look at first, and
the records that wait for rectification."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evaluator import language
from evaluator.language import gettext as _
from evaluator.publication import review_rule, wording
from evaluator.publication.exports import plain, stamp
from evaluator.publication.review import Standing
from evaluator.publication.review_lines import LIKELY, Line, Review, change_words, look_first, reasons

A4, LANDSCAPE_FIT = 9, (1, 0)  # paper; one page wide, as many high as it takes
HEAD = 2  # rows above the names of the columns: title, what it is


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its name, width in characters, format, and what stands in it."""

    name: str
    width: float
    form: str  # text, whole, decimal, percent
    value: Callable[[Line], object]
    about: str = ""


@contextmanager
def spoken(name: str) -> Iterator[None]:
    """Everything within is said in this language, whatever the request's is."""
    token = language.current.set(name)
    try:
        yield
    finally:
        language.current.reset(token)


def columns(review: Review, compared: Mapping[str, Standing]) -> tuple[Column, ...]:
    """The review's columns in the current language."""
    edition = review.edition
    scheme = edition.scheme
    limits = _("the index's %(percent)s interval") % {"percent": wording.percent(scheme.uncertainty.interval)}

    def among(part: str) -> Callable[[Line], object]:
        def count(line: Line) -> object:
            return len(getattr(compared[line.unit.code], part)) if line.rating.ranked else None

        return count

    found = [
        Column(_("Code"), 13, "text", lambda one: one.unit.code),
        Column(_("Unit"), 26, "text", lambda one: wording.unit_name(one.unit)),
        Column(_("Level"), 12, "text", lambda one: language.said(scheme.levels[one.unit.level])),
        Column(_("Points"), 9, "decimal", lambda one: one.points.total, _("by the rule on the first sheet")),
        Column(_("Base points"), 9, "decimal", lambda one: one.points.base),
        Column(_("Points for change"), 9, "decimal", lambda one: one.points.change),
        Column(_("Points for vetoes"), 9, "decimal", lambda one: one.points.vetoes),
        Column(_("Points for rectifications"), 11, "decimal", lambda one: one.points.rectifications),
        Column(_("Tier"), 6, "whole", lambda one: one.rating.tier, _("1 is the best; units of one tier are alike")),
        Column(_("Index"), 8, "decimal", lambda one: one.rating.index),
        Column(_("Interval from"), 8, "decimal", lambda one: one.rating.lower, limits),
        Column(_("Interval to"), 8, "decimal", lambda one: one.rating.upper, limits),
        Column(_("Best rank"), 8, "whole", lambda one: one.rating.rank_lower, _("among all units of the level")),
        Column(_("Worst rank"), 8, "whole", lambda one: one.rating.rank_upper, _("among all units of the level")),
        Column(_("Grade"), 7, "text", lambda one: one.rating.grade),
        Column(_("Probability of the grade"), 10, "percent", lambda one: one.rating.grade_probability),
        Column(_("Grade after vetoes"), 9, "text", lambda one: one.rating.capped_grade),
        Column(_("Vetoes in force"), 18, "text", lambda one: _(", ").join(
            language.said(name) for name, _when in wording.vetoes(scheme, one.rating))),
        Column(_("Change since the edition before"), 20, "text",
               lambda one: change_words(one.change, scheme.publication.decimals)),
        Column(_("Change, points of the index"), 10, "decimal",
               lambda one: one.change.difference if one.change else None,
               _("believe it only where the column before says that it rose or fell")),
        Column(_("Probability of the lowest grade"), 10, "percent", lambda one: one.lowest),
        Column(_("Open rectifications"), 11, "whole", lambda one: len(one.waiting)),
        Column(_("Overdue"), 8, "whole", lambda one: one.overdue),
        Column(_("Really better than"), 9, "whole", among("ahead_of"), _("peers of the same level in this review")),
        Column(_("Really worse than"), 9, "whole", among("behind"), _("peers of the same level in this review")),
        Column(_("Not told apart from"), 10, "whole", among("alike"), _("peers of the same level in this review")),
        Column(_("Remark"), 30, "text",
               lambda one: "" if one.points.given else review_rule.why_none(one.points.why_none)),
    ]  # fmt: skip
    return tuple(found)


def facts(review: Review, under: str) -> list[tuple[str, str]]:
    """What the workbook is and how to read it, in the current language."""
    edition, rule = review.edition, review.in_force
    note, scheme = edition.note, edition.scheme
    found = [
        (_("What this is"), _("Review of subordinates: %(name)s") % {"name": under}),
        (_("Edition"), edition.identifier),
        (_("Title"), language.said(note.title)),
        (_("Period"), " – ".join(day.isoformat() for day in note.period) if note.period else ""),
        (_("Scheme"), f"{language.said(scheme.title)} ({note.scheme.code} {note.scheme.version})"),
        (_("SHA-256 of SHA256SUMS"), edition.sums),
        (_("Day of this file"), review.today.isoformat()),
    ]
    if stamp(edition):
        found.insert(0, (_("Take note"), stamp(edition)))
    found.append((_("Rule of points"), rule_name(review)))
    found += [("", line) for line in review_rule.said(rule.rule, edition)]
    interval = wording.percent(scheme.uncertainty.interval)
    found.append(
        (
            _("Which differences are real"),
            _(
                "One unit is really better than another where the probability of it, given the scheme, is at least "
                "%(interval)s; among more than 300 peers, where they are in different tiers, of which pairs at most "
                "%(share)s are expected in the wrong order. Reward or blame nobody for a difference that is not real."
            )
            % {"interval": interval, "share": wording.percent(scheme.grades.max_misordered)},
        )
    )
    if review.since:
        said = _(
            "Compared with %(edition)s, rated by the same scheme, over what both measured. A change counts as real so "
            "that at most %(rate)s of such changes are expected to be noise."
        ) % {"edition": review.since.before, "rate": wording.percent(review.since.rate)}
    else:
        said = _("There is no edition before under the same scheme, so nothing is compared.")
    found.append((_("Change since the edition before"), said))
    found.append(
        (
            _("Rectifications"),
            _(
                "Records that are final or under objection on the day of this file, read from the records, not from "
                "the edition. Final for more than %(days)s days and not rectified: overdue."
            )
            % {"days": rule.rule.overdue_days},
        )
    )
    first = _(
        "Vetoes, then real falls, then the probability of the lowest grade where it is at least %(share)s, then "
        "overdue rectifications."
    ) % {"share": wording.percent(LIKELY)}
    found.append((_("Whom to look at first"), first))
    found.append((_("Licence"), _("The ratings: %(licence)s. Points, rule and rectifications are not public.")
                  % {"licence": note.licence}))  # fmt: skip
    return found


def rule_name(review: Review) -> str:
    """Which version of whose rule, so that a printed review can be traced."""
    rule = review.in_force
    if rule.version == 0:
        return _("as shipped") + f" (SHA-256 {rule.sha256[:16]}…)"
    unit = review.edition.units.get(rule.scope)
    name = f"{language.said(unit.name)} ({unit.code})" if unit else rule.scope
    whose = _("of %(unit)s") % {"unit": name} if rule.scope else _("of the platform")
    return _("version %(version)d %(whose)s, %(day)s") % {
        "version": rule.version, "whose": whose, "day": rule.made_on.isoformat() if rule.made_on else "",
    } + f" (SHA-256 {rule.sha256[:16]}…)"  # fmt: skip


def workbook(review: Review, codes: Sequence[str], compared: Mapping[str, Standing], under: Mapping[str, str]) -> bytes:
    """The workbook's bytes. `under` names the superior in each language; the request's language stands first."""
    import xlsxwriter  # slow to load, and few ask for it

    out = io.BytesIO()
    options = {
        "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }  # fmt: skip
    asked = language.current.get()
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": review.edition.note.title.en, "comments": stamp(review.edition)})
        forms = _forms(book)
        for name in (asked, *(one for one in language.LANGUAGES if one != asked)):
            with spoken(name):
                _notes(book, forms, review, under[name])
                _main(book, forms, review, codes, compared, under[name])
                _first(book, forms, review, codes)
                _records(book, forms, review, codes)
        book.worksheets()[1].activate()
    return out.getvalue()


def _forms(book: Any) -> dict[str, Any]:
    wrapped = {"text_wrap": True, "valign": "top"}
    return {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "mark": book.add_format({"bold": True, "bg_color": "#FFF2CC"}),
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E8EEF4"}),
        "name": book.add_format({"bold": True, **wrapped}),
        "text": book.add_format(wrapped),
        "whole": book.add_format({"num_format": "#,##0", "valign": "top"}),
        "decimal": book.add_format({"num_format": "#,##0.0", "valign": "top"}),
        "percent": book.add_format({"num_format": "0%", "valign": "top"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
        "warn": book.add_format({"bg_color": "#FDE2DD"}),
        "good": book.add_format({"bg_color": "#DDF0E0"}),
    }


def _page(book: Any, forms: Mapping[str, Any], name: str, review: Review, about: str) -> Any:
    """A sheet of A4 across, with its title, and the mark of simulated data on screen and on paper."""
    mark = stamp(review.edition)
    page = book.add_worksheet(name)
    page.set_paper(A4)
    page.set_landscape()
    page.fit_to_pages(*LANDSCAPE_FIT)
    page.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.7)
    page.set_header(f"&L{review.edition.identifier}&R{mark}")
    page.set_footer(f"&L{review.today.isoformat()}&R&P / &N")
    page.write_string(0, 0, about, forms["title"])
    if mark:
        page.set_tab_color("#B58900")
        page.write_string(1, 0, mark, forms["mark"])
    return page


def _notes(book: Any, forms: Mapping[str, Any], review: Review, under: str) -> None:
    about = _("About this review")
    page = _page(book, forms, about, review, about)
    page.set_column(0, 0, 26)
    page.set_column(1, 1, 110)
    for number, (what, value) in enumerate(facts(review, under), start=HEAD):
        page.write_string(number, 0, what, forms["name"])
        page.write_string(number, 1, value, forms["text"])


def _main(
    book: Any, forms: Mapping[str, Any], review: Review, codes: Sequence[str], compared: Mapping[str, Standing],
    under: str,
) -> None:  # fmt: skip
    made = columns(review, compared)
    page = _page(book, forms, _("Review"), review, _("Review of subordinates: %(name)s") % {"name": under})
    page.freeze_panes(HEAD + 1, 2)
    page.repeat_rows(HEAD)
    page.repeat_columns(0, 1)
    page.set_row(HEAD, 62)
    for at, column in enumerate(made):
        page.set_column(at, at, column.width)
        page.write_string(HEAD, at, column.name, forms["head"])
        if column.about:
            page.write_comment(HEAD, at, column.about)
    for number, line in enumerate(review.of(codes), start=HEAD + 1):
        for at, column in enumerate(made):
            _write(page, number, at, column.value(line), column.form, forms)
    last = HEAD + max(len(codes), 1)
    page.autofilter(HEAD, 0, last, len(made) - 1)
    at = {column.name: number for number, column in enumerate(made)}
    points, overdue, change = at[_("Points")], at[_("Overdue")], at[_("Change since the edition before")]
    page.conditional_format(HEAD + 1, points, last, points, {"type": "data_bar", "bar_solid": True,
                            "bar_color": "#B8CCE4", "min_type": "num", "min_value": review.in_force.rule.least,
                            "max_type": "num", "max_value": review.in_force.rule.most})  # fmt: skip
    page.conditional_format(
        HEAD + 1, overdue, last, overdue, {"type": "cell", "criteria": ">", "value": 0, "format": forms["warn"]}
    )
    for words, form in ((_("fell by %(size)s"), "warn"), (_("rose by %(size)s"), "good")):
        page.conditional_format(HEAD + 1, change, last, change, {"type": "text", "criteria": "begins with",
                                "value": words.split("%")[0].strip(), "format": forms[form]})  # fmt: skip


def _first(book: Any, forms: Mapping[str, Any], review: Review, codes: Sequence[str]) -> None:
    page = _page(book, forms, _("Look at first"), review, _("Units to look at first"))
    page.freeze_panes(HEAD + 1, 2)
    page.repeat_rows(HEAD)
    heads = ((_("Code"), 14), (_("Unit"), 30), (_("Points"), 10), (_("Why"), 90))
    for at, (name, width) in enumerate(heads):
        page.set_column(at, at, width)
        page.write_string(HEAD, at, name, forms["head"])
    for number, line in enumerate(look_first(review, codes), start=HEAD + 1):
        page.write_string(number, 0, line.unit.code, forms["text"])
        page.write_string(number, 1, wording.unit_name(line.unit), forms["text"])
        _write(page, number, 2, line.points.total, "decimal", forms)
        page.write_string(number, 3, _("; ").join(reasons(line)), forms["text"])


def _records(book: Any, forms: Mapping[str, Any], review: Review, codes: Sequence[str]) -> None:
    page = _page(book, forms, _("Rectifications"), review, _("Records that wait for rectification"))
    page.freeze_panes(HEAD + 1, 2)
    page.repeat_rows(HEAD)
    heads = (
        (_("Code"), 14), (_("Unit"), 28), (_("Record"), 22), (_("Class"), 22), (_("Date of the document"), 14),
        (_("State"), 16), (_("Since"), 14), (_("Overdue"), 10),
    )  # fmt: skip
    for at, (name, width) in enumerate(heads):
        page.set_column(at, at, width)
        page.write_string(HEAD, at, name, forms["head"])
    number = HEAD
    for line in review.of(codes):
        for held in line.waiting:
            number += 1
            page.write_string(number, 0, line.unit.code, forms["text"])
            page.write_string(number, 1, wording.unit_name(line.unit), forms["text"])
            page.write_string(number, 2, held.record, forms["text"])
            page.write_string(number, 3, wording.class_words(review.edition.scheme, held.record_class), forms["text"])
            page.write_datetime(number, 4, held.document_date, forms["day"])
            page.write_string(number, 5, state_words(held.state), forms["text"])
            page.write_datetime(number, 6, held.state_date, forms["day"])
            late = held.overdue(review.today, review.in_force.rule.overdue_days)
            page.write_string(number, 7, _("yes") if late else _("no"), forms["text"])
    page.autofilter(HEAD, 0, max(number, HEAD + 1), len(heads) - 1)


def state_words(state: str) -> str:
    return {"final": _("final, not rectified"), "contested": _("under objection")}.get(state, state)


def _write(page: Any, row: int, at: int, value: object, form: str, forms: Mapping[str, Any]) -> None:
    value = plain(value)
    if form == "text":
        if value not in (None, ""):
            page.write_string(row, at, str(value), forms["text"])
    elif isinstance(value, int | float):
        page.write_number(row, at, value, forms[form])
