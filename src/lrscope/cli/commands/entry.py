"""The command ``lrscope SUBCOMMAND``; ``train.py`` and the files of ``scripts/`` call the same functions.

Nothing heavy is imported on the way to ``--help``: a subcommand is imported when it is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lrscope.cli.tell import print_errors, tell
from lrscope.core.errors import Interrupted, LrscopeError
from lrscope.core.paths import is_checkout
from lrscope.core.redact import keep_secrets_out_of_tracebacks
from lrscope.core.std_streams import spare_the_command

SUBCOMMANDS = {
    "train": "train a run, or with -m a sweep: lrscope train -m lr=1,0.01,0.0001",
    "compare": "the report of the latest sweep, or of those whose ids are given",
    "diagnose": "say what became of the latest sweep or run, or of those whose ids are given, and why",
    "check": "say whether the latest training is worse than a baseline, over seeds: for CI",
    "ui": "start MLflow's page on this machine and print the links to it",
    "resume": "go on with the sweep or run that was interrupted last",
    "sync": "deliver what was recorded offline or while the store was away",
    "register": "the best member's model into MLflow's registry, as the champion of a name",
    "serve": "answer requests with a registered model, on this machine",
    "server": "a team's server on this machine: start, status, stop, backup, restore, upgrade",
    "reproduce": "train a stored run again, and compare every number with it",
    "reap": "mark runs whose process is gone as KILLED",
    "clean": "remove old runs from the store, but for the best and the registered ones",
    "init": "write a small project to start from into a folder",
    "guide": "print what a program has to know to call lrscope, for coding agents",
}
"""What each does, in the order in which they are shown. Each is ``NAME_command.py`` beside this file."""


def main() -> int:
    """Run the subcommand in ``sys.argv``.

    Returns:
        its exit code; 2 where there is none of that name.
    """
    words = sys.argv[1:]
    _stay_in_the_project()
    if words and words[0] in SUBCOMMANDS:
        return run(words[0], words[1:], prog=f"lrscope {words[0]}")
    if words and words[0] in ("--version", "-V"):
        print(f"lrscope {_version()}")
        return 0
    if words and words[0] in ("-sc", "--shell-completion"):
        return _complete(words)
    if words and words[0] not in ("-h", "--help"):
        print(f"error: {_unknown(words[0])}", file=sys.stderr)
        return 2
    print(_usage())
    return 0 if words else 2


def run(name: str, words: Sequence[str], prog: str | None = None) -> int:
    """Run one subcommand.

    Args:
        name: one of ``SUBCOMMANDS``.
        words: what is typed behind it.
        prog: how the command was called, for its usage line; by default as the program was.

    Returns:
        its exit code; 2 for what the user has to change, 130 after Ctrl-C.
    """
    spare_the_command()
    keep_secrets_out_of_tracebacks()
    print_errors(True)
    try:
        if str(sys.platform) == "win32":
            from lrscope.core.unsupported_system import refuse_windows

            refuse_windows()
        module = import_module(f"lrscope.cli.commands.{name}_command")
        code: int = module.main(list(words), prog)
    except (LrscopeError, Interrupted) as error:
        return tell(error)
    except KeyboardInterrupt:
        return 130
    return code


def _stay_in_the_project() -> None:
    """A folder with a ``conf/train.yaml`` is a project of its own, beside a checkout that the environment knows too:
    what is trained there is what its files say, and its records stay there, as its own ``train.py`` has it.
    """
    here = Path.cwd()
    if is_checkout() and (here / "conf" / "train.yaml").is_file():
        os.environ.setdefault("LRSCOPE_ROOT", str(here))


def _complete(words: Sequence[str]) -> int:
    """Answer a shell that completes a line (``lrscope train -sc install=bash`` tells it to ask here).

    The subcommands are listed here, what is behind ``train`` by Hydra, which takes the first word for the program.
    """
    program, *typed = os.environ.get("COMP_LINE", "").split(" ")
    if typed[:1] == ["train"] and len(typed) > 1:
        os.environ["COMP_LINE"] = " ".join([program, *typed[1:]])
        return run("train", words)
    print(" ".join(SUBCOMMANDS))
    return 0


def _unknown(word: str) -> str:
    """What to type instead of a subcommand that is not there. An override alone means a training."""
    if "=" in word or word in ("-m", "--multirun"):
        return f"{word}: name the subcommand first: lrscope train {' '.join(sys.argv[1:])}"
    near = get_close_matches(word, SUBCOMMANDS, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{word}: there is no such subcommand.{hint} `lrscope --help` lists them."


def _usage() -> str:
    lines = (f"  {name:<10} {what}" for name, what in SUBCOMMANDS.items())
    return "\n".join(
        (
            "usage: lrscope SUBCOMMAND ...",
            "",
            "Train over learning rates, record every step in MLflow, and learn why a rate failed.",
            "",
            *lines,
            "",
            "`lrscope SUBCOMMAND --help` says what it takes; `lrscope --version` which lrscope this is.",
        )
    )


def _version() -> str:
    try:
        return version("lrscope")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"
