"""Whether a resumed run is trained in other shapes than before: then its record says so.

A run goes on with the bits of one that was not interrupted where it is computed as before: by itself, or as a member of
as many. A batched model multiplies in other shapes than a run by itself, and one of three members in other shapes than
one of two. A processor may add up a product of another shape in another order. The numbers are then the same to within
roundings (docs/reliability.md has the bound), and not to the last bit.
"""

from __future__ import annotations

import warnings

from lrscope.runs.prepare import PreparedRun
from lrscope.tracking import RunLog

TAG = "lrscope.resumed_otherwise"


def tell_if_trained_otherwise(run: PreparedRun, log: RunLog, before: int | None, now: int, updates: int) -> None:
    """Tag the run, and warn, where it goes on in another way than it was trained.

    Args:
        before, now: members of the batched model that the run was and is part of; 0: by itself. ``before`` is None
            where its checkpoint was written before this was noted.
        updates: those it has behind it.
    """
    if before is None or before == now:
        return
    words = f"{_way(before)} for {updates} updates, then {_way(now)}"
    log.tags({TAG: words, "lrscope.together": "true" if now else "false"})
    why = "from here its numbers are those of a run that was not interrupted to within roundings, not to the last bit"
    warnings.warn(f"{run.name} is trained {words}: {why} (tag {TAG})", stacklevel=2)


def _way(members: int) -> str:
    return f"in a batched model of {members}" if members else "by itself"
