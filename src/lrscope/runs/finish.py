"""The end of a run, however it was trained: what it leaves, and the end of its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from lrscope.core.outcome import Outcome
from lrscope.runs.artifacts import MODEL, keep_best, keep_last, keep_model, wants_model
from lrscope.runs.lifecycle import RunEnd, Try, conclude
from lrscope.runs.prepare import PreparedRun
from lrscope.tracking import RunLog, Session
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.distributed import is_first
from lrscope.training.evaluation import Evaluation
from lrscope.training.live_run import LiveRun


@dataclass(frozen=True)
class TrainedRun:
    """A run that trains no further.

    save: writes a checkpoint of its state to a path. network: as training left it; packing it may change it.
    """

    run: PreparedRun
    live: LiveRun
    log: RunLog
    checkpoints: CheckpointFolder
    save: Callable[[str], None]
    network: Callable[[], nn.Module]


def finish(
    trained: TrainedRun,
    end: RunEnd,
    test: Evaluation | None,
    probed: Mapping[str, float],
    session: Session,
    tried: Try = lambda _: None,
) -> Outcome:
    """Leave of a run what it leaves: last checkpoint, best weights, model, what its copies came to, its verdict; and
    what was ``tried`` for it then, with everything else in its place.

    A kill may come between any two lines. The last checkpoint says that the run has ended: a process that finds it
    trains nothing and comes here again.
    """
    live, log = trained.live, trained.log
    live.end(test)
    if (end.by_itself or end.trained_out) and not end.as_before:
        live.recorder.to_disk()  # first: a checkpoint ahead of the record would lose the points in between
        trained.checkpoints.write(trained.save)  # all processes take part
    if is_first():
        if end.pruned is None:  # what a search stopped is not trained on
            keep_last(trained.checkpoints, log)
            keep_best(trained.checkpoints, log, live.best)
        if end.as_planned and wants_model(trained.run) and not log.has(MODEL):
            keep_model(trained.run, log, trained.network(), session)
    live.recorder.values(live.step - 1, probed)
    return conclude(trained.run, log, live.recorder, end, tried)


@contextmanager
def never_left_running(log: RunLog) -> Iterator[None]:
    """Whatever goes wrong inside: no run stays RUNNING."""
    try:
        yield
    except BaseException:
        if log.ended is None:
            log.end("FAILED")
        raise
