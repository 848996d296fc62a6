"""What an edition before tells the estimates of this one."""

from __future__ import annotations

from evaluator.rating.edition import Edition
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_diff import rates_alike


def before(scheme: Scheme, earlier: Edition | None) -> dict[str, dict[str, float]] | None:
    """Item -> unit -> what was published of the citizens' answers an edition ago.

    None without such an edition, where the scheme does not make it a covariate, or where the edition was rated by
    another scheme: its numbers could mean something else.
    """
    if earlier is None or not scheme.citizens.previous_edition or not rates_alike(earlier.scheme, scheme):
        return None
    item_of = {one.code: one.item for one in scheme.indicators if one.source == "citizen" and one.item}
    inputs = earlier.table("inputs")
    found: dict[str, dict[str, float]] = {item: {} for item in item_of.values()}
    columns = (inputs[name].tolist() for name in ("unit", "indicator", "screening", "family", "a"))
    for unit, indicator, screening, family, a in zip(*columns, strict=True):
        if screening == "main" and family == "normal" and indicator in item_of:
            found[item_of[indicator]][unit] = a
    return found
