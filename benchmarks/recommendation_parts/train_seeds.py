"""Trains one network at many rates with many seeds as one batched model: what a rate brings on average."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from corpus_parts.problems import problem
from numpy.typing import NDArray

from lrscope.batched.model.batched_trainer import BatchedTrainer
from lrscope.batched.model.evaluate_members import evaluate
from lrscope.datasets.data import Part
from lrscope.training.supported import loss_of
from recommendation_parts.sweep_cases import MOST_STEPS, SweepCase
from recommendation_parts.train_rates import MOST_EXAMPLES, member, network, share_of


def train_seeds(case: SweepCase, rates: Sequence[float], seeds: Sequence[int]) -> NDArray[np.float64]:
    """The validation losses [seeds, rates, epochs] of the runs that ``train_rates`` makes seed by seed."""
    data = problem(case.problem, case.data_seed)
    assert data.val_inputs is not None and data.val_targets is not None
    train = Part(data.inputs[:MOST_EXAMPLES], data.targets[:MOST_EXAMPLES])
    val = Part(data.val_inputs, data.val_targets)
    loss = loss_of("classification" if data.classes else "regression")
    members = []
    for seed in seeds:
        torch.manual_seed(seed)
        first = network(case, data)
        members += [member(case, copy.deepcopy(first), rate) for rate in rates]
    trainer = BatchedTrainer(members, loss)
    size = min(case.batch_size, len(train))
    per_epoch = math.ceil(len(train) / size)
    epochs = max(2, min(case.epochs, MOST_STEPS // per_epoch))
    found = []
    for epoch in range(epochs):
        generators = [torch.Generator().manual_seed(1_000_003 * seed + epoch) for seed in seeds]
        orders = torch.stack([torch.randperm(len(train), generator=generator) for generator in generators])
        for number, batch in enumerate(orders.split(size, dim=1)):
            share = share_of(case.schedule, epoch * per_epoch + number, epochs * per_epoch)
            trainer.at_rates([rate * share for _ in seeds for rate in rates])
            own = batch.repeat_interleave(len(rates), dim=0)
            trainer.gather(train.inputs[own], train.targets[own], own=True)
            trainer.update()
        found.append(np.array(evaluate(trainer.forward, val, loss).loss).reshape(len(seeds), len(rates)))
    return np.stack(found, axis=2)
