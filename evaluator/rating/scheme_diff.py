"""What changed from one version of a scheme to the next."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from evaluator.rating.scheme import Scheme


def differences(old: Scheme, new: Scheme) -> list[str]:
    """A line a change: `PATH old -> new`; members of a list go by their code, so that a change of order is none."""
    before, after = flat("", msgspec.to_builtins(old)), flat("", msgspec.to_builtins(new))
    lines = []
    for path in dict.fromkeys([*before, *after]):
        was, now = before.get(path, "nothing"), after.get(path, "nothing")
        if was != now:
            lines.append(f"{path} {was} -> {now}")
    return lines


def same_version(old: Scheme, new: Scheme) -> bool:
    """Whether two schemes go by one name and version although they differ: nobody could tell by which one was rated."""
    return (old.code, old.version) == (new.code, new.version) and old != new


def flat(path: str, value: Any) -> dict[str, str]:
    if isinstance(value, list | tuple) and value:
        if all(isinstance(member, dict) and "code" in member for member in value):
            value = {member["code"]: {k: v for k, v in member.items() if k != "code"} for member in value}
        elif all(isinstance(member, list | tuple) and len(member) == 2 for member in value):  # grades and their limits
            value = dict(value)
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for key, member in value.items():
            found |= flat(f"{path}.{key}" if path else str(key), member)
        return found
    return {path: json.dumps(value, ensure_ascii=False)}


WITHOUT_EFFECT = ("version", "publication.decimals", "publication.reply_days", "sensitivity")  # on any rating


def rates_alike(old: Scheme, new: Scheme) -> bool:
    """Whether the same data have the same ratings by both: they differ at most in version, wording, and settings that
    no rating depends on. Editions of such schemes are compared."""
    one, other = (
        [pair for pair in flat("", msgspec.to_builtins(scheme)).items() if not _without_effect(pair[0])]
        for scheme in (old, new)
    )
    return one == other  # in order too: draws of editions are held beside each other


def _without_effect(path: str) -> bool:
    wording = path.rpartition(".")[2] in ("zh", "en")
    return wording or any(path == one or path.startswith(f"{one}.") for one in WITHOUT_EFFECT)
