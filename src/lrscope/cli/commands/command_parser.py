"""What the words behind a subcommand are read with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn


class CommandParser(argparse.ArgumentParser):
    """The description is printed as it stands; a word that is not taken is told in a line, with exit code 2."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **given})

    def add_config_search(self) -> None:
        """Take where a stored command is to look for YAML files here: another machine has them elsewhere."""
        self.add_argument("--config-dir", metavar="DIR", help="in place of that of the stored command")
        self.add_argument("--config-name", metavar="NAME", help="likewise")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}. `{self.prog} --help` tells what there is.\n")


def config_search(arguments: argparse.Namespace) -> list[str]:
    """What was given for ``add_config_search``, as words of a command."""
    folder, name = arguments.config_dir, arguments.config_name
    return [
        *([f"--config-dir={Path(folder).expanduser().resolve()}"] if folder else []),
        *([f"--config-name={name}"] if name else []),
    ]
