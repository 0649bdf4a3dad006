"""Sweeps whose members have models, in a store, and what its registry says of them."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

from lrscope.tracking.mlflow_store.model_package import save_model
from lrscope.tracking.mlflow_store.store import quiet
from stored_sweeps import Trained, store_sweep, train


def give_model(uri: str, run_id: str) -> str:
    """Log a small network as a run's model, as its record does."""
    client = MlflowClient(uri)
    run = client.get_run(run_id)
    with tempfile.TemporaryDirectory() as folder, quiet():  # MLflow warns of its own type hints
        save_model(torch.nn.Linear(3, 2), torch.zeros(2, 3), Path(folder) / "model")
        model = client.create_logged_model(run.info.experiment_id, name="model", source_run_id=run_id)
        client.log_model_artifacts(model.model_id, f"{folder}/model")
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def sweep_with_models(uri: str, runs: list[Trained], **named: object) -> tuple[str, list[str]]:
    """The parent's id and the members', each with a model."""
    parent, members = store_sweep(uri, runs, **named)  # type: ignore[arg-type]
    for member in members:
        give_model(uri, member)
    return parent, members


def champion(uri: str, name: str, alias: str = "champion") -> str | None:
    """The run that the alias of a name leads to."""
    client = MlflowClient(uri)
    number = client.get_registered_model(name).aliases.get(alias)
    return str(client.get_model_version(name, str(number)).run_id) if number is not None else None


def with_losses(rate: float, seed: int, *losses: float) -> Trained:
    """A run that trained to these validation losses, one an epoch."""
    made = train(rate, seed, 3)
    steps = [step for step, _ in made.curves["val/loss"]]
    worked = list(zip(steps, losses, strict=True))
    return replace(made, curves={**made.curves, "val/loss": worked}, verdict="trained")


def seeds(*lasts: float) -> list[Trained]:
    """One rate, a seed for each loss, which every run has at its best and at its end."""
    return [with_losses(0.01, seed, 1.0, 0.8, last) for seed, last in enumerate(lasts)]
