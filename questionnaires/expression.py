"""The expression language: ODK XPath without node sets, parsed once into a small typed tree.

The parts are in `questionnaires.expressions`; what is imported elsewhere is named here. What an expression gives is in
`questionnaires.evaluation`, and docs/expressions.md says what each operator and function does.
"""

from __future__ import annotations

from questionnaires.expressions.parsing import LEVELS, MOST_CHARACTERS, MOST_DEPTH, Resolve, parse
from questionnaires.expressions.signatures import FUNCTIONS, REFUSED
from questionnaires.expressions.tree import (
    Call,
    Chain,
    Current,
    Expression,
    ExpressionError,
    Name,
    Negate,
    Node,
    Number,
    Text,
    compact,
    render,
    walk,
)

__all__ = [
    "FUNCTIONS",
    "LEVELS",
    "MOST_CHARACTERS",
    "MOST_DEPTH",
    "REFUSED",
    "Call",
    "Chain",
    "Current",
    "Expression",
    "ExpressionError",
    "Name",
    "Negate",
    "Node",
    "Number",
    "Resolve",
    "Text",
    "compact",
    "parse",
    "render",
    "walk",
]
