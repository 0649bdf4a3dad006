"""Sweeps stored as the contract says, written through the plain MlflowClient: real short trainings in numpy.

A softmax network on scikit-learn's digits, trained by Adam for many rates and seeds side by side.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from numpy.typing import NDArray

STEPS_PER_EPOCH = 10
BATCH = 64


@dataclass(frozen=True)
class Trained:
    """The curves of one training: metric name -> list of (step, value)."""

    rate: float
    seed: int
    curves: Mapping[str, Sequence[tuple[int, float]]]
    verdict: str
    why: str = ""
    status: str = "FINISHED"
    settings: Mapping[str, str] = field(default_factory=dict)


def train(rate: float, seed: int, epochs: int, hidden: int = 12) -> Trained:
    """A 64-hidden-10 network on digits under Adam; stops at the first loss that is not finite."""
    inputs, labels = _digits()
    x, y, x_val, y_val = inputs[:640], labels[:640], inputs[640:1000], labels[640:1000]
    random = np.random.default_rng(seed)
    weights = [
        random.normal(0, 0.18, (64, hidden)),
        np.zeros(hidden),
        random.normal(0, 0.4, (hidden, 10)),
        np.zeros(10),
    ]
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    curves: dict[str, list[tuple[int, float]]] = {
        key: []
        for key in ("train/loss", "train/loss_epoch", "train/loss_eval", "train/acc", "val/loss", "val/acc", "lr")
    }
    step = 0
    for _ in range(epochs):
        order = random.permutation(len(x))
        losses = []
        for batch in order.reshape(STEPS_PER_EPOCH, BATCH):
            loss, gradients = _loss_and_gradients(weights, x[batch], y[batch])
            curves["train/loss"].append((step, loss))
            losses.append(loss)
            for w, g, m, v in zip(weights, gradients, first, second, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                w -= rate * (m / (1 - 0.9 ** (step + 1))) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8)
            step += 1
        curves["train/loss_epoch"].append((step - 1, float(np.mean(losses))))
        for part, (inputs_of, labels_of) in {"train": (x, y), "val": (x_val, y_val)}.items():
            loss, accuracy = _evaluate(weights, inputs_of, labels_of)
            curves["train/loss_eval" if part == "train" else "val/loss"].append((step - 1, loss))
            curves[f"{part}/acc"].append((step - 1, accuracy))
    curves["lr"] = [(0, rate), (step - 1, rate)]
    return Trained(rate, seed, curves, *_judged(curves))


def halved(run: Trained) -> Trained:
    """The same with a rate that is said to end at half: rates that stay what they are get no figure."""
    (first, rate), (last, _) = run.curves["lr"]
    return replace(run, curves={**run.curves, "lr": [(first, rate), (last, rate / 2)]})


def diverged(rate: float, seed: int, steps: int = 7) -> Trained:
    """A run whose loss ran away to inf and that was stopped there."""
    losses = [(step, 2.3 * 10 ** (step * 3.0)) for step in range(steps)] + [(steps, math.inf)]
    curves = {"train/loss": losses, "lr": [(0, rate), (steps, rate)]}
    return Trained(rate, seed, curves, "diverged", "train loss was not finite at step 7", "FAILED")


def _judged(curves: Mapping[str, Sequence[tuple[int, float]]]) -> tuple[str, str]:
    losses = [value for _, value in curves["train/loss_eval"]]
    start = curves["train/loss"][0][1]
    if losses[-1] > 0.95 * start or curves["val/acc"][-1][1] < 0.13:
        return "collapsed", f"train loss {losses[-1]:.3f} after {len(losses)} epochs, {start:.3f} at the start"
    if losses[len(losses) // 2] - losses[-1] > 0.2 * (start - losses[-1]):
        return "too slow", f"train loss {losses[-1]:.3f} still falls"
    return "trained", f"train loss fell from {start:.3f} to {losses[-1]:.3f}"


def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data / 16.0, data.target


def _forward(weights: Sequence[NDArray[np.float64]], x: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    logits = hidden @ weights[2] + weights[3]
    logits = logits - logits.max(1, keepdims=True)
    return hidden, logits - np.log(np.exp(logits).sum(1, keepdims=True))


def _loss_and_gradients(
    weights: Sequence[NDArray[np.float64]], x: NDArray[np.float64], y: NDArray[np.int64]
) -> tuple[float, list[NDArray[np.float64]]]:
    hidden, log_shares = _forward(weights, x)
    error = np.exp(log_shares)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = (error @ weights[2].T) * (hidden > 0)
    gradients = [x.T @ back, back.sum(0), hidden.T @ error, error.sum(0)]
    return float(-log_shares[np.arange(len(y)), y].mean()), gradients


def _evaluate(
    weights: Sequence[NDArray[np.float64]], x: NDArray[np.float64], y: NDArray[np.int64]
) -> tuple[float, float]:
    log_shares = _forward(weights, x)[1]
    return float(-log_shares[np.arange(len(y)), y].mean()), float((log_shares.argmax(1) == y).mean())


def store_sweep(
    uri: str,
    runs: Sequence[Trained],
    *,
    experiment: str = "digits",
    axes: Sequence[str] = ("lr",),
    overrides: Sequence[str] = ("lr=1,0.01,0.0001",),
    planned: int | None = None,
    name: str | None = None,
    params: Mapping[str, str] | None = None,
    artifacts: str | None = None,
) -> tuple[str, list[str]]:
    """Write the sweep as lrscope would; the parent's run id and the members' in the order given.

    Artifacts of a new experiment go beside a local database where no place is given: MLflow would take the working
    folder.
    """
    if artifacts is None and uri.startswith("sqlite:///"):
        artifacts = (Path(uri.removeprefix("sqlite:///")).parent / "mlruns").as_uri()
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment, artifact_location=artifacts)
    tags = {
        "lrscope.kind": "sweep",
        "lrscope.axes": json.dumps(list(axes)),
        "lrscope.overrides": json.dumps(list(overrides)),
        "lrscope.planned": str(planned if planned is not None else len(runs)),
    }
    parent = client.create_run(experiment_id, run_name=name or f"{' '.join(axes)} × {len(runs)}", tags=tags)
    members = [_store_member(client, experiment_id, parent.info.run_id, run, axes, params or {}) for run in runs]
    client.set_terminated(parent.info.run_id, "FINISHED")
    return parent.info.run_id, members


def _store_member(
    client: MlflowClient, experiment_id: str, parent: str, run: Trained, axes: Sequence[str], params: Mapping[str, str]
) -> str:
    settings = {"lr": f"{run.rate:g}", "seed": str(run.seed), **run.settings}
    tags = {"lrscope.kind": "member", "mlflow.parentRunId": parent, "lrscope.sweep": parent}
    if run.status in ("FINISHED", "FAILED"):
        tags |= {"lrscope.verdict": run.verdict, "lrscope.why": run.why}
    made = client.create_run(experiment_id, run_name=",".join(f"{axis}={settings[axis]}" for axis in axes), tags=tags)
    run_id = str(made.info.run_id)
    now = int(time.time() * 1000)
    points = [Metric(key, value, now, step) for key, curve in run.curves.items() for step, value in curve]
    points.append(Metric("peak_lr", run.rate, now, 0))
    pairs = {"dataset.name": "digits", "epochs": "10", **settings, **params}
    client.log_batch(run_id, params=[Param(key, value) for key, value in pairs.items()])
    for start in range(0, len(points), 1000):
        client.log_batch(run_id, metrics=points[start : start + 1000])
    if run.status != "RUNNING":
        client.set_terminated(run_id, run.status)
    client.log_batch(run_id, tags=[RunTag("mlflow.note.content", run.why or "no note")])
    return run_id
