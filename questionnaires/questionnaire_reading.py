"""A whole questionnaire from its nodes: sections in order, quality rules, promises about length."""

from __future__ import annotations

from collections.abc import Mapping

from questionnaires.conditions import Conditions
from questionnaires.definition import (
    Burst,
    Contradiction,
    NearDuplicate,
    Quality,
    Question,
    Questionnaire,
    Section,
    StraightLining,
    TooFast,
)
from questionnaires.document import Entries, Node
from questionnaires.length import lengths
from questionnaires.quality import DURATION_CLASSES
from questionnaires.question_reading import QuestionReading
from questionnaires.reading import CODE, CODE_RIGHT, LANGUAGE, QUESTIONNAIRE_CODE, VERSION, Reading, code_of

KEYS = ("code", "version", "languages", "title", "subject", "target_seconds", "routes", "scale", "sections", "quality")
SECTION_KEYS = ("code", "title", "note", "relevant", "items")
QUALITY_KEYS = ("too_fast", "prompted", "straight_lining", "contradiction", "near_duplicate", "burst")


class QuestionnaireReading:
    """Reads the parts of a questionnaire in order."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.languages: tuple[str, ...] = ()
        self.conditions = Conditions(reading, set())
        self.section_codes: set[str] = set()

    def read(self, root: Node) -> Questionnaire | None:
        reading = self.reading
        entries = reading.entries(root, "", KEYS, required=("code", "version", "languages", "sections"))
        if entries is None:
            return None
        code = version = title = None
        if "code" in entries:
            code = reading.code(
                entries["code"],
                "code",
                QUESTIONNAIRE_CODE,
                "small letters, digits and -, starting with a letter, at most 63",
            )
        if "version" in entries:
            version = reading.code(
                entries["version"], "version", VERSION, 'letters, digits, ., _ and -, such as "2026.1"'
            )
        if "languages" in entries:
            self.languages = self._languages(entries["languages"])
        if "title" in entries:
            title = reading.words(entries["title"], "title", self.languages)
        if "subject" in entries:
            reading.one_of(entries["subject"], "subject", "subject", ("unit",))
        if "scale" in entries:
            reading.one_of(entries["scale"], "scale", "scale", ("0-100",))
        sections: list[Section] = []
        if "sections" in entries:
            self.conditions.all_codes |= _question_codes(entries["sections"])
            for position, node in enumerate(reading.items(entries["sections"], "sections", "sections"), 1):
                section = self._section(node, position)
                if section is not None:
                    sections.append(section)
        quality = self._quality(entries["quality"]) if "quality" in entries else Quality()
        median = floor = None
        if "target_seconds" in entries:
            median, floor = self._target(entries["target_seconds"], quality)
        routes = self._routes(entries["routes"]) if "routes" in entries else ()
        if reading.mistakes or code is None or version is None:
            return None
        questionnaire = Questionnaire(
            code=code,
            version=version,
            languages=self.languages,
            sections=tuple(sections),
            title=title,
            target_median=median,
            target_floor=floor,
            routes=routes,
            quality=quality,
        )
        if routes:
            self._compare_routes(questionnaire, entries["routes"])
        return questionnaire

    def _languages(self, node: Node) -> tuple[str, ...]:
        found: list[str] = []
        for item in self.reading.items(node, "languages", "languages"):
            language = self.reading.code(item, "languages", LANGUAGE, "a language is written as zh, en or pt-BR")
            if language in found:
                self.reading.wrong(item, "languages", "%(language)s stands twice", "keep one", language=str(language))
            elif language is not None:
                found.append(language)
        return tuple(found)

    def _target(self, node: Node, quality: Quality) -> tuple[int | None, int | None]:
        where = "target_seconds"
        entries = self.reading.entries(node, where, ("median", "floor"))
        if entries is None:
            return None, None
        median = self.reading.whole(entries["median"], where, 1, 7200) if "median" in entries else None
        floor = self.reading.whole(entries["floor"], where, 1, 7200) if "floor" in entries else None
        if median is not None and floor is not None and floor >= median:
            self.reading.wrong(
                entries["floor"], where, "the floor is not below the median", "the floor is what nobody can read in"
            )
        if floor is not None and quality.too_fast is not None:
            limit = DURATION_CLASSES[quality.too_fast.duration_class]
            if limit != floor:
                self.reading.wrong(
                    entries["floor"],
                    where,
                    "the floor is %(floor)s seconds, but too_fast flags below %(limit)s",
                    "make the two agree",
                    floor=str(floor),
                    limit=str(limit),
                )
        return median, floor

    def _routes(self, node: Node) -> tuple[tuple[str, int], ...]:
        if not isinstance(node, Entries):
            self.reading.wrong(node, "routes", "a mapping belongs here", "write {name: number of questions, ...}")
            return ()
        found: dict[str, int] = {}
        for key, value in node.pairs:
            name = self.reading.code(key, "routes", CODE, CODE_RIGHT)
            count = self.reading.whole(value, f"routes/{key.value}", 0, 10_000)
            if name in found:
                self.reading.wrong(key, "routes", "the key %(key)s stands twice", "keep one of them", key=str(name))
            elif name is not None and count is not None:
                found[name] = count
        return tuple(found.items())

    def _compare_routes(self, questionnaire: Questionnaire, node: Node) -> None:
        counted = lengths(questionnaire)
        if counted is None or set(counted) == {count for _, count in questionnaire.routes}:
            return
        self.reading.wrong(
            node,
            "routes",
            "the routes are said to have %(said)s questions",
            "the sections give %(counted)s",
            said=", ".join(str(count) for _, count in questionnaire.routes),
            counted=", ".join(str(count) for count in counted),
        )

    def _section(self, node: Node, position: int) -> Section | None:
        reading = self.reading
        where = f"sections/{code_of(node) or position}"
        entries = reading.entries(node, where, SECTION_KEYS, required=("code", "title", "items"))
        if entries is None:
            return None
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        if code is not None and code in self.section_codes:
            reading.wrong(entries["code"], where, "two sections have the code %(code)s", "give each its own", code=code)
        self.section_codes.add(code or "")
        title = reading.words(entries["title"], f"{where}/title", self.languages) if "title" in entries else None
        note = reading.words(entries["note"], f"{where}/note", self.languages) if "note" in entries else None
        relevant = self.conditions.read(entries["relevant"], f"{where}/relevant") if "relevant" in entries else None
        questions: list[Question] = []
        reader = QuestionReading(reading, self.languages, self.conditions)
        if "items" in entries:
            for number, item in enumerate(reading.items(entries["items"], f"{where}/items", "questions"), 1):
                question = reader.read(item, f"{where}/items/{code_of(item) or number}")
                if question is not None:
                    questions.append(question)
        if code is None or title is None:
            return None
        return Section(code=code, title=title, questions=tuple(questions), note=note, relevant=relevant)

    def _quality(self, node: Node) -> Quality:
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
                flag = reading.code(entry["flag"], here, CODE, CODE_RIGHT)
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


def _question_codes(sections: Node) -> set[str]:
    found: set[str] = set()
    for section in getattr(sections, "items", ()):
        for key, value in getattr(section, "pairs", ()):
            if key.value == "items":
                found.update(code for item in getattr(value, "items", ()) if (code := code_of(item)) is not None)
    return found
