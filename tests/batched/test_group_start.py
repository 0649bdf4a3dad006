"""What the members of a stack start from is recorded once for each, with the value of its single run."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_group_record import DOUBLE, config
from test_group_resume import Signal, _jobs, _together

from lrscope.core.job import Job
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.run import run
from lrscope.training.live_run import LOSS_START, SPREAD_START


@pytest.mark.parametrize("stopped_after", [None, 2, 14])
def test_every_member_starts_from_what_it_starts_from_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int | None
) -> None:
    signal = Signal(monkeypatch)
    cfgs = [config(tmp_path, DOUBLE, "model.dropout=0.2", lr=1e-2, seed=seed) for seed in range(3)]
    outcomes = []
    if stopped_after is not None:
        outcomes = _together([cfg.copy() for cfg in cfgs], _jobs(tmp_path), signal, stopped_after)
        assert {outcome.status for outcome in outcomes} == {"KILLED"}
    _together([cfg.copy() for cfg in cfgs], _jobs(tmp_path, outcomes), signal, None)
    for number, cfg in enumerate(cfgs):
        run(
            config(tmp_path / "alone", DOUBLE, "model.dropout=0.2", lr=1e-2, seed=cfg.seed), Job(tmp_path / "alone", ())
        )
        mine, single = (Trace.load(place / TRACE).series for place in (tmp_path / str(number), tmp_path / "alone"))
        for name in (LOSS_START, SPREAD_START):
            assert mine[name].steps.tolist() == single[name].steps.tolist() == [0], name
            assert mine[name].values.tolist() == pytest.approx(single[name].values.tolist(), rel=1e-9), name
