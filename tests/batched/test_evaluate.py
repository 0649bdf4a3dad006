"""Whole parts are evaluated for every member as for one alone."""

from __future__ import annotations

import pytest
import torch
from both_ways import cast, data, make_member, member_config

from lrscope.batched.model import evaluate_members as together_evaluate
from lrscope.batched.model.batched_trainer import BatchedTrainer
from lrscope.batched.model.evaluate_members import evaluate
from lrscope.training.evaluation import chunks
from lrscope.training.evaluation import evaluate as evaluate_alone
from lrscope.training.supported import loss_of


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("dataset", "model"), [("digits", "mlp"), ("digits", "cnn"), ("line", "linear")])
def test_evaluations_are_those_of_the_solo_run(dataset: str, model: str, dtype: torch.dtype) -> None:
    of = data(dataset, "batch_size=null")
    cfgs = [
        member_config(1, 1, f"dataset={dataset}", "batch_size=null", f"model={model}", seed=seed) for seed in range(3)
    ]
    members = [make_member(cfg, of, dtype) for cfg in cfgs]
    learner, part, loss = BatchedTrainer(members, loss_of(of.task)), cast(of.train, dtype), loss_of(of.task)
    together = evaluate(learner.forward, part, loss)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for row, member in enumerate(members):
        alone = evaluate_alone(member.network, chunks(part), loss)
        assert together.loss[row] == pytest.approx(alone.loss, rel=tolerance)
        assert together.output_spread[row] == pytest.approx(alone.output_spread, rel=tolerance, abs=tolerance)
        assert (together.accuracy[row] if together.accuracy else None) == alone.accuracy


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [make_member(member_config(1, 1, seed=seed), data(), torch.float64) for seed in range(2)]
    learner, part = BatchedTrainer(members, loss_of("classification")), cast(data().train, torch.float64)
    whole = evaluate(learner.forward, part, loss_of("classification"))
    monkeypatch.setattr(together_evaluate, "PIECE_BYTES", 64 * 8 * 100)
    pieces = evaluate(learner.forward, part, loss_of("classification"))
    assert pieces.accuracy == whole.accuracy
    assert pieces.loss == pytest.approx(whole.loss, rel=1e-12)
    assert pieces.output_spread == pytest.approx(whole.output_spread, rel=1e-9)
