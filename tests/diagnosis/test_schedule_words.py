"""Advice about a schedule names keys that its class has, in the unit that it counts in."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from curves import by_epoch, classification, run, series

from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose

EPOCHS, PER_EPOCH = 40, 30
SETTLED = 0.1 + 1.7 * np.exp(-np.arange(1, EPOCHS + 1) / 4)


def rates_of(name: str, arguments: dict[str, Any], interval: str) -> np.ndarray:
    """What torch's class makes of the run's 1,200 updates at a peak of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    optimizer.step()
    found = []
    for step in range(EPOCHS * PER_EPOCH):
        found.append(optimizer.param_groups[0]["lr"])
        if interval == "step" or (step + 1) % PER_EPOCH == 0:
            schedule.step()
    return np.array(found)


def trained(name: str, arguments: dict[str, Any], interval: str) -> Trace:
    facts = classification(
        peak_lr=1.0, scheduler=name, scheduler_arguments=arguments, scheduler_interval=interval, settings="x"
    )
    return run(SETTLED, facts, more={"lr": series(rates_of(name, arguments, interval))})


CASES = [
    ("ExponentialLR", {"gamma": 0.999999}, Verdict.SCHEDULE_NEVER_MOVED),
    ("ExponentialLR", {"gamma": 0.1}, Verdict.SCHEDULE_RAN_OUT),
    ("StepLR", {"step_size": 5000, "gamma": 0.5}, Verdict.SCHEDULE_NEVER_MOVED),
    ("StepLR", {"step_size": 2, "gamma": 0.1}, Verdict.SCHEDULE_RAN_OUT),
    ("MultiStepLR", {"milestones": [3000], "gamma": 0.1}, Verdict.SCHEDULE_NEVER_MOVED),
    ("MultiStepLR", {"milestones": [2, 3, 4], "gamma": 0.1}, Verdict.SCHEDULE_RAN_OUT),
    ("CosineAnnealingLR", {"T_max": 100_000}, Verdict.SCHEDULE_NEVER_MOVED),
    ("PolynomialLR", {"total_iters": 8}, Verdict.SCHEDULE_RAN_OUT),
]


@pytest.mark.parametrize("interval", ["epoch", "step"])
@pytest.mark.parametrize(("name", "arguments", "verdict"), CASES)
def test_what_is_advised_mends_the_schedule(
    name: str, arguments: dict[str, Any], verdict: Verdict, interval: str
) -> None:
    found = next(f for f in diagnose(trained(name, arguments, interval)).findings if f.verdict is verdict)
    told = dict(re.findall(r"(?:scheduler\.)(\w+)=(\[[\d,]+\]|[\d.e-]*\d)", found.advice))
    assert told, found.advice
    assert set(told) <= set(arguments), "keys of the class, and no others"
    mended = {
        **arguments,
        **{k: [int(x) for x in v[1:-1].split(",")] if v[0] == "[" else float(v) if k == "gamma" else int(v)
           for k, v in told.items()},
    }  # fmt: skip
    again = diagnose(trained(name, mended, interval))
    assert not {Verdict.SCHEDULE_NEVER_MOVED, Verdict.SCHEDULE_RAN_OUT} & {f.verdict for f in again.findings}, mended
    assert "decay_steps" not in found.advice + found.why


def test_a_decay_by_epoch_is_told_in_epochs() -> None:
    found = diagnose(trained("ExponentialLR", {"gamma": 0.9999}, "epoch")).primary
    assert found.verdict is Verdict.SCHEDULE_NEVER_MOVED
    assert "40 epochs" in found.advice
    assert f"scheduler.gamma={0.1 ** (1 / 40):.3g}" in found.advice


def test_a_run_whose_facts_tell_no_interval_is_told_by_how_its_rate_moved() -> None:
    trace = trained("ExponentialLR", {"gamma": 0.9999}, "epoch")
    facts = classification(peak_lr=1.0, scheduler="ExponentialLR", scheduler_arguments={"gamma": 0.9999})
    steps = np.flatnonzero(np.diff(trace.get("lr").values, prepend=math.nan) != 0)
    curve = series(trace.get("lr").values[steps], steps)
    assert "epochs" in diagnose(Trace({**trace.series, "lr": curve}, facts)).primary.advice


@pytest.mark.parametrize("constant_first", [False, True])
def test_a_collapse_goes_before_a_schedule_that_ran_out(constant_first: bool) -> None:
    """A deep sigmoid network answers nearly the same before training: whether more steps help decides."""
    facts = classification(scheduler="exponential", scheduler_arguments={"decay_rate": 0.5, "decay_steps": 10})
    ln6 = math.log(6)
    falling = ln6 + 0.04 * np.exp(-np.arange(1, EPOCHS + 1) / 3)
    more = {
        "lr": series(0.01 * 0.5 ** (np.arange(1200) / 10)),
        "output_spread": by_epoch(np.full(EPOCHS, 6e-4)), "output_spread_start": series([7e-4]),
        "train/acc": by_epoch(np.full(EPOCHS, 1 / 6)),
    }  # fmt: skip
    if constant_first:
        more["ahead/again"] = series([ln6], [1199])
    found = diagnose(run(falling, facts, first=ln6 + 0.05, noise=0.001, more=more))
    assert [f.verdict for f in found.findings][:2] == [Verdict.COLLAPSED, Verdict.SCHEDULE_RAN_OUT]


@pytest.mark.parametrize(
    ("name", "arguments", "per_epoch"),
    [
        ("StepLR", {"step_size": 10, "gamma": 0.1}, 34),
        ("ExponentialLR", {"gamma": 0.9}, 100),
        ("CosineAnnealingLR", {"T_max": 50}, 60),
        ("MultiStepLR", {"milestones": [30], "gamma": 0.1}, 45),
    ],
)
def test_within_one_epoch_only_a_schedule_by_step_can_move(
    name: str, arguments: dict[str, Any], per_epoch: int
) -> None:
    facts = classification(
        peak_lr=1.0, scheduler=name, scheduler_arguments=arguments, scheduler_interval="epoch", settings="x",
        steps_per_epoch=per_epoch,
    )  # fmt: skip
    trace = run(SETTLED[:1], facts, more={"lr": series(np.ones(per_epoch))})
    advice = next(f.advice for f in diagnose(trace).findings if f.verdict is Verdict.SCHEDULE_NEVER_MOVED)
    assert "scheduler.interval=step" in advice and "epochs" not in advice.partition("interval=step")[2]


@pytest.mark.parametrize(
    ("frequency", "arguments", "told"),
    [
        (5000, {"T_max": 1200}, "leave scheduler.frequency=5000 out: the run is over by then"),
        (5000, {"patience": 3, "mode": "min"}, "leave scheduler.frequency=5000 out: the run is over by then"),
        (3, {"T_max": 100_000}, "set scheduler.T_max=400, the moves of the run (was 100000)"),
        (3, {"decay_rate": 0.96, "decay_steps": 100_000}, "set decay_steps=7 (was 100000)"),
        (
            None,
            {"step_size": 3, "gamma": 1.0},
            "set scheduler.gamma below 1, which leaves the rate as it is; or choose",
        ),
        (None, {"decay_rate": 1, "decay_steps": 5}, "set scheduler.decay_rate below 1, which leaves the rate"),
        (None, {"patience": 0, "mode": "min"}, "nothing to mend: the metric kept improving (scheduler.patience=0)"),
        (None, {"half_cycle_epochs": 1e9, "mode": "triangular"}, "(scheduler.half_cycle_epochs=10)"),
    ],
)
def test_what_kept_a_rate_where_it_was_is_named(frequency: int | None, arguments: dict[str, Any], told: str) -> None:
    """A run of 1,200 steps, whose schedule moves at every step, or at every third: 400 times."""
    facts = classification(
        peak_lr=1.0, scheduler="other", scheduler_arguments=arguments, scheduler_interval="step", settings="x",
        scheduler_frequency=frequency,
    )  # fmt: skip
    found = diagnose(run(SETTLED, facts, more={"lr": series(np.ones(1200))}))
    advice = next(f.advice for f in found.findings if f.verdict is Verdict.SCHEDULE_NEVER_MOVED)
    assert told in advice


def test_a_decay_of_lrscopes_own_that_moves_by_epoch_is_told_in_epochs() -> None:
    arguments = {"decay_rate": 0.1, "decay_steps": 4000}
    facts = classification(
        peak_lr=1.0, scheduler="exponential", scheduler_arguments=arguments, scheduler_interval="epoch", settings="x"
    )
    rates = np.repeat(0.1 ** (np.arange(EPOCHS) / 4000), PER_EPOCH)
    found = diagnose(run(SETTLED, facts, more={"lr": series(np.maximum(rates, 0.995))})).findings
    (one,) = [f for f in found if f.verdict is Verdict.SCHEDULE_NEVER_MOVED]
    assert "decay_steps=4000 epochs is 100× the run" in one.why
    assert "set decay_steps=40 (was 4000)" in one.advice and "40 epochs" in one.advice
