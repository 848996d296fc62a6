"""Stored definitions of questionnaires, read once."""

from __future__ import annotations

from functools import lru_cache

from questionnaires.definition import Questionnaire
from questionnaires.loading import loads


@lru_cache(maxsize=64)
def read(definition: str, identifier: str) -> Questionnaire:
    """A stored definition, read once: a published one never changes.

    Raises
    ------
    DefinitionError
        This version of the software cannot read it.
    """
    return loads(definition, identifier)
