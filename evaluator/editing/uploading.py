"""A questionnaire that was brought as a file, YAML or XLSForm: read whole, or refused with every mistake."""

from __future__ import annotations

import posixpath

import msgspec

from evaluator.language import gettext
from questionnaires.definition import Questionnaire
from questionnaires.document import MOST_BYTES, read
from questionnaires.loading import built
from questionnaires.mistakes import DefinitionError, Mistake, shown

YAML = (".yaml", ".yml")
XLSFORM = (".xlsx", ".xls", ".csv", ".md")
MOST_UPLOAD = 10 * 1024 * 1024
NAMING = ("kind", "found", "wanted", "of")  # values of a mistake that are our own words
BEGINNINGS = ("at character %(at)s of the expression: ", "not YAML: ")


def _(message: str) -> str:
    return message


TOO_LONG = Mistake(
    1, 1, "", _("as YAML the form has more than %(most)s bytes"), _("divide it into several forms"),
    (("most", str(MOST_BYTES)),),
)  # fmt: skip


class Brought(msgspec.Struct, frozen=True):
    """A file that can be kept, and what is doubtful in it or was left out."""

    text: str  # YAML
    questionnaire: Questionnaire
    remarks: tuple[Mistake, ...] = ()


class Said(msgspec.Struct, frozen=True):
    """A mistake or a remark in the language of the page."""

    place: str  # line or row
    where: str
    what: str
    right: str


def file_name(given: str) -> str:
    """The name of an upload without its folders, fit to be shown."""
    return shown(posixpath.basename(given.replace("\\", "/")).strip(), 80) or "–"


def read_upload(content: bytes, name: str) -> Brought:
    """The questionnaire in a file.

    Raises
    ------
    DefinitionError
        With every mistake, in the order of the file.
    """
    suffix = posixpath.splitext(name.casefold())[1]
    if suffix in YAML:
        questionnaire, remarks = built(read(content[: MOST_BYTES + 1], name), name)
        return Brought(content.decode("utf-8-sig"), questionnaire, remarks)
    if suffix in XLSFORM:
        from questionnaires.xlsform.importing import import_form  # takes a second to load

        imported = import_form(content, name)
        if len(imported.text.encode()) > MOST_BYTES:
            raise DefinitionError(name, [TOO_LONG])
        return Brought(imported.text, imported.questionnaire, imported.notes)
    raise DefinitionError(
        name,
        [
            Mistake(
                1, 1, "", _("“%(suffix)s” is no kind of file that is read here"), _("bring one of: %(known)s"),
                (("suffix", shown(suffix or name)), ("known", " ".join(YAML + XLSFORM))),
            )
        ],
    )  # fmt: skip


def said(mistake: Mistake) -> Said:
    """A mistake in the language of this request; in English where it has no translation."""
    values = {name: gettext(value) if name in NAMING else value for name, value in mistake.values}
    what, right = _translated(mistake.what), _translated(mistake.right)
    return Said(str(mistake.line), mistake.where, what % values, right % values)


def _translated(message: str) -> str:
    """A message in the language of this request; some have a beginning of their own, such as a place."""
    beginning = next((one for one in BEGINNINGS if message.startswith(one)), "")
    rest = message.removeprefix(beginning)
    return (gettext(beginning) if beginning else "") + (gettext(rest) if rest else "")
