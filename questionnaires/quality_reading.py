"""What raises a flag, from a questionnaire's file."""

from __future__ import annotations

from collections.abc import Mapping

from questionnaires.conditions import Conditions
from questionnaires.definition import Burst, Contradiction, NearDuplicate, Quality, StraightLining, TooFast
from questionnaires.document import Node
from questionnaires.quality import DURATION_CLASSES
from questionnaires.reading import NAME, NAME_RIGHT, Reading

QUALITY_KEYS = ("too_fast", "prompted", "straight_lining", "contradiction", "near_duplicate", "burst")


class QualityReading:
    """Reads the rules, when all questions are known."""

    def __init__(self, reading: Reading, conditions: Conditions) -> None:
        self.reading = reading
        self.conditions = conditions

    def read(self, node: Node) -> Quality:
        reading, where = self.reading, "quality"
        entries = reading.entries(node, where, QUALITY_KEYS)
        if entries is None:
            return Quality()
        too_fast = prompted = straight = duplicate = burst = None
        contradictions: list[Contradiction] = []
        if (found := self._part(entries, "too_fast", ("class",))) is not None:
            classes = [name for name, limit in DURATION_CLASSES.items() if limit is not None]
            name = reading.one_of(found["class"], "quality/too_fast", "class", classes)
            too_fast = None if name is None else TooFast(name)
        if (found := self._part(entries, "prompted", ("if",))) is not None:
            prompted = self.conditions.read(found["if"], "quality/prompted")
        if (found := self._part(entries, "straight_lining", ("items", "rule", "at_least"))) is not None:
            here = "quality/straight_lining"
            reading.one_of(found["rule"], here, "rule", ("same_position_longstring",))
            questions = reading.codes(
                found["items"], here, "question", (*self.conditions.questions, *self.conditions.unreadable)
            )
            least = reading.whole(found["at_least"], here, 2, max(2, len(questions)))
            straight = None if least is None else StraightLining(questions, least)
        if "contradiction" in entries:
            for item in reading.items(entries["contradiction"], "quality/contradiction", "contradictions"):
                here = "quality/contradiction"
                entry = reading.entries(item, here, ("if", "flag"), required=("if", "flag"))
                if entry is None or len(entry) < 2:
                    continue
                when = self.conditions.read(entry["if"], here)
                flag = reading.code(entry["flag"], here, NAME, NAME_RIGHT)
                if when is not None and flag is not None:
                    contradictions.append(Contradiction(when, flag))
        if (
            found := self._part(entries, "near_duplicate", ("percent_match_at_least", "min_answered", "within"))
        ) is not None:
            here = "quality/near_duplicate"
            share = reading.number(found["percent_match_at_least"], here, 0, 1)
            answered = reading.whole(found["min_answered"], here, 1, 10_000)
            within = reading.codes(found["within"], here, "scope", ("unit", "day"))
            if share is not None and answered is not None:
                duplicate = NearDuplicate(share, answered, within)
        if (found := self._part(entries, "burst", ("window_minutes", "poisson_p_below", "per"))) is not None:
            here = "quality/burst"
            window = reading.whole(found["window_minutes"], here, 1, 1440)
            below = reading.number(found["poisson_p_below"], here, 0, 1)
            per = reading.one_of(found["per"], here, "scope", ("unit",))
            if window is not None and below is not None and per is not None:
                burst = Burst(window, below, per)
        return Quality(too_fast, prompted, straight, tuple(contradictions), duplicate, burst)

    def _part(self, entries: Mapping[str, Node], name: str, keys: tuple[str, ...]) -> dict[str, Node] | None:
        """A mapping of quality rules of which every key is needed; None when it is absent or not complete."""
        if name not in entries:
            return None
        found = self.reading.entries(entries[name], f"quality/{name}", keys, required=keys)
        return found if found is not None and len(found) == len(keys) else None
