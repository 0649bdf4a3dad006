"""Runs trained in this process, whole or stopped and resumed, for tests that compare them bit for bit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from torch import Tensor

from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.core.job import Job, KnownMember
from lrscope.core.paths import project_root
from lrscope.core.trace import Trace
from lrscope.runs.fit import SingleRun, train
from lrscope.runs.lifecycle import TRACE, RunEnd, conclude, open_record
from lrscope.runs.prepare import prepare
from lrscope.runs.run import run as run_whole
from lrscope.runs.train_single import assembled
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.training.callbacks.stop_at_signal import StopAtSignal
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.recording import RunRecorder

Recorded = dict[str, list[tuple[int, float]]]


def compose_config(*overrides: str) -> DictConfig:
    """The config of a command line."""
    schema.register()
    with initialize_config_dir(str(project_root() / "conf"), version_base="1.3"):
        return compose("train", ["callbacks.progress=none", "tracking.log_model=none", "trainer=cpu", *overrides])


@dataclass(frozen=True)
class Trained:
    """What a run left: its weights, and every point of its journal in the order of recording."""

    weights: dict[str, Tensor]
    points: Recorded
    ending: RunEnd


class _StopAfter(LeanCallback):
    """Raises the flag of a signal once so many updates are made, as a handler would."""

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.done = 0

    def on_train_batch_end(self, *_: object) -> None:
        self.done += 1

    def requested(self) -> int | None:
        return 2 if self.done >= self.updates else None


def train_whole(folder: Path, *overrides: str) -> Trained:
    """Train a config from start to end."""
    return _train(folder, uuid.uuid4().hex, overrides, None, resumes=False)


def train_with_stops(folder: Path, stops: list[int], *overrides: str) -> Trained:
    """Train the same in pieces: stopped after so many updates of each piece, then resumed from its checkpoint."""
    local_id = uuid.uuid4().hex
    for number, stop in enumerate(stops):
        piece = _train(folder, local_id, overrides, stop, resumes=number > 0)
        assert piece.ending.signal_number == 2
    return _train(folder, local_id, overrides, None, resumes=bool(stops))


def single_run(folder: Path, *overrides: str) -> SingleRun:
    """A config that was trained, as it is in memory then."""
    run = prepare(run_config(compose_config(*overrides), overrides), Job(folder / "job", ()))
    single = assembled(run, RunRecorder(run.plan), CheckpointFolder(folder / "checkpoints"))
    assert train(single).error is None
    return single


def _train(folder: Path, local_id: str, overrides: tuple[str, ...], stop: int | None, resumes: bool) -> Trained:
    settings = TrackingSettings("offline", None, folder / "spool")
    run = prepare(run_config(compose_config(*overrides), overrides), Job(folder / "job", ()))
    known = {run.fingerprint: KnownMember(local_id, "", done=False)} if resumes else {}
    run = replace(run, local_id=local_id, resumes=resumes, job=replace(run.job, continues=known))
    recorder = RunRecorder(run.plan)
    single = assembled(run, recorder, CheckpointFolder(settings.spool / local_id / "checkpoints"))
    run = single.run
    if stop is not None:
        stopper = _StopAfter(stop)
        at_signal = next(c for c in single.trainer.callbacks if isinstance(c, StopAtSignal))
        at_signal.requested = stopper.requested
        single.trainer.callbacks.insert(0, stopper)
    session = open_session(settings)
    log = open_record(run, session, recorder)
    ending = train(single)
    conclude(run, log, recorder, ending)
    session.close()
    weights = {key: value.clone() for key, value in single.module.state_dict().items()}
    return Trained(weights, recorded_points(settings.spool, local_id), ending)


def recorded_points(spool_root: Path, local_id: str) -> Recorded:
    """Every point of a journal by metric."""
    found: Recorded = {}
    for event in Journal.of(spool_root, local_id).events():
        if isinstance(event, ev.Points):
            for point in event.points:
                found.setdefault(point.key, []).append((point.step, point.value))
    return found


def trace_of_a_run(folder: Path, *overrides: str) -> Trace:
    """The curves and facts of a config that went through the whole story of a run, copies included."""
    spool = ("tracking=off", f"tracking.spool={folder / 'spool'}")
    cfg = run_config(compose_config(*spool, *overrides), overrides)
    run_whole(cfg, Job(folder / "job", ()))
    return Trace.load(folder / "job" / TRACE)
