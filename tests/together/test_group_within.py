"""A member of a stack is evaluated within its epochs where it would be alone, to the same values."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_group_record import DOUBLE, config
from test_group_resume import Signal, _jobs, _together

from lrscope.callbacks.evaluate import LOSS_WITHIN
from lrscope.job import Job
from lrscope.record import TRACE
from lrscope.run import run
from lrscope.trace import Trace

MODEL = ("model.dropout=0.2", "model.batch_norm=true")


@pytest.mark.parametrize("stopped_after", [None, 14])
def test_every_member_is_evaluated_as_it_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int | None
) -> None:
    signal = Signal(monkeypatch)
    cfgs = [config(tmp_path, DOUBLE, *MODEL, lr=1e-2, seed=seed) for seed in range(3)]
    outcomes = []
    if stopped_after is not None:
        outcomes = _together([cfg.copy() for cfg in cfgs], _jobs(tmp_path), signal, stopped_after)
        assert {outcome.status for outcome in outcomes} == {"KILLED"}
    _together([cfg.copy() for cfg in cfgs], _jobs(tmp_path, outcomes), signal, None)
    for number, cfg in enumerate(cfgs):
        alone = tmp_path / "alone" / str(number)
        run(config(alone, DOUBLE, *MODEL, lr=1e-2, seed=cfg.seed), Job(alone, ()))
        mine, solo = (Trace.load(place / TRACE).series[LOSS_WITHIN] for place in (tmp_path / str(number), alone))
        # 36 updates, 12 an epoch: behind ⌈36 k/32⌉ of them, but for the 12th, the 24th and the last
        ends = [-(-36 * k // 32) for k in range(1, 33)]
        assert mine.steps.tolist() == solo.steps.tolist() == [end - 1 for end in ends if end % 12]
        assert mine.values.tolist() == pytest.approx(solo.values.tolist(), rel=1e-9)


def test_accumulated_batches_and_a_member_that_diverges(tmp_path: Path) -> None:
    from test_group_record import assert_same_record, both

    more = (DOUBLE, "optimizer=sgd", "trainer.accumulate_grad_batches=3")
    cfgs = [config(tmp_path, *more, lr=lr) for lr in (1e8, 1e-2)]
    for number, (solo, mine) in enumerate(both(cfgs, tmp_path)):
        assert_same_record(tmp_path, number, 1e-9)
        assert mine.verdict == solo.verdict
    assert LOSS_WITHIN in Trace.load(tmp_path / "together" / "1" / TRACE).series
