"""What the words behind a subcommand are read with."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn


class CommandParser(argparse.ArgumentParser):
    """The description is printed as it stands; a word that is not taken is told in a line, with exit code 2."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, **given})

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}. `{self.prog} --help` tells what there is.\n")
