"""From the bytes of an XLSForm to a questionnaire, or to all that is wrong with it, each with its row."""

from __future__ import annotations

import msgspec

from questionnaires.definition import Questionnaire
from questionnaires.document import MOST_BYTES
from questionnaires.loading import built
from questionnaires.mistakes import DefinitionError, Mistake
from questionnaires.writing import dumps
from questionnaires.xlsform.building import Building
from questionnaires.xlsform.checking import check
from questionnaires.xlsform.converting import to_xform
from questionnaires.xlsform.reading import read_workbook
from questionnaires.xlsform.sheets import ImportRefusedError, placed, refused
from questionnaires.xlsform.xform import NotAFormError, read_xform


class Imported(msgspec.Struct, frozen=True):
    """A form that was taken in.

    Attributes
    ----------
    text : str
        The questionnaire as YAML: what `questionnaires.loading.loads` reads.
    questionnaire : Questionnaire
    notes : tuple of Mistake
        What was left out, renamed or is doubtful; `where` names sheet, row and column.
    """

    text: str
    questionnaire: Questionnaire
    notes: tuple[Mistake, ...] = ()

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """(row, message) of each note, such as `("survey row 7, media::image", "...")`."""
        return [(note.where, note.message()) for note in self.notes]


def import_form(content: bytes, name: str) -> Imported:
    """Take in an XLSForm.

    Parameters
    ----------
    content : bytes
        An xlsx, xls, csv or markdown file, at most 10 MiB.
    name : str
        What messages call the file; the form's code when the form has none.

    Raises
    ------
    DefinitionError
        With every mistake found: `questionnaires.xlsform.sheets.ImportRefusedError`.
    """
    book = read_workbook(content, name)
    notes = check(book, name)
    try:
        form = read_xform(to_xform(book, stem(name), name))
    except NotAFormError:
        raise refused(
            name,
            "what pyxform makes of the form is no XForm",
            "look for columns such as bind:: or body:: and take them out",
        ) from None
    building = Building(form, book)
    root = building.root()
    if building.wrong.found:
        raise ImportRefusedError(name, placed(building.wrong.found, book))
    try:
        questionnaire, remarks = built(root, name)
    except DefinitionError as error:
        raise ImportRefusedError(name, placed([*building.wrong.found, *error.mistakes], book)) from None
    text = dumps(questionnaire)
    if len(text.encode()) > MOST_BYTES:
        raise refused(name, "as YAML the form is too large", "divide the form")
    told = placed([*notes, *building.note.found, *remarks], book)
    return Imported(text, questionnaire, tuple(told))


def stem(name: str) -> str:
    """A file's name without folders and without what comes after the dot."""
    return name.replace("\\", "/").rpartition("/")[2].partition(".")[0] or "form"
