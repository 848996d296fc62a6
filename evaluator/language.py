"""The interface's languages: zh-CN by default, en; gettext catalogues read from .po files at first use."""

from __future__ import annotations

import io
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("zh-CN", "en")
DEFAULT = "zh-CN"
COOKIE = "language"
FOLDER = Path(__file__).parent / "translations"

current: ContextVar[str] = ContextVar("language", default=DEFAULT)


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language: the .po files of all rooms in one. English is what the code says."""
    if language == "en":
        return NullTranslations()
    whole = Catalog(locale=language.replace("-", "_"))
    for path in sorted((FOLDER / language.replace("-", "_")).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language.replace("-", "_")):
                if message.id and message.string:
                    whole.add(message.id, message.string, context=message.context)
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(message: str) -> str:
    """`message` in the language of this request."""
    return translations(current.get()).gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    return translations(current.get()).ngettext(one, many, number)


def pgettext(context: str, message: str) -> str:
    return translations(current.get()).pgettext(context, message)


def npgettext(context: str, one: str, many: str, number: int) -> str:
    return translations(current.get()).npgettext(context, one, many, number)


class Bilingual(Protocol):
    """Anything with a text in Chinese and one in English."""

    zh: str
    en: str


def said(label: Bilingual) -> str:
    """A label of data (a questionnaire, a scheme) in the language of this request; Chinese where English is missing."""
    return (label.en or label.zh) if current.get() == "en" else (label.zh or label.en)


def locale() -> str:
    """Babel's name of the language of this request."""
    return current.get().replace("-", "_")


def asked_for(query: bytes) -> str | None:
    """The language that an address names (`?language=en`), so that a page in one language has an address to share."""
    if b"language=" not in query:
        return None
    named = parse_qs(query.decode("latin-1")).get("language", [""])[-1]
    return named if named in LANGUAGES else None


def negotiated(cookie: str | None, accept_language: str) -> str:
    """The language for a visitor: the one chosen before, else the first of ours that the browser wants."""
    if cookie in LANGUAGES:
        return str(cookie)
    for wanted in accept_language.lower().split(","):
        tag = wanted.split(";")[0].strip()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh-CN"
    return DEFAULT
