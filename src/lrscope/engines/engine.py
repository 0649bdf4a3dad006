"""What every engine can do: start a piece of work elsewhere, say whether it has ended, and stop."""

from __future__ import annotations

from typing import Any, Protocol


class Work(Protocol):
    """Can be pickled; what it returns can be pickled too."""

    def __call__(self) -> Any:
        """Do it."""

    def resumed(self) -> Work:
        """The same, going on from what an earlier process left."""


class WorkerDied(Exception):
    """The process that worked ended without a word: killed, out of memory or of time, its machine lost."""


class Handle(Protocol):
    """A piece of work that was submitted."""

    def done(self) -> bool:
        """Whether it has ended, in whatever way. Does not wait."""

    def result(self) -> Any:
        """What it returned.

        Raises:
            WorkerDied: nothing came back.
            Exception: what the work raised.
        """


class Engine(Protocol):
    """Where work is done."""

    def submit(self, work: Work, name: str) -> Handle:
        """Start a piece of work. At most as many as there are workers are under way.

        Args:
            name: what it is called where the engine shows it.
        """

    def withdraw(self) -> None:
        """A signal came: take back what waits for a worker, so that nobody waits for it. Workers stop by themselves."""

    def stop(self) -> None:
        """End the workers, at once where they work."""


START_S = {"joblib": 4.0, "ray": 5.0, "slurm": 12.0}
"""Seconds that a group costs beside its training: what must be gained by one more. They are the processor's, as
benchmarks/engines.py has them (4.2, 5.2 and 11.9, one round each on a busy machine), of Ray with its own processes.
"""
