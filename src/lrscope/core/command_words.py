"""How a user types a command: as the files of a checkout, or as the subcommands of an installed package."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lrscope.core.paths import is_checkout

SCRIPT = "__main__."
"""What a script itself holds is found under this name in its own process alone."""


_from_python: ContextVar[bool] = ContextVar("from_python", default=False)


@contextmanager
def called_from_python() -> Iterator[None]:
    """Around a command that Python code calls: what to type next is a call of the same code, which has its own modules,
    folder and environment.
    """
    before = _from_python.set(True)
    try:
        yield
    finally:
        _from_python.reset(before)


def is_from_python() -> bool:
    """Whether Python code called the command."""
    return _from_python.get()


_options: tuple[str, ...] = ()


def type_again(*options: str) -> None:
    """Set the options of this process's command without which its overrides mean something else."""
    global _options
    _options = options


def with_options(words: Iterable[str]) -> list[str]:
    """The overrides of a command behind those options, as whoever repeats it has to type them."""
    return [*_options, *words]


def train_command() -> str:
    """``python train.py`` in a checkout, else ``lrscope train``."""
    return "python train.py" if is_checkout() else "lrscope train"


def command(name: str) -> str:
    """``make NAME`` in a checkout, else ``lrscope NAME``: both are the same function."""
    return f"make {name}" if is_checkout() else f"lrscope {name}"


def script(name: str) -> str:
    """``python scripts/NAME.py`` in a checkout, else ``lrscope NAME``, where options follow."""
    return f"python scripts/{name}.py" if is_checkout() else f"lrscope {name}"


def train_again(words: Iterable[str], sweep: bool = False) -> str:
    """What to type for a training by these overrides; where Python code called lrscope, or they name a class of such a
    script, which no command line finds, what to call there.
    """
    words = list(words)
    if _from_python.get() or any(SCRIPT in word for word in words):
        call = ", ".join(_python_text(word) for word in words)
        return f"in your script: lrscope.{'sweep' if sweep else 'train'}({call})"
    return " ".join([train_command(), *(["-m"] if sweep else []), *map(shlex.quote, words)])


def resume_command(words: Iterable[str], identity: str, sweep: bool = False) -> str:
    """The one command that goes on with a run or a sweep.

    Args:
        words: the overrides that it was begun by.
        identity: its id in the store, or its local one.
    """
    return train_again([*(word for word in words if not word.startswith("resume=")), f"resume={identity}"], sweep)


def _python_text(word: str) -> str:
    return f'"{word}"' if not set(word) & set('"\\') else repr(word)
