"""Every public function of the statistics says how it is used, and what it says is true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import numpy as np
import pytest

import methods

MODULES = sorted(name for _, name, package in pkgutil.walk_packages(methods.__path__, "methods.") if not package)


def _public(module: ModuleType) -> list[str]:
    return [
        name
        for name, thing in vars(module).items()
        if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
    ]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_show(name: str) -> None:
    with np.printoptions(legacy=False):
        failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not failed


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_has_a_runnable_example(name: str) -> None:
    module = importlib.import_module(name)
    without = [f for f in _public(module) if ">>>" not in (inspect.getdoc(getattr(module, f)) or "")]
    assert not without, f"no Examples in {name}: {', '.join(without)}"
