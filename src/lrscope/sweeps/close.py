"""The end of a sweep: verdicts in the light of the other members, the best model, the report, the table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lrscope.core.job import overrides_as_typed
from lrscope.core.outcome import Outcome
from lrscope.core.verdict import Verdict
from lrscope.sweeps.current import CurrentSweep


def show_and_report(sweep: CurrentSweep, outcomes: Sequence[Outcome], code: int) -> None:
    """Print the table of members and their links; write the report to the parent run. Offline: the table alone."""
    compare_verdicts(sweep, outcomes)
    keep_best_model(sweep, outcomes)
    if _delivered(sweep):
        write_and_show(sweep)
    else:
        print(plain_table(outcomes))
    if code > 128:
        print(f"to go on: python train.py -m {' '.join(_command(sweep))} resume={_identity(sweep)}")


def compare_verdicts(sweep: CurrentSweep, outcomes: Sequence[Outcome]) -> None:
    """Diagnose the members again, each beside the others: whether one stalled shows only against those that did not."""
    from lrscope.core.trace import Trace
    from lrscope.diagnosis import diagnose, diagnose_sweep, note
    from lrscope.runs.lifecycle import TRACE

    by_id = {outcome.local_id: folder for folder, outcome in _folders(sweep)}
    judged = [o for o in outcomes if o.verdict and not o.skipped and (by_id[o.local_id] / TRACE).is_file()]
    traces = [Trace.load(by_id[outcome.local_id] / TRACE) for outcome in judged]
    for outcome, trace, diagnosis in zip(judged, traces, diagnose_sweep(traces), strict=True):
        stopped = outcome.verdict == Verdict.DIVERGED.label  # its loss went beyond all bounds at one step
        if diagnosis == diagnose(trace) or (stopped and diagnosis.verdict is not Verdict.DIVERGED):
            continue
        sweep.session.annotate(outcome.local_id).tags(
            {
                "lrscope.verdict": diagnosis.verdict.label,
                "lrscope.why": diagnosis.primary.why,
                "mlflow.note.content": note(diagnosis, trace)[:7900],
            }
        )


def keep_best_model(sweep: CurrentSweep, outcomes: Sequence[Outcome]) -> None:
    """Pack the model of the best member that this call trained; a sweep in which nothing learned has none."""
    from lrscope.core.job import Job
    from lrscope.runs.artifacts import keep_model
    from lrscope.runs.prepare import prepare
    from lrscope.training import build
    from lrscope.training.checkpoint_folder import BEST, read_checkpoint

    best = best_outcome(outcomes)
    if best is None or best.skipped or sweep.config.tracking.log_model != "best" or sweep.plan is None:
        return
    folder = next(folder for folder, outcome in _folders(sweep) if outcome.local_id == best.local_id)
    log = sweep.session.annotate(best.local_id)
    path = log.folder / "checkpoints" / BEST
    if not path.is_file() or not folder.name.isdigit():
        return
    job = sweep.plan.jobs[int(folder.name)]
    prepared = prepare(job.cfg, Job(folder, job.overrides))
    network = build.network(job.cfg, prepared.source.described)
    weights = read_checkpoint(path)["state_dict"]
    network.load_state_dict({key.removeprefix("network."): value for key, value in weights.items()})
    keep_model(prepared, log, network, sweep.session)


def best_outcome(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The member with the lowest best validation loss (training loss where nothing was validated) that did not fail."""
    usable = [o for o in outcomes if o.status == "FINISHED" and not Verdict.from_label(o.verdict).failed]
    metric = "val/loss" if any("val/loss" in outcome.best for outcome in usable) else "train/loss_eval"
    return min((o for o in usable if metric in o.best), key=lambda o: o.best[metric], default=None)


def write_and_show(sweep: CurrentSweep) -> None:
    """The report as artifacts and note of the parent; the table and the links on the terminal."""
    from lrscope.sweeps.summary import Terminal, close_sweep

    folder = sweep.folder / "report" if sweep.config.sweep.report else None
    identity, terminal = sweep.log.run_id, Terminal.of_this_process()
    text = sweep.session.call_in_service(close_sweep, sweep.settings.uri, identity, folder, terminal)
    if folder is not None:
        sweep.log.artifact(folder, "report")
    sys.stdout.write(text)


def plain_table(outcomes: Sequence[Outcome]) -> str:
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
        print("the store is away: no report yet; `make sync`, then `make compare` make it", file=sys.stderr)
        return False
    return True


def _folders(sweep: CurrentSweep) -> list[tuple[Path, Outcome]]:
    found = ((path, Outcome.read(path)) for path in sweep.folder.iterdir() if path.is_dir())
    return [(path, outcome) for path, outcome in found if outcome is not None]


def _command(sweep: CurrentSweep) -> list[str]:
    import shlex

    return [shlex.quote(word) for word in overrides_as_typed(sweep.config.hydra) if not word.startswith("resume=")]


def _identity(sweep: CurrentSweep) -> str:
    return sweep.log.run_id or sweep.log.local_id
