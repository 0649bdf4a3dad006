"""What became of one run, as its job leaves it for the sweep: small, and readable from another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from lrscope.core.failpoint import failpoint
from lrscope.core.pruned import Pruned

FILE = "outcome.json"

TRACEBACK = "traceback.txt"
"""Of a run that crashed, among its artifacts and in its job's folder."""

Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class Outcome:
    """``crashed`` tells an error from a divergence: both are FAILED, only the first makes the sweep's exit code 1."""

    name: str
    local_id: str
    status: Status
    verdict: str
    why: str
    lr: float
    fingerprint: str
    run_id: str | None = None
    crashed: bool = False
    skipped: bool = False
    """Finished in an earlier call: resume had nothing to do."""
    lost: bool = False
    """Something of its record is, see :func:`lrscope.runs.shared_session.failed_to_record`."""
    pruned: Pruned | None = None
    """That a search stopped it."""
    steps: int = 0
    seconds: float = 0.0
    overrides: Mapping[str, str] = field(default_factory=dict)
    final: Mapping[str, float] = field(default_factory=dict)
    """Latest value of each epoch metric."""
    best: Mapping[str, float] = field(default_factory=dict)
    """Lowest loss and highest accuracy of the run, by metric."""
    advice: str = ""
    """What to do, of a run that was judged."""

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{FILE}"
        fresh.write_text(json.dumps(asdict(self)))
        with failpoint("outcome"):
            fresh.replace(folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> Outcome | None:
        """The outcome that a job left in its folder; None where it left none."""
        try:
            return cls.from_json((folder / FILE).read_text())
        except (OSError, ValueError, TypeError):
            return None

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Raises:
        ValueError, TypeError: the text is no outcome.
        """
        stored = json.loads(text)
        return cls(**{**stored, "pruned": Pruned.of(stored.get("pruned"))})
