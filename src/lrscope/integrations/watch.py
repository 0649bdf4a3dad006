"""``lrscope.watch``: the diagnosis in a training loop of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lrscope.core.errors import InputError, Problem
from lrscope.core.verdict import Verdict
from lrscope.diagnosis.readable import Diagnosis
from lrscope.integrations.measuring_budget import MeasuringBudget
from lrscope.integrations.optimizer_steps import OptimizerSteps
from lrscope.integrations.unwrapped import check_known, device_of, hooks_are_seen, network_of, optimizers_of
from lrscope.integrations.watch_facts import watched_facts
from lrscope.integrations.watch_record import Where, open_record
from lrscope.integrations.watched_run import READ_EVERY, Watch
from lrscope.training.measures.forward_pass import ForwardPass
from lrscope.training.recording import OpenPlan, RecordingPlan, RunRecorder

EARLY = tuple(verdict.label for verdict in Verdict if verdict.meaning.certain_early)
"""Verdicts that can be certain before the end."""


def watch(
    model: Any,
    optimizer: Any,
    *,
    name: str = "watched",
    total_steps: int | None = None,
    task: str | None = None,
    record: Where | None = None,
    experiment: str | None = None,
    uri: str | None = None,
    run_id: str | None = None,
    every: int | None = None,
    stop_when: Sequence[str] = (),
    on_verdict: Callable[[Diagnosis], object] | None = None,
) -> Watch:
    """Look on while a loop of your own trains, and say what becomes of it.

        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> model, x = nn.Linear(2, 1), torch.randn(64, 2)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=50.0)
        >>> with watch(model, optimizer, record="memory") as w:
        ...     for _ in range(40):
        ...         loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        ...         loss.backward(); optimizer.step(); optimizer.zero_grad()
        ...         w.step(loss)
        >>> w.diagnosis.verdict
        'diverged'

    Weights, gradients, random numbers and settings stay as they are without it. Rates, gradient norm, length and
    direction of the updates, dead units and the spread of the outputs are read from hooks, the costly ones at as many
    updates as fit into 1% of the time of the loop so far.

    Args:
        model: a module; compiled, or wrapped by DistributedDataParallel, too. Hooks within a compiled one are not
            seen: dead units and spread are then left out. In a distributed training each process watches its own
            batches, and only the first one records.
        optimizer: the one that makes the steps, or a list of them.
        name: of the run.
        total_steps: updates that are planned, where that is known.
        task: ``classification`` or ``regression``; of a regression no spread is measured.
        record: ``active``: into MLflow's active run; ``own``: into a run of its own; ``memory``: nowhere. By default
            into the active run where there is one, else nowhere.
        experiment: of a run of its own. uri: of the store, by default as MLflow's. run_id: a run to record into.
        every: measure signals at every so many updates, whatever they cost.
        stop_when: verdicts at which ``step`` or ``evaluate`` raises :class:`StoppedByVerdict`: ``diverged``,
            ``collapsed``.
        on_verdict: called with the diagnosis when a verdict is certain before the end, and at the end.

    Raises:
        InputError: what is given cannot be watched, or recorded, in a line.
    """
    network, optimizers = network_of(model), optimizers_of(optimizer)
    check_known("stop_when", stop_when, EARLY)
    check_known("task", [task] if task else [], ("classification", "regression"))
    processes = torch.distributed.get_world_size() if _is_distributed() else 1
    if stop_when and processes > 1:
        rule, remedy = "one process would stop alone and the others wait for it", "Use on_verdict, and stop them all."
        raise InputError(Problem("stop_when", ",".join(stop_when), rule, remedy))
    first = processes == 1 or torch.distributed.get_rank() == 0
    if every is not None and every < 1:
        raise InputError(Problem("every", str(every), "must be at least 1", "Try 10, or leave it out."))
    plan = OpenPlan(every=every) if total_steps is None else RecordingPlan.of(total_steps, every_signals=every)
    spreads = {"classification": True, "regression": False}.get(task or "")
    passes = ForwardPass(network, spreads) if hooks_are_seen(model, network) else None
    recorder = RunRecorder(plan)
    budget = MeasuringBudget(unlimited=every is not None)
    kept = open_record(record, name, experiment, uri, run_id) if first else open_record("memory", name)
    return Watch(
        name,
        OptimizerSteps(optimizers, passes, plan.keeps_signals, budget, recorder.rates),
        recorder,
        watched_facts(network, optimizers, total_steps, task),
        kept,
        1 if device_of(network).type == "cpu" else READ_EVERY,
        frozenset(map(Verdict.from_label, stop_when)),
        on_verdict,
    )


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
