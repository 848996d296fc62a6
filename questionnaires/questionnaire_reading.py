"""A whole questionnaire from its nodes: sections in order, quality rules, promises about length."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from questionnaires.choices_reading import ChoicesReading, Lists
from questionnaires.conditions import Conditions
from questionnaires.definition import Quality, Questionnaire, Section
from questionnaires.dependencies import CycleError, order
from questionnaires.document import Entries, Node
from questionnaires.length import lengths
from questionnaires.quality import DURATION_CLASSES
from questionnaires.quality_reading import QualityReading
from questionnaires.reading import LANGUAGE, NAME, NAME_RIGHT, QUESTIONNAIRE_CODE, VERSION, Reading
from questionnaires.section_reading import SectionReading, codes_in

KEYS = (
    "code", "version", "languages", "translating", "title", "subject", "audience", "imported", "source", "tested",
    "target_seconds", "routes", "scale", "lists", "sections", "quality",
)  # fmt: skip
Audience = Literal["public", "assessors"]


class QuestionnaireReading:
    """Reads the parts of a questionnaire in order."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.languages: tuple[str, ...] = ()
        self.conditions = Conditions(reading, {})

    def read(self, root: Node) -> Questionnaire | None:
        reading = self.reading
        entries = reading.entries(root, "", KEYS, required=("code", "version", "languages", "sections"))
        if entries is None:
            return None
        code = version = audience = None
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
        if "translating" in entries:
            reading.translating = reading.codes(entries["translating"], "translating", "language", self.languages)
        if "imported" in entries:
            reading.imported = reading.boolean(entries["imported"], "imported")
        title, source, tested = (
            reading.words(entries[key], key, self.languages) if key in entries else None
            for key in ("title", "source", "tested")
        )
        if "subject" in entries:
            reading.one_of(entries["subject"], "subject", "subject", ("unit",))
        if "audience" in entries:
            audience = reading.one_of(entries["audience"], "audience", "audience", get_args(Audience))
        if "scale" in entries:
            reading.one_of(entries["scale"], "scale", "scale", ("0-100",))
        sections = self._sections(entries)
        quality = Quality()
        if "quality" in entries:
            quality = QualityReading(reading, self.conditions).read(entries["quality"])
        self.conditions.check_words()
        self.conditions.compare()
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
            sections=sections,
            title=title,
            audience=msgspec.convert(audience or "public", Audience),
            translating=reading.translating,
            imported=reading.imported,
            target_median=median,
            target_floor=floor,
            routes=routes,
            quality=quality,
            source=source,
            tested=tested,
        )
        try:
            order(questionnaire)
        except CycleError as cycle:
            reading.wrong(
                self.conditions.nodes.get(cycle.path[0], root),
                cycle.path[0],
                "it depends on itself: %(path)s",
                "take one of them out of the circle",
                path=" → ".join(cycle.path[:12]),
            )
            return None
        if routes:
            self._compare_routes(questionnaire, entries["routes"])
        return questionnaire

    def _sections(self, entries: dict[str, Node]) -> tuple[Section, ...]:
        reading = self.reading
        if "sections" not in entries:
            return ()
        self.conditions.all_codes.update(codes_in(entries["sections"]))
        lists = Lists(ChoicesReading(reading, self.languages), self.conditions.all_codes)
        if "lists" in entries:
            lists.read(entries["lists"])
        late, reading.repeated = reading.repeated, []  # the answers that shared choices repeat are not known yet
        reader = SectionReading(reading, self.languages, self.conditions, lists)
        found = []
        for position, node in enumerate(reading.items(entries["sections"], "sections", "sections"), 1):
            section = reader.read(node, position)
            if section is not None:
                found.append(section)
        reading.repeated += late
        return tuple(found)

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
            name = self.reading.code(key, "routes", NAME, NAME_RIGHT)
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
