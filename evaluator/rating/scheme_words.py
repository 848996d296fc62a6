"""What a new version of a scheme changes, for whom, in sentences: what people read before they agree to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from evaluator import language
from evaluator.language import gettext as _
from evaluator.language import ngettext
from evaluator.rating.nodes import groups, parent_of, shares
from evaluator.rating.scheme import Indicator, Scheme
from evaluator.rating.scheme_diff import flat

SAME = 5e-7  # of the index: less is no change of a share


def in_words(old: Scheme, new: Scheme) -> list[str]:
    """A sentence a change, in the language of the context; the last says whose rating can change.

    Empty when nothing changed.
    """
    paths = _paths(old, new)
    if not paths:
        return []
    said: list[str] = []
    touched: set[str] = set()
    if old.code != new.code:
        said.append(_("The scheme is called %(new)s, no longer %(old)s.") % {"old": old.code, "new": new.code})
    elif old.version == new.version:
        said.append(same_version(old))
    for part in (_levels, _structure, _indicators, _weights, _scales, _grades, _vetoes, _classes, _settings):
        lines, levels = part(old, new, paths)
        said += lines
        touched |= levels
    texts = [path for path in paths if _is_wording(path)]
    if texts:
        said.append(
            ngettext(
                "Wording: %(number)d text is changed; no rating can change by this.",
                "Wording: %(number)d texts are changed; no rating can change by this.",
                len(texts),
            )
            % {"number": len(texts)}
        )
    there = [code for code in new.levels if code in touched]
    if there:
        said.append(_("Ratings can change at: %(levels)s.") % {"levels": _names(new, there)})
    else:
        harmless = _("No rating can change by this.")  # said once, of all
        said = [*(line.removesuffix(f" {harmless}") for line in said), harmless]
    return said


def same_version(scheme: Scheme) -> str:
    """That two schemes of one version differ."""
    return _(
        "Both are version %(version)s of %(code)s, yet they differ: give the new one another version, or nobody can "
        "tell by which an edition was rated."
    ) % {"version": scheme.version, "code": scheme.code}


def _paths(old: Scheme, new: Scheme) -> dict[str, tuple[Any, Any]]:
    """Where the two differ: path -> what was there and what is; None: nothing."""
    before, after = flat("", msgspec.to_builtins(old)), flat("", msgspec.to_builtins(new))
    return {
        path: (json.loads(before[path]) if path in before else None, json.loads(after[path]) if path in after else None)
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    }


def _is_wording(path: str) -> bool:
    return path.rpartition(".")[2] in ("zh", "en")


Part = tuple[list[str], set[str]]  # sentences, and the levels whose ratings they can change


def _names(scheme: Scheme, codes: Iterable[str]) -> str:
    return _(", ").join(language.said(scheme.levels[code]) if code in scheme.levels else code for code in codes)


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _levels(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    said = []
    for code in new.levels:
        if code not in old.levels:
            said.append(_("New level: %(level)s.") % {"level": _names(new, [code])})
    for code in old.levels:
        if code not in new.levels:
            said.append(_("Level %(level)s is no longer rated.") % {"level": _names(old, [code])})
    return said, {code for code in new.levels if code not in old.levels}


def _structure(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    before, after = ({one.code: one for one in groups(scheme)} for scheme in (old, new))
    said, touched = [], set()
    for code, one in after.items():
        was = before.get(code)
        name = language.said(one.name)
        if was is None:
            said.append(_("New in the tree: %(name)s.") % {"name": name})
            continue
        if was.parent != one.parent:
            there = language.said(after[one.parent].name) if one.parent else _("the index")
            said.append(_("%(name)s now belongs to %(parent)s.") % {"name": name, "parent": there})
            touched |= _levels_under(new, code)
        if was.aggregation != one.aggregation:
            said.append(
                _("%(name)s is made of its members by another mean: %(old)s, now %(new)s.")
                % {"name": name, "old": _mean(old, was.aggregation), "new": _mean(new, one.aggregation)}
            )
            touched |= _levels_under(new, code)
    for code, one in before.items():
        if code not in after:
            said.append(_("No longer in the tree: %(name)s.") % {"name": language.said(one.name)})
            touched |= _levels_under(old, code) & set(new.levels)
    return said, touched


def _levels_under(scheme: Scheme, node: str) -> set[str]:
    above = {one.code: one.parent for one in groups(scheme)}

    def lies(code: str) -> bool:
        while code:
            if code == node:
                return True
            code = above.get(code, "")
        return False

    return {level for one in scheme.indicators if lies(parent_of(one)) for level in one.levels or scheme.levels}


def _mean(scheme: Scheme, value: float | str | None) -> str:
    how = scheme.aggregation.within_dimension if value is None else value
    named = {1.0: _("arithmetic mean"), 0.0: _("geometric mean"), -1.0: _("harmonic mean"), "median": _("median")}
    return named[how] if how in named else _("power mean with exponent %(exponent)s") % {"exponent": f"{how:g}"}


def _where(scheme: Scheme, one: Indicator) -> set[str]:
    return set(one.levels or scheme.levels)


def _indicators(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    before, after = ({one.code: one for one in scheme.indicators} for scheme in (old, new))
    said, touched = [], set()
    for code, one in after.items():
        was = before.get(code)
        name = language.said(one.name)
        if was is None:
            said.append(
                _("New indicator: %(name)s, at %(levels)s.") % {"name": name, "levels": _names(new, one.levels)}
            )
            touched |= _where(new, one)
            continue
        more = [level for level in one.levels if level not in was.levels]
        less = [level for level in was.levels if level not in one.levels]
        if more:
            said.append(_("%(name)s now applies at %(levels)s too.") % {"name": name, "levels": _names(new, more)})
        if less:
            said.append(_("%(name)s no longer applies at %(levels)s.") % {"name": name, "levels": _names(old, less)})
        touched |= set(more) | (set(less) & set(new.levels))
        if parent_of(was) != parent_of(one):
            node = next((g for g in groups(new) if g.code == parent_of(one)), None)
            there = language.said(node.name) if node else parent_of(one)
            said.append(_("%(name)s now belongs to %(parent)s.") % {"name": name, "parent": there})
            touched |= _where(new, one)
        measured = ("source", "item", "exposure", "per", "denominator", "scale")
        if any(getattr(was, key) != getattr(one, key) for key in measured):
            said.append(
                _("%(name)s is measured otherwise, at %(levels)s: %(changes)s.")
                % {
                    "name": name,
                    "levels": _names(new, one.levels),
                    "changes": _(", ").join(
                        f"{key} {_plain(getattr(was, key))} → {_plain(getattr(one, key))}"
                        for key in measured
                        if getattr(was, key) != getattr(one, key)
                    ),
                }
            )
            touched |= _where(new, one)
        if was.tasks != one.tasks:
            said.append(
                _("%(name)s answers for other tasks: %(tasks)s; no rating can change by this.")
                % {"name": name, "tasks": " ".join(one.tasks) or "–"}
            )
    for code, one in before.items():
        if code not in after:
            said.append(
                _("No longer measured: %(name)s, which applied at %(levels)s.")
                % {"name": language.said(one.name), "levels": _names(old, one.levels)}
            )
            touched |= _where(old, one) & set(new.levels)
    return said, touched


def _weights(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    """What of the index each node and indicator makes up, level by level, where it is another share than before."""
    said, touched = [], set()
    common = [level for level in new.levels if level in old.levels]
    before = {level: shares(old, level) for level in common}
    after = {level: shares(new, level) for level in common}
    for one in (*groups(new), *new.indicators):
        moved: dict[tuple[str, str], list[str]] = {}
        for level in common:
            was, now = before[level].get(one.code, 0.0), after[level].get(one.code, 0.0)
            if abs(now - was) > SAME:
                moved.setdefault((_percent(was), _percent(now)), []).append(level)
                touched.add(level)
        for (was_said, now_said), levels in moved.items():
            said.append(
                _("%(name)s: from %(old)s to %(new)s of the index, at %(levels)s.")
                % {"name": language.said(one.name), "old": was_said, "new": now_said, "levels": _names(new, levels)}
            )
    if not said and any("weight" in path.split(".")[-1] or path.startswith("weights") for path in paths):
        said.append(_("Weights are written otherwise, every share of the index stays the same."))
    return said, touched


def _scales(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    before = {one.code: one for one in old.indicators}
    said, touched = [], set()
    for one in new.indicators:
        was = before.get(one.code)
        if was is None:
            continue
        where = {"name": language.said(one.name), "levels": _names(new, one.levels)}
        if was.goal and one.goal and was.goal != one.goal:
            ends = {f"{key}{k}": f"{goal[k]:g}" for key, goal in (("old", was.goal), ("new", one.goal)) for k in (0, 1)}
            low, high = (f"{end:g}" for end in new.normalisation.scale)
            said.append(
                _(
                    "%(name)s, at %(levels)s: the value that scores %(low)s was %(old0)s and is %(new0)s, the value "
                    "that scores %(high)s was %(old1)s and is %(new1)s."
                )
                % {**where, **ends, "low": low, "high": high}
            )
            touched |= _where(new, one)
        elif any(getattr(was, key) != getattr(one, key) for key in ("goal", "direction", "normalisation", "target")):
            said.append(_("%(name)s, at %(levels)s: its number becomes a score in another way.") % where)
            touched |= _where(new, one)
        if was.treatment != one.treatment:
            said.append(_("%(name)s, at %(levels)s: outliers are treated otherwise.") % where)
            touched |= _where(new, one)
    return said, touched


def _grades(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    before, after = dict(old.grades.bands), dict(new.grades.bands)
    said = []
    for grade, limit in after.items():
        if grade not in before:
            said.append(_("New grade %(grade)s, from %(limit)s.") % {"grade": grade, "limit": f"{limit:g}"})
        elif before[grade] > limit:
            said.append(
                _("Grade %(grade)s begins at %(new)s, no longer at %(old)s: units between them go up.")
                % {"grade": grade, "old": f"{before[grade]:g}", "new": f"{limit:g}"}
            )
        elif before[grade] < limit:
            said.append(
                _("Grade %(grade)s begins at %(new)s, no longer at %(old)s: units between them go down.")
                % {"grade": grade, "old": f"{before[grade]:g}", "new": f"{limit:g}"}
            )
    said += [_("Grade %(grade)s is no longer given.") % {"grade": grade} for grade in before if grade not in after]
    return said, set(new.levels) if said else set()


def _vetoes(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    before, after = ({one.code: one for one in scheme.vetoes} for scheme in (old, new))
    said = []
    for code, one in after.items():
        name = language.said(one.name)
        if code not in before:
            said.append(_("New veto: %(name)s caps the grade at %(cap)s.") % {"name": name, "cap": one.cap})
        elif before[code].cap != one.cap:
            said.append(
                _("Veto %(name)s caps the grade at %(new)s, no longer at %(old)s, of units under it.")
                % {"name": name, "old": before[code].cap, "new": one.cap}
            )
    for code, one in before.items():
        if code not in after:
            said.append(_("Veto %(name)s no longer caps a grade.") % {"name": language.said(one.name)})
    return said, set(new.levels) if said else set()


def _classes(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    before, after = ({one.code: one for one in scheme.records.classes} for scheme in (old, new))
    said = []
    for code in dict.fromkeys([*before, *after]):
        was, one = before.get(code), after.get(code)
        name = language.said((one or was).name)  # type: ignore[union-attr]  # one of them is there
        if was is None or one is None:
            word = _("New class of records: %(name)s.") if was is None else _("No longer a class of records: %(name)s.")
            said.append(word % {"name": name})
        elif any(getattr(was, k) != getattr(one, k) for k in ("use", "indicator", "points", "veto", "in_force_months")):
            said.append(
                _("Records of class %(name)s count otherwise, for units that have such records: %(old)s, now %(new)s.")
                % {"name": name, "old": _use(was), "new": _use(one)}
            )
    return said, set(new.levels) if said else set()


def _use(one: Any) -> str:
    if one.use == "deduction":
        return _("a deduction of %(points)s points before saturation") % {"points": f"{one.points:g}"}
    if one.use == "veto":
        return _("a veto: %(veto)s") % {"veto": one.veto}
    if one.use == "indicator":
        return _("counted in: %(indicator)s") % {"indicator": one.indicator}
    return _("not in the rating")


def _setting_names() -> dict[str, tuple[str, bool]]:
    """What a setting is called, and whether a rating can change by it."""
    return {
        "normalisation.method": (_("How numbers become scores"), True),
        "normalisation.scale": (_("The scale of scores"), True),
        "normalisation.clip": (_("Whether scores end at the ends of the scale"), True),
        "normalisation.mean": (_("The mean of standardised scores"), True),
        "normalisation.sd": (_("The standard deviation of standardised scores"), True),
        "aggregation.within_dimension": (_("The mean within dimensions (exponent)"), True),
        "aggregation.across_dimensions": (_("The mean across dimensions (exponent)"), True),
        "treatment": (_("How outliers are treated"), True),
        "missing.min_present": (_("Indicators of its own that a unit needs"), True),
        "missing.min_weight_present": (_("Share of the weight that must be a unit's own"), True),
        "missing.dimension_min": (_("Share of a dimension's weight that must be a unit's own"), True),
        "missing.impute": (_("How missing numbers are filled in"), True),
        "missing.by": (_("Among whom missing numbers are filled in"), True),
        "missing.neighbours": (_("From how many similar units missing numbers are filled in"), True),
        "citizens.previous_edition": (_("Whether the edition before helps to estimate what citizens say"), True),
        "records.weight": (_("What records count by their state"), True),
        "records.deduction_exposure": (_("By what size deductions are moderated"), True),
        "records.saturating": (_("Points that can be taken off at most"), True),
        "grades.min_reliability": (_("Least reliability of a grade"), True),
        "grades.move_probability": (_("How sure it must be that a grade moves"), True),
        "grades.max_misordered": (_("Pairs of different tiers in the wrong order at most"), True),
        "ranks.coverage": (_("Probability of rank ranges"), True),
        "ranks.credible_above": (_("Units from which on ranks are credible ranges"), True),
        "uncertainty.draws": (_("Number of draws"), True),
        "uncertainty.interval": (_("Probability of intervals"), True),
        "publication.citizen_min_reliability": (_("Least reliability of what citizens say"), True),
        "publication.cell_min": (_("Respondents below which nothing is told"), True),
        "publication.max_interval_width": (_("Widest interval of what citizens say"), True),
        "publication.min_assessors": (_("Assessors needed"), True),
        "publication.assessor_min_reliability": (_("Least reliability of assessments"), True),
        "publication.min_level_units": (_("Units that a level needs to be graded and ranked"), True),
        "publication.decimals": (_("Decimals shown on pages"), False),
        "publication.reply_days": (_("Days for replies before publication"), False),
        "sensitivity": (_("Alternatives that are reported beside the rating"), False),
        "groups": (_("Groups of respondents that are estimated apart"), True),
    }


def _settings(old: Scheme, new: Scheme, paths: dict[str, tuple[Any, Any]]) -> Part:
    """All that is not told above: thresholds, publication rules, uncertainty."""
    names = _setting_names()
    said, touched = [], set()
    for path, (was, now) in paths.items():
        if _is_wording(path):
            continue
        known = next((key for key in names if path == key or path.startswith(key + ".")), None)
        if known is None:
            continue
        name, counts = names[known]
        rest = path.removeprefix(known).removeprefix(".")
        line = _("%(name)s: %(old)s, now %(new)s.") % {
            "name": f"{name} ({rest})" if rest else name,
            "old": _plain(was),
            "new": _plain(now),
        }
        said.append(line if counts else f"{line} {_('No rating can change by this.')}")
        if counts:
            touched |= set(new.levels)
    return said, touched


def _plain(value: Any) -> str:
    if value is None or value == []:
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(one) for one in value) + "]"
    return str(value)
