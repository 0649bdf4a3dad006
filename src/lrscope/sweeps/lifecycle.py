"""The story of one sweep: planned and checked before anything trains, closed with a report on every way out."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from lrscope.config.find_asked import find_problems
from lrscope.config.given_paths import started_in, whole_words
from lrscope.config.in_vain import launched_in_vain, searched_in_vain
from lrscope.config.validate import check_search
from lrscope.core.command_words import with_options
from lrscope.core.errors import InputError, Interrupted, LrscopeError
from lrscope.core.job import KnownMember, SweepTicket, overrides_as_typed, overrides_to_repeat
from lrscope.core.ledger import SWEEP, Ledger
from lrscope.core.outcome import Outcome
from lrscope.core.redact import redacted_traceback
from lrscope.core.stop_signals import STOP
from lrscope.core.stored_command import command_tags, stored_command
from lrscope.sweeps.batches import Jobs, before_each_batch, forget
from lrscope.sweeps.check import check_plan, secrets_of_hydra
from lrscope.sweeps.compose import tell_jobs
from lrscope.sweeps.current import CurrentSweep
from lrscope.sweeps.folders import make_folder, make_job_folders
from lrscope.sweeps.plan import Plan, plan, plan_batch
from lrscope.tracking import RunLog, RunStart, Session, TrackingSettings
from lrscope.tracking.liveness.process import this_process

if TYPE_CHECKING:
    from lrscope.tracking.find import StoredSweep


_current: CurrentSweep | None = None


def current() -> CurrentSweep | None:
    """The sweep that this process launched; None in a lone run and in another process's job."""
    return _current


def begin(config: DictConfig) -> None:
    """Plan, check, and create the parent run; the members are told of it by the sweep's ledger. For a sweeper that
    chooses its jobs as it goes all that is done when it launches the first of them.

    Raises:
        InputError: with the problems of all jobs; nothing was recorded.
    """
    from lrscope.runs.shared_session import opened_ahead

    STOP.install()
    forget()
    with opened_ahead(config):
        planned = _planned(config)
        if planned is not None:
            _begin(config, planned, chosen=False)
            return
    before_each_batch(lambda jobs: next_batch(config, jobs))


def checked_plan(config: DictConfig) -> Plan | None:
    """The jobs of a sweep that is not begun; None of a sweeper that chooses its jobs as it goes.

    Raises:
        InputError: with the problems of all jobs.
    """
    planned = _planned(config)
    if planned is not None:
        _check(config, planned, chosen=False)
    return planned


def _planned(config: DictConfig) -> Plan | None:
    planned = plan(config)
    problems = secrets_of_hydra(config)
    if planned is None and "search" in config:  # jobs that are checked come later, or never: of batches of none
        problems += check_search(config.search)
    if problems:
        raise InputError(problems)
    return planned


def _check(config: DictConfig, planned: Plan, chosen: bool) -> None:
    typed = overrides_as_typed(config.hydra)
    in_vain = [*launched_in_vain(config.hydra, typed), *searched_in_vain(config, typed), *find_problems(config, typed)]
    check_plan(replace(planned, problems=(*planned.problems, *in_vain)), chosen)


def next_batch(config: DictConfig, jobs: Jobs, judged: bool = True) -> int:
    """Check the jobs that a sweeper is about to launch, and take them into the sweep; the number of the first.

    Args:
        judged: whether the worst of them may be stopped, where the sweep is a search.

    Raises:
        InputError: with the problems of all of them.
    """
    global _current
    if _current is None:
        _begin(config, plan_batch(config, jobs, 0), chosen=True)
        return 0
    before = _current.plan
    more = plan_batch(config, jobs, len(before.jobs))
    check_plan(more, chosen=True)
    make_job_folders(job.folder for job in more.jobs)
    both = before.with_more(more)
    _current = replace(_current, plan=both if judged else replace(both, searched=()))
    ticket = SweepTicket.read(_current.ledger.ticket)
    replace(ticket, axes=_current.plan.axes, searched=_current.plan.searched).write(_current.ledger.ticket)
    _current.log.tags({**_tags(config, _current.plan), "mlflow.runName": _name(_current.plan)})
    return len(before.jobs)


def _begin(config: DictConfig, planned: Plan, chosen: bool) -> None:
    """``chosen``: the jobs are the first that a sweeper chose, and others may follow."""
    global _current
    from lrscope.runs.shared_session import settings_of, share, unshare

    _check(config, planned, chosen)
    settings = settings_of(config)
    stored = _find(config, planned, settings)
    STOP.raise_if_requested()
    ledger = _open_ledger(config, planned)
    session = share(settings)
    try:
        log, known = _open_parent(config, planned, stored, session)
        _get_ready(config, session)
    except BaseException:
        unshare(settings)
        raise
    launcher, experiment = this_process().to_tags(), config.experiment_name
    ticket = SweepTicket(log.local_id, log.run_id, planned.axes, launcher, known, experiment, planned.searched)
    ticket.write(ledger.ticket)
    tell_jobs(SWEEP, str(ledger.ticket))
    STOP.pass_on(ledger.ask_to_stop)
    earlier = stored.parent.tags if stored is not None else {}
    _current = CurrentSweep(config, ledger, planned, settings, session, log, earlier)
    _announce(_current, stored, " to begin with" if chosen else "")


def _open_ledger(config: DictConfig, planned: Plan) -> Ledger:
    """The sweep's folder and those of its jobs are made before anything is recorded: here it shows whether they can be.

    Raises:
        InputError: one cannot.
    """
    folder = make_folder("hydra.sweep.dir", Path(str(config.hydra.sweep.dir)))
    make_job_folders(job.folder for job in planned.jobs)
    return Ledger.new(folder)


def _get_ready(config: DictConfig, session: Session) -> None:
    """What the end of the sweep needs is loaded while it trains."""
    from lrscope.sweeps.summary import get_ready_to_report
    from lrscope.tracking.mlflow_store.model_package import get_ready_to_pack

    if config.sweep.report:
        session.preload(get_ready_to_report)
    if config.tracking.log_model != "none":
        session.preload(get_ready_to_pack)


def close_current(code: int) -> int:
    """Close the sweep of this process, if it has one: report, status, table, links.

    Args:
        code: the exit code so far.

    Returns:
        The exit code of the command: a crash of a member makes it 1.
    """
    global _current
    from lrscope.runs.shared_session import unshare
    from lrscope.sweeps.close import close_and_report

    if _current is None:
        return code
    sweep, _current = _current, None
    outcomes = sweep.outcomes()
    signal_number = STOP.requested()
    if signal_number is not None:
        code = 128 + signal_number
    elif code == 0 and not _whole(sweep, outcomes):
        code = 1
    try:
        close_and_report(sweep, outcomes, code)
    except (LrscopeError, Interrupted) as error:
        print(f"error: {error}", file=sys.stderr)
        code = code or error.exit_code
    except Exception as error:
        print(redacted_traceback(error), end="", file=sys.stderr)
        code = code or 1
    finally:
        sweep.log.end("KILLED" if code > 128 else "FINISHED" if code == 0 else "FAILED")
        unshare(sweep.settings)
    return code


def _whole(sweep: CurrentSweep, outcomes: Mapping[int, Outcome]) -> bool:
    """Whether every member was trained, or diverged as a finding, and nothing of its record is lost."""
    return sweep.have_all_ended(outcomes) and not any(found.crashed or found.lost for found in outcomes.values())


def _find(config: DictConfig, planned: Plan, settings: TrackingSettings) -> StoredSweep | None:
    if config.resume is None:
        return None
    from lrscope.runs.resume import check_is_this_sweep, check_same_data, deliver_what_lies_here
    from lrscope.tracking.find import LATEST, find_sweep

    deliver_what_lies_here(settings)
    stored = find_sweep(settings, config.experiment_name, config.resume)
    if config.resume == LATEST:
        check_is_this_sweep(stored, _words(config), {" ".join(job.overrides): job.cfg for job in planned.jobs})
    check_same_data([job.cfg for job in planned.jobs], stored.members)
    return stored


def _open_parent(
    config: DictConfig, planned: Plan, stored: StoredSweep | None, session: Session
) -> tuple[RunLog, Mapping[str, KnownMember]]:
    tags = _tags(config, planned)
    if stored is not None:
        from lrscope.runs.resume import known_members

        log = session.reopen(stored.parent.local_id, wait=True)
        log.tags(tags)
        return log, known_members(stored.members)
    start = RunStart(
        experiment=config.experiment_name,
        name=_name(planned),
        kind="sweep",
        local_id=uuid.uuid4().hex,
        tags=tags,
    )
    return session.start(start), {}


def _tags(config: DictConfig, planned: Plan) -> dict[str, str]:
    return {
        "lrscope.axes": json.dumps(list(planned.axes)),
        **command_tags(_words(config)),
        "lrscope.planned": str(len(planned.jobs)),
        **({"lrscope.searched": json.dumps(list(planned.searched))} if planned.searched else {}),
    }


def _name(planned: Plan) -> str:
    """``lr × 3``: the swept axes with how many values each has."""
    if not planned.axes:
        return "sweep"
    values: dict[str, set[str]] = {axis: set() for axis in planned.axes}
    for job in planned.jobs:
        for override in job.overrides:
            key, _, value = override.partition("=")
            if (key := key.lstrip("+~")) in values:
                values[key].add(value)
    return ", ".join(f"{axis} × {len(seen)}" for axis, seen in values.items())


def _words(config: DictConfig) -> list[str]:
    words = overrides_to_repeat(overrides_as_typed(config.hydra))
    return with_options(whole_words(words, started_in(config.hydra)))


def _announce(sweep: CurrentSweep, stored: StoredSweep | None, so_far: str) -> None:
    count = len(sweep.plan.jobs)
    members = "1 member" if count == 1 else f"{count} members"
    identity = sweep.log.run_id or sweep.log.local_id
    print(f"sweep {identity}: {members}{so_far}, experiment {sweep.config.experiment_name}", flush=True)
    if stored is None:
        return
    from lrscope.runs.resume import explain_new

    done = sum(member.done for member in stored.members)
    same = stored_command(stored.parent.tags) == tuple(_words(sweep.config))
    stored_count = len(stored.members)  # more than the planned ones where sweep.confirm or a search added to them
    print(f"resumed: {done} of its {max(count, stored_count) if same else stored_count} members are done", flush=True)
    for job in () if same else sweep.plan.jobs:  # of the same command those without a record had not begun yet
        words = explain_new(" ".join(job.overrides), job.cfg, stored.members)
        if words is not None:
            print(words, flush=True)
