"""How a command that trains has ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lrscope.core.errors import LrscopeError
from lrscope.core.outcome import Outcome

if TYPE_CHECKING:
    from lrscope.core.found_rate import FoundRate


@dataclass
class Ended:
    """How a command ended: its exit code, what it was told to the user where it failed, and what it recorded."""

    code: int = 0
    error: LrscopeError | None = None
    run_id: str | None = None
    """MLflow's id of a lone run."""
    find_id: str | None = None
    """MLflow's id of the run of a find, where the command made one."""
    found: FoundRate | None = None
    """What that came to."""
    sweep_id: str | None = None
    """MLflow's id of a sweep's parent."""
    store: str | None = None
    """``tracking.uri`` as it was given."""
    outcomes: tuple[Outcome, ...] = ()
    """Of the lone run, or of the members so far."""
    report: Path | None = None
    """The page of the sweep's report, where one was written."""
