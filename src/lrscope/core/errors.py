"""The exceptions of lrscope: one small tree, each with the exit code a shell sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrscope.core.plain_text import written_out
from lrscope.core.redact import redact_addresses

LONGEST_VALUE = 1_000
"""Signs of a value that are shown: a store may hold one that fills the terminal."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with what the user asked for.

    ``str(problem)`` reads ``lr=-1: must be above 0. Use e.g. lr=0.01.``, always on one line, without a password and
    with nothing in it that steers a terminal.
    """

    key: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        value = self.value if len(self.value) <= LONGEST_VALUE else f"{self.value[:LONGEST_VALUE]} …"
        subject = f"{self.key}={value}" if value else self.key
        return written_out(redact_addresses(" ".join(f"{subject}: {self.rule}. {self.remedy}".split("\n")))).strip()


class LrscopeError(Exception):
    """Base of every error that lrscope raises on purpose; shown to the user without a traceback."""

    exit_code = 1


class InputError(LrscopeError):
    """The user asked for something that cannot be done; carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class StoreUnreachable(InputError):
    """The tracking store did not answer when the command started."""


class NotConfirmed(LrscopeError):
    """The tracking store answered, but not what it was asked: nothing of the answer is believed."""


class RunGone(InputError):
    """A run that was to go on is neither in the store nor in the journal: somebody deleted it."""


class Interrupted(BaseException):
    """A signal asked the run to stop; raised at the end of the step that was under way.

    As with ``KeyboardInterrupt``, no ``except Exception`` on its way takes it for an error of what it was doing.
    """

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
        super().__init__(f"stopped by signal {signal_number}")

    def __reduce__(self) -> tuple[type[Interrupted], tuple[int]]:
        return type(self), (self.signal_number,)
