"""Print what a program, or a coding agent, has to know to call lrscope: a page of 60 lines at most."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from lrscope.cli.commands.command_parser import CommandParser

PAGE = "guide.md"


def main(words: Sequence[str], prog: str | None) -> int:
    """0."""
    CommandParser(prog=prog, description=__doc__).parse_args(words)
    print((files("lrscope.cli") / PAGE).read_text("utf-8"), end="")
    return 0
