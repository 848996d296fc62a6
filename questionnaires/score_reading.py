"""How a question scores, from its file: a rule that fits the type and knows every choice that it names."""

from __future__ import annotations

from collections.abc import Mapping

from questionnaires.definition import NEVER_SCORED, Choice, ScoreAny, ScoreByChoice, ScoreLinear, ScoringRule
from questionnaires.document import Node
from questionnaires.reading import Reading

BY_RULE = ("multiple", "scale", "integer")


def read_score(
    reading: Reading,
    entries: Mapping[str, Node],
    kind: str | None,
    where: str,
    choices: tuple[Choice, ...],
    role: str | None,
) -> ScoringRule | None:
    """The scoring rule of a question, None for none."""
    rule: ScoringRule | None = None
    if kind == "single" and any(choice.score is not None for choice in choices):
        rule = ScoreByChoice()
    elif "score" in entries and kind in BY_RULE:
        rule = _rule(reading, entries["score"], kind, f"{where}/score", choices)
    if rule is not None and role is not None:
        reading.wrong(
            entries["role"], where, "a question of role %(role)s is never scored", "drop its scores", role=role
        )
    return rule


def _rule(reading: Reading, node: Node, kind: str | None, here: str, choices: tuple[Choice, ...]) -> ScoringRule | None:
    wanted = "any" if kind == "multiple" else "linear"
    keys = ("rule", "of", "hit", "miss", "missing") if kind == "multiple" else ("rule", "low", "high", "missing")
    found = reading.entries(node, here, keys, required=keys[:-1])
    if found is None:
        return None
    if "rule" in found:
        reading.one_of(found["rule"], here, "rule for this type", (wanted,))
    codes = tuple(choice.code for choice in choices)
    first, second = ("hit", "miss") if kind == "multiple" else ("low", "high")
    one = reading.number(found[first], f"{here}/{first}", 0, 100, 3) if first in found else None
    two = reading.number(found[second], f"{here}/{second}", 0, 100, 3) if second in found else None
    if one is not None and one == two:
        reading.wrong(
            found[second],
            here,
            "%(first)s and %(second)s score the same",
            "make them differ",
            first=first,
            second=second,
        )
    missing = reading.codes(found["missing"], f"{here}/missing", "choice", codes) if "missing" in found else ()
    of = reading.codes(found["of"], f"{here}/of", "choice", codes) if kind == "multiple" and "of" in found else ()
    # Beside the numbers of a scale there is nothing that could be scored.
    needed = codes if kind != "multiple" else tuple(code for code in NEVER_SCORED if code in codes)
    for code in needed:
        if code not in missing:
            reading.wrong(found.get("missing", node), here, "%(code)s is never scored", "add it to missing", code=code)
    for code in of:
        if code in missing:
            reading.wrong(found["of"], here, "%(code)s is both in of and in missing", "keep it in one", code=code)
    if one is None or two is None:
        return None
    return ScoreAny(of, one, two, missing) if kind == "multiple" else ScoreLinear(one, two, missing)
