"""What changed in one question: its type, its rules, its choices, its words."""

from __future__ import annotations

from collections.abc import Sequence

from questionnaires.changes import Changes, Effect, _, meaning, word
from questionnaires.definition import Choice, Question, ScoreAny, ScoreLinear, ScoringRule
from questionnaires.expression import Expression

TEXTS = ("text", "hint", "guidance", "required_message", "constraint_message", "source", "tested")
RULES = (  # expressions: another one makes other answers possible, or asks other people
    ("constraint", _("another constraint: %(new)s instead of %(old)s")),
    ("calculate", _("another calculation: %(new)s instead of %(old)s")),
    ("choice_filter", _("another filter of choices: %(new)s instead of %(old)s")),
    ("default_from", _("another answer at first: %(new)s instead of %(old)s")),
)
VALUES: tuple[tuple[str, Effect, str], ...] = (
    ("kind", "breaking", _("another kind: %(new)s instead of %(old)s")),
    ("role", "breaking", _("another role: %(new)s instead of %(old)s")),
    ("default", "breaking", _("another answer at first: %(new)s instead of %(old)s")),
    ("trigger", "breaking", _("worked out anew by other answers: %(new)s instead of %(old)s")),
    ("randomise", "remark", _("shuffled: %(new)s instead of %(old)s; the order of choices can move answers")),
    ("reverse_half", "remark", _("reversed for half: %(new)s instead of %(old)s; their order can move answers")),
    ("sensitive", "compatible", _("sensitive: %(new)s instead of %(old)s")),
    ("appearance", "compatible", _("another appearance: %(new)s instead of %(old)s")),
)  # fmt: skip


def compare_questions(changes: Changes, place: str, old: Question, new: Question) -> None:
    """Tell what changed from one version of a question to the next, but its relevance and its place."""
    for name in TEXTS:
        changes.words(place, name, getattr(old, name), getattr(new, name))
    if old.type != new.type:
        changes.add(
            place, "type", "breaking", _("another type: %(new)s instead of %(old)s"), new=new.type, old=old.type
        )
        return
    if new.type == "note":
        return
    for name, what in RULES:
        before, after = getattr(old, name), getattr(new, name)
        if meaning(before) != meaning(after):
            changes.add(place, name, "breaking", what, new=after, old=before)
    for name, effect, what in VALUES:
        if getattr(old, name) != getattr(new, name):
            changes.add(place, name, effect, what, new=getattr(new, name), old=getattr(old, name))
    _required(changes, place, old, new)
    before, after = (_when(one.readonly_always, one.readonly) for one in (old, new))
    if before != after:
        what = _("readonly is %(new)s, before %(old)s")
        changes.add(place, "readonly", "breaking", what, new=after, old=before)
    _numbers(changes, place, old, new)
    compare_choices(changes, place, old, new)
    _score(changes, place, old, new)


def compare_choices(changes: Changes, place: str, old: Question, new: Question) -> None:
    """Tell what changed in the answers that a question offers."""
    was, now = _by_code(old.choices), _by_code(new.choices)
    added = [code for code in now if code not in was]
    for code in was:
        if code in now:
            _choice(changes, f"{place}/{code}", was[code], now[code])
            continue
        same = next((other for other in added if now[other][0].text.texts == was[code][0].text.texts), None)
        if same is None:
            changes.add(f"{place}/{code}", "choice_removed", "breaking", _("this choice is not offered any more"))
        else:
            changes.add(
                f"{place}/{code}", "choice_renamed", "breaking",
                _("this choice has another code, %(new)s; a code never changes, only its words"), new=same,
            )  # fmt: skip
    for code in added:
        words = next(iter(dict(now[code][0].text.texts).values()), code)
        changes.add(f"{place}/{code}", "choice_added", "compatible", _("a new choice: “%(new)s”"), new=words)
        if now[code][0].score is not None or (isinstance(new.score, ScoreAny) and code in new.score.of):
            changes.add(
                f"{place}/{code}", "choice_added_scored", "remark",
                _("the new choice scores; who answered before could not choose it"),
            )  # fmt: skip
    kept = [code for code in was if code in now]
    if kept != [code for code in now if code in was]:
        changes.add(place, "choices_order", "compatible", _("the choices stand in another order"))
    before = tuple(code for code in old.exclusive if code in now)
    after = tuple(code for code in new.exclusive if code in was)
    if set(before) != set(after):
        changes.add(
            place, "exclusive", "breaking", _("other choices go with no other: %(new)s instead of %(old)s"),
            new=new.exclusive, old=old.exclusive,
        )  # fmt: skip
    was_told, now_told = dict(old.anchors), dict(new.anchors)
    for number in dict.fromkeys([*now_told, *was_told]):
        changes.words(f"{place}/labels/{number}", "label", was_told.get(number), now_told.get(number))


def _by_code(choices: Sequence[Choice]) -> dict[str, list[Choice]]:
    """With a filter a code may stand more than once."""
    found: dict[str, list[Choice]] = {}
    for choice in choices:
        found.setdefault(choice.code, []).append(choice)
    return found


def _choice(changes: Changes, place: str, old: list[Choice], new: list[Choice]) -> None:
    changes.words(place, "text", old[0].text, new[0].text)
    before, after = ({_columns(choice) for choice in choices} for choices in (old, new))
    if not before <= after:
        changes.add(place, "choice_columns", "breaking", _("the columns that a filter reads have other values"))
    elif before != after:
        changes.add(place, "choice_columns_added", "compatible", _("is now offered in more places"))
    if old[0].score != new[0].score:
        changes.add(
            place, "choice_score", "breaking", _("another score: %(new)s instead of %(old)s"),
            new=new[0].score, old=old[0].score,
        )  # fmt: skip
    if old[0].role != new[0].role:
        changes.add(
            place, "choice_role", "breaking", _("another role: %(new)s instead of %(old)s"),
            new=new[0].role, old=old[0].role,
        )  # fmt: skip


def _columns(choice: Choice) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(choice.columns))


def _when(always: bool, condition: Expression | None) -> str | bool:
    return True if always else False if condition is None else meaning(condition)


def _required(changes: Changes, place: str, old: Question, new: Question) -> None:
    before, after = (_when(one.required_always, one.required) for one in (old, new))
    if before == after:
        return
    if after is False:
        what = _("may be left without an answer now; fewer may answer it than before")
        changes.add(place, "required_loosened", "remark", what)
    else:
        what = _("required is %(new)s, before %(old)s")
        changes.add(place, "required", "breaking", what, new=after, old=before)


def _numbers(changes: Changes, place: str, old: Question, new: Question) -> None:
    before, after = old.range or old.limits, new.range or new.limits
    if before != after or old.step != new.step:
        typed = new.type in ("integer", "decimal") and old.step == new.step
        scored = old.score is not None or new.score is not None  # a score may lie on the line between the two ends
        wider = (
            typed
            and not scored
            and before is not None
            and (after is None or (after[0] <= before[0] and before[1] <= after[1]))
        )
        if wider:
            what = _("takes more numbers now: %(new)s instead of %(old)s; who answered before could not give them")
            changes.add(place, "range_widened", "remark", what, new=after, old=before)
        else:
            what = _("other numbers: %(new)s in steps of %(step)s instead of %(old)s in steps of %(was)s")
            changes.add(place, "range", "breaking", what, new=after, step=new.step or 1, old=before, was=old.step or 1)
    if old.max_length != new.max_length:
        effect: Effect = "compatible" if (new.max_length or 0) > (old.max_length or 0) else "breaking"
        what = _("takes at most %(new)s characters, before %(old)s")
        changes.add(place, "max_length", effect, what, new=new.max_length, old=old.max_length)


def _score(changes: Changes, place: str, old: Question, new: Question) -> None:
    """Rules are compared on the answers that both versions have: what a new choice scores is told with the choice."""
    both = {choice.code for choice in old.choices} & {choice.code for choice in new.choices}
    if _rule(old.score, both) != _rule(new.score, both):
        changes.add(
            place, "score", "breaking", _("another score: %(new)s instead of %(old)s"),
            new=_told(new.score), old=_told(old.score),
        )  # fmt: skip


def _rule(rule: ScoringRule | None, known: set[str]) -> object:
    if isinstance(rule, ScoreAny):
        return "any", rule.hit, rule.miss, known & set(rule.of), known & set(rule.missing)
    if isinstance(rule, ScoreLinear):
        return "linear", rule.low, rule.high, known & set(rule.missing)
    return "by choice" if rule is not None else None


def _told(rule: ScoringRule | None) -> str | None:
    """The same in every language."""
    if isinstance(rule, ScoreAny):
        told = f"{', '.join(rule.of)}: {rule.hit:g}; *: {rule.miss:g}"
    elif isinstance(rule, ScoreLinear):
        told = f"{rule.low:g} ... {rule.high:g}"
    else:
        return None if rule is None else word(_("by choice"))
    return f"{told}; {', '.join(rule.missing)}: -" if rule.missing else told
