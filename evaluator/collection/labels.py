"""A text in both languages of the interface."""

from __future__ import annotations

import msgspec


class Label(msgspec.Struct, frozen=True):
    """A text in both languages of the interface."""

    zh: str
    en: str
