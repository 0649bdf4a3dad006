"""What a member of a search is judged by, and when."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lrscope.config.schema import HALVES
from lrscope.core.trace import Trace
from lrscope.runs.prepare import PreparedRun
from lrscope.runs.run_length import evaluated_every
from lrscope.search.halving import Curve
from lrscope.search.rungs import Rung, rungs
from lrscope.training.build import planned_epochs
from lrscope.training.live_run import LOSS_START
from lrscope.training.recording import RunRecorder

SEED = "seed"
"""Members that differ in it alone are one trial."""

TRAIN_LOSS = "train/loss_eval"
"""By which members are judged where the sweep's objective is not recorded."""

LOSSES = ("val/loss", TRAIN_LOSS)
"""What the loss ahead of the first update is a beginning of."""


def curve_of(run: PreparedRun, recorder: RunRecorder, ended: bool = False, failed: bool = False) -> Curve:
    """Of what the sweep is judged by, as the run has recorded it so far."""
    return curve_in(recorder.trace(run.facts), run, ended, failed)


def curve_in(trace: Trace, like: PreparedRun, ended: bool = False, failed: bool = False) -> Curve:
    """The same of a record: the lower the better; the training loss where what the sweep is judged by is not there.

    Args:
        like: a run of the sweep.
    """
    objective = like.cfg.sweep.objective
    judged = sign_of(like) * trace.get(objective).values
    losses = judged if len(judged) else trace.get(TRAIN_LOSS).values
    start = trace.get(LOSS_START).values.tolist() if objective in LOSSES or not len(judged) else []
    return Curve(start[0] if start else math.nan, losses.tolist(), ended, failed)


def sign_of(run: PreparedRun) -> float:
    """-1 where more is better."""
    return -1.0 if run.cfg.sweep.direction == "max" else 1.0


def judged_by(run: PreparedRun) -> str:
    """``forecast`` or ``now``: losses fall as powers, nothing else does."""
    return "now" if run.cfg.sweep.direction == "max" else str(run.cfg.search.judge)


def evaluations_of(run: PreparedRun) -> int:
    """Evaluations of a whole run."""
    return -(-run.cfg.total_steps // evaluated_every(run.cfg))


def rungs_of(run: PreparedRun, trials: int) -> tuple[Rung, ...]:
    """The rungs of a search of so many trials."""
    cfg, how, every = run.cfg, run.cfg.search, evaluated_every(run.cfg)
    keep, finalists, an_epoch = float(how.keep), int(how.finalists), int(cfg.steps_per_epoch)
    if not cfg.evaluate_every_steps:
        return rungs(planned_epochs(cfg), trials, keep, finalists, -(-every // an_epoch))
    by_updates = rungs(evaluations_of(run), trials, keep, finalists)
    return tuple(Rung(one.at, one.kept, one.at * every, -(-one.at * every // an_epoch)) for one in by_updates)


def halves(run: PreparedRun) -> bool:
    """Whether it is a trial of a search that stops the worst."""
    ticket = run.job.ticket
    return ticket is not None and bool(ticket.searched) and run.cfg.search.method in HALVES


def trial_of(settings: Mapping[str, str]) -> str:
    """The words of a member's varying settings but for its seed."""
    return _words({key: value for key, value in settings.items() if key != SEED})


def bracket_of(settings: Mapping[str, str], searched: tuple[str, ...]) -> str:
    """The words of its listed values: every combination of these is a search of its own."""
    return _words({key: value for key, value in settings.items() if key not in (*searched, SEED)})


def _words(settings: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in settings.items())
