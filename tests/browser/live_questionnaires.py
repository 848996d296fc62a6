"""Questionnaires at random, from a seed, and answers to them: all that can depend on something in a form."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from questionnaires.definition import Question, Questionnaire
from questionnaires.loading import loads

KINDS = (
    "single", "single", "multiple", "scale", "integer", "integer", "decimal", "date", "time", "datetime", "text",
    "acknowledge", "note", "calculate", "calculate", "hidden", "filtered", "matrix", "group",
)  # fmt: skip
DAYS = (
    "2026-02-28",
    "2024-02-29",
    "2025-2-9",
    "1999年12月31日",
    "20260101",
    "２０２６－０３－０４",
    "2026-11-25T10:00",
)
NO_DAYS = ("2025-02-29", "0000-01-01", "2026-13-01", "yesterday", "31-12-2026", "2026-1", "2026")
TIMES = ("09:30", "9:05", "23:59:59", "00:00", "７：３０", "08:00:01.5", "08:00Z", "08:00+08:00")
NO_TIMES = ("24:00", "9:5", "12", "noon", "08:60", "08:00:60")
TEXTS = (
    "a",
    "b c",
    "  padded ",
    "您好🥰",
    "e\u0301te\u0301",
    "line\nbreak",
    "7",
    "-3.5",
    "2026-03-01",
    "\u3000宽\u3000",
)
NO_TEXTS = ("\x07bell", "x" * 41, "\x85", "\ufeffmark\ufeff")


def words(text: str) -> dict[str, str]:
    return {"zh": f"{text}（中）", "en": text}


class Making:
    """One questionnaire in the making."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.before: list[dict[str, Any]] = []  # items that expressions may name
        self.number = 0
        self.imported = seed % 4 == 0  # conditions may name later questions, texts too

    def code(self, start: str) -> str:
        self.number += 1
        return f"{start}{self.number}"

    def value(self) -> str:
        """Something to compare or compute with."""
        random = self.random
        if self.before and random.random() < 0.8:
            return "${" + random.choice(self.before)["code"] + "}"
        return random.choice(
            ("1", "2.5", "-3", "'a'", "''", "10", "'2026-03-01'", "today()", "number('x')", "random()")
        )

    def condition(self) -> str:
        """A condition over earlier items."""
        random = self.random
        if not self.before:
            return "1 = 1"
        item = random.choice(self.before)
        name = "${" + item["code"] + "}"
        codes = [choice["code"] for choice in item.get("choices", [])]
        shapes = [f"{name} != ''", f"not({name})", f"string-length({name}) > 1", f"{self.value()} < {self.value()}"]
        if codes:
            shapes += [f"selected({name}, '{random.choice(codes)}')"] * 4
        if item["type"] in ("scale", "integer", "decimal", "calculate"):
            shapes += [f"{name} > {random.randint(0, 5)}", f"{name} <= 3", f"{name} mod 2 = 0"] * 2
        if item["type"] == "date":
            shapes += [f"{name} < date('2026-01-01')", f"{name} <= today()"]
        one = random.choice(shapes)
        kind = random.random()
        if kind < 0.2:
            return f"{one} or {random.choice(shapes)}"
        if kind < 0.35:
            return f"{one} and not({random.choice(shapes)})"
        return one

    def calculation(self) -> str:
        a, b, c = self.value(), self.value(), self.value()
        return self.random.choice((
            f"{a} + {b}", f"{a} * 2 - {b}", f"concat({a}, '/', {b})", f"if({self.condition()}, {a}, {b})",
            f"coalesce({a}, {b})", f"count-selected({a})", f"round({a} div {b}, 2)", f"max({a}, {b}, {c})",
            f"once({a})", f"date({a})", "string-length(" + a + ")", f"join(', ', {a}, {b}, {c})",
            f"format-date({a}, '%Y/%m')", f"substr({a}, 0, 3)", f"weighted-checklist(1, 3, {a}, 1, {b}, 2)",
        ))  # fmt: skip

    def text(self, start: str) -> dict[str, str]:
        if self.before and self.random.random() < 0.2:
            return words(f"{start} after ${{{self.random.choice(self.before)['code']}}}, {{unit}}?")
        return words(f"{start}?")

    def choices(self, *, filtered: bool = False) -> list[dict[str, Any]]:
        codes = ["a", "b", "c", "d", "none"][: self.random.randint(2, 5)]
        found: list[dict[str, Any]] = [{"code": code, "text": words(f"choice {code}")} for code in codes]
        if filtered:
            for choice in found:
                choice["columns"] = {"kind": self.random.choice("abc"), "least": str(self.random.randint(0, 4))}
        return found

    def item(self, kind: str, depth: int) -> dict[str, Any]:
        random = self.random
        if kind == "group":
            item = {"code": self.code("g"), "type": "group", "title": self.text("Group")}
            if random.random() < 0.5:
                item["relevant"] = self.condition()
            item["items"] = self.items(random.randint(1, 4), depth + 1)
            return item
        if kind == "matrix":
            item = {"code": self.code("m"), "type": "matrix", "text": self.text("Matrix"), "choices": self.choices()}
            if random.random() < 0.5:
                item["each"] = "multiple"
            if random.random() < 0.5:
                item["relevant"] = self.condition()
            item["statements"] = []
            for _ in range(random.randint(1, 3)):
                row: dict[str, Any] = {"code": self.code("r"), "text": self.text("Row")}
                if random.random() < 0.4:
                    row["relevant"] = self.condition()
                item["statements"].append(row)
            of = item.get("each", "single")
            self.before += [{"code": r["code"], "type": of, "choices": item["choices"]} for r in item["statements"]]
            return item
        filtered = kind == "filtered"
        if filtered:
            kind = random.choice(("single", "multiple"))
        item = {"code": self.code(kind[0]), "type": kind}
        if kind not in ("calculate", "hidden"):
            item["text"] = self.text(kind)
        if random.random() < 0.4:
            item["relevant"] = self.condition()
        if kind in ("single", "multiple"):
            item["choices"] = self.choices(filtered=filtered)
            codes = [choice["code"] for choice in item["choices"]]
            if filtered:
                item["choice_filter"] = random.choice(
                    (f"kind = {self.value()}", f"least <= {self.value()}", f"selected({self.value()}, name)")
                )
            if kind == "multiple" and "none" in codes:
                item["exclusive"] = ["none"]
        elif kind in ("scale", "integer"):
            item["range"] = [0, 6] if kind == "scale" else [-5, random.choice((20, 1000))]
            if random.random() < 0.4:
                item["labels"] = {"dk": words("Don't know")}
            if kind == "integer" and random.random() < 0.3:
                item["step"] = 5
        elif kind == "decimal" and random.random() < 0.5:
            item |= {"range": [0, 100], "step": 0.25}
        elif kind == "text":
            item["max_length"] = 40
        elif kind == "calculate":
            item["calculate"] = self.calculation()
        elif kind == "hidden":
            item["default"] = random.choice(("x", "2", "a"))
        elif kind == "date" and random.random() < 0.4:
            item["appearance"] = random.choice(("month-year", "year"))
        if kind not in ("calculate", "hidden", "note"):
            if random.random() < 0.25:
                item["required"] = True if random.random() < 0.5 else self.condition()
            if random.random() < 0.35:
                other = self.value()
                item["constraint"] = random.choice(
                    (f". != {other}", ". != 'a'", "string-length(.) < 9", f". >= {other}")
                )
                if random.random() < 0.5:
                    item["constraint_message"] = self.text("Wrong")
            if random.random() < 0.15 and kind in ("integer", "text", "decimal"):
                item["calculate"] = self.calculation()
            elif random.random() < 0.1 and kind in ("integer", "text"):
                item |= {"readonly": True, "default": "5"}
        self.before.append(item)
        return item

    def items(self, many: int, depth: int) -> list[dict[str, Any]]:
        kinds = [kind for kind in KINDS if depth < 3 or kind != "group"]
        return [self.item(self.random.choice(kinds), depth) for _ in range(many)]

    def later(self, sections: list[dict[str, Any]]) -> None:
        """Conditions on later questions, as imported forms have them, where that makes no circle."""
        plain = [item for item in self.before if not {"relevant", "calculate", "choice_filter"} & item.keys()]
        plain = [item for item in plain if item["type"] in ("single", "integer", "text")]
        free = [item for section in sections for item in section["items"] if item["type"] in ("note", "text", "scale")]
        named = set(json.dumps(sections).split("${")[1:])
        for item in free:
            if plain and "relevant" not in item and not any(n.startswith(item["code"] + "}") for n in named):
                other = self.random.choice(plain)
                if other is not item:
                    item["relevant"] = "${" + other["code"] + "} != ''"

    def questionnaire(self) -> str:
        sections = []
        for number in range(1, self.random.randint(2, 3) + 1):
            section: dict[str, Any] = {"code": f"s{number}", "title": words(f"Section {number}")}
            if number > 1 and self.random.random() < 0.4:
                section["relevant"] = self.condition()
            if self.random.random() < 0.2:
                section["show"] = "one_by_one"
            section["items"] = self.items(self.random.randint(3, 8), 1)
            sections.append(section)
        made: dict[str, Any] = {"code": f"made-{self.seed}", "version": "1", "languages": ["zh", "en"]}
        if self.imported:
            made["imported"] = True
            self.later(sections)
        return json.dumps({**made, "sections": sections}, ensure_ascii=False)


def made(seed: int) -> str:
    """A questionnaire's file."""
    return Making(seed).questionnaire()


def read(seed: int) -> Questionnaire:
    return loads(made(seed))


def given(question: Question, random: Random, *, wrong: float = 0.15) -> list[str]:
    """What somebody may fill in: now and then nothing, now and then what is no answer."""
    if random.random() < 0.15:
        return random.choice(([], [""], ["  "]))
    bad = random.random() < wrong
    codes = list(dict.fromkeys(choice.code for choice in question.choices))
    match question.type:
        case "single":
            return [random.choice(codes)]
        case "multiple":
            chosen = random.sample(codes, random.randint(1, len(codes)))
            free = [code for code in chosen if code not in question.exclusive]
            return chosen if bad else (free or chosen[:1])
        case "acknowledge":
            return ["OK"]
        case "scale":
            return [random.choice([*map(str, range(7)), *codes])]
        case "integer" if codes and random.random() < 0.2:
            return [random.choice(codes)]
        case "integer":
            good = ("0", "5", "-5", " 10 ", "１５", "+5", "20", "005")
            return [random.choice(("7.5", "99999999999999999999", "-6", "x", "1e3", "3") if bad else good)]
        case "decimal":
            return [random.choice(("1,5", "-", ".", "1e2", "0x1", "1000000000000000.001", "0.3") if bad else
                                  ("0.5", "12", ".25", "5.", "+1.75", "９．５", "-0"))]  # fmt: skip
        case "date":
            if "month-year" in question.appearance:
                return [random.choice(("2026-13", "2026", "x") if bad else ("2026-3", "2026年11月", "202601", *DAYS))]
            if "year" in question.appearance:
                return [random.choice(("26", "x") if bad else ("2026", "1999年", "２０２５", *DAYS))]
            return [random.choice(NO_DAYS if bad else DAYS)]
        case "time":
            return [random.choice(NO_TIMES if bad else TIMES)]
        case "datetime":
            day, time = random.choice(NO_DAYS if bad else DAYS[:6]), random.choice(TIMES)
            return [
                random.choice((f"{day} {time}", f"{day}T{time}", f"{day}  {time}", day if bad else f"{day} {time}"))
            ]
    return [random.choice(NO_TEXTS if bad else TEXTS)]


# One page on which all that can follow an answer does: relevance, groups, a calculation, texts, a calculated choice.
FOLLOWED = """
code: followed
version: "1"
languages: [zh, en]
sections:
  - code: visit
    title: {zh: "V-zh", en: "The visit"}
    items:
      - code: came
        type: single
        text: {zh: "C-zh", en: "Did you come?"}
        choices: [{code: "yes", text: {zh: "Y-zh", en: "Yes"}}, {code: "no", text: {zh: "N-zh", en: "No"}}]
      - code: why
        type: text
        relevant: "${came} = 'yes'"
        required: true
        text: {zh: "W-zh", en: "What for?"}
      - code: shout
        type: calculate
        calculate: "concat(${why}, '!')"
      - code: echo
        type: note
        relevant: "${why} != ''"
        text: {zh: "E-zh ${shout} {unit}", en: "For ${shout} in {unit}."}
      - code: more
        type: group
        title: {zh: "M-zh", en: "More about it"}
        relevant: "${came} = 'yes'"
        items:
          - {code: days, type: integer, range: [0, 99], text: {zh: "D-zh", en: "How many days?"}}
          - {code: double, type: integer, calculate: "2 * ${days}", text: {zh: "2-zh", en: "Twice that"}}
          - code: pace
            type: single
            calculate: "if(${days} > 9, 'slow', if(${days} != '', 'quick', ''))"
            text: {zh: "P-zh", en: "So it was"}
            choices: [{code: quick, text: {zh: "Q-zh", en: "quick"}}, {code: slow, text: {zh: "S-zh", en: "slow"}}]
  - code: end
    title: {zh: "L-zh", en: "The end"}
    items:
      - {code: word, type: text, text: {zh: "B-zh ${shout}", en: "Anything about ${shout}?"}}
"""
