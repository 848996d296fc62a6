"""A YAML text as a tree of nodes that remember their place. Bounded, and without anything YAML can do but data.

Every scalar stays the text that was written: `no`, `2026.1` and `0` are what the author sees, never a boolean or a
float. Anchors, aliases, merge keys and tags are refused, so a small file cannot become a large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from questionnaires.mistakes import DefinitionError, Mistake

MOST_BYTES = 2 * 1024 * 1024
MOST_NODES = 250_000
MOST_DEPTH = 40

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    line: int  # from 1, as the column
    column: int
    value: str
    quoted: bool

    @property
    def blank(self) -> bool:
        """Whether nothing was written: an empty value, `~` or `null`."""
        return not self.quoted and self.value in ("", "~", "null", "Null", "NULL")


@dataclass(slots=True)
class List:
    line: int
    column: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Entries:
    """A mapping, as written: a key that stands twice is still there twice."""

    line: int
    column: int
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)


Node = Scalar | List | Entries


def read(text: str | bytes, file: str) -> Node:
    """Parse one YAML document.

    Raises
    ------
    DefinitionError
        When the text is too large, nests too deep, is not UTF-8 or not YAML, or uses anchors, aliases or tags.
    """
    try:
        raw = text if isinstance(text, bytes) else text.encode("utf-8")
        if len(raw) > MOST_BYTES:
            raise _refusal(
                file,
                1,
                1,
                "the file has %(size)s bytes",
                "at most %(most)s are allowed",
                size=str(len(raw)),
                most=str(MOST_BYTES),
            )
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refusal(file, line, 1, "the file is not UTF-8", "save it with the encoding UTF-8") from None
    except UnicodeEncodeError:
        raise _refusal(file, 1, 1, "the text has half of a surrogate pair", "save it with the encoding UTF-8") from None
    try:
        return _tree(yaml.parse(decoded, Loader=_Loader), file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        what = (error.problem or error.context or "it cannot be read").replace("%", "%%")
        raise _refusal(file, line, column, "not YAML: " + what, "check indentation, quotes and brackets") from None
    except yaml.reader.ReaderError as error:
        line = decoded.count("\n", 0, error.position) + 1
        raise _refusal(file, line, 1, "a control character", "remove it") from None
    except yaml.YAMLError:
        raise _refusal(file, 1, 1, "not YAML", "check indentation, quotes and brackets") from None


def _tree(events: Iterator[yaml.Event], file: str) -> Node:
    root: Node | None = None
    open_nodes: list[tuple[List | Entries, Scalar | None]] = []  # a mapping waits for the value of its key
    nodes = 0
    for event in events:
        line, column = (event.start_mark.line + 1, event.start_mark.column + 1) if event.start_mark else (1, 1)
        node: Node
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refusal(
                file, line, column, "an anchor or alias (& or *)", "write the value out, or put it in quotes"
            )
        if getattr(event, "tag", None) is not None:
            raise _refusal(file, line, column, "a tag (!)", "write the value without it, or put it in quotes")
        if isinstance(event, yaml.ScalarEvent):
            node = Scalar(line, column, event.value, event.style not in (None, ""))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = List(line, column)
        elif isinstance(event, yaml.MappingStartEvent):
            node = Entries(line, column)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            open_nodes.pop()
            continue
        elif isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise _refusal(file, line, column, "a second document", "one questionnaire a file: remove the --- line")
        else:
            continue
        nodes += 1
        if nodes > MOST_NODES:
            raise _refusal(file, line, column, "too many values", "at most %(most)s are allowed", most=str(MOST_NODES))
        if not open_nodes:
            root = node
        else:
            parent, key = open_nodes[-1]
            if isinstance(parent, List):
                parent.items.append(node)
            elif key is None:
                if not isinstance(node, Scalar):
                    raise _refusal(
                        file, line, column, "a list or mapping where a key belongs", "{unit} at the start needs quotes"
                    )
                open_nodes[-1] = (parent, node)
                continue
            else:
                parent.pairs.append((key, node))
                open_nodes[-1] = (parent, None)
        if not isinstance(node, Scalar):
            if len(open_nodes) >= MOST_DEPTH:
                raise _refusal(
                    file,
                    line,
                    column,
                    "the file nests too deep",
                    "at most %(most)s levels are allowed",
                    most=str(MOST_DEPTH),
                )
            open_nodes.append((node, None))
    if root is None:
        raise _refusal(
            file, 1, 1, "the file is empty", "a questionnaire starts with: code, version, languages, sections"
        )
    return root


def _refusal(file: str, line: int, column: int, what: str, right: str, **values: str) -> DefinitionError:
    return DefinitionError(file, [Mistake(line, column, "", what, right, tuple(values.items()))])
