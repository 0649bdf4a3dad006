"""The story of one sweep: planned and checked before anything trains, closed with a report on every way out."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from lrscope.core.errors import LrscopeError
from lrscope.core.job import KnownMember, SweepTicket, overrides_as_typed
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.sweeps.check import check_plan
from lrscope.sweeps.current import CurrentSweep
from lrscope.sweeps.plan import Plan, plan
from lrscope.tracking import RunLog, RunStart, Session, TrackingSettings

if TYPE_CHECKING:
    from lrscope.tracking.find import StoredSweep


_current: CurrentSweep | None = None


def current() -> CurrentSweep | None:
    """The sweep that this process launched; None in a lone run and in another process's job."""
    return _current


def begin(config: DictConfig) -> None:
    """Plan, check, and create the parent run; the members find it by the ticket in the sweep's folder.

    Raises:
        InputError: with the problems of all jobs; nothing was recorded.
    """
    global _current
    from lrscope.runs.shared_session import opened_ahead, settings_of, share, unshare

    STOP.install()
    with opened_ahead(config):
        planned = plan(config)
        if planned is not None:
            check_plan(planned)
        settings = settings_of(config)
        stored = _find(config, settings)
    session = share(settings)
    try:
        log, known = _open_parent(config, planned, stored, session)
        _get_ready(config, session)
    except BaseException:
        unshare(settings)
        raise
    folder = Path(config.hydra.sweep.dir)
    axes = planned.axes if planned is not None else ()
    SweepTicket(log.local_id, log.run_id, axes, known).write(folder)
    earlier = stored.parent.tags if stored is not None else {}
    _current = CurrentSweep(config, folder, planned, settings, session, log, earlier)
    _announce(_current, stored)


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
    from lrscope.sweeps.close import show_and_report

    if _current is None:
        return code
    sweep, _current = _current, None
    outcomes = outcomes_of(sweep)
    signal_number = STOP.requested()
    if signal_number is not None:
        code = 128 + signal_number
    elif code == 0 and (len(outcomes) < _expected(sweep) or any(outcome.crashed for outcome in outcomes)):
        code = 1
    try:
        show_and_report(sweep, outcomes, code)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        code = code or error.exit_code
    finally:
        sweep.log.end("KILLED" if code > 128 else "FINISHED" if code == 0 else "FAILED")
        unshare(sweep.settings)
    return code


def outcomes_of(sweep: CurrentSweep) -> tuple[Outcome, ...]:
    """What the jobs left in their folders, in the order of their numbers."""
    folders = sorted((path for path in sweep.folder.iterdir() if path.is_dir()), key=_number)
    found = (Outcome.read(folder) for folder in folders)
    return tuple(outcome for outcome in found if outcome is not None)


def _expected(sweep: CurrentSweep) -> int:
    return len(sweep.plan.jobs) if sweep.plan is not None else 0


def _number(path: Path) -> tuple[int, str]:
    return (int(path.name), "") if path.name.isdigit() else (sys.maxsize, path.name)


def _find(config: DictConfig, settings: TrackingSettings) -> StoredSweep | None:
    if config.resume is None:
        return None
    from lrscope.runs.resume import deliver_what_lies_here
    from lrscope.tracking.find import find_sweep

    deliver_what_lies_here(settings)
    return find_sweep(settings, config.experiment_name, config.resume)


def _open_parent(
    config: DictConfig, planned: Plan | None, stored: StoredSweep | None, session: Session
) -> tuple[RunLog, Mapping[str, KnownMember]]:
    tags = {
        "lrscope.axes": json.dumps(list(planned.axes) if planned is not None else []),
        "lrscope.overrides": json.dumps(_words(config)),
        "lrscope.planned": str(len(planned.jobs) if planned is not None else 0),
    }
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


def _name(planned: Plan | None) -> str:
    """``lr × 3``: the swept axes with how many values each has."""
    if planned is None or not planned.axes:
        return "sweep"
    values: dict[str, set[str]] = {axis: set() for axis in planned.axes}
    for job in planned.jobs:
        for override in job.overrides:
            key, _, value = override.partition("=")
            if (key := key.lstrip("+~")) in values:
                values[key].add(value)
    return ", ".join(f"{axis} × {len(seen)}" for axis, seen in values.items())


def _words(config: DictConfig) -> list[str]:
    """The command's overrides, but for what a later command decides anew."""
    given = list(overrides_as_typed(config.hydra))
    return [override for override in given if not override.startswith(("resume=", "tracking.uri="))]


def _announce(sweep: CurrentSweep, stored: StoredSweep | None) -> None:
    members = f"{_expected(sweep)} members" if sweep.plan is not None else "members as the sweeper chooses"
    identity = sweep.log.run_id or sweep.log.local_id
    print(f"sweep {identity}: {members}, experiment {sweep.config.experiment_name}", flush=True)
    if stored is None or sweep.plan is None:
        return
    from lrscope.runs.resume import explain_new

    done = sum(member.done for member in stored.members)
    print(f"resumed: {done} of its {len(stored.members)} members are done", flush=True)
    for job in sweep.plan.jobs:
        words = explain_new(" ".join(job.overrides), job.cfg, stored.members)
        if words is not None:
            print(words, flush=True)
