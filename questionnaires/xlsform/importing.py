"""From the bytes of an XLSForm to a questionnaire, or to all that is wrong with it, each with its row."""

from __future__ import annotations

import msgspec

from questionnaires.definition import Questionnaire
from questionnaires.mistakes import Mistake


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
    raise NotImplementedError
