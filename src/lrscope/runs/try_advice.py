"""At the end of a run that failed: copies are trained from its start, to say what would have trained."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import torch

from lrscope.core.stop_signals import STOP
from lrscope.core.trace import Trace
from lrscope.core.trials import Trials
from lrscope.diagnosis.untried import Untried, untried
from lrscope.probe.clock import clock_for
from lrscope.probe.rounds import trials
from lrscope.runs.prepare import PreparedRun
from lrscope.runs.trial_start_of import can_be_tried, trial_start_of


def tried(run: PreparedRun, trace: Trace, device: torch.device, world_size: int, trained: float) -> Trials | None:
    """What trials for a lone run came to; None where it works, or nothing can be tried.

    Args:
        trained: seconds that the run took.
    """
    wanted = untried([trace])
    return try_for(run, wanted, device, world_size, trained) if wanted is not None else None


def try_for(run: PreparedRun, wanted: Untried, device: torch.device, world_size: int, trained: float) -> Trials | None:
    """The same for a run of which it is known that something has to be tried."""
    clock = clock_for(trained, run.cfg.callbacks.trial_seconds, device.type == "cpu", STOP.requested)
    if clock.seconds <= 0 or not can_be_tried(run, world_size) or STOP.requested() is not None:
        return None
    if run.cfg.callbacks.progress != "none":
        print(
            f"{run.name}: {wanted.verdict.label}; trying what would train, for about {clock.seconds:.0f} s at most",
            flush=True,
        )
    try:
        return trials(trial_start_of(run, device), wanted, clock)
    except Exception as error:  # of a user's part that cannot be made twice: the run itself has ended well
        text = str(error).splitlines()[0] if str(error) else ""
        warnings.warn(
            f"{run.name}: nothing could be tried, so the advice rests on the record ({type(error).__name__}: {text})",
            stacklevel=2,
        )
        return None


def with_trials(traces: Sequence[Trace], found: Trials) -> list[Trace]:
    """The curves of runs that these trials speak for."""
    return [replace(trace, facts=replace(trace.facts, trials=found)) for trace in traces]
