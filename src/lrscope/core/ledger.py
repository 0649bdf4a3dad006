"""The files through which a sweep and its members, in whatever processes and folders, know of each other.

``<sweep>/sweep.json``        the ticket: which sweep this is (:class:`lrscope.core.job.SweepTicket`)
``<sweep>/sweep/NUMBER/``     what the job of this number leaves for the sweep: its outcome, its curves
``<sweep>/sweep/stop``        the signal that asked the command to stop

``<sweep>`` is Hydra's folder of the sweep; a second command in the same folder has ``sweep-2``, and so on. Every job is
told of the ticket by a variable in its environment, :data:`SWEEP`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

SWEEP = "LRSCOPE_SWEEP"


@dataclass(frozen=True)
class Ledger:
    """``ticket`` is the file that names it."""

    ticket: Path

    @classmethod
    def new(cls, folder: Path) -> Ledger:
        """One that no other command has, in the folder of a sweep.

        Raises:
            OSError: the folder cannot be made or written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            name = "sweep" if number == 1 else f"sweep-{number}"
            with suppress(FileExistsError):
                (folder / f"{name}.json").touch(exist_ok=False)
                (folder / name).mkdir(exist_ok=True)
                return cls(folder / f"{name}.json")
        raise AssertionError

    @property
    def folder(self) -> Path:
        return self.ticket.with_suffix("")

    def place(self, number: int) -> Path:
        """Where the job of this number leaves what the sweep is to know of it."""
        return self.folder / str(number)

    def places(self) -> list[tuple[int, Path]]:
        """Of the jobs that have left something, in the order of their numbers."""
        found = (path for path in self.folder.glob("*") if path.name.isdecimal())
        return sorted((int(path.name), path) for path in found)

    def ask_to_stop(self, signal_number: int) -> None:
        """Tell the jobs, wherever they run, to stop after their step."""
        with suppress(OSError):
            (self.folder / "stop").write_text(str(signal_number))

    def asked_to_stop(self) -> int | None:
        """The signal that came to the command; None where none did."""
        try:
            return int((self.folder / "stop").read_text())
        except (OSError, ValueError):
            return None
