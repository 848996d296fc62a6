"""What is said of a scheme's registration, in the language of the request."""

from __future__ import annotations

from evaluator.language import gettext as _
from evaluator.pages import shown_date
from evaluator.publication import registered
from evaluator.publication.registered import Standing


def short(standing: Standing) -> str:
    """A few words, for a cell of a table."""
    return {
        registered.NONE: _("not registered"),
        registered.BEFORE: _("registered before the first answer"),
        registered.DURING: _("registered while answers came in"),
        registered.AFTER: _("registered after the survey"),
        registered.BEFORE_PERIOD: _("registered before the period"),
        registered.UNTOLD: _("registered; before or after the data is not known"),
    }[standing.status]


def sentences(standing: Standing) -> tuple[str, ...]:
    """The whole of it: when, and on what the order rests."""
    if standing.found is None:
        return (
            _("This scheme was not registered before the data came."),
            _("So no log shows whether it was chosen with or without knowing them."),
        )
    days = {
        "day": shown_date(standing.found.row.registered_on),
        "opens": shown_date(standing.opens) if standing.opens else "",
        "closes": shown_date(standing.closes) if standing.closes else "",
    }
    if standing.status == registered.BEFORE:
        if standing.proved:
            return (
                _("This scheme was registered on %(day)s, before the first answer came.") % days,
                _(
                    "The logs show the order: the log of every survey counted here begins with a head of the audit log "
                    "that holds the registration."
                ),
            )
        return (
            _("This scheme was registered on %(day)s, before the first answer came.") % days,
            _(
                "The survey opened on %(opens)s. The order rests on this site's dates, in a log whose heads anybody "
                "can keep."
            ) % days,
        )  # fmt: skip
    if standing.status == registered.DURING:
        return (
            _("This scheme was registered on %(day)s, when answers were already coming in.") % days,
            _("The survey opened on %(opens)s; its last day is %(closes)s.") % days,
        )
    if standing.status == registered.AFTER:
        return (
            _("This scheme was registered on %(day)s, only after the survey had closed.") % days,
            _("The survey opened on %(opens)s; its last day is %(closes)s.") % days,
        )
    if standing.status == registered.BEFORE_PERIOD:
        return (_("This scheme was registered on %(day)s, before the period that it rates began.") % days,)
    return (
        _("This scheme was registered on %(day)s.") % days,
        _("Whether that was before the data came cannot be told here: no log of this site says when they did."),
    )
