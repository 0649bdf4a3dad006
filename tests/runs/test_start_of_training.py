"""The loss that training starts from is recorded once, and measuring it changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lrscope.training import build
from lrscope.training.callbacks.evaluate_epochs import EvaluateEpochs
from lrscope.training.evaluation import evaluate
from lrscope.training.live_run import LOSS_START, SPREAD_START
from lrscope.training.measures import SpreadMeter
from lrscope.training.supported import loss_of
from runs.single_runs import compose_config, train_whole, train_with_stops

RUN = ("dataset=blobs", "batch_size=200", "model.hidden=[6]", "model.dropout=0.3", "model.batch_norm=true", "epochs=2")


def initial(*overrides: str) -> tuple[float, float]:
    """Loss and output spread of the untrained network over the whole training part."""
    cfg = compose_config(*overrides)
    data = build.source(cfg).data
    assert data is not None
    build.seed_everything(cfg.seed)
    network = build.network(cfg, data).eval()
    with torch.no_grad():
        answers = network(data.train.inputs)
    spread = SpreadMeter()
    spread.add(answers)
    return float(loss_of(data.task)(answers, data.train.targets)), float(spread.value())


@pytest.mark.parametrize("stops", [[], [1], [7, 2]])
def test_is_that_of_the_initial_network_however_often_the_run_is_resumed(tmp_path: Path, stops: list[int]) -> None:
    points = train_with_stops(tmp_path, stops, *RUN).points
    for name, value in zip((LOSS_START, SPREAD_START), initial(*RUN), strict=True):
        assert points[name] == [(0, pytest.approx(value, rel=1e-6))], name


def test_measuring_it_leaves_the_training_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(EvaluateEpochs, "on_train_start", lambda *_: None)
        whole = train_whole(tmp_path / "whole", *RUN)
    later = train_whole(tmp_path / "later", *RUN)
    assert all(torch.equal(value, later.weights[name]) for name, value in whole.weights.items())
    assert later.points.keys() - whole.points.keys() == {LOSS_START, SPREAD_START}


def test_an_evaluation_leaves_frozen_layers_in_evaluation_mode() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    network[1].eval()
    before = torch.get_rng_state()
    evaluate(network, [(torch.randn(5, 3, generator=torch.Generator()), torch.zeros(5, dtype=torch.int64))],
             torch.nn.functional.cross_entropy)  # fmt: skip
    assert [module.training for module in network] == [True, False, True]
    assert torch.equal(before, torch.get_rng_state())
