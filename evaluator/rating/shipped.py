"""The schemes that come with the software, as examples and as starting points."""

from __future__ import annotations

from pathlib import Path

from evaluator.rating.defects import InputError, likely
from evaluator.rating.yaml_nodes import CODE

FOLDER = Path(__file__).parent / "schemes"
SKELETON = Path(__file__).parent / "skeleton.yaml"


def shipped() -> dict[str, Path]:
    """Name -> file."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def shipped_text(name: str) -> str:
    """The text of a shipped scheme; InputError when there is none of that name."""
    known = shipped()
    if name not in known:
        raise InputError([f"no scheme is called {name!r}; {likely(name, known)}"])
    return known[name].read_text(encoding="utf-8")


def skeleton(code: str) -> str:
    """A commented scheme to begin with, under this code; InputError when nothing can be called so."""
    if not CODE.fullmatch(code):
        raise InputError([f"a scheme cannot be called {code!r}; use Latin letters, digits, _ - . and no spaces"])
    return SKELETON.read_text(encoding="utf-8").replace("code: my-scheme", f"code: {code}", 1)
