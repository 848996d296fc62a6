"""evaluator: published integrity ratings of governments, with their uncertainty, recomputable by anyone."""

__version__ = "0.1.0"
