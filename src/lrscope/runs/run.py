"""The story of one run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from lrscope.core.job import Job, current_job
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.runs.fit import SingleRun
    from lrscope.runs.lifecycle import RunEnd
    from lrscope.tracking import RunLog, Session


def run_job(cfg: DictConfig) -> Outcome:
    """Train the job that Hydra is running; what an earlier call of the same sweep finished is not trained again.

    Raises:
        InputError: the config asks for something that cannot be done; nothing was recorded.
        Interrupted: a signal stopped the run; its record is closed as KILLED and can be resumed.
    """
    from lrscope.runs.resume import continued
    from lrscope.runs.shared_session import settings_of
    from lrscope.training.distributed import is_first

    job = current_job()
    STOP.install()
    STOP.raise_if_requested()
    if job.ticket is None:
        job = continued(cfg, job, settings_of(cfg))
    outcome = run(cfg, job)
    if job.ticket is None and is_first():
        print(closing_words(outcome, job))
    STOP.raise_if_requested()
    return outcome


def closing_words(outcome: Outcome, job: Job) -> str:
    """What a lone run tells the terminal at its end."""
    what = outcome.verdict or ("crashed" if outcome.crashed else "stopped")
    lines = [f"{outcome.name}: {what} after {outcome.steps} steps, {outcome.seconds:.1f} s. {outcome.why}"]
    if outcome.final:
        lines.append("  ".join(f"{key} {value:.4g}" for key, value in outcome.final.items()))
    if outcome.status == "KILLED":
        again = " ".join(override for override in job.overrides if not override.startswith("resume="))
        lines.append(
            f"to go on: python train.py {again} resume={outcome.run_id or outcome.local_id}".replace("  ", " ")
        )
    elif outcome.run_id is not None:
        lines.append(f"MLflow run {outcome.run_id}; browse with `make ui`")
    return "\n".join(lines)


def run(cfg: DictConfig, job: Job) -> Outcome:
    """One training of one composed config: prepare, assemble, record, train, conclude."""
    from lrscope.runs.shared_session import recording_session, settings_of

    with recording_session(settings_of(cfg)) as session:
        return _run(cfg, job, session)


def _run(cfg: DictConfig, job: Job, session: Session) -> Outcome:
    from lrscope.runs.fit import assemble, train
    from lrscope.runs.lifecycle import conclude, open_record
    from lrscope.runs.prepare import prepare
    from lrscope.runs.probe_run import look_ahead
    from lrscope.runs.resume import fetch_checkpoints, finished_before
    from lrscope.training.checkpoint_folder import CheckpointFolder
    from lrscope.training.distributed import SharedRun
    from lrscope.training.recording import RunRecorder

    prepared = prepare(cfg, job)
    if (done := finished_before(prepared)) is not None:
        return done
    checkpoints = CheckpointFolder(session.settings.spool / prepared.local_id / "checkpoints")
    recorder = RunRecorder(prepared.plan)
    single = assemble(prepared, recorder, checkpoints)
    prepared = single.run
    log = open_record(prepared, session)
    recorder.attach(log.points, session.flush)
    recorder.values(0, {"peak_lr": prepared.facts.peak_lr or 0.0})
    try:
        fetch_checkpoints(prepared, log.run_id, checkpoints)
        SharedRun(prepared.local_id, prepared.resumes).leave()
        with _processes(single, job):
            ending = train(single)
            ahead = look_ahead(single, recorder, ending)  # first: packing a model changes its network
            _keep(single, log, ending, session)
            recorder.values(single.steps.step - 1, ahead)
        return conclude(prepared, log, recorder, ending)
    except BaseException:
        log.end("FAILED")  # whatever goes wrong around the training: no run stays RUNNING
        raise


def _processes(single: SingleRun, job: Job) -> AbstractContextManager[None]:
    """Around the training of a sweep's member on several devices."""
    from lrscope.training.distributed import is_first, processes_of_a_member

    if job.ticket is None or single.trainer.world_size == 1 or not is_first():
        return nullcontext()
    return processes_of_a_member(job.overrides)


def _keep(single: SingleRun, log: RunLog, ending: RunEnd, session: Session) -> None:
    from lrscope.runs.artifacts import keep_best, keep_last, keep_model, wants_model
    from lrscope.training.distributed import is_first

    finished = ending.as_planned
    if finished:
        single.checkpoints.write(partial(single.trainer.save_checkpoint, weights_only=False))  # all processes take part
    if not is_first():
        return
    keep_last(single.checkpoints, log)
    if single.best.weights:
        keep_best(single.checkpoints, log, single.best.weights, single.best.epoch, single.best.monitor)
    if finished and wants_model(single.run):
        keep_model(single.run, log, single.module.network, session)
