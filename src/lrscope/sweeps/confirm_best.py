"""``sweep.confirm``: when all members have trained, the three best settings are trained with four more seeds.

The new members are jobs like the others: launched by the same launcher, numbered on, recorded under the same parent.
Which they are is written on the parent run, so that a sweep that was interrupted meanwhile goes on with the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig

from lrscope.core.command_words import train_command
from lrscope.core.errors import InputError, Problem
from lrscope.core.from_store import entries, whole
from lrscope.core.job import overrides_as_typed, split_override
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.diagnosis import diagnose_sweep
from lrscope.sweeps import lifecycle
from lrscope.sweeps.current import CurrentSweep
from lrscope.sweeps.member_traces import traces_of

if TYPE_CHECKING:
    from lrscope.report.data.stored_sweep import Sweep

SEEDS = 4
SEED = "seed"
CHOSEN = "lrscope.confirm"
"""Tag of the parent run: the numbers of the members that were chosen, and among how many."""

Task = Callable[[DictConfig], Any]


def check_typed(config: DictConfig) -> None:
    """Refuse the key for a lone run, where it can have no effect.

    Raises:
        InputError: it was typed.
    """
    typed = dict(split_override(override) for override in overrides_as_typed(config.hydra))
    if typed.get("sweep.confirm", "false").lower() != "false":
        rule = "a lone run has no best rates to train again"
        remedy = f"Make it a sweep: {train_command()} -m lr=0.1,0.01,0.001 sweep.confirm=true"
        raise InputError(Problem("sweep.confirm", typed["sweep.confirm"], rule, remedy))


def confirm(config: DictConfig, task: Task) -> None:
    """Train the best settings of this process's sweep with more seeds, where its config asks for it.

    Args:
        config: the multirun's.
        task: what trains a job of Hydra's.
    """
    sweep = lifecycle.current()
    if sweep is None or not config.sweep.confirm:
        return
    planned = len(sweep.plan.jobs)
    best = _best_before(sweep) or _best(sweep)
    chosen = _with_more_seeds(sweep, best)
    if not chosen:
        print("sweep.confirm: no member trained, so there is nothing to train again", flush=True)
        return
    lifecycle.next_batch(config, chosen, judged=False)
    sweep.log.tags({CHOSEN: json.dumps({"among": planned, "best": best})})
    print(f"confirming: {len(chosen)} more members, the best settings with {SEEDS} more seeds each", flush=True)
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
    for job in launcher.launch(chosen, initial_job_idx=planned):
        _ = job.return_value  # raises what the job raised


def _best_before(sweep: CurrentSweep) -> list[int]:
    """The numbers that an earlier command of this sweep chose among the same members."""
    stored = entries(sweep.earlier_tags.get(CHOSEN))
    count, best = len(sweep.plan.jobs), stored.get("best")
    if stored.get("among") != count or not isinstance(best, list):
        return []
    return [number for one in best if (number := whole(one, high=count - 1)) is not None]


def _best(sweep: CurrentSweep) -> list[int]:
    """The numbers of members of the best settings."""
    from lrscope.report.analysis.contenders import contenders

    return [int(name) for name in sweep.session.call_in_service(contenders, _as_data(sweep))]


def _with_more_seeds(sweep: CurrentSweep, best: list[int]) -> list[list[str]]:
    """The overrides of the new members: those of these, with other seeds."""
    last = max(int(job.cfg.seed) for job in sweep.plan.jobs if job.whole)
    chosen = []
    for number in best:
        own = [word for word in sweep.plan.jobs[number].overrides if split_override(word)[0] != SEED]
        chosen += [[*own, f"{SEED}={seed}"] for seed in range(last + 1, last + 1 + SEEDS)]
    return chosen


def _as_data(sweep: CurrentSweep) -> Sweep:
    """The sweep as a report reads it, without asking a store; the run id of a member is its job's number."""
    from lrscope.report.data.stored_sweep import CURVES, Member, Sweep

    outcomes = {
        number: outcome
        for number, outcome in sweep.outcomes().items()
        if outcome.status != "KILLED" and not outcome.pruned
    }
    traces = traces_of(sweep, outcomes)
    found = {n: diagnosis.verdict for n, diagnosis in zip(traces, diagnose_sweep(list(traces.values())), strict=True)}
    members = tuple(
        Member(
            run_id=str(number),
            name=outcome.name,
            rate=outcome.lr,
            seed=int(sweep.plan.jobs[number].cfg.seed),
            settings=_settings(sweep, outcome),
            status=outcome.status,
            verdict=None if outcome.crashed else found.get(number),
            why=outcome.why,
            seconds=outcome.seconds,
            trace=Trace({name: traces[number].get(name) for name in CURVES}, traces[number].facts),
        )
        for number, outcome in outcomes.items()
        if number in traces
    )
    identity = sweep.log.local_id
    return Sweep(
        run_id=identity, experiment_id="", experiment="", name="", store="", status="RUNNING", started=None,
        axes=sweep.plan.axes, overrides=(), planned=None, deleted=0, members=members,
    )  # fmt: skip


def _settings(sweep: CurrentSweep, outcome: Outcome) -> dict[str, str]:
    return {axis: f"{outcome.lr:.4g}" if axis == "lr" else outcome.overrides.get(axis, "") for axis in sweep.plan.axes}
