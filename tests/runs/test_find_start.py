"""The copies of a find are what runs at these rates would be, for as far as they go."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.probe.copies import SingleCopies
from lrscope.probe.horizon_plan import Branch, HorizonPlan, plan_horizons
from lrscope.probe.horizons import to_horizons
from lrscope.runs.find_start import FindStart, find_start
from lrscope.runs.prepare import prepare
from lrscope.runs.run import run
from runs.single_runs import compose_config

BASE = ("dataset=blobs", "model.hidden=[6]", "trainer=cpu", "trainer.precision=64-true", "tracking.mode=offline",
        "batch_size=100", "epochs=20", "callbacks.look_ahead=false")  # fmt: skip
"""240 updates."""
RATES = (0.01, 0.1, 1.0, 1e30)


def start_of(tmp_path: Path, *words: str) -> FindStart:
    cfg = compose_config(*BASE, *words, f"tracking.spool={tmp_path / 'spool'}")
    return find_start(prepare(cfg, Job(tmp_path / "start", ())))


def final(tmp_path: Path, *words: str) -> Outcome:
    cfg = compose_config(*BASE, *words, f"tracking.spool={tmp_path / 'spool'}")
    return run(cfg, Job(tmp_path / "job", ()))


def test_a_constant_rate_is_cooled_down_at_each_horizon() -> None:
    """Of 1,000 updates 60, 120 and 240: 48 at the full rate and 12 that fall, 96 and 24, 192 and 48. Together 192 on
    the way that they share, and 84 beside it: 276, below 30%.
    """
    plan = plan_horizons(RATES, 1000, None)
    assert plan is not None
    assert [(b.start, len(b.shares), b.updates) for b in plan.branches] == [(48, 12, 60), (96, 24, 120), (192, 48, 240)]
    assert plan.branches[0].shares[0] == pytest.approx(1 - 0.5 / 12) and plan.branches[0].shares[-1] > 0
    assert plan.cost == 192 + 12 + 24 + 48 <= 300


def test_a_schedule_is_squeezed_into_each_horizon() -> None:
    """A line from 1 to 0 over 1,000 updates is one over 42, 85 and 170: 297 updates in all."""
    plan = plan_horizons(RATES, 1000, [1 - step / 1000 for step in range(1000)])
    assert plan is not None and plan.cost == 42 + 85 + 170
    assert [b.start for b in plan.branches] == [0, 0, 0]
    assert plan.branches[0].shares[0] == pytest.approx(1 - 0.5 / 42, abs=1e-3)
    assert plan.branches[0].shares[21] == pytest.approx(1 - 21.5 / 42, abs=1e-3)


def test_a_run_may_be_too_short() -> None:
    assert plan_horizons(RATES, 100, None) is None and plan_horizons(RATES, 140, None) is not None


def test_a_copy_is_where_a_run_at_its_rate_ends(tmp_path: Path) -> None:
    start = start_of(tmp_path, "optimizer=adam")
    records = to_horizons(start.start, HorizonPlan((0.01, 0.1), (Branch(240, ()),)), "lr", lambda: None)
    assert records is not None
    for record in records:
        whole = final(tmp_path / str(record.rate), "optimizer=adam", f"lr={record.rate}")
        assert record.ends == pytest.approx([whole.final["val/loss"]], rel=1e-9)


def test_the_way_to_a_horizon_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    """To cool down and to come back leaves the way that is shared as it was."""
    start = start_of(tmp_path, "optimizer=sgd", "optimizer.momentum=0.9").start
    branches = (Branch(20, (0.5, 0.1)), Branch(40, (0.6, 0.3, 0.1)))
    both = to_horizons(start, HorizonPlan(RATES, branches), "lr", lambda: None)
    last = to_horizons(start, HorizonPlan(RATES, branches[1:]), "lr", lambda: None)
    assert both is not None and last is not None
    assert [own.ends[-1] for own in both] == pytest.approx([own.ends[-1] for own in last], rel=1e-9)
    assert [len(own.losses) for own in both[:3]] == [43, 43, 43]


def test_copies_one_by_one_come_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = start_of(tmp_path, "optimizer=adam").start
    plan = HorizonPlan(RATES, (Branch(10, (0.5, 0.2)), Branch(30, (0.5, 0.2))))
    together = to_horizons(start, plan, "lr", lambda: None)
    monkeypatch.setattr("lrscope.probe.horizons.copies_of", SingleCopies)
    alone = to_horizons(start, plan, "lr", lambda: None)
    assert together is not None and alone is not None
    for one, other in zip(together, alone, strict=True):
        assert one.ends == pytest.approx(other.ends, rel=1e-7) and one.start == pytest.approx(other.start)


def test_a_copy_that_diverges_is_dropped_and_stays_inf(tmp_path: Path) -> None:
    start = start_of(tmp_path, "optimizer=sgd").start
    records = to_horizons(start, HorizonPlan(RATES, (Branch(10, (0.1,)), Branch(20, (0.1,)))), "lr", lambda: None)
    assert records is not None
    assert records[-1].ends == [math.inf, math.inf] and all(map(math.isfinite, records[0].ends))


def test_a_signal_ends_it(tmp_path: Path) -> None:
    assert to_horizons(start_of(tmp_path).start, HorizonPlan(RATES, (Branch(10, ()),)), "lr", lambda: 2) is None


def test_random_numbers_are_left_as_they_were(tmp_path: Path) -> None:
    start = start_of(tmp_path).start
    torch.manual_seed(3)
    before = torch.get_rng_state()
    to_horizons(start, HorizonPlan(RATES, (Branch(10, ()),)), "lr", lambda: None)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_rate_of_a_schedule_is_its_peak(tmp_path: Path) -> None:
    """A warm-up over a fifth, then a cosine: the highest share is 1, whatever the rate."""
    start = start_of(tmp_path, "scheduler=warmup_cosine")
    shares = start.plan.branches[-1].shares
    assert max(shares) == pytest.approx(1, abs=0.02) and shares[0] < 0.5 and shares[-1] < 0.1
    assert start.plan.branches[-1].start == 0
    constant = start_of(tmp_path / "other", "scheduler=constant")
    assert constant.plan.branches[-1].start > 0


def test_each_key_changes_the_rates(tmp_path: Path) -> None:
    rates = start_of(tmp_path, "find=on", "find.low=1e-4", "find.high=1", "find.copies=9").plan.rates
    assert rates == (1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 0.1, 0.316, 1)


def test_what_cannot_be_told_from_copies_is_refused(tmp_path: Path) -> None:
    for words, said in (
        (("epochs=2",), "24 updates is too short"),
        (("+optimizer.groups.bias={match:'*.bias',lr_factor:2}",), "groups have several"),
        (("callbacks.extra=[{_target_: pytorch_lightning.callbacks.LambdaCallback}]",), "trains copies of a network"),
    ):
        with pytest.raises(InputError, match=said):
            start_of(tmp_path / said[:4], *words)
