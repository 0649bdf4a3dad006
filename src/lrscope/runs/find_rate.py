"""The story of a find: copies of a run at many rates, the law of the best, its record; then the training at it."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from lrscope.config.given_paths import started_in, whole_words
from lrscope.core.answer import plain
from lrscope.core.command_words import train_again, with_options
from lrscope.core.errors import Interrupted, LrscopeError
from lrscope.core.fingerprint import flatten
from lrscope.core.found_rate import FOUND, FoundRate, Measured, RateAt
from lrscope.core.job import Job, current_job, overrides_to_repeat, split_override
from lrscope.core.outcome import Outcome
from lrscope.core.point import Point
from lrscope.core.run_facts import RunFacts
from lrscope.core.stop_signals import STOP
from lrscope.core.stored_command import command_tags
from lrscope.report.analysis.find_words import further_lines, headline
from lrscope.report.analysis.rate_law import find_rate
from lrscope.runs.find_evidence import with_evidence
from lrscope.runs.find_start import find_start
from lrscope.runs.finish import never_left_running
from lrscope.runs.lifecycle import word
from lrscope.runs.prepare import PreparedRun, prepare
from lrscope.runs.run import run_job
from lrscope.runs.shared_session import settings_of, share, unshare
from lrscope.runs.surroundings import environment
from lrscope.tracking import DatasetInfo, RunLog, RunStart, Session
from lrscope.tracking.journal.run_log import now_ms
from lrscope.tracking.mlflow_store.browse import browsed

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.probe.horizons import CopyRecord

FILES = "find"
"""Folder of a find's artifacts: ``find.json`` with all that was measured, and the figure."""

MOST_POINTS = 100
"""Of the training loss of one copy."""


@dataclass(frozen=True)
class FindEnd:
    """What a find came to: its run in MLflow, and the training that followed. ``found_by`` names it where no store has
    it as well.
    """

    found: FoundRate
    run_id: str | None
    found_by: str
    outcome: Outcome | None = None


def find_job(cfg: DictConfig) -> FindEnd:
    """Find the rate for the job that Hydra is running, and train at it where ``find.then`` says so.

    Raises:
        InputError: the config asks for something that cannot be done; nothing was recorded.
        LrscopeError: the rate cannot be told, so that nothing was trained at it.
        Interrupted: a signal stopped it; its record is closed as KILLED.
    """
    STOP.install()
    STOP.raise_if_requested()
    job, settings = current_job(), settings_of(cfg)
    session = share(settings)
    try:
        end = _find(cfg, job, session)
        if cfg.find.then != "train":
            return end
        if end.found.lr is None:
            raise LrscopeError(f"nothing was trained, as the rate cannot be told: {end.found.why_not}")
        outcome = run_job(*_at_the_rate(cfg, job, end))
    finally:
        unshare(settings)
    run_id = outcome.run_id or session.run_id(outcome.local_id)  # known once it is delivered
    return replace(end, outcome=replace(outcome, run_id=run_id))


def _find(cfg: DictConfig, job: Job, session: Session) -> FindEnd:
    run = prepare(cfg, job)
    start = find_start(run)
    log = session.start(_run_start(run))
    _describe(run, log)
    plan = start.plan
    _, *_, last = plan.branches
    print(
        f"find: {len(plan.rates)} copies at rates from {plan.rates[0]:g} to {plan.rates[-1]:g}{start.how}, for"
        f" {last.updates:,} of {run.cfg.total_steps:,} updates; experiment {run.cfg.experiment_name}",
        flush=True,
    )
    began = time.monotonic()
    with never_left_running(log):
        records = start.train(STOP.requested)
        if records is not None:
            measured = start.measured(records)
            found = replace(find_rate(measured, start.slope), cautions=start.cautions)
            found = with_evidence(found, start, records, STOP.requested)
        if records is None or STOP.requested():
            log.tags({"lrscope.why": "stopped by a signal, before anything was found"})
            log.end("KILLED")
            raise Interrupted(STOP.requested() or 0)
        _record(run, log, session, measured, found, records)
        log.tags({"lrscope.seconds": f"{time.monotonic() - began:.2f}"})
        log.end("FINISHED")
    session.drain(session.settings.finish_timeout_s)
    _tell(run, job, found, log.run_id)
    return FindEnd(found, log.run_id, found_by=log.run_id or log.local_id)


def _run_start(run: PreparedRun) -> RunStart:
    params = {key: word(value) for key, value in flatten(run.config).items() if key != run.facts.rate_key}
    words = with_options(whole_words(overrides_to_repeat(run.job.overrides), started_in()))
    return RunStart(
        experiment=run.cfg.experiment_name,
        name=run.name,
        kind="find",
        local_id=uuid.uuid4().hex,
        params=params,
        tags={"lrscope.facts": run.facts.to_json(), **command_tags(words)},
    )


def _describe(run: PreparedRun, log: RunLog) -> None:
    log.text(environment(), "environment.txt")
    if (data := run.source.data) is not None:
        log.dataset(DatasetInfo(name=data.name, digest=data.digest, source=data.source))


def _record(
    run: PreparedRun,
    log: RunLog,
    session: Session,
    measured: Measured,
    found: FoundRate,
    records: list[CopyRecord],
) -> None:
    log.points(_points(measured, found, records))
    log.text(_json({"found": asdict(found), "measured": asdict(measured)}), f"{FILES}/find.json")
    key = run.facts.rate_key
    words = headline(found, key)
    log.tags({FOUND: _json(asdict(found)), "lrscope.why": words, "mlflow.note.content": _note(found, run.facts)})
    from lrscope.report.figures.draw import draw_find

    folder = log.folder / FILES
    if run.is_recorded:
        for file in session.call_in_service(draw_find, measured, found, folder, ("light", "dark")):
            log.artifact(file, FILES)


def _json(content: object) -> str:
    return json.dumps(plain(content), allow_nan=False)


def _points(measured: Measured, found: FoundRate, records: list[CopyRecord]) -> list[Point]:
    """The law as the metric ``best_rate`` by updates; of each copy its losses at the horizons, and while it trained."""
    now = now_ms()
    points = [Point("best_rate", one.updates, one.rate, now) for one in (*found.optima, *_known(found))]
    for record in records:
        name = f"{record.rate:.3g}"
        ends = zip(measured.horizons, record.ends, strict=True)
        points += [Point(f"{measured.metric}/{name}", horizon.updates, loss, now) for horizon, loss in ends]
        every = -(-len(record.losses) // MOST_POINTS) or 1
        thinned = list(enumerate(record.losses))[::every]
        points += [Point(f"train/loss/{name}", step, loss, now) for step, loss in thinned]
    return points


def _known(found: FoundRate) -> tuple[RateAt, ...]:
    return (found.best, *found.longer) if found.best is not None else ()


def _note(found: FoundRate, facts: RunFacts) -> str:
    lines = (f"**{headline(found, facts.rate_key)}**", "", *(f"- {line}" for line in further_lines(found, facts)))
    return "\n".join((*lines, "", f"Figure and numbers: artifacts, `{FILES}/`."))


def _tell(run: PreparedRun, job: Job, found: FoundRate, run_id: str | None) -> None:
    print(headline(found, run.facts.rate_key))
    print(*further_lines(found, run.facts), sep="\n")
    if found.lr is not None and run.cfg.find.then != "train":
        print(f"to train at it: {train_again(with_options(_words(job, run.facts.rate_key, found.lr)))}")
    elif found.lr is None:
        print(f"to search it by whole runs: {train_again(_searched(job, run.facts.rate_key), sweep=True)}")
    if run_id is not None:
        print(f"MLflow run {run_id}; {browsed(run.cfg.tracking.uri)}", flush=True)


def _words(job: Job, key: str, rate: float) -> list[str]:
    """The words of the training at a rate that was found."""
    return [f"{key}={rate:g}", *_kept(job)]


def _searched(job: Job, key: str) -> list[str]:
    return with_options([f"{key}=interval(1e-5,10)", *_kept(job)])


def _kept(job: Job) -> list[str]:
    typed = [one for one in job.overrides if split_override(one)[0].partition(".")[0] != "find"]
    return whole_words(typed, started_in())


def _at_the_rate(cfg: DictConfig, job: Job, end: FindEnd) -> tuple[DictConfig, Job]:
    """The same run without a find, at the rate."""
    import copy

    from omegaconf import OmegaConf, open_dict

    from lrscope.training.facts.peak_rate import peak_rate

    assert end.found.lr is not None
    trained = copy.deepcopy(cfg)
    key = peak_rate(cfg)[1]
    with open_dict(trained):
        OmegaConf.update(trained, key, end.found.lr)
        trained.find.enabled = False
    return trained, replace(job, overrides=tuple(_words(job, key, end.found.lr)), found_by=end.found_by)
