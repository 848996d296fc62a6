"""A questionnaire as an XLSForm that ODK, Kobo and Enketo read, and that comes back the same."""

from __future__ import annotations

from questionnaires.definition import Questionnaire


def export_form(questionnaire: Questionnaire) -> bytes:
    """The questionnaire as the bytes of an xlsx file. No cell is a formula."""
    raise NotImplementedError
