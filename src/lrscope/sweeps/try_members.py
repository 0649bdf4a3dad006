"""Where no member of a sweep works, it is tried once for all of them what would: in the process that closes it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from lrscope.core.job import Job
from lrscope.core.trace import Trace
from lrscope.diagnosis.untried import untried
from lrscope.runs.prepare import prepare
from lrscope.runs.try_advice import try_for, with_trials
from lrscope.sweeps.current import CurrentSweep
from lrscope.sweeps.plan import Plan
from lrscope.training.trainer import make_trainer


def with_trials_of_members(sweep: CurrentSweep, plan: Plan, traces: Mapping[int, Trace]) -> dict[int, Trace]:
    """The curves of the members, by the numbers of their jobs, with what was tried; as they were where nothing was."""
    numbers = list(traces)
    wanted = untried(list(traces.values()))
    if wanted is None:
        return dict(traces)
    job = plan.jobs[numbers[wanted.number]]
    run = prepare(job.cfg, Job(sweep.ledger.place(numbers[wanted.number]), job.overrides))
    trainer = make_trainer(job.cfg)
    trained = time.monotonic() - sweep.began
    found = try_for(run, wanted, trainer.strategy.root_device, trainer.world_size, trained)
    if found is None:
        return dict(traces)
    with_them = dict(traces)
    for number in (numbers[member] for member in wanted.members):
        (with_them[number],) = with_trials([traces[number]], found)
    return with_them


def without_trials(trace: Trace) -> Trace:
    """The curves of a member as its own run judged them."""
    return replace(trace, facts=replace(trace.facts, trials=None))
