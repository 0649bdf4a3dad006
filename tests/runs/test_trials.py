"""What is tried for a failed run is what a run so changed comes to, and the failed run itself stays as it was."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrscope.config.overrides import run_config
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Trace
from lrscope.core.trials import CLIPPING, DECAY, FRESH, INPUTS, RATE, RESET, STANDARDISED, Trials
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose
from lrscope.diagnosis.untried import Untried
from lrscope.probe import copies, try_out
from lrscope.probe.clock import Clock, seconds_for
from lrscope.probe.rounds import trials
from lrscope.probe.trial_plan import other_rates
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.prepare import prepare
from lrscope.runs.run import run
from lrscope.runs.trial_start_of import trial_start_of
from lrscope.training.checkpoint_folder import read_checkpoint
from runs.single_runs import compose_config

BASE = ("dataset=blobs", "model.hidden=[6]", "trainer.precision=64-true", "tracking.mode=offline", "batch_size=100")
SHORT = ("trainer.limit_train_batches=5", "epochs=8", "callbacks.look_ahead=false")
"""40 updates."""
TRY = "callbacks.trial_seconds=100"
"""Long enough on any machine: nothing here ends for want of time."""
AWAY = ("optimizer=sgd", "optimizer.momentum=0.9", "lr=1e4", "model.activation=identity")
CPU = torch.device("cpu")


def trained(folder: Path, *words: str) -> tuple[Outcome, Trace]:
    cfg = compose_config(*BASE, *SHORT, *words, f"tracking.spool={folder / 'spool'}")
    outcome = run(cfg, Job(folder / "job", ()))
    return outcome, Trace.load(folder / "job" / TRACE)


def start_of(tmp_path: Path, *words: str) -> TrialStart:
    cfg = compose_config(*BASE, *SHORT, *words, f"tracking.spool={tmp_path / 'spool'}")
    return trial_start_of(prepare(cfg, Job(tmp_path / "start", ())), CPU)


def clock() -> Clock:
    return Clock(100, lambda: None)


def as_words(changes: Mapping[str, Any]) -> list[str]:
    return [f"{key}={'null' if value is None else value}" for key, value in changes.items()]


@pytest.fixture(scope="module")
def ran_away(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, Trace]:
    folder = tmp_path_factory.mktemp("away")
    return folder, *trained(folder, *AWAY, TRY)


def test_the_advice_names_a_rate_at_which_the_run_trains(ran_away: tuple[Path, Outcome, Trace], tmp_path: Path) -> None:
    _, outcome, trace = ran_away
    finding = diagnose(trace).primary
    assert outcome.verdict == "diverged"
    assert finding.changes.keys() == {"lr"} and finding.rate == finding.changes["lr"]
    assert f"start with lr={finding.rate:.4g}: tried for 40 updates from the same start" in finding.advice
    followed, _ = trained(tmp_path, *AWAY, f"lr={finding.rate}")
    assert followed.verdict in ("trained", "too slow", "overfitting")


def test_the_run_itself_keeps_its_bits(tmp_path: Path) -> None:
    words = ("lr=1e-6", "model.dropout=0.3")
    tried, with_trials = trained(tmp_path / "with", *words, TRY)
    generator = torch.get_rng_state()
    plain, without = trained(tmp_path / "without", *words)
    assert with_trials.facts.trials is not None and without.facts.trials is None
    assert torch.equal(generator, torch.get_rng_state())
    assert tried.fingerprint == plain.fingerprint
    assert with_trials.series.keys() == without.series.keys()
    for name, series in without.series.items():
        assert series.values.tolist() == with_trials.get(name).values.tolist(), name
    one, other = (
        read_checkpoint(tmp_path / way / "spool" / out.local_id / "checkpoints" / "last.ckpt")
        for way, out in (("with", tried), ("without", plain))
    )
    assert all(torch.equal(value, other["state_dict"][name]) for name, value in one["state_dict"].items())


WAYS = {
    "adam": ("optimizer=adam",),
    "one cycle": ("optimizer=sgd", "scheduler=one_cycle"),
    "plateau": ("optimizer=sgd", "scheduler=plateau", "scheduler.monitor=train/loss_eval", "scheduler.patience=0",
                "scheduler.threshold=0.5"),
    "gathered": ("trainer.accumulate_grad_batches=2", "trainer.gradient_clip_val=0.05", "optimizer=sgd"),
}  # fmt: skip
CHANGES = (
    Change(RATE, {"lr": 0.02}),
    Change(DECAY, {"optimizer.weight_decay": 0.1, "lr": 0.02}),
    Change(CLIPPING, {"trainer.gradient_clip_val": 0.1}),
)


@pytest.mark.parametrize("one_by_one", [False, True], ids=["together", "one by one"])
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_takes_the_steps_of_a_run_with_the_same_changes(
    way: str, one_by_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if one_by_one:
        monkeypatch.setattr(try_out, "copies_of", copies.SingleCopies)
    else:
        monkeypatch.setattr(copies, "SingleCopies", None)
    records = try_out.try_out(start_of(tmp_path, *WAYS[way]), CHANGES, clock())
    assert records is not None and [record.change for record in records] == list(CHANGES)
    for number, record in enumerate(records):
        _, trace = trained(tmp_path / str(number), *WAYS[way], *as_words(record.change.settings))
        assert record.losses == pytest.approx(trace.get("train/loss").values.tolist(), rel=1e-9)
        rates = dict(zip(trace.get("lr").steps.tolist(), trace.get("lr").values.tolist(), strict=True))
        assert {step: record.rates[step] for step in rates} == pytest.approx(rates, rel=1e-12)
        assert record.seen[-1][1].loss == pytest.approx(trace.get("train/loss_eval").values[-1], rel=1e-9)


OWN = {
    "a DataModule": ("dataset._target_=own_parts.Loaded",),
    "a stream without end": ("dataset._target_=own_parts.Loaded", "+dataset.kind=stream"),
    "words": ("dataset._target_=own_parts.tokens", "model._target_=own_parts.Embedded", "batch_size=8"),
}


@pytest.mark.parametrize("part", OWN)
def test_it_is_tried_for_a_users_own_parts_too(part: str, tmp_path: Path) -> None:
    words = ["tracking=off", "trainer.limit_train_batches=4", "epochs=10", "optimizer=sgd", "lr=1e7", TRY,
             "callbacks.stop_when=[]", *OWN[part]]  # fmt: skip
    outcome = run(run_config(compose_config(*words), words), Job(tmp_path / "job", ()))
    assert not outcome.crashed, outcome.why
    found = Trace.load(tmp_path / "job" / TRACE).facts.trials
    assert found is not None and found.working(RATE)
    assert {trial.updates for trial in found.working(RATE)} == {40}


def test_what_else_than_the_rate_is_the_cause_is_named(tmp_path: Path) -> None:
    """Equal units get equal gradients, whatever the rate: only other initial weights help."""
    _, trace = trained(tmp_path, "model.init=zeros", "model.zero_bias=true", "lr=0.02", TRY)
    finding = diagnose(trace).primary
    assert finding.verdict.failed and finding.not_the_rate and finding.rate is None
    assert finding.changes == {RESET: "default"}
    assert "initialisation" in finding.why and "initialise the layers" in finding.advice


def test_a_decay_that_holds_the_weights_at_nothing_is_found(tmp_path: Path) -> None:
    words = ("optimizer=sgd", "optimizer.weight_decay=30", "lr=0.03")
    _, trace = trained(tmp_path, *words, TRY)
    finding = diagnose(trace).primary
    assert finding.changes.get("optimizer.weight_decay") == 0.0
    assert "weight decay" in finding.why and "optimizer.weight_decay=0" in finding.advice


def test_inputs_that_are_far_too_large_are_found(tmp_path: Path) -> None:
    start = start_of(tmp_path, "model.activation=tanh", "optimizer=sgd", "lr=1")
    large = replace(
        start,
        epoch=lambda number: ((1e9 * inputs, targets) for inputs, targets in start.epoch(number)),
        examples=replace(start.examples, inputs=1e9 * start.examples.inputs),
    )
    found = trials(large, Untried(0, (0,), 1.0, Verdict.COLLAPSED), clock())
    assert found is not None
    scaled = found.of(INPUTS)
    assert not scaled or {STANDARDISED} <= scaled[0].changes.keys()
    own = large.standardised()
    assert own.examples.inputs.mean(0).abs().max() < 1e-6
    assert own.examples.inputs.std(0, correction=0) == pytest.approx(torch.ones(5).double(), abs=1e-6)


def test_a_rate_that_is_far_too_low_is_not_left_where_nothing_near_it_moves(tmp_path: Path) -> None:
    """At 1e-12 the rates of the first decades above it do nothing; those of the next ones are tried then."""
    start = start_of(tmp_path, "optimizer=sgd", "lr=1e-12")
    found = trials(start, Untried(0, (0,), 1e-12, Verdict.TOO_SLOW, end=0.7), clock())
    assert found is not None
    _, up = Verdict.TOO_SLOW.meaning.tried_around
    highest = max(float(trial.changes["lr"]) for trial in found.of(RATE))
    assert highest == pytest.approx(1e-12 * 10 ** (2 * up / 2), rel=0.1)


def test_nothing_helps_where_the_labels_say_nothing(tmp_path: Path) -> None:
    start = start_of(tmp_path, "optimizer=sgd", "lr=10")

    class Mute(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(torch.zeros_like(inputs))

    member = start.member(Change(RATE, {}))
    mute = Mute(5, 2).double()

    def silent(change: Change) -> Any:
        rate = change.settings.get("lr", 10.0)
        return replace(member, network=mute, optimizer=torch.optim.SGD(mute.parameters(), rate))

    found = trials(replace(start, member=silent), Untried(0, (0,), 10.0, Verdict.COLLAPSED), clock())
    assert found is not None and not any(trial.works for trial in found.tried)
    assert {trial.what for trial in found.tried} == {RATE, CLIPPING, FRESH, INPUTS}


def test_a_signal_leaves_nothing_half_known_and_time_that_is_up_ends_all_alike(tmp_path: Path) -> None:
    start = start_of(tmp_path)
    changes = [Change(RATE, {"lr": rate}) for rate in (0.1, 0.01, 0.001)]
    asked = itertools.chain([None] * 5, itertools.repeat(2))
    assert try_out.try_out(start, changes, Clock(100, lambda: next(asked))) is None
    ticks = itertools.count()
    records = try_out.try_out(start, changes, Clock(60, lambda: None, now=lambda: float(next(ticks))))
    assert records is not None
    lengths = {len(record.losses) for record in records}
    assert len(lengths) == 1 and 12 <= lengths.pop() < 40
    assert try_out.try_out(start, changes, Clock(-1, lambda: None)) == []


def test_how_long_it_takes_at_most() -> None:
    assert seconds_for(1.0, None) == 3.0
    assert seconds_for(60.0, None) == 9.0  # 15%
    assert seconds_for(3600.0, None) == 20.0
    assert (seconds_for(3600.0, 120.0), seconds_for(3600.0, 0.0)) == (120.0, 0.0)


def test_rates_lie_over_decades_around_the_one_that_failed() -> None:
    away = other_rates(1.0, Verdict.DIVERGED)
    assert away[:5] == [0.1, 0.01, 0.001, 1e-4, 1e-5] and max(away) < 1.0 and len(away) == 10
    both = other_rates(1.0, Verdict.STALLED)
    assert min(both) == 1e-4 and max(both) == 1000.0
    slow = other_rates(0.01, Verdict.TOO_SLOW, known=[0.1], below=1.0)
    assert 0.1 not in slow and max(slow) == 0.32


def test_trials_are_stored_with_the_facts_of_the_run(ran_away: tuple[Path, Outcome, Trace]) -> None:
    facts = ran_away[2].facts
    assert facts.trials is not None
    assert RunFacts.from_json(facts.to_json()) == facts
    assert all(trial.updates == 40 or math.isinf(trial.loss) for trial in facts.trials.of(RATE))


@pytest.mark.parametrize("stored", [{"first": 1.0}, {"first": "x", "planned": 3, "tried": []}, [], None, 3])
def test_what_is_no_trials_in_a_store_is_none(stored: object) -> None:
    assert Trials.from_plain(stored) is None
