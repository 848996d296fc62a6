"""A questionnaire as YAML: what `questionnaires.loading` reads back as an equal one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from questionnaires.definition import Choice, Group, Quality, Question, Questionnaire, ScoreAny, ScoreLinear, Section
from questionnaires.expression import Expression
from questionnaires.filters import as_written
from questionnaires.question_reading import DEFAULT_INTEGER_RANGE, DEFAULT_MAX_LENGTH
from questionnaires.words import Words

Tree = str | None | list["Tree"] | dict[str, "Tree"]  # None: written null

PLAIN = re.compile(r"[^\W\d][\w./-]*\Z|-?[0-9]+(\.[0-9]+)?\Z")
TAKEN_FOR_ELSE = ("null", "yes", "no", "on", "off", "y", "n")
WIDTH = 118


def dumps(questionnaire: Questionnaire) -> str:
    """The YAML text of a questionnaire.

    >>> from questionnaires.loading import load_shipped, loads
    >>> loads(dumps(load_shipped("sd-citizen"))) == load_shipped("sd-citizen")
    True
    """
    return "\n".join(_lines(tree(questionnaire), 0)) + "\n"


def flow(value: Tree) -> str:
    """A tree on one line."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return "{" + ", ".join(f"{_scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"


def tree(questionnaire: Questionnaire) -> dict[str, Tree]:
    """A questionnaire as plain data, with the keys of its file."""
    found: dict[str, Tree] = {
        "code": questionnaire.code,
        "version": questionnaire.version,
        "languages": list(questionnaire.languages),
    }
    if questionnaire.translating:
        found["translating"] = list(questionnaire.translating)
    if questionnaire.audience != "public":
        found["audience"] = questionnaire.audience
    if questionnaire.imported:
        found["imported"] = "true"
    for name in ("title", "source", "tested"):
        _put_words(found, name, getattr(questionnaire, name))
    target = {"median": questionnaire.target_median, "floor": questionnaire.target_floor}
    if any(value is not None for value in target.values()):
        found["target_seconds"] = {name: str(value) for name, value in target.items() if value is not None}
    if questionnaire.routes:
        found["routes"] = {name: str(count) for name, count in questionnaire.routes}
    lists: dict[str, Tree] = {}
    for item in questionnaire.items:
        if item.list is not None and item.list not in lists:
            lists[item.list] = choices_tree(item.choices)
    if lists:
        found["lists"] = lists
    found["sections"] = [section_tree(section) for section in questionnaire.sections]
    quality = quality_tree(questionnaire.quality)
    if quality:
        found["quality"] = quality
    return found


def section_tree(section: Section) -> dict[str, Tree]:
    found: dict[str, Tree] = {"code": section.code}
    _put_words(found, "title", section.title)
    _put_words(found, "note", section.note)
    _put_expression(found, "relevant", section.relevant)
    if section.show != "together":
        found["show"] = section.show
    found["items"] = _nested(section)
    return found


def _nested(section: Section) -> list[Tree]:
    """Items within their groups: flat in the definition, nested in the file."""
    top: list[Tree] = []
    inside: dict[str, list[Tree]] = {"": top}
    groups = list(section.groups)
    for item in section.items:
        around = {group.code for group in section.around(item)}
        while groups and (groups[0].code in around or not _has(section, groups[0])):
            _open(groups.pop(0), section, inside)
        inside[item.group].append(_member(item, section))
    for group in groups:
        _open(group, section, inside)
    return top


def _open(group: Group, section: Section, inside: dict[str, list[Tree]]) -> None:
    parts: list[Tree] = []
    inside[group.code] = parts
    inside[group.parent].append(group_tree(group, section, parts))


def _has(section: Section, group: Group) -> bool:
    return any(group in section.around(item) for item in section.items)


def _member(item: Question, section: Section) -> dict[str, Tree]:
    found = question_tree(item)
    if item.group and section.group(item.group).kind == "matrix":
        found = {key: value for key, value in found.items() if key not in ("type", "choices")}
    return found


def group_tree(group: Group, section: Section, parts: list[Tree]) -> dict[str, Tree]:
    found: dict[str, Tree] = {"code": group.code, "type": group.kind}
    _put_words(found, "text" if group.kind == "matrix" else "title", group.title)
    _put_words(found, "hint", group.hint)
    _put_expression(found, "relevant", group.relevant)
    _put_expression(found, "count", group.count)
    if group.together and group.kind != "matrix":
        found["together"] = "true"
    if group.appearance:
        found["appearance"] = " ".join(group.appearance)
    if group.kind == "matrix":
        members = [item for item in section.items if item.group == group.code]
        if members:
            if members[0].type != "single":
                found["each"] = members[0].type
            found["choices"] = members[0].list or choices_tree(members[0].choices)
        found["statements"] = parts
    else:
        found["items"] = parts
    return found


def question_tree(item: Question) -> dict[str, Tree]:
    """An item as plain data."""
    found: dict[str, Tree] = {"code": item.code, "type": item.type}
    if item.kind is not None:
        found["kind"] = item.kind
    if item.role is not None:
        found["role"] = item.role
    for name in ("text", "hint", "guidance"):
        _put_words(found, name, getattr(item, name))
    for name in ("relevant", "required", "readonly", "constraint", "calculate", "default_from"):
        _put_expression(found, name, getattr(item, name))
        if getattr(item, f"{name}_always", False):
            found[name] = "true"
    for name in ("required_message", "constraint_message"):
        _put_words(found, name, getattr(item, name))
    if item.trigger:
        found["trigger"] = list(item.trigger)
    if item.default is not None:
        found["default"] = item.default
    if item.range is not None and not (item.type == "integer" and item.range == DEFAULT_INTEGER_RANGE):
        found["range"] = [str(end) for end in item.range]
    if item.limits is not None:
        found["range"] = [digits(end) for end in item.limits]
    if item.step is not None:
        found["step"] = digits(item.step)
    if item.max_length is not None and item.max_length != DEFAULT_MAX_LENGTH:
        found["max_length"] = str(item.max_length)
    if item.anchors or (item.choices and item.type in ("scale", "integer")):
        found["labels"] = labels_tree(item)
    elif item.choices:
        found["choices"] = item.list or choices_tree(item.choices)
    if item.choice_filter is not None:
        found["choice_filter"] = as_written(item.choice_filter.source)
    if item.exclusive:
        found["exclusive"] = list(item.exclusive)
    score = score_tree(item)
    if score is not None:
        found["score"] = score
    for name in ("randomise", "reverse_half", "sensitive"):
        if getattr(item, name):
            found[name] = "true"
    if item.appearance:
        found["appearance"] = " ".join(item.appearance)
    for name in ("source", "tested"):
        _put_words(found, name, getattr(item, name))
    return found


def labels_tree(item: Question) -> dict[str, Tree]:
    labels: dict[str, Tree] = {str(number): words_tree(words) for number, words in item.anchors}
    labels.update((choice.code, words_tree(choice.text)) for choice in item.choices)
    return labels


def score_tree(item: Question) -> Tree:
    """The rule of a question; None when its choices score, or nothing does."""
    rule = item.score
    found: dict[str, Tree]
    if isinstance(rule, ScoreAny):
        found = {"rule": "any", "of": list(rule.of), "hit": digits(rule.hit), "miss": digits(rule.miss)}
    elif isinstance(rule, ScoreLinear):
        found = {"rule": "linear", "low": digits(rule.low), "high": digits(rule.high)}
    else:
        return None
    if rule.missing:
        found["missing"] = list(rule.missing)
    return found


def choices_tree(choices: Iterable[Choice]) -> list[Tree]:
    choices = tuple(choices)
    scored = any(choice.score is not None for choice in choices)
    found: list[Tree] = []
    for choice in choices:
        entry: dict[str, Tree] = {"code": choice.code}
        if scored:
            entry["score"] = None if choice.score is None else digits(choice.score)
        if choice.role is not None:
            entry["role"] = choice.role
        if choice.columns:
            entry["columns"] = dict(choice.columns)
        entry["text"] = words_tree(choice.text)
        found.append(entry)
    return found


def quality_tree(quality: Quality) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    if quality.too_fast is not None:
        found["too_fast"] = {"class": quality.too_fast.duration_class}
    if quality.prompted is not None:
        found["prompted"] = {"if": quality.prompted.source}
    if quality.straight_lining is not None:
        rule = quality.straight_lining
        found["straight_lining"] = {
            "items": list(rule.questions), "rule": "same_position_longstring", "at_least": str(rule.at_least),
        }  # fmt: skip
    if quality.contradictions:
        found["contradiction"] = [{"if": one.when.source, "flag": one.flag} for one in quality.contradictions]
    if quality.near_duplicate is not None:
        near = quality.near_duplicate
        found["near_duplicate"] = {
            "percent_match_at_least": digits(near.percent_match_at_least),
            "min_answered": str(near.min_answered),
            "within": list(near.within),
        }
    if quality.burst is not None:
        burst = quality.burst
        found["burst"] = {
            "window_minutes": str(burst.window_minutes), "poisson_p_below": digits(burst.poisson_p_below),
            "per": burst.per,
        }  # fmt: skip
    return found


def words_tree(words: Words) -> dict[str, Tree]:
    found: dict[str, Tree] = dict(words.texts)
    if words.translated_from:
        found["from"] = dict(words.translated_from)
    return found


def digits(number: float) -> str:
    """A number as YAML has it here: never with an exponent."""
    return str(int(number)) if number == int(number) else format(number, ".9f").rstrip("0")


def _put_words(found: dict[str, Tree], name: str, words: Words | None) -> None:
    if words is not None and words.texts:
        found[name] = words_tree(words)


def _put_expression(found: dict[str, Tree], name: str, expression: Expression | None) -> None:
    if expression is not None:
        found[name] = expression.source


def _lines(value: Mapping[str, Tree], depth: int) -> list[str]:
    """Block style for what is long or nests, flow style for the rest."""
    indent = "  " * depth
    lines = []
    for key, item in value.items():
        head = f"{indent}{_scalar(key)}:"
        nests = isinstance(item, list) and any(isinstance(part, dict) for part in item)
        line = "" if nests else f"{head} {flow(item)}"
        if not nests and (isinstance(item, str) or not item or len(line) <= WIDTH):
            lines.append(line)
        elif isinstance(item, dict):
            lines.append(head)
            lines += _lines(item, depth + 1)
        else:
            lines.append(head)
            for part in item or ():
                short = "" if _is_long(part) else f"{indent}  - {flow(part)}"
                if isinstance(part, dict) and (not short or len(short) > WIDTH):
                    first, *rest = _lines(part, depth + 2)
                    lines += [f"{indent}  - {first.lstrip()}", *rest]
                else:
                    lines.append(short)
    return lines


def _is_long(part: Tree) -> bool:
    """Whether a part is too long for a line, as can be told at once."""
    most = WIDTH // 3  # a value and what parts it from the next one
    return isinstance(part, dict) and any(isinstance(value, list) and len(value) > most for value in part.values())


@lru_cache(maxsize=4096)
def _scalar(text: str) -> str:
    """A text as it must be written: plain where that is safe for every reader of YAML, else in double quotes."""
    if PLAIN.match(text) and text.casefold() not in TAKEN_FOR_ELSE:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if escaped.isprintable():
        return f'"{escaped}"'
    return '"' + "".join(c if c.isprintable() else _escaped(ord(c)) for c in escaped) + '"'


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
