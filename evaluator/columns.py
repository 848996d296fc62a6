"""Column types whose CHECK is part of the column's definition, so that CREATE TABLE carries it on both engines."""

from __future__ import annotations

from typing import Any

from piccolo.columns import DoublePrecision, Integer, Varchar


class RangedInteger(Integer):
    """A whole number between two limits, both allowed."""

    def __init__(self, low: int, high: int, default: int | None = 0, null: bool = False, **kwargs: Any) -> None:
        self.low, self.high = low, high
        kwargs.update({"low": low, "high": high})
        super().__init__(default=default, null=null, **kwargs)

    @property
    def column_type(self) -> str:
        return "INTEGER"

    @property
    def ddl(self) -> str:
        return f'{super().ddl} CHECK ("{self._meta.db_column_name}" BETWEEN {self.low} AND {self.high})'


class RangedDouble(DoublePrecision):
    """A number between two limits, both allowed; NaN is refused (it compares as greater than any number)."""

    def __init__(self, low: float, high: float, default: float | None = 0.0, null: bool = False, **kwargs: Any) -> None:
        self.low, self.high = low, high
        kwargs.update({"low": low, "high": high})
        super().__init__(default=default, null=null, **kwargs)

    @property
    def column_type(self) -> str:
        return "DOUBLE PRECISION"

    @property
    def ddl(self) -> str:
        return f'{super().ddl} CHECK ("{self._meta.db_column_name}" BETWEEN {self.low!r} AND {self.high!r})'


class BoundedText(Varchar):
    """Text of at most `length` characters and at least `least`; SQLite ignores the length of VARCHAR."""

    def __init__(
        self, length: int = 255, least: int = 0, default: str | None = "", null: bool = False, **kwargs: Any
    ) -> None:
        self.least = least
        kwargs.update({"least": least})
        super().__init__(length=length, default=default, null=null, **kwargs)

    @property
    def column_type(self) -> str:
        return f"VARCHAR({self.length})"

    @property
    def ddl(self) -> str:
        return f'{super().ddl} CHECK (length("{self._meta.db_column_name}") BETWEEN {self.least} AND {self.length})'


class OneOf(Varchar):
    """One word of a closed list."""

    def __init__(self, words: list[str], default: str | None = "", null: bool = False, **kwargs: Any) -> None:
        self.words = words
        kwargs.pop("length", None)
        kwargs.update({"words": words})
        super().__init__(length=max(map(len, words)), default=default, null=null, **kwargs)

    @property
    def column_type(self) -> str:
        return f"VARCHAR({self.length})"

    @property
    def ddl(self) -> str:
        words = ", ".join(f"'{word}'" for word in self.words)
        return f'{super().ddl} CHECK ("{self._meta.db_column_name}" IN ({words}))'
