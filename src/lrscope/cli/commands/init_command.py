"""Write a small project to start from: data and a network of your own, one YAML file of each group, and a test.

It works as it stands: `lrscope train -m lr=1,0.1,0.01` in the new folder trains a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.core.errors import InputError, Problem

TEMPLATE = "project"
RENAMED = {"gitignore": ".gitignore"}
"""Files that would have an effect inside the package itself under the name that they get."""


def main(words: Sequence[str], prog: str | None) -> int:
    """0, or 2 where a file of the project is there already."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="default: the current folder")
    folder: Path = parser.parse_args(words).folder
    with as_file(files("lrscope.cli") / TEMPLATE) as template:
        for written in write_project(template, folder):
            print(written)
    enter = "" if folder == Path() else f"cd {folder} && "
    print(f"Try it: {enter}lrscope train -m lr=1,0.1,0.01,0.001")
    return 0


def write_project(template: Path, folder: Path) -> list[Path]:
    """Copy the template into a folder, which is made where it is missing.

    Returns:
        the files written.

    Raises:
        InputError: a file is there already; nothing has been written then.
    """
    sources = sorted(path for path in template.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    names = [path.relative_to(template) for path in sources]
    targets = [folder / name.with_name(RENAMED.get(name.name, name.name)) for name in names]
    if taken := [target for target in targets if target.exists()]:
        raise InputError(Problem("init", str(taken[0]), "is there already", "Name a new folder: lrscope init FOLDER"))
    for source, target in zip(sources, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    return targets
