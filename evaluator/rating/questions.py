"""What a rating needs of a questionnaire: the answers an item knows, how they score, and the column they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from evaluator.rating.defects import likely
from methods.response_quality.rules import Rules
from methods.survey.cells import ItemScoring
from questionnaires.definition import Questionnaire
from questionnaires.loading import load
from questionnaires.mistakes import DefinitionError
from questionnaires.scoring import scoring

FOLDER = "questionnaires"
# what the collection can raise whatever the questionnaire says: on its own, and at the close of a campaign
FLAGS = ("too_fast", "prompted", *(rule.name for rule in fields(Rules)))


def scorings(questionnaire: Questionnaire) -> tuple[ItemScoring, ...]:
    """The items of a questionnaire that have a closed list of answers, in its order; kind "none" does not score."""
    return tuple(ItemScoring(**asdict(item)) for item in scoring(questionnaire) if item.kind != "none" or item.codes)


def known_flags(questionnaire: Questionnaire) -> set[str]:
    """The flags a response to this questionnaire may carry."""
    quality = questionnaire.quality
    raised = {
        name for name in quality.__struct_fields__ if name != "contradictions" and getattr(quality, name) is not None
    }
    return {*FLAGS, *raised, *(contradiction.flag for contradiction in quality.contradictions)}


def read_questionnaires(folder: Path) -> tuple[dict[str, Questionnaire], list[str]]:
    """The questionnaires of a snapshot by CODE@VERSION, and every defect of their files."""
    found: dict[str, Questionnaire] = {}
    defects: list[str] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix not in (".yaml", ".yml"):
            defects.append(f"questionnaires/{path.name} is no questionnaire; each is a file CODE@VERSION.yaml")
            continue
        try:
            questionnaire = load(path)
        except DefinitionError as error:
            defects += error.lines()
            continue
        if path.stem != questionnaire.identifier:
            defects.append(
                f"questionnaires/{path.name} holds {questionnaire.identifier}; call it {questionnaire.identifier}.yaml"
            )
        found[questionnaire.identifier] = questionnaire
    return found, defects


def assign_campaigns(
    campaigns: Mapping[str, str], found: Mapping[str, Questionnaire], seen: list[str]
) -> tuple[dict[str, Questionnaire], list[str]]:
    """The questionnaire of every campaign in `seen`: as snapshot.json says, or the only one there is."""
    defects = []
    assigned = {}
    for campaign, identifier in campaigns.items():
        if identifier not in found:
            defects.append(
                f"snapshot.json campaign {campaign!r}: questionnaires/{identifier}.yaml is not there; "
                f"{likely(identifier, found)}"
            )
        else:
            assigned[campaign] = found[identifier]
    for campaign in seen:
        if campaign in campaigns:
            continue
        if len(found) == 1 and not campaigns:
            assigned[campaign] = next(iter(found.values()))
        elif not found:
            defects.append(
                f"responses of campaign {campaign!r} have no questionnaire; put it into {FOLDER}/CODE@VERSION.yaml"
            )
        else:
            defects.append(
                f"responses of campaign {campaign!r}: snapshot.json does not say which questionnaire they answer; "
                f'add it to "campaigns", {likely(campaign, found)}'
            )
    return assigned, defects
