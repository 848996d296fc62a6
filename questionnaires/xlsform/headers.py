"""What the header of a column means, and how languages are named in headers."""

from __future__ import annotations

import re

from questionnaires.reading import LANGUAGE

OWN = "evaluator::"  # columns that carry what XLSForm has no column for
OWN_CHOICE = "evaluator_"
LONGEST_LANGUAGE = 40

# The key of our definition that a column's mistakes are told of, by the column's name in small letters.
KEYS = {
    "type": "type", "command": "type", "name": "name", "value": "name", "tag": "name", "label": "label",
    "caption": "label", "hint": "hint", "guidance_hint": "guidance_hint", "relevant": "relevant",
    "relevance": "relevant", "required": "required", "required_message": "required_message",
    "requiredmsg": "required_message", "jr:requiredmsg": "required_message", "constraint": "constraint",
    "constraint_message": "constraint_message", "constraining_message": "constraint_message",
    "jr:constraintmsg": "constraint_message", "calculation": "calculation", "calculate": "calculation",
    "choice_filter": "choice_filter", "default": "default", "read_only": "read_only", "readonly": "read_only",
    "appearance": "appearance", "parameters": "parameters", "repeat_count": "repeat_count", "count": "repeat_count",
    "jr:count": "repeat_count", "trigger": "trigger", "image": "media", "big-image": "media", "audio": "media",
    "video": "media", "list_name": "list_name", "disabled": "disabled",
}  # fmt: skip
PREFIXES = ("bind", "control", "body", "media")
TEXTS = ("label", "hint", "guidance_hint", "required_message", "constraint_message")

# Names of languages as forms have them; the code in brackets behind a name wins.
LANGUAGES = {
    "en": ("English",), "zh": ("\u4e2d\u6587", "Chinese", "\u6c49\u8bed", "\u7b80\u4f53\u4e2d\u6587"),
    "fr": ("Français", "French"),
    "es": ("Español", "Spanish"), "pt": ("Português", "Portuguese"), "ar": ("العربية", "Arabic"),
    "ru": ("Русский", "Russian"), "de": ("Deutsch", "German"), "it": ("Italiano", "Italian"),
    "ja": ("\u65e5\u672c\u8a9e", "Japanese"), "ko": ("한국어", "Korean"), "vi": ("Tiếng Việt", "Vietnamese"),
    "id": ("Bahasa Indonesia", "Indonesian"), "hi": ("हिन्दी", "Hindi"), "bn": ("বাংলা", "Bengali", "Bangla"),
    "ur": ("اردو", "Urdu"), "ne": ("नेपाली", "Nepali"), "sw": ("Kiswahili", "Swahili"), "am": ("አማርኛ", "Amharic"),
    "so": ("Soomaali", "Somali"), "ha": ("Hausa",), "my": ("မြန်မာ", "Burmese"), "th": ("ไทย", "Thai"),
    "km": ("ខ្មែរ", "Khmer"), "lo": ("ລາວ", "Lao"), "tr": ("Türkçe", "Turkish"), "fa": ("فارسی", "Persian", "Dari"),
    "ps": ("پښتو", "Pashto"), "ku": ("Kurdî", "Kurdish"), "uk": ("Українська", "Ukrainian"),
    "pl": ("Polski", "Polish"), "ro": ("Română", "Romanian"), "nl": ("Nederlands", "Dutch"),
    "mn": ("Монгол", "Mongolian"), "bo": ("བོད་ཡིག", "Tibetan"), "ug": ("ئۇيغۇرچە", "Uyghur"),
    "ht": ("Kreyòl", "Haitian Creole"), "mg": ("Malagasy",), "ta": ("தமிழ்", "Tamil"), "te": ("తెలుగు", "Telugu"),
}  # fmt: skip
BY_NAME = {name.casefold(): code for code, names in LANGUAGES.items() for name in names}
IN_BRACKETS = re.compile(r"[（(]\s*([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)\s*[)）]\s*\Z")


def meaning(header: str) -> str:
    """The column that a header stands for: `label`, `relevant`, `media`, ...; itself when it is none of XLSForm's.

    >>> meaning("Label::English (en)"), meaning("bind::relevant"), meaning("media::image::en")
    ('label', 'relevant', 'media')
    """
    if header.lower().startswith(OWN):
        return OWN + header[len(OWN) :].strip()
    tokens = [token.strip() for token in header.split("::" if "::" in header else ":")]
    if "::" not in header and "jr" in tokens:
        tokens = header.split("::")
    first = "_".join(tokens[0].split()).lower()
    if first in PREFIXES and len(tokens) > 1:
        return "media" if first == "media" else KEYS.get(tokens[1].lower(), header)
    return KEYS.get(first, header)


def is_text(header: str) -> bool:
    """Whether a column holds words for people."""
    return meaning(header) in TEXTS


def language_name(code: str) -> str:
    """How a language is named in a header: its own name and its code.

    >>> language_name("fr"), language_name("qaa")
    ('Français (fr)', 'qaa')
    """
    return f"{LANGUAGES[code][0]} ({code})" if code in LANGUAGES else code


def language_code(name: str) -> str | None:
    """The code of a language as a header names it; None when it cannot be told.

    >>> language_code("French (fr)"), language_code("English"), language_code("zh-CN"), language_code("Klingon")
    ('fr', 'en', 'zh-CN', None)
    """
    name = name.strip()[:LONGEST_LANGUAGE]
    found = IN_BRACKETS.search(name)
    if found is None and name.casefold() in BY_NAME:
        return BY_NAME[name.casefold()]
    main, dash, rest = (found[1] if found else name).replace("_", "-").partition("-")
    code = main.lower() + dash + rest
    if LANGUAGE.match(code):
        return code
    return BY_NAME.get(re.sub(r"[（(].*", "", name).strip().casefold())


def guessed_language(text: str) -> str:
    """The language of a form that names none, by its letters; English when they tell nothing.

    >>> guessed_language("Привет"), guessed_language("Hello")
    ('ru', 'en')
    """
    sample = text[:20_000]
    counts = {
        code: len(re.findall(letters, sample))
        for code, letters in {
            "ja": "[\u3040-\u30ff]", "ko": "[\uac00-\ud7af]", "zh": "[\u4e00-\u9fff]", "ru": "[\u0400-\u04ff]",
            "ar": "[\u0600-\u06ff]",
        }.items()
    }  # fmt: skip
    code = max(counts, key=lambda one: counts[one])
    if counts["ja"] > 20:
        code = "ja"
    return code if counts[code] * 5 > len(re.findall(r"[^\W\d_]", sample)) else "en"
