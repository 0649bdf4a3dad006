"""The end of a sweep: verdicts in the light of the other members, the best model, the report, the table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from lrscope.config.given_paths import started_in, whole_words
from lrscope.core.command_words import command, resume_command, with_options
from lrscope.core.errors import InputError, StoreUnreachable
from lrscope.core.job import overrides_as_typed
from lrscope.core.outcome import TRACEBACK, Outcome
from lrscope.core.verdict import Finding, Verdict
from lrscope.sweeps.current import CurrentSweep
from lrscope.sweeps.member_traces import traces_of
from lrscope.sweeps.starred_member import starred_member
from lrscope.tracking import RunLog


def close_and_report(sweep: CurrentSweep, outcomes: Mapping[int, Outcome], code: int) -> None:
    """Print the table of members and their links; write the report to the parent run. Offline: the table alone.

    Args:
        outcomes: by the numbers of the jobs.
    """
    close_broken_off(sweep, outcomes)
    shown = False
    try:
        outcomes = compare_verdicts(sweep, outcomes, try_out=code < 128)
        with _told():
            keep_best_model(sweep, outcomes)
        if _delivered(sweep):
            with _told():
                write_and_show(sweep)
                shown = True
    except StoreUnreachable as error:  # everything recorded lies in the journals
        again = f"`{command('sync')}`, then the same command with resume={_identity(sweep)}, make up for it"
        print(f"the store went away: no report yet; {again} ({error.problems[0].rule})", file=sys.stderr)
    if not shown:
        print(plain_table(outcomes.values()))
        for number, outcome in outcomes.items():
            if outcome.crashed:
                where = sweep.ledger.place(number) / TRACEBACK
                print(f"{outcome.name} crashed: {outcome.why.rstrip('. ')}; traceback: {where}")
    if code > 128 and sweep.settings.mode != "off" and not shown:
        print(f"to go on: {_resume_command(sweep)}")


@contextmanager
def _told() -> Iterator[None]:
    """What somebody deleted in the store meanwhile, a member or the sweep itself, is no failure of the others."""
    try:
        yield
    except StoreUnreachable:
        raise
    except InputError as error:
        print(error, file=sys.stderr)


def close_broken_off(sweep: CurrentSweep, outcomes: Mapping[int, Outcome]) -> None:
    """Members that trained in processes which are gone without a word: their runs are KILLED, with all they left."""
    from lrscope.runs.resume import deliver_what_lies_here

    if any(number not in outcomes for number, _ in sweep.ledger.places()):
        deliver_what_lies_here(sweep.settings)


def compare_verdicts(sweep: CurrentSweep, outcomes: Mapping[int, Outcome], try_out: bool = False) -> dict[int, Outcome]:
    """Diagnose the members again, each beside the others: whether one stalled shows only against those that did not.

    Args:
        try_out: where none of them works, it may be tried what would.

    Returns:
        The outcomes with what is known now, as the tags have it.
    """
    from lrscope.diagnosis import diagnose, diagnose_sweep, verdict_and_note
    from lrscope.runs.lifecycle import keep_trials
    from lrscope.sweeps.try_members import with_trials_of_members, without_trials

    traces = traces_of(
        sweep, {number: outcome for number, outcome in outcomes.items() if outcome.verdict and not outcome.pruned}
    )
    if try_out and sweep.plan is not None:
        traces = with_trials_of_members(sweep, sweep.plan, traces)
    seen_anew: dict[int, Outcome] = {}
    for number, diagnosis in zip(traces, diagnose_sweep(list(traces.values())), strict=True):
        outcome = outcomes[number]
        stopped = outcome.verdict == Verdict.DIVERGED.label  # its loss went beyond all bounds at one step
        as_alone = diagnose(without_trials(traces[number]))
        if diagnosis == as_alone or (stopped and diagnosis.verdict is not Verdict.DIVERGED):
            continue
        with _told():
            log = sweep.session.annotate(outcome.local_id)
            if (found := traces[number].facts.trials) is not None:
                keep_trials(log, found)
            log.tags(verdict_and_note(diagnosis, traces[number]))
        seen_anew[number] = _judged(outcome, diagnosis.primary)
        seen_anew[number].write(sweep.ledger.place(number))
    return {number: seen_anew.get(number, outcome) for number, outcome in outcomes.items()}


def _judged(outcome: Outcome, found: Finding) -> Outcome:
    return replace(outcome, verdict=found.verdict.label, why=found.why, advice=found.advice)


def keep_best_model(sweep: CurrentSweep, outcomes: Mapping[int, Outcome]) -> None:
    """Pack the model of the best member; a sweep in which nothing learned has none. Where an earlier command trained it
    and was killed before it had packed it, that is made up for. Where members have yet to be trained another one may
    turn out the best: the command that trains the last of them packs it.
    """
    from lrscope.config.instantiate import reason_of
    from lrscope.core.job import Job
    from lrscope.runs.artifacts import keep_model
    from lrscope.runs.prepare import prepare
    from lrscope.tracking.mlflow_store.fetch import fetch_artifact
    from lrscope.training import build
    from lrscope.training.checkpoint_folder import BEST, LAST, read_checkpoint

    wanted = sweep.config.tracking.log_model == "best" and sweep.settings.mode != "off"
    best = _best(sweep, outcomes) if wanted and sweep.have_all_ended(outcomes) else None
    if best is None:
        return
    log = sweep.session.annotate(best.local_id)
    if best.skipped and _has_model(sweep, best, log):
        return
    number = next(number for number, outcome in outcomes.items() if outcome is best)
    job = sweep.plan.jobs[number]
    name = BEST if job.cfg.callbacks.checkpoint.best else LAST
    path = log.folder / "checkpoints" / name
    if not path.is_file() and best.run_id is not None:
        fetch_artifact(sweep.settings, best.run_id, f"checkpoints/{name}", path)
    if not path.is_file():
        return
    prepared = prepare(job.cfg, Job(sweep.ledger.place(number), job.overrides))
    network = build.network(job.cfg, prepared.source.described, prepared.objective.outputs)
    try:
        before = "" if prepared.objective.of_module else "network."
        stored = read_checkpoint(path)["state_dict"].items()
        network.load_state_dict({key.removeprefix(before): value for key, value in stored})
        del stored  # a body may be large, and packing takes a copy of its own
    except Exception as error:  # whatever lay in the store under that name
        print(
            f"{best.name}: its model was not packed: {name} holds no weights of it ({reason_of(error)})",
            file=sys.stderr,
        )
        return
    keep_model(prepared, log, network, sweep.session)


def _has_model(sweep: CurrentSweep, member: Outcome, log: RunLog) -> bool:
    from lrscope.sweeps.summary import has_stored_model

    if log.keeps_model():
        return True
    online = sweep.settings.mode == "online" and member.run_id is not None
    return online and sweep.session.call_in_service(has_stored_model, sweep.settings.uri, member.run_id)


def _best(sweep: CurrentSweep, outcomes: Mapping[int, Outcome]) -> Outcome | None:
    """The member that the report stars; where it stars none, the best of those that did not fail."""
    judged = sweep.config.sweep.objective, sweep.config.sweep.direction
    traces = traces_of(sweep, {number: outcome for number, outcome in outcomes.items() if outcome.verdict})
    starred = starred_member(outcomes, traces, sweep.plan.axes, *judged, searched=sweep.plan.searched)
    return outcomes[starred] if starred is not None else best_outcome(outcomes.values(), *judged)


def best_outcome(outcomes: Iterable[Outcome], objective: str, direction: str) -> Outcome | None:
    """Of the members that did not fail, and that no search stopped, the one with the best value of the objective.

    Where no member has it, the lowest training loss decides.
    """
    usable = [
        o for o in outcomes if o.status == "FINISHED" and not o.pruned and not Verdict.from_label(o.verdict).failed
    ]
    there = any(objective in outcome.best for outcome in usable)
    metric, sign = (objective, -1 if direction == "max" else 1) if there else ("train/loss_eval", 1)
    return min((o for o in usable if metric in o.best), key=lambda o: sign * o.best[metric], default=None)


def write_and_show(sweep: CurrentSweep) -> None:
    """The report as artifacts and note of the parent; the table and the links on the terminal."""
    from lrscope.sweeps.summary import Terminal, report_sweep

    folder = sweep.ledger.folder / "report" if sweep.config.sweep.report else None
    identity, terminal = sweep.log.run_id, Terminal.of_this_process()
    going_on = _resume_command(sweep)
    text = sweep.session.call_in_service(report_sweep, sweep.settings.uri, identity, folder, terminal, going_on)
    if folder is not None:
        sweep.log.artifact(folder, "report")
    sys.stdout.write(text)


def plain_table(outcomes: Iterable[Outcome]) -> str:
    """The members as they are known without a store, sorted by rate."""
    rows: list[tuple[str, ...]] = [("member", "status", "verdict", "val/loss", "train/loss", "steps", "seconds")]
    for o in sorted(outcomes, key=lambda outcome: outcome.lr):
        losses = (o.final.get("val/loss"), o.final.get("train/loss_epoch"))
        shown = [f"{value:.4g}" if value is not None else "-" for value in losses]
        rows.append((o.name, o.status, o.verdict or "-", *shown, str(o.steps), f"{o.seconds:.1f}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _delivered(sweep: CurrentSweep) -> bool:
    """Whether the store has the sweep, once everything arrived; not offline, or where the store is away."""
    if sweep.settings.mode != "online":
        return False
    if not sweep.session.drain(sweep.settings.finish_timeout_s) or sweep.log.run_id is None:
        print(
            f"the store is away: no report yet; `{command('sync')}`, then `{command('compare')}` make it",
            file=sys.stderr,
        )
        return False
    return True


def _resume_command(sweep: CurrentSweep) -> str:
    words = with_options(whole_words(overrides_as_typed(sweep.config.hydra), started_in(sweep.config.hydra)))
    return resume_command(words, _identity(sweep), sweep=True)


def _identity(sweep: CurrentSweep) -> str:
    return sweep.log.run_id or sweep.log.local_id
