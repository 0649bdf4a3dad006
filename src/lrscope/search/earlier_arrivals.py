"""What the store has of the members that commands before this one trained: MLflow knows all that a search knows."""

from __future__ import annotations

import math

from lrscope.core.errors import LrscopeError
from lrscope.core.job import split_override
from lrscope.core.trace import Trace
from lrscope.runs.prepare import PreparedRun
from lrscope.search.asynchronous import Arrival
from lrscope.search.judged_curve import bracket_of, sign_of, trial_of
from lrscope.training.live_run import LOSS_START

TRAIN_LOSS = "train/loss_eval"
"""By which members are judged where the sweep's objective is not recorded."""


def of_earlier_commands(run: PreparedRun) -> list[Arrival]:
    """The other members of a resumed sweep, and this one, with their curves; none where the store is away: those that
    come to a rung from now on are held against each other then.
    """
    ticket = run.job.ticket
    if ticket is None or not ticket.known or ticket.run_id is None:
        return []
    from mlflow.exceptions import MlflowException

    from lrscope.report.data.collect import children, stored_run
    from lrscope.report.data.connect import connect
    from lrscope.tracking.mlflow_store.read import read_traces

    try:
        client = connect(run.settings.uri)
        runs = {own.info.run_id: own for own in children(client, stored_run(client, ticket.run_id))}
        traces = read_traces(client, list(runs.values()), (run.cfg.sweep.objective, TRAIN_LOSS, LOSS_START))
    except (LrscopeError, MlflowException):
        return []
    found = []
    for known in ticket.known.values():
        if known.run_id in runs:
            settings = dict(split_override(word) for word in str(runs[known.run_id].info.run_name).split(" "))
            words = trial_of(settings), bracket_of(settings, ticket.searched)
            found.append(Arrival(known.local_id, *words, *_curve_in(traces[known.run_id], run)))
    return found


def _curve_in(trace: Trace, like: PreparedRun) -> tuple[float, tuple[float, ...]]:
    start = trace.get(LOSS_START).values.tolist()
    judged = sign_of(like) * trace.get(like.cfg.sweep.objective).values
    losses = judged if len(judged) else trace.get(TRAIN_LOSS).values
    return (start[0] if start else math.nan), tuple(losses.tolist())
