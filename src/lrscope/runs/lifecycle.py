"""The record of a run around its training: what is known before the first step, and what became of it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import yaml

from lrscope.config.given_paths import started_in, whole_words
from lrscope.core.command_words import with_options
from lrscope.core.errors import RunGone
from lrscope.core.files import spared
from lrscope.core.fingerprint import flatten
from lrscope.core.found_rate import FOUND_BY
from lrscope.core.job import overrides_to_repeat
from lrscope.core.outcome import TRACEBACK, Outcome, Status
from lrscope.core.pruned import PRUNED, Pruned
from lrscope.core.redact import redact, redact_tree, redacted_traceback
from lrscope.core.stored_command import command_tags
from lrscope.core.trace import Trace
from lrscope.core.trials import TRIALS, Trials
from lrscope.core.verdict import Diagnosis, Verdict
from lrscope.diagnosis import diagnose, verdict_and_note
from lrscope.runs.prepare import PreparedRun
from lrscope.runs.surroundings import environment, uncommitted_changes
from lrscope.tracking import DatasetInfo, RunLog, RunStart, Session, dataset_place
from lrscope.training.recording import RunRecorder

TRACE = "trace.npz"
"""A job leaves its curves beside its outcome: the sweep compares its members without asking the store."""

DIFFERENCE = "git.diff"

EPOCH_METRICS = (
    "train/loss_epoch",
    "train/loss_eval",
    "train/acc",
    "train/rmse",
    "val/loss",
    "val/acc",
    "val/rmse",
    "test/loss",
    "test/acc",
    "test/rmse",
)


WENT_ON = "nothing: the search went on without it, see what its sweep recommends"
"""What to do about a member that a search stopped: what it came to so early speaks against no rate."""


@dataclass(frozen=True)
class RunEnd:
    """How training ended. ``error`` is set for a crash, ``signal_number`` for an interruption. ``as_before``: an
    earlier process trained it to its end, and nothing was left to do.

    ``trained_out``: the signal came when nothing was left to train, while copies trained on. A verdict without what
    they show may be another one, so the run is interrupted, and a resume trains the copies alone.
    """

    stopped_by: Verdict | None = None
    signal_number: int | None = None
    error: BaseException | None = None
    as_before: bool = False
    trained_out: bool = False
    pruned: Pruned | None = None
    """That a search ended it."""
    seconds: float = 0.0
    untrained: str | None = None
    """The fact of that name, which is known once there is an optimizer."""

    @property
    def by_itself(self) -> bool:
        """Whether neither an error nor a signal ended it."""
        return self.error is None and self.signal_number is None

    @property
    def as_planned(self) -> bool:
        """Whether nothing ended it but its own epochs or early stopping."""
        return self.by_itself and self.stopped_by is None and self.pruned is None

    def without_probes(self, signal_number: int) -> RunEnd:
        """This end, where the signal came before its copies had trained on."""
        return replace(self, signal_number=signal_number, trained_out=True)


def open_record(
    run: PreparedRun, session: Session, recorder: RunRecorder, tags: Mapping[str, str] | None = None
) -> RunLog:
    """Start the MLflow run of a prepared run, or continue the one it had; what is recorded goes there from now on.

    A process can be killed between any two lines of a record: what one that continues it finds missing of the
    beginning it adds, and leaves the rest as it was.
    """
    log = _continued(run, session, tags or {}) if run.resumes else _start_record(run, session, tags or {})
    if not any(log.has(file) for file in (DIFFERENCE, *_DESCRIPTION)) and (difference := uncommitted_changes()):
        log.text(difference, DIFFERENCE)
    for file, text in _DESCRIPTION.items():
        if not log.has(file):
            log.text(text(run), file)
    data = run.source.data
    if data is not None and not log.has(dataset_place(data.name)):
        log.dataset(DatasetInfo(name=data.name, digest=data.digest, source=data.source))
    recorder.attach(log.points, session.flush, log.last_step)
    if recorder.last("peak_lr") is None:
        recorder.values(0, {"peak_lr": run.facts.peak_lr or 0.0})
    return log


def _continued(run: PreparedRun, session: Session, tags: Mapping[str, str]) -> RunLog:
    """A run that somebody deleted meanwhile goes on as a new one: it must not stop the other members."""
    try:
        return session.reopen(run.local_id)
    except RunGone as gone:
        print(f"{run.name}: {gone.problems[0].rule}; it goes on as a new run", file=sys.stderr)
        return _start_record(run, session, tags)


def _to_repeat(overrides: Iterable[str]) -> list[str]:
    return with_options(whole_words(overrides_to_repeat(overrides), started_in()))


def _start_record(run: PreparedRun, session: Session, tags: Mapping[str, str]) -> RunLog:
    ticket = run.job.ticket
    command = {} if ticket is not None else command_tags(_to_repeat(run.job.overrides))
    return session.start(
        RunStart(
            experiment=(ticket.experiment if ticket is not None else None) or run.cfg.experiment_name,
            name=run.name,
            kind="run" if ticket is None else "member",
            local_id=run.local_id,
            parent_local_id=ticket.local_id if ticket is not None else None,
            params={key: word(value) for key, value in flatten(run.config).items()},
            tags={
                "lrscope.fingerprint": run.fingerprint,
                "lrscope.facts": run.facts.to_json(),
                "lrscope.together": "false",
                **command,
                **({FOUND_BY: run.job.found_by} if run.job.found_by is not None else {}),
                **tags,
            },
        )
    )


Try = Callable[[Trace], Trials | None]
"""From the curves of a run that has ended to what was tried for it, if anything was."""


def conclude(
    run: PreparedRun, log: RunLog, recorder: RunRecorder, ending: RunEnd, tried: Try = lambda _: None
) -> Outcome:
    """Say what became of a run: verdict, note, status; leave its outcome for the sweep.

    An interrupted run gets no verdict: it has not ended. A run that crashed keeps its traceback as an artifact.
    """
    interrupted = ending.signal_number is not None
    if not interrupted and ending.error is None:
        recorder.end()
    trace = recorder.trace(run.facts)
    if ending.untrained is not None:
        trace = replace(trace, facts=replace(run.facts, untrained=ending.untrained))
        log.tags({"lrscope.facts": trace.facts.to_json()})
    if ending.by_itself and trace.series and (found := tried(trace)) is not None:
        keep_trials(log, found)
        trace = replace(trace, facts=replace(trace.facts, trials=found))
    diagnosis = None if interrupted or not trace.series else diagnose(trace)
    if diagnosis is not None and ending.pruned is not None:
        diagnosis = diagnosis.advising(WENT_ON)
    verdict = _verdict(diagnosis, ending)
    status = _status(verdict, ending)
    why = _why(diagnosis, ending)
    judged = dict.fromkeys((*EPOCH_METRICS, run.cfg.sweep.objective))
    best = _best(trace, run.cfg.sweep.objective, rises=run.cfg.sweep.direction == "max")
    log.tags({"lrscope.steps": str(_steps(trace)), "lrscope.best": json.dumps(best)})
    if ending.pruned is not None:
        log.tags({PRUNED: ending.pruned.to_json()})
    _tell(log, diagnosis, trace, ending, why)
    log.end(status)
    outcome = Outcome(
        name=run.name,
        local_id=log.local_id,
        status=status,
        verdict=verdict.label if verdict is not None else "",
        why=why,
        lr=run.facts.peak_lr or 0.0,
        fingerprint=run.fingerprint,
        run_id=log.run_id,
        crashed=ending.error is not None,
        steps=_steps(trace),
        seconds=ending.seconds,
        overrides=dict(run.job.varying),
        final={key: value for key in judged if (value := recorder.last(key)) is not None},
        best=best,
        pruned=ending.pruned,
        advice=diagnosis.primary.advice if diagnosis is not None and ending.error is None else "",
    )
    with spared(run.job.folder / TRACE, "a sweep's table will lack this run"):
        outcome.write(run.job.folder)
        if ending.error is not None:
            (run.job.folder / TRACEBACK).write_text(_traceback(ending.error))
        trace.save(run.job.folder / TRACE)
    return outcome


def keep_trials(log: RunLog, found: Trials) -> None:
    """Write into the record of a run what was tried for it."""
    log.tags({TRIALS: json.dumps(asdict(found))})


def _verdict(diagnosis: Diagnosis | None, ending: RunEnd) -> Verdict | None:
    if ending.error is not None or diagnosis is None:
        return None
    return Verdict.DIVERGED if ending.stopped_by is Verdict.DIVERGED else diagnosis.verdict


def _status(verdict: Verdict | None, ending: RunEnd) -> Status:
    if ending.signal_number is not None:
        return "KILLED"
    failed = ending.error is not None or (verdict is Verdict.DIVERGED and ending.pruned is None)
    return "FAILED" if failed else "FINISHED"


def _traceback(error: BaseException) -> str:
    return redacted_traceback(error)


def _why(diagnosis: Diagnosis | None, ending: RunEnd) -> str:
    if ending.error is not None:
        words = str(ending.error).splitlines()
        return redact(f"{type(ending.error).__name__}: {words[0] if words else ''}")
    if ending.signal_number is not None:
        return f"stopped by signal {ending.signal_number}"
    return diagnosis.primary.why if diagnosis is not None else ""


def _tell(log: RunLog, diagnosis: Diagnosis | None, trace: Trace, ending: RunEnd, why: str) -> None:
    """Write the verdict and its reasons where a person looks for them."""
    log.tags({"lrscope.why": why[:5000], "lrscope.seconds": f"{ending.seconds:.2f}"})
    if ending.error is not None:
        text = _traceback(ending.error)
        log.text(text, TRACEBACK)
        log.tags({"mlflow.note.content": f"**crashed**: {why}\n\n```\n{text[-6000:]}\n```"})
    elif diagnosis is not None:
        log.tags(verdict_and_note(diagnosis, trace))
        if ending.pruned is not None:
            told = verdict_and_note(diagnosis, trace)["mlflow.note.content"]
            log.tags({"mlflow.note.content": f"**stopped by the search**: {ending.pruned.reason}.\n\n{told}"})
    else:
        log.tags({"mlflow.note.content": f"**stopped**: {why}; `resume=latest` continues it."})


def _best(trace: Trace, objective: str, rises: bool) -> dict[str, float]:
    """Of each metric of an epoch its best value."""
    best: dict[str, float] = {}
    for key in dict.fromkeys((*EPOCH_METRICS, objective)):
        values = [value for value in trace.get(key).values.tolist() if math.isfinite(value)]
        if values:
            best[key] = max(values) if key.endswith("acc") or (rises and key == objective) else min(values)
    return best


def _steps(trace: Trace) -> int:
    return max((int(series.steps[-1]) + 1 for series in trace.series.values() if len(series)), default=0)


def _as_yaml(content: object) -> str:
    """With libyaml where it is there: the same text in a fifth of the time."""
    return str(yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))


_DESCRIPTION: Mapping[str, Callable[[PreparedRun], str]] = {
    "config.yaml": lambda run: _as_yaml(redact_tree(run.config)),
    "overrides.yaml": lambda run: _as_yaml(redact_tree(whole_words(run.job.overrides, started_in()))),
    "environment.txt": lambda _: environment(),
}
"""The files that say what every run is; ahead of them goes ``DIFFERENCE``, where there is one."""


def word(value: object) -> str:
    """A parameter as MLflow keeps it: numbers as python writes them, lists as JSON, null as ``null``."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else repr(value)
