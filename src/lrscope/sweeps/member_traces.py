"""The curves of a sweep's members, as their jobs or an earlier command left them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from lrscope.core.errors import LrscopeError
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.sweeps.current import CurrentSweep


def traces_of(sweep: CurrentSweep, outcomes: Mapping[int, Outcome]) -> dict[int, Trace]:
    """The curves of the members: of those that an earlier command trained as the store has them, where there is one."""
    from lrscope.runs.lifecycle import TRACE
    from lrscope.sweeps.summary import stored_traces

    files = {number: sweep.ledger.place(number) / TRACE for number in outcomes}
    traces = {number: Trace.load(file) for number, file in files.items() if file.is_file()}
    earlier = {number: o.run_id for number, o in outcomes.items() if o.skipped and o.run_id is not None}
    if earlier and sweep.settings.mode == "online":
        with suppress(LrscopeError):  # away just now: the others are still compared
            stored = sweep.session.call_in_service(stored_traces, sweep.settings.uri, tuple(earlier.values()))
            traces |= {number: stored[run_id] for number, run_id in earlier.items()}
    return dict(sorted(traces.items()))
