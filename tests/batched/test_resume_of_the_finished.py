"""A run that was killed between its last checkpoint and the last word of its record is finished, not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from test_group_record import DOUBLE, config
from test_group_resume import Signal, Train, _alone, _jobs, _recorded

from lrscope.batched.run.launch import train_together
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.runs import train_single
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.run import run
from lrscope.tracking.find import find_run
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal
from lrscope.training.checkpoint_folder import read_checkpoint
from lrscope.training.checkpoint_state import ENDED

EARLY = ("callbacks.early_stopping.enabled=true", "callbacks.early_stopping.patience=1")

PLAIN = "callbacks.look_ahead=false"

CUTS = {
    "the points of its last steps": b'["train/loss",3',
    "its files": b'"event":"artifact"',
    "what its copies came to": b'"ahead/',
    "the first word of its end": b"lrscope.steps",
    "its verdict": b"lrscope.verdict",
    "its end": b'"event":"end"',
}
"""The journal is cut ahead of the first line that holds this."""


def _configs(folder: Path, *overrides: str) -> list[DictConfig]:
    """Three of 40 updates; the first stops early, behind 20."""
    common = (DOUBLE, "model.dropout=0.2", "trainer.limit_train_batches=10", "callbacks.test=true", *EARLY, *overrides)
    made = [config(folder, *common, "scheduler=cosine", lr=lr, epochs=4) for lr in (1e-3, 1e-2, 3e-2)]
    for cfg, delta in zip(made, (9.0, 0.0, 0.0), strict=True):
        cfg.callbacks.early_stopping.min_delta = delta
        cfg.callbacks.early_stopping.patience = 1 if delta else 10
    return made


def _launched(cfgs: Sequence[DictConfig], jobs: Sequence[Job], signal: Signal, looks: int | None) -> list[Outcome]:
    """As the launcher does it: what cannot be stacked runs by itself."""
    signal.comes_after(None if looks is None else looks + 3)
    found = train_together(list(zip(cfgs, jobs, strict=True)), "always")
    return [found[k] if k in found else run(cfg, job) for k, (cfg, job) in enumerate(zip(cfgs, jobs, strict=True))]


def _journal(folder: Path, outcome: Outcome) -> Journal:
    return Journal(folder / "spool" / outcome.local_id)


def _cut(folder: Path, outcomes: Sequence[Outcome], ahead_of: bytes) -> None:
    for outcome in outcomes:
        file = _journal(folder, outcome).events_file
        lines = file.read_bytes().splitlines(keepends=True)
        kept = next((number for number, line in enumerate(lines) if ahead_of in line), None)
        assert kept is not None, f"no line holds {ahead_of!r}"
        file.write_bytes(b"".join(lines[:kept]))


def _checkpoints(folder: Path, outcomes: Sequence[Outcome]) -> list[bytes]:
    return [(folder / "spool" / o.local_id / "checkpoints" / "last.ckpt").read_bytes() for o in outcomes]


def _assert_same_end(folder: Path, mine: Outcome, whole: Outcome, recorded: object) -> None:
    assert (mine.status, mine.verdict, mine.why, mine.steps) == (whole.status, whole.verdict, whole.why, whole.steps)
    assert mine.final == pytest.approx(dict(whole.final), rel=1e-9)
    assert _recorded(folder, mine) == recorded
    ends = [event.status for event in _journal(folder, mine).events() if isinstance(event, ev.Ended)]
    assert ends == ["FINISHED"]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("first", "second"),
    [(_launched, _launched), (_alone, _alone), (_launched, _alone)],
    ids=["a stack", "single runs", "a stack, then one by one"],
)
def test_nothing_is_trained_and_the_record_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Train, second: Train, cut: str
) -> None:
    signal = Signal(monkeypatch)
    whole = first(_configs(tmp_path), _jobs(tmp_path), signal, None)
    assert [outcome.steps for outcome in whole] == [20, 40, 40]
    recorded = [_recorded(tmp_path, outcome) for outcome in whole]
    traces = [Trace.load(tmp_path / str(k) / TRACE).series for k in range(3)]
    _cut(tmp_path, whole[1:] if cut == "the points of its last steps" else whole, CUTS[cut])
    if cut == "the points of its last steps":
        _cut(tmp_path, whole[:1], b'["train/loss",1')
    written = _checkpoints(tmp_path, whole)
    resumed = second(_configs(tmp_path), _jobs(tmp_path, whole), signal, None)
    assert _checkpoints(tmp_path, resumed) == written
    for number, (mine, uncut) in enumerate(zip(resumed, whole, strict=True)):
        _assert_same_end(tmp_path, mine, uncut, recorded[number])
        again = Trace.load(tmp_path / str(number) / TRACE).series
        assert again.keys() == traces[number].keys()
        for key, series in traces[number].items():
            assert again[key].steps.tolist() == series.steps.tolist(), key
            assert again[key].values.tolist() == pytest.approx(series.values.tolist(), rel=1e-9, nan_ok=True), key


@pytest.mark.filterwarnings("ignore:.*tag lrscope.resumed_otherwise")
@pytest.mark.parametrize("second", [_launched, _alone], ids=["a stack", "one by one"])
def test_of_a_stack_those_that_had_ended_stay_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: Train
) -> None:
    whole_folder, folder, signal = tmp_path / "whole", tmp_path / "killed", Signal(monkeypatch)
    whole = _launched(_configs(whole_folder, PLAIN), _jobs(whole_folder), signal, None)
    stopped = _launched(_configs(folder, PLAIN), _jobs(folder), signal, 26)
    assert [outcome.status for outcome in stopped] == ["FINISHED", "KILLED", "KILLED"]
    assert stopped[1].steps in range(21, 30)
    _cut(folder, stopped[:1], b"lrscope.steps")
    resumed = second(_configs(folder, PLAIN), _jobs(folder, stopped), signal, None)
    for mine, uncut in zip(resumed, whole, strict=True):
        assert (mine.status, mine.verdict, mine.steps) == (uncut.status, uncut.verdict, uncut.steps)
        assert _recorded(folder, mine) == _recorded(whole_folder, uncut)


@pytest.mark.parametrize("train", [_launched, _alone], ids=["a stack", "one by one"])
def test_a_checkpoint_from_before_it_said_that_the_run_had_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Train
) -> None:
    signal = Signal(monkeypatch)
    whole = train(_configs(tmp_path), _jobs(tmp_path), signal, None)
    recorded = [_recorded(tmp_path, outcome) for outcome in whole]
    for outcome in whole:
        path = tmp_path / "spool" / outcome.local_id / "checkpoints" / "last.ckpt"
        content = read_checkpoint(path)
        assert content.pop(ENDED)
        torch.save(content, path)
    _cut(tmp_path, whole, b"lrscope.steps")
    written = _checkpoints(tmp_path, whole)
    resumed = train(_configs(tmp_path), _jobs(tmp_path, whole), signal, None)
    assert _checkpoints(tmp_path, resumed) == written
    for number, (mine, uncut) in enumerate(zip(resumed, whole, strict=True)):
        _assert_same_end(tmp_path, mine, uncut, recorded[number])


def test_a_resume_that_fails_makes_nothing_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = Signal(monkeypatch)
    cfgs, settings = _configs(tmp_path), TrackingSettings("offline", None, tmp_path / "spool")
    whole = _alone(cfgs, _jobs(tmp_path), signal, None)
    recorded = [_recorded(tmp_path, outcome) for outcome in whole]
    _cut(tmp_path, whole, b'"event":"end"')
    written = _checkpoints(tmp_path, whole)

    def fail(*_: object) -> None:
        raise MemoryError("no room for a copy")

    with monkeypatch.context() as broken:
        broken.setattr(train_single, "look_ahead", fail)
        for number in range(3):
            with pytest.raises(MemoryError):
                _alone([_configs(tmp_path)[number]], [_jobs(tmp_path, whole)[number]], signal, None)
    for outcome in whole:
        found = find_run(settings, None, outcome.local_id, "run")
        assert (found.status, found.done) == ("FAILED", False), "it is tried again, though it had its verdict"
    assert _checkpoints(tmp_path, whole) == written
    resumed = _alone(_configs(tmp_path), _jobs(tmp_path, whole), signal, None)
    for number, (mine, uncut) in enumerate(zip(resumed, whole, strict=True)):
        assert (mine.status, mine.verdict, mine.steps) == (uncut.status, uncut.verdict, uncut.steps)
        assert _recorded(tmp_path, mine) == recorded[number]
        assert find_run(settings, None, mine.local_id, "run").done


@pytest.mark.parametrize("train", [_launched, _alone], ids=["a stack", "single runs"])
def test_a_run_that_a_verdict_has_ended_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Train
) -> None:
    def configs() -> list[DictConfig]:
        made = _configs(tmp_path, "optimizer=sgd", PLAIN)
        for cfg, lr in zip(made, (1e5, 1e-3, 1e6), strict=True):
            cfg.lr = lr
        return made

    signal = Signal(monkeypatch)
    whole = train(configs(), _jobs(tmp_path), signal, None)
    assert [(outcome.status, outcome.verdict) for outcome in whole[::2]] == [("FAILED", "diverged")] * 2
    recorded = [_recorded(tmp_path, outcome) for outcome in whole]
    for outcome in whole[::2]:
        ended = read_checkpoint(_journal(tmp_path, outcome).folder / "checkpoints" / "last.ckpt")
        assert (ended[ENDED], ended["global_step"]) == (True, outcome.steps)
    _cut(tmp_path, whole, b"lrscope.steps")
    written = _checkpoints(tmp_path, whole)
    resumed = train(configs(), _jobs(tmp_path, whole), signal, None)
    assert _checkpoints(tmp_path, resumed) == written
    for number, (mine, uncut) in enumerate(zip(resumed, whole, strict=True)):
        assert (mine.status, mine.verdict, mine.why) == (uncut.status, uncut.verdict, uncut.why)
        assert (mine.steps, _recorded(tmp_path, mine)) == (uncut.steps, recorded[number])
