"""What a questionnaire holds that a campaign here cannot ask: read and kept, but refused by name."""

from __future__ import annotations

from questionnaires.clock import begun_by_clock
from questionnaires.definition import Questionnaire
from questionnaires.mistakes import Mistake

PLACES = ("geopoint", "geotrace", "geoshape")


def unsupported_in_campaign(questionnaire: Questionnaire) -> tuple[Mistake, ...]:
    """Every item or group that a campaign would need and cannot have, in the order of the form.

    An empty tuple says that the questionnaire can be used. Files can be asked of assessors only.
    """
    found: list[Mistake] = []

    def refuse(code: str, what: str, right: str) -> None:
        found.append(Mistake(1, 1, code, what, right, (("code", code),)))

    for section in questionnaire.sections:
        for group in section.groups:
            if group.kind == "repeat":
                refuse(
                    group.code, "%(code)s is asked repeatedly", "ask for each of a fixed number in questions of its own"
                )
        for item in section.items:
            if item.type in PLACES:
                refuse(item.code, "%(code)s asks for a place", "ask for the name of the place")
            elif item.type == "rank":
                refuse(item.code, "%(code)s asks for an order", "ask for the most important one")
            elif item.type == "barcode":
                refuse(item.code, "%(code)s reads a bar code", "ask for the number as a text")
            elif item.type == "file" and questionnaire.audience != "assessors":
                refuse(
                    item.code, "%(code)s asks for a file", "files can be asked of assessors only: audience: assessors"
                )
            if item.trigger:
                refuse(item.code, "%(code)s is worked out when another answer changes", "use calculate without trigger")
    for code in begun_by_clock(questionnaire):
        refuse(
            code, "%(code)s has the time as its answer at first, which would tell when somebody answered",
            "use today(), or leave the answer blank at first",
        )  # fmt: skip
    if questionnaire.audience == "assessors":
        refuse(questionnaire.code, "%(code)s is for assessors", "a campaign asks the public")
    return tuple(found)
