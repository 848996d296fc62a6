"""What a rating needs of a questionnaire: the answers an item knows, how they score, and the column they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evaluator.rating.defects import likely
from methods.cells import ItemScoring
from questionnaires.definition import Question, Questionnaire, ScoreAny, ScoreByChoice, ScoreLinear

FOLDER = "questionnaires"
FLAGS = ("too_fast", "prompted")  # what the collection can raise whatever the questionnaire says


def column_of(question: Question) -> str:
    """The responses' column of a question: strata and case mix in s_CODE, answers in q_CODE."""
    return f"s_{question.code}" if question.role in ("stratum", "case_mix") else f"q_{question.code}"


def item_scoring(question: Question) -> ItemScoring:
    """How answers to a question become thousandths of a point; kind "none" where they do not score."""
    numbers = tuple(str(value) for value in range(question.range[0], question.range[1] + 1)) if question.range else ()
    asked = {
        "item": question.code,
        "codes": (*numbers, *(choice.code for choice in question.choices)),
        "set_apart": tuple(choice.code for choice in question.choices if choice.role == "set_apart"),
        "column": column_of(question),
    }
    rule = question.score
    if isinstance(rule, ScoreByChoice):
        scores = {
            choice.code: None if choice.score is None else _thousandths(choice.score) for choice in question.choices
        }
        return ItemScoring(kind="single", scores=scores, **asked)  # type: ignore[arg-type]
    if isinstance(rule, ScoreAny):
        return ItemScoring(
            kind="any",
            hit=rule.of,
            score_hit=_thousandths(rule.hit),
            score_missed=_thousandths(rule.miss),
            missing=rule.missing,
            **asked,  # type: ignore[arg-type]
        )
    if isinstance(rule, ScoreLinear) and question.range:
        return ItemScoring(
            kind="linear",
            low=float(question.range[0]),
            high=float(question.range[1]),
            score_low=_thousandths(rule.low),
            score_high=_thousandths(rule.high),
            missing=rule.missing,
            **asked,  # type: ignore[arg-type]
        )
    return ItemScoring(**asked)  # type: ignore[arg-type]


def _thousandths(score: float) -> int:
    return round(score * 1000)


def scorings(questionnaire: Questionnaire) -> tuple[ItemScoring, ...]:
    """The items of a questionnaire with a closed list of answers, in its order."""
    return tuple(item_scoring(question) for question in questionnaire.questions if question.type != "text")


def known_flags(questionnaire: Questionnaire) -> set[str]:
    """The flags a response to this questionnaire may carry."""
    quality = questionnaire.quality
    raised = {
        name for name in quality.__struct_fields__ if name != "contradictions" and getattr(quality, name) is not None
    }
    return {*FLAGS, *raised, *(contradiction.flag for contradiction in quality.contradictions)}


def read_questionnaires(folder: Path) -> tuple[dict[str, Questionnaire], list[str]]:
    """The questionnaires of a snapshot by CODE@VERSION, and every defect of their files."""
    from questionnaires.loading import load
    from questionnaires.mistakes import DefinitionError

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
