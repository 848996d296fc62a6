"""XLSForm in and out: what a questionnaire means survives the way through a spreadsheet and pyxform."""

from __future__ import annotations

import pytest

from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.xlsform.exporting import export_form
from questionnaires.xlsform.importing import import_form


@pytest.mark.parametrize("code", shipped())
def test_every_shipped_questionnaire_comes_back_equal(code: str) -> None:
    questionnaire = load_shipped(code)
    found = import_form(export_form(questionnaire), f"{code}.xlsx")
    assert found.questionnaire == questionnaire
    assert loads(found.text) == questionnaire
    assert found.remarks == []
    assert export_form(found.questionnaire) == export_form(questionnaire)
