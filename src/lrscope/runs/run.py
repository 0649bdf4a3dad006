"""One job of a command: the run that Hydra asks for, and what it tells the terminal at its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lrscope.config.given_paths import started_in, whole_words
from lrscope.core.command_words import resume_command, with_options
from lrscope.core.files import spared
from lrscope.core.job import Job, current_job
from lrscope.core.outcome import FILE, TRACEBACK, Outcome
from lrscope.core.stop_signals import STOP
from lrscope.tracking.mlflow_store.browse import browsed

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.runs.train_single import Judged


def run_job(cfg: DictConfig, job: Job | None = None, judged: Judged | None = None) -> Outcome:
    """Train the job that Hydra is running, or the one that a find makes of it; what an earlier call of the same sweep
    finished is not trained again.

    Args:
        judged: of a trial of a search, who says whether it goes on.

    Raises:
        InputError: the config asks for something that cannot be done; nothing was recorded.
        Interrupted: a signal stopped the run; its record is closed as KILLED and can be resumed.
    """
    from lrscope.runs.follow_launcher import following_its_launcher
    from lrscope.runs.resume import continued
    from lrscope.runs.shared_session import settings_of
    from lrscope.training.distributed import is_first

    job = job or current_job()
    STOP.install()
    STOP.raise_if_requested()
    if job.ticket is None:
        job = continued(cfg, job, settings_of(cfg))
    with following_its_launcher(job):
        outcome = run(cfg, job, judged)
    if job.ticket is None and is_first():
        print(closing_words(outcome, job, cfg.tracking.uri, recorded=cfg.tracking.mode != "off"))
    STOP.raise_if_requested()
    return outcome


def closing_words(outcome: Outcome, job: Job, store: str | None, recorded: bool = True) -> str:
    """What a lone run tells the terminal at its end."""
    what = outcome.verdict or ("crashed" if outcome.crashed else "stopped")
    lines = [f"{outcome.name}: {what} after {outcome.steps} steps, {outcome.seconds:.1f} s. {outcome.why}"]
    if outcome.final:
        lines.append("  ".join(f"{key} {value:.4g}" for key, value in outcome.final.items()))
    if outcome.advice:
        lines.append(f"what to do: {outcome.advice}")
    if outcome.status == "KILLED" and recorded:
        words = with_options(whole_words(job.overrides, started_in()))
        lines.append(f"to go on: {resume_command(words, outcome.run_id or outcome.local_id)}")
    if outcome.crashed:
        lines.append(f"traceback: {job.folder / TRACEBACK}")
    if outcome.status != "KILLED" and outcome.run_id is not None:
        lines.append(f"MLflow run {outcome.run_id}; {browsed(store)}")
    return "\n".join(lines)


def run(cfg: DictConfig, job: Job, judged: Judged | None = None) -> Outcome:
    """One training of one composed config. Its record is opened first: MLflow loads beside torch."""
    from lrscope.runs.shared_session import failed_to_record, recording_session, settings_of

    with recording_session(settings_of(cfg)) as session:
        from lrscope.runs.train_single import judged_by_nobody, train_single

        outcome = train_single(cfg, job, session, judged or judged_by_nobody)
    outcome = replace(outcome, run_id=outcome.run_id or session.run_id(outcome.local_id))  # known once it is delivered
    if job.ledger is not None and failed_to_record():  # in a launcher's worker: the command is to know
        outcome = replace(outcome, lost=True)
        with spared(job.folder / FILE, "the sweep will lack this run"):
            outcome.write(job.folder)
    return outcome
