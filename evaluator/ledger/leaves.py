"""What stands in a log: one JSON object an entry, in one spelling, of a closed list of kinds. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 65_535  # bytes of an entry: bundles of entries give its length in two bytes
RESPONSE = re.compile(r'\{"campaign":"([a-z0-9][a-z0-9-]{0,63})","commitment":"[0-9a-f]{64}","kind":"response"\}')

Check = Callable[[Any], bool]


class EntryError(ValueError):
    """An entry that must not stand in a log; the message says why."""


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


_digest = _matches(r"[0-9a-f]{64}")
_code = _matches(r"[a-z0-9][a-z0-9-]{0,63}")
_word = _matches(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*")
_text: Check = lambda value: isinstance(value, str) and bool(value)  # noqa: E731
_object: Check = lambda value: isinstance(value, dict)  # noqa: E731

# What every entry of a kind must say. It may say more; of a response nothing more.
KINDS: Mapping[str, Mapping[str, Check]] = {
    "response": {"campaign": _code, "commitment": _digest},
    "manifest": {"campaign": _code, "manifest": _object},
    "withdrawal": {"campaign": _code, "leaf": _digest},
    "exclusion": {"campaign": _code, "leaf": _digest, "rule": _text},
    "reinstatement": {"campaign": _code, "leaf": _digest},
    "snapshot": {"campaign": _code, "size": _is_size, "root": _digest},
    "closing": {"campaign": _code},
    "key_destroyed": {"campaign": _code},
    "audit": {"what": _word},
}


def written(value: Mapping[str, Any]) -> str:
    """JSON in its one spelling: keys sorted, no blanks, ASCII.

    >>> written({"kind": "closing", "campaign": "2026"})
    '{"campaign":"2026","kind":"closing"}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def entry(kind: str, **fields: Any) -> str:
    """An entry. Without `at`, which every kind but `response` has, it is what appending completes.

    Raises
    ------
    EntryError
        The kind is unknown, or a field is missing or not of its kind.
    """
    try:
        text = written({"kind": kind, **fields})
    except (TypeError, ValueError) as error:
        raise EntryError(f"an entry cannot hold this: {error}") from None
    _check(json.loads(text), text)
    return text


def _check(value: Mapping[str, Any], text: str) -> None:
    if len(text) > LONGEST:
        raise EntryError(f"an entry has at most {LONGEST} bytes, this one {len(text)}")
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise EntryError(f"{kind!r} is no kind of entry; known: {', '.join(KINDS)}")
    for name, holds in KINDS[kind].items():
        if name not in value:
            raise EntryError(f"{kind}: {name} is missing")
        if not holds(value[name]):
            raise EntryError(f"{kind}: {name} is {str(value[name])[:60]!r}")
    if kind == "response" and len(value) != len(KINDS[kind]) + 1:
        raise EntryError("response: nothing but campaign and commitment may be said of it")
    if "at" in value and not _is_size(value["at"]):
        raise EntryError(f"{kind}: at is {str(value['at'])[:60]!r}, not a position")


def _no_number(text: str) -> float:
    raise EntryError(f"{text} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise EntryError("a field stands twice")
    return value


def read_entry(text: str) -> Mapping[str, Any]:
    """What an entry says.

    Raises
    ------
    EntryError
        It is not JSON in its one spelling, or not of a known kind with its fields.
    """
    if len(text) > LONGEST:
        raise EntryError(f"an entry has at most {LONGEST} bytes, this one {len(text)}")
    try:
        value = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
        same = isinstance(value, dict) and written(value) == text
    except (ValueError, RecursionError) as error:
        if isinstance(error, EntryError):
            raise
        raise EntryError("an entry is a JSON object") from None
    if not same:
        raise EntryError("an entry is a JSON object with sorted keys, without blanks, in ASCII")
    _check(value, text)
    return value  # type: ignore[no-any-return]


def is_response(text: str, campaign: str) -> bool:
    """Whether it is the entry of a response of this campaign, in its one spelling."""
    found = RESPONSE.fullmatch(text)
    return found is not None and found[1] == campaign


def placed(text: str, position: int, size: int, campaign: str | None) -> str:
    """The entry as it stands at `position` of a log that had `size` leaves before: with `at`, if its kind has it.

    Parameters
    ----------
    text : str
        The entry, with `at` or without.
    position, size : int
        `at` may be anything from `size` to `position`; without it, it becomes the position.
    campaign : str or None
        Whose log it is; None: the audit log.

    Raises
    ------
    EntryError
        It does not belong there.
    """
    if found := RESPONSE.fullmatch(text):  # a million of them at a time
        kind, owner = "response", found[1]
    else:
        value = read_entry(text)
        kind, owner = value["kind"], value.get("campaign")
    if kind != "audit" if campaign is None else kind == "audit" or owner != campaign:
        raise EntryError(
            f"an entry of kind {kind} of {owner!r} does not belong into the log of {campaign or 'audit'!r}"
        )
    if kind == "response":
        return text
    at = value.get("at", position)
    if not size <= at <= position:
        raise EntryError(f"{kind}: written for position {at}, but it would stand at {position}")
    done = written({**value, "at": at})
    if len(done) > LONGEST:
        raise EntryError(f"an entry has at most {LONGEST} bytes, this one {len(done)}")
    return done
