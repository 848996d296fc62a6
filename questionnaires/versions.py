"""Two versions of a questionnaire side by side: what changed, and whether a live campaign may move to the other.

Compatible changes keep every answer that was given: its code, its score and who was asked are the same. What breaks
comparison needs a new campaign. A remark is compatible, and somebody should know of it.
"""

from __future__ import annotations

import msgspec

from questionnaires.changes import Change, Changes, Effect, _, meaning, word
from questionnaires.definition import Question, Questionnaire, Section
from questionnaires.expression import Expression
from questionnaires.question_changes import compare_questions

__all__ = ["Change", "Effect", "Report", "compare"]


class Report(msgspec.Struct, frozen=True):
    """Every change from `old` to `new` (both CODE@VERSION), in the order of the new form."""

    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def compatible(self) -> bool:
        """Whether a live campaign may move."""
        return not self.breaking

    @property
    def breaking(self) -> tuple[Change, ...]:
        """What breaks comparison."""
        return tuple(change for change in self.changes if change.effect == "breaking")

    def lines(self) -> list[str]:
        """One line a change, in English: `breaking view/kept/half: this choice is not offered any more`."""
        return [
            f"{change.effect} {change.place + ': ' if change.place else ''}{change.message()}"
            for change in self.changes
        ]


def compare(old: Questionnaire, new: Questionnaire) -> Report:
    """What changed from one version to another.

    Examples
    --------
    >>> from questionnaires.loading import load_shipped, loads, shipped_text
    >>> text = shipped_text("sd-citizen").replace('"2026.1"', '"2026.2"').replace("code: several,", "code: often,")
    >>> text = text.replace("${contact}, 'several'", "${contact}, 'often'")
    >>> report = compare(load_shipped("sd-citizen"), loads(text))
    >>> report.compatible, report.breaking[0].place, report.breaking[0].kind
    (False, 'contact/contact/several', 'choice_renamed')
    """
    changes = Changes()
    _whole(changes, old, new)
    _sections(changes, old, new)
    _items(changes, old, new)
    _quality(changes, old, new)
    return Report(old.identifier, new.identifier, tuple(changes.found))


def _whole(changes: Changes, old: Questionnaire, new: Questionnaire) -> None:
    if old.code != new.code:
        changes.add(
            "", "code", "breaking", _("another questionnaire: %(new)s instead of %(old)s"), new=new.code, old=old.code
        )
    for name in ("title", "source", "tested"):
        changes.words(name, name, getattr(old, name), getattr(new, name))
    if old.audience != new.audience:
        changes.add(
            "", "audience", "breaking", _("asks others: %(new)s instead of %(old)s"), new=new.audience, old=old.audience
        )
    for language in old.languages:
        if language not in new.languages:
            what = _("the language %(language)s is gone; who reads only that cannot answer any more")
            changes.add("", "language_removed", "breaking", what, language=language)
    for language in new.languages:
        if language not in old.languages:
            changes.add("", "language_added", "compatible", _("has the language %(language)s now"), language=language)
    if old.languages[0] != new.languages[0] and old.languages[0] in new.languages:
        what = _("the main language is %(new)s, before %(old)s")
        changes.add("", "language_first", "remark", what, new=new.languages[0], old=old.languages[0])
    if (old.target_median, old.target_floor, old.routes) != (new.target_median, new.target_floor, new.routes):
        what = _("other promises of how long it takes, or of how many questions there are")
        changes.add("", "length", "compatible", what)
    if old.imported != new.imported or old.translating != new.translating:
        changes.add("", "checking", "compatible", _("is checked more or less strictly when it is loaded"))


def _sections(changes: Changes, old: Questionnaire, new: Questionnaire) -> None:
    """Words of sections and groups, and how they are laid out; their conditions are told of each item."""
    was = {section.code: section for section in old.sections}
    for section in new.sections:
        before = was.get(section.code)
        if before is None:
            changes.add(section.code, "section_added", "compatible", _("a new section"))
            continue
        changes.words(section.code, "title", before.title, section.title)
        changes.words(section.code, "note", before.note, section.note)
        groups = {group.code: group for group in before.groups}
        for group in section.groups:
            earlier = groups.get(group.code)
            if earlier is None:
                continue
            place = f"{section.code}/{group.code}"
            changes.words(place, "title", earlier.title, group.title)
            changes.words(place, "hint", earlier.hint, group.hint)
            if "repeat" in (group.kind, earlier.kind) and (group.kind, meaning(group.count)) != (
                earlier.kind, meaning(earlier.count),
            ):  # fmt: skip
                changes.add(place, "repeat", "breaking", _("is asked another number of times"))
        if _layout(before) != _layout(section):
            changes.add(section.code, "layout", "compatible", _("is divided into screens in another way"))
    for section in old.sections:
        if section.code not in {section.code for section in new.sections}:
            what = _("this section is gone; what became of its questions is told of each")
            changes.add(section.code, "section_removed", "compatible", what)


def _layout(section: Section) -> object:
    groups = [(group.code, group.kind, group.parent, group.together, group.appearance) for group in section.groups]
    return section.show, groups, [(item.code, item.group) for item in section.items if item.group]


def _items(changes: Changes, old: Questionnaire, new: Questionnaire) -> None:
    was = {item.code: (section, item) for section in old.sections for item in section.items}
    now = {item.code: (section, item) for section in new.sections for item in section.items}
    added = [code for code in now if code not in was]
    for code, (section, item) in now.items():
        place = f"{section.code}/{code}"
        if code in was:
            before, earlier = was[code]
            if before.code != section.code:
                what = _("stands in another section; before it stood in %(old)s")
                changes.add(place, "moved", "compatible", what, old=before.code)
            compare_questions(changes, place, earlier, item)
            if item.type != "note":
                _relevance(changes, place, _conditions(before, earlier), _conditions(section, item))
        else:
            _added(changes, place, item)
    for code, (section, item) in was.items():
        if code not in now:
            _removed(changes, f"{section.code}/{code}", item, [now[other][1] for other in added])
    kept = [code for code in was if code in now]
    if kept != [code for code in now if code in was]:
        what = _("the questions stand in another order; what comes before a question can move its answers")
        changes.add("", "order", "compatible", what)


def _added(changes: Changes, place: str, item: Question) -> None:
    if item.required is not None or item.required_always:
        what = _("a new question that must be answered; who is in the middle of the form has not seen it")
        changes.add(place, "question_added_required", "breaking", what)
    else:
        what = _("a new item of the type %(type)s")
        changes.add(place, "question_added", "compatible", what, type=item.type)
        if item.role is not None:
            what = _("the new question has the role %(role)s; who answered before has no answer to it")
            changes.add(place, "question_added_role", "remark", what, role=item.role)


def _removed(changes: Changes, place: str, item: Question, added: list[Question]) -> None:
    if item.type in ("note", "metadata"):  # nothing of them is kept
        changes.add(place, "note_removed", "compatible", _("is not shown any more"))
        return
    same = next((other for other in added if item.text.texts and other.text.texts == item.text.texts), None)
    if same is None:
        what = _("this question is not asked any more")
        changes.add(place, "question_removed", "breaking", what)
    else:
        what = _("this question has another code, %(new)s; a code never changes, only its words")
        changes.add(place, "question_renamed", "breaking", what, new=same.code)


def _conditions(section: Section, item: Question) -> dict[str, Expression]:
    """The conditions that must all hold for an item to be asked, by what they mean."""
    found = [section.relevant, *(group.relevant for group in reversed(section.around(item))), item.relevant]
    return {meaning(condition): condition for condition in found if condition is not None}


def _relevance(changes: Changes, place: str, old: dict[str, Expression], new: dict[str, Expression]) -> None:
    if old.keys() == new.keys():
        return
    what = _("asked under another condition: %(new)s instead of %(old)s")
    changes.add(place, "relevant", "breaking", what, new=_all_of(new), old=_all_of(old))


def _all_of(conditions: dict[str, Expression]) -> str:
    sources = [condition.source for condition in conditions.values()]
    if len(sources) > 1:
        return " and ".join(f"({source})" for source in sources)
    return sources[0] if sources else word(_("always"))


def _quality(changes: Changes, old: Questionnaire, new: Questionnaire) -> None:
    was, now = old.quality, new.quality
    for name in ("too_fast", "straight_lining", "near_duplicate", "burst"):
        if getattr(was, name) != getattr(now, name):
            _rule(changes, name, getattr(now, name) is None)
    if meaning(was.prompted) != meaning(now.prompted):
        _rule(changes, "prompted", now.prompted is None)
    before = {one.flag: one.when for one in was.contradictions}
    after = {one.flag: one.when for one in now.contradictions}
    for flag in before:
        if flag not in after:
            _rule(changes, flag, True)
        elif meaning(before[flag]) != meaning(after[flag]):
            _rule(changes, flag, False)
    for flag in after:
        if flag not in before:
            _rule(changes, flag, False)


def _rule(changes: Changes, flag: str, gone: bool) -> None:
    if gone:
        what = _("the flag %(flag)s is gone; responses that carry it would not be understood")
        changes.add(f"quality/{flag}", "flag_removed", "breaking", what, flag=flag)
    else:
        what = _("the flag %(flag)s is raised by another rule; flags before and after do not compare")
        changes.add(f"quality/{flag}", "flag_rule", "remark", what, flag=flag)
