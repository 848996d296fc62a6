"""The schemes that come with the software, as examples and as starting points."""

from __future__ import annotations

from pathlib import Path

from evaluator.rating.defects import InputError, likely

FOLDER = Path(__file__).parent / "schemes"


def shipped() -> dict[str, Path]:
    """Name -> file."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def shipped_text(name: str) -> str:
    """The text of a shipped scheme; InputError when there is none of that name."""
    known = shipped()
    if name not in known:
        raise InputError([f"no scheme is called {name!r}; {likely(name, known)}"])
    return known[name].read_text(encoding="utf-8")
