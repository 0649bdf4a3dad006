"""The story of one run that trains alone, from its config to its outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from omegaconf import DictConfig

from lrscope.core.errors import Interrupted
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.core.trials import Trials
from lrscope.runs.finish import TrainedRun, finish, never_left_running
from lrscope.runs.fit import SingleRun, assemble, train
from lrscope.runs.lifecycle import RunEnd, open_record
from lrscope.runs.prepare import PreparedRun, prepare
from lrscope.runs.probe_run import look_ahead
from lrscope.runs.resume import fetch_checkpoints, finished_before
from lrscope.runs.try_advice import tried
from lrscope.tracking import Session
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.distributed import SharedRun, is_first, processes_of_a_member
from lrscope.training.live_run import Leaves, stays
from lrscope.training.recording import RunRecorder

Judged = Callable[[PreparedRun, RunRecorder], Leaves]
"""Of a run and its record: what is asked, at the end of an epoch, whether it leaves its search."""


def judged_by_nobody(_run: PreparedRun, _recorder: RunRecorder) -> Leaves:
    """Of a run that is no trial of a search."""
    return stays


def train_single(cfg: DictConfig, job: Job, session: Session, judged: Judged = judged_by_nobody) -> Outcome:
    """Prepare, assemble, record, train, try out what more steps bring, finish, and try what would train instead."""
    prepared = prepare(cfg, job)
    if (done := finished_before(prepared)) is not None:
        return done
    recorder = RunRecorder(prepared.plan)
    checkpoints = CheckpointFolder(prepared.checkpoint_folder, prepared.is_recorded)
    single = assembled(prepared, recorder, checkpoints, judged(prepared, recorder))
    prepared = single.run
    log = open_record(prepared, session, recorder)
    with never_left_running(log):
        fetch_checkpoints(prepared, log.run_id, checkpoints)
        with _processes(single, prepared):
            end = train(single, log)
            try:
                probed = look_ahead(single, recorder, end)  # first: packing a model changes its network
            except Interrupted as stop:
                probed, end = {}, end.without_probes(stop.signal_number)
            test = single.evaluate.test(single.module) if cfg.callbacks.test and end.by_itself else None
            save = partial(single.trainer.save_checkpoint, weights_only=False)
            trained = TrainedRun(prepared, single.live, log, checkpoints, save, lambda: single.network)
            return finish(trained, end, test, probed, session, partial(_try, single, end))


def assembled(
    run: PreparedRun, recorder: RunRecorder, checkpoints: CheckpointFolder, leaves: Leaves = stays
) -> SingleRun:
    """The run of a network, or of a LightningModule, put together.

    Raises:
        InputError: an argument that does not fit, or an accelerator that is not there.
    """
    if not run.objective.of_module:
        return assemble(run, recorder, checkpoints, leaves)
    from lrscope.runs.fit_user_module import assemble_user_module  # of what it imports a network needs nothing

    return assemble_user_module(run, recorder, checkpoints, leaves)


def _try(single: SingleRun, end: RunEnd, trace: Trace) -> Trials | None:
    """What would have trained, where the run failed; of a sweep's member it is known only when the others are."""
    if single.run.job.ticket is not None or not is_first():
        return None
    trainer = single.trainer
    return tried(single.run, trace, trainer.strategy.root_device, trainer.world_size, end.seconds)


def _processes(single: SingleRun, run: PreparedRun) -> AbstractContextManager[None]:
    """Around the training: the processes that Lightning starts learn whose record it is."""
    SharedRun(run.local_id, run.resumes).leave()
    if run.job.ticket is None or single.trainer.world_size == 1 or not is_first():
        return nullcontext()
    return processes_of_a_member(run.job.overrides)
