"""Whether a resumed run is trained in other shapes than before: then its record says so.

A run goes on with the bits of one that was not interrupted where it is computed as before: by itself, or as a member of
as many. A batched model multiplies in other shapes than a run by itself, and one of three members in other shapes than
one of two. A processor may add up a product of another shape in another order, and a compiled model rounds elsewhere.
The numbers are then the same to within roundings (docs/reliability.md has the bound), and not to the last bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrscope.runs.prepare import PreparedRun
from lrscope.tracking import RunLog
from lrscope.training.checkpoint_state import COMPILED, MEMBERS

TAG = "lrscope.resumed_otherwise"


@dataclass(frozen=True)
class Way:
    """How a run is trained: in a batched model of so many ``members``, 0 for by itself."""

    members: int
    compiled: bool = False

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Way | None:
        """As it was when a checkpoint was saved; None for one of before this was noted."""
        members = content.get(MEMBERS)
        return cls(members, content.get(COMPILED) is not None) if members is not None else None

    def __str__(self) -> str:
        if not self.members:
            return "by itself"
        return f"in a {'compiled ' if self.compiled else ''}batched model of {self.members}"


BY_ITSELF = Way(0)


def tell_if_trained_otherwise(run: PreparedRun, log: RunLog, before: Way | None, now: Way, updates: int) -> None:
    """Tag the run, and warn, where it goes on in another way than it was trained.

    Args:
        before: None where its checkpoint was written before this was noted.
        updates: those it has behind it.
    """
    if before is None or before == now:
        return
    words = f"{before} for {updates} updates, then {now}"
    log.tags({TAG: words, "lrscope.together": "true" if now.members else "false"})
    why = "from here its numbers are those of a run that was not interrupted to within roundings, not to the last bit"
    warnings.warn(f"{run.name} is trained {words}: {why} (tag {TAG})", stacklevel=2)
