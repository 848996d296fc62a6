"""Questionnaires from YAML: a file is right, or refused with all its mistakes, each with its line and a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import get_args

import msgspec

from questionnaires.definition import (
    NEVER_SCORED,
    Burst,
    Choice,
    ChoiceRole,
    Contradiction,
    NearDuplicate,
    Quality,
    Question,
    Questionnaire,
    QuestionRole,
    QuestionType,
    ScoreAny,
    ScoreByChoice,
    ScoreLinear,
    ScoringRule,
    Section,
    StraightLining,
    TooFast,
    Words,
)
from questionnaires.document import Entries, Node, Scalar, read
from questionnaires.expression import Call, Chain, Expression, Name, Text, walk
from questionnaires.length import lengths
from questionnaires.mistakes import DefinitionError, Mistake, likely
from questionnaires.quality import DURATION_CLASSES
from questionnaires.reading import (
    CHOICE_CODE,
    CODE,
    LANGUAGE,
    QUESTIONNAIRE_CODE,
    VERSION,
    WHOLE,
    Reading,
    TooManyMistakes,
)

TYPES: tuple[str, ...] = get_args(QuestionType)
QUESTION_ROLES: tuple[str, ...] = get_args(QuestionRole)
CHOICE_ROLES: tuple[str, ...] = get_args(ChoiceRole)

KEYS = ("code", "version", "languages", "title", "subject", "target_seconds", "routes", "scale", "sections", "quality")
SECTION_KEYS = ("code", "title", "note", "relevant", "items")
CHOICE_KEYS = ("code", "text", "score", "role")
QUALITY_KEYS = ("too_fast", "prompted", "straight_lining", "contradiction", "near_duplicate", "burst")
QUESTION_KEYS = (
    "code",
    "type",
    "text",
    "hint",
    "choices",
    "range",
    "labels",
    "max_length",
    "relevant",
    "required",
    "exclusive",
    "role",
    "score",
    "randomise",
    "reverse_half",
    "sensitive",
)
# Keys that only some types have.
KEYS_OF_TYPES: Mapping[str, tuple[str, ...]] = {
    "choices": ("single", "multiple"),
    "range": ("scale", "integer"),
    "labels": ("scale", "integer"),
    "max_length": ("text",),
    "exclusive": ("multiple",),
    "randomise": ("single", "multiple"),
    "reverse_half": ("single",),
    "score": ("multiple", "scale", "integer"),
}

MOST_SCALE_STEPS = 20
MOST_INTEGER = 10**12
DEFAULT_INTEGER_RANGE = (0, 10**9)
DEFAULT_MAX_LENGTH = 500
GREATEST_MAX_LENGTH = 4000

CODE_RIGHT = "a code has 1 to 32 small letters, digits and _, and starts with a letter"
CHOICE_CODE_RIGHT = "a code has 1 to 32 letters, digits, _, . and -, and starts with a letter or digit"


def load(path: str | Path) -> Questionnaire:
    """Load a questionnaire from a file. Raises DefinitionError with every mistake; OSError when it cannot be read."""
    path = Path(path)
    with path.open("rb") as file:
        return loads(file.read(2**20), str(path))  # a larger file is refused by its size all the same


def loads(text: str | bytes, file: str = "questionnaire") -> Questionnaire:
    """Load a questionnaire from YAML text.

    Parameters
    ----------
    text : str or bytes
        At most 256 KiB of UTF-8.
    file : str
        What messages call the text.

    Raises
    ------
    DefinitionError
        With every mistake found, in the order of the file.
    """
    root = read(text, file)
    reading = Reading()
    questionnaire = None
    with suppress(TooManyMistakes):
        questionnaire = _Definition(reading).questionnaire(root)
    if reading.mistakes or questionnaire is None:
        raise DefinitionError(file, reading.mistakes)
    return questionnaire


def check_file(path: str | Path) -> list[str]:
    """Every mistake of a file, one line each: `FILE:LINE WHERE: what; what would be right`. A right file has none."""
    try:
        load(path)
    except DefinitionError as error:
        return error.lines()
    except OSError as error:
        mistake = Mistake(
            1, 1, "", "cannot be read: %(why)s", "name a file that exists", (("why", str(error.strerror)),)
        )
        return DefinitionError(str(path), [mistake]).lines()
    return []


def shipped() -> tuple[str, ...]:
    """Codes of the questionnaires that come with the library."""
    folder = resources.files("questionnaires") / "library"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def shipped_text(code: str) -> str:
    """The YAML text of a shipped questionnaire; LookupError when there is none of this code."""
    if code not in shipped():
        raise LookupError(f"no questionnaire {code} is shipped; there are: {', '.join(shipped())}")
    return (resources.files("questionnaires") / "library" / f"{code}.yaml").read_text(encoding="utf-8")


def load_shipped(code: str) -> Questionnaire:
    """A shipped questionnaire by its code."""
    return loads(shipped_text(code), f"questionnaires/library/{code}.yaml")


class _Definition:
    """Reads the parts of a questionnaire in order, knowing the questions read so far."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.languages: tuple[str, ...] = ()
        self.questions: dict[str, Question] = {}
        self.all_codes: set[str] = set()  # also those that come later: to tell "later" from "unknown"
        self.section_codes: set[str] = set()

    def questionnaire(self, root: Node) -> Questionnaire | None:
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
            self.read_languages(entries["languages"])
        if "title" in entries:
            title = reading.words(entries["title"], "title", self.languages)
        if "subject" in entries:
            reading.one_of(entries["subject"], "subject", "subject", ("unit",))
        if "scale" in entries:
            reading.one_of(entries["scale"], "scale", "scale", ("0-100",))
        sections: list[Section] = []
        if "sections" in entries:
            self.all_codes = _question_codes(entries["sections"])
            for position, node in enumerate(reading.items(entries["sections"], "sections", "sections"), 1):
                section = self.section(node, position)
                if section is not None:
                    sections.append(section)
        quality = self.quality(entries["quality"]) if "quality" in entries else Quality()
        median, floor = self.target(entries["target_seconds"], quality) if "target_seconds" in entries else (None, None)
        routes = self.routes(entries["routes"]) if "routes" in entries else ()
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
            self.compare_routes(questionnaire, entries["routes"])
        return questionnaire

    def read_languages(self, node: Node) -> None:
        found: list[str] = []
        for item in self.reading.items(node, "languages", "languages"):
            language = self.reading.code(item, "languages", LANGUAGE, "a language is written as zh, en or pt-BR")
            if language in found:
                self.reading.wrong(item, "languages", "%(language)s stands twice", "keep one", language=str(language))
            elif language is not None:
                found.append(language)
        self.languages = tuple(found)

    def target(self, node: Node, quality: Quality) -> tuple[int | None, int | None]:
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

    def routes(self, node: Node) -> tuple[tuple[str, int], ...]:
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

    def compare_routes(self, questionnaire: Questionnaire, node: Node) -> None:
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

    def section(self, node: Node, position: int) -> Section | None:
        reading = self.reading
        where = f"sections/{_code_of(node) or position}"
        entries = reading.entries(node, where, SECTION_KEYS, required=("code", "title", "items"))
        if entries is None:
            return None
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        if code is not None and code in self.section_codes:
            reading.wrong(entries["code"], where, "two sections have the code %(code)s", "give each its own", code=code)
        self.section_codes.add(code or "")
        title = reading.words(entries["title"], f"{where}/title", self.languages) if "title" in entries else None
        note = reading.words(entries["note"], f"{where}/note", self.languages) if "note" in entries else None
        relevant = self.condition(entries["relevant"], f"{where}/relevant") if "relevant" in entries else None
        questions: list[Question] = []
        if "items" in entries:
            for number, item in enumerate(reading.items(entries["items"], f"{where}/items", "questions"), 1):
                question = self.question(item, f"{where}/items/{_code_of(item) or number}")
                if question is not None:
                    questions.append(question)
        if code is None or title is None:
            return None
        return Section(code=code, title=title, questions=tuple(questions), note=note, relevant=relevant)

    def question(self, node: Node, where: str) -> Question | None:
        reading = self.reading
        entries = reading.entries(node, where, QUESTION_KEYS, required=("code", "type", "text"))
        if entries is None:
            return None
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        kind = reading.one_of(entries["type"], where, "type", TYPES) if "type" in entries else None
        text = reading.words(entries["text"], f"{where}/text", self.languages) if "text" in entries else None
        if code is not None and code in self.questions:
            reading.wrong(
                entries["code"], where, "two questions have the code %(code)s", "give each its own", code=code
            )
        for key, types in KEYS_OF_TYPES.items():
            if kind is not None and key in entries and kind not in types:
                right = "it goes with type %(types)s"
                if key == "score" and kind == "single":
                    right = "the scores of a single choice stand at its choices"
                reading.wrong(
                    entries.pop(key),
                    where,
                    "%(key)s does not go with type %(type)s",
                    right,
                    key=key,
                    type=kind,
                    types=" or ".join(types),
                )
        role = reading.one_of(entries["role"], where, "role", QUESTION_ROLES) if "role" in entries else None
        if role in ("stratum", "case_mix") and kind not in ("single", None):
            reading.wrong(
                entries["role"], where, "role %(role)s needs type single", "make it one, or drop the role", role=role
            )
        if role == "manipulation" and kind == "text":
            reading.wrong(entries["role"], where, "role manipulation does not go with type text", "offer choices")
        limits = self.range_of(entries, kind, where, node)
        choices, anchors = self.answers_of(entries, kind, where, limits, node)
        codes = tuple(choice.code for choice in choices)
        exclusive: tuple[str, ...] = ()
        if "exclusive" in entries:
            exclusive = reading.codes(entries["exclusive"], f"{where}/exclusive", "choice", codes)
        if kind == "multiple":
            for reserved in NEVER_SCORED:
                if reserved in codes and reserved not in exclusive:
                    reading.wrong(
                        entries.get("exclusive", node),
                        where,
                        "the choice %(code)s can be combined with others",
                        "add it to exclusive",
                        code=reserved,
                    )
        if kind in ("scale", "integer") and limits is None:
            entries.pop("score", None)  # its labels were not read: what it says of them cannot be judged
        score = self.score_of(entries, kind, where, choices, role)
        required, always = (
            self.required_of(entries["required"], f"{where}/required", code) if "required" in entries else (None, False)
        )
        max_length = None
        if kind == "text":
            max_length = DEFAULT_MAX_LENGTH
            if "max_length" in entries:
                max_length = reading.whole(entries["max_length"], f"{where}/max_length", 1, GREATEST_MAX_LENGTH)
        hint = reading.words(entries["hint"], f"{where}/hint", self.languages) if "hint" in entries else None
        relevant = self.condition(entries["relevant"], f"{where}/relevant", code) if "relevant" in entries else None
        randomise, reverse_half, sensitive = (
            reading.boolean(entries[key], f"{where}/{key}") if key in entries else False
            for key in ("randomise", "reverse_half", "sensitive")
        )
        if randomise and reverse_half:
            reading.wrong(node, where, "randomise and reverse_half at once", "keep the one that fits the choices")
        if code is None or kind is None or text is None:
            return None
        question = Question(
            code=code,
            type=msgspec.convert(kind, QuestionType),
            text=text,
            hint=hint,
            choices=choices,
            range=limits,
            anchors=anchors,
            max_length=max_length,
            relevant=relevant,
            required=required,
            required_always=always,
            exclusive=exclusive,
            role=msgspec.convert(role, QuestionRole | None),
            score=score,
            randomise=randomise,
            reverse_half=reverse_half,
            sensitive=sensitive,
        )
        self.questions.setdefault(code, question)
        return question

    def range_of(self, entries: Mapping[str, Node], kind: str | None, where: str, node: Node) -> tuple[int, int] | None:
        reading = self.reading
        if kind not in ("scale", "integer"):
            return None
        if "range" not in entries:
            if kind == "integer":
                return DEFAULT_INTEGER_RANGE
            reading.wrong(node, where, "a scale without range", "add range: [0, 10]")
            return None
        ends = reading.items(entries["range"], f"{where}/range", "two numbers")
        if len(ends) != 2:
            if ends:
                reading.wrong(entries["range"], where, "a range has two numbers", "write range: [0, 10]")
            return None
        low = reading.whole(ends[0], f"{where}/range", -MOST_INTEGER, MOST_INTEGER)
        high = reading.whole(ends[1], f"{where}/range", -MOST_INTEGER, MOST_INTEGER)
        if low is None or high is None:
            return None
        if low >= high:
            reading.wrong(entries["range"], where, "the range is empty", "write the lower number first")
            return None
        if kind == "scale" and high - low > MOST_SCALE_STEPS:
            reading.wrong(
                entries["range"],
                where,
                "a scale of %(steps)s steps",
                "at most %(most)s can be shown: use type integer",
                steps=str(high - low),
                most=str(MOST_SCALE_STEPS),
            )
        return low, high

    def answers_of(
        self, entries: Mapping[str, Node], kind: str | None, where: str, limits: tuple[int, int] | None, node: Node
    ) -> tuple[tuple[Choice, ...], tuple[tuple[int, Words], ...]]:
        """Choices, and for numbers the anchors too."""
        if kind in ("single", "multiple"):
            if "choices" not in entries:
                self.reading.wrong(node, where, "a question of type %(type)s without choices", "add choices", type=kind)
                return (), ()
            return self.choices(entries["choices"], f"{where}/choices", kind), ()
        if "labels" in entries and limits is not None:
            return self.labels(entries["labels"], f"{where}/labels", limits)
        return (), ()

    def choices(self, node: Node, where: str, kind: str) -> tuple[Choice, ...]:
        reading = self.reading
        found: dict[str, Choice] = {}
        scored: dict[str, bool] = {}
        for number, item in enumerate(reading.items(node, where, "choices"), 1):
            here = f"{where}/{_code_of(item) or number}"
            entries = reading.entries(item, here, CHOICE_KEYS, required=("code", "text"))
            if entries is None:
                continue
            code = reading.code(entries["code"], here, CHOICE_CODE, CHOICE_CODE_RIGHT) if "code" in entries else None
            text = reading.words(entries["text"], f"{here}/text", self.languages) if "text" in entries else None
            score = reading.number(entries["score"], f"{here}/score", 0, 100, 3) if "score" in entries else None
            role = reading.one_of(entries["role"], here, "role", CHOICE_ROLES) if "role" in entries else None
            says_score = isinstance(item, Entries) and any(key.value == "score" for key, _ in item.pairs)
            if says_score and kind == "multiple":
                reading.wrong(
                    item,
                    here,
                    "a choice of a multiple choice with a score",
                    "write a rule: score: {rule: any, of: [...], hit: 0, miss: 100}",
                )
            elif score is not None and code in NEVER_SCORED:
                reading.wrong(entries["score"], here, "%(code)s is never scored", "write score: null", code=str(code))
            if role == "set_apart" and kind != "single":
                reading.wrong(entries["role"], here, "role set_apart needs type single", "move it to a single choice")
            if code is not None and code in found:
                reading.wrong(
                    entries["code"], here, "two choices have the code %(code)s", "give each its own", code=code
                )
            elif code is not None:
                scored[code] = says_score
                found[code] = Choice(code, text or Words(()), score, msgspec.convert(role, ChoiceRole | None))
        if kind == "single" and any(scored.values()):
            for code, says in scored.items():
                if not says:
                    reading.wrong(
                        node,
                        f"{where}/{code}",
                        "no score, while other choices have one",
                        "write score: null for a choice that is not scored",
                    )
        return tuple(found.values())

    def labels(
        self, node: Node, where: str, limits: tuple[int, int]
    ) -> tuple[tuple[Choice, ...], tuple[tuple[int, Words], ...]]:
        """Labels of numbers are anchors; labels of other codes are answers beside the numbers."""
        reading = self.reading
        if not isinstance(node, Entries):
            reading.wrong(node, where, "a mapping belongs here", 'write {"0": {...}, "10": {...}, dk: {...}}')
            return (), ()
        choices: dict[str, Choice] = {}
        anchors: dict[int, Words] = {}
        seen: set[str] = set()
        for key, value in node.pairs:
            here = f"{where}/{key.value}"
            words = reading.words(value, here, self.languages) or Words(())
            if key.value in seen:
                reading.wrong(key, here, "the key %(key)s stands twice", "keep one of them", key=key.value)
            seen.add(key.value)
            if WHOLE.match(key.value):
                number = int(key.value)
                if not limits[0] <= number <= limits[1]:
                    reading.wrong(
                        key,
                        here,
                        "%(number)s is outside the range",
                        "label numbers from %(low)s to %(high)s",
                        number=key.value,
                        low=str(limits[0]),
                        high=str(limits[1]),
                    )
                anchors[number] = words
            elif reading.code(key, here, CODE, CODE_RIGHT) is not None:
                choices[key.value] = Choice(key.value, words)
        return tuple(choices.values()), tuple(sorted(anchors.items()))

    def score_of(
        self, entries: Mapping[str, Node], kind: str | None, where: str, choices: tuple[Choice, ...], role: str | None
    ) -> ScoringRule | None:
        reading = self.reading
        rule: ScoringRule | None = None
        if kind == "single" and any(choice.score is not None for choice in choices):
            rule = ScoreByChoice()
        elif "score" in entries and kind in ("multiple", "scale", "integer"):
            here = f"{where}/score"
            wanted = "any" if kind == "multiple" else "linear"
            keys = (
                ("rule", "of", "hit", "miss", "missing") if kind == "multiple" else ("rule", "low", "high", "missing")
            )
            found = reading.entries(entries["score"], here, keys, required=keys[:-1])
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
            of = (
                reading.codes(found["of"], f"{here}/of", "choice", codes)
                if kind == "multiple" and "of" in found
                else ()
            )
            # Beside the numbers of a scale there is nothing that could be scored.
            needed = codes if kind != "multiple" else tuple(code for code in NEVER_SCORED if code in codes)
            for code in needed:
                if code not in missing:
                    reading.wrong(
                        found.get("missing", entries["score"]),
                        here,
                        "%(code)s is never scored",
                        "add it to missing",
                        code=code,
                    )
            for code in of:
                if code in missing:
                    reading.wrong(
                        found["of"], here, "%(code)s is both in of and in missing", "keep it in one", code=code
                    )
            if one is None or two is None:
                return None
            rule = ScoreAny(of, one, two, missing) if kind == "multiple" else ScoreLinear(one, two, missing)
        if rule is not None and role is not None:
            reading.wrong(
                entries["role"], where, "a question of role %(role)s is never scored", "drop its scores", role=role
            )
        return rule

    def required_of(self, node: Node, where: str, own: str | None) -> tuple[Expression | None, bool]:
        if isinstance(node, Scalar) and node.value.strip().casefold() in ("true", "yes", "false", "no"):
            return None, self.reading.boolean(node, where)
        return self.condition(node, where, own), False

    def condition(self, node: Node, where: str, own: str | None = None) -> Expression | None:
        """An expression over the questions read so far."""
        expression = self.reading.expression(node, where)
        if expression is None:
            return None
        for name in expression.names():
            if name.code in self.questions and name.code != own:
                continue
            if name.code == own:
                self.reading.wrong(
                    node, where, "%(name)s depends on itself", "name an earlier question", name=name.code
                )
            elif name.code in self.all_codes:
                self.reading.wrong(
                    node,
                    where,
                    "%(name)s comes later",
                    "name an earlier question, or move that one forward",
                    name=name.code,
                )
            else:
                self.reading.not_one_of(node, where, "question", name.code, self.questions)
        self.compare_codes(expression, node, where)
        return expression

    def compare_codes(self, expression: Expression, node: Node, where: str) -> None:
        """Refuse comparisons with a code that the question does not have."""
        for question, text, selected in _comparisons(expression):
            known = self.questions.get(question)
            if known is None or known.type == "text" or text == "":
                continue
            codes = tuple(choice.code for choice in known.choices)
            if known.type in ("scale", "integer") and re.match(r"-?[0-9.]+\Z", text):
                continue
            if known.type == "multiple" and not selected:
                self.reading.wrong(
                    node,
                    where,
                    "= compares the whole answer to %(question)s, which may have several codes",
                    "write selected(${%(question)s}, '%(code)s')",
                    question=question,
                    code=likely(text, codes) or text,
                )
            elif text not in codes:
                near = likely(text, codes)
                self.reading.wrong(
                    node,
                    where,
                    "%(question)s has no choice '%(code)s'",
                    "did you mean '%(near)s'?" if near else "it has: %(known)s",
                    question=question,
                    code=text,
                    near=near or "",
                    known=", ".join(codes),
                )

    def quality(self, node: Node) -> Quality:
        reading, where = self.reading, "quality"
        entries = reading.entries(node, where, QUALITY_KEYS)
        if entries is None:
            return Quality()
        too_fast = prompted = straight = duplicate = burst = None
        contradictions: list[Contradiction] = []
        if (found := self.part(entries, "too_fast", ("class",))) is not None:
            classes = [name for name, limit in DURATION_CLASSES.items() if limit is not None]
            name = reading.one_of(found["class"], "quality/too_fast", "class", classes)
            too_fast = None if name is None else TooFast(name)
        if (found := self.part(entries, "prompted", ("if",))) is not None:
            prompted = self.condition(found["if"], "quality/prompted")
        if (found := self.part(entries, "straight_lining", ("items", "rule", "at_least"))) is not None:
            here = "quality/straight_lining"
            reading.one_of(found["rule"], here, "rule", ("same_position_longstring",))
            questions = reading.codes(found["items"], here, "question", tuple(self.questions))
            least = reading.whole(found["at_least"], here, 2, max(2, len(questions)))
            straight = None if least is None else StraightLining(questions, least)
        if "contradiction" in entries:
            for item in reading.items(entries["contradiction"], "quality/contradiction", "contradictions"):
                here = "quality/contradiction"
                entry = reading.entries(item, here, ("if", "flag"), required=("if", "flag"))
                if entry is None or len(entry) < 2:
                    continue
                when = self.condition(entry["if"], here)
                flag = reading.code(entry["flag"], here, CODE, CODE_RIGHT)
                if when is not None and flag is not None:
                    contradictions.append(Contradiction(when, flag))
        if (
            found := self.part(entries, "near_duplicate", ("percent_match_at_least", "min_answered", "within"))
        ) is not None:
            here = "quality/near_duplicate"
            share = reading.number(found["percent_match_at_least"], here, 0, 1)
            answered = reading.whole(found["min_answered"], here, 1, 10_000)
            within = reading.codes(found["within"], here, "scope", ("unit", "day"))
            if share is not None and answered is not None:
                duplicate = NearDuplicate(share, answered, within)
        if (found := self.part(entries, "burst", ("window_minutes", "poisson_p_below", "per"))) is not None:
            here = "quality/burst"
            window = reading.whole(found["window_minutes"], here, 1, 1440)
            below = reading.number(found["poisson_p_below"], here, 0, 1)
            per = reading.one_of(found["per"], here, "scope", ("unit",))
            if window is not None and below is not None and per is not None:
                burst = Burst(window, below, per)
        return Quality(too_fast, prompted, straight, tuple(contradictions), duplicate, burst)

    def part(self, entries: Mapping[str, Node], name: str, keys: tuple[str, ...]) -> dict[str, Node] | None:
        """A mapping of quality rules of which every key is needed; None when it is absent or not complete."""
        if name not in entries:
            return None
        found = self.reading.entries(entries[name], f"quality/{name}", keys, required=keys)
        return found if found is not None and len(found) == len(keys) else None


def _code_of(node: Node) -> str | None:
    """The code a mapping says it has, for messages."""
    if isinstance(node, Entries):
        for key, value in node.pairs:
            if key.value == "code" and isinstance(value, Scalar) and CHOICE_CODE.match(value.value):
                return value.value
    return None


def _question_codes(sections: Node) -> set[str]:
    found: set[str] = set()
    for section in getattr(sections, "items", ()):
        for key, value in getattr(section, "pairs", ()):
            if key.value == "items":
                found.update(code for item in getattr(value, "items", ()) if (code := _code_of(item)) is not None)
    return found


def _comparisons(expression: Expression) -> list[tuple[str, str, bool]]:
    """(question, text, whether by selected) for each place where an answer meets a literal text."""
    found: list[tuple[str, str, bool]] = []
    for node in walk(expression.tree):
        if isinstance(node, Call) and node.function == "selected":
            left, right = node.arguments
            if isinstance(left, Name) and isinstance(right, Text):
                found.append((left.code, right.value.strip(), True))
        elif isinstance(node, Chain) and len(node.rest) == 1 and node.rest[0][0] in ("=", "!="):
            sides = (node.first, node.rest[0][1])
            for one, other in (sides, sides[::-1]):
                if isinstance(one, Name) and isinstance(other, Text):
                    found.append((one.code, other.value, False))
    return found
