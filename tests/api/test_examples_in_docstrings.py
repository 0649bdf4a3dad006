"""The examples that stand in docstrings, run as they stand."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
WITH_EXAMPLES = [
    ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted((SRC / "lrscope").rglob("*.py"))
    if ">>> " in file.read_text()
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_its_examples_come_out_as_written(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0


def test_what_a_user_calls_first_has_one() -> None:
    assert {"lrscope", "lrscope.integrations.watch"} <= set(WITH_EXAMPLES)
