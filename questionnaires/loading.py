"""Questionnaires from YAML: a file is right, or refused with all its mistakes, each with its line and a remedy."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from importlib import resources
from pathlib import Path

from questionnaires.definition import Questionnaire
from questionnaires.document import MOST_BYTES, Node, read
from questionnaires.mistakes import DefinitionError, Mistake
from questionnaires.questionnaire_reading import QuestionnaireReading
from questionnaires.reading import Reading, TooManyMistakes


def load(path: str | Path) -> Questionnaire:
    """Load a questionnaire from a file. Raises DefinitionError with every mistake; OSError when it cannot be read."""
    path = Path(path)
    with path.open("rb") as file:
        return loads(file.read(MOST_BYTES + 1), str(path))  # a larger file is refused by its size all the same


def loads(text: str | bytes, file: str = "questionnaire") -> Questionnaire:
    """Load a questionnaire from YAML text.

    Parameters
    ----------
    text : str or bytes
        At most 2 MiB of UTF-8.
    file : str
        What messages call the text.

    Raises
    ------
    DefinitionError
        With every mistake found, in the order of the file.
    """
    return built(read(text, file), file)[0]


def built(root: Node, file: str) -> tuple[Questionnaire, tuple[Mistake, ...]]:
    """The questionnaire that a tree of nodes says, and remarks on what is doubtful in an imported one.

    Raises
    ------
    DefinitionError
        With every mistake found, in the order of the file.
    """
    reading = Reading()
    questionnaire = None
    with suppress(TooManyMistakes):
        questionnaire = QuestionnaireReading(reading).read(root)
    if reading.mistakes or questionnaire is None:
        raise DefinitionError(file, reading.mistakes)
    return _shared(questionnaire), tuple(reading.remarks)


def remarks(text: str | bytes, file: str = "questionnaire") -> list[str]:
    """What is doubtful in an imported questionnaire, one line each; nothing of it keeps the form from being used."""
    _, found = built(read(text, file), file)
    return DefinitionError(file, found).lines()


@lru_cache(maxsize=64)
def _shared(questionnaire: Questionnaire) -> Questionnaire:
    """Equal questionnaires are one object, so that what is cached by questionnaire is found without comparing them."""
    return questionnaire


def check_file(path: str | Path) -> list[str]:
    """Every mistake of a file, one line each: `FILE:LINE WHERE: what; what would be right`. A right file has none."""
    try:
        load(path)
    except DefinitionError as error:
        return error.lines()
    except OSError as error:
        mistake = Mistake(
            1, 1, "", "cannot be read: %(why)s", "name a file that exists", (("why", str(error.strerror)),)
        )
        return DefinitionError(str(path), [mistake]).lines()
    return []


def shipped() -> tuple[str, ...]:
    """Codes of the questionnaires that come with the library."""
    folder = resources.files("questionnaires") / "library"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def shipped_text(code: str) -> str:
    """The YAML text of a shipped questionnaire; LookupError when there is none of this code."""
    if code not in shipped():
        raise LookupError(f"no questionnaire {code} is shipped; there are: {', '.join(shipped())}")
    return (resources.files("questionnaires") / "library" / f"{code}.yaml").read_text(encoding="utf-8")


def is_shipped(questionnaire: Questionnaire) -> bool:
    """Whether it is a questionnaire that comes with the library, word for word."""
    return questionnaire.code in shipped() and load_shipped(questionnaire.code) == questionnaire


def load_shipped(code: str) -> Questionnaire:
    """A shipped questionnaire by its code."""
    return loads(shipped_text(code), f"questionnaires/library/{code}.yaml")
