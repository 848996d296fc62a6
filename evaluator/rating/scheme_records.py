"""Reading what a scheme makes of records: classes that are counted or taken off, and vetoes that cap a grade."""

from __future__ import annotations

from evaluator.rating import scheme_form as form
from evaluator.rating.defects import likely
from evaluator.rating.scheme import UNSAID, Indicator, Label, RecordClass, Records, Veto
from evaluator.rating.yaml_nodes import Node

EVENT_STATES = ("alleged", "contested", "final", "rectified", "repaired", "expired")


def read_records(node: Node, indicators: tuple[Indicator, ...], vetoes: tuple[Veto, ...]) -> Records:
    """The classes of records, what a record weighs in each state, and how much is taken off."""
    fields = node.fields(form.keys(form.RecordsForm))
    codes = {indicator.code: indicator for indicator in indicators}
    classes = tuple(
        _record_class(code, entry, codes, [veto.code for veto in vetoes])
        for code, entry in (fields["classes"].items() if "classes" in fields else ())
    )
    weight = {}
    for state, entry in fields["weight"].items() if "weight" in fields else ():
        if state not in EVENT_STATES:
            entry.wrong(f"'weight' of the records names an unknown state {state!r}", likely(state, EVENT_STATES))
            continue
        weight[state] = entry.number(0, 1)
    exposure, saturating = None, 15.0
    if "deduction" in fields:
        deduction = fields["deduction"].fields(form.keys(form.DeductionForm))
        if "exposure" in deduction:
            exposure = deduction["exposure"].code()
            if exposure not in codes:
                deduction["exposure"].wrong(
                    f"the deduction's exposure is that of an unknown indicator {exposure!r}", likely(exposure, codes)
                )
            elif codes[exposure].source != "rate":
                deduction["exposure"].wrong(
                    f"the deduction's exposure is that of {exposure!r}, whose source is {codes[exposure].source!r}",
                    "name an indicator of source 'rate'",
                )
        if "saturating" in deduction:
            saturating = deduction["saturating"].number(above=0)
    return Records(classes=classes, weight=weight, deduction_exposure=exposure, saturating=saturating)


def _record_class(code: str, entry: Node, indicators: dict[str, Indicator], vetoes: list[str]) -> RecordClass:
    entry.what = f"record class {code!r}"
    fields = {} if entry.is_blank() else entry.fields(form.keys(form.RecordClassForm))
    name = fields["name"].label() if "name" in fields else Label(zh=code, en=code)
    use = fields["in_rating"].text() if "in_rating" in fields else "false"
    if use in ("false", "no", "none"):
        return RecordClass(code=code, name=name)
    if use == "deduction":
        if "points" not in fields:
            entry.wrong(f"{entry.what} is a deduction without points", "write `points: ...`")
        return RecordClass(
            code=code,
            name=name,
            use="deduction",
            points=fields["points"].number(above=0) if "points" in fields else 1.0,
        )
    if "points" in fields:
        fields["points"].wrong(f"{entry.what} has points but is no deduction", "leave them out: one event counts once")
    if use == "veto":
        veto = fields["veto"].code() if "veto" in fields else code
        if veto not in vetoes:
            place = fields.get("veto", entry)
            place.wrong(f"{entry.what} names an unknown veto {veto!r}", likely(veto, vetoes))
        return RecordClass(code=code, name=name, use="veto", veto=veto)
    if use not in indicators:
        fields["in_rating"].wrong(
            f"{entry.what} names an unknown indicator {use!r}", likely(use, ["false", "deduction", "veto", *indicators])
        )
    elif indicators[use].source not in ("rate", "share"):
        fields["in_rating"].wrong(
            f"{entry.what} feeds {use!r}, whose source is {indicators[use].source!r}", "events feed a rate or a share"
        )
    return RecordClass(code=code, name=name, use="indicator", indicator=use, in_force_months=_in_force(entry, fields))


def _in_force(entry: Node, fields: dict[str, Node]) -> int | None:
    """How many months a record counts, by the part of the period that lies in them; None: whole, when its document is
    of the period."""
    how = fields["counted"].text() if "counted" in fields else "whole"
    if how == "whole":
        return None
    if how != "days_in_force":
        fields["counted"].wrong(f"{entry.what} is counted {how!r}", likely(how, ["whole", "days_in_force"]))
        return None
    if "published_max_months" not in fields:
        entry.wrong(f"{entry.what} counts by its days in force without an end", "write `published_max_months: ...`")
        return None
    return int(fields["published_max_months"].number(above=0))


def read_vetoes(node: Node | None, grades: list[str]) -> tuple[Veto, ...]:
    """What caps a grade, and at which one."""
    found = []
    for code, entry in node.items() if node else ():
        entry.what = f"veto {code!r}"
        fields = {} if entry.is_blank() else entry.fields(form.keys(form.VetoForm))
        if "cap" not in fields:
            entry.wrong(f"{entry.what} has no cap", "write `cap:` with the best grade still open")
        cap = fields["cap"].text() if "cap" in fields else ""
        if "cap" in fields and cap not in grades:
            fields["cap"].wrong(f"{entry.what} has the cap {cap!r}, which is no grade", likely(cap, grades))
        when = fields.get("when") or fields.get("while")
        found.append(
            Veto(
                code=code,
                cap=cap,
                when=when.label() if when else UNSAID,
                source=fields["source"].label() if "source" in fields else UNSAID,
                name=fields["name"].label() if "name" in fields else Label(zh=code, en=code),
            )
        )
    return tuple(found)
