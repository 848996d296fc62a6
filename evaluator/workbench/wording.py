"""What the workbench's codes mean, in the language of the request."""

from __future__ import annotations

from evaluator.language import gettext as _
from evaluator.publication import wording


def kind(code: str) -> str:
    """What a run does."""
    return {
        "rating": _("Rating"),
        "snapshot": _("Snapshot"),
        "publication": _("Handing over to publishing"),
    }[code]


def state(code: str, cancel: bool = False) -> str:
    """Where a run is."""
    if code == "running" and cancel:
        return _("being cancelled")
    return {
        "waiting": _("waiting"),
        "running": _("under way"),
        "done": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
    }[code]


TAGS = {"waiting": "grey", "running": "light-blue", "done": "green", "failed": "red", "cancelled": "grey"}


def step(code: str) -> str:
    """A stage of the work."""
    return {
        "": _("starting"),
        "read": _("reading and checking the files"),
        "records": _("estimating from records"),
        "assessments": _("estimating from assessments"),
        "responses": _("reading responses"),
        "citizens": _("estimating from citizens' answers"),
        "imputation": _("filling in what is missing"),
        "groups": _("estimating groups apart"),
        "events": _("counting events"),
        "tables": _("writing tables"),
        "draws": _("drawing"),
        "ranks": _("ranks"),
        "tiers": _("tiers"),
        "sensitivity": _("other choices"),
        "write": _("forging, and writing the edition"),
        "decision": _("writing the decision into the edition"),
        "done": _("done"),
    }.get(code, code)


def rating_state(code: str) -> str:
    """The state of a rating, short enough for the head of a table."""
    return _("too few units") if code == "too_few_units" else wording.state(code)


def input_state(code: str) -> str:
    """The state of a number, short enough for the head of a table."""
    return {
        "ok": _("own number"),
        "imputed": _("filled in"),
        "suppressed": _("too few to publish"),
        "missing": _("none"),
    }[code]


def left_out(choice: str, names: dict[str, str]) -> str:
    """An alternative of the sensitivity table."""
    for prefix, message in (
        ("without indicator ", _("without the indicator %(name)s")),
        ("without dimension ", _("without the dimension %(name)s")),
    ):
        if choice.startswith(prefix):
            code = choice.removeprefix(prefix)
            return message % {"name": names.get(code, code)}
    return wording.choice(choice)


def size(count: int) -> str:
    """Memory."""
    return wording.size(count)
