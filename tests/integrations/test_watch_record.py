"""Where a watched training is recorded: MLflow's active run, a run of its own, or nowhere."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
import torch
from mlflow import MlflowClient
from torch import nn

import lrscope


def diverge(**more: object) -> lrscope.Watch:
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    x = torch.randn(16, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=50.0)
    with lrscope.watch(model, optimizer, every=1, **more) as w:  # type: ignore[arg-type]
        for _ in range(40):
            loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss)
    return w


def test_into_the_active_run_whose_status_stays_its_owners(
    store_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{store_project}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as run:
            mlflow.set_tag("mlflow.note.content", "mine")
            w = diverge()
            assert MlflowClient().get_run(run.info.run_id).info.status == "RUNNING"
    finally:
        mlflow.set_tracking_uri("")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    stored = MlflowClient(uri).get_run(run.info.run_id)
    assert stored.info.status == "FINISHED" and w.run_id == run.info.run_id
    assert stored.data.tags["lrscope.verdict"] == "diverged" and stored.data.tags["mlflow.note.content"] == "mine"
    history = MlflowClient(uri).get_metric_history(run.info.run_id, "grad_norm")
    assert [point.step for point in history] == w.trace.get("grad_norm").steps.tolist()
    assert lrscope.diagnose(run.info.run_id, uri).why == w.diagnosis.why


def test_into_a_run_of_its_own(store_project: Path) -> None:
    w = diverge(record="own", name="mine", experiment="loops")
    uri = f"sqlite:///{store_project}/mlflow.db"
    stored = MlflowClient(uri).get_run(w.run_id)
    assert stored.info.status == "FAILED" and stored.info.run_name == "mine"
    assert MlflowClient(uri).get_experiment(stored.info.experiment_id).name == "loops"
    assert stored.data.tags["lrscope.verdict"] == "diverged" and "lr" in stored.data.metrics
    assert lrscope.diagnose(w.run_id).why == w.diagnosis.why


def test_nowhere_without_an_active_run(store_project: Path) -> None:
    before = sorted(store_project.rglob("*"))
    assert diverge().run_id == ""
    assert sorted(store_project.rglob("*")) == before
