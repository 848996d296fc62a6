"""A campaign as a form asks for it: which units, which days, who is responsible; every mistake at its field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from evaluator.collection.campaigns import MOST_WANTED, Label, create_campaign
from evaluator.language import gettext
from evaluator.ledger.keys import CAMPAIGN_CODE
from evaluator.problems import FieldProblem, Problem
from evaluator.settings import Settings
from evaluator.spreadsheets.cells import parse_date
from evaluator.units.codes import canonical_code
from evaluator.units.tables import Unit
from evaluator.units.tree import subtree

MOST_CODES = 5000  # units that are named one by one
MOST_TEXT = 160
MOST_TOLD = 10  # mistakes of one field
NEEDED = ("title-zh", "title-en", "responsible-zh", "responsible-en", "contact")


def _(message: str) -> str:
    return message


class Level(msgspec.Struct, frozen=True):
    """A level of units, with the first of them as an example."""

    code: str
    units: int
    example_zh: str
    example_en: str


class Asked(msgspec.Struct, frozen=True):
    """The form as it was sent."""

    texts: Mapping[str, str]
    below: bool = True
    levels: tuple[str, ...] = ()
    open_link: bool = True
    draft: bool = True
    sign_in: bool = False

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


FIELDS = (
    "code",
    "title-zh",
    "title-en",
    "opens",
    "closes",
    "units",
    "target",
    "targets",
    "responsible-zh",
    "responsible-en",
    "contact",
    "kept-months",
)  # as the form has them


async def levels() -> list[Level]:
    """The levels of the units there are, the fewest units first."""
    found: dict[str, list[Unit]] = {}
    for unit in await Unit.objects().order_by(Unit.code):
        found.setdefault(unit.level, []).append(unit)
    made = [
        Level(code, len(units), units[0].name_zh, units[0].name_en or units[0].name_zh) for code, units in found.items()
    ]
    return sorted(made, key=lambda level: (level.units, level.code))


async def create(
    settings: Settings, asked: Asked, definition: str, within: str | None, by: str
) -> tuple[str, list[FieldProblem]]:
    """Make the campaign; its code, and what is wrong with the form when it was not made.

    Parameters
    ----------
    definition : str
        The text of the published version.
    within : str, optional
        The unit that the operator's account is bound to.
    by : str
        Who makes it, for the audit log: a role and a number, never a name.
    """
    wrong = [FieldProblem(name, gettext(_("Write a text."))) for name in NEEDED if not asked.text(name)]
    wrong += [
        FieldProblem(name, gettext(_("At most %(most)d characters.")) % {"most": MOST_TEXT})
        for name in NEEDED
        if len(asked.text(name)) > MOST_TEXT
    ]
    if not CAMPAIGN_CODE.fullmatch(asked.text("code")):
        wrong.append(FieldProblem("code", gettext(_("A code has 1 to 64 small letters, digits and -."))))
    days = {name: parse_date(asked.text(name)) for name in ("opens", "closes")}
    for name, day in days.items():
        if not isinstance(day, date):
            wrong.append(FieldProblem(name, gettext(_("Write a day as 2026-01-31."))))
    opens, closes = days["opens"], days["closes"]
    if isinstance(opens, date) and isinstance(closes, date) and closes < opens:
        wrong.append(FieldProblem("closes", gettext(_("The last day is before the first."))))
    months = asked.text("kept-months")
    if not (months.isascii() and months.isdigit() and len(months) < 4 and 1 <= int(months) <= 240):
        wrong.append(FieldProblem("kept-months", gettext(_("Write 1 to 240 months."))))
    units, unknown = await _units(asked, within)
    if unknown is not None:
        wrong.append(FieldProblem("units", unknown))
    targets, mistaken = _targets(asked, units)
    wrong += mistaken
    if wrong or not isinstance(opens, date) or not isinstance(closes, date):
        return "", wrong
    try:
        await create_campaign(
            settings, asked.text("code"), questionnaire=definition, units=units, opens=opens, closes=closes,
            title=Label(asked.text("title-zh"), asked.text("title-en")),
            responsible=Label(asked.text("responsible-zh"), asked.text("responsible-en")),
            contact=asked.text("contact"), kept_months=int(months), open_link=asked.open_link,
            sign_in=asked.sign_in and bool(settings.oidc_issuer), draft=asked.draft, targets=targets, by=by,
        )  # fmt: skip
    except Problem as problem:
        if problem.status == 409 and "code" in problem.values:
            return "", [FieldProblem("code", gettext(problem.detail) % problem.values)]
        if not problem.errors:
            raise
        return "", [FieldProblem("code", error.detail) for error in problem.errors]
    return asked.text("code"), []


def _targets(asked: Asked, units: Sequence[str]) -> tuple[dict[str, int], list[FieldProblem]]:
    """Responses wanted from each unit: the same from all, and what a line says of some; what is wrong with them."""
    wrong: list[FieldProblem] = []
    found: dict[str, int] = {}
    asked_about = set(units)
    if each := asked.text("target"):
        if _number(each) is None:
            wrong.append(FieldProblem("target", gettext(_("Write a whole number, 0 to 1,000,000."))))
        else:
            found = dict.fromkeys(units, int(each))
    for number, line in enumerate(asked.text("targets").splitlines(), 1):
        words = [word for word in re.split(r"[\s,;\uff0c\uff1b\u3001]+", line) if word]
        if not words:
            continue
        code, target = canonical_code(words[0]), _number(words[-1])
        if len(words) != 2 or target is None:
            right = gettext(_("Line %(number)d: write a unit's code and a number, such as 370102 400."))
            wrong.append(FieldProblem("targets", right % {"number": number}))
        elif code not in asked_about:
            right = gettext(_("Line %(number)d: %(code)s is no unit of this campaign."))
            wrong.append(FieldProblem("targets", right % {"number": number, "code": code[:20]}))
        else:
            found[code] = target
    return found, wrong[:MOST_TOLD]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= MOST_WANTED else None


async def _units(asked: Asked, within: str | None) -> tuple[Sequence[str], str | None]:
    """The units that are meant, and what is wrong with the choice."""
    given = [canonical_code(code) for code in re.split(r"[\s,;\uff0c\uff1b\u3001]+", asked.text("units")) if code]
    if not given:
        return (), gettext(_("Name at least one unit by its code."))
    if len(given) > MOST_CODES:
        return (), gettext(_("At most %(most)d codes; name the unit above them instead.")) % {"most": MOST_CODES}
    rows = {row["code"]: row for row in await Unit.select(Unit.code, Unit.level, Unit.parent)}
    unknown = [code for code in dict.fromkeys(given) if code not in rows]
    if unknown:
        return (), gettext(_("There is no unit with the code %(codes)s.")) % {"codes": ", ".join(unknown[:10])[:200]}
    children: dict[str, list[str]] = {}
    for code, row in rows.items():
        children.setdefault(row["parent"] or "", []).append(code)
    waiting, chosen = list(reversed(given)), dict[str, None]()
    while waiting:
        code = waiting.pop()
        if code not in chosen:
            chosen[code] = None
            waiting += reversed(children.get(code, [])) if asked.below else []
    found = [code for code in chosen if not asked.levels or rows[code]["level"] in asked.levels]
    if within is not None:
        allowed = set(await subtree(within))
        if any(code not in allowed for code in found):
            return (), gettext(_("A unit is outside what your account may see."))
    if not found:
        return (), gettext(_("None of these units is of the levels that are ticked."))
    return found, None
