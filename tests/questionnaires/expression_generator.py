"""Expressions at random, from a seed: the same ones for Python and for the browser."""

from __future__ import annotations

from random import Random

from questionnaires.expression import FUNCTIONS

NAMES = ("one", "several", "seven", "zero", "minus", "half", "dk", "text", "digits", "day", "time", "zh", "blank")
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "7.5",
    ".25",
    "10",
    "20782",
    "0.1",
    "1000000",
    "123456789012",
    "0.000001",
    "99999999999999999999",
)
TEXTS = (
    "''", "'a'", "'b a'", "'7'", "' -2,5 '", "'once'", "'ties'", "'x y  z'", "'您好🥰'", "'1e3'", "'true'", "'NaN'",
    "'0'", "'2026-11-25'", "'2024-2-29'", "'2023-02-29'", "'2026-11-25T23:59:59.999Z'", "'1969-12-31T01:02+05:30'",
    "'12:30:00'", "'9999-12-31'", "'0001-01-01T00:00:00.000-08:00'", "'1 2;1 3;2 3;1 2'", "'1 2'", "'aGk='", "'aab'",
    "\"it's\"",
)  # fmt: skip
PATTERNS = (
    "'a*'", "'[a-z ]+'", "'(a|b)*'", "'\\d+'", "'.+'", "'^.{1,3}$'", "'(?=a).*'", "'(?!a).*'", "'\\w+( \\w+)*'",
    "'\\p{L}+.'",
    "'[^0-9]*'", "'(?i)A+B'", "'a{2}b?'", "'\\bties\\b|.*\\bwords'", "'(a*)*'", "concat('a', '+')", "''",
    "'[\\u4e00-\\u9fff]*.'",
)  # fmt: skip
FORMATS = ("'%Y-%m-%d'", "'%e/%n/%y %a %b'", "'%H:%M:%S.%3'", "'%h %W %%'", "''", "concat('%', 'Y')")
ALGORITHMS = ("'MD5'", "'SHA-1'", "'SHA-256'", "'SHA-384'", "'SHA-512'")
OPERATORS = ("+", "-", "*", "div", "mod", "=", "!=", "<", "<=", ">", ">=", "and", "or")
# Machines differ in the last digit of these: of small numbers, and rounded.
ROUNDED = {"acos", "asin", "atan", "atan2", "cos", "exp", "exp10", "log", "log10", "pow", "sin", "tan"}
SMALL = ("0", "1", "2", "0.5", "-1", "-2.5", "'x'", "${seven}", "${blank}")
OF_A_QUESTION = ("count", "count-non-empty", "sum")


def expression(random: Random, depth: int = 4) -> str:
    """An expression that parses; its value may be an error all the same."""
    kind = random.random()
    if depth == 0 or kind < 0.15:
        return leaf(random)
    if kind < 0.4:
        left, right = expression(random, depth - 1), expression(random, depth - 1)
        return f"({left}) {random.choice(OPERATORS)} ({right})"
    if kind < 0.45:
        return f"-({expression(random, depth - 1)})"
    if kind < 0.5:
        return " ".join([leaf(random)] + [f"{random.choice(('+', '-', '<', '='))} {leaf(random)}" for _ in range(3)])
    return call(random, random.choice(sorted(FUNCTIONS)), depth - 1)


def leaf(random: Random) -> str:
    kind = random.random()
    if kind < 0.35:
        return f"${{{random.choice(NAMES)}}}"
    if kind < 0.65:
        return random.choice(NUMBERS)
    return random.choice(TEXTS) if kind < 0.95 else "."


def call(random: Random, name: str, depth: int) -> str:
    fewest, most = FUNCTIONS[name]
    count = random.randint(fewest, min(most, fewest + 3))
    if name == "weighted-checklist":
        count = count // 2 * 2
    arguments = [expression(random, depth) for _ in range(count)]
    if name in OF_A_QUESTION:
        arguments = [f"${{{random.choice(NAMES)}}}"]
    elif name == "jr:choice-name":
        arguments[1] = "'${one}'"
    elif name == "property":
        arguments = ["'unit'"]
    elif name == "position":
        arguments = []
    elif name == "indexed-repeat":
        arguments = [f"${{{random.choice(NAMES)}}}", "${round}", expression(random, depth)]
    elif name == "regex":
        arguments[1] = random.choice(PATTERNS)
    elif name.startswith("format-date"):
        arguments[1] = random.choice(FORMATS)
    elif name == "digest":
        arguments[1:] = [random.choice(ALGORITHMS), random.choice(("'hex'", "'base64'"))][: count - 1]
    if name in ROUNDED:
        arguments = [random.choice(SMALL) for _ in arguments]
    written = f"{name}({', '.join(arguments)})"
    return f"round({written}, 6)" if name in ROUNDED else written


ODD = (
    "\ud83d", "🥰", "\0", "\x85", "\u2028", "\ufeff", "\u0301", "İ", "ß", "ſ", "\u212a", "١", "\u3000", "\xa0", "\t",
    "\n", "\r", "\f", "\v", "\x1c", '"', "\\", "$", "{", "}", "<", ",", ".", "-", "+", "/", "[", "]", "(", ")", "*",
    "|", ":", "@", "#", ";", " ", "0", "9", "a", "Z", "_", "e", "T",
)  # fmt: skip
ATOMS = (
    "a", "b", ".", "\\d", "\\w", "\\s", "\\S", "[a-z]", "[^a]", "[^\\S]", "[\\d-]", "\\p{L}", "\\P{N}", "\\u4e00",
    "\\b", "\\B", "^", "$", "İ", "ß", "[\u212a]", "🥰", "[]a]", "[a", "\\1", "(?<=a)", "[z-a]", "\\Q", "{", "}",
)  # fmt: skip
OPENINGS = ("(", "(?:", "(?=", "(?!", "(?i)(")
REPEATS = ("", "", "", "*", "+", "?", "{2}", "{0}", "{1,3}", "{2,}", "{0,40}", "*?", "{900}", "{3,2}", "|", "**")
SLOW_ELSEWHERE = (
    "(a*)*b", "(a+)+$", "(a|aa)+b", "(a|a?)+b", "(.*)*x", "((a{0,9}){0,9}){0,9}b", "(a?){30}a{30}", "(?=(a*)*b)a",
    "(a*a*)*b", "((((a*)*)*)*)*b", "(x+x+)+y", "((a|b)*c|(a|b)*d)*", "(?i)(k|ss|ſ)+b", "(\\b)*a", "(?!(a*)*b)a*",
)  # fmt: skip
SUBJECTS = ("a" * 30, "a" * 2000 + "!", "ab" * 500, "x" * 300, "", "ſſ\u212a", "a b  a")


def hostile(random: Random) -> str:
    """What no author would write; it may not even parse."""
    kind = random.random()
    if kind < 0.5:
        subject = random.choice(SUBJECTS) if random.random() < 0.5 else odd(random)
        wanted = random.choice(SLOW_ELSEWHERE) if random.random() < 0.3 else pattern(random, 3)
        return f"regex({quoted(subject)}, {quoted(wanted)})"
    if kind < 0.6:
        deep, (before, behind) = (
            random.choice((50, 119, 121, 1200)),
            random.choice((("-", ""), ("not(", ")"), ("(", ")"))),
        )
        return before * deep + "1" + behind * deep
    if kind < 0.7:
        signs = list(expression(random))
        for _ in range(3):
            signs.insert(random.randrange(len(signs) + 1), random.choice(ODD))
        return "".join(signs)
    name = random.choice(sorted(set(FUNCTIONS) - set(OF_A_QUESTION)))
    fewest, most = FUNCTIONS[name]
    given = (
        quoted(random.choice((odd, date, place))(random)) for _ in range(random.randint(fewest, min(most, fewest + 2)))
    )
    return f"{name}({', '.join(given)})"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "") + "'"


def odd(random: Random) -> str:
    return "".join(random.choice(ODD) for _ in range(random.randrange(12)))


def pattern(random: Random, depth: int) -> str:
    found = ""
    for _ in range(random.randint(1, 4)):
        nested = depth > 0 and random.random() < 0.4
        inner = random.choice(OPENINGS) + pattern(random, depth - 1) + ")" if nested else random.choice(ATOMS)
        found += inner + random.choice(REPEATS)
    return found


def date(random: Random) -> str:
    day = "-".join(
        random.choice(part) for part in (("2026", "0001", "9999", "26", "-1"), ("1", "02", "13"), ("28", "30", "0"))
    )
    time = random.choice(("", "", "T24:00", "T09:30", "T23:59:60", "t1:2:3.4567", " 09:30:00"))
    return day + time + random.choice(("", "", "Z", "+08:00", "-0930", "+24", "+8"))


def place(random: Random) -> str:
    numbers = ("0", "-90", "91", "180", "1e1", "31.2", "x", "", "5.", "NaN", "1,5")
    return random.choice((";", "; ", ";;")).join(
        " ".join(random.choice(numbers) for _ in range(random.choice((1, 2, 2, 2, 4))))
        for _ in range(random.randint(1, 5))
    )
