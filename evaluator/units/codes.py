"""Codes of units: divisions by GB/T 2260 (and below, GB/T 10114), unified social credit codes by GB 32100-2015."""

from __future__ import annotations

import re
import unicodedata

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
AREA = re.compile(r"[1-9]\d(\d{2}(\d{2}(\d{3})?)?)?")
PART = re.compile(r"[1-9]\d(\d{2}(\d{2}(\d{3})?)?)?-[A-Z0-9]{1,16}")


def canonical_code(text: str) -> str:
    """A unit's code without what people add: spaces, full-width digits, trailing zeros of the 6- and 12-digit forms.

    Examples
    --------
    >>> canonical_code("370000"), canonical_code("371000"), canonical_code("370102001000")
    ('37', '3710', '370102001')
    """
    code = unicodedata.normalize("NFKC", text).strip().upper()
    if not code.isascii() or not code.isdigit():
        return code
    if len(code) == 12 and code.endswith("000"):
        code = code[:9]
    if len(code) == 9 and code.endswith("000"):
        code = code[:6]
    while len(code) in (4, 6) and code.endswith("00"):
        code = code[:-2]
    return code


def code_problem(code: str, kind: str) -> str | None:
    """What is wrong with a canonical code, in English for translation; None when nothing is."""
    if kind == "area" and not AREA.fullmatch(code):
        return "not a division code of GB/T 2260: 2, 4, 6 or 9 digits, or the 6- and 12-digit forms with trailing zeros"
    if kind != "area" and not (AREA.fullmatch(code) or PART.fullmatch(code)):
        return "not a code of a zone or department: the area's code, a hyphen, then 1 to 16 capital letters or digits"
    return None


def credit_check_character(first_17: str) -> str:
    """The check character of the first 17 characters of a unified social credit code (GB 32100-2015, 4.6)."""
    total = sum(CREDIT_ALPHABET.index(c) * w for c, w in zip(first_17, CREDIT_WEIGHTS, strict=True))
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def credit_code_problem(code: str) -> str | None:
    """What is wrong with a unified social credit code; None when nothing is."""
    if len(code) != 18:
        return f"has {len(code)} characters; a unified social credit code has 18"
    if wrong := sorted({c for c in code if c not in CREDIT_ALPHABET}):
        return f"has {' '.join(wrong)}; only digits and capital letters without I, O, S, V, Z are used"
    if (right := credit_check_character(code[:17])) != code[17]:
        return f"the last character does not check: for these 17 it would be {right}; one of the 18 is mistyped"
    return None
