"""Trains one network at many rates as one batched model, and records what a run's report is made from."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from corpus_parts.networks import _ACTIVATIONS
from corpus_parts.problems import Problem, problem
from torch import nn

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.evaluate_members import evaluate
from lrscope.core.run_facts import RunFacts
from lrscope.core.trace import Series, Trace
from lrscope.datasets.data import Part
from lrscope.training.supported import loss_of
from recommendation_parts.sweep_cases import MOST_STEPS, SweepCase

MOST_EXAMPLES = 400


def train_rates(case: SweepCase, rates: Sequence[float], seed: int, whole: bool = True) -> list[Trace]:
    """One trace a rate: all start with the weights of the seed and see the data in its order.

    Args:
        whole: also what a verdict needs; else the validation loss alone.
    """
    data = problem(case.problem, case.data_seed)
    assert data.val_inputs is not None and data.val_targets is not None
    train = Part(data.inputs[:MOST_EXAMPLES], data.targets[:MOST_EXAMPLES])
    val = Part(data.val_inputs, data.val_targets)
    loss = loss_of("classification" if data.classes else "regression")
    torch.manual_seed(seed)
    first = network(case, data)
    trainer = BatchedTrainer([member(case, copy.deepcopy(first), rate) for rate in rates], loss)
    size = min(case.batch_size, len(train))
    per_epoch = math.ceil(len(train) / size)
    epochs = max(2, min(case.epochs, MOST_STEPS // per_epoch))
    steps = epochs * per_epoch
    kept = [{"train/loss": [(0, value)]} for value in evaluate(trainer.forward, train, loss).loss]
    for epoch in range(epochs):
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(1_000_003 * seed + epoch))
        for number, batch in enumerate(order.split(size)):
            share = share_of(case.schedule, epoch * per_epoch + number, steps)
            trainer.at_rates([rate * share for rate in rates])
            trainer.gather(train.inputs[batch], train.targets[batch], own=False)
            trainer.update()
        for name, part in (("train", train), ("val", val)) if whole else (("val", val),):
            seen = evaluate(trainer.forward, part, loss)
            at = (epoch + 1) * per_epoch - 1
            for row, curves in enumerate(kept):
                curves.setdefault("train/loss_eval" if name == "train" else "val/loss", []).append((at, seen.loss[row]))
                if seen.accuracy is not None:
                    curves.setdefault(f"{name}/acc", []).append((at, seen.accuracy[row]))
                if name == "train":
                    curves.setdefault("output_spread", []).append((at, seen.output_spread[row]))
    for rate, curves in zip(rates if whole else (), kept, strict=False):
        shown = range(steps) if case.schedule == "cosine" else (0, steps - 1)
        curves["lr"] = [(step, rate * share_of(case.schedule, step, steps)) for step in shown]
    return [_trace(case, data, rate, curves, steps, per_epoch) for rate, curves in zip(rates, kept, strict=True)]


def network(case: SweepCase, data: Problem) -> nn.Sequential:
    layers: list[nn.Module] = []
    width = data.inputs.shape[1]
    for units in case.hidden:
        layers += [nn.Linear(width, units), _ACTIVATIONS[case.activation]()]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, data.classes or 1))


def member(case: SweepCase, network: nn.Module, rate: float) -> Member:
    if case.optimizer == "adam":
        return Member(network, torch.optim.Adam(network.parameters(), lr=rate))
    momentum = 0.9 if case.optimizer == "momentum" else 0.0
    return Member(network, torch.optim.SGD(network.parameters(), lr=rate, momentum=momentum))


def share_of(schedule: str, step: int, steps: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * step / steps)) if schedule == "cosine" else 1.0


def _trace(
    case: SweepCase, data: Problem, rate: float, curves: dict[str, list[tuple[int, float]]], steps: int, per_epoch: int
) -> Trace:
    series = {
        name: Series(np.array([s for s, _ in points], np.int64), np.array([v for _, v in points]))
        for name, points in curves.items()
    }
    facts = RunFacts(
        peak_lr=rate,
        optimizer="Adam" if case.optimizer == "adam" else "SGD",
        momentum=0.9 if case.optimizer == "momentum" else 0.0,
        scheduler=case.schedule,
        planned_steps=steps,
        steps_per_epoch=per_epoch,
        task="classification" if data.classes else "regression",
        class_shares=data.shares,
        batch_size=case.batch_size,
        examples=min(len(data.inputs), MOST_EXAMPLES),
        constant_loss=data.constant_loss,
    )
    return Trace(series, facts)
